"""A lock in the database of a shared state, which every machine that shares it honours."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.storage.postgres_rows import lock_key
from dynamic_plugins.storage.postgres_session import PostgresSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.storage.postgres_address import PostgresAddress

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


class PostgresLock:
    """The advisory lock called *name* among those of one *kind* in a home.

    It is held by a connection of its own and lost with it, as when the database restarts: what is done under it has to
    compare what it replaces.
    """

    def __init__(self, address: PostgresAddress, kind: str, name: str) -> None:
        self._key = lock_key(kind, address.home, name)
        self._session = PostgresSession(address)

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold it in this block. Raises TimeoutError after *seconds*, and StateError."""
        try:
            for pause in _pauses(seconds):
                if self._take():
                    break
                time.sleep(pause)
            yield
        finally:
            self._session.close()

    @asynccontextmanager
    async def held_async(self, seconds: float) -> AsyncIterator[None]:
        """Hold it in this block, as :meth:`held`; others run while it is waited for."""
        try:
            for pause in _pauses(seconds):
                if await in_thread(self._take):
                    break
                await asyncio.sleep(pause)
            yield
        finally:
            await in_thread(self._session.close)

    def _take(self) -> bool:
        def attempt(connection: Any) -> bool:
            return bool(connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,)).fetchone()[0])

        return self._session.run(attempt)


def _pauses(seconds: float) -> Iterator[float]:
    """Yield how long to wait before each next try; raises TimeoutError once *seconds* are over."""
    ends, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        yield pause
        if time.monotonic() >= ends:
            raise TimeoutError
        pause = min(2 * pause, _LONGEST_PAUSE)
