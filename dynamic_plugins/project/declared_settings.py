"""What a project's file tells a plugin, held to what the plugin declares: names, values, and no secret among them."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import FileAccess, Permissions, asks_more, parse_permissions, without
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.lifecycle.permission_values import granted, with_named_paths
from dynamic_plugins.lifecycle.variables import check_value, variable_named
from dynamic_plugins.settings import is_the_persons_own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.project.wanted_set import WantedPlugin, WantedSet
    from dynamic_plugins.storage.stored_plugin import StoredPlugin


def check_settings(
    wanted: WantedSet, plugin: WantedPlugin, installation: Installation, told: Mapping[str, str] | None = None
) -> None:
    """Raise ProjectFileError, with the line, where *plugin* cannot be told what the file says.

    *told* are the plain values that it has been told already.
    """
    for name, value in plugin.config:
        place = ("plugins", plugin.named, "config", name)
        _check_name(wanted, plugin, installation, name, place)
        if is_the_persons_own(name):
            command = f"dynamic-plugins configure {installation.plugin} {name}=…"
            raise wanted.wrong(f"{name} is yours alone to set, and no project's. Set it with: {command}", *place)
        variable = variable_named(installation, name)
        if variable.is_secret or ((told or {}).get(variable.name) != value and holds_secret(value)):
            what = "is a secret" if variable.is_secret else "holds what looks like a secret"
            command = f"dynamic-plugins configure {installation.plugin}"
            problem = f"{name} {what}, which stands in no file. Name it under secrets, and enter it with: {command}"
            raise wanted.wrong(problem, *place)
        try:
            check_value(installation.plugin, variable, value)
        except BadArgumentsError as error:
            raise wanted.wrong(str(error), *place) from None
    for name in plugin.secrets:
        _check_name(wanted, plugin, installation, name, ("plugins", plugin.named, "secrets"))
    reaches = grants(plugin, declared(installation))
    if reaches is not None and installation.remote is not None and (reaches[0].files or reaches[0].programs):
        problem = f"{plugin.named} runs elsewhere: only hosts can be named for it, and it reaches nothing here"
        raise wanted.wrong(problem, "plugins", plugin.named, "permissions")
    if reaches is not None and (variables := reaches[0].variables):
        problem = f"{plugin.named} declares no such access by ${sorted(variables)[0]}. Write the host or path itself"
        raise wanted.wrong(problem, "plugins", plugin.named, "permissions")


def holds_secret(value: str) -> bool:
    """Return whether a token or a password of a known form stands in *value*."""
    from dynamic_plugins.redaction.detectors.token_formats import find_tokens

    return next(iter(find_tokens(value)), None) is not None


def _check_name(
    wanted: WantedSet, plugin: WantedPlugin, installation: Installation, name: str, place: tuple[str, ...]
) -> None:
    """Raise ProjectFileError for a name that *installation* does not declare; one that declares nothing reads any."""
    known = {each.name.upper(): each.name for each in installation.variables}
    if not known or name.upper() in known or is_the_persons_own(name):
        return
    near = get_close_matches(name.upper(), known, 1)
    hint = f"Did you mean {known[near[0]]}?" if near else f"There are: {', '.join(known.values())}"
    raise wanted.wrong(f"{plugin.named} declares no {name}. {hint}", *place)


def declared(installation: Installation) -> Permissions:
    """Return what *installation* declares that it reaches, with the paths that the person names for it."""
    return with_named_paths(installation.permissions, installation.variables)


def effective(plugin: WantedPlugin | None, held: Permissions) -> Permissions:
    """Return what *plugin* may reach by the file, which may say less or more than it has declared (*held*)."""
    if plugin is None or plugin.permissions is None:
        return held
    said = parse_permissions(plugin.permissions)
    said = replace(said, files=tuple(replace(each, path=_of_home(each.path)) for each in said.files))
    return Permissions(
        network=said.network if "network" in plugin.permissions else held.network,
        files=said.files if "files" in plugin.permissions else held.files,
        programs=said.programs if "programs" in plugin.permissions else held.programs,
        declared=held.declared or "network" in plugin.permissions,
        elsewhere=held.elsewhere,
    )


def _of_home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 # a path with $NAME before it is none of pathlib's


def grants(plugin: WantedPlugin | None, held: Permissions) -> tuple[Permissions, Permissions] | None:
    """Return what the person grants besides what it has declared (*held*), and what of that they take back, so that it
    may reach what the file says; None where the file says nothing of that.
    """
    if plugin is None or plugin.permissions is None:
        return None
    wanted = effective(plugin, held)
    denied = asks_more(wanted, held)
    # What may be read no more is taken back as that: with writing alone taken back, it could be read still.
    denied = replace(denied, files=tuple(each if _is_read(wanted, each) else _all_of(each) for each in denied.files))
    allowed = asks_more(without(held, denied), wanted)
    if held.elsewhere and "network" in plugin.permissions:
        # A host of the own network is reached only where a person has named it, as its entry does already.
        allowed = replace(allowed, network=wanted.network)
    return allowed, denied


def _is_read(wanted: Permissions, file: FileAccess) -> bool:
    return asks_more(wanted, Permissions((), (FileAccess(file.path, "read"),))).is_nothing


def _all_of(file: FileAccess) -> FileAccess:
    return FileAccess(file.path, "read")


def are_held(plugin: WantedPlugin, stored: StoredPlugin) -> bool:
    """Return whether an installed plugin may reach exactly what the file says, if it says anything of that."""
    granted_now = grants(plugin, declared(stored.installation))
    if granted_now is None:
        return True
    if stored.installation.remote is not None and granted_now != (stored.allowed, stored.denied):
        return False
    wanted, now = effective(plugin, declared(stored.installation)), granted(stored)
    return asks_more(wanted, now).is_nothing and asks_more(now, wanted).is_nothing
