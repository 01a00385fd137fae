"""Tasks of an elizaOS plugin: the workers that it registers in its runtime, and how often they are queued to run.

A plugin registers them in its ``init``, or in a service that starts, so they are known some time after it was loaded.
elizaOS' own scheduler is not started: the host runs what is due.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from ..component_set import Component
from ..serialize import plain
from .call import AttributeDict, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..component_set import ComponentSet
    from .services import DependencyContainer

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 120
_REPEATED = "repeat"
"""The tag of a queued task that is run again and again."""


class Tasks:
    """Offers in *components* what the plugin of *container* has registered; *changed* tells the host of new ones."""

    def __init__(self, container: DependencyContainer, components: ComponentSet, changed: Callable[[], object]) -> None:
        self._container, self._components, self._changed = container, components, changed

    async def add(self) -> None:
        """Offer what has been registered since the last time, and how often it is queued to run now."""
        runtime = self._container.made_runtime
        workers = getattr(runtime, "_task_workers", None)
        if not isinstance(workers, dict):
            return
        found = False
        for name, worker in list(workers.items()):
            if _function(worker) is not None:
                found = await self._offer(runtime, str(name)) or found
        if found:
            self._changed()

    async def _offer(self, runtime: Any, name: str) -> bool:
        """Offer one task; return whether it is new, or queued to run otherwise than before."""
        plain_name = _NOT_IN_NAMES.sub("_", name).strip("_")[:_LONGEST_NAME] or "unnamed"
        interval = _interval(await _queued(runtime, name))
        known = self._components.by_address.get(f"task:{plain_name}")
        if known is not None:
            changed, known.interval = known.interval != interval, interval
            return changed

        async def run(_arguments: dict[str, Any]) -> Any:
            return await self._run(name)

        self._components.add(Component("task", plain_name, run, is_async=True, interval=interval))
        return True

    async def _run(self, name: str) -> Any:
        """Run one task where its worker says that it is due."""
        runtime = await self._container.runtime()
        worker = runtime._task_workers[name]
        validate = _member(worker, "validate")
        if callable(validate) and not await self._container.injector.call(validate, Call(name, {})):
            return None
        task = await _queued(runtime, name)
        function = _function(worker)
        assert function is not None  # noqa: S101 # only such are offered
        value = function(runtime, task.get("metadata") or AttributeDict(), task)
        return plain(await value if inspect.isawaitable(value) else value)


async def _queued(runtime: Any, name: str) -> AttributeDict:
    """Return the plugin's own record of a task; one that is not repeated where it has queued none."""
    queued = await runtime.get_tasks_by_name(name)
    return queued[0] if queued else AttributeDict({"name": name, "tags": [], "metadata": AttributeDict()})


def _function(worker: Any) -> Any:
    """Return what runs a task: ``execute``, or the worker itself; elizaOS has both forms. None where it has neither."""
    execute = _member(worker, "execute")
    return execute if callable(execute) else worker if callable(worker) else None


def _member(worker: Any, name: str) -> Any:
    return worker.get(name) if isinstance(worker, dict) else getattr(worker, name, None)


def _interval(task: AttributeDict) -> float | None:
    """Return how often a task is repeated, in seconds; None for one that is not."""
    if _REPEATED not in (task.get("tags") or ()):
        return None
    try:
        milliseconds = float((task.get("metadata") or {}).get("update_interval") or 0)
    except (TypeError, ValueError, AttributeError):
        return None
    return milliseconds / 1000 if 0 < milliseconds < float("inf") else None
