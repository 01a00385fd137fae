"""Going back to the version before an update: it lies on the disk still, and is tried out like a new one."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import asks_more
from dynamic_plugins.errors import NoVersionBeforeError, PinnedError
from dynamic_plugins.events import Event
from dynamic_plugins.install.installation import version_of
from dynamic_plugins.lifecycle.swap import UnseenChangesError
from dynamic_plugins.lifecycle.updates import held_permissions, with_regained

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.installs import Installs
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.lifecycle.swap import Swap
    from dynamic_plugins.storage.kept_version import KeptVersion
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin


class Rollback:
    """Swaps the version that is kept back in. What the person configured and granted stays as it is."""

    def __init__(
        self,
        *,
        installer: Installer,
        store: HomeState,
        supervisor: Supervisor,
        dependencies: Dependencies,
        approval: ApprovalGate,
        installs: Installs,
        swap: Swap,
        listener: Listener,
    ) -> None:
        self._installer, self._store, self._supervisor = installer, store, supervisor
        self._dependencies, self._approval, self._installs = dependencies, approval, installs
        self._swap, self._listener = swap, listener

    async def rollback(self, name: str) -> Outcome:
        """Put the version before in place, once it has shown that it loads; the present one is kept in its stead.

        The person is asked only where it may reach more than the present one, or offers what they have not agreed to.
        Raises NoVersionBeforeError, PinnedError, NotAllowedError (RevokedError among them), DeclinedError,
        NeedsConfirmationError, NeedsConfigurationError or LoadError; the present version goes on then.
        """
        plugin, kept = self._kept(name)
        plan = replace(self._installer.plan_of(kept.installation), requires=kept.installation.requires)
        self._check_admitted(kept)
        async with contextlib.AsyncExitStack() as held:
            needed = await self._agreed(plugin, plan, held)
            seen: tuple[str, ...] | None = () if self._approval.is_beforehand else None
            while True:
                try:
                    async with contextlib.AsyncExitStack() as undo:
                        outcome = await self._back(kept, needed, undo, seen)
                        undo.pop_all()
                except UnseenChangesError as news:
                    # A person is not waited for under the plugin's lock: it is tried again.
                    await self._approval.ask_about_changes("rollback", news.plugin, news.changes)
                    seen = news.changes
                else:
                    return outcome

    def _kept(self, name: str) -> tuple[StoredPlugin, KeptVersion]:
        plugin = self._store.get(name)
        version = plugin.installation.version
        if plugin.pinned:
            raise PinnedError(name, version)
        if plugin.kept is None:
            raise NoVersionBeforeError(name, version)
        if not Path(plugin.kept.installation.path).is_dir():
            before = version_of(plugin.kept.installation)
            raise NoVersionBeforeError(name, version, f"the files of {before}, which was before, are gone")
        return plugin, plugin.kept

    def _check_admitted(self, kept: KeptVersion) -> None:
        self._approval.admission.check_installed(kept.installation)
        self._approval.admission.check_permissions(kept.installation.plugin, kept.installation.permissions)

    async def _agreed(self, plugin: StoredPlugin, plan: InstallPlan, held: AsyncExitStack) -> list[InstallPlan]:
        """Return the plans of what the version needs and is not there; what is more than now is asked about."""
        needed = await self._dependencies.needed(plan)
        reached = held_permissions(plugin)
        more = asks_more(reached, plan.entry.permissions)
        warning = with_regained(None, plan, plugin)
        if more.is_nothing and not needed and warning is None:
            return []
        return await held.enter_async_context(self._approval.agreed("rollback", plan, needed, warning, reached))

    async def _back(
        self, kept: KeptVersion, needed: list[InstallPlan], undo: AsyncExitStack, seen: tuple[str, ...] | None
    ) -> Outcome:
        name, requires = kept.installation.plugin, kept.installation.requires
        await self._installs.bring(needed, undo)
        await self._swap.activate_needs(name, requires, undo)
        async with self._installs.alone(name), self._supervisor.hold(name) as handle:
            old = self._store.get(name)
            if old.kept is None or old.kept.installation.path != kept.installation.path:
                raise NoVersionBeforeError(name, old.installation.version, "another process has just changed it")
            changes = await self._swap.to_kept(handle, old, kept, seen)
        self._listener(Event(name, "rolled_back", f"{version_of(old.installation)} to {version_of(kept.installation)}"))
        return replace(self._supervisor.outcome(name), changes=changes)
