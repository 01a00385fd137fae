"""Calls that are made once, however often they are asked for: who asks again gets the answer that there was."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = dict[str, Any]
STOPPED: Answer = {"stopped": True}
"""The answer to a call that was given up on the way."""


class ForgottenCallError(Exception):
    """The call was made and answered long ago: its answer is not kept any more, and it is not made again.

    It is no PluginError: the actor answers with one.
    """


class AnsweredCalls:
    """The calls of many sessions, each known by its session and its number there, which counts upwards.

    At most *keep* answers of together *keep_bytes* are kept. Of a session whose answers had to go it is known up to
    which number, so that a call that comes late is refused and never made a second time.
    """

    def __init__(self, keep: int = 512, keep_bytes: int = 16 * 2**20) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._running: dict[tuple[str, int], asyncio.Future[Answer]] = {}
        self._answers: OrderedDict[tuple[str, int], tuple[Answer, int]] = OrderedDict()
        self._bytes = 0
        self._forgotten: dict[str, int] = {}
        self.made = 0
        """How many calls were made."""
        self.asked_again = 0
        """How many were asked for once more and not made again."""

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return len(self._running)

    async def once(self, session: str, number: int, make: Callable[[], Awaitable[Answer]], size: int = 0) -> Answer:
        """Return the answer to a call: that of *make*, which is awaited the first time, and goes on whoever leaves.

        *size* is how many bytes the answer has at least; *make* raises nothing. Raises ForgottenCallError.
        """
        key = (session, number)
        if key in self._answers:
            self.asked_again += 1
            return self._answers[key][0]
        task = self._running.get(key)
        if task is not None:
            self.asked_again += 1
        elif number <= self._forgotten.get(session, -1):
            raise ForgottenCallError
        else:
            self.made += 1
            task = self._running[key] = asyncio.ensure_future(make())
            task.add_done_callback(partial(self._ended, key, size))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # and not who waits for it
                return STOPPED
            raise

    def stop(self, session: str, number: int) -> None:
        """Cancel a call that is under way; nothing happens where it is answered."""
        if (task := self._running.get((session, number))) is not None:
            task.cancel()

    async def settle(self, seconds: float) -> None:
        """Wait, at most *seconds*, until no call is under way."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)

    def _ended(self, key: tuple[str, int], size: int, task: asyncio.Future[Answer]) -> None:
        del self._running[key]
        answer = STOPPED if task.cancelled() else task.result()
        size += len(repr(answer))
        self._answers[key] = (answer, size)
        self._bytes += size
        while len(self._answers) > self._keep or (self._bytes > self._keep_bytes and len(self._answers) > 1):
            (session, number), (_, gone) = self._answers.popitem(last=False)
            self._bytes -= gone
            self._forgotten[session] = max(number, self._forgotten.get(session, -1))
