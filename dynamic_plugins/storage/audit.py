"""Who agreed to what: an append-only log of consents, installs and refusals in the home, one JSON object a line.

A line is written in one step by the operating system, so several processes may share the file, and what was written
survives their being killed. Nothing is ever rewritten: a full file is set aside under another name.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.status import now
from dynamic_plugins.storage.appended_file import AppendedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation

MOST_BYTES = 2**20
"""A file of this size is set aside."""
KEPT = 4
"""So many files that were set aside are kept, some 4,000 lines each."""
LONGEST = 500
"""A text in a line is cut to this: the log is of facts, and a stranger may have written them."""
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?#)]+)[?#][^\s)]*")

log = logging.getLogger(__name__)


@dataclass
class AuditLog:
    """Writes to *path* for one *door*: ``terminal``, ``chat``, ``mcp``, ``library``, ….

    No value of a variable and no argument of a call is ever given to it, and addresses lose their login and query.
    """

    path: Path
    door: str = "library"
    profile: str = ""

    def note(
        self,
        what: str,
        plugin: str,
        *,
        of: Installation | None = None,
        version: str = "",
        source: str = "",
        digest: str = "",
        answer: str = "",
        detail: str = "",
    ) -> None:
        """Append that *what* happened to *plugin*; facts that are not given are taken from the install *of*.

        What cannot be written is logged and stops nothing.
        """
        if of is not None:
            version, digest = version or of.version, digest or of.digest or ""
            source = source or f"{of.package_type} {of.package}" + (f", listed in {of.source}" if of.source else "")
        facts = {"version": version, "source": source, "digest": digest, "answer": answer, "detail": detail}
        line = {"at": now(), "user": _user(), "door": self.door, "what": what, "plugin": plugin}
        line |= {"profile": self.profile} if self.profile else {}
        line |= {name: _without_secrets(text) for name, text in facts.items() if text}
        try:
            self._append(json.dumps(line, ensure_ascii=False))
        except OSError as error:
            log.warning("%s: %s of %s could not be noted: %s", self.path, what, plugin, error)

    def read(self, plugin: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Return what was noted, of one *plugin* where it is named, the oldest first; the last *limit* of it.

        A line that a crash of the machine has cut short is left out.
        """
        lines = [line for line in self._lines() if plugin in (None, line.get("plugin"))]
        return lines if limit is None else lines[-limit:]

    def _lines(self) -> Iterator[dict[str, Any]]:
        for written in self._file.lines():
            try:
                line = json.loads(written)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                yield line

    @property
    def _file(self) -> AppendedFile:
        return AppendedFile(self.path, KEPT)

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._file.append([line]) > MOST_BYTES:
            self._set_aside()

    def _set_aside(self) -> None:
        from filelock import FileLock

        with FileLock(f"{self.path}.lock", timeout=5):
            if self.path.stat().st_size <= MOST_BYTES:
                return  # another process has just done it
            self._file.set_aside()


def _without_secrets(text: str) -> str:
    return _QUERY.sub(r"\1", _LOGIN.sub("", text))[:LONGEST]


def _user() -> str:
    if os.name != "posix":
        return ""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, whoever runs may have no name
        return str(os.getuid())
