"""Plugins that need other plugins: what must come with one, and what must not be taken away from another."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dynamic_plugins.errors import (
    AlreadyActiveError,
    InstallError,
    LoadError,
    PluginError,
    UntrustedSourceError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

    Needs = tuple[str, tuple[str, ...]]
    """A plugin's name, and the names of what it declares that it needs."""


class Dependencies:
    """What plugins declare that they need, against what is installed."""

    def __init__(self, catalogue: Catalogue, installer: Installer, store: HomeState) -> None:
        self._catalogue, self._installer, self._store = catalogue, installer, store

    async def needed(self, plan: InstallPlan) -> list[InstallPlan]:
        """Return the plans of what *plan* needs and is not installed, in the order to install them.

        Raises InstallError for plugins that need one another, installed or not, and what naming and planning one
        raises.
        """
        plans: dict[str, InstallPlan] = {}

        async def resolve(required: str) -> Needs:
            found = await self._catalogue.find_any(required)
            name = found.entry.name
            if (installed := self._store.read().get(name)) is not None:
                return name, installed.installation.requires
            if name not in plans and name != plan.name:
                if not found.trusted:
                    raise UntrustedSourceError(name, found.entry.source)
                plans[name] = self._installer.plan(found.entry, found.version)
            return name, plans[name].requires if name in plans else plan.requires

        order = await _in_order((plan.name, plan.requires), resolve, InstallError)
        return [plans[name] for name in order if name in plans]

    async def before(self, name: str, requires: tuple[str, ...] | None = None) -> list[str]:
        """Return the installed plugins that must be active before *name*, in the order to activate them.

        *requires* is what another version of it declares that it needs. Raises LoadError for plugins that need one
        another, and NotInstalledError, UnknownPluginError or AmbiguousNameError for what is not there.
        """

        async def resolve(required: str) -> Needs:
            other = (await self._catalogue.installed(required)).name
            return other, self._store.get(other).installation.requires

        requires = self._store.get(name).installation.requires if requires is None else requires
        return await _in_order((name, requires), resolve, LoadError)

    async def check_not_needed(self, name: str, verb: str) -> None:
        """Raise :class:`AlreadyActiveError` when an active plugin needs *name*, unless they need one another.

        Of such plugins, which older versions let in, none could ever be taken away else.
        """
        circle = await self._circle(name)
        for other in self._store.read().values():
            active = other.enabled and other.error_details is None
            if active and other.name not in circle and name in await self._required_by(other):
                raise AlreadyActiveError(
                    f"{name} is needed by {other.name}, which is active. To {verb} it, deactivate {other.name} first."
                )

    async def _circle(self, name: str) -> set[str]:
        """Return what *name* needs, directly or not, where it is itself among that; else nothing."""
        found: set[str] = set()
        left = [name]
        while left:
            if (plugin := self._store.read().get(left.pop())) is not None:
                more = await self._required_by(plugin) - found
                found |= more
                left += more
        return found if name in found else set()

    async def is_needed(self, name: str) -> bool:
        """Return whether an installed plugin, active or not, declares that it needs *name*."""
        return any([name in await self._required_by(other) for other in self._store.read().values()])

    async def _required_by(self, plugin: StoredPlugin) -> set[str]:
        names = set()
        for required in plugin.installation.requires:
            with contextlib.suppress(PluginError):  # what is not installed any more keeps nothing else
                names.add((await self._catalogue.installed(required)).name)
        return names


async def _in_order(
    of: Needs, resolve: Callable[[str], Awaitable[Needs]], refusal: type[InstallError | LoadError]
) -> list[str]:
    """Return what *of* needs, and what that needs, each behind what it needs itself.

    *resolve* gives the plugin that a name stands for. Raises *refusal*, with its names, for a circle.
    """
    found: dict[str, None] = {}

    async def visit(needs: Needs, chain: tuple[str, ...]) -> None:
        name, requires = needs
        if name in chain:
            circle = chain[chain.index(name) :]
            turns = [f"{one} needs {other}" for one, other in zip(circle, (*circle[1:], name), strict=True)]
            raise refusal(of[0], f"plugins that need one another cannot be started: {', '.join(turns)} in turn")
        if name not in found:
            for required in requires:
                await visit(await resolve(required), (*chain, name))
            found[name] = None

    await visit(of, ())
    del found[of[0]]
    return list(found)
