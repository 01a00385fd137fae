"""A head start for the first of several installs: it downloads what they share, and the others find it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

WARMUP_SECONDS = 20.0
"""After which the others go along all the same: the first may be a big one, or its download may hang."""


class CacheWarmup:
    """Lets the first of several begin alone where nothing has been fetched ever, as *is_empty* says.

    Without it eight installs into an empty cache download and unpack eight times what they share.
    """

    def __init__(self, is_empty: Callable[[], bool]) -> None:
        self._is_empty = is_empty
        self._first: asyncio.Event | None = None

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for the one that is ahead, or be it: until it calls what it is given, or leaves the block."""
        if self._first is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), WARMUP_SECONDS)
            yield _nobody_waits
            return
        if not self._is_empty():
            yield _nobody_waits
            return
        first = self._first = asyncio.Event()

        def fetched() -> None:
            first.set()
            if self._first is first:
                self._first = None

        try:
            yield fetched
        finally:
            fetched()


def _nobody_waits() -> None:
    pass
