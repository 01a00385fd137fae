"""Completion in bash, zsh and fish: a script made from what can be typed, which asks us for the names of plugins.

``shtab`` makes the script from the parser, so that what can be typed is written down once. It is made when it is asked
for; afterwards only names cost a process, and a small one (``completion_names.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli.completion_names import COMMAND
from dynamic_plugins.cli.exit_codes import DONE, FAILED

if TYPE_CHECKING:
    import argparse

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings

SHELLS = ("bash", "zsh", "fish")
MISSING = "Completion needs the extra cli: pip install 'agent-dynamic-plugins[cli]'"

_ANY = {"install", "info", "resolve"}
"""Commands about plugins that need not be installed."""
_FILES = {"--path": "directory", "--home": "directory", "--registry": "file"}

_BASH = """
_dynamic_plugins_names() { dynamic-plugins %(command)s "$1" "$2" "${COMP_WORDS[@]}" 2>/dev/null; }
_dynamic_plugins_known() { _dynamic_plugins_names known "$1"; }
_dynamic_plugins_installed() { _dynamic_plugins_names installed "$1"; }
_dynamic_plugins_actions() { _dynamic_plugins_names actions "$1"; }
"""
# Readline may break words at @ and : too, which stand in names. The line is read anew by its spaces, and what stands
# before the part of a word that readline replaces ($2) is taken off again.
_BASH_ENTRY = """
_dynamic_plugins() {
  local COMP_CWORD prefix line="${COMP_LINE:0:COMP_POINT}"
  local -a COMP_WORDS
  read -ra COMP_WORDS <<< "$line"
  [[ "$line" == *[[:space:]] ]] && COMP_WORDS+=("")
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
  _shtab_dynamic_plugins
  prefix="${COMP_WORDS[COMP_CWORD]%"$2"}"
  COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}
complete -o bashdefault -F _dynamic_plugins dynamic-plugins
"""
_ZSH = """
_dynamic_plugins_names() {
  local -a names
  names=(${(f)"$(dynamic-plugins %(command)s $1 "$PREFIX" ${(Q)words} 2>/dev/null)"})
  compadd -a names
}
_dynamic_plugins_known() { _dynamic_plugins_names known }
_dynamic_plugins_installed() { _dynamic_plugins_names installed }
_dynamic_plugins_actions() { _dynamic_plugins_names actions }
"""
_FISH = """
function _dynamic_plugins_names
  dynamic-plugins %(command)s $argv[1] (commandline -ct) (commandline -opc) 2>/dev/null
end
"""
_PREAMBLES = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


async def completion(arguments: argparse.Namespace, _settings: Settings, out: Output) -> int:
    """``completion``: print the script of a shell."""
    try:
        script = script_for(arguments.shell)
    except ImportError:
        out.aside(MISSING)
        return FAILED
    if out.as_json:
        out.document({"ok": True, "shell": arguments.shell, "script": script})
    else:
        out.script(script)
    return DONE


def script_for(shell: str) -> str:
    """Return the script. Raises ImportError where the extra is missing."""
    import shtab

    from dynamic_plugins.cli.parser import parser

    made = parser()
    _mark(made)
    preamble = _PREAMBLES[shell] % {"command": COMMAND}
    script: str = shtab.complete(made, shell, preamble=preamble)
    return script + (_BASH_ENTRY if shell == "bash" else "")


def _mark(made: argparse.ArgumentParser) -> None:
    """Tell shtab which arguments are the names of plugins, files or folders."""
    commands: Any = next(action.choices for action in made._actions if isinstance(action.choices, dict))
    _mark_files(made)
    for name, command in commands.items():
        _mark_files(command)
        for action in command._actions:
            is_name = action.metavar in ("NAME", "PLUGIN") and not action.option_strings and name != "model"
            if is_name or action.metavar == "ACTION":
                kind = "actions" if action.metavar == "ACTION" else "known" if name in _ANY else "installed"
                action.complete = {  # shtab's way to be told
                    "bash": f"_dynamic_plugins_{kind}",
                    "zsh": f"_dynamic_plugins_{kind}",
                    "fish": f"(_dynamic_plugins_names {kind})",
                }


def _mark_files(made: argparse.ArgumentParser) -> None:
    for action in made._actions:
        for option in action.option_strings:
            if option in _FILES:
                action.complete = _FILES[option]  # type: ignore[attr-defined]
