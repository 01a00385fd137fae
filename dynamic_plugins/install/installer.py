"""Installs plugins: does what was planned out of sight, and puts the whole in place in one step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import (
    BadArgumentsError,
    InstallError,
    PluginError,
    PluginTimeoutError,
    RegistryUnavailableError,
    StateError,
)
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.install.command import child_environment, short
from dynamic_plugins.install.layout import PluginFolders, in_thread
from dynamic_plugins.install.plan import (
    SOURCES,
    InstallPlan,
)
from dynamic_plugins.install.planner import Planner
from dynamic_plugins.install.programs import Programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from dynamic_plugins.install.bytecode import Bytecode
    from dynamic_plugins.install.disk_budget import DiskBudget
    from dynamic_plugins.install.index_lookup import IndexLookup
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.recipe import Recipe, RecipeStore
    from dynamic_plugins.registry.entry import Entry, PackageType

log = logging.getLogger(__name__)

_NEWEST_SECONDS = 60.0


class Installer(Planner):
    """Installs plugins under *root*, an environment for each, as it plans it.

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
        # Not among the plugins: what lies there and is none is swept away.
        programs = Programs(
            python=python,
            environment=child_environment(environ),
            allow_builds=allow_builds,
            may_link=may_link,
            bun_cache=root.parent / "bun-cache",
            tools=root.parent / "tools",
        )
        super().__init__(programs, allow_builds=allow_builds, exclude_newer=exclude_newer, cooldown_days=cooldown_days)
        self._recipes, self._budget = recipes, budget
        self._folders = PluginFolders(root, present) if present else PluginFolders(root)
        self._seconds, self._offline = timeout_seconds, offline

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
        from dynamic_plugins.install.latest_version import newest

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
