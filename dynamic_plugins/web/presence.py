"""Whether anybody looks at the page: told to the other processes of the home, which wait for an answer only then.

A browser that runs scripts listens for news for as long as the page is in view, and leaves when its tab is hidden or
closed. One that runs none is taken to look at what it was shown for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from dynamic_plugins.storage.open_page import NOTED_EVERY, note_seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READING = 300.0
"""Seconds for which a browser without scripts is taken to look at a page that it was shown."""
_LOOK_AGAIN = 1.0
_SCRIPTS_START = 10.0
"""A page that runs scripts listens at the latest so long after it was shown."""


class Presence:
    """Who looks at the page now, as far as its server can tell."""

    def __init__(self) -> None:
        self._listening = 0
        self._shown: float | None = None

    def shown(self) -> None:
        """Take note that a browser was shown a page."""
        self._shown = time.monotonic()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take note, for as long as the block lasts, that a page with scripts is in view."""
        if self._shown is not None and time.monotonic() - self._shown < _SCRIPTS_START:
            self._shown = None  # it was this one: it says itself when it is in view no more
        self._listening += 1
        try:
            yield
        finally:
            self._listening -= 1

    @property
    def is_there(self) -> bool:
        """Whether somebody looks."""
        return self._listening > 0 or (self._shown is not None and time.monotonic() - self._shown < READING)

    async def tell(self, home: Path) -> None:
        """Let the other processes of *home* know for as long as somebody looks, until cancelled."""
        while True:
            if seen := self.is_there:
                with contextlib.suppress(OSError):  # the home cannot be written just now
                    await asyncio.to_thread(note_seen, home)
            await asyncio.sleep(NOTED_EVERY if seen else _LOOK_AGAIN)
