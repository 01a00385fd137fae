"""Tasks of active plugins, run when they are due."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from dynamic_plugins.errors import PluginError
from dynamic_plugins.events import Event

if TYPE_CHECKING:
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
    from dynamic_plugins.plugin import Task
    from dynamic_plugins.storage.call_log import CallLog
    from dynamic_plugins.storage.usage_log import Journal

TICK_SECONDS = 1.0
DOOR = "schedule"
"""What the record of calls has as the door of a task: nobody called it."""
GRACE_SECONDS = 5.0
"""A task that came due while nothing ran waits so long after the start: starting an agent starts no worker."""


class Scheduler:
    """Runs each task every *interval* seconds while its plugin is active, in one of the processes that share a home.

    A task that fails is reported to *listener* (``task_failed``), and run again when it is next due; one that still
    runs then is left alone. Each run is counted in *journal* and noted in *calls*, as ``task:NAME``.
    """

    def __init__(self, components: ComponentRegistry, journal: Journal, calls: CallLog, listener: Listener) -> None:
        self._components, self._journal, self._calls, self._listener = components, journal, calls, listener
        self._due: dict[tuple[str, str], float] = {}
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run what is due, until cancelled; what runs then is cancelled too."""
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                await self._begin_due()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _begin_due(self) -> None:
        tasks = {
            (name, task.name): task
            for name, plugin in self._components.plugins.items()
            for task in plugin.tasks
            if task.interval is not None
        }
        self._due = {key: due for key, due in self._due.items() if key in tasks}
        for key, task in tasks.items():
            with contextlib.suppress(OSError, TimeoutError):  # another process holds the journal: the next tick
                if key not in self._due:
                    self._due[key] = time.monotonic() + await self._first(key, task)
                elif time.monotonic() >= self._due[key] and key not in self._running:
                    await self._begin(key, task)

    async def _first(self, key: tuple[str, str], task: Task) -> float:
        interval = _interval(task)
        left = await asyncio.to_thread(self._journal.task_is_due_in, *key, interval)
        return max(left, min(GRACE_SECONDS, interval))

    async def _begin(self, key: tuple[str, str], task: Task) -> None:
        interval = _interval(task)
        left = await asyncio.to_thread(self._journal.begin_task, *key, interval)
        self._due[key] = time.monotonic() + (left or interval)
        if not left:
            self._running[key] = asyncio.create_task(self._work(key, task))
            self._running[key].add_done_callback(lambda _: self._running.pop(key, None))

    async def _work(self, key: tuple[str, str], task: Task) -> None:
        plugin, name = key
        try:
            with self._calls.timed(plugin, f"task:{name}", DOOR), self._journal.timed(plugin, name):
                await task.run()
        except Exception as error:  # a plugin in this process may raise anything: the others' tasks go on
            reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
            self._listener(Event(plugin, "task_failed", f"{name}: {reason}"))
        else:
            self._listener(Event(plugin, "task_done", name))


def _interval(task: Task) -> float:
    return max(TICK_SECONDS, task.interval or 0.0)
