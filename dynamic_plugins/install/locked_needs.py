"""Whether all that a lock had installed is needed: by the plugin, or by what it needs, in their own words.

A lock is a file of a project, and whoever wrote it may have added packages, or put one in the place of another. The
package managers install those as willingly, with the digests that stand beside them. What the packages themselves say
of what they need is not the lock's, so that is what counts. Read from the files; nothing of them is run.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.npm_lock import locked, name_at, places
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from packaging.requirements import Requirement

    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.npm_ranges import Asked
    from dynamic_plugins.install.python_environment import PythonEnvironment

_MOST_MANIFEST = 2**22
_ALIAS = re.compile(r"npm:((?:@[^/@]+/)?[^/@]+)(?:@(.*))?")


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


@dataclass(frozen=True)
class NpmWish:
    """That the package at *place* is *wanted* in a version: a range of npm, or the name of a tag.

    One of a *peer* npm itself passes over where it has to: it counts where nothing else wants that package.
    """

    place: str
    version: str
    wanted: str
    by: str
    peer: bool


def check_npm_needs(plugin: str, folder: Path, needed: Collection[str], pinned: Collection[str]) -> tuple[NpmWish, ...]:
    """Raise InstallError where npm installed in *folder* what nothing needs, or one package under another's name.

    *needed* are the names of the packages that are asked for; of the *pinned* ones nobody else's wish counts. Returns
    what the packages ask of each other's versions, in their own words, which :func:`check_npm_versions` compares.
    """
    packages = {place: facts for place, facts in locked(plugin, folder).items() if place and (folder / place).is_dir()}
    bundlers: set[str] = set()
    reached: set[str] = set()
    wishes: list[NpmWish] = []
    waiting = [place for name in needed if (place := _needed_by("", name, name, packages))]
    while waiting:
        place = waiting.pop()
        if place in reached:
            continue
        reached.add(place)
        manifest = _manifest(folder / place)
        if manifest.get("bundleDependencies") or manifest.get("bundledDependencies"):
            bundlers.add(place)
        for name, wanted, peer in _wishes(manifest):
            package, version = _package_of(name, wanted)
            found = _needed_by(place, name, name if name in pinned else package, packages)
            waiting += [found] if found else []
            if found and name not in pinned:
                lies = str(_manifest(folder / found).get("version", ""))
                wishes.append(NpmWish(found, lies, version, name_at(place), peer))
    left = [
        name_at(place)
        for place, facts in packages.items()
        # What came in the archive of another has no digest of its own, and the whole of it is that other's word.
        if not (place in reached and facts.get("integrity")) and not _is_within(place, bundlers)
    ]
    _check_none_left(plugin, left)
    # What came in the archive of another is that other's word, in whatever version.
    return tuple(each for each in wishes if not _is_within(each.place, bundlers))


FirstOutside = Callable[[Sequence["Asked"]], Awaitable["int | None"]]
"""Gives which of several versions is the first that is not as it was asked for."""


async def check_npm_versions(plugin: str, wishes: Sequence[NpmWish], first_outside: FirstOutside) -> None:
    """Raise InstallError where a package lies in a version that those do not want which need it.

    What only peers want has to be as one of them wants it, since npm installs it where they do not agree.
    """
    by_place: dict[str, list[NpmWish]] = {}
    for each in wishes:
        by_place.setdefault(each.place, []).append(each)
    of_peers = [tuple(each) for each in by_place.values() if all(wish.peer for wish in each)]
    asked = [*((each,) for each in wishes if not each.peer), *of_peers]
    wrong = await first_outside([(each[0].version, tuple(wish.wanted for wish in each)) for each in asked])
    if wrong is not None:
        raise _does_not_fit(plugin, asked[wrong][0])


def _does_not_fit(plugin: str, wish: NpmWish) -> InstallError:
    reason = (
        f"{name_at(wish.place)} {wish.version} is locked for it, where {wish.by} needs {wish.wanted}. Lock it again"
    )
    return InstallError(plugin, reason)


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


def _wishes(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield what is asked for: its name, in which version, and whether as a peer; of two for one name, as npm does, the
    optional one before the plain one, and a peer last.
    """
    seen: set[str] = set()
    for key in ("optionalDependencies", "dependencies", "peerDependencies"):
        if isinstance(wishes := manifest.get(key), dict):
            fresh = {name: str(wanted) for name, wanted in wishes.items() if name not in seen}
            seen |= fresh.keys()
            yield from ((name, wanted, key == "peerDependencies") for name, wanted in fresh.items())


def _package_of(name: str, wanted: str) -> tuple[str, str]:
    """Return which package is *wanted* as *name*, and in which version: ``npm:other@1`` is another."""
    alias = _ALIAS.match(wanted)
    return (alias[1], alias[2] or "*") if alias is not None else (name, wanted)


def _is_within(place: str, bundlers: Collection[str]) -> bool:
    return any(place.startswith(f"{each}/node_modules/") for each in bundlers)


def _check_none_left(plugin: str, names: Collection[str]) -> None:
    if names:
        reason = f"{', '.join(sorted(names)[:5])} is locked for it, and nothing that it consists of needs that"
        raise InstallError(plugin, f"{reason}. Lock it again")
