"""How a home differs from a project's set, and what brings it in line: a target for each plugin that has to change."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.core.permission_text import in_a_sentence
from dynamic_plugins.core.permissions import asks_more
from dynamic_plugins.errors import AmbiguousNameError, InstallError, UnknownPluginError, UntrustedSourceError
from dynamic_plugins.install.integrity import changed_files
from dynamic_plugins.install.remote_address import is_other_place
from dynamic_plugins.lifecycle.permission_values import granted, with_named_paths
from dynamic_plugins.lifecycle.set_changes import PluginTarget
from dynamic_plugins.lifecycle.updates import check_not_pinned
from dynamic_plugins.lifecycle.variables import missing, variable_named
from dynamic_plugins.project.declared_settings import are_held, check_settings, declared, effective, grants
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.text.printable import visible
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.project.locked_set import LockedPlugin, LockedSet
    from dynamic_plugins.project.wanted_set import WantedPlugin, WantedSet
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore

What = Literal["install", "update", "change", "remove"]
_LABEL = 9
"""The columns of a label in an approval: ``install  hello 1.0.0``."""
_GOES = "its settings, its secrets and what it wrote on this machine go with it"


@dataclass(frozen=True)
class PluginChange:
    """What changes of one plugin, and how a person reads that, a line each."""

    name: str
    what: What
    lines: tuple[str, ...]
    target: PluginTarget | None = None
    """None for one that is removed."""


@dataclass(frozen=True)
class HomeDifference:
    """What has to change so that the home is as the set says, and which of its plugins the set does not name."""

    changes: tuple[PluginChange, ...]
    others: tuple[str, ...]
    """Plugins of the home that are not in the set; those that are to be removed are among the changes."""
    of: Mapping[str, StoredPlugin]
    """What the home held when this was found."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What changes, as a person reads it."""
        return tuple(line for change in self.changes for line in change.lines)

    @property
    def summary(self) -> str:
        """It in short: ``2 to install, 1 to remove``."""
        counts = {what: sum(each.what == what for each in self.changes) for what in ("install", "update", "change")}
        counts["remove"] = sum(each.what == "remove" for each in self.changes)
        return ", ".join(f"{count} to {what}" for what, count in counts.items() if count) or "nothing to do"


class HomeComparison:
    """Compares what is installed with sets."""

    def __init__(self, catalogue: Catalogue, installer: Installer, configuration: ConfigurationStore) -> None:
        self._catalogue, self._installer, self._configuration = catalogue, installer, configuration

    async def compare(
        self, wanted: WantedSet, lock: LockedSet, home: Mapping[str, StoredPlugin], *, prune: bool
    ) -> HomeDifference:
        """Return how *home* differs from *wanted*, all of which *lock* has; with *prune* what is in no set goes.

        Raises ProjectFileError for settings that a plugin does not have, InstallError where another plugin of the same
        name is installed, UntrustedSourceError.
        """
        both = ((lock.of(plugin.named), plugin) for plugin in wanted.plugins)
        of = {locked.name: plugin for locked, plugin in both if locked is not None}
        on = _switched_on(of, lock)
        changes = []
        for name in _in_order(lock):
            locked = lock.plugins[name]
            change = await self._change(wanted, of.get(name), locked, home.get(name), on.get(name))
            changes += [change] if change is not None else []
        others = tuple(sorted(home.keys() - lock.plugins.keys()))
        for name in others if prune else ():
            line = f"{'remove':<{_LABEL}}{name} {home[name].installation.version}; {_GOES}"
            changes.append(PluginChange(name, "remove", (line,)))
        return HomeDifference(tuple(changes), others, dict(home))

    async def _change(
        self,
        wanted: WantedSet,
        plugin: WantedPlugin | None,
        locked: LockedPlugin,
        stored: StoredPlugin | None,
        active: bool | None,
    ) -> PluginChange | None:
        why = "" if stored is None else await self._why_anew(locked, stored)
        if stored is not None and not why:
            return self._settings(wanted, plugin, stored, active)
        plan, warnings = await self._plan(wanted, plugin, locked)
        held = with_named_paths(plan.entry.permissions, plan.entry.variables)
        target = PluginTarget(
            locked.name,
            plan=plan,
            choice=plugin.choice if plugin is not None else None,
            values=dict(plugin.config) if plugin is not None else {},
            active=active,
            agreed=Offers.from_list(list(locked.offers)) if locked.offers else None,
            check=partial(_check, wanted, plugin, locked),
            permissions=effective(plugin, held),
            grants=grants(plugin, held),
            warnings=warnings,
            within=_range_of(plugin),
        )
        lines = tuple(_setting_lines(target, stored))
        if stored is None:
            return PluginChange(locked.name, "install", (_line("install", locked.name, locked.version), *lines), target)
        return PluginChange(locked.name, "update", (_line("update", locked.name, why), *lines), target)

    async def _why_anew(self, locked: LockedPlugin, stored: StoredPlugin) -> str:
        """Return why what is *stored* is not what is *locked*; empty where it is."""
        installation = stored.installation
        if installation.mark == locked.mark:
            changed = await asyncio.to_thread(changed_files, installation)
            return f"{locked.version}: its files were changed on this machine" if changed else ""
        _check_same_place(installation, locked)
        check_not_pinned(stored, locked.version)
        if installation.version != locked.version:
            return f"{installation.version} to {locked.version}"
        return f"{locked.version}: what is installed is not what is locked"

    def _settings(
        self, wanted: WantedSet, plugin: WantedPlugin | None, stored: StoredPlugin, active: bool | None
    ) -> PluginChange | None:
        """Return what of an installed plugin's settings is not as the set says."""
        target = PluginTarget(stored.name, permissions=granted(stored))
        if plugin is not None:
            installation = stored.installation
            told = self._configuration.plain(stored.name)
            check_settings(wanted, plugin, installation, told)
            values = {variable_named(installation, name).name: value for name, value in plugin.config}
            held = declared(installation)
            target = replace(
                target,
                values={name: value for name, value in values.items() if told.get(name) != value},
                choice=plugin.choice if plugin.choice not in (None, stored.choice) else None,
                permissions=effective(plugin, held),
                grants=None if are_held(plugin, stored) else grants(plugin, held),
                within=None if _range_of(plugin) == stored.within else _range_of(plugin),
            )
        is_on = stored.enabled and stored.error_details is None
        if active is not None and active != is_on:
            target = replace(target, active=active)
        lines = tuple(_setting_lines(target, stored))
        if target.active and (names := missing(stored.installation, self._configuration.names(stored.name))):
            lines = (*lines[:-1], f"{lines[-1]}, once it is told {', '.join(names)}")
        return PluginChange(stored.name, "change", lines, target) if lines else None

    async def _plan(
        self, wanted: WantedSet, plugin: WantedPlugin | None, locked: LockedPlugin
    ) -> tuple[InstallPlan, tuple[str, ...]]:
        """Return the plan of exactly what is *locked*, and what to warn of."""
        entry = locked.entry
        warnings: tuple[str, ...] = ()
        if entry.packages and entry.packages[0].type == "path":
            if plugin is None or plugin.path is None:  # which folder, is not the lock's to say
                raise InstallError(locked.name, f"it is locked as a folder, and {wanted.file.name} names none")
            plan = self._installer.plan_path(wanted.file.parent / plugin.path)
            if plan.name != locked.name:
                reason = f"{plugin.path} holds the plugin {plan.name}, which is not what is locked. Lock it again"
                raise InstallError(locked.name, reason)
            plan = replace(plan, entry=replace(plan.entry, config=entry.config, permissions=entry.permissions))
        else:
            source, warnings = await self._listed_by(locked)
            if plugin is not None and not await self._is_meant(plugin, locked):
                source = UNLISTED
                warnings = (*warnings, f"{wanted.file.name} asks for {plugin.named}, which is no name of it here.")
            plan = self._installer.plan(replace(entry, source=source), remote=entry.remote is not None)
        return self._installer.from_lock(plan, locked.packages, locked.mark, locked.commit), warnings

    async def _is_meant(self, plugin: WantedPlugin, locked: LockedPlugin) -> bool:
        """Return whether what the file names is the plugin that is *locked* for it.

        Which one a name means is said by the registries of this machine; the lock's word for it may be anybody's.
        """
        if plugin.named in _names_of(locked):
            return True
        try:
            return (await self._catalogue.find(plugin.named)).entry.name == locked.name
        except (UnknownPluginError, AmbiguousNameError):
            return False

    async def _listed_by(self, locked: LockedPlugin) -> tuple[str, tuple[str, ...]]:
        """Return the registry of this machine that lists what is *locked*, as it is locked, and what to warn of.

        The lock's own word for it would be a stranger's. Raises UntrustedSourceError.
        """
        entries = await self._catalogue.registry.get(locked.name)
        entries.sort(key=lambda each: each.source != locked.entry.source)
        for each in entries:
            if _is_listed(each, locked.entry):
                if not self._catalogue.registry.is_trusted(each.source):
                    raise UntrustedSourceError(locked.name, each.source)
                return each.source, ()
        if not entries:
            return UNLISTED, ()
        return UNLISTED, (f"The registry {entries[0].source} lists {locked.name} otherwise than it is locked.",)


def _range_of(plugin: WantedPlugin | None) -> str:
    """Return the range that the file holds a plugin's versions to; empty for none."""
    return "" if plugin is None or plugin.remote else plugin.range or ""


def _names_of(locked: LockedPlugin) -> set[str]:
    """Return the names that stand for what is *locked*, whichever registries there are."""
    package = [f"{each.type}:{each.name}" for each in locked.entry.packages]
    remote = [] if locked.entry.remote is None else [locked.entry.remote.url]
    return {locked.name, *package, *remote}


def _check(wanted: WantedSet, plugin: WantedPlugin | None, locked: LockedPlugin, installation: Installation) -> None:
    """Raise PluginError where what was installed is not what is locked, or cannot be told what the file says."""
    shown = with_named_paths(locked.entry.permissions, locked.entry.variables)
    asked = with_named_paths(installation.permissions, installation.variables)
    if not installation.remote and not asks_more(shown, asked).is_nothing:
        raise InstallError(locked.name, "it declares that it reaches more than was locked. Lock it again")
    if installation.package_type == "path" and installation.digest != locked.digest:
        raise InstallError(locked.name, f"{installation.package} has changed since it was locked. Lock it again")
    if plugin is not None:
        check_settings(wanted, plugin, installation)


def _is_listed(entry: Entry, locked: Entry) -> bool:
    """Return whether a registry's *entry* is of the package that is *locked*, started and reached in the same way, and
    what it calls a secret is one in the lock.
    """
    secrets = {each.name for each in entry.variables if each.is_secret}
    if entry.kind != locked.kind or any(each.name in secrets and not each.is_secret for each in locked.variables):
        return False
    if locked.remote is not None:
        return entry.remote is not None and replace(entry.remote, config=()) == replace(locked.remote, config=())
    (package,) = locked.packages
    same = [
        each
        for each in (*entry.packages, *filter(None, [entry.of_repository]))
        if (each.type, each.typescript, _address(each.name))
        == (package.type, package.typescript, _address(package.name))
        and each.arguments == package.arguments
    ]
    return bool(same) and entry.command == locked.command


def _address(name: str) -> str:
    """Return a git address without its form and its reference; another package's name as it is."""
    address, hash_sign, folder = name.removeprefix("git+").partition("#")
    return f"{address.rpartition('@')[0] or address}{hash_sign}{folder}" if "://" in address else name


def _check_same_place(installation: Installation, locked: LockedPlugin) -> None:
    """Raise InstallError where what was told to *installation* would be told to something else."""
    remote = locked.entry.remote
    package = locked.entry.packages[0] if locked.entry.packages else None
    same = package is None or (installation.package_type, _address(installation.package)) == (
        package.type,
        _address(package.name),
    )
    of_here = package is not None and package.type == "path" == installation.package_type
    if is_other_place(installation.remote, remote) or not (same or of_here):
        reason = f"{installation.package} is installed here under its name, and what that was told would be told to "
        reason += f"another plugin. If you do not need it: dynamic-plugins uninstall {locked.name}"
        raise InstallError(locked.name, reason)


def _switched_on(of: Mapping[str, WantedPlugin], lock: LockedSet) -> dict[str, bool]:
    """Return which plugins are to be on and which off; what another needs that is on is on, too."""
    on: dict[str, bool] = {}
    waiting = [name for name, plugin in of.items() if plugin.active]
    while waiting:
        name = waiting.pop()
        if name not in on and name in lock.plugins:
            on[name] = True
            waiting += lock.plugins[name].requires
    return dict.fromkeys(of, False) | on


def _in_order(lock: LockedSet) -> Iterator[str]:
    """Yield the names of the plugins, each behind what it needs, as far as that is possible."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name in done or name in above or name not in lock.plugins:
            return
        for needed in lock.plugins[name].requires:
            yield from visit(needed, (*above, name))
        done.add(name)
        yield name

    for name in sorted(lock.plugins):
        yield from visit(name, ())


def _setting_lines(target: PluginTarget, stored: StoredPlugin | None) -> Iterator[str]:
    """Yield what of the settings changes with *target*."""
    if target.grants is not None and stored is not None:
        yield _line("reach", target.name, in_a_sentence(target.permissions))
    if target.choice is not None:
        only, hidden = ", ".join(target.choice.only), ", ".join(target.choice.hidden)
        renamed = ", ".join(f"{old} as {new}" for old, new in target.choice.renamed.items())
        said = (f"only {only}" if only else "", f"not {hidden}" if hidden else "", renamed)
        yield _line("offer", target.name, "; ".join(filter(None, said)) or "everything")
    if target.within is not None and target.within != (stored.within if stored is not None else ""):
        yield _line("hold", target.name, f"versions {target.within}" if target.within else "any version")
    for name, value in target.values.items():
        yield _line("set", target.name, f"{name} = {value}")
    if target.active is not None and (stored is None or target.active != stored.enabled or target.plan is None):
        yield _line("switch", target.name, "on" if target.active else "off")


def _line(label: str, name: str, text: str) -> str:
    # A line each, whatever stands in a value: one with a line end in it would be read as two.
    return visible(f"{label:<{_LABEL}}{name}{': ' if label not in ('install', 'update') else ' '}{text}")
