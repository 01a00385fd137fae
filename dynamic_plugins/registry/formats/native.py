"""Our own registry format, ``{"schema": 1, "plugins": [entry…]}``, read entry by entry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast, get_args

from dynamic_plugins.core.permissions import Permissions, check_variables, parse_permissions
from dynamic_plugins.registry.entry import Entry, Kind, PackageType
from dynamic_plugins.registry.formats import fields, remote_fields

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Package

_KINDS = frozenset(get_args(Kind))
_PACKAGE_TYPES = frozenset(get_args(PackageType)) - {"remote"}  # which an entry says under its own key


class BadEntryError(ValueError):
    """This entry cannot be used; the text says which one and why.

    Whoever reads the list skips and counts it. It never leaves the readers: no PluginError.
    """


def own_entry(value: Any, source: str) -> Entry:
    """Return one entry of our own format. Raises :class:`BadEntryError`.

    What the entry cannot do without is its name and a known kind; a package, variable or action that makes no sense
    is left out, and an entry without a usable package is kept: it can be found, and is unavailable here.
    Permissions that make no sense make a bad entry: left out, they would say something else than was meant.
    """
    if not isinstance(value, dict):
        raise BadEntryError(f"an entry is {_type(value)}, not an object")
    known = fields.name(value.get("name"))
    if known is None:
        raise BadEntryError(f"a name is {_quoted(value.get('name'))}")
    kind = value.get("kind")
    if kind is not None and not (isinstance(kind, str) and kind in _KINDS):
        raise BadEntryError(f"{known}: the kind {_quoted(kind)} is not known")
    packages = fields.listed(value.get("packages"), _package, fields.PACKAGES)
    variables = {each.name: each for each in fields.listed(value.get("config"), fields.variable, fields.VARIABLES)}
    entry = Entry(
        name=known,
        kind=cast("Kind", kind) if kind else fields.kind_of(known, packages),
        description=fields.text(value.get("description"), fields.DESCRIPTION_LENGTH),
        repository=fields.repository(value.get("repository")),
        keywords=fields.keywords(value.get("keywords")),
        packages=packages,
        config=tuple(variables.values()),
        actions=fields.listed(value.get("actions"), fields.offered_action, fields.ACTIONS),
        source=source,
        aliases=fields.keywords(value.get("aliases")),
        categories=fields.keywords(value.get("categories")),
        popularity=fields.count(value.get("popularity")),
        command=fields.text(value.get("command"), fields.COMMAND_LENGTH),
        verified=fields.verified(value.get("verified")),
        remote=remote_fields.remote(value.get("remote")),
        problem=fields.text(value.get("problem"), fields.PROBLEM_LENGTH)
        or ("" if packages else fields.argument_problem(_list(value.get("packages")), "arguments")),
        popularity_rank=fields.count(value.get("popularity_rank")),
    )
    if (declared := value.get("permissions")) is None:
        return entry
    return replace(entry, permissions=_permissions(entry, declared))


def _permissions(entry: Entry, declared: Any) -> Permissions:
    try:
        permissions = parse_permissions(declared)
        check_variables(permissions, {variable.name for variable in entry.variables})
    except ValueError as error:
        raise BadEntryError(f"{entry.name}: permissions: {error}") from None
    return permissions


def own_entries(values: list[Any], source: str) -> tuple[dict[str, Entry], list[str]]:
    """Return the entries of a list by name, and why each of the others was skipped. The first of a name counts."""
    entries: dict[str, Entry] = {}
    skipped: list[str] = []
    for value in values:
        try:
            entry = own_entry(value, source)
        except BadEntryError as error:
            skipped.append(str(error))
            continue
        if entry.name in entries:
            skipped.append(f"{entry.name}: named twice")
        else:
            entries[entry.name] = entry
    return entries, skipped


def _package(value: Any) -> Package | None:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or value["type"] not in _PACKAGE_TYPES:
        return None
    digest = value.get("sha256") or value.get("fileSha256")
    made = fields.package(value["type"], value.get("name"), value.get("version"), value.get("arguments"), digest)
    is_typescript = value["type"] == "git" and value.get("typescript") is True
    return replace(made, typescript=True) if made is not None and is_typescript else made


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _quoted(value: Any) -> str:
    return repr(fields.text(value, 60)) if isinstance(value, str) else _type(value)
