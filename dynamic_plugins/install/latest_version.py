"""Which version of a package is the newest, asked of its index for that package alone: not for what it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.elizaos_core import precedence
from dynamic_plugins.install.exact_plan import from_git, from_index
from dynamic_plugins.install.npm import instant

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs
    from dynamic_plugins.registry.entry import PackageType


async def newest(plan: InstallPlan, folder: Path, programs: Programs) -> InstallPlan:
    """Return *plan* with the version that it would install, as far as the package's own index tells.

    *folder* is empty, and to be removed. Raises InstallError where the index cannot be reached, or has no such version.
    """
    if plan.package.type == "git":
        return await from_git(plan, folder, programs.environment)
    if plan.package.type == "npm":
        return replace(plan, version=await _of_npm(plan, folder, programs.npm))
    return await from_index(plan, folder, programs.uv, alone=True)


async def _of_npm(plan: InstallPlan, folder: Path, npm: Npm) -> str:
    """Return the version behind the tag ``latest``; with a cutoff, the highest up to it that is old enough."""
    name = plan.package.name
    try:
        told = await npm.view(f"{name}@{plan.version or 'latest'}", ("version",), folder)
    except ValueError:
        told = None
    if not isinstance(told, str):
        raise InstallError(plan.name, f"npm's registry does not tell which version of {name} is the newest")
    times = {} if plan.cutoff is None else await npm.times(name, folder)
    if plan.cutoff is None or told not in times:
        return told
    limit = _at(instant(plan.cutoff))
    old_enough = {each for each, time in times.items() if _at(time) <= limit}
    if told in old_enough:
        return told
    others = [each for each in old_enough if "-" not in each and precedence(each) < precedence(told)]
    if plan.version is not None or not others:
        raise InstallError(plan.name, f"{told} was published after {plan.cutoff}, and is left out")
    return max(others, key=precedence)


def _at(time: str) -> datetime:
    at = datetime.fromisoformat(time)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def is_newer(package_type: PackageType, version: str, than: str) -> bool:
    """Return whether *version* comes after *than*, as the packages of that type are counted."""
    if package_type == "npm":
        return precedence(version) > precedence(than)
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) > Version(than)
    except InvalidVersion:
        return version != than
