"""How what was installed is started, found without running any of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import InstallError
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.python_environment import PythonEnvironment
    from dynamic_plugins.registry.entry import Argument, Entry, Kind, Package

ENTRY_POINT_GROUP = "dynamic_plugins.plugins"


def python_entry_point(plugin: str, kind: Kind, package: str, environment: PythonEnvironment, command: str = "") -> str:
    """Return ``module:attribute``, or ``module``, of what an installed package is started by.

    Of an MCP server that is its *command*, where the package has several. Raises InstallError.
    """
    if kind == "mcp":
        return _console_script(plugin, package, environment, command)
    if kind == "python" and (points := environment.entry_points(package, ENTRY_POINT_GROUP)):
        return points.get(plugin) or next(iter(points.values()))
    modules = environment.modules(package)
    word = canonical(package).replace("-", "_")
    if word in modules:
        return word
    if modules:
        return next((module for module in modules if module.startswith(("eliza", word))), modules[0])
    raise InstallError(plugin, f"{package} brings no Python module")


def _console_script(plugin: str, package: str, environment: PythonEnvironment, command: str) -> str:
    scripts = environment.entry_points(package, "console_scripts")
    if scripts or command:
        return scripts[_the_one(plugin, package, scripts, command)]
    for module in environment.modules(package):
        if (environment.site_packages / module / "__main__.py").is_file():
            return f"{module}.__main__"
    raise InstallError(plugin, f"{package} has no command that could be started")


def node_command(
    plugin: str, package: str, manifest: Mapping[str, Any], folder: Path, node: str, command: str = ""
) -> tuple[str, ...]:
    """Return the command that starts the npm package in *folder*, whose ``package.json`` is *manifest*.

    *command* is the one of its commands that is the server, where its registry entry says so.

    Its script is run by *node* with the options of its first line, or by itself where that line names something
    else. Raises InstallError, also for a script that is not in the package, and for a first line that names a path of
    this machine to Node.js: what starts a plugin may be read by it.
    """
    scripts = manifest.get("bin")
    if isinstance(scripts, str):
        scripts = {package: scripts}
    if not isinstance(scripts, dict) or not scripts:
        raise InstallError(plugin, f"the npm package {package} has no command that could be started")
    script = folder / str(scripts[_the_one(plugin, package, scripts, command)])
    not_in_it = InstallError(plugin, f"the npm package {package} names a command that is not in it")
    if not script.resolve().is_relative_to(folder.resolve()):
        raise not_in_it
    try:
        with script.open("rb") as file:
            words = file.readline(256).decode(errors="replace").removeprefix("#!").split()
            words = words if file.seek(0) == 0 and file.read(2) == b"#!" else []
    except OSError as error:
        raise not_in_it from error
    runner = next((index for index, word in enumerate(words) if word.rsplit("/", 1)[-1] == "node"), None)
    if words and runner is None:
        return (str(script),)
    if runner is not None and (paths := [word for word in words[runner + 1 :] if _is_a_place(word)]):
        raise InstallError(plugin, f"the npm package {package} starts Node.js with {paths[0]}, which is not done here")
    return (node, *words[runner + 1 :], str(script)) if runner is not None else (node, str(script))


def _is_a_place(word: str) -> bool:
    """Return whether *word* may name a file of this machine: whatever is neither a bare option nor a module's name."""
    return _OPTION_OR_MODULE.fullmatch(word) is None


_OPTION_OR_MODULE = re.compile(r"--?[A-Za-z][\w-]*(?:=[\w,:-]*)?|@?[A-Za-z0-9][\w-]*(?:/[\w-]+)*(?:\.[cm]?js)?")


def _the_one(plugin: str, package: str, names: Iterable[str], command: str = "") -> str:
    """Return which of a package's commands is the server: *command*, the only one, the one called like the package, or
    what says so. Raises InstallError.
    """
    known = list(names)
    if command:
        if command in known:
            return command
        raise InstallError(plugin, f"{package} has no command {command}. It has: {', '.join(known) or 'none'}")
    wanted = [canonical(each) for each in (package, package.rsplit("/", 1)[-1], plugin, plugin.rsplit("/", 1)[-1])]
    if len(known) == 1:
        return known[0]
    called_so = [name for want in wanted for name in known if canonical(name) == want]
    others = _NO_SERVER - _words(package)  # what the package itself is called says nothing of its commands
    servers = [name for name in known if not others & _words(name) and {"mcp", "server", "stdio"} & _words(name)]
    if called_so:
        return _server_beside(called_so[0], servers)
    for words in ({"mcp", "server"}, {"mcp"}, {"server"}, {"stdio"}):
        if said := [name for name in servers if words <= _words(name)]:
            return min(said, key=lambda name: (_other_transport(name), len(name)))
    raise InstallError(
        plugin,
        f"{package} has several commands, and none is called like it: {', '.join(known)}. Its registry entry can name "
        'the one that is the server, as "command"',
    )


def _server_beside(name: str, servers: Iterable[str]) -> str:
    """Return the command *name*, or the one of *servers* that belongs to it.

    A package that is called X and has X-mcp besides X is a tool for the command line, and X-mcp its server.
    """
    if {"mcp", "server"} & _words(name):
        return name
    own = canonical(name)
    beside = (f"{own}-mcp", f"{own}-mcp-server", f"{own}-server", f"mcp-{own}", f"mcp-server-{own}")
    return next((each for wanted in beside for each in servers if canonical(each) == wanted), name)


_NO_SERVER = {"setup", "install", "installer", "init", "config", "configure", "cli", "client", "inspector", "test"} | {
    *("uninstall", "auth", "login", "logout", "doctor", "migrate", "update", "inspect", "dev")
}


def _other_transport(name: str) -> bool:
    """Return whether a command's name says that it is not spoken to over pipes, as a worker is."""
    return bool({"http", "sse", "remote", "web", "proxy", "bridge", "gateway", "streamable"} & _words(name))


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))


def start_of_entry(entry: Entry, package: Package) -> tuple[str, ...]:
    """Return how the plugin will be started, as a person can read it before anything is installed."""
    if package.type == "remote":
        return ()
    runner = "node" if package.type == "npm" or package.typescript else "python"
    return (runner, package.name, *_shown(package.arguments)) if entry.kind == "mcp" else (runner, entry.name)


def start_of_install(installation: Installation) -> tuple[str, ...]:
    """Return the command that does what the worker does: what a person would type to start the same."""
    return (*_interpreter(installation), *_shown(installation.arguments))


def _interpreter(installation: Installation) -> tuple[str, ...]:
    if installation.runs_in_node:
        return (*installation.command, "--input-type=module", "-e", f"import '{installation.npm_package}'")
    if not installation.python:
        return installation.command
    module, _, attribute = (installation.entry_point or "").partition(":")
    if installation.kind != "mcp":
        return (installation.python, "-c", f"import {module}")
    if not attribute:
        return (installation.python, "-m", module)
    return (installation.python, "-c", f"from {module} import {attribute}; {attribute}()")


def _shown(arguments: Sequence[Argument]) -> list[str]:
    """Return the arguments that are sure to be there: the fixed ones, and a place for those that are required."""
    words: list[str] = []
    for argument in arguments:
        value = argument.value if argument.value is not None else f"<{argument.variable}>"
        if argument.value is not None or argument.required:
            words += [argument.name, value] if argument.type == "named" else [value]
    return words
