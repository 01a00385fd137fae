"""The names that a shell completes, read in a hurry: somebody waits for them with a finger on the key.

Nothing of the application is loaded, and nothing is read whole that need not be: of the kept copies of registries,
whose rows begin with a name, no entry is made. ``tests/test_completion.py`` holds what is found here to what the
application knows.
"""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COMMAND = "_complete"
"""What a completion script calls: ``dynamic-plugins _complete KIND WORD [COMMAND LINE SO FAR…]``."""

_SNAPSHOT = Path(__file__).parent.parent / "registry" / "snapshot.json"
# A shell reads what is printed here; a stranger's name with anything else in it is left to be typed.
_PLAIN = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@/._:+-]*")
_SHARED_SECONDS = 0.0  # one try
_name_at = json.JSONDecoder().raw_decode


def main(words: Sequence[str]) -> int:
    """Print the names of a kind that begin with a word, one a line; nothing where something is not as it should be."""
    try:
        kind, begun, *line = words
        names = found(kind, begun, line)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0
    if names:
        print("\n".join(names))
    return 0


def found(kind: str, begun: str, line: Sequence[str]) -> list[str]:
    """Return the names of *kind* that begin with *begun*; *line* are the words of the command so far."""
    settings = Settings.from_environment(home=_option_in(line, "--home"), profile=_option_in(line, "--profile"))
    names = {name for name in _KINDS[kind](settings, line) if name.startswith(begun)}
    return sorted(name for name in names if _PLAIN.fullmatch(name))


def _option_in(line: Sequence[str], option: str) -> str | None:
    """Return the value of an *option*, such as the home, that the command line names."""
    for word, following in zip_longest(line, line[1:], fillvalue=""):
        if word == option and following:
            return following
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
    return None


def _plugins(settings: Settings) -> dict[str, Any]:
    if settings.state is not None:
        return _shared_plugins(settings)
    try:
        plugins = json.loads(settings.state_file.read_bytes())["plugins"]
    except FileNotFoundError:
        return {}
    seen = plugins
    if settings.profile is not None:
        seen = json.loads((settings.home / "profiles" / f"{settings.profile}.json").read_bytes())["plugins"]
    return {name: plugin for name, plugin in plugins.items() if name in seen and not plugin.get("leaving")}


def _shared_plugins(settings: Settings) -> dict[str, Any]:
    """Return what a state outside of the folder lists; nothing where that does not answer soon."""
    from dynamic_plugins.errors import PluginError
    from dynamic_plugins.storage.backend_choice import open_backend
    from dynamic_plugins.storage.profiles import Profiles

    try:
        backend = open_backend(settings, _SHARED_SECONDS)
        profile = settings.profile
        state = backend.state() if profile is None else Profiles(settings.home, backend).store(profile)
        plugins = state.read()
    except PluginError:
        return {}
    backend.close()
    return {name: plugin.to_dict() for name, plugin in plugins.items()}


def _installed(settings: Settings, _line: Sequence[str]) -> Iterator[str]:
    yield from _plugins(settings)


def _known(settings: Settings, line: Sequence[str]) -> Iterator[str]:
    yield from _installed(settings, line)
    for plugin in json.loads(_SNAPSHOT.read_bytes())["plugins"]:
        yield plugin["name"]
    for copy in sorted((settings.home / "registry").glob("*.entries")):
        with copy.open(encoding="ascii") as rows:
            next(rows, None)  # the facts about the copy
            for row in rows:
                yield _name_at(row, 1)[0]


def _actions(settings: Settings, line: Sequence[str]) -> Iterator[str]:
    """Yield the actions of the installed plugin that the line names, as it offered them when it was last loaded."""
    plugins = _plugins(settings)
    named = next((word for word in reversed(line) if word in plugins), None)
    for offered in plugins[named].get("offers") or () if named else ():
        if offered["kind"] == "action":
            yield offered["name"]


_KINDS: dict[str, Callable[[Settings, Sequence[str]], Iterator[str]]] = {
    "known": _known,
    "installed": _installed,
    "actions": _actions,
}
