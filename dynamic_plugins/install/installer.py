"""Installs plugins: plans what would be done, does it out of sight, and puts the whole in place in one step."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import UNDECLARED
from dynamic_plugins.errors import BadArgumentsError, InstallError, PluginTimeoutError
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.install.command import child_environment, short
from dynamic_plugins.install.entry_points import start_of_entry, start_of_install
from dynamic_plugins.install.layout import PluginFolders
from dynamic_plugins.install.plan import (
    InstallPlan,
    check_package_name,
    checked_version,
    choose_package,
    requirements,
    with_digest,
    with_reference,
)
from dynamic_plugins.install.uv import Uv
from dynamic_plugins.registry.entry import Entry, Package

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.npm import Npm

ENVIRONMENT = "<its own environment>"
"""Stands in a plan for the folder, whose name is made when the install begins."""
_BUILDS = "packages that are only published as source are built, which runs their code at once"


class Installer:
    """Installs plugins under *root*, an environment for each.

    *python* is the interpreter environments are made from; only wheels are installed unless *allow_builds*, and
    nothing published after *exclude_newer* (an ISO date) when that is given. An install may take *timeout_seconds*.
    *environ* is the process environment, of which package managers get what they need.
    """

    def __init__(
        self,
        root: Path,
        *,
        python: str,
        allow_builds: bool = False,
        timeout_seconds: float = 600.0,
        exclude_newer: str | None = None,
        environ: Mapping[str, str],
    ) -> None:
        self._folders = PluginFolders(root)
        self._allow_builds = allow_builds
        self._seconds = timeout_seconds
        self._exclude_newer, self._environ = exclude_newer, child_environment(environ)
        self._uv = Uv(python=python, allow_builds=allow_builds, exclude_newer=exclude_newer, environ=self._environ)

    def lock(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Keep other processes from installing or removing *name*; waits *seconds*, then raises TimeoutError."""
        return self._folders.lock(name, seconds)

    # Made at first use, as all that only an install needs is loaded by the first: most commands install nothing.
    @cached_property
    def _npm(self) -> Npm:
        from dynamic_plugins.install.npm import Npm

        return Npm(environ=self._environ, exclude_newer=self._exclude_newer)

    # ---------------------------------------------------------------- plan

    def plan(self, entry: Entry, version: str | None = None) -> InstallPlan:
        """Return what installing *entry* would do.

        Raises UnavailableHereError when this machine can run none of its packages, BadArgumentsError for a version
        that is none, InstallError for an entry that names no real package.
        """
        package = choose_package(entry, has_node=self._npm.available)
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
        if package.type == "git" and not self._allow_builds:
            raise InstallError(
                entry.name,
                "it comes from git, so installing it builds it, which runs its code at once. A person can allow that "
                "with DYNAMIC_PLUGINS_ALLOW_BUILDS=1",
            )
        commands = self._commands(entry, package, wanted)
        warnings = () if package.type == "npm" or not self._allow_builds else (_BUILDS,)
        start = start_of_entry(entry, package)
        return InstallPlan(entry.name, entry.kind, wanted, package, entry.source, commands, start, entry, warnings)

    def _commands(self, entry: Entry, package: Package, version: str | None) -> tuple[tuple[str, ...], ...]:
        if package.type != "npm":
            return self._uv.commands(requirements(entry.kind, package, version), ENVIRONMENT)
        try:
            return self._npm.commands(package, version, ENVIRONMENT)
        except ValueError as error:
            raise InstallError(entry.name, f"DYNAMIC_PLUGINS_EXCLUDE_NEWER is no date: {error}") from error

    def plan_path(self, path: Path, *, editable: bool = False, version: str | None = None) -> InstallPlan:
        """Return what installing the plugin in a folder or wheel on this machine would do.

        The folder is copied, so that what was agreed to is what runs; with *editable* it is used as it lies there.
        Raises InstallError, and BadArgumentsError for a *version* that does not lie there.
        """
        from dynamic_plugins.install.manifest import read_folder, read_wheel

        path = path.expanduser().absolute()
        is_wheel = path.suffix == ".whl" and path.is_file()
        told = read_wheel(path) if is_wheel else read_folder(path)
        if version not in {None, "latest", told.version, f"v{told.version}"}:
            raise BadArgumentsError(told.name, f"there is no version {version}: {path} holds {told.version}")
        needed = [str(path)] if is_wheel else list(told.dependencies)
        package = Package("path", str(path), told.version)
        entry = Entry(
            told.name, "python", told.description, packages=(package,), config=told.config, permissions=told.permissions
        )
        return InstallPlan(
            name=told.name,
            kind="python",
            version=told.version,
            package=package,
            source="",
            commands=self._uv.commands(needed, ENVIRONMENT),
            start_command=start_of_entry(entry, package),
            entry=entry,
            warnings=(_BUILDS,) if needed and self._allow_builds else (),
            requires=told.requires,
            editable=editable and not is_wheel,
        )

    def plan_of(self, installation: Installation) -> InstallPlan:
        """Return the plan that *installation* came from, to say what starting it means."""
        package = Package(installation.package_type, installation.package, installation.version)
        entry = Entry(installation.plugin, installation.kind, packages=(package,), source=installation.source)
        entry = replace(entry, config=installation.variables, permissions=installation.permissions)
        start = start_of_install(installation)
        return InstallPlan(entry.name, entry.kind, installation.version, package, installation.source, (), start, entry)

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
            async with asyncio.timeout(self._seconds), self._folders.staging(plan.name) as staging:
                facts = await make(plan, staging, self._uv, self._npm, tell)
                installation = _moved(facts, staging, target)
                self._folders.publish(staging, target)
                tell("publish", "", 1.0)
        except BaseException as error:  # cancelled too: no half of it stays
            self._folders.remove(target)  # it may have been put in place just before
            if isinstance(error, TimeoutError):
                raise PluginTimeoutError(plan.name, "installing", self._seconds) from None
            if isinstance(error, OSError):
                raise InstallError(plan.name, f"its files cannot be written: {short(str(error))}") from error
            raise
        return installation

    def remove(self, installation: Installation) -> None:
        """Remove an install from the disk; nothing happens when it is gone already."""
        self._folders.remove(Path(installation.path))

    def sweep(self, keep: Callable[[], Collection[str]]) -> list[Path]:
        """Remove what an install or removal that was cut short has left; *keep* gives the paths of known installs."""
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
    )
