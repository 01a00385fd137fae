"""Whether all that a lock had installed is needed: by the plugin, or by what it needs, in their own words.

A lock is a file of a project, and whoever wrote it may have added packages, or put one in the place of another. The
package managers install those as willingly, with the digests that stand beside them. What the packages themselves say
of what they need is not the lock's, so that is what counts. Read from the files; nothing of them is run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.npm_lock import locked, name_at, places
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.python_environment import PythonEnvironment

_MOST_MANIFEST = 2**22
_ALIAS = re.compile(r"npm:((?:@[^/@]+/)?[^/@]+)")


# ---------------------------------------------------------------- Python


def check_python_needs(
    plugin: str,
    environment: PythonEnvironment,
    packages: LockedPackages,
    needed: Sequence[str],
    loose: str | None = None,
) -> None:
    """Raise InstallError where a package lies in *environment* that nothing needs, or in a version that does not fit.

    Of *packages* are those from an index. *needed* by itself are requirements, and what came from an address or a
    path. Of packages whose names begin with *loose* every version fits.
    """
    from packaging.requirements import Requirement

    # Their metadata is what counts here: none may have brought, or written over, that of another.
    _check_none_left(plugin, environment.written_by_others())
    of_index = {canonical(each.name) for each in packages.python}
    versions = {canonical(each.name): each.version for each in environment.distributions()}
    waiting = [Requirement(each.partition(" --hash=")[0]) for each in needed]
    waiting += [Requirement(name) for name in environment.direct() if canonical(name) not in of_index]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        if name not in versions:
            continue
        if not (loose and name.startswith(loose)) and not _fits(requirement, versions[name]):
            reason = f"{name} {versions[name]} is locked for it, where {requirement} is needed. Lock it again"
            raise InstallError(plugin, reason)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += environment.requirements(name, extra)
    _check_none_left(plugin, versions.keys() - {name for name, _ in seen})


def _fits(requirement: Requirement, version: str) -> bool:
    from packaging.version import InvalidVersion

    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return True


# ---------------------------------------------------------------- npm


def check_npm_needs(plugin: str, folder: Path, needed: Collection[str], pinned: Collection[str]) -> None:
    """Raise InstallError where npm installed in *folder* what nothing needs, or one package under another's name.

    *needed* are the names of the packages that are asked for; of the *pinned* ones nobody else's wish counts.
    """
    packages = {place: facts for place, facts in locked(plugin, folder).items() if place and (folder / place).is_dir()}
    bundlers: set[str] = set()
    reached: set[str] = set()
    waiting = [place for name in needed if (place := _needed_by("", name, name, packages))]
    while waiting:
        place = waiting.pop()
        if place in reached:
            continue
        reached.add(place)
        manifest = _manifest(folder / place)
        if manifest.get("bundleDependencies") or manifest.get("bundledDependencies"):
            bundlers.add(place)
        for name, wanted in _wishes(manifest):
            found = _needed_by(place, name, name if name in pinned else _package_of(name, wanted), packages)
            waiting += [found] if found else []
    left = [
        name_at(place)
        for place, facts in packages.items()
        # What came in the archive of another has no digest of its own, and the whole of it is that other's word.
        if not (place in reached and facts.get("integrity")) and not _is_within(place, bundlers)
    ]
    _check_none_left(plugin, left)


def _needed_by(place: str, name: str, package: str, packages: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return where the package at *place* finds what it calls *name*, if that is *package*."""
    found = next((each for each in places(place, name) if each in packages), None)
    return found if found is not None and packages[found].get("name", name) == package else None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        data = parse_json(read_file(folder / "package.json", _MOST_MANIFEST))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _wishes(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("dependencies", "optionalDependencies", "peerDependencies"):
        if isinstance(wishes := manifest.get(key), dict):
            yield from ((name, str(wanted)) for name, wanted in wishes.items())


def _package_of(name: str, wanted: str) -> str:
    """Return which package is *wanted* as *name*: ``npm:other@1`` is another."""
    alias = _ALIAS.match(wanted)
    return alias[1] if alias is not None else name


def _is_within(place: str, bundlers: Collection[str]) -> bool:
    return any(place.startswith(f"{each}/node_modules/") for each in bundlers)


def _check_none_left(plugin: str, names: Collection[str]) -> None:
    if names:
        reason = f"{', '.join(sorted(names)[:5])} is locked for it, and nothing that it consists of needs that"
        raise InstallError(plugin, f"{reason}. Lock it again")
