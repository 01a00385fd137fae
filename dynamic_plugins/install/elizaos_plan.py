"""What an elizaOS plugin in TypeScript is installed with, found out before anybody is asked: its core, what keeps its
tables.

Its archive is downloaded for that and read; of one that npm does not have, its repository is fetched and its source
bundled. Nothing of it is run.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.cancellation import ended, to_the_end
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install import esbuild
from dynamic_plugins.install.bundled_package import bundled_package
from dynamic_plugins.install.elizaos_core import (
    CORE,
    CoreUse,
    candidates,
    core_use,
    fits,
    known_cores,
    lacking,
    precedence,
)
from dynamic_plugins.install.exact_plan import from_git, from_npm, of_found_kind, with_times
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.node import WHEEL, is_enough
from dynamic_plugins.install.npm import instant
from dynamic_plugins.install.npm_package import NpmPackage
from dynamic_plugins.install.plan import check_package_name
from dynamic_plugins.registry.entry import Package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dynamic_plugins.install.bundled_package import BundledPackage
    from dynamic_plugins.install.javascript_names import JavaScript
    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs

SQL = "@elizaos/plugin-sql"
_TABLES = "drizzle-orm/pg-core"
_BUNDLED_TABLES = "drizzle:PgInlineForeignKeys"
"""The name of a symbol in the code of drizzle-orm/pg-core."""
_MOST_READ = 4
"""How many versions of the core are downloaded that the table does not know."""
_OWNER = re.compile(r"github(?:\.com)?[:/]+([\w.-]+)/", re.IGNORECASE)


async def exact_npm_plan(plan: InstallPlan, folder: Path, programs: Programs) -> InstallPlan:
    """Return *plan*, of a package of npm, with its version; of what no registry lists, with its kind; of an elizaOS
    plugin, with what it is installed with. *folder* is there to work in.

    Raises InstallError, and UnavailableHereError where npm has no such package or this machine cannot run it.
    """
    npm = programs.npm
    if plan.is_typescript:
        plan, npm = await _with_node(plan, folder, programs)
    if plan.version is None or plan.cooled:
        try:
            plan = await from_npm(plan, folder, npm)
        except InstallError as error:
            return await _not_on_npm(plan, error, folder, programs)
    if plan.is_unlisted and not plan.is_typescript:
        plan = await of_found_kind(plan, folder, npm)
        if plan.is_typescript:
            plan, npm = await _with_node(plan, folder, programs)
    if not plan.is_typescript:
        return plan
    try:
        exact = await with_core(plan, folder, npm)
    except InstallError as error:  # a registry told its version, and npm was not asked for it before
        return await _not_on_npm(plan, error, folder, programs)
    return await _installed_by(exact, folder, programs)


async def exact_repository_plan(plan: InstallPlan, folder: Path, programs: Programs) -> InstallPlan:
    """Return *plan*, of a plugin in a repository, for the commit that it is at now, with what it is installed with.

    Its package is made in *folder*, which is there to work in. Raises InstallError, and UnavailableHereError where this
    machine cannot run or bundle it.
    """
    plan, npm = await _with_node(plan, folder, programs)
    plan = await with_times(await from_git(plan, folder, programs.environment), folder, npm)
    published = asyncio.create_task(_published(CORE, folder, npm, plan.cutoff))
    try:
        bundled = await bundled_package(plan, folder, programs, npm)
        package, use, has_tables = await in_thread(_read_bundled, plan, bundled)
        plan = await _decided(plan, package, use, has_tables, await published, folder, npm)
    finally:
        await to_the_end(ended(published))
    note = f"bundled from its source by esbuild {esbuild.VERSION}, on this machine: nothing of it is run for that"
    needs = bundled.needs(plan.name, {name for name, _ in plan.pins})
    plan = replace(plan, needs=needs, copy=str(bundled.folder), notes=(note, *plan.notes))
    return await _installed_by(plan, folder, programs)


async def _installed_by(plan: InstallPlan, folder: Path, programs: Programs) -> InstallPlan:
    """Return *plan* with which program installs its packages."""
    with_bun = not programs.allow_builds and not plan.package.sha256 and await programs.bun.is_usable(folder)
    return replace(plan, with_bun=with_bun)


async def _with_node(plan: InstallPlan, folder: Path, programs: Programs) -> tuple[InstallPlan, Npm]:
    """Return *plan* with the npm for it: this machine's, or where that will not do the one that comes with the plugin.

    Raises UnavailableHereError where neither can be had.
    """
    if await is_enough(programs.npm, folder):
        return plan, programs.npm
    npm = await programs.node_from_pypi(plan.name, folder / "node", lambda *_: None)
    note = f"Node.js comes with it, from PyPI ({WHEEL}): this machine has none that would do"
    return replace(plan, brings_node=True, notes=(*plan.notes, note)), npm


async def with_own_node(plan: InstallPlan, folder: Path, programs: Programs) -> InstallPlan:
    """Return *plan*, of which all is known but whether this machine has a Node.js for it. Raises as above."""
    return (await _with_node(plan, folder, programs))[0]


async def _not_on_npm(plan: InstallPlan, error: InstallError, folder: Path, programs: Programs) -> InstallPlan:
    """Return the plan of the plugin's repository where npm does not have its package: of elizaOS plugins many are in no
    registry of packages at all. Raises *error* where it is another one, UnavailableHereError where that cannot be had.
    """
    missing = f"npm has no package {plan.package.name}"
    if not plan.is_typescript or plan.is_unlisted or error.reason != missing:
        raise error from None
    package = plan.entry.of_repository
    if package is None or plan.version not in (None, plan.package.version):
        raise UnavailableHereError(plan.name, f"{missing}.") from None
    plan = replace(plan, package=package, version=None, index="", notes=(*plan.notes, missing))
    try:
        check_package_name(plan.name, package)
        return await exact_repository_plan(plan, folder, programs)
    except InstallError as why:
        reason = f"{missing}, and of its repository ({plan.entry.repository}) none can be made: {why.reason}"
        raise UnavailableHereError(plan.name, reason) from None


async def with_core(plan: InstallPlan, folder: Path, npm: Npm) -> InstallPlan:
    """Return *plan*, which has an exact version, with what else is installed; *folder* is there to work in.

    Raises InstallError where it is no package that could be imported, or no core has what it imports.
    """
    place = folder / "plugin"
    await asyncio.to_thread(place.mkdir)
    published = asyncio.create_task(_published(CORE, folder, npm, plan.cutoff))
    try:
        archive = await npm.pack(plan.name, place, plan.package, plan.version, plan.cutoff)
        try:
            package, use, has_tables = await in_thread(_read, plan, archive)
            return await _decided(plan, package, use, has_tables, await published, folder, npm)
        except InstallError as error:
            raise InstallError(plan.name, error.reason + await _older(plan, folder, npm)) from None
    finally:
        await to_the_end(ended(published))


async def _decided(
    plan: InstallPlan,
    package: NpmPackage,
    use: CoreUse,
    has_tables: bool,
    published: list[str],
    folder: Path,
    npm: Npm,
) -> InstallPlan:
    """Return *plan* with the core for what *package* takes of it, and with what else belongs to that."""
    core = await _core(plan, use, published, folder, npm)
    asked = f" (it asks for {use.declared})" if use.declared not in ("", core) else ""
    notes = [f"with {CORE} {core}, which has all that it imports{asked}"]
    pins = [(CORE, core)]
    for name, why in _besides(package, has_tables):
        version = await _like(core, name, folder, npm, plan.cutoff)
        pins.append((name, version))
        notes.append(f"with {name} {version}, {why}")
    return replace(
        plan, pins=tuple(pins), notes=(*plan.notes, *notes), warnings=(*plan.warnings, *_other_owner(plan, package))
    )


def _has_tables(module: JavaScript) -> bool:
    """Return whether a module declares tables: it imports what does so, or that is bundled with it."""
    return _TABLES in module.imports() or module.has_string(_BUNDLED_TABLES)


def _read(plan: InstallPlan, archive: Path) -> tuple[NpmPackage, CoreUse, bool]:
    try:
        package = NpmPackage.packed(archive)
    except ValueError as error:
        raise InstallError(plan.name, f"the npm package {plan.package.name} cannot be read: {error}") from None
    return _taken(plan, package, f"the npm package {plan.package.name}")


def _read_bundled(plan: InstallPlan, bundled: BundledPackage) -> tuple[NpmPackage, CoreUse, bool]:
    try:
        package = NpmPackage.installed(bundled.folder)
    except ValueError as error:
        raise InstallError(plan.name, f"its repository cannot be read: {error}") from None
    return _taken(plan, package, "its repository")


def _taken(plan: InstallPlan, package: NpmPackage, what: str) -> tuple[NpmPackage, CoreUse, bool]:
    """Return *package* with what it takes of the core, and whether it has tables."""
    entry = package.entry()
    if entry is None:
        raise InstallError(plan.name, f"{what} has no module that could be imported")
    has_tables = any(_has_tables(module) for module in package.modules(entry))
    return package, core_use(package, entry), has_tables


async def _published(name: str, folder: Path, npm: Npm, cutoff: str | None) -> list[str]:
    """Return the versions of *name* that may be installed; none where npm's registry does not say."""
    versions = await npm.published(name, folder)
    if cutoff is None:
        return versions
    times, last = await npm.times(name, folder), instant(cutoff)
    return [each for each in versions if times.get(each, "") <= last]


async def _core(plan: InstallPlan, use: CoreUse, published: list[str], folder: Path, npm: Npm) -> str:
    """Return the first version of the core that has what is imported. Raises InstallError where none has."""
    exported: dict[str, frozenset[str]] = {}
    left = _MOST_READ
    for version in candidates(use, published or known_cores()):
        if (names := known_cores().get(version)) is None:
            if not left:
                continue
            left -= 1
            names = await _exports_of(plan, version, folder, npm)
        exported[version] = names
        if fits(use, names):
            return version
    # What is read later may be looked for in vain on purpose; what is imported may not.
    if loosely := next((version for version, names in exported.items() if fits(use, names, strictly=False)), None):
        return loosely
    lacks = ", ".join(lacking(use, exported.values())[:5])
    reason = f"it needs a core that is not published: no {CORE} that it may run with exports {lacks}"
    raise InstallError(plan.name, reason if exported else f"npm's registry has no {CORE} that it could run with")


async def _older(plan: InstallPlan, folder: Path, npm: Npm) -> str:
    """Return a sentence that names the version before that of *plan*, which has one; empty where it is the first."""
    there_are = await _published(plan.package.name, folder, npm, plan.cutoff)
    before = [each for each in there_are if precedence(each) < precedence(plan.version or "")]
    if not before:
        return ""
    return f". An older one may do: dynamic-plugins install {plan.name} --version {max(before, key=precedence)}"


async def _exports_of(plan: InstallPlan, version: str, folder: Path, npm: Npm) -> frozenset[str]:
    place = folder / f"core-{version}"
    await asyncio.to_thread(place.mkdir)
    archive = await npm.pack(plan.name, place, Package("npm", CORE), version)

    def read() -> frozenset[str]:
        try:
            package = NpmPackage.packed(archive)
            entry = package.entry()
        except ValueError:
            return frozenset()
        return frozenset() if entry is None else package.exports(entry)

    return await in_thread(read)


def _besides(package: NpmPackage, has_tables: bool) -> Iterator[tuple[str, str]]:
    """Yield the packages that are installed too in a version like the core's, and why."""
    needed = _needed(package.manifest)
    if has_tables and SQL not in needed and package.manifest.get("name") != SQL:
        yield SQL, "which keeps its tables"
    for name, wanted in needed.items():
        if name != CORE and name.startswith("@elizaos/") and wanted.startswith("workspace:"):
            yield name, f"which it asks for as {wanted}"


def _needed(manifest: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in ("peerDependencies", "dependencies"):
        if isinstance(needed := manifest.get(key), dict):
            found |= {str(name): str(wanted) for name, wanted in needed.items()}
    return found


async def _like(core: str, name: str, folder: Path, npm: Npm, cutoff: str | None) -> str:
    """Return the version of *name* that is the *core*'s; where there is none, the nearest of the same first number."""
    published = await _published(name, folder, npm, cutoff)
    if core in published or not published:
        return core
    line = [each for each in published if precedence(each)[0] == precedence(core)[0]]
    return max(line or published, key=lambda each: (precedence(each) <= precedence(core), precedence(each)))


def _other_owner(plan: InstallPlan, package: NpmPackage) -> tuple[str, ...]:
    """Return a warning where the package says that it is made elsewhere than its registry entry does."""
    told = package.manifest.get("repository")
    said = _OWNER.search(str(told.get("url") if isinstance(told, dict) else told or ""))
    listed = _OWNER.search(plan.entry.repository)
    # Only elizaOS publishes under that scope, of plugins that moved from one of its organisations to another.
    if said is None or listed is None or plan.package.name.startswith("@elizaos/"):
        return ()
    if said[1].lower() == listed[1].lower():
        return ()
    return (
        f"Its registry entry is about {listed[1]}'s repository, and the package is {said[1]}'s by its own account.",
    )
