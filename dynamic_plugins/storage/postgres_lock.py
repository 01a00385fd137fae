"""Locks in the database of a shared state, which every machine that shares it honours."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import StateError
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.storage.postgres_rows import lock_key
from dynamic_plugins.storage.postgres_session import PostgresSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.storage.postgres_address import PostgresAddress

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


class PostgresLocks:
    """Advisory locks of the home of *address* that this process holds, each by its kind and name.

    One connection holds all of them, and there is none while none is held. They are lost with it, as when the database
    restarts, and taken again with the next one where nobody was quicker: what is done under a lock has to compare what
    it replaces.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self._home, self._session = address.home, PostgresSession(address, opened=self._take_again)
        self._held: set[int] = set()
        self._one = threading.Lock()

    @contextmanager
    def held(self, kind: str, name: str, seconds: float) -> Iterator[None]:
        """Hold a lock in this block. Raises TimeoutError after *seconds*, and StateError."""
        key = lock_key(kind, self._home, name)
        for pause in _pauses(seconds):
            if self._take(key):
                break
            time.sleep(pause)
        try:
            yield
        finally:
            self._release(key)

    @asynccontextmanager
    async def held_async(self, kind: str, name: str, seconds: float) -> AsyncIterator[None]:
        """Hold a lock in this block, as :meth:`held`; others run while it is waited for."""
        key = lock_key(kind, self._home, name)
        taking = _Taking(self, key)
        try:
            for pause in _pauses(seconds):
                if await in_thread(taking):
                    break
                await asyncio.sleep(pause)
            yield
        finally:
            if taking.has_it:  # also where this was cancelled while it was being taken
                await in_thread(self._release, key)

    def _take(self, key: int) -> bool:
        # The database would give a session that holds it the same lock again.
        with self._one:
            if key in self._held or not self._session.run(lambda connection: _try(connection, key)):
                return False
            self._held.add(key)
            return True

    def _release(self, key: int) -> None:
        with self._one:
            self._held.discard(key)
            if not self._held:
                self._session.rest()
                return
            with contextlib.suppress(StateError):  # then it went with the connection
                self._session.run(lambda connection: _unlock(connection, key), once=True)

    def _take_again(self, connection: Any) -> None:
        for key in self._held:
            _try(connection, key)

    def close(self) -> None:
        """Let go of all of them; none is taken any more."""
        self._session.close()


class _Taking:
    """Tries to take a lock, and knows whether that was done."""

    def __init__(self, locks: PostgresLocks, key: int) -> None:
        self._locks, self._key = locks, key
        self.has_it = False

    def __call__(self) -> bool:
        self.has_it = self._locks._take(self._key)
        return self.has_it


def _try(connection: Any, key: int) -> bool:
    return bool(connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()[0])


def _unlock(connection: Any, key: int) -> None:
    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def _pauses(seconds: float) -> Iterator[float]:
    """Yield before each try how long to wait after it, once at least; raises TimeoutError after *seconds*."""
    ends, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        yield pause
        if time.monotonic() >= ends:
            raise TimeoutError
        pause = min(2 * pause, _LONGEST_PAUSE)
