"""Ranges of versions, as people write them for packages of PyPI (PEP 440) and of npm, and the newest version in one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.elizaos_core import precedence
from dynamic_plugins.install.npm import instant
from dynamic_plugins.install.plan import is_exact

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs
    from dynamic_plugins.registry.entry import PackageType

# It reaches npm's command line behind a name and an "@": nothing in it may be an address, a path or the name of a tag.
# Each text is read in one way, so that none takes long.
_NPM_WORD = r"(?:(?:[\^~]|[<>]=?|=) ?)?v?[0-9xX*][0-9A-Za-z.*+-]{0,80}"
_NPM_RANGE = re.compile(rf"{_NPM_WORD}(?:(?: - | *\|\| *| +){_NPM_WORD}){{0,20}}")


def is_range(package_type: PackageType, text: str) -> bool:
    """Return whether *text* is a range of versions, and not exactly one: ``>=1.2,<2`` of PyPI, ``^1.2`` of npm."""
    if package_type == "npm":
        return _NPM_RANGE.fullmatch(text) is not None and not is_exact("npm", text.removeprefix("v"))
    if package_type != "pypi":
        return False
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return bool(SpecifierSet(text))
    except InvalidSpecifier:
        return False


async def is_within(plan: InstallPlan, version: str, asked: str, programs: Programs) -> bool:
    """Return whether *version* of the package of *plan* is in the range *asked*. Raises InstallError."""
    if plan.package.type == "npm":
        return await programs.npm.first_outside(plan.name, [(version, (asked,))]) is None
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(asked).contains(version)


async def newest_within(plan: InstallPlan, asked: str, folder: Path, programs: Programs) -> str:
    """Return the newest version in the range *asked* that is old enough, by what the index tells of that package alone.

    *folder* is empty, and to be removed. Raises InstallError where there is none.
    """
    if plan.package.type == "npm":
        return await _of_npm(plan, asked, folder, programs)
    needed = [f"{plan.package.name} {asked}"]
    found = await programs.uv.resolve(plan.name, folder, needed, plan.cutoff, may_lift=plan.cooled, alone=True)
    return found.version


async def _of_npm(plan: InstallPlan, asked: str, folder: Path, programs: Programs) -> str:
    npm, name = programs.npm, plan.package.name
    try:
        told = await npm.view(f"{name}@{asked}", ("version",), folder)
    except ValueError:
        told = []
    versions = [told] if isinstance(told, str) else [each for each in told or () if isinstance(each, str)]
    if plan.cutoff is not None and versions:
        limit, times = instant(plan.cutoff)[:19], await npm.times(name, folder)
        versions = [each for each in versions if not times or times.get(each, "9")[:19] <= limit]
    if not versions:
        raise InstallError(plan.name, f"there is no version {asked} of {name} that npm would install")
    return max(versions, key=precedence)


def without_version(plan: InstallPlan) -> InstallPlan:
    """Return *plan* for the newest version, whatever one its registry names."""
    return replace(plan, version=None, package=replace(plan.package, version=None, sha256=None))
