"""Putting another version in the place of the one in use, once it has shown that it loads; that one is kept."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.status import Status, now
from dynamic_plugins.errors import NotInstalledError, PluginError
from dynamic_plugins.install.installation import is_editable, is_same
from dynamic_plugins.lifecycle.offer_pins import difference, review, update_difference
from dynamic_plugins.storage.kept_version import KeptVersion

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.activation import Activation
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.plugin_handle import PluginHandle
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.lifecycle.trial_run import TrialRun
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.workers.components import Offers


class UnseenChangesError(Exception):
    """The other version has *changes* that the person has not seen: a question, no failure and so no PluginError."""

    def __init__(self, plugin: StoredPlugin, changes: tuple[str, ...]) -> None:
        self.plugin, self.changes = plugin, changes
        super().__init__(plugin.name)


class Swap:
    """Exchanges versions of plugins. The caller holds the plugin's locks."""

    def __init__(
        self,
        *,
        store: HomeState,
        installer: Installer,
        supervisor: Supervisor,
        dependencies: Dependencies,
        activation: Activation,
        trial_run: TrialRun,
    ) -> None:
        self._store, self._installer, self._supervisor = store, installer, supervisor
        self._dependencies, self._activation, self._trial_run = dependencies, activation, trial_run

    async def to_new(
        self, handle: PluginHandle, old: StoredPlugin, new: Installation, seen: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """Put *new*, which was just made, in *old*'s place, and return what is new in it. *old* is kept.

        *seen* is the difference that the person has agreed to; empty, they agree to any. Raises UnseenChangesError for
        another, LoadError and NeedsConfigurationError; *old* goes on then.
        """
        fresh = await self._tried(handle, old, new)
        changes = update_difference(old.installation, new, fresh.offers, old.agreed)
        _check_seen(fresh, changes, seen)
        await self._exchange(handle, old, fresh, kept_after(old, new))
        return changes

    async def to_kept(
        self, handle: PluginHandle, old: StoredPlugin, kept: KeptVersion, seen: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """Put the version that was *kept* in *old*'s place; *old* is kept instead.

        Returns what it offers that was agreed to of neither of the two: that has to be *seen*. One that was never
        started offers what it offers, as at any first start. Errors as for :meth:`to_new`.
        """
        back = await self._tried(handle, old, kept.installation)
        changes = _agreed_to_of_neither(back.offers, kept.agreed, old.agreed)
        _check_seen(back, changes, seen)
        await self._exchange(handle, old, back, KeptVersion(old.installation, old.agreed, left=not kept.left))
        return changes

    async def _tried(self, handle: PluginHandle, old: StoredPlugin, new: Installation) -> StoredPlugin:
        fresh = replace(old, installation=new, offers=None)
        return replace(fresh, offers=await self._trial_run.offers(handle, old, fresh))

    async def _exchange(
        self, handle: PluginHandle, old: StoredPlugin, new: StoredPlugin, kept: KeptVersion | None
    ) -> None:
        """Put *new* in *old*'s place and remove what is neither in use nor *kept* then."""
        try:
            await self._supervisor.stop(handle)
            await handle.disconnect()
            new = replace(new, offers=await self._trial_run.offers_here(old, new))
        except BaseException:  # cancelled too: the present version goes on
            self._supervisor.restore(handle, old)
            raise
        # Only these: another process may have enabled or disabled it while the new one was made.
        facts: dict[str, Any] = {"kept": kept, "agreed": new.offers, "withheld": None}
        facts |= {"installation": new.installation, "offers": new.offers, "installed_at": now(), "error_details": None}
        approved = old.approved or new.offers is not None
        saved = self._store.change(old.name, old.installation, **facts, approved=approved)
        if saved is None:
            raise NotInstalledError(old.name)
        self._supervisor.restore(handle, saved)
        for installation in (old.installation, *([old.kept.installation] if old.kept is not None else [])):
            if installation.path not in saved.folders:
                self._installer.remove(installation)

    # ---------------------------------------------------------------- what the other version needs

    async def inactive_needs(self, plugin: StoredPlugin, requires: tuple[str, ...]) -> list[str]:
        """Return which of the plugins that an enabled *plugin* needs are not active, in the order to activate them."""
        if not plugin.enabled:
            return []
        before = await self._dependencies.before(plugin.name, requires)
        return [other for other in before if self._supervisor.info(other).status is not Status.ACTIVE]

    async def activate_needs(self, name: str, requires: tuple[str, ...], undo: AsyncExitStack) -> None:
        """Activate what an enabled *name* will need; *undo* puts it back."""
        for other in await self.inactive_needs(self._store.get(name), requires):
            before = self._supervisor.info(other).status
            await self._activation.activate(other)
            undo.push_async_callback(self._put_back, other, before)

    async def _put_back(self, name: str, before: Status) -> None:
        verb = self._activation.deactivate if before in {Status.LOADED, Status.INACTIVE} else self._activation.unload
        with contextlib.suppress(PluginError):
            await verb(name)


def _check_seen(plugin: StoredPlugin, changes: tuple[str, ...], seen: tuple[str, ...] | None) -> None:
    if changes and seen != () and changes != seen:
        raise UnseenChangesError(plugin, changes)


def _agreed_to_of_neither(offers: Offers | None, before: Offers | None, present: Offers | None) -> tuple[str, ...]:
    """Return what of *offers* the person agreed to neither as it was *before* nor as it is at *present*, as lines."""
    if offers is None or before is None:
        return ()
    unseen = review(offers, before).withheld
    return difference(unseen if present is None else review(unseen, present).withheld, before)


def kept_after(old: StoredPlugin, new: Installation) -> KeptVersion | None:
    """Return what one can go back to once *new* has taken *old*'s place: *old*, where that is good.

    It is not where it lies in a folder that has changed meanwhile, where its files were changed so that the same
    version was made anew, or where it has failed and the one before it has not. The same version with other packages
    beside it, as from another lock, is another one.
    """
    is_good = old.error_details is None or old.kept is None
    is_repaired = is_same(new, old.installation) and new.mark in ("", old.installation.mark)
    if is_editable(old.installation) or is_repaired or not is_good:
        return old.kept
    return KeptVersion(old.installation, old.agreed)
