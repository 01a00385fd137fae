"""A walk through the pages of a registry, kept page by page until it is whole.

An MCP registry has hundreds of pages, and a command lasts a second: a walk that is cut short goes on where it stopped,
in this process or the next. Its pages are never shown before the last of them is there: a name that means one plugin by
half of a registry may mean two by all of it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins import __version__

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 2**28
STALE = 24 * 3600.0
"""A walk that began longer ago, in seconds, begins again: the registry is no longer the one whose pages these were."""


@dataclass(frozen=True, slots=True)
class WalkStart:
    """What a walk reads, and from when. Times are seconds since 1970."""

    started: float
    base: str = ""
    """The digest of the copy that what changed is added to; empty where all is read."""
    since: float = 0.0
    """What changed since then is read; 0 where all is."""
    made_by: str = __version__


@dataclass(frozen=True, slots=True)
class WalkedPage:
    """One page: its entries as rows, and the names it withdraws."""

    cursor: str | None
    """What it was asked for by; None for the first."""
    next_cursor: str | None
    """What the next one is asked for by; None after the last."""
    rows: list[str]
    deleted: list[str]
    size: int = 0
    """How many bytes it was."""
    skipped: int = 0
    why_skipped: tuple[str, ...] = ()
    """Why, for the first few."""


class WalkLog:
    """The pages in the file *path*. What cannot be written is not kept, and no error: the walk is just not resumed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pages(self) -> int:
        """Return how many pages are there."""
        with suppress(OSError), self._path.open("rb") as file:
            return max(0, sum(1 for line in file if line.endswith(b"\n")) - 1)
        return 0

    def resume(self, now: float, base: str) -> tuple[WalkStart, list[WalkedPage]] | None:
        """Return a walk that can go on: begun not long ago, by this version, and over *base* or over all.

        A page that was being written when its process died is cut off.
        """
        try:
            lines = self._whole_lines()
            start = WalkStart(**json.loads(lines[0]))
            pages = [WalkedPage(**json.loads(line)) for line in lines[1:]]
        except (OSError, ValueError, TypeError, IndexError):
            return None
        fits = start.made_by == __version__ and start.base in ("", base) and 0 <= now - start.started < STALE
        # A page that could not be written is missing between two others.
        follows = all(page.cursor == before for page, before in zip(pages, _cursors_before(pages), strict=True))
        return (start, pages) if fits and pages and follows else None

    def begin(self, start: WalkStart) -> None:
        """Forget the last walk and begin another."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_line(asdict(start)))

    def add(self, page: WalkedPage) -> None:
        """Keep one more page."""
        with suppress(OSError):
            if self._path.stat().st_size < MOST_BYTES:
                with self._path.open("ab") as file:
                    file.write(_line(asdict(page)))

    def drop(self) -> None:
        """Forget the walk: it is whole, or is no longer wanted."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _whole_lines(self) -> list[bytes]:
        if self._path.stat().st_size > MOST_BYTES:
            raise ValueError("it is larger than any walk")
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self._path, whole)
        return content[:whole].splitlines()


def _cursors_before(pages: list[WalkedPage]) -> list[str | None]:
    return [None, *(page.next_cursor for page in pages)][: len(pages)]


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"
