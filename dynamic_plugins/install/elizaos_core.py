"""Which version of ``@elizaos/core`` an elizaOS plugin of npm gets: the first that exports all that the plugin imports.

What a plugin says that it needs is often none that it can run with: a range over a hundred alphas, a tag, a workspace.
So its code is read, and the versions are gone through in the order in which they turned out to work: of 0.x the last,
of 1.x the newest and then what comes after it, of 2.x the one that it names and then one that most plugins run with.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.javascript_names import Imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dynamic_plugins.install.npm_package import NpmPackage

CORE = "@elizaos/core"
TABLE = Path(__file__).parent / "elizaos_cores.json"
"""What the versions export that were looked at: ``python -m evals.elizaos_cores`` makes it."""

# The only one of 0.x that Node can import with what npm has of its dependencies.
_LAST_OF_0 = "0.25.9"
# The last with the entry points ``/v1`` and ``/v2``.
_LAST_WITH_SPECIFICATIONS = "1.3.2"
_WIDEST_OF_2 = "2.0.0-alpha.114"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?")
# What services have since 1.0, and how models are asked since.
_SINCE_1 = re.compile(r"\bcapabilityDescription\b|\.\s?useModel\s?\(")
_ANY = re.compile(r"(?:workspace:)?\s*[\^~]?\s*(?:\*|x|[a-z]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CoreUse:
    """What a plugin takes of the core, as its code and its ``package.json`` say."""

    imports: Imports
    subpaths: frozenset[str] = frozenset()
    """The entry points besides the main one: ``v1``."""
    declared: str = ""
    """The range that it asks for; empty where that says nothing, as ``workspace:*`` and ``latest`` do."""
    version: str = ""
    """The plugin's own version, whose first number tends to be the core's."""
    is_later: bool = False
    """Whether its code has what no core of 0.x knows, whatever its own version is."""


def core_use(package: NpmPackage, entry: str) -> CoreUse:
    """Return what *package* takes of the core; *entry* is the file that it is imported by."""
    imports, subpaths, is_later = Imports(), set(), False
    for module in package.modules(entry):
        is_later = is_later or _SINCE_1.search(module.code) is not None
        for name, taken in module.imports().items():
            if name == CORE:
                imports |= taken
            elif name.startswith(f"{CORE}/"):
                subpaths.add(name.removeprefix(f"{CORE}/"))
    version = package.manifest.get("version")
    return CoreUse(imports, frozenset(subpaths), _declared(package.manifest), str(version or ""), is_later)


def _declared(manifest: Mapping[str, object]) -> str:
    for key in ("dependencies", "peerDependencies", "devDependencies"):
        needed = manifest.get(key)
        wanted = needed.get(CORE) if isinstance(needed, dict) else None
        if isinstance(wanted, str) and not _ANY.fullmatch(wanted.strip()):
            return wanted.strip()
    return ""


def candidates(use: CoreUse, published: Iterable[str]) -> Iterator[str]:
    """Yield those of the *published* versions that a plugin may run with, the likeliest first."""
    known = sorted((each for each in published if _VERSION.fullmatch(each)), key=precedence, reverse=True)
    yield from dict.fromkeys(_ordered(use, known))


def _ordered(use: CoreUse, known: list[str]) -> Iterator[str]:
    if use.subpaths & {"v1", "v2"}:
        yield from (each for each in known if each == _LAST_WITH_SPECIFICATIONS)
        yield from (each for each in known if (1, 0, 9) <= precedence(each)[:3] < precedence(_LAST_WITH_SPECIFICATIONS))
        return
    declared = re.search(r"(\d+)(?:\.|$|\s)", use.declared)
    own = declared or re.match(r"(\d+)\.", use.version)
    line = own[1] if own is not None else "1"
    if line == "0" and use.is_later and not declared:
        line = "1"
    if line == "0":
        yield from (each for each in known if each == _LAST_OF_0)
        yield from _of_line(known, "0", releases=True)
        if declared:
            return
        line = "1"  # the version of a plugin that has only begun says nothing of its core
    for each in (line, "1", "2"):
        yield from _of_2(use, known) if each == "2" else _of_1(known) if each == "1" else _of_line(known, each)
    if not declared:
        yield from (each for each in known if each == _LAST_OF_0)


def _of_1(known: list[str]) -> Iterator[str]:
    releases = list(_of_line(known, "1", releases=True))
    yield from releases[:1]
    # What the newest lacks is more likely in what is to follow it than in what it has left behind.
    yield from (each for each in _of_line(known, "1") if not releases or precedence(each) > precedence(releases[0]))
    yield from releases


def _of_2(use: CoreUse, known: list[str]) -> Iterator[str]:
    named = _VERSION.search(use.declared)
    yield from (each for each in known if named is not None and each == named[0])
    yield from (each for each in known if each == _WIDEST_OF_2)
    yield from _of_line(known, "2", releases=True)
    yield from _of_line(known, "2")


def _of_line(known: list[str], line: str, *, releases: bool = False) -> Iterator[str]:
    return (each for each in known if each.startswith(f"{line}.") and not (releases and "-" in each))


def precedence(version: str) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
    """Return what versions of npm are compared by (https://semver.org, section 11)."""
    found = _VERSION.match(version)
    if found is None:
        return (0, 0, 0, False, ())
    parts = found[4].split(".") if found[4] else []
    words = tuple((not each.isdigit(), int(each) if each.isdigit() else 0, each) for each in parts)
    return (int(found[1]), int(found[2]), int(found[3]), not parts, words)


def fits(use: CoreUse, exported: frozenset[str], *, strictly: bool = True) -> bool:
    """Return whether a core that exports *exported* has what a plugin imports; *strictly*, also what it reads later."""
    wanted = use.imports.required | (use.imports.used if strictly else frozenset())
    return wanted - {"default"} <= exported


def lacking(use: CoreUse, cores: Iterable[frozenset[str]]) -> list[str]:
    """Return the names that a plugin imports and none of *cores* exports; else those that the nearest of them lacks."""
    wanted, known = use.imports.required - {"default"}, list(cores)
    nowhere = wanted - frozenset[str]().union(*known)
    left = [sorted(wanted - each) for each in known]
    return sorted(nowhere) or min(left, key=len, default=sorted(wanted))


@cache
def known_cores() -> Mapping[str, frozenset[str]]:
    """Return what each version exports that is in the table."""
    names: frozenset[str] = frozenset()
    found = {}
    for each in json.loads(TABLE.read_bytes())["cores"]:
        names = names - frozenset(each.get("drops", ())) | frozenset(each.get("adds", ()))
        found[each["version"]] = names
    return found


def as_table(cores: Mapping[str, Iterable[str]]) -> dict[str, object]:
    """Return the table of *cores*: of each version what it exports and the one before it does not, and the reverse."""
    rows, before = [], frozenset[str]()
    for version in sorted(cores, key=precedence):
        names = frozenset(cores[version])
        row: dict[str, object] = {"version": version}
        row |= {"adds": sorted(names - before)} if names - before else {}
        row |= {"drops": sorted(before - names)} if before - names else {}
        rows.append(row)
        before = names
    return {"package": CORE, "cores": rows}
