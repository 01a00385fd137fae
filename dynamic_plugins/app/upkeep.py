"""What goes on beside everything else while the application runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from dynamic_plugins.errors import PluginError

if TYPE_CHECKING:
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.registry.registry import Registry

REVOCATION_SECONDS = 60.0
"""So often is looked for what another process has learned to be revoked, and for sources whose copy is old."""


class Upkeep:
    """Runs plugins' tasks, ends workers that are idle for *idle* seconds, and ends what a registry has revoked."""

    def __init__(self, service: PluginManagementService, registry: Registry, idle: float) -> None:
        self._service, self._registry, self._idle = service, registry, idle
        self._new_registry = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._registry.watch(on_new_copy=self._new_registry.set)
        self._tasks = [
            asyncio.create_task(self._watch_revocations()),
            asyncio.create_task(self._end_idle_workers()),
            asyncio.create_task(self._service.run_tasks()),
        ]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._registry.close(), return_exceptions=True)

    async def _end_idle_workers(self) -> None:
        while True:
            await asyncio.sleep(max(1.0, self._idle / 4))
            await self._service.close_idle(self._idle)

    async def _watch_revocations(self) -> None:
        """End, or warn of, what is revoked while it runs, as soon as a registry says so."""
        while True:
            self._new_registry.clear()
            self._registry.freshen()
            with contextlib.suppress(PluginError):  # an outage, or a state that cannot be read: the next look is soon
                if self._service.admission.stops_revoked and self._service.running():
                    await self._registry.entries()
                await self._service.end_revoked()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REVOCATION_SECONDS):
                    await self._new_registry.wait()
