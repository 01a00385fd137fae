"""Starts installed plugins, each in a worker process."""

from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import LoadError, OtherVersionError
from dynamic_plugins.install.installation import is_editable
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fence.configured_values import ConfiguredValues, expanded
from dynamic_plugins.workers.fence.fence import Code, Fence, FenceError
from dynamic_plugins.workers.fence.system_paths import CERTIFICATES, certificates_in, environment_of
from dynamic_plugins.workers.fence.tier import Level
from dynamic_plugins.workers.process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.settings import Limits, SandboxMode
    from dynamic_plugins.workers.components import Connection
    from dynamic_plugins.workers.connection import WorkerConnection
    from dynamic_plugins.workers.fence.fence import FencedCommand
    from dynamic_plugins.workers.refusals import Refusals

_CHILD = str(Path(__file__).parent / "child")
_START = f"{_CHILD}/start.py"
_NODE = str(Path(__file__).parent / "node")
_NODE_START = f"{_NODE}/main.mjs"
_ARGUMENTS = "DYNAMIC_PLUGINS_ARGUMENTS"
"""The variable with a script's arguments, as a JSON list: a command line can be read by every user of the machine."""
_CONTRACT = str(Path(__file__).parent.parent / "plugin.py")

# How long a worker may take to leave when its input closes, in seconds. Ours leaves as soon as its services have
# stopped; of others, some never look.
_OWN_GRACE = 2.0
_SERVER_GRACE = 0.5

_NEWEST_VERSION = "2025-11-25"
_OLDER_VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""The versions of the protocol that are tried where a server refuses the newest of those with a handshake."""

# Node.js' words for code that does not go together. An install script makes files, and none would mend that.
_NOT_FOR_WANT_OF_A_FILE = re.compile(
    r"SyntaxError|does not provide an export|not defined by \"exports\"|not defined in ES module|exports no plugin"
    r"|offers nothing that can be called"
)

# How Node.js, and what loads modules of machine code, say that there is no such file.
_WANT_OF_A_FILE = re.compile(
    r"Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND|ERR_DLOPEN_FAILED|bindings file|\.node\b|spawn \S+ ENOENT"
    r"|No native build was found|postinstall|npm rebuild",
    re.IGNORECASE,
)

# What a program needs to run at all; everything else of ours stays with us.
_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TZ",
    "USER",
    "LOGNAME",
    *CERTIFICATES,
    "NODE_USE_SYSTEM_CA",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Loader:
    """Starts a worker process for each plugin and connects to it."""

    def __init__(
        self,
        *,
        limits: Limits,
        start_timeout: float,
        call_timeout: float,
        log: Callable[[str, str], None],
        environment: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
        sandbox: SandboxMode = "auto",
        own_home: Path | None = None,
    ) -> None:
        """*environment* is the host's own, of which a worker sees the few variables any program needs, and
        the proxies whose addresses hold no password where it may reach any host.

        Workers run in a folder of their own under *data_dir* (:meth:`folder`), where what they write outlives an
        update; without one, in the folder of their install.

        *sandbox* says what is done where permissions cannot be enforced: see ``DYNAMIC_PLUGINS_SANDBOX``. *own_home* is
        where this program keeps what was granted: a plugin that was granted a folder above it must not change that.

        *log* gets a plugin's name and one line, with its configured values blotted out. Timeouts are in seconds.
        """
        self._limits = limits
        self.fence = Fence(sandbox, limits)
        self._start_timeout = start_timeout
        self._call_timeout = call_timeout
        self._log = log
        host = environment or {}
        self._data_dir, self._own_home = data_dir, own_home
        self._proxies = {
            name: value for name, value in host.items() if name.upper() in _PROXIES and value and "@" not in value
        }
        self._base = {"PATH": os.defpath} | {name: host[name] for name in _INHERITED if host.get(name)}
        # A worker runs in a folder of its own: what is named from here is not there.
        self._base |= {name: os.pathsep.join(paths) for name, paths in certificates_in(self._base).items()}

    checks_files = False
    """Whether it compares an install's files itself before it starts it; here who calls it does."""

    def enforcement(self, permissions: Permissions) -> Enforcement:
        """Return which of *permissions* are enforced in front of a worker that is started now."""
        return self.fence.enforcement(permissions)

    async def remove_data(self, installation: Installation) -> None:
        """Remove what *installation* wrote in its own folder."""
        await asyncio.to_thread(remove_folder, self.folder(installation))

    def folder(self, installation: Installation) -> Path:
        """Return where *installation*'s worker runs and keeps its files: one folder for all its versions."""
        where = Path(installation.path)
        return where if self._data_dir is None else self._data_dir / where.parent.name

    def granted(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        permissions: Permissions,
    ) -> Permissions:
        """Return what *installation* reaches with *permissions* and these values; its own folders are not named."""
        values = ConfiguredValues(installation, environment, arguments, self._base.get("HOME", ""))
        return values.granted(permissions)

    async def connect(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),
        host: Host | None = None,
    ) -> Connection:
        """Start *installation* with its own configuration and wait until its components are known.

        Raises LoadError with the plugin's own error when it does not start, ends, or offers nothing that can be
        called; ContractError or ComponentClashError (LoadErrors too) for a broken component; PluginTimeoutError.
        """
        host = host or Host()
        if host.log is None:
            host = replace(host, log=self._log)
        from dynamic_plugins.redaction.scrubber import plugin_scrubber  # a command such as status starts nothing

        scrubber = plugin_scrubber(environment, installation.variables, _secret_words(installation, arguments))
        try:
            connection = await self._open(installation, environment, arguments, host, scrubber)
        except LoadError as error:
            if type(error) is not LoadError or _NOT_FOR_WANT_OF_A_FILE.search(error.reason):
                raise
            if note := await asyncio.to_thread(_scripts_note, installation):
                raise LoadError(installation.plugin, f"{error.reason}. {note}") from None
            raise
        if not connection.offers.components:
            await connection.close()
            reasons = [*connection.offers.left_out, *filter(None, [connection.last_words()])]
            raise LoadError(installation.plugin, ": ".join(["offers nothing that can be called", *reasons[:3]]))
        return connection

    async def _open(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        host: Host,
        scrubber: Scrubber,
        versions: Sequence[str | None] = (None,),
        *,
        modern: bool = False,
    ) -> WorkerConnection:
        """Start a worker, and again where it wants another version of the protocol: the first of *versions* is next."""
        process, refusals = await self._start(installation, environment, arguments, host)
        try:
            # Reading the client's code takes a second: done while the worker reads its own.
            connection_type, protocol_error = await asyncio.to_thread(_client)
            connection = connection_type(
                installation.plugin,
                process,
                host,
                scrubber,
                refusals,
                call_timeout=self._call_timeout,
                grace=_SERVER_GRACE if installation.kind == "mcp" else _OWN_GRACE,
                modern=modern,
                ours=installation.kind != "mcp",
                version=versions[0],
                hint=partial(_missing_note, installation),
            )
        except BaseException:  # nobody else knows of the process yet
            await process.end(0)
            raise
        try:
            await connection.open(self._start_timeout)
        except protocol_error as error:
            if modern:
                raise LoadError(installation.plugin, scrubber.text(str(error))) from None
            # It knows only the protocol of 2026: start it again and speak that.
            return await self._open(installation, environment, arguments, host, scrubber, modern=True)
        except OtherVersionError as error:
            if installation.kind != "mcp":  # our own programs speak what we do: the words are the plugin's
                raise LoadError(installation.plugin, error.reason) from None
            left = _OLDER_VERSIONS if versions == (None,) else versions[1:]
            if not left:
                offered = ", ".join([_NEWEST_VERSION, *_OLDER_VERSIONS])
                raise LoadError(installation.plugin, f"{error.reason} (offered: {offered})") from None
            return await self._open(installation, environment, arguments, host, scrubber, left)
        return connection

    async def _start(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        host: Host,
    ) -> tuple[WorkerProcess, Refusals]:
        try:
            fenced = await asyncio.to_thread(self._fenced, installation, environment, arguments, host)
            process = await WorkerProcess.start(fenced, self.folder(installation), self._limits.result_bytes)
        except (FenceError, ValueError) as error:
            raise LoadError(installation.plugin, str(error)) from None
        except OSError as error:
            raise LoadError(installation.plugin, f"its process cannot be started: {error}") from None
        from dynamic_plugins.workers.refusals import Refusals

        places = [variable.name for variable in installation.variables if variable.format == "filepath"]
        return process, Refusals(installation.plugin, fenced, places, self._base.get("HOME", ""))

    def _fenced(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        host: Host,
    ) -> FencedCommand:
        home, folder = self._base.get("HOME", ""), self.folder(installation)
        folder.mkdir(parents=True, exist_ok=True)
        if installation.runs_in_node and self.fence.tier.level is Level.NONE:
            from dynamic_plugins.install.bun_cache import unshare  # rarely needed

            unshare(Path(installation.path))
        values = ConfiguredValues(installation, environment, arguments, home)
        environment = values.in_own_folder(environment, str(folder))
        if self.fence.mode != "off" or installation.runs_in_node:  # where home is another, "~" would be
            environment = {name: expanded(value, home) for name, value in environment.items()}
            arguments = [expanded(word, home) for word in arguments]
        command = self._command(installation, environment, arguments)
        permissions = values.granted(host.permissions)
        # Where it may only reach some hosts, it reaches them directly: through a proxy it could reach all.
        proxies = self._proxies if permissions.network is None and host.own_network else {}
        environment = self._base | proxies | dict(environment)
        if installation.runs_in_node:  # many of them keep their files in ~/.eliza, which all of them would share
            environment |= {"HOME": str(folder), "TMPDIR": str(folder)}
        if installation.entry_point and arguments:
            environment[_ARGUMENTS] = json.dumps(list(arguments))
        return self.fence.command(
            command,
            permissions,
            code=_code(installation),
            folder=folder,
            environment=environment,
            from_person=values.hosts_among(permissions.network or ()),
            own_network=host.own_network,
            private_descriptors=installation.runs_in_node,
            # Some write there whatever TMPDIR says, and no setting tells them otherwise.
            own_temporary=installation.kind == "elizaos",
            kept=self._own_home,
        )

    def _command(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str]
    ) -> list[str]:
        """Return how to start the worker. Nothing in it is secret: other users may list processes."""
        if installation.kind == "mcp" and not (installation.python and installation.entry_point):
            if not installation.command:
                raise LoadError(installation.plugin, "its install names no command that starts it")
            return [*installation.command, *arguments]
        if installation.runs_in_node:
            return self._node_command(installation, environment)
        if not installation.python or not installation.entry_point:
            raise LoadError(installation.plugin, "its install names no interpreter or nothing to load")
        facts: dict[str, Any] = {
            "result_bytes": self._limits.result_bytes,
            "search_path": installation.search_path,
            "plugin": installation.plugin,
            "entry_point": installation.entry_point,
        }
        python = [installation.python, "-I", "-X", "utf8", _START]
        if installation.kind == "mcp":
            name = installation.command[0] if installation.command else installation.plugin
            return [*python, "script", json.dumps({**facts, "name": name, "arguments_in": _ARGUMENTS})]
        facts |= {"contract": _CONTRACT, "variables": list(environment)}
        return [*python, installation.kind, json.dumps(facts)]

    def _node_command(self, installation: Installation, environment: Mapping[str, str]) -> list[str]:
        if not installation.command:
            raise LoadError(installation.plugin, "its install names no Node.js to run it")
        facts = {
            "plugin": installation.plugin,
            "package": installation.npm_package,
            "root": installation.path,
            "variables": list(environment),
            "result_bytes": self._limits.result_bytes,
            "in": 3,
            "out": 4,
        }
        return [installation.command[0], _NODE_START, json.dumps(facts)]


def _missing_note(installation: Installation, reason: str) -> str:
    """Return what a person should know where a call failed for want of a file that an install script makes."""
    return _scripts_note(installation) if _WANT_OF_A_FILE.search(reason) else ""


def _scripts_note(installation: Installation) -> str:
    """Return what a person should know of the install scripts of an npm package that does not start."""
    if installation.package_type != "npm" and not installation.runs_in_node:
        return ""
    from dynamic_plugins.install.installed_packages import scripts_not_run  # needed only where something failed

    if not (names := scripts_not_run(Path(installation.path))):
        return ""
    name, shown = installation.plugin, ", ".join(names[:5])
    return (
        f"It may miss what the install scripts of {shown} make: scripts are run only where that is allowed. Whoever "
        f"trusts them allows it: dynamic-plugins uninstall {name} --keep-configuration, then "
        f"DYNAMIC_PLUGINS_ALLOW_BUILDS=1 dynamic-plugins install {name}"
    )


def _code(installation: Installation) -> Code:
    """Return where *installation* keeps its code: it may read and run it, and a folder that is used where it lies."""
    folders, commands = [installation.path], []
    # What starts it was agreed to; where it lies elsewhere, it is there to be run.
    folders += [word for word in installation.command if Path(word).is_absolute() and Path(word).is_file()]
    if is_editable(installation):  # it lies elsewhere, or the link to it is ours; those in what was copied are not
        folders += installation.search_path
        links = (Path(place) / Path(installation.package).name for place in installation.search_path)
        folders += [str(each.resolve()) for each in links if each.is_symlink()]
    if installation.python:
        folders += [_CHILD, _CONTRACT]
        commands.append(str(Path(installation.python).parent))
    else:
        commands.append(str(Path(installation.path) / "node_modules" / ".bin"))
    if installation.runs_in_node:
        folders.append(_NODE)
    interpreter = installation.python or next(iter(installation.command), "")
    if (environment := environment_of(interpreter)) is not None:
        folders.append(environment)
    return Code(tuple(folders), tuple(commands))


def _secret_words(installation: Installation, arguments: Sequence[str]) -> list[str]:
    """Return the words that are secret: those behind a secret flag; all that a person gave where one has no flag."""
    secret = [argument for argument in installation.arguments if argument.secret]
    if any(argument.type == "positional" for argument in secret):
        fixed = {word for argument in installation.arguments for word in (argument.name, argument.value)}
        return [word for word in arguments if word not in fixed]
    flags = {argument.name for argument in secret}
    return [word for flag, word in pairwise(arguments) if flag in flags]


def _client() -> tuple[type[WorkerConnection], type[Exception]]:
    from dynamic_plugins.core.light_import import is_own_process, postpone, without_collection

    postpone("mcp", "mcp.client")
    with without_collection():
        if is_own_process():  # what the models of single versions check is checked before, or not sent by most servers
            postpone("mcp_types.methods")
        from mcp.shared.exceptions import MCPError

        from dynamic_plugins.workers.connection import WorkerConnection

    return WorkerConnection, MCPError
