"""The command about what a plugin may reach: shown, granted, and taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.core.permission_text import granted_by_name, taken_back
from dynamic_plugins.core.permissions import NOTHING, Permissions, named_permissions

if TYPE_CHECKING:
    import argparse

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.lifecycle.permission_grants import PluginPermissions
    from dynamic_plugins.settings import Settings


async def permissions(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``permissions``: show what a plugin may reach, grant it more, or take that back."""
    try:
        allow, deny = (_named_permissions(arguments, verb) for verb in ("allow", "deny"))
    except ValueError as error:
        return out.wrong_usage(str(error))
    async with App(settings, door="terminal") as app:
        found = await app.service.permissions(arguments.name)
        if not (allow.is_nothing and deny.is_nothing):
            found = await app.service.change_permissions(arguments.name, allow=allow, deny=deny)
    if out.as_json:
        out.document({"ok": True, **found.to_dict()})
    else:
        _show(out, found, allow)
    return DONE


def _named_permissions(arguments: argparse.Namespace, verb: str) -> Permissions:
    """Return what the options of *verb* name. Raises ValueError for what is no host, path or program."""
    given = {kind: getattr(arguments, f"{verb}_{kind}") for kind in ("network", "read", "write", "program")}
    read, write = (map(_path, given[kind]) for kind in ("read", "write"))
    return named_permissions(given["network"], read, write, given["program"])


def _path(said: str) -> str:
    """Return a path from where the command is typed as an absolute one; ``$NAME`` stays what was declared."""
    return said if not said or said.startswith("$") else os.path.normpath(Path(said).expanduser().absolute())


def _show(out: Output, found: PluginPermissions, allow: Permissions) -> None:
    out.say(f"{found.plugin} may reach:")
    render.permissions(out, found.now, found.enforced)
    if found.allowed != NOTHING:
        out.say(f"You granted it besides: {granted_by_name(found.allowed)}.")
    if found.denied != NOTHING:
        out.say(f"You took back: {taken_back(found.denied)}.")
    if found.changed:
        out.say("It counts from its next call: if it runs, it is started anew for that.")
    if found.now.network is None and allow.network:
        out.aside(
            "It may reach any host in any case. To hold it to those that you grant: "
            f"dynamic-plugins permissions {found.plugin} --deny-network any"
        )
