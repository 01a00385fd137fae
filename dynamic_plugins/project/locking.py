"""Makes the lock of a project's set: what is wanted is named, resolved and looked at as an install would, and written
down. What was locked before and is still wanted stays as it is, unless it is to be upgraded.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import all_or_none
from dynamic_plugins.errors import (
    AmbiguousNameError,
    BadArgumentsError,
    InstallError,
    UnknownPluginError,
    UntrustedSourceError,
)
from dynamic_plugins.events import ignore
from dynamic_plugins.install.locked_packages import LockedPackages
from dynamic_plugins.install.remote_address import digest as remote_digest
from dynamic_plugins.project.declared_settings import check_settings
from dynamic_plugins.project.locked_set import LockedPlugin, LockedSet, as_read
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.resolver.catalog import Found
from dynamic_plugins.resolver.unlisted_names import UnlistedNames

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.project.wanted_set import WantedPlugin, WantedSet
    from dynamic_plugins.registry.entry import Remote
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

AT_ONCE = 4
"""So many plugins are locked at a time."""
EVERYTHING = "*"
"""Stands for all plugins where some are to be upgraded."""


class SetLocker:
    """Makes locks. *home* gives what is installed: of a remote plugin that knows what was agreed to that it
    offers.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        installer: Installer,
        admission: Admission,
        home: Callable[[], Mapping[str, StoredPlugin]],
        listener: Listener = ignore,
    ) -> None:
        self._catalogue, self._installer, self._admission = catalogue, installer, admission
        self._home, self._listener = home, listener
        self.notices: list[str] = []
        """What a careful person is told of what was locked: a name that is nearly another's, versions left out."""
        self._names = UnlistedNames(catalogue, installer.indexes)

    async def lock(self, wanted: WantedSet, before: LockedSet, upgrade: Collection[str] = ()) -> LockedSet:
        """Return what *wanted* comes to; of what is locked *before* only the plugins in *upgrade* move.

        Raises ProjectFileError for what is wrong in the file, with its line, and what naming and installing raise.
        """
        self.notices.clear()
        kept = {each.named: _kept(wanted, each, before, upgrade) for each in wanted.plugins}
        fresh = [each for each in wanted.plugins if kept[each.named] is None]
        found = await all_or_none([partial(self._find, wanted, each) for each in fresh], AT_ONCE)
        names = {each.named: entry.entry.name for each, entry in zip(fresh, found, strict=True)}
        names |= {named: plugin.name for named, plugin in kept.items() if plugin is not None}
        _check_once(wanted, names)
        work = [
            partial(self._lock_wanted, wanted, each, which, before, upgrade)
            for each, which in zip(fresh, found, strict=True)
        ]
        made = await all_or_none(work, AT_ONCE)
        plugins = {plugin.name: plugin for plugin in (*kept.values(), *made) if plugin is not None}
        await self._add_needed(plugins, before, upgrade)
        return as_read(LockedSet(before.file, plugins))

    async def _find(self, wanted: WantedSet, plugin: WantedPlugin) -> Found:
        """Return what *plugin* names. Raises ProjectFileError where that is nothing, or several."""
        if plugin.path is not None:
            return Found(self._plan_path(wanted, plugin).entry)
        try:
            found = await self._names.find(plugin.named)
        except (UnknownPluginError, AmbiguousNameError, BadArgumentsError) as error:
            raise wanted.wrong(str(error), "plugins", plugin.named) from None
        if not found.trusted:
            raise UntrustedSourceError(found.entry.name, found.entry.source)
        return found

    def _plan_path(self, wanted: WantedSet, plugin: WantedPlugin) -> InstallPlan:
        return self._installer.plan_path(wanted.file.parent / (plugin.path or ""))

    async def _lock_wanted(
        self, wanted: WantedSet, plugin: WantedPlugin, found: Found, before: LockedSet, upgrade: Collection[str]
    ) -> LockedPlugin:
        try:
            if plugin.path is not None:
                plan = self._plan_path(wanted, plugin)
            else:
                version = await self._version(plugin, found)
                plan = self._installer.plan(found.entry, version, remote=plugin.remote)
        except BadArgumentsError as error:
            raise wanted.wrong(str(error), "plugins", plugin.named, "version") from None
        _check_can_be_locked(plan, plugin)
        self.notices += [f"{plan.name}: {found.warning}"] if found.warning else []
        try:
            locked, facts = await self._locked(plan, before, upgrade)
        except InstallError as error:
            raise InstallError(error.name, f"{error.reason} ({wanted.place('plugins', plugin.named)})") from error
        check_settings(wanted, plugin, facts)
        if plugin.path is not None:
            (package,) = locked.entry.packages
            packages = (replace(package, name=Path(plugin.path).as_posix()),)
            locked = replace(locked, entry=replace(locked.entry, packages=packages))
        return replace(locked, asked=plugin.asked)

    async def _version(self, plugin: WantedPlugin, found: Found) -> str | None:
        """Return the version that is locked: the one that is asked for, or the newest in the range that is."""
        if plugin.range is None or plugin.remote:
            return plugin.version or found.version
        return await self._installer.version_within(found.entry, plugin.range)

    async def _add_needed(self, plugins: dict[str, LockedPlugin], before: LockedSet, upgrade: Collection[str]) -> None:
        """Add to *plugins* what they need, and what that needs."""
        names: dict[str, str] = {}
        while missing := _required(plugins) - names.keys():
            for required in sorted(missing):
                names[required] = name = (
                    required if required in plugins else await self._add(required, plugins, before, upgrade)
                )
                plugins |= {each.name: _naming(each, required, name) for each in plugins.values()}

    async def _add(
        self, required: str, plugins: dict[str, LockedPlugin], before: LockedSet, upgrade: Collection[str]
    ) -> str:
        """Lock the plugin that another one calls *required*, and return its name."""
        old = before.plugins.get(required)
        if old is not None and old.asked is None and not _moves(old.name, old, upgrade):
            plugins[old.name] = old
            return old.name
        found = await self._catalogue.find(required)
        name = found.entry.name
        if name not in plugins:
            if not found.trusted:
                raise UntrustedSourceError(name, found.entry.source)
            plan = self._installer.plan(found.entry, found.version)
            _check_can_be_locked(plan, None)
            plugins[name], _ = await self._locked(plan, before, upgrade)
        return name

    async def _locked(
        self, plan: InstallPlan, before: LockedSet, upgrade: Collection[str]
    ) -> tuple[LockedPlugin, Installation]:
        old = before.plugins.get(plan.name)
        keep = LockedPackages() if old is None or _moves(plan.name, old, upgrade) else old.packages
        self._admission.check_install(plan)  # what may not be installed is not downloaded either
        async with self._installer.ready(plan) as ready:
            self._admission.check_install(ready)
            exact, facts = await self._installer.lock_plan(ready, keep, self._listener)
            self.notices += [f"{plan.name}: {told}" for told in (*ready.warnings, *ready.notes)]
        return self._written(exact, facts, old, upgrade), facts

    def _written(
        self, plan: InstallPlan, facts: Installation, old: LockedPlugin | None, upgrade: Collection[str]
    ) -> LockedPlugin:
        """Return *plan*, all of which is known, as the lock has it; *facts* are those of an install of it."""
        is_of_index = plan.package.type in ("pypi", "npm")
        package = replace(plan.package, version=facts.version if is_of_index else None, sha256=None)
        arguments = {each.variable for each in package.arguments if each.value is None}
        remote = plan.remote
        # What a bundle is told may name its folder, which is another on each machine and known once it lies there.
        variables = plan.entry.config if package.type == "path" else facts.variables
        entry = Entry(
            plan.name,
            facts.kind,
            packages=() if remote is not None else (package,),
            config=tuple(each for each in variables if not each.found and each.name not in arguments),
            source=plan.source,
            permissions=facts.permissions if remote is None else plan.entry.permissions,
            command=plan.entry.command,
            remote=remote,
        )
        if remote is not None:
            entry = replace(entry, permissions=Entry("").permissions)  # they follow from the address
        return LockedPlugin(
            entry,
            facts.version,
            requires=facts.requires,
            commit=plan.commit,
            digest=remote_digest(remote) if remote is not None else plan.digest,
            packages=plan.locked or LockedPackages(),
            offers=() if remote is None else self._offers(plan.name, remote, old, upgrade),
        )

    def _offers(
        self, name: str, remote: Remote, old: LockedPlugin | None, upgrade: Collection[str]
    ) -> tuple[dict[str, object], ...]:
        """Return what was agreed to that a remote plugin offers: what is locked, or what the home has."""
        if old is not None and old.offers and not _moves(name, old, upgrade) and old.digest == remote_digest(remote):
            return old.offers
        plugin = self._home().get(name)
        if plugin is None or plugin.agreed is None or plugin.installation.remote is None:
            return ()
        is_same = remote_digest(plugin.installation.remote) == remote_digest(remote)
        return tuple(plugin.agreed.to_list()) if is_same else ()


def differences(wanted: WantedSet, lock: LockedSet) -> list[str]:
    """Return what *lock* has otherwise than *wanted* asks for, a sentence each; none where they belong together."""
    found = []
    for plugin in wanted.plugins:
        where = f"{plugin.named} ({wanted.place('plugins', plugin.named)})"
        locked = lock.of(plugin.named)
        if locked is None:
            found.append(f"{where} is not in it")
        elif locked.asked != plugin.asked:
            found.append(f"{where} is locked as something else was asked for")
        elif plugin.path is not None and _has_changed(wanted.file.parent / plugin.path, locked):
            found.append(f"{where} has changed since it was locked")
    named = {plugin.named for plugin in wanted.plugins}
    needed = _required(lock.plugins)
    for locked in lock.plugins.values():
        if locked.asked is not None and locked.asked["named"] not in named:
            found.append(f"{locked.name} is in it and in {wanted.file.name} no more")
        elif locked.asked is None and locked.name not in needed:
            found.append(f"{locked.name} is in it and nothing needs it")
    found += [f"{name}, which another needs, is not in it" for name in sorted(needed - lock.plugins.keys())]
    return found


def _has_changed(path: Path, locked: LockedPlugin) -> bool:
    from dynamic_plugins.install.copied_source import digest

    return not path.exists() or digest(path) != locked.digest


def _kept(wanted: WantedSet, plugin: WantedPlugin, before: LockedSet, upgrade: Collection[str]) -> LockedPlugin | None:
    """Return what is locked for *plugin* where that stays."""
    locked = before.of(plugin.named)
    if locked is None or locked.asked != plugin.asked:
        return None
    if plugin.path is not None and _has_changed(wanted.file.parent / plugin.path, locked):
        return None
    return None if _moves(locked.name, locked, upgrade) else locked


def _moves(name: str, locked: LockedPlugin, upgrade: Collection[str]) -> bool:
    """Return whether the plugin of this *name* is among those to *upgrade*, under any of its names."""
    said = {name, *([locked.asked["named"]] if locked.asked is not None else [])}
    return EVERYTHING in upgrade or bool(said & set(upgrade))


def _required(plugins: Mapping[str, LockedPlugin]) -> set[str]:
    return {name for plugin in plugins.values() for name in plugin.requires}


def _naming(plugin: LockedPlugin, said: str, name: str) -> LockedPlugin:
    """Return *plugin*, which needs what it calls *said*, with the *name* of that."""
    if said == name or said not in plugin.requires:
        return plugin
    return replace(plugin, requires=tuple(name if each == said else each for each in plugin.requires))


def _check_once(wanted: WantedSet, names: Mapping[str, str]) -> None:
    """Raise ProjectFileError where two entries of the file name one plugin."""
    first: dict[str, str] = {}
    for plugin in wanted.plugins:
        name = names[plugin.named]
        if (other := first.setdefault(name, plugin.named)) != plugin.named:
            raise wanted.wrong(f"{plugin.named!r} and {other!r} are one plugin, {name}", "plugins", plugin.named)


def _check_can_be_locked(plan: InstallPlan, plugin: WantedPlugin | None) -> None:
    if plan.package.type == "path" and (plugin is None or plugin.path is None):
        reason = "its registry names a folder of this machine, which is on no other. Give the folder in "
        raise InstallError(plan.name, f"{reason}plugins.toml as a path")
