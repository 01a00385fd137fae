"""The management service: every step of a plugin's life, from a name that somebody said to a worker that ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins import configuration as config
from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.errors import (
    DeclinedError,
    LoadError,
    NeedsConfigurationError,
    NeedsConfirmationError,
    PluginError,
    PluginTimeoutError,
    UntrustedSourceError,
)
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.live import LivePlugin, standing_from_facts
from dynamic_plugins.load.offers import bind
from dynamic_plugins.records import DynamicPluginInfo, Status, now
from dynamic_plugins.runtime import check
from dynamic_plugins.store import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.catalogue import Catalogue
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.load.loader import Loader
    from dynamic_plugins.load.offers import Connection, Offers
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.runtime import AgentRuntime
    from dynamic_plugins.secrets import ConfigurationStore
    from dynamic_plugins.store import StateStore

log = logging.getLogger(__name__)

PLUGIN_LOCK_SECONDS = 600.0
"""How long to wait for another process that is installing or removing the same plugin."""


@dataclass(frozen=True)
class Outcome:
    """What a verb did: the plugin as it is now, and whether anything had to change."""

    info: DynamicPluginInfo
    changed: bool = True
    note: str = ""


class PluginManagementService:
    """Installs, configures, loads, activates, deactivates, unloads and removes plugins.

    Names may be said as people say them; what they mean is decided by :class:`Catalogue`. Every verb is safe to
    repeat and raises a :class:`PluginError` that says what happened and what to do next. *approve* asks a person;
    without it, what needs a person's consent raises NeedsConfirmationError.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        loader: Loader,
        runtime: AgentRuntime,
        store: StateStore,
        configuration: ConfigurationStore,
        locks: Path,
        approve: Approve | None = None,
        listener: Listener = ignore,
    ) -> None:
        self.catalogue = catalogue
        self.runtime = runtime
        self.approve = approve
        self.listener = listener
        self._installer, self._loader = installer, loader
        self._store, self._configuration, self._locks_dir = store, configuration, locks
        self._live: dict[str, LivePlugin] = {}
        self._install_locks: dict[str, asyncio.Lock] = {}

    # ---------------------------------------------------------------- what is there

    def sync(self) -> None:
        """Take over what the state file says now: what another process installed, removed, enabled or disabled."""
        stored = self._store.read()
        for name in self._live.keys() - stored.keys():
            self._forget(name)
        for name, plugin in stored.items():
            live = self._live.get(name)
            if live is None:
                self._live[name] = live = self._new_live(plugin)
            if live.lock.locked():
                continue  # a verb of ours is on it and knows better
            wanted = self._standing_of(plugin)
            if wanted.status is Status.ACTIVE and live.standing.status is not Status.ACTIVE:
                live.standing = wanted
                self._mount_remembered(live, plugin)
            elif wanted.status is not Status.ACTIVE and live.standing.status is Status.ACTIVE:
                live.unmount()
                live.standing = wanted

    def _standing_of(self, plugin: StoredPlugin) -> Any:
        return standing_from_facts(
            plugin.name,
            enabled=plugin.enabled and plugin.offers is not None,
            rests_as=plugin.rests_as,
            missing=config.missing(plugin.installation, self._known(plugin)),
            error_details=plugin.error_details,
        )

    def _new_live(self, plugin: StoredPlugin) -> LivePlugin:
        name = plugin.name
        live = LivePlugin(
            self._standing_of(plugin), lambda: self._connect(name), lambda reason: self._broken(name, reason)
        )
        if live.standing.status is Status.ACTIVE:
            self._mount_remembered(live, plugin)
        return live

    def _mount_remembered(self, live: LivePlugin, plugin: StoredPlugin) -> None:
        assert plugin.offers is not None  # noqa: S101 - _standing_of makes only plugins with offers active
        try:
            live.mount(self.runtime, plugin.offers)
        except LoadError as error:
            live.to(Status.ERROR, str(error))

    def _forget(self, name: str) -> None:
        live = self._live.pop(name)
        live.unmount()
        if live.connection is not None:
            self._closing = asyncio.ensure_future(live.disconnect())

    def _known(self, plugin: StoredPlugin) -> set[str]:
        return self._configuration.names(plugin.name) if plugin.installation.variables else set()

    def status(self) -> list[DynamicPluginInfo]:
        """Return what is installed, by name."""
        self.sync()
        return [self._info(plugin) for plugin in self._store.read().values()]

    async def info(self, said: str) -> DynamicPluginInfo:
        """Return one installed plugin. Raises NotInstalledError, UnknownPluginError or AmbiguousNameError."""
        name = await self.catalogue.installed(said)
        self.sync()
        return self._info(self._stored(name))

    def _stored(self, name: str) -> StoredPlugin:
        from dynamic_plugins.errors import NotInstalledError

        if (plugin := self._store.read().get(name)) is None:
            raise NotInstalledError(name)
        return plugin

    def _info(self, plugin: StoredPlugin) -> DynamicPluginInfo:
        live = self._live[plugin.name]
        return DynamicPluginInfo(
            name=plugin.name,
            version=plugin.installation.version,
            kind=plugin.installation.kind,
            status=live.standing.status,
            path=plugin.installation.path,
            required_env_vars=config.required(plugin.installation, self._known(plugin)),
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

    # ---------------------------------------------------------------- install, uninstall

    async def install(self, said: str, version: str | None = None) -> Outcome:
        """Install the plugin that *said* names. One that is installed already is left as it is, and said so.

        Raises UnknownPluginError, AmbiguousNameError, UntrustedSourceError, UnavailableHereError, DeclinedError,
        NeedsConfirmationError, InstallError or PluginTimeoutError.
        """
        found = await self.catalogue.find(said)
        if (there := self._store.read().get(found.entry.name)) is not None:
            return self._already_installed(there, version or found.version)
        if not self.catalogue.registry.is_trusted(found.entry.source):
            raise UntrustedSourceError(found.entry.name, found.entry.source)
        plan = self._installer.plan(found.entry, version or found.version)
        return await self._install(plan, (found.warning,) if found.warning else ())

    async def install_path(self, path: Path) -> Outcome:
        """Install the plugin in a folder or wheel on this machine; errors as for :meth:`install`."""
        plan = self._installer.plan_path(path)
        if (there := self._store.read().get(plan.name)) is not None:
            return self._already_installed(there, None)
        return await self._install(plan, ())

    def _already_installed(self, plugin: StoredPlugin, version: str | None) -> Outcome:
        self.sync()
        has = plugin.installation.version
        note = f"{plugin.name} {has} is installed already; nothing was changed."
        if version and version != has:
            note += f" To change to {version}: dynamic-plugins update {plugin.name} --version {version}"
        return Outcome(self._info(plugin), changed=False, note=note)

    async def _install(self, plan: InstallPlan, warnings: tuple[str, ...]) -> Outcome:
        await self._ask("install", plan, warnings)
        async with self._only_one(plan.name):
            if (there := self._store.read().get(plan.name)) is not None:
                return self._already_installed(there, None)
            installation = await self._installer.install(plan, self.listener)
            try:
                self._store.put(StoredPlugin(installation, installed_at=now()))
            except BaseException:
                self._installer.remove(installation)
                raise
        self.sync()
        self._tell(plan.name, "installed", f"{plan.name} {installation.version}")
        return Outcome(self._info(self._stored(plan.name)))

    async def uninstall(self, said: str, *, keep_configuration: bool = False) -> str:
        """Unload the plugin, remove its files and what it was told (unless kept), and return its name."""
        name = await self.catalogue.installed(said)
        async with self._only_one(name), self._get(name).lock:
            plugin = self._stored(name)
            live = self._live[name]
            live.unmount()
            await live.disconnect()
            if not keep_configuration:
                self._configuration.forget(name)
            self._store.drop(name)
            self._live.pop(name, None)
            self._installer.remove(plugin.installation)
        self._tell(name, "uninstalled")
        return name

    async def update(self, said: str, version: str | None = None) -> Outcome:
        """Install another version beside the present one, load it, and only then swap; the newest when None.

        When the new one does not install or load, the present one stays as it was and the error says why. Errors as
        for :meth:`install`, and LoadError.
        """
        name = await self.catalogue.installed(said)
        found = await self.catalogue.find(name)
        plan = self._installer.plan(found.entry, version)
        await self._ask("update", plan, (found.warning,) if found.warning else ())
        async with self._only_one(name), self._get(name).lock:
            old = self._stored(name)
            installation = await self._installer.install(plan, self.listener)
            if installation.version == old.installation.version:
                self._installer.remove(installation)
                note = f"{name} {installation.version} is the version asked for; nothing was changed."
                return Outcome(self._info(old), changed=False, note=note)
            try:
                await self._swap(old, replace(old, installation=installation, installed_at=now(), error_details=None))
            except BaseException:
                self._installer.remove(installation)
                raise
            self._installer.remove(old.installation)
        self._tell(name, "updated", f"{old.installation.version} to {installation.version}")
        return Outcome(self._info(self._stored(name)))

    async def _swap(self, old: StoredPlugin, new: StoredPlugin) -> None:
        """Put *new* in *old*'s place once it has shown that it loads."""
        if not config.missing(new.installation, self._known(new)):
            try:
                new = replace(new, offers=await self._try_out(new), approved=True)
            except PluginError as error:
                kept = f"{error} Version {old.installation.version} stays."
                raise LoadError(new.name, f"version {new.installation.version} does not load. {kept}") from error
        live = self._live[old.name]
        if live.standing.status is Status.ACTIVE and live.running:
            await self.runtime.stop_services(old.name)
        live.unmount()
        await live.disconnect()
        self._store.put(new)
        live.standing = self._standing_of(new)
        if live.standing.status is Status.ACTIVE:
            self._mount_remembered(live, new)

    async def _try_out(self, plugin: StoredPlugin) -> Offers:
        connection = await self._start_worker(plugin)
        try:
            check(bind(plugin.name, connection.offers, connection.call))
            return connection.offers
        finally:
            await connection.close()

    # ---------------------------------------------------------------- configure

    async def configure(self, said: str, values: Mapping[str, str]) -> Outcome:
        """Keep *values* for the plugin; a running one is started anew with them.

        Raises BadArgumentsError for a name or value that cannot be, SecretStoreError where a secret cannot be kept.
        """
        name = await self.catalogue.installed(said)
        async with self._get(name).lock:
            plugin, live = self._stored(name), self._live[name]
            plain: dict[str, str] = {}
            secret: dict[str, str] = {}
            for key, value in values.items():
                variable = config.variable_named(plugin.installation, key)
                kept = secret if variable.secret else plain
                kept[variable.name] = config.check_value(name, variable, value)
            await asyncio.to_thread(self._configuration.set, name, plain, secret)
            plugin = self._store.change(name, error_details=None) or plugin
            wanted = self._standing_of(plugin)
            if live.standing.status in {Status.ERROR, Status.NEEDS_CONFIGURATION}:
                live.standing = wanted
                if wanted.status is Status.ACTIVE:
                    self._mount_remembered(live, plugin)
            await live.disconnect()  # the next call starts it with the new values
        self._tell(name, "configured", ", ".join(sorted(plain.keys() | secret.keys())))
        return Outcome(self._info(plugin))

    async def variables(self, said: str) -> list[tuple[Variable, bool]]:
        """Return every variable of an installed plugin, and whether it is set."""
        plugin = self._stored(await self.catalogue.installed(said))
        known = self._configuration.names(plugin.name)
        return [(variable, variable.name in known) for variable in plugin.installation.variables]

    # ---------------------------------------------------------------- load, activate, deactivate, unload

    async def load(self, said: str) -> Outcome:
        """Start the plugin's worker and learn what it offers, without offering it yet.

        Raises NeedsConfigurationError, DeclinedError, NeedsConfirmationError, LoadError (status ``error``) or
        PluginTimeoutError.
        """
        name = await self.catalogue.installed(said)
        async with self._get(name).lock:
            live = self._live[name]
            if live.standing.status in {Status.LOADED, Status.ACTIVE, Status.INACTIVE}:
                return Outcome(self._info(self._stored(name)), changed=False, note=f"{name} is loaded already.")
            await self._load(live)
            self._store.change(name, rests_as="loaded")
        self._tell(name, "loaded")
        return Outcome(self._info(self._stored(name)))

    async def activate(self, said: str) -> Outcome:
        """Load the plugin if need be, start its services and offer its components; it stays enabled after a restart.

        Errors as for :meth:`load`.
        """
        name = await self.catalogue.installed(said)
        async with self._get(name).lock:
            live = self._live[name]
            if live.standing.status is Status.ACTIVE:
                return Outcome(self._info(self._stored(name)), changed=False, note=f"{name} is active already.")
            if not live.running:
                await self._load(live)
            await self._start(live)
            self._store.change(name, enabled=True, last_activated=now())
        self._tell(name, "activated")
        return Outcome(self._info(self._stored(name)))

    async def deactivate(self, said: str) -> Outcome:
        """Stop the plugin's services and withdraw what it offers; it stays loaded, and off after a restart."""
        name = await self.catalogue.installed(said)
        async with self._get(name).lock:
            live = self._live[name]
            if live.standing.status is not Status.ACTIVE:
                self._store.change(name, enabled=False)
                return Outcome(self._info(self._stored(name)), changed=False, note=f"{name} is not active.")
            if live.running:
                await self.runtime.stop_services(name)
            live.unmount()
            live.to(Status.INACTIVE)
            self._store.change(name, enabled=False, rests_as="inactive")
        self._tell(name, "deactivated")
        return Outcome(self._info(self._stored(name)))

    async def unload(self, said: str) -> Outcome:
        """Deactivate the plugin and end its worker; it stays installed. This also clears the status ``error``."""
        name = await self.catalogue.installed(said)
        async with self._get(name).lock:
            live = self._live[name]
            before = live.standing.status
            if live.standing.status is Status.ACTIVE and live.running:
                await self.runtime.stop_services(name)
            live.unmount()
            await live.disconnect()
            plugin = self._store.change(name, enabled=False, rests_as="installed", error_details=None)
            live.standing = self._standing_of(plugin or self._stored(name))
        changed = before in {Status.LOADED, Status.ACTIVE, Status.INACTIVE, Status.ERROR}
        self._tell(name, "unloaded")
        return Outcome(
            self._info(self._stored(name)), changed=changed, note="" if changed else f"{name} is not loaded."
        )

    async def _load(self, live: LivePlugin) -> None:
        """Start *live*'s worker, check and remember what it offers, and make it ``loaded``; or ``error``, and raise."""
        plugin = self._stored(live.name)
        if missing := config.missing(plugin.installation, self._known(plugin)):
            raise NeedsConfigurationError(live.name, missing)
        if not plugin.approved:
            await self._ask("activate", self._installer.plan_of(plugin.installation), ())
        try:
            connection = await live.connected()
            check(bind(live.name, connection.offers, live.call))
        except (LoadError, PluginTimeoutError) as error:
            await live.disconnect()
            self._fail(live, str(getattr(error, "reason", error)))
            raise
        self._store.change(live.name, offers=connection.offers, approved=True, error_details=None)
        if live.standing.status is not Status.INACTIVE:
            live.to(Status.LOADED)

    async def _start(self, live: LivePlugin) -> None:
        offers = (await live.connected()).offers
        try:
            live.mount(self.runtime, offers)
            await self.runtime.start_services(live.name)
        except PluginError as error:
            live.unmount()
            await live.disconnect()
            self._fail(live, str(getattr(error, "reason", error)))
            raise
        except BaseException:
            live.unmount()
            raise
        live.to(Status.ACTIVE)

    def _fail(self, live: LivePlugin, reason: str) -> None:
        live.to(Status.ERROR, reason)
        self._store.change(live.name, enabled=False, error_details=reason)
        self._tell(live.name, "failed", reason)

    def _broken(self, name: str, reason: str) -> None:
        if (live := self._live.get(name)) is not None:
            live.unmount()
            self._fail(live, reason)

    async def _connect(self, name: str) -> Connection:
        return await self._start_worker(self._stored(name))

    async def _start_worker(self, plugin: StoredPlugin) -> Connection:
        values = await asyncio.to_thread(self._configuration.values, plugin.name)
        if missing := config.missing(plugin.installation, values):
            raise NeedsConfigurationError(plugin.name, missing)
        return await self._loader.connect(
            plugin.installation,
            config.environment(plugin.installation, values),
            config.command_line(plugin.installation, values),
        )

    # ---------------------------------------------------------------- use, end

    async def call(self, said: str, action: str, arguments: Mapping[str, Any]) -> Any:
        """Call one action of an active plugin and return its JSON value.

        Raises ActionError, BadArgumentsError or PluginTimeoutError, and what naming a plugin raises.
        """
        name = await self.catalogue.installed(said)
        self.sync()
        return await self.runtime.execute_action(name, action, arguments)

    async def context(self) -> dict[str, str]:
        """Return what the running plugins' providers say now, by ``plugin/provider``.

        Only workers that run already are asked, and MCP resources are left for when somebody asks for them: a turn
        must not start processes.
        """
        plugins = self._store.read()
        asked = [name for name in self.running() if name in plugins and plugins[name].installation.kind != "mcp"]
        return await self.runtime.context(asked)

    async def close_idle(self, seconds: float) -> None:
        """End the workers that nobody has called for *seconds*; the next call starts them again."""
        import time

        for live in list(self._live.values()):
            idle = time.monotonic() - live.last_used
            if live.running and not live.calls_under_way and not live.lock.locked() and idle >= seconds:
                await live.disconnect()

    async def close(self) -> None:
        """End every worker. What is enabled stays enabled for the next start."""
        for live in self._live.values():
            live.unmount()
        await asyncio.gather(*(live.disconnect() for live in self._live.values()))

    # ---------------------------------------------------------------- within

    def _get(self, name: str) -> LivePlugin:
        self.sync()
        self._stored(name)
        return self._live[name]

    async def _ask(self, verb: Verb, plan: InstallPlan, warnings: tuple[str, ...]) -> None:
        commands = plan.commands if verb == "install" else (plan.start_command,)
        request = ApprovalRequest(
            verb, plan.name, plan.version or "(latest)", plan.origin, commands, (*warnings, *plan.warnings)
        )
        if self.approve is None:
            raise NeedsConfirmationError(plan.name, request.question)
        if not await self.approve(request):
            raise DeclinedError(plan.name, verb)

    @contextlib.asynccontextmanager
    async def _only_one(self, name: str) -> AsyncIterator[None]:
        """Keep other tasks and other processes from installing or removing the same plugin."""
        from filelock import AsyncFileLock, Timeout

        self._locks_dir.mkdir(parents=True, exist_ok=True)
        path = self._locks_dir / f"{self._installer.slug(name)}.lock"
        async with self._install_locks.setdefault(name, asyncio.Lock()):
            try:
                async with AsyncFileLock(path, timeout=PLUGIN_LOCK_SECONDS, thread_local=False):
                    yield
            except Timeout:
                raise PluginTimeoutError(name, "waiting for another process", PLUGIN_LOCK_SECONDS) from None

    def _tell(self, name: str, stage: str, message: str = "") -> None:
        self.listener(Event(name, stage, message))
