"""Runs a worker's jobs: in the main thread, with an event loop from the moment one is needed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any

Done = Callable[[Any, "BaseException | None"], None]
"""Called with a value, or with what was raised."""


class Executor:
    """Runs jobs one after another in the main thread.

    Most small plugins have no coroutine at all, and asyncio takes longer to import than they do.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._loop: Any = None
        self._loop_end: Any = None
        self._ended = False
        self._waiting_for_loop: list[Callable[[], Any]] = []

    @property
    def has_loop(self) -> bool:
        """Whether anything has run that needs an event loop."""
        return self._loop is not None

    def post(self, job: Callable[[], Any]) -> None:
        """Run *job* soon. May be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(job)
        else:
            self._jobs.put(job)

    def run(self) -> None:
        """Run jobs until :meth:`end`."""
        while not self._ended:
            self._jobs.get()()
            if self._waiting_for_loop:
                self._run_loop()

    def end(self) -> None:
        """Have :meth:`run` return. Only for the main thread."""
        self._ended = True
        if self._loop is not None:
            self._loop_end.set()

    def spawn(self, work: Coroutine[Any, Any, Any], done: Done) -> Callable[[], None]:
        """Run a coroutine, then call *done*; the result cancels it. Only for the main thread."""
        tasks: list[Any] = []

        def begin() -> None:
            task = self._loop.create_task(work)
            tasks.append(task)
            task.add_done_callback(lambda ended: done(*_outcome(ended)))

        if self._loop is None:
            self._waiting_for_loop.append(begin)
        else:
            begin()
        return lambda: tasks[0].cancel() if tasks else None

    def in_thread(self, function: Callable[[], Any], done: Done) -> None:
        """Run a function that may block in a thread of its own, then call *done* in the main thread."""

        def work() -> None:
            try:
                value = function()
            except BaseException as error:  # a plugin may raise anything; it becomes the result
                failure = error
                self.post(lambda: done(None, failure))
            else:
                self.post(lambda: done(value, None))

        threading.Thread(target=work, daemon=True).start()

    def _run_loop(self) -> None:
        import asyncio

        async def until_end() -> None:
            self._loop_end = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            for job in self._waiting_for_loop:
                job()
            while not self._jobs.empty():  # put by other threads while the loop began
                self._jobs.get()()
            await self._loop_end.wait()

        asyncio.run(until_end())


def _outcome(task: Any) -> tuple[Any, BaseException | None]:
    import asyncio

    if task.cancelled():
        return None, asyncio.CancelledError()
    error = task.exception()
    return (None, error) if error is not None else (task.result(), None)
