"""The installed plugins as this process has them: kept in step with the state file, with workers where needed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from dynamic_plugins.core.status import DynamicPluginInfo, Standing, Status
from dynamic_plugins.errors import (
    LoadError,
    NotInstalledError,
    PluginError,
    PluginTimeoutError,
)
from dynamic_plugins.events import Event
from dynamic_plugins.lifecycle import variables as config
from dynamic_plugins.lifecycle.component_registry import check
from dynamic_plugins.lifecycle.plugin_handle import LivePlugin, standing_from_facts
from dynamic_plugins.workers.components import bind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.lifecycle.component_registry import AgentRuntime
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.storage.secrets import ConfigurationStore
    from dynamic_plugins.storage.state import StateStore, StoredPlugin
    from dynamic_plugins.workers.components import Connection, Offers


class Presence:
    """Every installed plugin's :class:`LivePlugin`.

    *listener* hears of failures and changes, *forgotten* of what is installed no more.
    """

    def __init__(
        self,
        store: StateStore,
        configuration: ConfigurationStore,
        launcher: Launcher,
        runtime: AgentRuntime,
        listener: Listener,
        forgotten: Callable[[str], None],
    ) -> None:
        self._store, self._configuration, self._launcher = store, configuration, launcher
        self._runtime, self._listener = runtime, listener
        self._forgotten = forgotten
        self._live: dict[str, LivePlugin] = {}
        self._followed: Mapping[str, StoredPlugin] | None = None
        """What the file said when all were last brought in step with it."""
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False

    # ---------------------------------------------------------------- in step with the state file

    def sync(self) -> None:
        """Take over what the state file says now: what another process installed, removed, enabled or disabled."""
        stored = self._store.read()
        busy = any(live.lock.locked() for live in self._live.values())
        if stored is self._followed and not busy:
            return  # nothing has changed, neither the file nor, by a verb that was cut short, a plugin
        self._followed = None if busy else stored
        for name in self._live.keys() - stored.keys():
            if not self._live[name].lock.locked():
                self._forget(name)
        for name, plugin in stored.items():
            live = self._live.get(name)
            if live is None:
                self._add(plugin)
            elif not live.lock.locked():  # else a verb of ours is on it and knows better
                self._follow(live, plugin)

    def _add(self, plugin: StoredPlugin) -> None:
        name = plugin.name
        live = LivePlugin(
            self.standing_of(plugin),
            lambda: self._connect(live),
            lambda why: self._broken(name, why),
            lambda offers: self._changed(name, offers),
        )
        self._live[name] = live
        if live.standing.status is Status.ACTIVE:
            self._mount_remembered(live, plugin)

    def _follow(self, live: LivePlugin, plugin: StoredPlugin) -> None:
        wanted = self.standing_of(plugin)
        if live.running and (wanted.status is not live.standing.status or live.started_from != _source(plugin)):
            # Another process changed it: the next call starts what is there now.
            live.unmount()
            live.let_go()
        self.restore(live, plugin, wanted)

    def restore(self, live: LivePlugin, plugin: StoredPlugin, wanted: Standing | None = None) -> None:
        """Bring *live* to where the saved facts put it, without starting anything."""
        live.standing = wanted or self.standing_of(plugin)
        # What a running worker says that it offers is newer than what was remembered.
        if live.standing.status is not Status.ACTIVE or (not live.running and live.offers != plugin.offers):
            live.unmount()
        if live.standing.status is Status.ACTIVE and not live.mounted:
            self._mount_remembered(live, plugin)

    def standing_of(self, plugin: StoredPlugin) -> Standing:
        """Return where the saved facts put *plugin*."""
        return standing_from_facts(
            plugin.name,
            enabled=plugin.enabled and plugin.offers is not None,
            rests_as=plugin.rests_as,
            missing=config.missing(plugin.installation, self.known(plugin)),
            error_details=plugin.error_details,
        )

    def _mount_remembered(self, live: LivePlugin, plugin: StoredPlugin) -> None:
        if plugin.offers is None:
            return
        try:
            live.mount(self._runtime, plugin.offers)
        except LoadError as error:
            live.standing = Standing(live.name, Status.ERROR, str(error))

    def _forget(self, name: str) -> None:
        live = self._live.pop(name)
        self._forgotten(name)
        live.unmount()
        if live.connection is not None:
            closing = asyncio.ensure_future(live.disconnect())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    # ---------------------------------------------------------------- what is told

    def get(self, name: str) -> LivePlugin:
        """Return one installed plugin, as the state file has it now. Raises NotInstalledError."""
        self.sync()
        self.stored(name)
        return self._live[name]

    def stored(self, name: str) -> StoredPlugin:
        """Return what is saved about *name*. Raises NotInstalledError."""
        if (plugin := self._store.read().get(name)) is None:
            raise NotInstalledError(name)
        return plugin

    def known(self, plugin: StoredPlugin) -> set[str]:
        """Return the names of the values that *plugin* has been told."""
        return self._configuration.names(plugin.name) if plugin.installation.variables else set()

    def info(self, name: str) -> DynamicPluginInfo:
        """Return what is told about an installed plugin."""
        live, plugin = self.get(name), self.stored(name)
        return DynamicPluginInfo(
            name=name,
            version=plugin.installation.version,
            kind=plugin.installation.kind,
            status=live.standing.status,
            path=plugin.installation.path,
            required_env_vars=config.required(plugin.installation, self.known(plugin)),
            error_details=live.standing.reason if live.standing.status is Status.ERROR else None,
            installed_at=plugin.installed_at,
            last_activated=plugin.last_activated,
        )

    def running(self) -> dict[str, int]:
        """Return the process id of each plugin that has a worker now."""
        return {
            name: live.connection.pid
            for name, live in self._live.items()
            if live.running and live.connection and live.connection.pid is not None
        }

    # ---------------------------------------------------------------- workers

    async def _connect(self, live: LivePlugin) -> Connection:
        if self._closed:
            raise PluginError(f"{live.name} is not started: the application is closing.")
        while True:
            plugin = self.stored(live.name)
            live.started_from = _source(plugin)
            try:
                return await self._launcher.start(plugin)
            except LoadError:
                if self._current(live) is not None:
                    raise
                # Another process put another version in its place, and took away what was being started.

    def _current(self, live: LivePlugin) -> StoredPlugin | None:
        """Return what is saved about *live* if that is what it was started from."""
        plugin = self._store.read().get(live.name)
        return plugin if plugin is not None and live.started_from == _source(plugin) else None

    async def load(self, live: LivePlugin) -> None:
        """Start *live*'s worker, check and remember what it offers: ``loaded``; or ``error``, and raise."""
        plugin = self.stored(live.name)
        try:
            connection = await live.connected()
            check(bind(live.name, connection.offers, live.call))
        except (LoadError, PluginTimeoutError) as error:
            await live.disconnect()
            self.fail(live, error, plugin.installation)
            raise
        changes = {"offers": connection.offers, "approved": True, "error_details": None}
        if self._store.change(live.name, plugin.installation, **changes) is None:
            await live.disconnect()
            raise LoadError(live.name, "another process has just updated or removed it. Try again")
        if live.standing.status is not Status.INACTIVE:
            live.to(Status.LOADED)

    async def start(self, live: LivePlugin) -> None:
        """Register what a loaded *live* offers and start its services: ``active``; or nothing of it, and raise."""
        offers = (await live.connected()).offers
        try:
            live.mount(self._runtime, offers)
            await self._runtime.start_services(live.name)
        except PluginError as error:
            live.unmount()
            await live.disconnect()
            self.fail(live, error)
            raise
        except BaseException:
            live.unmount()
            live.let_go()  # some of its services may run
            raise
        live.to(Status.ACTIVE)

    async def stop(self, live: LivePlugin) -> None:
        """Stop *live*'s services and withdraw what it offers; its worker stays."""
        try:
            if live.running and live.mounted:
                await self._runtime.stop_services(live.name)
        except BaseException:
            live.let_go()  # some of its services are stopped: the next call starts it with all of them
            raise
        live.unmount()

    def fail(self, live: LivePlugin, error: PluginError, of: Installation | None = None) -> None:
        """Put *live* into ``error`` with the plugin's own reason, here and in the state file (for the install *of*).

        Whether it is wished active stays: that is what it comes back to.
        """
        reason = str(getattr(error, "reason", error))
        live.to(Status.ERROR, reason)
        self._store.change(live.name, of, error_details=reason)
        self._listener(Event(live.name, "failed", reason))

    def _broken(self, name: str, reason: str) -> None:
        if (live := self._live.get(name)) is not None:
            live.unmount()
            if (plugin := self._current(live)) is not None:
                self.fail(live, LoadError(name, reason), plugin.installation)
            else:
                self._followed = None  # another process has changed it: the next look takes that over

    def _changed(self, name: str, offers: Offers) -> None:
        """Offer what *name* offers now; when that cannot be registered, what it offered before stays."""
        live = self._live.get(name)
        if live is None or (plugin := self._current(live)) is None:
            return  # another process has changed it: of what is there now this says nothing
        try:
            check(bind(name, offers, live.call))
        except LoadError as error:
            self._listener(Event(name, "failed", f"what it offers has changed and cannot be used: {error}"))
            return
        if live.mounted:
            live.unmount()
            live.mount(self._runtime, offers)
        self._store.change(name, plugin.installation, offers=offers)
        self._listener(Event(name, "changed", f"{len(offers.of('action'))} actions"))

    async def wake_evaluators(self) -> None:
        """Start the active plugins that have an evaluator and no worker; one that does not start is left out."""
        asleep = [
            live for live in self._live.values() if live.offers and live.offers.of("evaluator") and not live.running
        ]
        await asyncio.gather(*(live.connected() for live in asleep), return_exceptions=True)

    def connection(self, name: str) -> Connection | None:
        """Return what *name* runs as now: for hosts that want the live objects of a plugin in this process."""
        live = self._live.get(name)
        return live.connection if live is not None and live.running else None

    async def close_idle(self, seconds: float) -> None:
        """End the workers that nobody has called for *seconds*; the next call starts them again."""
        for live in list(self._live.values()):
            idle = time.monotonic() - live.last_used
            if live.running and not live.calls_under_way and not live.lock.locked() and idle >= seconds:
                await live.disconnect()

    async def close(self) -> None:
        """End every worker; none is started any more. What is enabled stays enabled for the next start."""
        self._closed = True
        for live in self._live.values():
            live.unmount()
        await asyncio.gather(*(live.disconnect() for live in self._live.values()), *self._closing)


def _source(plugin: StoredPlugin) -> object:
    """Return what a worker is started from, to be compared: the install, and what the plugin was told."""
    return plugin.installation.path, plugin.told
