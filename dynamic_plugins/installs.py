"""Putting plugins in place, exchanging and removing them: the verbs that change what lies on the disk."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins import configuration as config
from dynamic_plugins.errors import LoadError, NotInstalledError, PluginError, PluginTimeoutError, UntrustedSourceError
from dynamic_plugins.events import Event
from dynamic_plugins.finishing import to_the_end
from dynamic_plugins.records import Outcome, now
from dynamic_plugins.store import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.catalogue import Catalogue
    from dynamic_plugins.consent import Consent
    from dynamic_plugins.dependencies import Dependencies
    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.journal import Journal
    from dynamic_plugins.presence import Presence
    from dynamic_plugins.secrets import ConfigurationStore
    from dynamic_plugins.store import StateStore

PLUGIN_LOCK_SECONDS = 600.0
"""How long to wait for another process that is installing or removing the same plugin."""


class Installs:
    """Installs, updates and uninstalls: each whole or not at all, one at a time for each plugin, in every process.

    *listener* hears of an install's progress and of what was done.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        store: StateStore,
        configuration: ConfigurationStore,
        dependencies: Dependencies,
        presence: Presence,
        consent: Consent,
        journal: Journal,
        listener: Listener,
    ) -> None:
        self._catalogue, self._installer, self._store = catalogue, installer, store
        self._configuration, self._dependencies = configuration, dependencies
        self._presence, self._consent = presence, consent
        self._journal, self._listener = journal, listener
        self._locks: dict[str, asyncio.Lock] = {}

    async def install(self, said: str, version: str | None = None) -> Outcome:
        """Install the plugin that *said* names. One that is installed already is left as it is, and said so.

        Raises UnknownPluginError, AmbiguousNameError, UntrustedSourceError, UnavailableHereError, DeclinedError,
        NeedsConfirmationError, InstallError or PluginTimeoutError.
        """
        found = await self._catalogue.find(said)
        version = version or found.version
        if found.entry.name in self._store.read():
            return self._already_installed(found.entry.name, version)
        if not self._catalogue.registry.is_trusted(found.entry.source):
            raise UntrustedSourceError(found.entry.name, found.entry.source)
        return await self._install(self._installer.plan(found.entry, version), found.warning)

    async def install_path(self, path: Path, *, editable: bool = False) -> Outcome:
        """Install the plugin in a folder or wheel on this machine; errors as for :meth:`install`.

        An *editable* folder is used where it lies: what is changed in it counts from the next :meth:`reload`.
        """
        plan = self._installer.plan_path(path, editable=editable)
        if plan.name in self._store.read():
            return self._already_installed(plan.name, None)
        return await self._install(plan, None)

    def _already_installed(self, name: str, version: str | None) -> Outcome:
        info = self._presence.info(name)
        note = f"{name} {info.version} is installed already; nothing was changed."
        if version and version != info.version:
            note += f" To change to {version}: dynamic-plugins update {name} --version {version}"
        return Outcome(info, changed=False, note=note)

    async def _install(self, plan: InstallPlan, warning: str | None) -> Outcome:
        """Install *plan* and before it what it needs, on one approval."""
        needed = await self._dependencies.needed(plan)
        commands = tuple(command for each in (*needed, plan) for command in each.commands)
        more = f"It needs {', '.join(each.name for each in needed)}, installed with it." if needed else None
        await self._consent.ask("install", plan, commands, " ".join(filter(None, (warning, more))) or None)
        await self._finish_removals()
        for each in needed:
            await self._install_one(each)
        return await self._install_one(plan)

    async def _install_one(self, plan: InstallPlan) -> Outcome:
        async with self._only_one(plan.name):
            if plan.name in self._store.read():
                return self._already_installed(plan.name, None)
            if (left := self._store.leaving().get(plan.name)) is not None:
                await to_the_end(self._remove(left))
            installation = await self._installer.install(plan, self._listener)
            try:
                self._store.put(StoredPlugin(installation, installed_at=now()))
            except BaseException:
                self._installer.remove(installation)
                raise
        self._listener(Event(plan.name, "installed", f"{plan.name} {installation.version}"))
        return Outcome(self._presence.info(plan.name))

    async def update(self, said: str, version: str | None = None) -> Outcome:
        """Install another version beside the present one, load it, and only then swap; the newest when None.

        When the new one does not install or load, the present one stays as it was and the error says why. Errors as
        for :meth:`install`, and LoadError.
        """
        name = await self._catalogue.installed(said)
        plan, warning = await self._newer(self._presence.stored(name).installation, version)
        await self._dependencies.needed(plan)
        await self._consent.ask("update", plan, plan.commands, warning)
        async with self._only_one(name), self._presence.get(name).lock:
            old = self._presence.stored(name)
            installation = await self._installer.install(plan, self._listener)
            if installation.version == old.installation.version:
                self._installer.remove(installation)
                note = f"{name} {installation.version} is the version asked for; nothing was changed."
                return Outcome(self._presence.info(name), changed=False, note=note)
            try:
                await self._swap(old, replace(old, installation=installation, offers=None))
            except BaseException:
                self._installer.remove(installation)
                raise
            self._installer.remove(old.installation)
        self._listener(Event(name, "updated", f"{old.installation.version} to {installation.version}"))
        return Outcome(self._presence.info(name))

    async def _newer(self, present: Installation, version: str | None) -> tuple[InstallPlan, str | None]:
        """Return the plan of another version of *present*, and what to warn of."""
        if present.package_type == "path" and not present.source:  # no registry knows it: its folder does
            return self._installer.plan_path(Path(present.package)), None
        found = await self._catalogue.find(present.plugin)
        return self._installer.plan(found.entry, version), found.warning

    async def _swap(self, old: StoredPlugin, new: StoredPlugin) -> None:
        """Put *new* in *old*'s place once it has shown that it loads."""
        if not config.missing(new.installation, self._presence.known(new)):
            try:
                new = replace(new, offers=await self._presence.try_out(new))
            except PluginError as error:
                kept = f"Version {old.installation.version} stays."
                reason = f"version {new.installation.version} does not load: {getattr(error, 'reason', error)}. {kept}"
                raise LoadError(new.name, reason) from error
        live = self._presence.get(old.name)
        await self._presence.stop(live)
        await live.disconnect()
        # Only these: another process may have enabled or disabled it while the new one was made.
        facts = {"installation": new.installation, "offers": new.offers, "installed_at": now(), "error_details": None}
        approved = old.approved or new.offers is not None
        saved = self._store.change(old.name, old.installation, **facts, approved=approved)
        if saved is None:
            raise NotInstalledError(old.name)
        self._presence.restore(live, saved)

    async def uninstall(self, said: str, *, keep_configuration: bool = False) -> str:
        """Unload the plugin, remove it, what it was told and what it wrote (unless kept), and return its name."""
        await self._finish_removals()
        name = await self._catalogue.installed(said)
        async with self._only_one(name), self._presence.get(name).lock:
            live, plugin = self._presence.get(name), self._presence.stored(name)
            await self._dependencies.check_not_needed(name, "uninstall")
            await self._presence.stop(live)
            await live.disconnect()
            if keep_configuration:
                self._store.drop(name)
                self._installer.remove(plugin.installation)
            else:
                await to_the_end(self._remove(plugin))
        self._presence.sync()
        self._listener(Event(name, "uninstalled"))
        self._journal.forget(name)
        return name

    async def _remove(self, plugin: StoredPlugin) -> None:
        """Remove *plugin* with all that it was told and wrote; the caller holds its lock.

        Once begun it counts as gone, whatever happens; what a kill leaves of it goes with the next install or removal.
        """
        self._store.change(plugin.name, leaving=True)
        try:
            await asyncio.to_thread(self._configuration.forget, plugin.name)
        except PluginError:
            self._store.put(plugin)  # its secrets cannot be reached now: it is what it was
            raise
        await self._presence.remove_data(plugin)
        self._installer.remove(plugin.installation)
        self._journal.forget(plugin.name)
        self._store.drop(plugin.name)

    async def _finish_removals(self) -> None:
        """Finish what uninstalls that were killed have begun; what another process is at is left to that."""
        for name in list(self._store.leaving()):
            with contextlib.suppress(TimeoutError, PluginError):
                async with self._installer.lock(name, 0):
                    if (plugin := self._store.leaving().get(name)) is not None:
                        await to_the_end(self._remove(plugin))

    @contextlib.asynccontextmanager
    async def _only_one(self, name: str) -> AsyncIterator[None]:
        """Keep other tasks and other processes from installing or removing the same plugin."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            try:
                async with self._installer.lock(name, PLUGIN_LOCK_SECONDS):
                    yield
            except TimeoutError:
                raise PluginTimeoutError(name, "waiting for another process", PLUGIN_LOCK_SECONDS) from None
