"""What a registry's text holds, whatever its format: the content decides, not the address."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import TOO_DEEP, parse_json
from dynamic_plugins.errors import NotARegistryError
from dynamic_plugins.registry.formats.elizaos import generated_entries, index_entries
from dynamic_plugins.registry.formats.mcp import is_server, server_entries
from dynamic_plugins.registry.formats.native import own_entries
from dynamic_plugins.registry.lazy_entries import without_garbage_collection
from dynamic_plugins.registry.revocation import revocations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.revocation import Revocation


@dataclass(frozen=True)
class ParsedRegistry:
    """The entries of one registry, in its order, and why each of the others was skipped."""

    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()
    updated: str = ""
    """When the registry says it was made (ISO 8601), where it says so."""
    next_cursor: str | None = None
    """Where the next page of an MCP registry begins; None on its last page and for everything else."""
    deleted: frozenset[str] = frozenset()
    """Names that an MCP registry has withdrawn."""
    revoked: tuple[Revocation, ...] = ()
    """What the registry has revoked, beside what it lists."""
    paged: bool = False
    """Whether this is a page of the MCP registry's API."""


def parse_registry(
    text: bytes | str, source: str, python: Callable[[], Mapping[str, Entry]] = dict, *, one_of_many: bool = False
) -> ParsedRegistry:
    """Return what *text* holds: our own format, elizaOS' two, ``server.json`` (one or a list), or an API page.

    *python* gives the entries of elizaOS plugins that exist in Python, by name. Bad entries are skipped and told in
    ``skipped``. Raises :class:`NotARegistryError` if *text* is not JSON, no registry, or has nothing but bad entries;
    a page that is *one_of_many* may have nothing else.
    """
    with without_garbage_collection():
        parsed = _parse(decode(text), source, python)
    if one_of_many and parsed.paged:
        return parsed
    if parsed.skipped and not (parsed.entries or parsed.deleted or parsed.revoked):
        raise NotARegistryError(f"not one usable entry; {parsed.skipped[0]}")
    return parsed


def without_local_packages(parsed: ParsedRegistry) -> ParsedRegistry:
    """Return what a registry on the network holds: a folder or file of this machine is not for it to name.

    Raises :class:`NotARegistryError` where nothing else is left.
    """
    entries, skipped = [], list(parsed.skipped)
    for entry in parsed.entries:
        packages = tuple(package for package in entry.packages if package.type != "path")
        if packages != entry.packages:
            skipped.append(f"{entry.name}: it names a path of this machine, which only a registry file here may")
        if packages or not entry.packages:
            entries.append(replace(entry, packages=packages))
    if skipped and not entries and not parsed.deleted:
        raise NotARegistryError(f"not one usable entry; {skipped[0]}")
    return replace(parsed, entries=tuple(entries), skipped=tuple(skipped))


def decode(text: bytes | str) -> Any:
    """Return the JSON value of *text*. Raises :class:`NotARegistryError`, which quotes nothing of it."""
    try:
        return parse_json(text, deepest=None)
    except ValueError as error:  # not JSON, too deep, not UTF-8, or a number of thousands of digits
        if str(error) == TOO_DEEP:
            raise NotARegistryError(TOO_DEEP) from None
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise NotARegistryError(f"it is not JSON{where}") from None


def parse_entries(data: Any, source: str) -> ParsedRegistry:
    """Return the entries of a decoded file in our own format. Raises :class:`NotARegistryError`."""
    if not isinstance(data, dict) or not isinstance(data.get("plugins"), list):
        raise NotARegistryError('it has no list of "plugins"')
    if data.get("schema", 1) != 1:
        raise NotARegistryError("it is of a later schema than this program reads")
    entries, skipped = own_entries(data["plugins"], source)
    updated = data.get("updated")
    revoked, wrong = revocations(data.get("revoked"), source)
    return ParsedRegistry(
        tuple(entries.values()),
        (*skipped, *wrong),
        updated=updated[:40] if isinstance(updated, str) else "",
        revoked=revoked,
    )


def _parse(data: Any, source: str, python: Callable[[], Mapping[str, Entry]]) -> ParsedRegistry:
    if isinstance(data, list):
        return _parse_list(data, source)
    if not isinstance(data, dict):
        raise NotARegistryError("it is neither an object nor a list")
    if "plugins" in data:
        return parse_entries(data, source)
    if isinstance(data.get("registry"), dict):
        entries, skipped = generated_entries(data["registry"], source, python())
        return ParsedRegistry(tuple(entries.values()), tuple(skipped))
    if is_server(data):
        found = server_entries([data], source)
        return ParsedRegistry(tuple(found.entries.values()), tuple(found.skipped), deleted=frozenset(found.deleted))
    if "servers" in data and isinstance(data["servers"] or [], list):
        return _parse_page(data, source)
    entries, skipped = index_entries(data, source, python())
    if not entries:
        raise NotARegistryError("it is JSON, but not a registry of a known format")
    return ParsedRegistry(tuple(entries.values()), tuple(skipped))


def _parse_list(data: list[Any], source: str) -> ParsedRegistry:
    if not data:
        raise NotARegistryError("it is an empty list")
    if any(is_server(each) for each in data):
        return _parse_page({"servers": data}, source)
    entries, skipped = own_entries(data, source)
    return ParsedRegistry(tuple(entries.values()), tuple(skipped))


def _parse_page(data: dict[str, Any], source: str) -> ParsedRegistry:
    # The registry is written in Go, where an empty list may be null.
    found = server_entries(data["servers"] or [], source)
    metadata = data.get("metadata")
    cursor = metadata.get("nextCursor") or metadata.get("next_cursor") if isinstance(metadata, dict) else None
    return ParsedRegistry(
        tuple(found.entries.values()),
        tuple(found.skipped),
        next_cursor=cursor if isinstance(cursor, str) and cursor else None,
        deleted=frozenset(found.deleted),
        paged=True,
    )
