"""Exchanging plugins for other versions of themselves: made and tried beside the present one, then swapped."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permission_text import taken_back
from dynamic_plugins.core.permissions import UNDECLARED, Permissions, asks_more, both, within, without
from dynamic_plugins.core.status import Outcome
from dynamic_plugins.errors import InstallError, PinnedError, PluginError
from dynamic_plugins.events import Event
from dynamic_plugins.install.installation import is_editable, is_same, version_of
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.plan import with_permissions
from dynamic_plugins.install.remote_address import is_other_place
from dynamic_plugins.lifecycle.approval_gate import agreed_updates
from dynamic_plugins.lifecycle.permission_values import with_named_paths
from dynamic_plugins.lifecycle.swap import UnseenChangesError
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.resolver.catalog import Found

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.approval_gate import AgreedUpdates, ApprovalGate
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.installs import Installs
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.lifecycle.swap import Swap
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

AT_ONCE = 4
"""So many plugins are looked up, or updated, at a time: an index is asked politely, and a machine has few cores."""


class Updates:
    """Updates: each whole or not at all, with what the new version needs."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        store: HomeState,
        supervisor: Supervisor,
        dependencies: Dependencies,
        approval: ApprovalGate,
        installs: Installs,
        swap: Swap,
        listener: Listener,
    ) -> None:
        self._catalogue, self._installer, self._store = catalogue, installer, store
        self._supervisor, self._dependencies, self._approval = supervisor, dependencies, approval
        self._installs, self._swap, self._listener = installs, swap, listener

    async def install_path(self, path: Path, *, editable: bool = False) -> Outcome:
        """Install what lies in *path*. Other code than was installed from this machine is an update of it, with the
        same version too.
        """
        plan = self._installer.plan_path(path, editable=editable)
        if plan.name in self._store.hidden():
            await self._installs.adopt(plan.name)
        if (present := self._store.read().get(plan.name)) is None:
            return await self._installs.install_plan(plan)
        installation = present.installation
        same = (plan.version, plan.editable) == (installation.version, is_editable(installation))
        if is_of_this_machine(installation):
            from dynamic_plugins.install.copied_source import digest

            if same and (plan.editable or await in_thread(digest, Path(plan.package.name)) == installation.digest):
                return self._installs.already_installed(plan.name)
            check_not_pinned(present, plan.version)
            return await self._update(plan, None)
        if same:
            return self._installs.already_installed(plan.name)
        where = self._installer.plan_of(installation).origin
        note = f"{plan.name} {installation.version} is installed already, from {where}; nothing was changed. To put "
        note += f"{plan.version} from {path} in its place, uninstall it first: dynamic-plugins uninstall {plan.name}"
        return Outcome(self._supervisor.info(plan.name), changed=False, note=note)

    async def update(self, name: str, version: str | None = None, *, pinned_too: bool = False) -> Outcome:
        """Bring *name* to *version*, or to the newest when None, with what that needs.

        Raises PinnedError, unless with *pinned_too*.
        """
        plugin = self._store.get(name)
        if not pinned_too:
            check_not_pinned(plugin, version)
        return await self._update(*await self.newer(plugin.installation, version, plugin.within))

    async def update_all(self, versions: AgreedUpdates, *, agreed: bool) -> dict[str, Outcome | PluginError]:
        """Bring each plugin to its newest version; *versions* are those that the person was shown.

        With *agreed* they have agreed to them: asked is what has more to it. One that fails stays as it was, and the
        others go on. Returns what came of each.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Outcome | PluginError:
            async with turn:
                try:
                    return await self.update(name)
                except PluginError as error:
                    return error

        token = agreed_updates.set(versions if agreed else {})
        try:
            done = await asyncio.gather(*map(one, versions))
        finally:
            agreed_updates.reset(token)
        return dict(zip(versions, done, strict=True))

    async def newer(
        self, present: Installation, version: str | None, within: str = ""
    ) -> tuple[InstallPlan, str | None]:
        """Return the plan of another version of *present*, and what to warn of.

        Raises BadArgumentsError for a *version* that is not *within* the range that it is held to.
        """
        if is_of_this_machine(present):
            path = Path(present.package)
            plan = self._installer.plan_path(path, editable=is_editable(present), version=version)
            if plan.name != present.plugin:
                raise InstallError(present.plugin, f"{path} holds the plugin {plan.name} now")
            return plan, None
        # What no registry lists stays the package that it is, even where one lists another of that name by now.
        unlisted = present.source == UNLISTED
        found = Found(present.entry) if unlisted else await self._catalogue.find(present.plugin)
        entry = _with_own_arguments(found.entry, present) if present.own_arguments else found.entry
        if within and version is not None:
            await self._installer.check_within(entry, version, within)
        elif within:
            version = await self._installer.version_within(entry, within)
        plan = self._installer.plan(entry, version, remote=present.remote is not None)
        plan = replace(plan, own_arguments=present.own_arguments)
        if is_other_place(present.remote, plan.remote):
            raise InstallError(
                present.plugin,
                f"its registry entry names another place now, {plan.origin}, and what it was told here would be sent "
                f"there. The present one stays. To use the other: dynamic-plugins uninstall {present.plugin}, then "
                "install it",
            )
        if present.kind == "python" and plan.entry.permissions == UNDECLARED:
            # What the new package says itself is known once it lies here.
            plan = with_permissions(plan, present.permissions)
        return plan, found.warning

    async def _update(self, plan: InstallPlan, warning: str | None) -> Outcome:
        async with contextlib.AsyncExitStack() as kept:
            plan = await kept.enter_async_context(self._installer.ready(plan))
            needed = await self._dependencies.needed(plan)
            present = self._store.get(plan.name)
            held = held_permissions(present)
            asked = self._approval.agreed("update", plan, needed, with_regained(warning, plan, present), held)
            needed = await kept.enter_async_context(asked)
            seen: tuple[str, ...] | None = () if self._approval.is_beforehand else None
            while True:
                try:
                    async with contextlib.AsyncExitStack() as undo:
                        outcome = await self._exchange(plan, needed, held, undo, kept, seen)
                        if outcome.changed:
                            undo.pop_all()
                except UnseenChangesError as news:
                    # Neither a person nor another plugin is waited for under its lock: it is made again.
                    await self._approval.ask_about_changes("update", news.plugin, news.changes)
                    seen = news.changes
                else:
                    return outcome

    async def _exchange(
        self,
        plan: InstallPlan,
        needed: list[InstallPlan],
        held: Permissions,
        undo: AsyncExitStack,
        kept: AsyncExitStack,
        seen: tuple[str, ...] | None,
    ) -> Outcome:
        """Bring what is *needed*, make *plan* and swap it in; *undo* takes away what came with it, *kept* is what is
        kept until it is done. What the new one declares beyond *held* and *plan* is asked about.

        *seen* is the difference that the person has agreed to; empty, they agree to any. Raises UnseenChangesError for
        another.
        """
        name, requires = plan.name, plan.requires
        while True:
            await self._installs.bring(needed, undo)
            await self._swap.activate_needs(name, requires, undo)
            async with self._installs.alone(name), self._supervisor.hold(name) as handle:
                old = self._store.get(name)
                async with self._installs.made(plan) as new:
                    requires = new.requires
                    before, after = version_of(old.installation), version_of(new)
                    if is_same(new, old.installation) and await in_thread(_is_as_installed, old.installation):
                        self._installer.remove(new)
                        note = f"{name} {after} is the version asked for; nothing was changed."
                        return Outcome(self._supervisor.info(name), changed=False, note=note)
                    needed = await self._dependencies.needed(replace(plan, requires=requires))
                    more = asks_more(both(held, plan.entry.permissions), new.permissions)
                    if not needed and more.is_nothing and not await self._swap.inactive_needs(old, requires):
                        changes = await self._swap.to_new(handle, old, new, seen)
                        break
                    # Neither a person nor another plugin is waited for under its lock: it is made again.
                    self._installer.remove(new)
            if needed or not more.is_nothing:
                plan = with_permissions(plan, new.permissions)
                needed = await kept.enter_async_context(self._approval.agreed("update", plan, needed, held=held))
        self._listener(Event(name, "updated", f"{before} to {after}"))
        return replace(self._supervisor.outcome(name), changes=changes)


def _with_own_arguments(entry: Entry, present: Installation) -> Entry:
    """Return *entry* with the arguments that the person gave *present*, where it is of the same package."""
    same = (present.package_type, present.package)
    packages = (
        replace(each, arguments=present.arguments) if (each.type, each.name) == same else each
        for each in entry.packages
    )
    return replace(entry, packages=tuple(packages))


def _is_as_installed(installation: Installation) -> bool:
    """Return whether nobody has changed its files since; not so where it is not known, as of older installs."""
    from dynamic_plugins.install.integrity import changed_files

    return installation.files_digest is not None and not changed_files(installation)


def check_not_pinned(plugin: StoredPlugin, version: str | None) -> None:
    """Raise PinnedError where *plugin* is pinned and *version* is another; the same may be made anew."""
    present = plugin.installation.version
    if plugin.pinned and (version is None or version.removeprefix("v") != present):
        raise PinnedError(plugin.name, present)


def held_permissions(plugin: StoredPlugin) -> Permissions:
    """Return what the person has been asked about already: what is new beside it is asked again."""
    named = with_named_paths(plugin.installation.permissions, plugin.installation.variables)
    return both(named, plugin.allowed)


def with_regained(warning: str | None, plan: InstallPlan, present: StoredPlugin) -> str | None:
    """Return *warning*, and what the person took back that lies within something larger which *plan* asks for."""
    regained = within(without(plan.entry.permissions, present.denied), present.denied)
    more = None if regained.is_nothing else f"You took this back, and it could reach it again: {taken_back(regained)}."
    return " ".join(filter(None, (warning, more))) or None


def is_of_this_machine(installation: Installation) -> bool:
    """Return whether no registry knows it: its folder or wheel does."""
    return installation.package_type == "path" and not installation.source
