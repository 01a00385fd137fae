"""The plan of what runs elsewhere: nothing is downloaded, and what is agreed to is an address."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.errors import BadArgumentsError, InstallError, UnavailableHereError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.install.plan import ELSEWHERE, InstallPlan, choose_package
from dynamic_plugins.install.remote_address import (
    RemoteAddressError,
    check,
    digest,
    is_near,
    permissions_of,
    variables_of,
)
from dynamic_plugins.registry.entry import Package, Variable
from dynamic_plugins.registry.sources import UNLISTED

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry, Remote


def why_elsewhere(entry: Entry, *, has_node: bool) -> str | None:
    """Return why *entry* is used where it runs, empty where it is nowhere else; None where it is installed here.

    A package comes first where there is one that this machine can run.
    """
    if entry.remote is None:
        return None
    if not entry.packages:
        return ""
    try:
        choose_package(entry, has_node=has_node)
    except UnavailableHereError as error:
        return f"{error}; it is used where it runs"
    return None


def remote_plan(entry: Entry, version: str | None = None, note: str = "") -> InstallPlan:
    """Return what it means to use *entry* where it runs.

    Raises UnavailableHereError for one that runs nowhere else, BadArgumentsError for a *version*, InstallError for an
    address that cannot be used.
    """
    remote = entry.remote
    if remote is None:
        raise UnavailableHereError(entry.name, "its registry entry names no address where it runs.")
    if version not in {None, "latest", ELSEWHERE}:
        raise BadArgumentsError(entry.name, f"it runs elsewhere, so no version of it can be chosen ({version!r})")
    try:
        check(remote)
    except RemoteAddressError as error:
        raise InstallError(entry.name, f"its registry entry cannot be used: {error}") from None
    used = variables_of(remote)
    known = {each.name: each for each in (*entry.config, *remote.config) if each.name in used}
    remote = replace(remote, config=())  # which is kept with the install's other variables
    config = (*known.values(), *(Variable(name, required=True) for name in sorted(used - known.keys())))
    return InstallPlan(
        name=entry.name,
        kind=entry.kind,
        version=ELSEWHERE,
        package=Package("remote", remote.url),
        source=entry.source,
        commands=(),
        start_command=(),
        entry=replace(entry, packages=(), config=config, remote=remote, permissions=permissions_of(remote)),
        warnings=_warnings(entry.name, remote) if entry.source != UNLISTED else (),
        notes=(note,) if note else (),
        index=remote.url,
    )


def _warnings(name: str, remote: Remote) -> tuple[str, ...]:
    near = [host for host in permissions_of(remote).network or () if is_near(host)]
    return tuple(
        f"{host} is this machine or lies in your own network; nothing is sent there before you name it yourself: "
        f"{shlex.join(['dynamic-plugins', 'permissions', name, '--allow-network', host])}"
        for host in near
    )


def remote_installation(plan: InstallPlan, folder: Path) -> Installation:
    """Return the facts of what *plan* says; *folder* stays empty but for the record of that."""
    assert plan.remote is not None  # noqa: S101 # the plan is of a remote server
    return Installation(
        plugin=plan.name,
        kind=plan.kind,
        version=ELSEWHERE,
        path=str(folder),
        package_type="remote",
        package=plan.remote.url,
        source=plan.source,
        variables=plan.entry.config,
        digest=digest(plan.remote),
        permissions=plan.entry.permissions,
        remote=plan.remote,
        mark=plan.mark,
    )
