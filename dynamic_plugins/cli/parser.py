"""What can be typed: the commands and their options."""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import cache, partial
from typing import Any, NoReturn

from dynamic_plugins import __version__
from dynamic_plugins.cli.output import Output
from dynamic_plugins.errors import UsageError
from dynamic_plugins.settings import BUILT_IN, LOOPBACK, MODEL_SERVER_KINDS

SEARCH_LIMIT = 50
_PROJECT_FILE = "plugins.toml"
_ALLOW_UNLISTED = "with --yes: agree also to what no registry lists"
_NO_COOLDOWN = "also install what was published in the last seven days and nobody has verified"


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the parsed command.

    Wrong usage ends the program with exit code 2 and a message: one JSON document on standard output with ``--json``,
    wherever in *argv* it stands.
    """
    try:
        return parser().parse_args(argv)
    except UsageError as error:
        out = Output(as_json=any(len(word) > 2 and "--json".startswith(word) for word in argv))
        if not out.as_json:
            print(error.usage, file=sys.stderr, end="")
        raise SystemExit(out.wrong_usage(str(error))) from None


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit, so that ``--json`` holds for wrong usage too."""

    def __init__(self, **options: Any) -> None:
        # For each option argparse makes one of these, which would ask the terminal how wide it is.
        super().__init__(formatter_class=partial(argparse.HelpFormatter, width=_width()), **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", usage=self.format_usage())


@cache
def _width() -> int:
    """Return how wide argparse prints."""
    return shutil.get_terminal_size().columns - 2


def parser() -> argparse.ArgumentParser:
    """Return what reads a command line."""
    made = _Parser(
        prog="dynamic-plugins", description="Find, install, use and unload plugins for an LLM agent, in a conversation."
    )
    made.add_argument("--version", action="version", version=f"dynamic-plugins {__version__}")
    _global_options(made, main=True)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _finding(commands)
    _lifecycle(commands)
    _versions(commands)
    _projects(commands)
    _using(commands)
    _talking(commands)
    _models(commands)
    _serving(commands)
    _clients(commands)
    return made


def _global_options(parser: argparse.ArgumentParser, *, main: bool = False) -> None:
    """Options that may stand before or after the command; after it they must not reset what stood before."""

    def default(value: Any) -> Any:
        return value if main else argparse.SUPPRESS

    add = parser.add_argument
    add("--home", default=default(None), metavar="DIR", help="where plugins and state are kept")
    add(
        "--profile",
        default=default(None),
        metavar="NAME",
        help="see only the plugins of this profile (default: $DYNAMIC_PLUGINS_PROFILE, else all)",
    )
    add(
        "--registry",
        action="append",
        default=default([]),
        metavar="FILE_OR_URL",
        help="use this registry instead of the configured ones (may be repeated)",
    )
    add("--json", action="store_true", default=default(False), help="print one JSON document and nothing else")
    add("--verbose", action="store_true", default=default(False), help="show logs and tracebacks on standard error")


_CODE_MODE = "offer the model one tool that runs programs, in place of the plugins' own"


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="NAME", help=f"the model's name, or {BUILT_IN} (default: $DYNAMIC_PLUGINS_MODEL)"
    )
    parser.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible endpoint (default: $OPENAI_BASE_URL)")


def _command(commands: Any, name: str, help_text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    _global_options(parser)
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _limit(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if not 1 <= value <= SEARCH_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {SEARCH_LIMIT}")
    return value


def _finding(commands: Any) -> None:
    search = _command(commands, "list", "search the registry")
    search.add_argument("query", nargs="*", help="what the plugin should be able to do, or part of its name")
    search.add_argument("--limit", type=_limit, metavar="N", help="how many to show (default 8)")
    search.add_argument("--stdin", action="store_true", help='read one JSON {"query"} a line, answer one a line')
    resolve = _command(commands, "resolve", "tell what a name means")
    resolve.add_argument("names", nargs="*", metavar="NAME")
    resolve.add_argument("--stdin", action="store_true", help='read one JSON {"query"} a line, answer one a line')
    info = _command(commands, "info", "show all about one plugin")
    info.add_argument("name", metavar="NAME")
    status = _command(commands, "status", "show installed plugins")
    status.add_argument("name", nargs="?", metavar="NAME")
    status.add_argument("--watch", action="store_true", help="show it again whenever it changes, until Ctrl-C")
    profile = _command(commands, "profile", "list, make or remove profiles: each sees some of the home's plugins")
    profile.add_argument("verb", choices=["list", "make", "remove"])
    profile.add_argument("name", nargs="?", metavar="PROFILE")
    profile.add_argument("plugins", nargs="*", metavar="NAME", help="make: the installed plugins that are seen in it")
    sources = _command(commands, "registry", "list, add, remove, refresh or trust registries")
    sources.add_argument("verb", choices=["list", "add", "remove", "refresh", "trust"])
    sources.add_argument("values", nargs="*", metavar="NAME|ADDRESS")


def _lifecycle(commands: Any) -> None:
    install = _command(commands, "install", "install plugins")
    install.add_argument("names", nargs="*", metavar="NAME")
    install.add_argument("--plugin-version", "--version", dest="plugin_version", metavar="V", help="an exact version")
    install.add_argument("--no-cooldown", action="store_true", help=_NO_COOLDOWN)
    install.add_argument("--remote", action="store_true", help="use it where it runs, though it could run here")
    install.add_argument("--path", metavar="DIR", help="install from a folder or a wheel on this machine")
    install.add_argument("--editable", action="store_true", help="use the folder where it lies; see reload")
    install.add_argument("--activate", action="store_true", help="switch it on as well, with one question for both")
    _consent(install, "agree without being asked")
    configure = _command(commands, "configure", "set what a plugin must be told; asks for what is missing")
    configure.add_argument("name", nargs="?", metavar="NAME")
    configure.add_argument("values", nargs="*", metavar="KEY=VALUE", help="a value; what is missing is asked for")
    configure.add_argument("--undeclared", action="store_true", help="also set what the plugin does not declare")
    configure.add_argument(
        "--from-env",
        nargs="*",
        metavar="KEY",
        help="take what the plugin declares from the environment, and each KEY: what only its source mentions is named",
    )
    _signing_in(commands)
    _permissions(commands)
    for verb, help_text in {
        "load": "start plugins and learn what they offer",
        "activate": "switch plugins on (loads what is not loaded)",
        "deactivate": "switch plugins off",
        "reload": "start plugins' code anew, as it is now in an editable folder",
        "unload": "end plugins' processes; they stay installed",
        "uninstall": "remove plugins and what they were told",
    }.items():
        parser = _command(commands, verb, help_text)
        parser.add_argument("names", nargs="+", metavar="NAME")
        if verb == "uninstall":
            parser.add_argument("--keep-configuration", action="store_true", help="keep what the plugin was told")
        if verb in {"load", "activate", "reload"}:
            # Whoever types the command has agreed already: it is there for scripts that give it to every command.
            parser.add_argument("--yes", action="store_true", help="agree without being asked, as typing it does")


def _versions(commands: Any) -> None:
    update = _command(commands, "update", "install another version and swap it in, once it has shown that it loads")
    update.add_argument("names", nargs="*", metavar="NAME")
    update.add_argument("--all", action="store_true", help="every plugin that has a newer version and is not pinned")
    update.add_argument("--version", dest="plugin_version", metavar="V", help="an exact version")
    outdated = _command(commands, "outdated", "show which plugins have a newer version; exit code 1 where some have")
    outdated.add_argument("names", nargs="*", metavar="NAME")
    rollback = _command(commands, "rollback", "go back to the version before; without a NAME, show where there is one")
    rollback.add_argument("names", nargs="*", metavar="NAME")
    rollback.add_argument("--yes", action="store_true", help="agree without being asked, also to what it reaches more")
    pin = _command(commands, "pin", "keep a plugin at its version: nothing updates it")
    pin.add_argument("name", metavar="NAME")
    pin.add_argument("plugin_version", nargs="?", metavar="VERSION", help="the version to bring it to first")
    unpin = _command(commands, "unpin", "let plugins be updated again")
    unpin.add_argument("names", nargs="+", metavar="NAME")
    for parser in (update, outdated, pin):
        parser.add_argument("--no-cooldown", action="store_true", help=_NO_COOLDOWN)
    for parser in (update, pin):
        _consent(parser, "agree without being asked")


def _signing_in(commands: Any) -> None:
    login = _command(commands, "login", "sign in at the server of a remote plugin")
    login.add_argument("name", metavar="NAME")
    login.add_argument(
        "--no-browser",
        action="store_true",
        help="open none: the address is printed, and what the browser ends at is pasted or piped in",
    )
    logout = _command(commands, "logout", "forget a sign-in, here and at the server")
    logout.add_argument("name", metavar="NAME")


def _consent(parser: argparse.ArgumentParser, yes: str) -> None:
    parser.add_argument("--yes", action="store_true", help=yes)
    parser.add_argument("--allow-unlisted", action="store_true", help=_ALLOW_UNLISTED)


def _permissions(commands: Any) -> None:
    parser = _command(commands, "permissions", "show what a plugin may reach; grant it more, or take that back")
    parser.add_argument("name", metavar="NAME")
    for verb, does in {"allow": "let it", "deny": "no longer let it"}.items():
        for kind, what, metavar in (
            ("network", "reach a host: api.example.org, api.example.org:443, *.example.org, any", "HOST"),
            ("read", "read a file or folder", "PATH"),
            ("write", "read and write a file or folder" if verb == "allow" else "write a file or folder", "PATH"),
            ("program", "start another program, such as git", "PROGRAM"),
        ):
            parser.add_argument(
                f"--{verb}-{kind}",
                action="append",
                default=[],
                metavar=metavar,
                help=f"{does} {what}; may be repeated",
            )


def _projects(commands: Any) -> None:
    init = _command(commands, "init", "write a plugins.toml with the plugins of this home")
    lock = _command(commands, "lock", "write down exactly what the plugins of plugins.toml come to, for every system")
    lock.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="lock these, or all, as they are now; else what is locked stays"
    )
    sync = _command(commands, "sync", "make this home as plugins.toml and its lock say")
    sync.add_argument("--frozen", action="store_true", help="lock nothing: what the lock does not have is refused")
    sync.add_argument("--check", action="store_true", help="change nothing: exit code 1 where something would change")
    sync.add_argument("--prune", action="store_true", help="also remove the plugins that are not in plugins.toml")
    for parser in (lock, sync):
        parser.add_argument("--no-cooldown", action="store_true", help=_NO_COOLDOWN)
    _consent(sync, "agree without being asked")
    for parser in (init, lock, sync):
        parser.add_argument("--file", default=_PROJECT_FILE, metavar="FILE", help=f"default: {_PROJECT_FILE}, here")


def _using(commands: Any) -> None:
    call = _command(commands, "call", "call one action of an active plugin")
    call.add_argument("plugin", metavar="PLUGIN")
    call.add_argument("action", metavar="ACTION")
    call.add_argument("--args", default="{}", metavar="JSON", help="the action's arguments, one JSON object")
    tools = _command(
        commands, "tools", "print the tools' JSON schemas, or choose which of a plugin's actions are offered"
    )
    tools.add_argument("name", nargs="?", metavar="NAME", help="show what of this plugin is offered, or choose it")
    tools.add_argument("--only", nargs="+", default=[], metavar="ACTION", help="offer models these and no others")
    tools.add_argument("--hide", nargs="+", default=[], metavar="ACTION", help="offer models all but these")
    tools.add_argument("--rename", nargs="+", default=[], metavar="ACTION=NAME", help="offer it under another name")
    tools.add_argument("--reset", action="store_true", help="offer everything, under its own name")
    tools.add_argument(
        "--format", default="openai", choices=["openai", "openai-responses", "anthropic", "gemini", "mcp"]
    )
    tools.add_argument("--all", action="store_true", help="also the active plugins' own actions")
    audit = _command(commands, "audit", "show who agreed to what, when and through which door")
    audit.add_argument("name", nargs="?", metavar="NAME", help="only what concerns the plugin of exactly this name")
    audit.add_argument("--limit", type=_count, metavar="N", help="the last N lines only")
    _command(commands, "doctor", "show what is there and what is missing, with the remedy")
    completion = _command(commands, "completion", "print the script by which a shell completes commands and names")
    completion.add_argument("shell", choices=["bash", "zsh", "fish"])


def _talking(commands: Any) -> None:
    ask = _command(commands, "ask", "one turn of a conversation")
    ask.add_argument("text", metavar="TEXT")
    ask.add_argument("--plan", action="store_true", help="show the calls and make none")
    chat = _command(commands, "chat", "a conversation; input that is not a terminal is one turn a line")
    for parser in (ask, chat):
        _consent(parser, "agree to installs and activations without being asked")
        _model_options(parser)
        parser.add_argument("--code-mode", action="store_true", help=_CODE_MODE)


def _models(commands: Any) -> None:
    model = _command(commands, "model", "show which models there are on this machine, choose or get one")
    model.add_argument("verb", choices=["list", "use", "get"])
    model.add_argument("name", nargs="?", metavar="NAME", help=f"a model's name; {BUILT_IN} for the one that is")
    model.add_argument("--server", choices=MODEL_SERVER_KINDS, help="use: the server, where several have that model")


def _serving(commands: Any) -> None:
    web = _command(
        commands, "web", "the page for people: find plugins, decide what is asked, enter secrets, see what happens"
    )
    web.add_argument("--port", type=int, default=8767, metavar="N", help="the port (default 8767; 0: any)")
    web.add_argument("--host", default=LOOPBACK, metavar="ADDRESS", help="another address; it needs --token-file")
    web.add_argument(
        "--token-file", metavar="FILE", help="a file with the token to enter (default: a new one each time)"
    )
    model = _command(commands, "serve-model", "serve the embedded model as an OpenAI-compatible endpoint on 127.0.0.1")
    model.add_argument("--port", type=int, default=8765, metavar="N", help="the port (default 8765; 0: any)")
    mcp = _command(commands, "mcp", "serve the plugins of this home to MCP clients")
    mcp.add_argument("--http", action="store_true", help="over HTTP on 127.0.0.1, not standard input and output")
    mcp.add_argument("--port", type=int, default=8766, metavar="N", help="the port for --http (default 8766; 0: any)")
    mcp.add_argument("--code-mode", action="store_true", help=_CODE_MODE)
    mcp.add_argument("--no-token", action="store_true", help="with --http: serve every program of this machine")
    mcp.add_argument(
        "--allow-installs",
        action="store_true",
        help="agree to installs and activations where the client cannot ask the person",
    )
    mcp.add_argument("--allow-unlisted", action="store_true", help=_ALLOW_UNLISTED.replace("--yes", "--allow-installs"))
    mcp.add_argument(
        "--tenants",
        nargs="?",
        const="",
        metavar="FILE",
        help="with --http: serve the tenants in this file (default: tenants.toml in the home), a home for each",
    )
    mcp.add_argument(
        "--public-host",
        action="append",
        default=[],
        metavar="HOST",
        help="with --tenants: a name under which a proxy hands requests on (may be repeated)",
    )
    mcp.add_argument(
        "--tenant-idle",
        type=_count,
        default=900,
        metavar="SECONDS",
        help="with --tenants: end the process of a tenant that nobody has used for so long (default 900)",
    )
    _tenants(commands)


def _tenants(commands: Any) -> None:
    tenants = _command(
        commands, "tenants", "list, add, change or remove the tenants of a gateway (mcp --http --tenants)"
    )
    tenants.add_argument("verb", choices=["list", "add", "set", "rotate", "remove", "run"])
    tenants.add_argument("name", nargs="?", metavar="TENANT")
    tenants.add_argument("words", nargs="*", metavar="WORD", help="run: the command, behind --")
    tenants.add_argument("--tenants", metavar="FILE", help="the file (default: tenants.toml in the home)")
    tenants.add_argument("--folder", metavar="DIR", help="add: the tenant's home (default: beside the file)")
    tenants.add_argument("--policy", metavar="FILE", help="add: the policy for it (default: policy.toml in its home)")
    tenants.add_argument("--yes", action="store_true", help="remove: without being asked")
    for name, about in _TENANT_LIMITS.items():
        tenants.add_argument(f"--{name}", type=_count, metavar="N", help=f"add, set: {about}")


_TENANT_LIMITS = {
    "calls-per-minute": "calls of tools in a minute (default 120)",
    "concurrent": "calls at once (default 8)",
    "plugins": "plugins that may be installed (default 20)",
    "memory-mb": "megabytes of one plugin's process (default 1024)",
    "processes": "processes and threads of one plugin (default 128)",
    "request-kb": "kilobytes of one request (default 1024)",
    "disk-mb": "megabytes of the disk that its home takes (default 4096)",
}


def _clients(commands: Any) -> None:
    names = "claude-desktop, claude-code, vscode, cursor, windsurf, gemini, goose, codex, zed"
    taken = _command(commands, "import", "make plugins of the servers in another MCP client's file")
    taken.add_argument(
        "source", nargs="?", metavar="CLIENT|FILE", help=f"{names}; or a file (default: show which are here)"
    )
    taken.add_argument("--form", metavar="CLIENT", help="the client whose form FILE has, where that does not show")
    taken.add_argument("--dry-run", action="store_true", help="show what would be imported, and change nothing")
    taken.add_argument("--disabled", action="store_true", help="also what is switched off in the client")
    taken.add_argument("--activate", action="store_true", help="also switch on what is imported")
    taken.add_argument(
        "--take-secrets",
        action="store_true",
        help="take imported secrets out of the file; a copy of it stays",
    )
    _consent(taken, "agree without being asked")
    given = _command(commands, "export", "print the installed MCP plugins in another client's form, without secrets")
    connected = _command(commands, "connect", "put this program's own entry into another MCP client's file")
    for parser in (given, connected):
        parser.add_argument("client", metavar="CLIENT", help=names)
        parser.add_argument("--dry-run", action="store_true", help="show the change, and make none")
        parser.add_argument("--yes", action="store_true", help="write without being asked")
    given.add_argument(
        "--file",
        nargs="?",
        const="",
        metavar="FILE",
        help="write them into this file, or into the client's own",
    )
    connected.add_argument("--file", metavar="FILE", help="this file, and not the client's own")
    connected.add_argument("--project", action="store_true", help="the client's file of this project")
    connected.add_argument("--remove", action="store_true", help="take the entry out again")
