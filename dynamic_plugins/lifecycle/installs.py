"""Putting plugins in place and removing them, with what they need."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.permissions import asks_more
from dynamic_plugins.core.status import Outcome, now
from dynamic_plugins.errors import PluginError, PluginTimeoutError, UntrustedSourceError
from dynamic_plugins.events import Event
from dynamic_plugins.install.plan import with_permissions
from dynamic_plugins.lifecycle.approval_gate import switched_on_too
from dynamic_plugins.storage.state import PROFILES
from dynamic_plugins.storage.stored_plugin import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AsyncExitStack

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.resolver.catalog import Found
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.usage_log import Journal
    from dynamic_plugins.storage.values import ConfigurationStore

_STAYED = (
    "the system keyring did not answer, so it may still hold {}. To be rid of that, unlock it and remove the entries "
    "of dynamic-plugins there"
)

PLUGIN_LOCK_SECONDS = 600.0
"""How long to wait for another process that is installing or removing the same plugin."""


class Installs:
    """Installs and uninstalls: each whole or not at all, one at a time for each plugin, in every process."""

    def __init__(
        self,
        *,
        installer: Installer,
        store: HomeState,
        supervisor: Supervisor,
        dependencies: Dependencies,
        approval: ApprovalGate,
        launcher: Launcher,
        configuration: ConfigurationStore,
        journal: Journal,
        listener: Listener,
    ) -> None:
        self._installer, self._store, self._supervisor = installer, store, supervisor
        self._dependencies, self._approval, self._launcher = dependencies, approval, launcher
        self._configuration, self._journal, self._listener = configuration, journal, listener
        self._locks: dict[str, asyncio.Lock] = {}

    async def install(self, found: Found, version: str | None = None, *, remote: bool = False) -> Outcome:
        """Install what was *found*, in *version* or else the one named with it; *remote* uses it where it runs."""
        name, version = found.entry.name, version or found.version
        if name in self._store.hidden():
            await self.adopt(name)
            return self.already_installed(name, version) if version else Outcome(self._supervisor.info(name))
        if name in self._store.read():
            return self.already_installed(name, version)
        if not found.trusted:
            raise UntrustedSourceError(name, found.entry.source)
        plan = self._installer.plan(found.entry, version, remote=remote)
        return await self.install_plan(replace(plan, own_arguments=found.own_arguments), found.warning)

    def already_installed(self, name: str, version: str | None = None) -> Outcome:
        """Return that *name* is there, and how to change to *version* where that is another."""
        info = self._supervisor.info(name)
        note = f"{name} {info.version} is installed already; nothing was changed."
        if version and version != info.version and self._store.get(name).pinned:
            note = f"{name} {info.version} is installed already, and pinned at that version; nothing was changed. "
            note += f"To let it change: dynamic-plugins unpin {name}"
        elif version and version != info.version:
            note += f" To change to {version}: dynamic-plugins update {name} --version {version}"
        return Outcome(info, changed=False, note=note)

    async def install_plan(self, plan: InstallPlan, warning: str | None = None) -> Outcome:
        """Install *plan* and before it what it needs, on one approval; or nothing of it all."""
        async with self._installer.ready(plan) as ready:
            needed = await self._dependencies.needed(ready)
            self._check_room(plan.name)
            async with self._approval.agreed("install", ready, needed, warning) as all_needed:
                await self.finish_removals()
                async with contextlib.AsyncExitStack() as undo:
                    outcome = await self._install_one(ready, all_needed, undo)
                    undo.pop_all()
                if outcome.changed and switched_on_too.get():  # the question was for its first start as well
                    self._store.change(ready.name, self._store.get(ready.name).installation, approved=True)
        return outcome

    def _check_room(self, name: str) -> None:
        self._approval.admission.check_room(name, len(self._store.everything()))

    async def _install_one(self, plan: InstallPlan, needed: list[InstallPlan], undo: AsyncExitStack) -> Outcome:
        """Install *needed* and then *plan*, and what only the installed package itself declares that it needs."""
        async with contextlib.AsyncExitStack() as held:
            return await self._install_with(plan, needed, undo, held)

    async def _install_with(
        self, plan: InstallPlan, needed: list[InstallPlan], undo: AsyncExitStack, held: AsyncExitStack
    ) -> Outcome:
        while True:
            await self.bring(needed, undo)
            async with self.alone(plan.name):
                if plan.name in self._store.hidden():
                    self._store.show(plan.name)
                    undo.callback(self._store.hide, plan.name)
                if plan.name in self._store.read():
                    return self.already_installed(plan.name)
                if (half_removed := self._store.leaving().get(plan.name)) is not None:
                    await to_the_end(self._remove(half_removed))
                async with self.made(plan) as installation:
                    needed = await self._dependencies.needed(replace(plan, requires=installation.requires))
                    more = asks_more(plan.entry.permissions, installation.permissions)
                    if not needed and more.is_nothing:
                        self._check_room(plan.name)  # others may have been installed since it was asked about
                        if self._store.add(StoredPlugin(installation, installed_at=now())):
                            break
                        self._installer.remove(installation)  # another machine was quicker
                        return self.already_installed(plan.name)
                    # Neither a person nor another plugin is waited for under its lock: it is made again.
                    self._installer.remove(installation)
            # What only the package itself declares is known now, and agreed to like all else.
            plan = with_permissions(plan, installation.permissions)
            needed = await held.enter_async_context(self._approval.agreed("install", plan, needed))
        self._listener(Event(plan.name, "installed", f"{plan.name} {installation.version}"))
        return Outcome(self._supervisor.info(plan.name))

    async def adopt(self, name: str) -> None:
        """Have in this profile what the home has installed, with what it needs of that, once the person agrees: nothing
        is downloaded.
        """
        from dynamic_plugins.storage.profiles import with_needs

        hidden = self._store.hidden()
        plugin = hidden[name]
        *needed, _ = wanted = with_needs(name, hidden)
        await self._approval.ask_to_adopt(plugin, [hidden[each] for each in needed], self._store.profile)
        for each in wanted:
            self._store.show(each)
        self._supervisor.sync()
        self._listener(Event(name, "installed", f"{name} {plugin.installation.version}, which this home had"))

    async def take_out(self, name: str) -> None:
        """End *name* here and take it out of this profile; it stays installed, for the others."""
        async with self._supervisor.hold(name) as handle:
            await self._dependencies.check_not_needed(name, "uninstall")
            await self._supervisor.stop(handle)
            await handle.disconnect()
            self._store.hide(name)
        self._supervisor.sync()
        self._listener(Event(name, "uninstalled"))

    @contextlib.asynccontextmanager
    async def made(self, plan: InstallPlan) -> AsyncIterator[Installation]:
        """Make what *plan* says, beside what is there; it is removed again where the block raises."""
        installation = await self._installer.install(plan, self._listener)
        try:
            self._approval.admission.check_installed(installation)
            yield installation
        except BaseException:  # whatever cuts it short, what was made for nobody goes
            self._installer.remove(installation)
            raise

    async def bring(self, needed: list[InstallPlan], undo: AsyncExitStack) -> None:
        """Install what another plugin needs; *undo* takes it away again."""
        for plan in needed:
            if (await self._install_one(plan, [], undo)).changed:
                undo.push_async_callback(self._uninstall_unneeded, plan.name)

    async def _uninstall_unneeded(self, name: str) -> None:
        if not await self._dependencies.is_needed(name):  # by a plugin that came meanwhile
            with contextlib.suppress(PluginError):
                await self.uninstall(name, keep_configuration=True)

    async def uninstall(self, name: str, *, keep_configuration: bool = False) -> None:
        """Unload *name* and remove it; its values and what it wrote too, unless kept."""
        async with self.alone(name), self._supervisor.hold(name) as handle:
            plugin = self._store.get(name)
            await self._dependencies.check_not_needed(name, "uninstall")
            await self._supervisor.stop(handle)
            await handle.disconnect()
            if keep_configuration:
                self._drop(plugin)
                self._remove_files(plugin)
            else:
                await to_the_end(self._remove(plugin))
        self._supervisor.sync()
        self._listener(Event(name, "uninstalled"))
        self._journal.forget(name)

    async def _remove(self, plugin: StoredPlugin) -> None:
        """Remove *plugin* with its values and all that it wrote; the caller holds its lock.

        Once begun it counts as gone, whatever happens; what a kill leaves of it goes with the next install or removal.
        """
        self._store.change(plugin.name, leaving=True)
        try:
            stayed = await asyncio.to_thread(self._configuration.forget, plugin.name)
        except PluginError:
            self._store.put(plugin)  # its values cannot be read now: it is what it was
            raise
        if stayed:
            self._listener(Event(plugin.name, "secrets_stayed", _STAYED.format(", ".join(stayed))))
        await self._launcher.remove_data(plugin)
        self._remove_files(plugin)
        self._journal.forget(plugin.name)
        self._drop(plugin)

    def _drop(self, plugin: StoredPlugin) -> None:
        name = plugin.name
        self._store.drop(name, plugin.installation)  # what another machine has installed anew is not forgotten
        if (self._store.home / PROFILES).is_dir():
            from dynamic_plugins.storage.profiles import Profiles

            Profiles(self._store.home).forget(name)

    def _remove_files(self, plugin: StoredPlugin) -> None:
        self._installer.remove(plugin.installation)
        if plugin.kept is not None:
            self._installer.remove(plugin.kept.installation)

    async def finish_removals(self) -> None:
        """Finish the removals that killed processes have begun; one that another process is at is left to that."""
        for name in list(self._store.leaving()):
            with contextlib.suppress(TimeoutError, PluginError):
                async with self._installer.lock(name, 0), self._store.alone(name, 0):
                    if (plugin := self._store.leaving().get(name)) is not None:
                        await to_the_end(self._remove(plugin))

    @contextlib.asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """Keep other tasks and other processes from installing or removing the same plugin."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            try:
                async with (
                    self._installer.lock(name, PLUGIN_LOCK_SECONDS),
                    self._store.alone(name, PLUGIN_LOCK_SECONDS),
                ):
                    yield
            except TimeoutError:
                raise PluginTimeoutError(name, "waiting for another process", PLUGIN_LOCK_SECONDS) from None
