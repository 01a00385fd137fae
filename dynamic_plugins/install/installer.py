"""Installs plugins: plans what would be done, does it out of sight, and puts the whole in place in one step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import UNDECLARED
from dynamic_plugins.errors import (
    BadArgumentsError,
    InstallError,
    PluginError,
    PluginTimeoutError,
    RegistryUnavailableError,
    StateError,
    UnavailableHereError,
)
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.install.command import child_environment, short
from dynamic_plugins.install.entry_points import start_of_entry, start_of_install
from dynamic_plugins.install.index_names import npm_index, package_index
from dynamic_plugins.install.layout import PluginFolders, in_thread
from dynamic_plugins.install.plan import (
    SOURCES,
    InstallPlan,
    check_package_name,
    checked_version,
    choose_package,
    requirements,
    with_digest,
    with_reference,
)
from dynamic_plugins.install.programs import Programs
from dynamic_plugins.install.remote_plan import remote_plan, why_elsewhere
from dynamic_plugins.registry.entry import Entry, Package
from dynamic_plugins.registry.sources import BUNDLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from dynamic_plugins.install.bytecode import Bytecode
    from dynamic_plugins.install.disk_budget import DiskBudget
    from dynamic_plugins.install.index_lookup import IndexLookup
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.recipe import Recipe, RecipeStore
    from dynamic_plugins.registry.entry import Kind, PackageType

log = logging.getLogger(__name__)

ENVIRONMENT = "<its own environment>"
"""Stands in a plan for the folder, whose name is made when the install begins."""
COPY = "<the copy of it>"
"""Stands in a plan for the folder with the copy of a wheel."""
_NEWEST_SECONDS = 60.0
_SCRIPTS = "the install scripts of the package, and of what it needs, are run at once"
_BUILDS = "packages that are only published as source are built, which runs their code at once"


class Installer:
    """Installs plugins under *root*, an environment for each.

    *python* is the interpreter environments are made from; only wheels are installed unless *allow_builds*, and
    nothing published after *exclude_newer* (an ISO date) when that is given; else, of what nobody has verified, nothing
    that was published in the last *cooldown_days*. An install may take *timeout_seconds*. Where *offline*, no index is
    asked what it holds. *environ* is the process environment, of which package managers get what they need. *present*
    gives the path of what is installed under a name. *may_link* says whether no plugin can write to its own code, so
    that several may share a file. *recipes* is where other machines look for what an install is made from.
    *budget* is what the home may take of the disk.
    """

    def __init__(
        self,
        root: Path,
        *,
        python: str,
        allow_builds: bool = False,
        timeout_seconds: float = 600.0,
        exclude_newer: str | None = None,
        cooldown_days: int = 0,
        environ: Mapping[str, str],
        present: Callable[[str], str | None] | None = None,
        offline: bool = False,
        may_link: Callable[[], bool] = lambda: False,
        recipes: RecipeStore | None = None,
        budget: DiskBudget | None = None,
    ) -> None:
        self._recipes, self._budget = recipes, budget
        self._folders = PluginFolders(root, present) if present else PluginFolders(root)
        self._allow_builds = allow_builds
        self._seconds = timeout_seconds
        self._offline = offline
        self._exclude_newer, self._cooldown_days = exclude_newer, cooldown_days
        self._indexes: dict[tuple[str, str], str] = {}
        # Not among the plugins: what lies there and is none is swept away.
        self._programs = Programs(
            python=python,
            environment=child_environment(environ),
            allow_builds=allow_builds,
            may_link=may_link,
            bun_cache=root.parent / "bun-cache",
            tools=root.parent / "tools",
        )

    def lock(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Keep other processes from installing or removing *name*; waits *seconds*, then raises TimeoutError."""
        return self._folders.lock(name, seconds)

    @property
    def root(self) -> Path:
        """The folder in which each plugin has its own."""
        return self._folders.root

    @cached_property
    def indexes(self) -> IndexLookup:
        """The package indexes, to ask what they hold and what they say of it."""
        from dynamic_plugins.install.index_lookup import IndexLookup

        return IndexLookup(self._folders, self._programs.uv, self._programs.npm, offline=self._offline)

    @cached_property
    def _bytecode(self) -> Bytecode:
        from dynamic_plugins.install.bytecode import Bytecode

        programs = self._programs
        return Bytecode(self._folders, programs.python, programs.environment, may_share=not self._allow_builds)

    # ---------------------------------------------------------------- plan

    def plan(self, entry: Entry, version: str | None = None, *, remote: bool = False) -> InstallPlan:
        """Return what installing *entry* would do; *remote* uses it where it runs, though it could be installed.

        Raises UnavailableHereError when this machine can run none of its packages and it runs nowhere else,
        BadArgumentsError for a version that is none, InstallError for an entry that names no real package or address.
        """
        why = "" if remote else why_elsewhere(entry, has_node=self._programs.npm.available)
        if why is not None:
            return remote_plan(entry, version, why)
        package = choose_package(entry, has_node=self._programs.npm.available)
        if package.type == "path":
            told = self.plan_path(Path(package.name), version=version)
            kind = entry.kind if package.name.endswith(".whl") else told.kind
            package = replace(told.package, sha256=package.sha256)
            if told.entry.permissions != UNDECLARED:  # its own word is the newer one
                entry = replace(entry, permissions=told.entry.permissions)
            return replace(told, source=entry.source, entry=entry, name=entry.name, package=package, kind=kind)
        check_package_name(entry.name, package)
        wanted = checked_version(entry.name, version, package)
        package = with_reference(with_digest(entry.name, package, wanted), version)
        if package.typescript and not self._programs.has_git:
            reason = (
                f"its code is only in its repository ({entry.repository}), and this machine has no git to fetch that. "
            )
            raise UnavailableHereError(entry.name, f"{reason}Get it from git-scm.com and try again.")
        if package.type == "git" and not package.typescript and not self._allow_builds:
            raise InstallError(
                entry.name,
                "it comes from git, so installing it builds it, which runs its code at once. That is done only where "
                "DYNAMIC_PLUGINS_ALLOW_BUILDS=1 allows it",
            )
        cools = self._exclude_newer is None and self._cooldown_days > 0 and not _is_verified(entry, package, wanted)
        start = start_of_entry(entry, package)
        plan = InstallPlan(
            name=entry.name,
            kind=entry.kind,
            version=wanted,
            package=package,
            source=entry.source,
            commands=(),
            start_command=start,
            entry=entry,
            warnings=() if not self._allow_builds else (_SCRIPTS if start[:1] == ("node",) else _BUILDS,),
            index=self._index(package),
            cutoff=_days_ago(self._cooldown_days) if cools else self._exclude_newer,
            cooled=cools,
        )
        return replace(plan, commands=self._commands(plan))

    def _index(self, package: Package) -> str:
        """Return where *package* is looked for; a search plans all that it shows, so it is found out once."""
        key = (package.type, package.name.partition("/")[0] if package.type == "npm" else "")
        if package.type in ("npm", "pypi") and key not in self._indexes:
            is_npm = package.type == "npm"
            self._indexes[key] = (
                npm_index(self._programs.environment, package.name, self._programs.npm.node)
                if is_npm
                else package_index(self._programs.environment)
            )
        return self._indexes.get(key, "")

    def _commands(self, plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
        if plan.locked is not None:
            return self._locked_commands(plan, plan.locked)
        if plan.package.type != "npm" and not plan.is_typescript:
            needed = requirements(plan.kind, plan.package, plan.version)
            return self._programs.uv.commands(needed, ENVIRONMENT, plan.cutoff)
        try:
            if plan.is_typescript:
                return self._project_commands(plan)
            return self._programs.npm.commands(plan.package, plan.version, ENVIRONMENT, plan.cutoff)
        except ValueError as error:
            raise InstallError(plan.name, f"DYNAMIC_PLUGINS_EXCLUDE_NEWER is no date: {error}") from error

    def _locked_commands(self, plan: InstallPlan, locked: LockedPackages) -> tuple[tuple[str, ...], ...]:
        uv, count = self._programs.uv, locked.count
        named = f"<what is locked: {count} package{'' if count == 1 else 's'}, each with its digest>" if count else ""
        if plan.package.type == "npm" or plan.is_typescript:
            node = (
                uv.locked_commands("<Node.js, with its digest>", (), f"{ENVIRONMENT}/env") if plan.brings_node else ()
            )
            return (*_bundling(plan), *node, (*self._programs.npm.locked_command(ENVIRONMENT), named))
        if plan.package.type == "git":
            return uv.locked_commands(named, requirements("mcp", plan.package, plan.version), ENVIRONMENT)
        wheel = [f"{COPY}/{Path(plan.package.name).name}"] if plan.package.name.endswith(".whl") else []
        return uv.locked_commands(named, wheel if plan.package.type == "path" else (), ENVIRONMENT)

    def _project_commands(self, plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
        from dynamic_plugins.install.node import WHEEL

        node = self._programs.uv.commands([WHEEL], f"{ENVIRONMENT}/env") if plan.brings_node else ()
        installer = self._programs.bun if plan.with_bun else self._programs.npm
        return (*_bundling(plan), *node, *installer.project_commands(plan.project, ENVIRONMENT, plan.cutoff))

    def plan_path(self, path: Path, *, editable: bool = False, version: str | None = None) -> InstallPlan:
        """Return what installing the plugin in a folder or wheel on this machine would do.

        The folder is copied, so that what was agreed to is what runs; with *editable* it is used as it lies there.
        Raises InstallError, and BadArgumentsError for a *version* that does not lie there.
        """
        from dynamic_plugins.install.local_source import read_local
        from dynamic_plugins.install.mcpb import ServerManifest
        from dynamic_plugins.install.skills import SkillsManifest

        path = path.expanduser().absolute()
        is_wheel = path.suffix == ".whl" and path.is_file()
        told = read_local(path)
        if editable and isinstance(told, SkillsManifest):
            raise InstallError(told.name, "skills are copied. To take over changes in them, install them again")
        if version not in {None, "latest", told.version, f"v{told.version}"}:
            raise BadArgumentsError(told.name, f"there is no version {version}: {path} holds {told.version}")
        needed = [str(path)] if is_wheel else list(told.dependencies)
        is_server = isinstance(told, ServerManifest)
        brings_all = is_server and not needed
        kind: Kind = "mcp" if is_server else "python"
        package = Package("path", str(path), told.version, told.arguments if isinstance(told, ServerManifest) else ())
        entry = Entry(
            told.name, kind, told.description, packages=(package,), config=told.config, permissions=told.permissions
        )
        return InstallPlan(
            name=told.name,
            kind=kind,
            version=told.version,
            package=package,
            source="",
            commands=() if brings_all else self._programs.uv.commands(needed, ENVIRONMENT, self._exclude_newer),
            cutoff=self._exclude_newer,
            start_command=start_of_entry(entry, package),
            entry=entry,
            warnings=(_BUILDS,) if needed and self._allow_builds else (),
            requires=told.requires,
            notes=told.notes,
            editable=editable and not is_wheel and not is_server,
        )

    def plan_of(self, installation: Installation) -> InstallPlan:
        """Return the plan that *installation* came from, to say what starting it means."""
        package = Package(
            installation.package_type,
            installation.package,
            installation.version,
            typescript=installation.package_type == "git" and installation.runs_in_node,
        )
        entry = Entry(
            installation.plugin,
            installation.kind,
            packages=(package,),
            config=installation.variables,
            source=installation.source,
            permissions=installation.permissions,
            remote=installation.remote,
        )
        return InstallPlan(
            name=entry.name,
            kind=entry.kind,
            version=installation.version,
            package=package,
            source=installation.source,
            commands=(),
            start_command=start_of_install(installation),
            entry=entry,
            index=self._index(package) if installation.remote is None else installation.remote.url,
        )

    # ---------------------------------------------------------------- ready to be asked about

    @contextlib.asynccontextmanager
    async def ready(self, plan: InstallPlan) -> AsyncIterator[InstallPlan]:
        """Give *plan* as it can be asked about: with the exact version, or with the copy that will be installed.

        The copy of a folder or wheel is there until the block ends. Raises InstallError where there is no such version,
        the index cannot be reached, or what lies there cannot be copied; PluginTimeoutError, DiskLimitError.
        """
        await self._check_room(plan)
        is_exact = plan.package.type in ("pypi", "npm") and plan.version is not None and not plan.cooled
        is_whole = is_exact and not plan.is_unlisted and (not plan.is_typescript or (plan.pins and not plan.locked))
        is_at_commit = plan.commit and not (plan.is_typescript and plan.locked)
        if is_whole or plan.remote or plan.editable or plan.copy or is_at_commit:
            yield plan
            return
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._seconds):
                    folder = await held.enter_async_context(self._folders.scratch())
                    plan = await self._complete(plan, folder)
            except TimeoutError:
                raise PluginTimeoutError(plan.name, "finding out what it would install", self._seconds) from None
            except OSError as error:
                raise InstallError(plan.name, f"it cannot be copied: {short(str(error))}") from error
            yield plan

    async def _check_room(self, plan: InstallPlan) -> None:
        """Raise DiskLimitError where there is no room on the disk for what is known beforehand of *plan*."""
        if self._budget is None:
            return
        if plan.package.type == "path" and not plan.editable:
            await self._budget.check_copy(plan.name, Path(plan.package.name))
        else:
            await self._budget.check(plan.name)

    def _within_budget(self, name: str) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext() if self._budget is None else self._budget.held(name)

    async def _complete(self, plan: InstallPlan, folder: Path) -> InstallPlan:
        from dynamic_plugins.install.elizaos_plan import exact_npm_plan, exact_repository_plan, with_own_node
        from dynamic_plugins.install.exact_plan import from_git, from_index

        if plan.package.type == "path":
            return await in_thread(self._with_copy, plan, folder)
        if plan.locked is not None:
            plan = await with_own_node(plan, folder, self._programs) if plan.is_typescript else plan
        elif plan.is_bundled:
            plan = await exact_repository_plan(plan, folder, self._programs)
        elif plan.package.type == "git":
            plan = await from_git(plan, folder, self._programs.environment)
        elif plan.package.type == "npm":
            plan = await exact_npm_plan(plan, folder, self._programs)
        elif plan.package.type == "pypi" and (plan.version is None or plan.cooled):
            plan = await from_index(plan, folder, self._programs.uv)
        if plan.cooled:
            note = f"what was published in the last {self._cooldown_days} days is left out; --no-cooldown lifts that"
            plan = replace(plan, notes=(*plan.notes, note))
        if plan.is_unlisted:
            plan = replace(plan, told=(await self.indexes.facts(plan.package, plan.version, folder)).lines())
        return replace(plan, commands=self._commands(plan))

    async def attested(self, plan: InstallPlan) -> str:
        """Return who built what *plan* installs, as its index attests; empty where it attests nothing."""
        if plan.version is None or plan.package.type not in ("npm", "pypi"):
            return ""
        async with self._folders.scratch() as folder:
            return await self.indexes.attested(plan.package, plan.version, folder)

    async def newest(self, plan: InstallPlan) -> InstallPlan:
        """Return *plan* with the version that it would install, as its index tells of that package alone.

        What names its version is returned as it is, and nothing is asked. Raises InstallError,
        RegistryUnavailableError where this is offline, and PluginTimeoutError.
        """
        from dynamic_plugins.install.newest import newest

        is_exact = plan.version is not None and not plan.cooled and plan.package.type != "git"
        if is_exact or plan.package.type in ("path", "remote"):
            return plan
        self.check_online(plan.package.type)
        try:
            async with asyncio.timeout(_NEWEST_SECONDS), self._folders.scratch() as folder:
                return await newest(plan, folder, self._programs)
        except TimeoutError:
            raise PluginTimeoutError(plan.name, "finding out its newest version", _NEWEST_SECONDS) from None

    def check_online(self, package_type: PackageType) -> None:
        """Raise RegistryUnavailableError where no index is to be asked what it holds."""
        if self._offline:
            raise RegistryUnavailableError(f"{SOURCES[package_type]} was not asked, since this is offline")

    async def version_within(self, entry: Entry, asked: str) -> str:
        """Return the version of *entry* that the range *asked* comes to: the one that its registry names where that is
        in it, else the newest that its index has.

        Raises BadArgumentsError for what is no range of its packages, and as :meth:`newest`.
        """
        from dynamic_plugins.install.version_ranges import is_range, is_within, newest_within, without_version

        plan = self.plan(entry)
        if not is_range(plan.package.type, asked):
            reason = f"{asked!r} is not an exact version such as 1.2.3, nor a range that it could have"
            raise BadArgumentsError(entry.name, reason)
        if plan.version is not None and await is_within(plan, plan.version, asked, self._programs):
            return plan.version
        is_bare = replace(entry, packages=(without_version(plan).package,))
        try:
            async with asyncio.timeout(_NEWEST_SECONDS), self._folders.scratch() as folder:
                return await newest_within(self.plan(is_bare), asked, folder, self._programs)
        except TimeoutError:
            raise PluginTimeoutError(plan.name, "finding out its newest version", _NEWEST_SECONDS) from None

    async def check_within(self, entry: Entry, version: str, asked: str) -> None:
        """Raise BadArgumentsError where *version* of *entry* is not in the range *asked*."""
        from dynamic_plugins.install.version_ranges import is_within

        if not await is_within(self.plan(entry), version.removeprefix("v"), asked, self._programs):
            held = f"it is held to {asked} by the plugins.toml that this home follows, and {version} is not in that"
            raise BadArgumentsError(entry.name, f"{held}. Change it there, then: dynamic-plugins sync")

    def _with_copy(self, plan: InstallPlan, folder: Path) -> InstallPlan:
        """Return *plan* for a copy in *folder* of what it names; what is told of it is what the copy says."""
        from dynamic_plugins.install.builder import copied, digest

        path = Path(plan.package.name)
        copy = copied(path, folder / path.name)
        told = self.plan_path(copy)
        if not plan.source and told.name != plan.name:
            raise InstallError(plan.name, f"{path} holds the plugin {told.name} now")
        entry = plan.entry if plan.source else replace(told.entry, packages=(plan.package,))
        commands = [[word.replace(str(copy), f"{COPY}/{copy.name}") for word in command] for command in told.commands]
        commands = list(map(list, plan.commands)) if plan.locked is not None else commands
        return replace(
            plan,
            version=told.version,
            entry=entry,
            commands=tuple(map(tuple, commands)),
            requires=told.requires,
            copy=str(copy),
            digest=digest(copy),
        )

    # ---------------------------------------------------------------- locked

    async def lock_plan(
        self, plan: InstallPlan, before: LockedPackages, listener: Listener = ignore
    ) -> tuple[InstallPlan, Installation]:
        """Return *plan*, which is :meth:`ready`, with all that it installs on any system, and the facts of an install
        of it, of which nothing stays. The versions *before* stay where they fit. Raises as :meth:`install`.
        """
        from dynamic_plugins.install.lock_plan import lock_plan

        def tell(stage: str, message: str, fraction: float) -> None:
            listener(Event(plan.name, stage, message, fraction))

        try:
            async with (
                asyncio.timeout(self._seconds),
                self._folders.scratch() as folder,
                self._within_budget(plan.name),
            ):
                return await lock_plan(plan, folder, self._programs, tell, before)
        except TimeoutError:
            raise PluginTimeoutError(plan.name, "finding out what it would install", self._seconds) from None
        except OSError as error:
            raise InstallError(plan.name, f"its files cannot be written: {short(str(error))}") from error

    def from_lock(self, plan: InstallPlan, locked: LockedPackages, mark: str, commit: str | None = None) -> InstallPlan:
        """Return *plan* for exactly what is *locked* of it, which *mark* stands for; of git for that *commit*."""
        plan = replace(plan, locked=locked, mark=mark, pins=locked.pins, commit=commit, cutoff=None, cooled=False)
        return replace(plan, commands=self._commands(plan))

    async def recipe(self, installation: Installation) -> Recipe:
        """Return what another machine makes *installation* from: what is kept of it, or what is found out here.

        Errors as for :meth:`install`, and StateError.
        """
        if self._recipes is not None:
            kept = await in_thread(self._recipes.get, installation.path)
            if kept is not None:
                return kept
        return await self._recipe(installation, None)

    async def _keep_recipe(self, installation: Installation, locked: LockedPackages | None) -> None:
        """Have other machines know what *installation* is made from, where it can be made elsewhere."""
        if self._recipes is None or installation.remote is not None:
            return
        try:
            await in_thread(self._recipes.put, installation.path, await self._recipe(installation, locked))
        except PluginError as error:  # it is installed all the same, and can be used here
            log.info("%s can only be started where its folder is: %s", installation.plugin, error)

    async def _recipe(self, installation: Installation, locked: LockedPackages | None) -> Recipe:
        from dynamic_plugins.install.recipe import recipe_of

        try:
            async with asyncio.timeout(self._seconds), self._folders.scratch() as folder:
                return await recipe_of(installation, folder, self._programs, locked)
        except TimeoutError:
            raise PluginTimeoutError(installation.plugin, "finding out what it is made of", self._seconds) from None
        except OSError as error:
            raise InstallError(installation.plugin, f"its files cannot be read: {short(str(error))}") from error

    # ---------------------------------------------------------------- install

    async def install(self, plan: InstallPlan, listener: Listener = ignore) -> Installation:
        """Do what *plan* says and return the facts. Raises InstallError or PluginTimeoutError; nothing half done stays.

        The new version lies beside the one that is there; removing the old one is the caller's, once it has decided.
        The caller holds :meth:`lock`.
        """
        from dynamic_plugins.install.builder import make

        def tell(stage: str, message: str, fraction: float) -> None:
            listener(Event(plan.name, stage, message, fraction))

        target = self._folders.target(plan.name)
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._bytecode.sharing(),
                self._folders.staging(plan.name) as staging,
                self._within_budget(plan.name),
            ):
                facts = await make(plan, staging, self._programs, tell)
                installation = _moved(await self._recorded(facts, staging), staging, target)
                self._folders.publish(staging, target)
                tell("publish", "", 1.0)
        except BaseException as error:  # cancelled too: no half of it stays
            self._folders.remove(target)  # it may have been put in place just before
            if isinstance(error, TimeoutError):
                raise PluginTimeoutError(plan.name, "installing", self._seconds) from None
            if isinstance(error, OSError):
                raise InstallError(plan.name, f"its files cannot be written: {short(str(error))}") from error
            raise
        await self._keep_recipe(installation, plan.locked)
        return installation

    async def _recorded(self, facts: Installation, staging: Path) -> Installation:
        """Return *facts* with the digest of all files in *staging*, which are complete now."""
        from dynamic_plugins.install.integrity import record

        if facts.python is not None:
            await self._bytecode.write(facts.plugin, staging)
        return replace(facts, files_digest=await in_thread(record, staging))

    def remove(self, installation: Installation) -> None:
        """Remove an install from the disk, and what other machines make it from; nothing happens when it is gone."""
        self._folders.remove(Path(installation.path))
        if self._recipes is not None:
            with contextlib.suppress(StateError):  # what stays is swept
                self._recipes.drop(installation.path)

    def sweep(self, keep: Callable[[], Collection[str]]) -> list[Path]:
        """Remove what an install or removal that was cut short has left; *keep* gives the paths of known installs."""
        if self._recipes is not None:
            with contextlib.suppress(StateError):  # another sweep does it
                self._recipes.sweep(keep())
        return self._folders.sweep(lambda: {Path(path) for path in keep()})


def _is_verified(entry: Entry, package: Package, version: str | None) -> bool:
    """Return whether *version* is the one that the registry that comes with us names, which somebody has looked at."""
    return entry.source == BUNDLED and version is not None and version == package.version


def _bundling(plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
    """Return what is run to make the package of a plugin's repository; nothing for any other."""
    if not plan.is_bundled:
        return ()
    from dynamic_plugins.install.bundled_package import shown_commands

    return shown_commands(plan, ENVIRONMENT)


def _days_ago(days: int) -> str:
    """Return the beginning of a day, so that a plan is the same when it is made again for an answer."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}T00:00:00Z"


def _moved(facts: Installation, staging: Path, target: Path) -> Installation:
    """Return *facts* with every path under *staging* as it is once that is *target*."""

    def moved(path: str) -> str:
        return path.replace(str(staging), str(target), 1)

    return replace(
        facts,
        path=str(target),
        python=moved(facts.python) if facts.python else None,
        command=tuple(moved(word) for word in facts.command),
        search_path=tuple(moved(word) for word in facts.search_path),
        arguments=tuple(replace(each, value=each.value and moved(each.value)) for each in facts.arguments),
        variables=tuple(replace(each, default=each.default and moved(each.default)) for each in facts.variables),
    )
