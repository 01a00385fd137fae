"""Which permission a failed call lacked: read out of the plugin's own error and the hosts that its fence refused.

A plugin that was refused something reports what any program does, such as ``EACCES: permission denied, open '/srv/x'``.
That is a refusal by the fence only where the fence allows no such thing: other errors of that kind stay as they are.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.errors import ActionError, permission_denied
from dynamic_plugins.workers.fence.configured_values import is_shared
from dynamic_plugins.workers.fence.fence import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.workers.fence.fence import FencedCommand

_QUOTED = r"['\"](?P<path>/[^'\"\n]{1,1000})['\"]"
# As Node.js and as Python put it; the first word is the system call, where one is named.
_FILE = re.compile(
    rf"(?:EACCES|EPERM|EROFS)\b[^\n'\"]*?, (?P<call>[a-z]+) {_QUOTED}"
    rf"|(?:Permission denied|Operation not permitted|Read-only file system): {_QUOTED.replace('path', 'other')}"
)
_MISSING = re.compile(
    rf"ENOENT\b[^\n'\"]*?, [a-z]+ {_QUOTED}|No such file or directory: {_QUOTED.replace('path', 'other')}"
)
_OF_THE_SYSTEM = ("/proc", "/sys", "/dev")
_READ_ONLY = re.compile(r"EROFS|Read-only file system")
_WRITING = {"mkdir", "mkdtemp", "unlink", "rmdir", "rename", "copyfile", "symlink", "link", "truncate", "utime"}
_PROGRAM = re.compile(
    r"\bspawn (?P<node>\S{1,200}) (?:ENOENT|EACCES)"
    r"|(?:No such file or directory|Permission denied): ['\"](?P<python>[\w./+-]{1,200})['\"]"
    r"|\b(?P<shell>[\w.+-]{1,64}): (?:command )?not found"
)
_NO_CONNECTION = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNRE|ENETUNREACH|EPERM|EACCES|getaddrinfo|fetch failed|resol(?:ve|ution)|connect"
    r"|unreachable|not permitted|not known|network|timed? ?out",
    re.IGNORECASE,
)
_NOTHING_BUT_A_PATH = re.compile(
    r"(?:Error executing tool \S+: )?(?:[\w.]+(?:Error|Exception): )?['\"]?(/[^'\"\n]+?)['\"]?\s*"
)
_ADDRESS = re.compile(r"\b(?:https?|wss?)://[^\s'\"<>)\]}]{1,1000}")


class Refusals:
    """What *fenced* is refused. *places* are its variables that say where it keeps files, *home* is the person's."""

    def __init__(self, plugin: str, fenced: FencedCommand, places: Sequence[str] = (), home: str = "") -> None:
        self._plugin, self._places, self._home = plugin, places, home
        self._hosts = fenced.hosts
        order = fenced.order
        self._off = order["tier"] == "none"
        self._no_network = order["network"] == "none"
        self._folder = order["folder"]
        self._hidden = str(TEMPORARY) if order["own_temporary"] else ""
        self._code, self._named = order["execute"], order["named"]
        self._written = order["write"]
        self._read = [*order["read"], *order["given"], *order["execute"], *order["write"]]
        self._path = fenced.host_path

    def error(
        self, action: str, reason: str, arguments: Mapping[str, Any], hosts: Sequence[str], *, reads: bool = False
    ) -> ActionError | None:
        """Return the error that names what was refused, and the command that grants it; None for any other failure.

        *reason* is the plugin's own error, *hosts* are those that it was refused during the call. Where the error does
        not tell, what it wanted to do with a file is to read it, if *reads* or if it may not even do that.
        """
        if self._off:
            return None
        if (program := self._program(reason)) is not None:
            return permission_denied(self._plugin, "program", program, action, reason)
        if (refused := self._file(action, reason, arguments, reads)) is not None:
            return refused
        if (host := self._host(reason, arguments, hosts)) is not None:
            return permission_denied(self._plugin, "network", host, action, reason)
        return None

    def _file(self, action: str, reason: str, arguments: Mapping[str, Any], reads: bool) -> ActionError | None:
        if (hidden := self._hidden_file(reason)) is not None:
            return permission_denied(self._plugin, "read", hidden, action, reason)
        if (found := _FILE.search(reason)) is not None:
            path, writes = found["path"] or found["other"], _writes(found)
        elif (bare := _NOTHING_BUT_A_PATH.fullmatch(reason)) is not None and bare[1] in arguments.values():
            path, writes = bare[1], False
        else:
            return None
        path = os.path.normpath(path)
        real = os.path.realpath(path)
        if _within(real, self._written) or (not writes and found is None and _within(path, self._read)):
            return None
        if _within(path, self._written):  # a link there is the plugin's own: what it leads to is what has to be named
            path = real
        if _within(path, self._code):  # what is granted would change its code, and then it would not start any more
            return self._beside_its_code(action, path)
        if _within(path, _OF_THE_SYSTEM):
            return None
        # One that it may read already, it wanted to write to.
        writes = writes or _within(path, self._read) or not (reads or Path(path).exists())
        what = self._granting(path, arguments) if writes else path
        return permission_denied(self._plugin, "write" if writes else "read", what, action, reason)

    def _hidden_file(self, reason: str) -> str | None:
        """Return the path of what it says is not there, and is: out of sight, since its own folder stands there."""
        if not self._hidden or (found := _MISSING.search(reason)) is None:
            return None
        path = os.path.normpath(found["path"] or found["other"])
        return path if _within(path, (self._hidden,)) and Path(path).exists() else None

    def _granting(self, path: str, arguments: Mapping[str, Any]) -> str:
        """Return what has to be granted for *path* to be written: one that is not there yet cannot be granted."""
        said = (each for each in arguments.values() if isinstance(each, str) and Path(each).is_absolute())
        named = next((each for each in said if Path(each).is_dir() and _within(path, (each,))), None)
        folder = Path(path).parent
        if named is None and not Path(path).exists() and folder.is_dir() and not is_shared(folder, self._home):
            named = str(folder)
        return named or path

    def _beside_its_code(self, action: str, path: str) -> ActionError:
        reason = f"it may not write beside its own code ({path}), only in its own folder, {self._folder}"
        if not self._places:
            return ActionError(self._plugin, action, reason)
        sets = " ".join(f"{name}={self._folder}/FILE" for name in self._places[:3])
        command = f"dynamic-plugins configure {self._plugin} {sets}"
        return ActionError(
            self._plugin,
            action,
            f"{reason}. Tell it where: {command}",
            for_model=f"{reason}. The person tells it where with: {command}",
        )

    def _program(self, reason: str) -> str | None:
        """Return the name of the program that it could not start, if this machine has one and it may not start it."""
        for found in _PROGRAM.finditer(reason):
            said = found["node"] or found["python"] or found["shell"]
            name = Path(said).name
            where = shutil.which(name, path=self._path)
            if where is None or name in self._named or ("/" in said and not _is_program(said)):
                continue
            if "/" not in said or not _within(said, self._code):
                return name
        return None

    def _host(self, reason: str, arguments: Mapping[str, Any], refused: Sequence[str]) -> str | None:
        """Return the host that the call failed for.

        A plugin may ask for others as well, to count its users; those are not why a call fails.
        """
        tells = _NO_CONNECTION.search(reason) is not None
        named = [each for each in refused if each.partition(":")[0] in reason]
        if named or (refused and tells):
            return (named or list(refused))[-1]
        if not tells or not (self._no_network or self._hosts is not None):
            return None
        return next((host for host in _hosts_in(reason, arguments) if self._refuses(host)), None)

    def _refuses(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        return self._hosts is None or self._hosts.rule(name, int(port)) is None


def _writes(found: re.Match[str]) -> bool:
    return bool(_READ_ONLY.search(found[0])) or found["call"] in _WRITING


def _hosts_in(reason: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hosts, with their ports, of the addresses in an error and in what was called with."""
    for text in (reason, *(value for value in arguments.values() if isinstance(value, str))):
        for found in _ADDRESS.finditer(text):
            try:
                parts = urlsplit(found[0])
                port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
            except ValueError:
                continue
            if parts.hostname:
                yield f"{parts.hostname}:{port}"


def _is_program(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)
