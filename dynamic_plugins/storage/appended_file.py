"""A file of lines that is only ever appended to: several processes may, a full one is set aside, and the oldest go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class AppendedFile:
    """The file *path*, with at most *kept* that were set aside: ``calls.jsonl``, ``calls.1.jsonl``, …, the oldest last.

    A line is written in one step by the operating system, so a reader sees whole lines, and what was written survives
    its writer's being killed.
    """

    def __init__(self, path: Path, kept: int) -> None:
        self.path, self._kept = path, kept

    @property
    def aside(self) -> list[Path]:
        """Where files are set aside, whether they are there or not, the newest first."""
        stem, suffix = self.path.stem, self.path.suffix
        return [self.path.with_name(f"{stem}.{number}{suffix}") for number in range(1, self._kept + 1)]

    @property
    def all(self) -> list[Path]:
        """All of it, whether it is there or not, the oldest first."""
        return [*reversed(self.aside), self.path]

    def append(self, lines: Iterable[str]) -> int:
        """Append *lines* in one step and return how many bytes the file has now. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        file = os.open(self.path, flags, 0o600)
        try:
            # Half of a surrogate pair may stand in a stranger's name, and has no bytes.
            os.write(file, "".join(f"{line}\n" for line in lines).encode(errors="replace"))
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def set_aside(self) -> None:
        """Begin a new file; for one process at a time. Raises OSError."""
        aside = self.aside
        for newer, older in zip(aside[-2::-1], aside[:0:-1], strict=True):
            if newer.exists():
                newer.replace(older)
        self.path.replace(aside[0])

    def lines(self, since: float = 0.0) -> Iterator[str]:
        """Yield the lines, the oldest first, but for files that nothing was added to *since*, in seconds since 1970."""
        for path in self.all:
            try:
                if path.stat().st_mtime < since:
                    continue
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            # Not splitlines: a stranger's text may hold what Python takes for the end of a line and JSON does not.
            yield from text.split("\n")
