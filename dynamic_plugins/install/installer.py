"""Installs plugins: plans what would be done, does it out of sight, and puts the whole in place in one step."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError, PluginTimeoutError
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.install import npm
from dynamic_plugins.install.folders import PluginFolders, in_thread
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.install.npm import Npm
from dynamic_plugins.install.plan import (
    InstallPlan,
    check_package_name,
    checked_version,
    choose_package,
    read_folder,
    source_root,
)
from dynamic_plugins.install.process import Tell, child_environment
from dynamic_plugins.install.python_environment import PythonEnvironment, canonical, too_new
from dynamic_plugins.install.starting import node_command, python_entry_point
from dynamic_plugins.install.uv_client import Uv
from dynamic_plugins.registry.entry import Entry, Package

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from dynamic_plugins.registry.entry import Argument, Variable

ENVIRONMENT = "<its own environment>"
"""Stands in a plan for the folder, whose name is made when the install begins."""
_MCP_LIBRARIES = frozenset({"mcp", "fastmcp"})
_NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules", ".*_cache")


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
        child = child_environment(environ)
        self._folders = PluginFolders(root)
        self._allow_builds = allow_builds
        self._seconds = timeout_seconds
        self._uv = Uv(python=python, allow_builds=allow_builds, exclude_newer=exclude_newer, environ=child)
        self._npm = Npm(environ=child, exclude_newer=exclude_newer)

    def lock(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Keep other processes from installing or removing *name*; waits *seconds*, then raises TimeoutError."""
        return self._folders.lock(name, seconds)

    # ---------------------------------------------------------------- plan

    def plan(self, entry: Entry, version: str | None = None) -> InstallPlan:
        """Return what installing *entry* would do.

        Raises UnavailableHereError when this machine can run none of its packages, BadArgumentsError for a version
        that is none, InstallError for an entry that names no real package.
        """
        package = choose_package(entry, has_node=self._npm.available)
        if package.type == "path":
            return replace(self.plan_path(Path(package.name)), source=entry.source, entry=entry, name=entry.name)
        check_package_name(entry.name, package)
        wanted = checked_version(entry.name, version, package)
        if package.type == "git" and not self._allow_builds:
            raise InstallError(
                entry.name,
                "it comes from git, so installing it builds it, which runs its code at once. A person can allow that "
                "with DYNAMIC_PLUGINS_ALLOW_BUILDS=1",
            )
        if package.type == "npm":
            commands = self._npm.commands(package, wanted, ENVIRONMENT)
        else:
            commands = self._uv.commands(_requirements(entry, package, wanted), ENVIRONMENT)
        return InstallPlan(
            entry.name, entry.kind, wanted, package, entry.source, commands, _start(entry, package), entry
        )

    def plan_path(self, path: Path) -> InstallPlan:
        """Return what installing the plugin in a folder or wheel on this machine would do. Raises InstallError."""
        path = path.expanduser().absolute()
        requires: tuple[str, ...] = ()
        if path.suffix == ".whl" and path.is_file():
            name, version = path.name.split("-")[:2]
            name, requirements = canonical(name), [str(path)]
            entry = Entry(name, "python", packages=(Package("path", str(path), version),))
        else:
            told = read_folder(path)
            name, version, requirements = told.name, told.version, list(told.dependencies)
            requires = told.requires
            package = Package("path", str(path), version)
            entry = Entry(name, "python", told.description, packages=(package,), config=told.config)
        commands = self._uv.commands(requirements, ENVIRONMENT)
        package = entry.packages[0]
        start = _start(entry, package)
        return InstallPlan(name, "python", version, package, "", commands, start, entry, requires=requires)

    def plan_of(self, installation: Installation) -> InstallPlan:
        """Return the plan that *installation* came from, to say what starting it means."""
        package = Package(installation.package_type, installation.package, installation.version)
        entry = Entry(installation.plugin, installation.kind, packages=(package,), source=installation.source)
        start = (*_interpreter(installation), *_shown(installation.arguments))
        return InstallPlan(entry.name, entry.kind, installation.version, package, installation.source, (), start, entry)

    # ---------------------------------------------------------------- install

    async def install(self, plan: InstallPlan, listener: Listener = ignore) -> Installation:
        """Do what *plan* says and return the facts. Raises InstallError or PluginTimeoutError; nothing half done stays.

        The new version lies beside the one that is there; removing the old one is the caller's, once it has decided.
        The caller holds :meth:`lock`.
        """

        def tell(stage: str, message: str, fraction: float) -> None:
            listener(Event(plan.name, stage, message, fraction))

        target = self._folders.target(plan.name)
        try:
            async with asyncio.timeout(self._seconds), self._folders.staging(plan.name) as staging:
                if plan.package.type == "npm":
                    facts = await self._from_npm(plan, staging, tell)
                elif plan.package.type == "path":
                    facts = await self._from_path(plan, staging, tell)
                else:
                    facts = await self._from_index(plan, staging, tell)
                installation = _moved(facts, staging, target)
                self._folders.publish(staging, target)
                tell("publish", "", 1.0)
        except TimeoutError:
            raise PluginTimeoutError(plan.name, "installing", self._seconds) from None
        except OSError as error:
            raise InstallError(plan.name, f"its files cannot be written: {error.strerror or error}") from error
        except asyncio.CancelledError:
            self._folders.remove(target)  # it may have been put in place just before
            raise
        return installation

    def remove(self, installation: Installation) -> None:
        """Remove an install from the disk; nothing happens when it is gone already."""
        self._folders.remove(Path(installation.path))

    def sweep(self, keep: Callable[[], Collection[str]]) -> list[Path]:
        """Remove what an install or removal that was cut short has left; *keep* gives the paths of known installs."""
        return self._folders.sweep(lambda: {Path(path) for path in keep()})

    async def _from_npm(self, plan: InstallPlan, staging: Path, tell: Tell) -> Installation:
        package = plan.package.name
        await self._npm.install(plan.name, staging, _checked(plan), plan.version, tell)
        tell("verify", "", 0.9)
        folder, manifest = staging / "node_modules" / package, Npm.manifest(staging, package)
        return replace(
            _facts(plan, staging, str(manifest.get("version", plan.version or "")), npm.variables(manifest)),
            command=node_command(plan.name, package, manifest, folder, self._npm.node or "node"),
            distributions=Npm.distributions(plan.name, staging),
        )

    async def _from_index(self, plan: InstallPlan, staging: Path, tell: Tell) -> Installation:
        requirements = _requirements(plan.entry, _checked(plan), plan.version)
        environment = await self._uv.create(plan.name, staging / "env", requirements, tell)
        tell("verify", "", 0.9)
        package = _distribution_name(plan.package, environment)
        found = environment.dist_info(package)
        if found is None:
            raise InstallError(plan.name, f"{package} was installed but left no metadata; it is not a proper package")
        version = found.name.removesuffix(".dist-info").rpartition("-")[2]
        if plan.kind == "mcp" and (older := too_new(environment, package, _MCP_LIBRARIES)):
            await self._uv.add(plan.name, environment, [*requirements, *older], tell)
        return replace(
            _facts(plan, staging, version),
            python=str(environment.python),
            entry_point=python_entry_point(plan.name, plan.kind, package, environment),
            distributions=await in_thread(environment.distributions),
        )

    async def _from_path(self, plan: InstallPlan, staging: Path, tell: Tell) -> Installation:
        path = Path(plan.package.name)
        if path.suffix == ".whl":
            await in_thread(_check_digest, plan.name, path, plan.package.sha256)
            environment = await self._uv.create(plan.name, staging / "env", [str(path)], tell)
            package = canonical(path.name.split("-")[0])
            facts = _facts(plan, staging, plan.version or "0")
            entry_point = python_entry_point(plan.name, plan.kind, package, environment)
        else:
            told = read_folder(path)
            environment = await self._uv.create(plan.name, staging / "env", told.dependencies, tell)
            # A copy: what the person agreed to is what runs, whatever happens to the folder later.
            copy = staging / "source"
            await in_thread(_copy, path, copy)
            facts = replace(
                _facts(plan, staging, told.version, told.config),
                search_path=(str(source_root(copy)),),
                requires=told.requires,
            )
            entry_point = told.entry_point
        tell("verify", "", 0.9)
        return replace(
            facts,
            python=str(environment.python),
            entry_point=entry_point,
            distributions=await in_thread(environment.distributions),
        )


def _copy(folder: Path, copy: Path) -> None:
    shutil.copytree(folder, copy, ignore=_NOT_COPIED, symlinks=True)


def _checked(plan: InstallPlan) -> Package:
    """Return the plan's package with its digest only where that is of the version that is installed.

    Raises InstallError for a digest that is of no version: it could not be checked.
    """
    package = plan.package
    if package.sha256 and package.version is None:
        raise InstallError(plan.name, f"its registry entry gives a digest of {package.name}, but of no version")
    return package if plan.version == checked_version(plan.name, None, package) else replace(package, sha256=None)


def _requirements(entry: Entry, package: Package, version: str | None) -> list[str]:
    if package.type == "git":
        address = package.name if package.name.startswith("git+") else f"git+{package.name}"
        return [f"{address}@{version}" if version and "@" not in address.rpartition("/")[2] else address]
    requirement = f"{package.name}=={version}" if version else package.name
    if package.sha256:
        requirement += f" --hash=sha256:{package.sha256}"
    # Five of the packages import elizaos without saying so: it always comes with them.
    return [requirement, "elizaos"] if entry.kind == "elizaos" else [requirement]


def _distribution_name(package: Package, environment: PythonEnvironment) -> str:
    """Return the name of what was installed: for git, the one package that came from an address (PEP 610)."""
    if package.type != "git":
        return package.name
    for info in environment.dist_infos():
        if (info / "direct_url.json").is_file():
            return info.name.removesuffix(".dist-info").rpartition("-")[0]
    return package.name


def _start(entry: Entry, package: Package) -> tuple[str, ...]:
    """Return how the plugin will be started, as a person can read it before anything is installed."""
    runner = {"npm": "node", "pypi": "python", "git": "python", "path": "python"}[package.type]
    return (runner, package.name, *_shown(package.arguments)) if entry.kind == "mcp" else (runner, entry.name)


def _interpreter(installation: Installation) -> tuple[str, ...]:
    """Return the command that does what the worker does: what a person would type to start the same."""
    if not installation.python:
        return installation.command
    module, _, attribute = (installation.entry_point or "").partition(":")
    if installation.kind != "mcp":
        return (installation.python, "-c", f"import {module}")
    if not attribute:
        return (installation.python, "-m", module)
    return (installation.python, "-c", f"from {module} import {attribute}; {attribute}()")


def _shown(arguments: Sequence[Argument]) -> list[str]:
    """Return the arguments that are sure to be there: the fixed ones, and a place for those that are required."""
    words: list[str] = []
    for argument in arguments:
        value = argument.value if argument.value is not None else f"<{argument.variable}>"
        if argument.value is not None or argument.required:
            words += [argument.name, value] if argument.type == "named" else [value]
    return words


def _facts(plan: InstallPlan, staging: Path, version: str, declared: tuple[Variable, ...] = ()) -> Installation:
    """Return what is known of every install. What the package itself declares comes first: it is the newer word."""
    chosen = replace(plan.entry, packages=(plan.package,))
    variables = {each.name: each for each in (*chosen.variables, *declared)}
    return Installation(
        plugin=plan.name,
        kind=plan.kind,
        version=version,
        path=str(staging),
        package_type=plan.package.type,
        package=plan.package.name,
        source=plan.source,
        arguments=plan.package.arguments,
        variables=tuple(variables.values()),
    )


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


def _check_digest(plugin: str, path: Path, sha256: str | None) -> None:
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256.lower():
        raise InstallError(plugin, f"{path.name} is not the file that its registry entry describes (SHA-256 differs)")
