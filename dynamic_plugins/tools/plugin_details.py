"""All that is known of one plugin before and after it is installed, as a small JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.deep_folders import walk
from dynamic_plugins.core.permissions import permissions_json
from dynamic_plugins.resolver.catalog import PluginRef
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.registry.entry import Entry, Variable, Verified
    from dynamic_plugins.resolver.catalog import Catalogue

ACTIONS = 40
"""How many of its actions are told; of the rest, how many there are."""
CHARACTERS_PER_TOKEN = 4.0
"""What a tool's JSON text comes to, roughly, where no tokenizer has counted it."""
MOST_FILES = 200_000
_OWNER = re.compile(r"(?:github:|(?:github|gitlab|codeberg)\.(?:com|org)[/:])([\w.-]+)/", re.IGNORECASE)


async def details_of_named(service: PluginManagementService, query: str) -> dict[str, Any] | None:
    """Return all about the plugin that *query* names in full; None where it names none, or several.

    "time" is a wish as well as what mcp-server-time may be called by: only a name or a package's name is nothing else.
    """
    found = (await service.catalogue.names()).spoken.decide(query)
    if found is None or found.kind != "exact" or found.name is None:
        return None
    entries = await service.catalogue.registry.get(found.name)
    if len(entries) != 1:
        return None
    names = {entries[0].name.casefold(), *(each.name.casefold() for each in entries[0].packages)}
    names |= {name.rpartition("/")[2] for name in names}
    return await details(service, entries[0]) if query.strip().casefold() in names else None


async def details(service: PluginManagementService, entry: Entry, *, measured: bool = True) -> dict[str, Any]:
    """Return what the registry says of *entry*; of what is installed, how it is here: version, size, actions, settings.

    ``size_bytes`` is what the install takes on disk, and under ``verified`` what it took when it was seen to run;
    ``tokens`` what its tools cost a model in each request while it is active, ``instructions`` what an MCP server says
    of their use, ``popularity`` downloads a month, ``popularity_rank`` a place among the most downloaded of its index.
    What nobody knows is left out; values of settings never are in it.
    """
    installed = service.info_of(entry.name)
    variables = await _variables(service, entry, installed)
    offered = service.offered(entry.name) if installed else []
    told: dict[str, Any] = {
        "name": entry.name,
        "kind": entry.kind,
        "runs_as": runs_as(entry),
        "description": one_line(entry.description),
        "version": _version(entry, installed),
        "registry": entry.source,
        "publisher": publisher(entry),
        "repository": entry.repository,
        "packages": [{"type": each.type, "name": each.name, "version": each.version} for each in entry.packages],
        "address": entry.remote.url if entry.remote is not None else "",
        "problem": one_line(entry.problem),
        "aliases": list(entry.aliases),
        "categories": list(entry.categories),
        "popularity": entry.popularity,
        "popularity_rank": entry.popularity_rank,
        "verified": _verified(entry.verified),
        "tokens": _tokens(offered) or (entry.verified.tokens if entry.verified is not None else 0),
        "permissions": _permissions(service, entry, installed),
        "config": [_setting(each, is_set) for each, is_set in variables],
    }
    actions = offered or [{"name": each.name, "description": each.description} for each in entry.actions]
    told["actions"] = [
        {"name": each["name"], "description": one_line(each["description"])} for each in actions[:ACTIONS]
    ]
    if len(actions) > ACTIONS:
        told["more_actions"] = len(actions) - ACTIONS
    if entry.remote is not None:
        told["remote"] = {"url": entry.remote.url, "transport": entry.remote.transport, "auth": entry.remote.auth}
    if installed is not None:
        told |= {"installed_version": installed.version, "status": str(installed.status)}
        told["instructions"] = service.instructions(entry.name)
        if measured:
            told["size_bytes"] = await asyncio.to_thread(size_of, installed.path)
    return {key: value for key, value in told.items() if value not in ("", [], 0, None)}


def _setting(variable: Variable, is_set: bool | None) -> dict[str, Any]:
    """Return what is told of one variable; whether it is set is known of what is installed."""
    told = {"name": variable.name, "description": one_line(variable.description), "required": variable.required}
    return told | ({"secret": True} if variable.is_secret else {}) | ({} if is_set is None else {"set": is_set})


async def _variables(
    service: PluginManagementService, entry: Entry, installed: DynamicPluginInfo | None
) -> list[tuple[Variable, bool | None]]:
    """Return what a plugin can be told, and of an installed one whether it is set."""
    if installed is None:
        return [(variable, None) for variable in entry.variables]
    return [(variable, is_set) for variable, is_set in await service.variables(PluginRef(entry.name, entry.name))]


async def with_origin(catalogue: Catalogue, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the *lines* of a search with what kind each plugin is, which registry lists it, and in which version."""
    told = []
    for line in lines:
        entries = await catalogue.registry.get(str(line["name"]))
        told.append(line | (_origin(entries[0]) if entries else {}))
    return told


def _origin(entry: Entry) -> dict[str, Any]:
    told = {"kind": entry.kind, "source": entry.source, "version": _version(entry, None)}
    return told | ({"runs_as": runs_as(entry)} if entry.kind == "elizaos" else {})


def runs_as(entry: Entry) -> str:
    """Return the language that an elizaOS plugin runs in here, or why it does not; empty for the other kinds."""
    if entry.kind != "elizaos" or entry.packages:
        return entry.runs_as
    if entry.runs_as:
        return f"{entry.runs_as}, bundled from its repository"
    return "nothing here: its code is only in its repository" if entry.repository else "nothing here: it has no package"


def publisher(entry: Entry) -> str:
    """Return whose repository *entry* comes from; empty where nothing tells."""
    found = _OWNER.search(entry.repository)
    return found[1] if found else ""


def _version(entry: Entry, installed: DynamicPluginInfo | None) -> str | None:
    if installed is not None:
        return installed.version
    listed = next((each.version for each in entry.packages if each.version), None)
    return listed or (entry.verified.version or None if entry.verified is not None else None)


def _verified(seen: Verified | None) -> dict[str, Any] | None:
    """Return when and how it was seen to work."""
    if seen is None:
        return None
    told = {"date": seen.date, "version": seen.version, "python": seen.python, "node": seen.node}
    told_of: dict[str, Any] = {key: value for key, value in told.items() if value}
    told_of |= {"size_bytes": seen.size_bytes} if seen.size_bytes else {}
    return told_of | {"actions": seen.actions, "keyless": seen.keyless}


def _tokens(actions: list[dict[str, Any]]) -> int:
    """Return about how many tokens the tools for *actions* cost a model in each request."""
    return round(sum(len(json.dumps(each, ensure_ascii=False)) for each in actions) / CHARACTERS_PER_TOKEN)


def size_of(path: str) -> int:
    """Return how many bytes the files below *path* take; a file that is linked to from several places counts once."""
    seen: dict[tuple[int, int], int] = {}
    for folder, _, names in walk(path):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - a hundred thousand of them
            except OSError:
                continue
            seen[found.st_dev, found.st_ino] = found.st_size
        if len(seen) > MOST_FILES:
            break
    return sum(seen.values())


def _permissions(service: PluginManagementService, entry: Entry, installed: DynamicPluginInfo | None) -> dict[str, Any]:
    if installed is not None:
        return permissions_json(installed.permissions, installed.enforced)
    return permissions_json(*service.declared_permissions(entry))


def size_in_words(count: int) -> str:
    """Return a number of bytes as people read it: ``34 MB``."""
    return f"{count / 1e6:.0f} MB" if count >= 10e6 else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"


def use_in_words(told: Mapping[str, Any]) -> str:
    """Return how much a plugin is used, by what :func:`details` tells; empty where nobody knows."""
    if told.get("popularity"):
        return f"{told['popularity']:,} downloads a month"
    if told.get("popularity_rank"):
        return f"place {told['popularity_rank']:,} among the most downloaded packages of its index"
    return ""


def verified_in_words(told: Mapping[str, Any]) -> str:
    """Return when and how a plugin was seen to work, as one sentence without its end."""
    ran = [f"{name} {told[key]}" for name, key in (("Python", "python"), ("Node.js", "node")) if told.get(key)]
    on = f" on {' and '.join(ran)}" if ran else ""
    version = f" as version {told['version']}" if told.get("version") else ""
    size = f", {size_in_words(told['size_bytes'])} on disk" if told.get("size_bytes") else ""
    key = ", and answered without a key" if told.get("keyless") else ""
    return f"{told['date']}: installed and started here{version}{on} with {told['actions']} actions{size}{key}"
