"""MCP servers: ``server.json`` (https://github.com/modelcontextprotocol/registry, schema 2025-12-11) and API pages.

A page of ``GET /v0.1/servers`` is ``{"servers": [{"server": server.json, "_meta": …}], "metadata": {"nextCursor"}}``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.registry.formats.native import BadEntryError
from dynamic_plugins.registry.formats.server_remotes import remote_of

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Package, PackageType, Remote

OFFICIAL_META = "io.modelcontextprotocol.registry/official"
_TYPES: dict[str, PackageType] = {"npm": "npm", "pypi": "pypi"}
_INDEX_LABELS = {"npm": "npmjs", "pypi": "pypi"}


@dataclass
class Servers:
    """What a list of servers held: entries by name, names that were withdrawn, and why others were skipped."""

    entries: dict[str, Entry] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)


def is_server(value: Any) -> bool:
    """Return whether *value* has the shape of a ``server.json``, alone or wrapped as the API does it."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("server"), dict):
        return True
    packages = value.get("packages")
    return isinstance(value.get("name"), str) and (
        "$schema" in value
        or "remotes" in value
        or (isinstance(packages, list) and any(isinstance(each, dict) and "registryType" in each for each in packages))
    )


def server_entries(values: list[Any], source: str) -> Servers:
    """Return the entries of a list of servers; of several versions of one, the one marked as latest, or the last."""
    found = Servers()
    latest: set[str] = set()
    for value in values:
        server, status, is_latest = _unwrap(value)
        try:
            entry = server_entry(server, source)
        except BadEntryError as error:
            found.skipped.append(str(error))
            continue
        if status == "deleted":
            if entry.name not in found.entries:
                found.deleted.add(entry.name)
        elif entry.name not in latest or is_latest:
            found.entries[entry.name] = entry
            found.deleted.discard(entry.name)
        if is_latest:
            latest.add(entry.name)
    return found


def server_entry(value: Any, source: str) -> Entry:
    """Return one ``server.json`` as an entry. Raises :class:`BadEntryError`.

    Only packages that can be started here as a process with standard input and output are kept: npm and PyPI, from
    the public index. Of the addresses where it runs, the first that can be used is kept, streamable HTTP before the
    older transport. A server that has neither is kept as an entry that cannot run here.
    """
    if not isinstance(value, dict):
        raise BadEntryError("a server is not an object")
    known = fields.name(value.get("name"))
    if known is None:
        raise BadEntryError("a server has no usable name")
    given = [each for each in _list(value.get("packages"))[: fields.PACKAGES] if _can_start(each)]
    packages = tuple((each, made) for each in given if (made := _package(each, value.get("version"))) is not None)
    variables = {
        one.name: one
        for each, _ in packages
        for one in fields.listed(each.get("environmentVariables"), fields.variable, fields.VARIABLES)
    }
    return Entry(
        name=known,
        kind="mcp",
        description=fields.text(value.get("description"), fields.DESCRIPTION_LENGTH),
        repository=fields.repository(value.get("repository")),
        keywords=fields.keywords([value.get("title")]),
        packages=tuple(made for _, made in packages),
        config=tuple(variables.values()),
        source=source,
        remote=_remote(value.get("remotes")),
        problem="" if packages else fields.argument_problem(given, "packageArguments"),
    )


def _remote(value: Any) -> Remote | None:
    """Return the first of ``remotes`` that can be used."""
    made = [each for each in map(remote_of, _list(value)[: fields.PACKAGES]) if each is not None]
    made.sort(key=lambda each: each.transport != "streamable-http")
    return made[0] if made else None


def _unwrap(value: Any) -> tuple[Any, str, bool]:
    """Return the ``server.json``, its status in the registry, and whether it is the latest version."""
    if not isinstance(value, dict) or not isinstance(value.get("server"), dict):
        return value, "active", False
    meta = value.get("_meta")
    official = meta.get(OFFICIAL_META) if isinstance(meta, dict) else None
    if not isinstance(official, dict):
        return value["server"], "active", False
    return value["server"], str(official.get("status", "active")), official.get("isLatest") is True


def _can_start(package: Any) -> bool:
    if not isinstance(package, dict) or package.get("registryType") not in ("npm", "pypi"):
        return False
    transport = package.get("transport")
    how = transport.get("type") if isinstance(transport, dict) else "stdio"
    # A package of the same name on the public index may be anybody's when the server names a private one.
    return how == "stdio" and _is_public_index(package["registryType"], package.get("registryBaseUrl"))


def _is_public_index(type_: str, address: Any) -> bool:
    if address is None:
        return True
    host = (urlsplit(address).hostname or "") if isinstance(address, str) else ""
    return host.split(".")[-2:] == [_INDEX_LABELS[type_], "org"]


def _package(value: dict[str, Any], server_version: Any) -> Package | None:
    version = value.get("version", server_version)
    return fields.package(
        _TYPES[value["registryType"]],
        value.get("identifier"),
        version,
        value.get("packageArguments"),
        value.get("fileSha256"),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
