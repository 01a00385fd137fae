"""Finds out all that a plan would install, on any system, and tries out that it can be installed from that.

The package managers that install also decide here what is installed. What they come to is installed once, out of sight
and only to look at it: what a package declares of itself is known once it lies somewhere. Nothing of it is run, but for
what is built from git, where the operator allows that.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.builder import make
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.local_source import read_local
from dynamic_plugins.install.locked_packages import LockedPackages, LockedWheel
from dynamic_plugins.install.node import WHEEL
from dynamic_plugins.install.plan import requirements
from dynamic_plugins.install.python_environment import PythonEnvironment, too_new
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs


async def lock_plan(
    plan: InstallPlan, folder: Path, programs: Programs, tell: Tell, before: LockedPackages
) -> tuple[InstallPlan, Installation]:
    """Return *plan*, which is exact, with all that it installs, and the facts of an install of it in *folder*.

    *folder* is there, empty, and to be removed. The versions *before* stay where they fit. Raises InstallError.
    """
    plan = replace(plan, with_bun=False)
    if plan.package.type == "remote":
        return plan, await make(plan, folder, programs, tell)
    if plan.package.type == "npm" or plan.is_typescript:
        plan = replace(plan, locked=await _npm(plan, folder, programs, tell, before))
        return plan, await _made(plan, folder / "made", programs, tell)
    needed = _needed(plan)
    plan = replace(plan, locked=await _python(plan, folder / "resolved", programs, needed, before))
    facts = await _made(plan, folder / "made", programs, tell)
    is_server = plan.package.type == "pypi" and facts.kind == "mcp"
    if is_server and (older := too_new(PythonEnvironment(folder / "made" / "env"), facts.package)):
        tell("verify", f"changing to {', '.join(older)}, which it was written for", 0.9)
        plan = replace(plan, locked=await _python(plan, folder / "older", programs, [*needed, *older], before))
        await in_thread(remove_folder, folder / "made")
        facts = await _made(plan, folder / "made", programs, tell)
    return plan, facts


async def _made(plan: InstallPlan, folder: Path, programs: Programs, tell: Tell) -> Installation:
    await asyncio.to_thread(folder.mkdir)
    return await make(plan, folder, programs, tell)


def _needed(plan: InstallPlan) -> list[str]:
    """Return what uv is asked to resolve; the plugin's own code first, where that is a package, a commit or a wheel."""
    if plan.package.type != "path":
        return requirements(plan.kind, replace(plan.package, sha256=None), plan.version)
    path = plan.copy or plan.package.name
    return [path] if path.endswith(".whl") else list(read_local(Path(path)).dependencies)


async def _python(
    plan: InstallPlan, folder: Path, programs: Programs, needed: Sequence[str], before: LockedPackages
) -> LockedPackages:
    await asyncio.to_thread(folder.mkdir)
    if not needed:
        return LockedPackages()
    is_direct = plan.package.type == "git" or needed[0] == plan.copy
    wheels = await programs.uv.lock(
        plan.name,
        folder,
        needed,
        plan.cutoff,
        loose=plan.loose,
        before=before.python,
        direct=1 if is_direct else 0,
    )
    return LockedPackages(python=_with_digest(plan, wheels))


def _with_digest(plan: InstallPlan, wheels: tuple[LockedWheel, ...]) -> tuple[LockedWheel, ...]:
    """Return *wheels* with the one digest of the plugin's own package that its registry entry gives."""
    if not plan.package.sha256 or plan.package.type != "pypi":
        return wheels
    own = f"sha256:{plan.package.sha256.lower()}"
    found = []
    for each in wheels:
        if canonical(each.name) == canonical(plan.package.name):
            if own not in each.hashes:
                reason = f"{each.name} is not the file that its registry entry describes (SHA-256 differs)"
                raise InstallError(plan.name, reason)
            each = replace(each, hashes=(own,))  # one of them is another
        found.append(each)
    return tuple(found)


async def _npm(
    plan: InstallPlan, folder: Path, programs: Programs, tell: Tell, before: LockedPackages
) -> LockedPackages:
    npm, place = programs.npm, folder / "resolved"
    await asyncio.to_thread(place.mkdir)
    node: tuple[LockedWheel, ...] = ()
    if plan.is_typescript:
        # For whichever machine has no Node.js that would do, this one or another.
        await asyncio.to_thread((folder / "wheel").mkdir)
        node = await programs.uv.lock(plan.name, folder / "wheel", [WHEEL], None, before=before.node)
        if plan.brings_node:
            npm = await programs.node_from_pypi(plan.name, folder / "node", tell, node)
    if before.npm:
        await asyncio.to_thread(before.write_npm_lock, place, plan.project.package_json())
    packages = await npm.lock(plan.name, place, plan.project, plan.cutoff)
    return LockedPackages(npm=packages, pins=plan.pins, node=node)
