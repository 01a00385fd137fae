"""What an eval's conversation stands on: plugins that are said to be installed, and six actions that only pretend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import prompt_files
from dynamic_plugins.core.status import DynamicPluginInfo, Status
from dynamic_plugins.plugin import Action, Provider
from dynamic_plugins.resolver.mentions import mentions_in
from dynamic_plugins.tools.management import NAMES, one_line, schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dynamic_plugins.resolver.catalog import Catalogue

    Pretend = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]
    """What an action, by its name, gives for the plugin that it was called for, and the other arguments."""

VERSION = "1.0.0"
"""What every installed plugin of an eval is said to be."""


def installed(status: Mapping[str, str]) -> list[DynamicPluginInfo]:
    """Return plugins, by name, that stand as in *status*."""
    return [
        DynamicPluginInfo(name, VERSION, "mcp", Status(how), "", (), None, "2026-01-01T00:00:00+00:00", None)
        for name, how in status.items()
    ]


def providers(status: Mapping[str, str], known: int) -> list[Provider]:
    """Return the two providers, with *known* plugins in the registry; *status* is read at each turn."""

    def stands() -> str:
        rows = [{"name": name, "version": VERSION, "status": how} for name, how in status.items()]
        return json.dumps({"plugins": rows})

    return [
        Provider("available_plugins", "", lambda: json.dumps({"known": known})),
        Provider("dynamic_plugins_status", "", stands),
    ]


def management(catalogue: Catalogue, pretend: Pretend) -> list[Action]:
    """Return the six actions: the search is real, of the others *pretend* tells the result."""
    texts = prompt_files.table("actions.toml")

    def handler(name: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def search(query: str | None = None, limit: int | None = None) -> dict[str, Any]:
            found = await catalogue.search(query or "", limit or 8)
            return {"plugins": [{"name": m.entry.name, "description": one_line(m.entry.description)} for m in found]}

        async def other(plugin_name: str, **given: Any) -> dict[str, Any]:
            return await pretend(name, plugin_name, given)

        return search if name == "list_available_plugins" else other

    return [
        Action(name, texts[name]["description"], handler(name), schema(name), tuple(texts[name]["similes"]))
        for name in NAMES
    ]


async def names_plugin(catalogue: Catalogue, text: str, plugin: str) -> bool:
    """Return whether *text* names *plugin*."""
    return any(plugin in mention.names for mention in mentions_in(text, await catalogue.names()))


async def no_context() -> dict[str, str]:
    """Return that no running plugin says anything."""
    return {}
