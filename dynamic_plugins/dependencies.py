"""Plugins that need other plugins: what must come with one, and what must not be taken away from another."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dynamic_plugins.errors import AlreadyActiveError, InstallError, PluginError, UntrustedSourceError

if TYPE_CHECKING:
    from dynamic_plugins.catalogue import Catalogue
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.store import StateStore, StoredPlugin


class Dependencies:
    """What plugins say of themselves that they need, against what is installed."""

    def __init__(self, catalogue: Catalogue, installer: Installer, store: StateStore) -> None:
        self._catalogue, self._installer, self._store = catalogue, installer, store

    async def needed(self, plan: InstallPlan, chain: tuple[str, ...] = ()) -> list[InstallPlan]:
        """Return the plans of what *plan* needs and is not installed, in the order to install them.

        Raises InstallError for plugins that need one another, and what naming and planning one raises.
        """
        chain = (*chain, plan.name)
        plans: list[InstallPlan] = []
        for said in plan.requires:
            found = await self._catalogue.find_any(said)
            if found.entry.name in chain:
                raise InstallError(plan.name, f"it needs {found.entry.name}, which needs it in turn")
            if found.entry.name in self._store.read() or found.entry.name in {each.name for each in plans}:
                continue
            if not self._catalogue.registry.is_trusted(found.entry.source):
                raise UntrustedSourceError(found.entry.name, found.entry.source)
            other = self._installer.plan(found.entry, found.version)
            plans += [*await self.needed(other, chain), other]
        return plans

    async def check_not_needed(self, name: str, verb: str) -> None:
        """Raise :class:`AlreadyActiveError` when an active plugin needs *name*."""
        for other in self._store.read().values():
            if other.enabled and name in await self._required_by(other):
                raise AlreadyActiveError(
                    f"{name} is needed by {other.name}, which is active. To {verb} it, deactivate {other.name} first."
                )

    async def _required_by(self, plugin: StoredPlugin) -> set[str]:
        names = set()
        for said in plugin.installation.requires:
            with contextlib.suppress(PluginError):  # what is not installed any more keeps nothing else
                names.add(await self._catalogue.installed(said))
        return names
