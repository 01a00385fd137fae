"""All that is known of one plugin before and after it is installed, as a small JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.permissions import permissions_json
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.registry.entry import Entry

ACTIONS = 40
"""How many of its actions are told; of the rest, how many there are."""


async def details_of_named(service: PluginManagementService, query: str) -> dict[str, Any] | None:
    """Return all about the plugin that *query* names in full; None where it names none, or several.

    "time" is a wish as well as what mcp-server-time may be called by: only a name or a package's name is nothing else.
    """
    found = await service.catalogue.resolve(query)
    if found.kind != "exact" or found.name is None:
        return None
    entries = await service.catalogue.registry.get(found.name)
    if len(entries) != 1:
        return None
    names = {entries[0].name.casefold(), *(each.name.casefold() for each in entries[0].packages)}
    names |= {name.rpartition("/")[2] for name in names}
    return details(service, entries[0]) if query.strip().casefold() in names else None


def details(service: PluginManagementService, entry: Entry) -> dict[str, Any]:
    """Return what the registry says of *entry*; of what is installed, its version and permissions there."""
    installed = next((info for info in service.status() if info.name == entry.name), None)
    told: dict[str, Any] = {
        "name": entry.name,
        "kind": entry.kind,
        "description": one_line(entry.description),
        "registry": entry.source,
        "repository": entry.repository,
        "packages": [{"type": each.type, "name": each.name, "version": each.version} for each in entry.packages],
        "permissions": _permissions(service, entry, installed),
        "config": [
            {"name": each.name, "description": one_line(each.description), "required": each.required}
            for each in entry.variables
        ],
        "actions": [{"name": each.name, "description": one_line(each.description)} for each in entry.actions[:ACTIONS]],
    }
    if len(entry.actions) > ACTIONS:
        told["more_actions"] = len(entry.actions) - ACTIONS
    if entry.remote is not None:
        told["remote"] = {"url": entry.remote.url, "transport": entry.remote.transport, "auth": entry.remote.auth}
    if installed is not None:
        told |= {"installed_version": installed.version, "status": str(installed.status)}
    return {key: value for key, value in told.items() if value not in ("", [])}


def _permissions(service: PluginManagementService, entry: Entry, installed: DynamicPluginInfo | None) -> dict[str, Any]:
    if installed is not None:
        return permissions_json(installed.permissions, installed.enforced)
    return permissions_json(*service.declared_permissions(entry))
