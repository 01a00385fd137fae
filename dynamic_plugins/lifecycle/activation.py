"""Turning plugins on and off: the verbs that start and end what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.core.status import Outcome, Status, now
from dynamic_plugins.events import Event

if TYPE_CHECKING:
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.storage.state import HomeState


class Activation:
    """Loads, activates, reloads, deactivates and unloads: one verb at a time for each plugin.

    Names are canonical here; what the verbs promise and raise is written at :class:`PluginManagementService`.
    """

    def __init__(
        self, store: HomeState, supervisor: Supervisor, dependencies: Dependencies, listener: Listener
    ) -> None:
        self._store, self._supervisor = store, supervisor
        self._dependencies, self._listener = dependencies, listener

    async def load(self, name: str) -> Outcome:
        async with self._supervisor.hold(name) as handle:
            if handle.state.status in {Status.LOADED, Status.ACTIVE, Status.INACTIVE}:
                return self._supervisor.outcome(name, note=f"{name} is loaded already.")
            if handle.state.status is Status.ERROR:
                self._store.change(name, enabled=False)  # active before it failed, perhaps: now it is to stay loaded
            await self._supervisor.load(handle)
            self._store.change(name, rests_as="loaded")
        self._announce(name, "loaded")
        return self._supervisor.outcome(name)

    async def activate(self, name: str) -> Outcome:
        if self._supervisor.get(name).state.status is not Status.ACTIVE:
            await self._activate_before(name)
        return await self._activate(name)

    async def _activate_before(self, name: str) -> None:
        """Activate what *name* needs, each under its own lock: whoever held one while waiting for another's could
        wait for ever.
        """
        for needed in await self._dependencies.before(name):
            await self._activate(needed)

    async def _activate(self, name: str) -> Outcome:
        async with self._supervisor.hold(name) as handle:
            if handle.state.status is Status.ACTIVE:
                if await self._supervisor.ask_about_changes(handle):
                    return self._supervisor.outcome(name)
                return self._supervisor.outcome(name, note=f"{name} is active already.")
            if not handle.running or handle.state.status not in {Status.LOADED, Status.INACTIVE}:
                await self._supervisor.load(handle)
            await self._supervisor.start(handle)
            self._store.change(name, enabled=True, last_activated=now())
        self._announce(name, "activated")
        return self._supervisor.outcome(name)

    async def reload(self, name: str) -> Outcome:
        if self._supervisor.get(name).state.status is Status.ERROR and self._store.get(name).enabled:
            await self._activate_before(name)
        async with self._supervisor.hold(name) as handle:
            before = handle.state.status
            await self._supervisor.stop(handle)
            await handle.disconnect()
            if before not in {Status.LOADED, Status.ACTIVE, Status.INACTIVE, Status.ERROR}:
                return self._supervisor.outcome(name, note=f"{name} is not loaded; there is nothing to reload.")
            handle.to(Status.INSTALLED)
            await self._supervisor.load(handle)
            if before is Status.ACTIVE or (before is Status.ERROR and self._store.get(name).enabled):
                await self._supervisor.start(handle)
            elif before is Status.ERROR:
                self._store.change(name, rests_as="loaded")
            elif before is Status.INACTIVE:
                self._supervisor.restore(handle, self._store.get(name))
        self._announce(name, "reloaded")
        return self._supervisor.outcome(name)

    async def deactivate(self, name: str) -> Outcome:
        async with self._supervisor.hold(name) as handle:
            if handle.state.status is not Status.ACTIVE:
                self._store.change(name, enabled=False)
                return self._supervisor.outcome(name, note=f"{name} is not active.")
            await self._dependencies.check_not_needed(name, "deactivate")
            await self._supervisor.stop(handle)
            handle.to(Status.INACTIVE)
            self._store.change(name, enabled=False, rests_as="inactive")
        self._announce(name, "deactivated")
        return self._supervisor.outcome(name)

    async def unload(self, name: str) -> Outcome:
        async with self._supervisor.hold(name) as handle:
            before = handle.state.status
            await self._dependencies.check_not_needed(name, "unload")
            await self._supervisor.stop(handle)
            await handle.disconnect()
            plugin = self._store.change(name, enabled=False, rests_as="installed", error_details=None)
            self._supervisor.restore(handle, plugin or self._store.get(name))
        if before in {Status.INSTALLED, Status.NEEDS_CONFIGURATION}:
            return self._supervisor.outcome(name, note=f"{name} is not loaded.")
        self._announce(name, "unloaded")
        return self._supervisor.outcome(name)

    def _announce(self, name: str, stage: str) -> None:
        self._listener(Event(name, stage))
