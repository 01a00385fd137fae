"""Which installed plugins have a newer version, and what is known of it before it is here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.permission_text import as_verbs
from dynamic_plugins.core.permissions import NOTHING, UNDECLARED, Permissions, asks_more
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install.installation import is_editable, version_of
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.lifecycle.permission_values import with_named_paths
from dynamic_plugins.lifecycle.updates import AT_ONCE, held_permissions

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.updates import Updates
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin


@dataclass(frozen=True)
class VersionReport:
    """An installed plugin's version, beside the newest that ``update`` would bring."""

    name: str
    installed: str
    newest: str | None = None
    """None where it is not told, or where there are no versions: of what runs elsewhere."""
    is_newer: bool = False
    pinned: bool = False
    left: bool = False
    """Whether the person went back from the newest to the one before."""
    source: str = ""
    """Where the newest comes from: the package index or folder, and the registry."""
    problem: str = ""
    """Why the newest is not told, or cannot be had."""
    digest: str | None = None
    """Of the folder or wheel on this machine that it would be made from."""
    note: str = ""
    """What else is to be said of the newest."""
    revoked: str = ""
    """Who has revoked the installed version, and why."""
    more: Permissions = NOTHING
    """What the newest may reach besides, where its registry declares that."""
    new_variables: tuple[str, ...] = ()
    new_actions: tuple[str, ...] = ()
    gone_actions: tuple[str, ...] = ()
    """Actions that come and go with the newest, where its registry lists those of exactly that version."""

    @property
    def is_due(self) -> bool:
        """Whether ``update --all`` would bring the newest."""
        return self.is_newer and not (self.pinned or self.left or self.problem)

    @property
    def changes(self) -> tuple[str, ...]:
        """What is known to change, a phrase each; empty where nothing is known."""
        told = (
            self.note,
            "" if self.more.is_nothing else f"would {as_verbs(self.more)} besides",
            f"new setting{_plural(self.new_variables)}" if self.new_variables else "",
            f"new action{_plural(self.new_actions)}" if self.new_actions else "",
            f"no longer {', '.join(self.gone_actions)}" if self.gone_actions else "",
        )
        return tuple(each for each in told if each)

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict."""
        facts = ("name", "installed", "newest", "source", "problem", "note", "revoked")
        told: dict[str, Any] = {name: getattr(self, name) or None for name in facts}
        told |= {"outdated": self.is_newer, "due": self.is_due, "pinned": self.pinned, "rolled_back": self.left}
        told["permissions"] = None if self.more.is_nothing else self.more.to_dict()
        lists = {"variables": self.new_variables, "new_actions": self.new_actions, "gone_actions": self.gone_actions}
        return told | {name: list(each) for name, each in lists.items()}


def _plural(names: tuple[str, ...]) -> str:
    return f"{'s' if len(names) > 1 else ''} {', '.join(names)}"


class Outdated:
    """Compares what is installed with what ``update`` would bring, changing nothing."""

    def __init__(self, store: HomeState, installer: Installer, updates: Updates, admission: Admission) -> None:
        self._store, self._installer, self._updates, self._admission = store, installer, updates, admission

    async def reports(self, names: Collection[str] | None = None) -> list[VersionReport]:
        """Return a report of each installed plugin, or of those *names*, by name.

        An index is asked for the packages of those whose registry names no version; where that cannot be, the report
        says why, and nothing is raised for it.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def report(plugin: StoredPlugin) -> VersionReport:
            async with turn:
                return await self._report(plugin)

        plugins = [plugin for name, plugin in self._store.read().items() if names is None or name in names]
        return list(await asyncio.gather(*map(report, plugins)))

    async def _report(self, plugin: StoredPlugin) -> VersionReport:
        present = plugin.installation
        revocation = self._admission.revocation(present)
        told = VersionReport(
            plugin.name,
            version_of(present),
            pinned=plugin.pinned,
            revoked="" if revocation is None else revocation.sentence,
        )
        if present.remote is not None:
            return told
        try:
            if plugin.within:
                self._installer.check_online(present.package_type)
            plan, _ = await self._updates.newer(present, None, plugin.within)
            if plan.remote is not None:
                return told
            if plan.version is None or plan.package.type == "git" or self._is_newer(present, plan):
                plan = await self._installer.newest(plan)  # an exact version that is no newer needs no asking
            return await self._compared(told, plugin, plan)
        except (PluginError, OSError) as error:
            return replace(told, problem=str(getattr(error, "reason", error)))

    def _is_newer(self, present: Installation, plan: InstallPlan) -> bool:
        from dynamic_plugins.install.latest_version import is_newer

        if plan.package.type == "path":
            return plan.version != present.version
        return plan.version is not None and is_newer(plan.package.type, plan.version, present.version)

    async def _compared(self, told: VersionReport, plugin: StoredPlugin, plan: InstallPlan) -> VersionReport:
        present = plugin.installation
        newest = plan.shown_version
        if plan.package.type == "git" and present.package_type == "git":
            newer = newest.rpartition("(")[2] != told.installed.rpartition("(")[2]
        else:
            lies = await in_thread(_digest, plan)
            newer = self._is_newer(present, plan) or _has_changed(present, lies)
            told = replace(told, digest=lies)
        told = replace(told, newest=newest, is_newer=newer, source=plan.origin)
        if not newer:
            return told
        kept = plugin.kept
        if plugin.within:
            told = replace(told, note=f"held to {plugin.within}")
        left = kept is not None and kept.left and version_of(kept.installation) == newest
        revocation = self._admission.revocation(replace(present, version=plan.version or ""))
        if newest == present.version:
            told = replace(told, note="its files have changed")
        problem = "" if revocation is None else revocation.sentence
        return self._with_changes(replace(told, left=left, problem=problem), plugin, plan)

    def _with_changes(self, told: VersionReport, plugin: StoredPlugin, plan: InstallPlan) -> VersionReport:
        entry = plan.entry
        if entry.permissions != UNDECLARED:
            wanted = with_named_paths(entry.permissions, entry.variables)
            told = replace(told, more=asks_more(held_permissions(plugin), wanted))
        known = {variable.name for variable in plugin.installation.variables}
        fresh = tuple(each.name for each in entry.variables if each.name not in known and known)
        told = replace(told, new_variables=fresh)
        seen = entry.verified is not None and entry.verified.version == plan.version
        if not seen or plugin.offers is None or not entry.actions:
            return told
        now = {action.name for action in entry.actions}
        before = {action.name for action in plugin.offers.of("action")}
        return replace(told, new_actions=tuple(sorted(now - before)), gone_actions=tuple(sorted(before - now)))


def _digest(plan: InstallPlan) -> str | None:
    """Return the digest of what lies on this machine, as it is asked about when it was copied; None for all else."""
    if plan.package.type != "path" or plan.editable:
        return None
    from dynamic_plugins.install.copied_source import digest

    return digest(Path(plan.package.name))


def _has_changed(present: Installation, lies: str | None) -> bool:
    """Return whether a folder that was copied is another by now, though its version is the same."""
    return lies is not None and present.digest is not None and not is_editable(present) and lies != present.digest
