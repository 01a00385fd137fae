"""Putting plugins in place and removing them, with what they need."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.status import Outcome, now
from dynamic_plugins.errors import PluginError, PluginTimeoutError, UntrustedSourceError
from dynamic_plugins.events import Event
from dynamic_plugins.storage.state import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AsyncExitStack

    from dynamic_plugins.approval import Verb
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.approval_gate import Consent
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.means import Means
    from dynamic_plugins.storage.secrets import ConfigurationStore
    from dynamic_plugins.storage.usage_log import Journal

PLUGIN_LOCK_SECONDS = 600.0
"""How long to wait for another process that is installing or removing the same plugin."""


class Installs:
    """Installs and uninstalls: each whole or not at all, one at a time for each plugin, in every process."""

    def __init__(
        self, means: Means, consent: Consent, configuration: ConfigurationStore, launcher: Launcher, journal: Journal
    ) -> None:
        self._catalogue, self._installer, self._store = means.catalogue, means.installer, means.store
        self._dependencies, self._presence, self._listener = means.dependencies, means.presence, means.listener
        self._consent, self._configuration = consent, configuration
        self._launcher, self._journal = launcher, journal
        self._locks: dict[str, asyncio.Lock] = {}

    async def install(self, said: str, version: str | None = None) -> Outcome:
        """Install the plugin that *said* names. One that is installed already is left as it is, and said so.

        Raises UnknownPluginError, AmbiguousNameError, UntrustedSourceError, UnavailableHereError, DeclinedError,
        NeedsConfirmationError, InstallError or PluginTimeoutError.
        """
        found = await self._catalogue.find(said)
        version = version or found.version
        if found.entry.name in self._store.read():
            return self.already_installed(found.entry.name, version)
        if not self._catalogue.registry.is_trusted(found.entry.source):
            raise UntrustedSourceError(found.entry.name, found.entry.source)
        return await self.install_plan(self._installer.plan(found.entry, version), found.warning)

    def already_installed(self, name: str, version: str | None = None) -> Outcome:
        """Return that *name* is there, and how to change to *version* where that is another."""
        info = self._presence.info(name)
        note = f"{name} {info.version} is installed already; nothing was changed."
        if version and version != info.version:
            note += f" To change to {version}: dynamic-plugins update {name} --version {version}"
        return Outcome(info, changed=False, note=note)

    async def install_plan(self, plan: InstallPlan, warning: str | None = None) -> Outcome:
        """Install *plan* and before it what it needs, on one approval; or nothing of it all."""
        needed = await self._dependencies.needed(plan)
        await self.ask("install", plan, needed, warning)
        await self._finish_removals()
        async with contextlib.AsyncExitStack() as undo:
            outcome = await self._install_one(plan, needed, undo)
            undo.pop_all()
        return outcome

    async def ask(self, verb: Verb, plan: InstallPlan, needed: list[InstallPlan], warning: str | None = None) -> None:
        """Ask the person for *plan* and for what is *needed* with it; raises as :meth:`Consent.ask` does."""
        commands = tuple(command for each in (*needed, plan) for command in each.commands)
        more = f"It needs {', '.join(each.name for each in needed)}, installed with it." if needed else None
        await self._consent.ask(verb, plan, commands, " ".join(filter(None, (warning, more))) or None)

    async def _install_one(self, plan: InstallPlan, needed: list[InstallPlan], undo: AsyncExitStack) -> Outcome:
        """Install *needed* and then *plan*, and what only the installed package itself says that it needs."""
        while True:
            await self.bring(needed, undo)
            async with self.alone(plan.name):
                if plan.name in self._store.read():
                    return self.already_installed(plan.name)
                if (left := self._store.leaving().get(plan.name)) is not None:
                    await to_the_end(self._remove(left))
                async with self.made(plan) as installation:
                    needed = await self._dependencies.needed(replace(plan, requires=installation.requires))
                    if not needed:
                        self._store.put(StoredPlugin(installation, installed_at=now()))
                        break
                    # Neither a person nor another plugin is waited for under its lock: it is made again.
                    self._installer.remove(installation)
            await self.ask("install", plan, needed)
        self._listener(Event(plan.name, "installed", f"{plan.name} {installation.version}"))
        return Outcome(self._presence.info(plan.name))

    @contextlib.asynccontextmanager
    async def made(self, plan: InstallPlan) -> AsyncIterator[Installation]:
        """Make what *plan* says, beside what is there; it is removed again where the block raises."""
        installation = await self._installer.install(plan, self._listener)
        try:
            yield installation
        except BaseException:  # whatever cuts it short, what was made for nobody goes
            self._installer.remove(installation)
            raise

    async def bring(self, needed: list[InstallPlan], undo: AsyncExitStack) -> None:
        """Install what another plugin needs; *undo* takes it away again."""
        for each in needed:
            if (await self._install_one(each, [], undo)).changed:
                undo.push_async_callback(self._take_back, each.name)

    async def _take_back(self, name: str) -> None:
        if not await self._dependencies.is_needed(name):  # by a plugin that came meanwhile
            with contextlib.suppress(PluginError):
                await self.uninstall(name, keep_configuration=True)

    async def uninstall(self, said: str, *, keep_configuration: bool = False) -> str:
        """Unload the plugin, remove it, what it was told and what it wrote (unless kept), and return its name."""
        await self._finish_removals()
        name = await self._catalogue.installed(said)
        async with self.alone(name), self._presence.get(name).lock:
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
        await self._launcher.remove_data(plugin)
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
    async def alone(self, name: str) -> AsyncIterator[None]:
        """Keep other tasks and other processes from installing or removing the same plugin."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            try:
                async with self._installer.lock(name, PLUGIN_LOCK_SECONDS):
                    yield
            except TimeoutError:
                raise PluginTimeoutError(name, "waiting for another process", PLUGIN_LOCK_SECONDS) from None
