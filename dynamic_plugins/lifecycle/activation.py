"""Turning plugins on and off: the verbs that start and end what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.core.status import Outcome, Status, now
from dynamic_plugins.errors import NeedsConfigurationError
from dynamic_plugins.events import Event
from dynamic_plugins.lifecycle import variables as config

if TYPE_CHECKING:
    from dynamic_plugins.lifecycle.approval_gate import Consent
    from dynamic_plugins.lifecycle.component_registry import AgentRuntime
    from dynamic_plugins.lifecycle.means import Means
    from dynamic_plugins.lifecycle.plugin_handle import LivePlugin


class Switches:
    """Loads, activates, reloads, deactivates and unloads: one verb at a time for each plugin."""

    def __init__(self, means: Means, consent: Consent, runtime: AgentRuntime) -> None:
        self._catalogue, self._installer, self._store = means.catalogue, means.installer, means.store
        self._dependencies, self._presence, self._listener = means.dependencies, means.presence, means.listener
        self._consent, self._runtime = consent, runtime

    async def load(self, said: str) -> Outcome:
        """Start the plugin's worker and learn what it offers, without offering it yet.

        Raises NeedsConfigurationError, DeclinedError, NeedsConfirmationError, LoadError (status ``error``) or
        PluginTimeoutError.
        """
        name = await self._catalogue.installed(said)
        async with self._presence.get(name).lock:
            live = self._presence.get(name)
            if live.standing.status in {Status.LOADED, Status.ACTIVE, Status.INACTIVE}:
                return self.outcome(name, note=f"{name} is loaded already.")
            if live.standing.status is Status.ERROR:
                self._store.change(name, enabled=False)  # it may have been active before it failed: now it is to rest
            await self._load(live)
            self._store.change(name, rests_as="loaded")
        self._tell(name, "loaded")
        return self.outcome(name)

    async def activate(self, said: str) -> Outcome:
        """Load the plugin if need be, start its services and offer its components; it stays enabled after a restart.

        What it needs is activated before it. Errors as for :meth:`load`.
        """
        name = await self._catalogue.installed(said)
        if self._presence.get(name).standing.status is not Status.ACTIVE:
            await self._activate_before(name)
        return await self._activate(name)

    async def _activate_before(self, name: str) -> None:
        """Activate what *name* needs, each under its own lock: whoever held one while waiting for another's could
        wait for ever.
        """
        for needed in await self._dependencies.before(name):
            await self._activate(needed)

    async def _activate(self, name: str) -> Outcome:
        async with self._presence.get(name).lock:
            live = self._presence.get(name)
            if live.standing.status is Status.ACTIVE:
                return self.outcome(name, note=f"{name} is active already.")
            if not live.running:
                await self._load(live)
            await self._presence.start(live)
            self._store.change(name, enabled=True, last_activated=now())
        self._tell(name, "activated")
        return self.outcome(name)

    async def reload(self, said: str) -> Outcome:
        """Start the plugin's code anew: what changed in an editable folder counts from now on. It stays on or off.

        One that failed is loaded again, and active again where it was before. Errors as for :meth:`load`; when it does
        not load any more its status is ``error``.
        """
        name = await self._catalogue.installed(said)
        if self._presence.get(name).standing.status is Status.ERROR and self._presence.stored(name).enabled:
            await self._activate_before(name)
        async with self._presence.get(name).lock:
            live = self._presence.get(name)
            before = live.standing.status
            await self._presence.stop(live)
            await live.disconnect()
            if before not in {Status.LOADED, Status.ACTIVE, Status.INACTIVE, Status.ERROR}:
                return self.outcome(name, note=f"{name} is not loaded; there is nothing to reload.")
            live.to(Status.INSTALLED)
            await self._load(live)
            if before is Status.ACTIVE or (before is Status.ERROR and self._presence.stored(name).enabled):
                await self._presence.start(live)
            elif before is Status.ERROR:
                self._store.change(name, rests_as="loaded")
            elif before is Status.INACTIVE:
                self._presence.restore(live, self._presence.stored(name))
        self._tell(name, "reloaded")
        return self.outcome(name)

    async def _load(self, live: LivePlugin) -> None:
        plugin = self._presence.stored(live.name)
        if missing := config.missing(plugin.installation, self._presence.known(plugin)):
            raise NeedsConfigurationError(live.name, missing)
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            await self._consent.ask("activate", plan, (plan.start_command,))
        await self._presence.load(live)

    async def deactivate(self, said: str) -> Outcome:
        """Stop the plugin's services and withdraw what it offers; it stays loaded, and off after a restart."""
        name = await self._catalogue.installed(said)
        async with self._presence.get(name).lock:
            live = self._presence.get(name)
            if live.standing.status is not Status.ACTIVE:
                self._store.change(name, enabled=False)
                return self.outcome(name, note=f"{name} is not active.")
            await self._dependencies.check_not_needed(name, "deactivate")
            await self._presence.stop(live)
            live.to(Status.INACTIVE)
            self._store.change(name, enabled=False, rests_as="inactive")
        self._tell(name, "deactivated")
        return self.outcome(name)

    async def unload(self, said: str) -> Outcome:
        """Deactivate the plugin and end its worker; it stays installed. This also clears the status ``error``."""
        name = await self._catalogue.installed(said)
        async with self._presence.get(name).lock:
            live = self._presence.get(name)
            before = live.standing.status
            await self._dependencies.check_not_needed(name, "unload")
            await self._presence.stop(live)
            await live.disconnect()
            plugin = self._store.change(name, enabled=False, rests_as="installed", error_details=None)
            self._presence.restore(live, plugin or self._presence.stored(name))
        if before in {Status.INSTALLED, Status.NEEDS_CONFIGURATION}:
            return self.outcome(name, note=f"{name} is not loaded.")
        self._tell(name, "unloaded")
        return self.outcome(name)

    def outcome(self, name: str, note: str = "") -> Outcome:
        """Return how *name* stands now; a *note* says that nothing had to change."""
        mounted = self._runtime.plugins.get(name)
        reads = bool(mounted is not None and mounted.evaluators)
        return Outcome(self._presence.info(name), changed=not note, note=note, reads_turns=reads)

    def _tell(self, name: str, stage: str) -> None:
        self._listener(Event(name, stage))
