"""The installed plugins as this process has them: kept in step with the state file, with workers where needed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.status import DynamicPluginInfo, Outcome, PluginState, Status
from dynamic_plugins.errors import (
    DeclinedError,
    LoadError,
    NeedsConfigurationError,
    NeedsConfirmationError,
    NeedsSignInError,
    PluginError,
    PluginTimeoutError,
)
from dynamic_plugins.events import Event
from dynamic_plugins.install.installation import is_editable
from dynamic_plugins.lifecycle import offer_pins, variables
from dynamic_plugins.lifecycle.component_registry import check
from dynamic_plugins.lifecycle.permission_values import granted
from dynamic_plugins.lifecycle.plugin_handle import PluginHandle, state_from_facts
from dynamic_plugins.workers.binding import bind
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.offer_pins import Review
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore
    from dynamic_plugins.workers.components import Connection


class Supervisor:
    """Every installed plugin's :class:`PluginHandle`, and what happens to one without a person asking for it.

    *listener* gets an event for each failure and change; *on_removed* the name of what is installed no more.
    """

    def __init__(
        self,
        store: HomeState,
        configuration: ConfigurationStore,
        approval: ApprovalGate,
        launcher: Launcher,
        registry: ComponentRegistry,
        listener: Listener,
        on_removed: Callable[[str], None],
    ) -> None:
        self._store, self._configuration = store, configuration
        self._approval, self._launcher = approval, launcher
        self._registry, self._listener, self._on_removed = registry, listener, on_removed
        self._handles: dict[str, PluginHandle] = {}
        self._followed: Mapping[str, StoredPlugin] | None = None
        """What the file held when all were last brought in step with it."""
        self._closing: set[asyncio.Future[None]] = set()

    # ---------------------------------------------------------------- in step with the state file

    def sync(self) -> None:
        """Take over what the state file says now: what another process installed, removed, enabled or disabled."""
        stored = self._store.read()
        busy = any(handle.lock.locked() for handle in self._handles.values())
        if stored is self._followed and not busy:
            return  # nothing has changed, neither the file nor, by a verb that was cut short, a plugin
        self._followed = None if busy else stored
        for name in self._handles.keys() - stored.keys():
            if not self._handles[name].lock.locked():
                self._forget(name)
        for name, plugin in stored.items():
            handle = self._handles.get(name)
            if handle is None:
                self._add(plugin)
            elif not handle.lock.locked():  # else a verb of ours is on it and knows better
                self._follow(handle, plugin)

    def _add(self, plugin: StoredPlugin) -> None:
        handle = self._handles[plugin.name] = PluginHandle(self.state_of(plugin), self._launcher, self)
        if handle.state.status is Status.ACTIVE:
            self._mount_remembered(handle, plugin)

    def _follow(self, handle: PluginHandle, plugin: StoredPlugin) -> None:
        wanted = self.state_of(plugin)
        if handle.running and (wanted.status is not handle.state.status or handle.source != plugin.source):
            # Another process changed it: the next call starts what is there now.
            handle.unmount()
            handle.release_worker()
        self.restore(handle, plugin, wanted)

    def restore(self, handle: PluginHandle, plugin: StoredPlugin, wanted: PluginState | None = None) -> None:
        """Bring *handle* to where the saved facts put it, without starting anything."""
        handle.state = wanted or self.state_of(plugin)
        # What a running worker says that it offers is newer than what was remembered.
        if handle.state.status is not Status.ACTIVE or (not handle.running and handle.offers != plugin.offers):
            handle.unmount()
        if handle.state.status is Status.ACTIVE and not handle.mounted:
            self._mount_remembered(handle, plugin)

    def state_of(self, plugin: StoredPlugin) -> PluginState:
        """Return where the saved facts put *plugin*."""
        return state_from_facts(
            plugin.name,
            enabled=plugin.enabled and plugin.offers is not None,
            rests_as=plugin.rests_as,
            missing=variables.missing(plugin.installation, self.known(plugin)),
            error_details=plugin.error_details,
        )

    def _mount_remembered(self, handle: PluginHandle, plugin: StoredPlugin) -> None:
        if plugin.offers is None:
            return
        try:
            handle.forget_crashes()
            handle.withheld = plugin.withheld or Offers()
            handle.mount(self._registry, plugin.offers)
        except LoadError as error:
            handle.state = PluginState(handle.name, Status.ERROR, str(error))

    def _forget(self, name: str) -> None:
        handle = self._handles.pop(name)
        self._on_removed(name)
        handle.unmount()
        if not handle.at_rest:
            closing = asyncio.ensure_future(handle.disconnect())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    # ---------------------------------------------------------------- what is installed

    def get(self, name: str) -> PluginHandle:
        """Return one installed plugin, as the state file has it now. Raises NotInstalledError."""
        self.sync()
        self._store.get(name)
        return self._handles[name]

    def statuses(self) -> dict[str, Status]:
        """Return where each installed plugin stands, by name: quick, however many there are."""
        self.sync()
        return {name: self._handles[name].state.status for name in self._store.read()}

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[PluginHandle]:
        """Keep other verbs off one installed plugin in this block. Raises NotInstalledError."""
        while True:
            handle = self.get(name)
            async with handle.lock:
                if self.get(name) is handle:  # else it was removed and installed anew while this waited
                    yield handle
                    return

    def known(self, plugin: StoredPlugin) -> set[str]:
        """Return the names of the variables of *plugin* that are set."""
        return self._configuration.names(plugin.name) if plugin.installation.variables else set()

    def info(self, name: str) -> DynamicPluginInfo:
        """Return the facts of an installed plugin. Raises NotInstalledError."""
        handle, plugin = self.get(name), self._store.get(name)
        return DynamicPluginInfo(
            name=name,
            version=plugin.installation.version,
            kind=plugin.installation.kind,
            status=handle.state.status,
            path=plugin.installation.path,
            required_env_vars=variables.required(plugin.installation, self.known(plugin)),
            error_details=handle.state.reason if handle.state.status is Status.ERROR else None,
            installed_at=plugin.installed_at,
            last_activated=plugin.last_activated,
            permissions=(permissions := granted(plugin)),
            enforced=self._approval.enforced(name, permissions),
            address=plugin.installation.remote.url if plugin.installation.remote is not None else "",
            reachable=plugin.reachable,
            source=plugin.installation.source,
            pinned=plugin.pinned,
            version_before="" if plugin.kept is None else plugin.kept.installation.version,
        )

    def outcome(self, name: str, note: str = "") -> Outcome:
        """Return how *name* is now, after a verb; a *note* says that nothing had to change."""
        mounted = self._registry.plugins.get(name)
        reads_turns = mounted is not None and bool(mounted.evaluators)
        withheld = tuple(offer_pins.names(self._store.get(name).withheld))
        connection = self.connection(name)
        return Outcome(
            self.info(name),
            changed=not note,
            note=note,
            reads_turns=reads_turns,
            withheld=withheld,
            left_out=() if connection is None else connection.offers.left_out,
        )

    def running(self) -> dict[str, int]:
        """Return the process id of each plugin that has a worker now."""
        return {
            name: handle.connection.pid
            for name, handle in self._handles.items()
            if handle.connection and handle.connection.pid is not None
        }

    # ---------------------------------------------------------------- workers

    async def load(self, handle: PluginHandle) -> None:
        """Start *handle*'s worker, check and remember what it offers: ``loaded``; or ``error``, and raise.

        Raises NeedsConfigurationError, and what asking for a first start raises, before anything is started.
        """
        plugin = self._store.get(handle.name)
        if missing := variables.missing(plugin.installation, self.known(plugin)):
            raise NeedsConfigurationError(handle.name, missing)
        await self._approval.ask_to_start(plugin)
        plugin = self._store.get(handle.name)
        try:
            connection = await handle.connected()
            found = offer_pins.review(connection.offers, plugin.agreed)
            check(bind(handle.name, connection.offers, handle.call))
        except NeedsSignInError:
            # It was agreed to: whoever has signed in is not asked for the same once more.
            self._store.change(handle.name, plugin.installation, approved=True)
            raise
        except (LoadError, PluginTimeoutError) as error:
            await handle.disconnect()
            self.fail(handle, error, plugin.installation)
            raise
        facts = {**await self._agreed_to(plugin, connection.offers, found), "approved": True, "error_details": None}
        if self._store.change(handle.name, plugin.installation, **facts) is None:
            await handle.disconnect()
            raise LoadError(handle.name, "another process has just updated or removed it. Try again")
        if handle.state.status is not Status.INACTIVE:
            handle.to(Status.LOADED)

    async def start(self, handle: PluginHandle) -> None:
        """Register what a loaded *handle* offers and start its services: ``active``; or nothing of it, and raise."""
        found = offer_pins.review((await handle.connected()).offers, self._store.get(handle.name).agreed)
        try:
            handle.forget_crashes()
            handle.withheld = found.withheld
            handle.mount(self._registry, found.usable)
            await handle.start_services()
        except PluginError as error:
            handle.unmount()
            await handle.disconnect()
            self.fail(handle, error)
            raise
        except BaseException:  # cancelled too: half of what it offers is not offered
            handle.unmount()
            handle.release_worker()
            raise
        handle.to(Status.ACTIVE)

    async def ask_about_changes(self, handle: PluginHandle) -> bool:
        """Ask whether what waits of an active *handle* may be used, and register it then; False where nothing waits.

        Raises what asking raises, and what refuses an activation by now: that it is active already is none.
        """
        plugin = self._store.get(handle.name)
        self._approval.admission.check_installed(plugin.installation)
        if plugin.withheld is None:
            return False
        offers = (await handle.connected()).offers
        found = offer_pins.review(offers, plugin.agreed)
        if found.withheld.components:
            changes = offer_pins.difference(found.withheld, plugin.agreed)
            await self._approval.ask_about_changes("activate", plugin, changes)
        agreed = offer_pins.added(plugin.agreed, offers)
        if self._store.change(handle.name, plugin.installation, agreed=agreed) is not None:
            self.offers_changed(handle, offers)
        return True

    def check_agreed(self, name: str, action: str) -> None:
        """Raise NeedsConfirmationError where an action of an active plugin is new or has changed since it was agreed
        to.
        """
        handle = self._handles.get(name)
        if handle is not None and handle.mounted:
            handle.check_agreed("action", action)

    async def _agreed_to(self, plugin: StoredPlugin, offers: Offers, found: Review) -> dict[str, Any]:
        """Return what is to be kept of *offers*: all, where nothing waits or the person agrees to what does.

        Where they do not, the rest goes on; raises what asking raises where there is no rest.
        """
        # What is edited in place is the person's.
        if found.withheld.components and not is_editable(plugin.installation):
            changes = offer_pins.difference(found.withheld, plugin.agreed)
            try:
                await self._approval.ask_about_changes("activate", plugin, changes)
            except (DeclinedError, NeedsConfirmationError):
                if not found.usable.components:
                    raise
                return {"offers": found.usable, "withheld": found.withheld}
        return {"offers": offers, "withheld": None, "agreed": offer_pins.added(plugin.agreed, offers)}

    def save_configuration_mark(self, plugin: StoredPlugin, **facts: Any) -> StoredPlugin:
        """Save *facts* that the next worker of *plugin* is started with, in every process, and return it with them."""
        enabled = plugin.enabled and plugin.error_details is None  # what failed is not active before it has loaded
        mark = os.urandom(4).hex()
        saved = self._store.change(plugin.name, enabled=enabled, error_details=None, told=mark, **facts)
        return saved or replace(plugin, **facts)

    async def stop(self, handle: PluginHandle) -> None:
        """Stop *handle*'s services and withdraw what it offers; its worker stays."""
        await handle.stop_services()
        handle.unmount()

    def fail(self, handle: PluginHandle, error: PluginError, of: Installation | None = None) -> None:
        """Put *handle* into ``error`` with the plugin's own reason, here and in the state file (for the install *of*).

        Whether it is wished active stays: that is what it comes back to.
        """
        reason = str(getattr(error, "reason", error))
        handle.to(Status.ERROR, reason)
        self._store.change(handle.name, of, error_details=reason)
        self._listener(Event(handle.name, "failed", reason))

    def crashed_too_often(self, handle: PluginHandle, reason: str) -> None:
        """Put a plugin into ``error`` whose worker ended again and again; see :class:`HandleObserver`."""
        if self._handles.get(handle.name) is handle:
            handle.unmount()
            if (plugin := self._current(handle)) is not None:
                self.fail(handle, LoadError(handle.name, reason), plugin.installation)
            else:
                self._followed = None  # another process has changed it: the next sync takes that over

    def is_on(self, name: str) -> bool:
        """Return whether a plugin runs, or would with its next call."""
        handle = self._handles.get(name)
        return handle is not None and (handle.running or handle.state.status is Status.ACTIVE)

    async def end(self, name: str, reason: str) -> None:
        """End a plugin, whatever it is doing, and put it into ``error`` with *reason*."""
        async with self.hold(name) as handle:
            handle.unmount()
            if handle.state.status is not Status.ERROR:
                self.fail(handle, LoadError(name, reason))
            await handle.disconnect()

    def offers_changed(self, handle: PluginHandle, offers: Offers) -> None:
        """Register what *handle* offers now and was agreed to; when that cannot be registered, what it offered before
        stays.
        """
        if self._handles.get(handle.name) is not handle or (plugin := self._current(handle)) is None:
            return  # another process has changed it: of what is there now this says nothing
        found = offer_pins.review(offers, plugin.agreed)
        if (found.usable, found.withheld) == (handle.offers, handle.withheld):
            return
        try:
            check(bind(handle.name, offers, handle.call))
        except LoadError as error:
            problem = f"what it offers has changed and cannot be used: {error}"
            self._listener(Event(handle.name, "failed", problem))
            return
        handle.withheld = found.withheld
        if handle.mounted:
            handle.unmount()
            handle.mount(self._registry, found.usable)
        withheld = found.withheld if found.withheld.components else None
        self._store.change(handle.name, plugin.installation, offers=found.usable, withheld=withheld)
        self._listener(Event(handle.name, "changed", f"{len(found.usable.of('action'))} actions"))
        if withheld is not None:
            waiting = ", ".join(offer_pins.names(withheld))
            self._listener(Event(handle.name, "withheld", f"new or changed since it was agreed to: {waiting}"))

    def _current(self, handle: PluginHandle) -> StoredPlugin | None:
        """Return what is saved about *handle* if that is what its worker was started from."""
        plugin = self._store.read().get(handle.name)
        return plugin if plugin is not None and plugin.source == handle.source else None

    async def wake_evaluators(self) -> None:
        """Start the active plugins that have an evaluator and no worker; one that does not start is left out."""
        asleep = [
            handle
            for handle in self._handles.values()
            if handle.offers and handle.offers.of("evaluator") and not handle.running
        ]
        await asyncio.gather(*(handle.start_services() for handle in asleep), return_exceptions=True)

    def connection(self, name: str) -> Connection | None:
        """Return what *name* runs as now: for hosts that want the handle objects of a plugin in this process."""
        handle = self._handles.get(name)
        return handle.connection if handle is not None else None

    async def close_idle(self, seconds: float) -> None:
        """End the workers that nobody has called for *seconds*; the next call starts them again."""
        for handle in list(self._handles.values()):
            idle = time.monotonic() - handle.last_used
            if handle.running and not handle.calls_in_progress and not handle.lock.locked() and idle >= seconds:
                await handle.disconnect()

    async def close(self) -> None:
        """End every worker; none is started any more. What is enabled stays enabled for the next start."""
        self._launcher.close()
        for handle in self._handles.values():
            handle.unmount()
        await asyncio.gather(*(handle.disconnect() for handle in self._handles.values()), *self._closing)
