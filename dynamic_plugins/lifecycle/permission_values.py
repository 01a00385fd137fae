"""A plugin's permissions with the person's values in them: the hosts and paths that its worker is held to."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins.core.permissions import FileAccess, Permissions, both, parse_host, without
from dynamic_plugins.lifecycle.variables import several_values
from dynamic_plugins.registry.sources import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dynamic_plugins.core.permissions import Access
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def with_named_paths(permissions: Permissions, variables: Iterable[Variable]) -> Permissions:
    """Return *permissions* with the paths that the person gives: those of *variables* that are paths.

    They name them for the plugin to work on. Where somebody declared what it needs, one that is not in there is read;
    where nobody did, it may write there as well.
    """
    if permissions.elsewhere:  # it reaches no path of this machine, whatever it is told
        return permissions
    access: Access = "read" if permissions.declared or permissions.files else "write"
    named = Permissions((), permissions.files).variables
    more = (f"${each.name}" for each in variables if each.format == "filepath" and each.name not in named)
    return replace(permissions, files=(*permissions.files, *(FileAccess(path, access) for path in more)))


def granted(plugin: StoredPlugin) -> Permissions:
    """Return what *plugin* may reach, as it is written down: with variables, not with their values."""
    named = with_named_paths(plugin.installation.permissions, plugin.installation.variables)
    return both(without(named, plugin.denied), plugin.allowed)


def resolved(plugin: StoredPlugin, values: Mapping[str, str], *, keep_unset: bool = False) -> Permissions:
    """Return what *plugin* may reach: hosts and absolute paths. What depends on a variable without a value is left out,
    or is there as it was declared with *keep_unset*.

    Only *values* count, which the person set: a default is the author's, and would be read as the person's own. What
    the person took back is not in it, wherever it comes from.
    """
    installation = plugin.installation
    named = with_named_paths(installation.permissions, installation.variables)
    hosts = None if named.network is None else tuple(_hosts(named.network, values, keep_unset))
    files = tuple(dict.fromkeys(_files(named.files, values, installation, keep_unset)))
    found = replace(named, network=hosts, files=files)
    return both(without(without(found, plugin.denied), _values_of(plugin.denied, values, installation)), plugin.allowed)


def named_by_person(plugin: StoredPlugin, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the hosts that the person named for *plugin*: those that they granted, and those in their own *values*."""
    hosts = plugin.installation.permissions.network or ()
    declared = hosts if plugin.installation.source == UNLISTED else (host for host in hosts if host.startswith("$"))
    return (*(plugin.allowed.network or ()), *_hosts(declared, values))


def _values_of(denied: Permissions, values: Mapping[str, str], installation: Installation) -> Permissions:
    """Return what was *denied* by the name of a variable, as what that stands for."""
    hosts = None if denied.network is None else tuple(_hosts(denied.network, values))
    return Permissions(hosts, tuple(_files(denied.files, values, installation)))


def _hosts(declared: Iterable[str], values: Mapping[str, str], keep_unset: bool = False) -> Iterator[str]:
    for host in declared:
        if not host.startswith("$") or (keep_unset and host[1:] not in values):
            yield host
        elif (value := values.get(host[1:])) is not None:
            yield from hosts_in(value)


def hosts_in(value: str) -> list[str]:
    """Return the hosts of an address, or of several with commas between them; with the port where that is known."""
    found = []
    for each in value.split(","):
        address = each.strip().removeprefix("jdbc:")
        try:
            parts = urlsplit(address if "://" in address else f"//{address}")
            host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
            found.append(parse_host((f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")))
        except ValueError:
            continue  # no address: there is nothing to reach
    return [host for host in found if not host.startswith("$")]


def _files(
    declared: Iterable[FileAccess], values: Mapping[str, str], installation: Installation, keep_unset: bool = False
) -> Iterator[FileAccess]:
    for file in declared:
        found = _VARIABLE.match(file.path)
        if found is None:
            yield FileAccess(os.path.expanduser(file.path), file.access)  # noqa: PTH111
            continue
        if keep_unset and found[1] not in values:
            yield file
        for path in _paths(values.get(found[1]), found[1], installation):
            if (whole := _whole(path, file.path[found.end() :])) is not None:
                yield FileAccess(whole, file.access)


def _paths(value: str | None, name: str, installation: Installation) -> list[str]:
    """Return the paths of one variable; an argument that may be repeated has several."""
    if value is None:
        return []
    argument = next((each for each in installation.arguments if each.variable == name), None)
    return [value] if argument is None else several_values(argument, value)


def _whole(path: str, rest: str) -> str | None:
    """Return the absolute path; None for one in the plugin's own folder, which it may use in any case.

    With the *rest* ``/..`` that is the folder it lies in, unless that is the person's home or holds it: then the file
    alone, since whoever can write to a home runs what they like.
    """
    path = os.path.expanduser(path.strip())  # noqa: PTH111
    if not os.path.isabs(path):  # noqa: PTH117
        return None
    path = os.path.normpath(path)
    if rest != "/..":
        return os.path.normpath(path + rest)
    folder, home = os.path.dirname(path), os.path.expanduser("~")  # noqa: PTH111, PTH120
    return path if os.path.commonpath([folder, home]) == folder else folder
