"""Installed MCP plugins as servers of a client's file: secrets by the name of a variable, never by their value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.clients.client import UnwritableError
from dynamic_plugins.clients.client_server import ClientServer, server_key
from dynamic_plugins.clients.placeholders import Reference, Value, plain, variable
from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.lifecycle.variables import command_line, defaults_of
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.config_documents import Document
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"\0([^\0]*)\0")
_SIGN_IN = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPE", "OAUTH_REDIRECT_PORT")


@dataclass(frozen=True)
class Exported:
    """One plugin: the *server* that it is in the file, or the *reason* why it is none."""

    plugin: str
    server: ClientServer | None = None
    reason: str = ""

    @property
    def secrets(self) -> list[str]:
        """The variables that a placeholder stands for."""
        if self.server is None:
            return []
        values = [*self.server.args, *self.server.env.values(), *self.server.headers.values()]
        values += [self.server.url] if self.server.url is not None else []
        return sorted({each.name for value in values for each in value.references})


def export(
    plugins: Mapping[str, StoredPlugin], configuration: ConfigurationStore, client: Client, document: Document
) -> list[Exported]:
    """Put *plugins* into *document* in the form of *client*, and return what became of each, by name."""
    made: list[Exported] = []
    used: set[str] = set()
    for name in sorted(plugins):
        try:
            key = _key(name, used)
            server = _server(key, plugins[name], configuration)
            client.write(document, server)
        except (UnwritableError, PluginError) as error:
            made.append(Exported(name, reason=str(error)))
        else:
            used.add(key)
            made.append(Exported(name, server))
    return made


def _key(name: str, used: set[str]) -> str:
    """Return what the plugin *name* is called in a file that has the *used* names already."""
    base = server_key(name)
    return next(each for each in (base, *(f"{base}-{n}" for n in range(2, 1000))) if each not in used)


def _server(key: str, plugin: StoredPlugin, configuration: ConfigurationStore) -> ClientServer:
    """Return an installed plugin as a server. Raises UnwritableError and PluginError."""
    installation = plugin.installation
    if installation.kind != "mcp":
        raise UnwritableError(f"it is no MCP server, but of the kind {installation.kind}")
    known = _Known(installation, configuration)
    made = ClientServer(key, only=plugin.choice.only, hide=plugin.choice.hidden)
    if installation.remote is not None:
        return _remote(made, installation, known)
    words = _package_words(installation)
    args = (*map(plain, words[1:]), *known.arguments())
    return replace(made, command=plain(words[0]), args=args, env=known.environment())


class _Known:
    """What an installed plugin is told: plain values, and the names of its secrets."""

    def __init__(self, installation: Installation, configuration: ConfigurationStore) -> None:
        self._installation = installation
        declared = {each.name for each in installation.variables if each.required and each.default is None}
        self.plain = dict(defaults_of(installation.variables)) | configuration.plain(installation.plugin)
        self.secret = (configuration.names(installation.plugin) | declared) - self.plain.keys()

    def value(self, name: str) -> Value:
        """Return one value, a reference where it is a secret or not set."""
        return plain(self.plain[name]) if name in self.plain else variable(name, secret=True)

    def arguments(self) -> list[Value]:
        marked = self.plain | {name: f"\0{name}\0" for name in self.secret}
        return [_with_references(word) for word in command_line(self._installation, marked)]

    def environment(self) -> dict[str, Value]:
        arguments = {each.variable for each in self._installation.arguments if each.value is None}
        names = sorted((self.plain.keys() | self.secret) - arguments)
        return {name: self.value(name) for name in names}


def _with_references(word: str) -> Value:
    parts: list[str | Reference] = []
    end = 0
    for found in _SECRET.finditer(word):
        parts += [word[end : found.start()]] if found.start() > end else []
        parts.append(Reference("env", found[1], secret=True))
        end = found.end()
    parts += [word[end:]] if end < len(word) or not parts else []
    return Value(tuple(parts))


def _package_words(installation: Installation) -> list[str]:
    """Return what starts the same version of the package anywhere. Raises UnwritableError."""
    package, version = installation.package, installation.version
    command = _server_command(installation)
    if installation.package_type == "npm":
        spec = f"{package}@{version}"
        return ["npx", "-y", f"--package={spec}", command] if command else ["npx", "-y", spec]
    if installation.package_type == "pypi":
        return ["uvx", "--from", f"{package}=={version}", command] if command else ["uvx", f"{package}@{version}"]
    where = "git" if installation.package_type == "git" else "a folder or a file of this machine"
    raise UnwritableError(f"it was installed from {where}, and no client installs that")


def _server_command(installation: Installation) -> str:
    """Return the command of the package that is the server; empty where a runner takes it by itself."""
    if installation.package_type == "npm":
        manifest = parse_json(read_file(Path(installation.path, "node_modules", installation.package, "package.json")))
        scripts = manifest.get("bin") if isinstance(manifest, dict) else None
        if not isinstance(scripts, dict) or len(scripts) < 2:
            return ""
        started = Path(installation.command[-1])
        return next((name for name, script in scripts.items() if started.match(str(script).removeprefix("./"))), "")
    if installation.package_type != "pypi":
        return ""
    scripts = PythonEnvironment(Path(installation.path) / "env").entry_points(installation.package, "console_scripts")
    name = next((name for name, target in scripts.items() if target == installation.entry_point), "")
    return "" if canonical(name) == canonical(installation.package) else name


def _remote(made: ClientServer, installation: Installation, known: _Known) -> ClientServer:
    remote = installation.remote
    assert remote is not None  # noqa: S101 # the caller has looked
    headers = {each.name: _filled(each.template, known) for each in remote.headers}
    sign_in = {name: known.value(name) for name in _SIGN_IN if name in known.plain or name in known.secret}
    url = _filled(remote.url, known)
    return replace(made, url=url, transport=remote.transport, headers=headers, sign_in=sign_in)


def _filled(template: str, known: _Known) -> Value:
    """Return a template of an address or a header with what is plain filled in."""
    parts: list[str | Reference] = []
    end = 0
    for found in _PLACE.finditer(template):
        parts += [template[end : found.start()], *known.value(found[1]).parts]
        end = found.end()
    return Value(tuple(part for part in (*parts, template[end:]) if part))


def own_server(command: Sequence[str], home: Path | None) -> ClientServer:
    """Return this program as a server; *home* is the folder that it is to use, where that is not the usual one."""
    words = [*command, *(["--home", str(home)] if home is not None else []), "mcp"]
    return ClientServer("dynamic-plugins", command=plain(words[0]), args=tuple(map(plain, words[1:])))
