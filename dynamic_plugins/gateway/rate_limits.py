"""How much one tenant asks of the gateway: calls a minute, calls at once, and requests that are open."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_plugins.gateway.tenants_file import TenantLimits

_OTHER_REQUESTS = 10
"""All requests may be so many times as many as calls."""
_OPEN = 64
"""Requests that are open at once: calls, streams, and all else."""
_WEIGHT = 128 * 1024
"""So many bytes of a request count as one request more: reading them takes time from all tenants."""


_ANSWERED_SECONDS = 0.25
"""A call counts as under way until its answer has ended, and its client may have read that already: for so long a new
one waits before it is one too many."""

REFUSED = -32000
"""The code of the JSON-RPC error for what is above a limit: one of those that are a server's own."""


class OverRateError(Exception):
    """A tenant is above a limit. It becomes an answer over HTTP and is no PluginError: no plugin is concerned.

    *seconds* is how long to wait; the text is for a model.
    """

    def __init__(self, limit: str, seconds: int, text: str) -> None:
        self.limit, self.seconds = limit, seconds
        super().__init__(text)

    def facts(self) -> dict[str, object]:
        """Return the *data* of the JSON-RPC error that tells of it."""
        return {"code": "over_limit", "limit": self.limit, "retry_after": self.seconds}


class Budget:
    """Lets so many things *a_minute* pass: all at once, or one after the other as they come back with time."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(a_minute), clock
        self._left, self._since = self._most, clock()

    def take(self, count: int = 1) -> float:
        """Take *count* out of it and return 0; where so many are not left, take none and return the seconds until."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._since) * self._most / 60)
        self._since = now
        if self._left >= count:
            self._left -= count
            return 0.0
        return (count - self._left) * 60 / self._most


class TenantGate:
    """Admits the requests of one tenant within its *limits*."""

    def __init__(self, limits: TenantLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._calls = Budget(limits.calls_per_minute, clock)
        self._requests = Budget(_OTHER_REQUESTS * limits.calls_per_minute, clock)
        self._running = self.open = 0
        self.parsing = asyncio.Lock()
        """Held while a long message is parsed: one after the other."""
        self._ended = asyncio.Event()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Count a request, of which nothing was read yet, while the block lasts. Raises OverRateError."""
        if self.open >= _OPEN:
            raise OverRateError("requests_at_once", 1, _AT_ONCE.format(self.open, "requests are", _OPEN))
        self._take_requests(1)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def weigh(self, size: int) -> None:
        """Count the *size* of a request, in bytes, that was read and not yet looked into. Raises OverRateError."""
        if count := size // _WEIGHT:
            self._take_requests(min(count, _OTHER_REQUESTS * self._limits.calls_per_minute // 2))

    async def room(self, calls: int) -> None:
        """Wait a moment where as many calls as may be are under way, one of which may have been answered just now."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERED_SECONDS):
                while calls and self._running + calls > self._limits.concurrent:
                    self._ended.clear()
                    await self._ended.wait()

    @contextmanager
    def admit(self, calls: int) -> Iterator[None]:
        """Count the *calls* in a request, one or none, while the block lasts. Raises OverRateError."""
        with self.running(calls):
            self._take_calls(calls)
            yield

    @contextmanager
    def running(self, calls: int) -> Iterator[None]:
        """Count the *calls* as under way while the block lasts. Raises OverRateError."""
        if calls and self._running + calls > self._limits.concurrent:
            most = self._limits.concurrent
            raise OverRateError("concurrent", 1, _AT_ONCE.format(self._running, "calls are", most))
        self._running += calls
        try:
            yield
        finally:
            self._running -= calls
            self._ended.set()

    def _take_calls(self, calls: int) -> None:
        if calls and (wait := math.ceil(self._calls.take(calls))):
            most = self._limits.calls_per_minute
            raise OverRateError("calls_per_minute", wait, _A_MINUTE.format(most, "calls", wait))

    def _take_requests(self, count: int) -> None:
        if wait := math.ceil(self._requests.take(count)):
            most = _OTHER_REQUESTS * self._limits.calls_per_minute
            raise OverRateError("requests_per_minute", wait, _A_MINUTE.format(most, "requests", wait))


_A_MINUTE = (
    "The call was not made: {} {} a minute are allowed here, and so many were made. Wait {} seconds, then make the "
    "same call again; until then every other call is refused as well."
)
_AT_ONCE = (
    "The call was not made: {} {} under way, and {} at once are allowed here. Wait for one of them to end, then make "
    "the same call again."
)
