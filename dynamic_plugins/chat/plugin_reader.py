"""What the guard in front of the tools knows of names: which texts speak of a plugin, and what a plugin declares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dynamic_plugins.chat.asked_for import asks_for, asks_for_unlisted
from dynamic_plugins.errors import PluginError
from dynamic_plugins.registry.unlisted import parse_direct
from dynamic_plugins.resolver.outside_names import names_plugin
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.registry.unlisted import Direct
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.resolver.resolver import Resolver
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.tools.tool_formats import Tool

REMEMBERED = 4_000
"""Of so many texts it is kept whether they name a plugin: the same ones are asked about at every call."""


class PluginReader:
    """Reads texts for the :class:`~dynamic_plugins.tools.injection_guard.InjectionGuard` of a toolbox.

    *installed* gives the installed plugins by name, *tools* those of the active ones.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        installed: Callable[[], Mapping[str, StoredPlugin]],
        tools: Callable[[], list[Tool]],
    ) -> None:
        self._catalogue, self._installed, self._tools = catalogue, installed, tools
        self._known: dict[tuple[int, str, str], bool] = {}

    async def canonical(self, said: str) -> str:
        """Return the name of the plugin that *said* means, listed or not, or *said* where it means none."""
        try:
            name = (await self._catalogue.resolve(said)).name
            direct = parse_direct(said) if name is None else None
        except PluginError:
            return said
        return name or (direct.shown if direct is not None else said)

    async def is_unlisted(self, plugin: str) -> bool:
        """Return whether *plugin*, as :meth:`canonical` gave it, names something that no registry lists."""
        return await self._unlisted(plugin) is not None

    async def _unlisted(self, plugin: str) -> Direct | None:
        try:
            direct = parse_direct(plugin)
            if direct is None or (await self._catalogue.resolve(plugin)).kind in ("exact", "ambiguous"):
                return None
        except PluginError:
            return None
        return direct

    async def is_named(self, text: str, plugin: str) -> bool:
        """Return whether *text*, a stranger's, names *plugin*; read in a thread, since it may be long and hostile."""
        if (names := await self._names()) is None:
            return plugin.casefold() in text.casefold()
        if (direct := await self._unlisted(plugin)) is not None:
            return await asyncio.to_thread(_holds, text, direct)
        key = (id(names), plugin, text)
        if key not in self._known:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = await asyncio.to_thread(names_plugin, text, plugin, names)
        return self._known[key]

    async def is_asked_for(self, text: str, plugin: str) -> bool:
        """Return whether a person who says *text* names *plugin*, and not to refuse it."""
        names = await self._names()
        if (direct := await self._unlisted(plugin)) is not None:
            return await asyncio.to_thread(asks_for_unlisted, (text,), direct)
        return names is not None and await asyncio.to_thread(asks_for, text, plugin, names)

    async def is_named_by(self, texts: Sequence[str], plugin: str) -> bool:
        """Return whether a person who said *texts* has named *plugin*, which no registry lists, and last not to refuse
        it.
        """
        direct = await self._unlisted(plugin)
        return direct is not None and await asyncio.to_thread(asks_for_unlisted, texts, direct)

    async def _names(self) -> Resolver | None:
        try:
            return await self._catalogue.names()
        except PluginError:
            return None

    def choices(self, plugin: str, variable: str) -> Collection[str]:
        """Return the values that are declared for a plugin's variable: its choices and its default."""
        found = next((each for each in self._variables(plugin) if each.name.casefold() == variable.casefold()), None)
        if found is None:
            return ()
        return (*found.choices, *(() if found.default is None else (found.default,)))

    def _variables(self, plugin: str) -> tuple[Variable, ...]:
        stored = self._installed().get(plugin)
        return () if stored is None else stored.installation.variables

    def asks_to_start(self, plugin: str) -> bool:
        """Return whether starting *plugin* asks the person: they never agreed to it, or it is not installed."""
        stored = self._installed().get(plugin)
        return stored is None or not stored.approved

    def plugin_tools(self) -> list[Tool]:
        """Return the tools of the active plugins."""
        return self._tools()


def _holds(text: str, direct: Direct) -> bool:
    """Return whether a stranger's text holds the letters of a name, however they are separated there."""
    return normalize.squashed(normalize.folded(direct.name)) in normalize.squashed(normalize.folded(text))
