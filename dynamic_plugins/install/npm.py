"""An npm package for one plugin, in a folder of its own; its scripts are run only where the operator allows builds."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.command import Finished, Tell, run, version_numbers, versions_there_are
from dynamic_plugins.install.locked_needs import check_npm_needs, check_npm_versions
from dynamic_plugins.install.locked_packages import without_addresses
from dynamic_plugins.install.npm_lock import check_integrity, check_sources, locked
from dynamic_plugins.install.npm_reasons import explain, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.npm_project import NpmProject
    from dynamic_plugins.install.npm_ranges import Asked
    from dynamic_plugins.registry.entry import Package

_ARCHIVES = "archives"
_NEAREST_SECONDS = 20.0
"""How long the versions that there are may be looked for, once it is known that the one asked for is not."""

OLDEST_NODE = 18

# The archive that was downloaded and compared is a file, and the only one. An npm that does not know these options
# passes over them. It runs what a folder prepares itself with, so it only resolves at first, which check_sources reads.
# "--allow-remote=none" is not among them: it also refuses the archives of a registry that keeps them on another host.
_ONLY_FROM_THE_REGISTRY = ("--allow-git=none", "--allow-directory=none", "--allow-file=root")
_REFUSES_SOURCES = (11, 19)
_RESOLVE_ONLY = "--package-lock-only"


class Npm:
    """Installs npm packages. *environ* has the PATH where node and npm are found.

    Their install scripts, which build or download what they need, are run once they lie there where *allow_builds*.

    A *cutoff* of the methods is a date, or how long ago: nothing that was published later is installed.
    """

    def __init__(
        self, *, environ: Mapping[str, str], allow_builds: bool = False, programs: tuple[str, str] | None = None
    ) -> None:
        """*programs* are the paths of a node and of the script of its npm, where those on the PATH do not count."""
        path = environ.get("PATH")
        if programs is None:
            self.node, self._npm = shutil.which("node", path=path), shutil.which("npm", path=path)
            self._start: tuple[str, ...] = (self._npm or "npm",)
        else:
            self.node, self._npm = programs
            self._start = programs
            # What npm starts looks for node too.
            environ = dict(environ) | {"PATH": f"{Path(self.node).parent}{os.pathsep}{path or os.defpath}"}
        self._environ, self._allow_builds = environ, allow_builds
        # Before npm builds a package from git, it reads settings out of it, which name the git to be run.
        self._nothing_runs = ("--ignore-scripts", f"--git={shutil.which('false', path=path) or '/no/git'}")
        self._refuses_sources = _version_of(self._npm) >= _REFUSES_SOURCES

    @property
    def available(self) -> bool:
        """Whether this machine has node and npm."""
        return self.node is not None and self._npm is not None

    def commands(
        self, package: Package, version: str | None, folder: str, cutoff: str | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`install` runs; a package whose digest is known is downloaded first, to compare it.

        Raises ValueError where *cutoff* is nothing that npm could keep to.
        """
        requirement = f"{package.name}@{version or 'latest'}"
        if not package.sha256:
            return self._steps(requirement, folder, cutoff)
        archive = f"{folder}/{_ARCHIVES}/<the file that was downloaded and compared>"
        return (self._pack(requirement, folder, cutoff), *self._steps(archive, folder, cutoff))

    def project_commands(
        self, project: NpmProject, folder: str, cutoff: str | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`install_project` runs; its ``package.json`` is shown as what is in it."""
        steps = self._steps(project.shown, folder, cutoff)
        if not project.package.sha256:
            return steps
        return (self._pack(f"{project.package.name}@{project.version}", folder, cutoff), *steps)

    def _steps(self, requirement: str | None, folder: str, cutoff: str | None) -> tuple[tuple[str, ...], ...]:
        install = self._install(requirement, folder, cutoff)
        steps = (install,) if self._refuses_sources else ((*install[:2], _RESOLVE_ONLY, *install[2:]), install)
        if not self._allow_builds:
            return steps
        # What npm built from git is refused by now, so the settings in it name no git.
        return (*steps, self._rebuild(folder))

    @staticmethod
    def _rebuild(folder: str) -> tuple[str, ...]:
        return ("npm", "rebuild", "--no-global", "--loglevel=error", "--prefix", folder)

    def _install(self, requirement: str | None, folder: str, cutoff: str | None) -> tuple[str, ...]:
        # What a person has set for their own projects must not move the packages elsewhere or leave the lock out.
        place = ("--no-global", "--package-lock", "--install-strategy=hoisted", "--prefix", folder)
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
        safe = (*self._nothing_runs, *_ONLY_FROM_THE_REGISTRY)
        what = () if requirement is None else ("--", requirement)
        return ("npm", "install", *safe, *quiet, *_before(cutoff), *place, *what)

    def _pack(self, requirement: str, folder: str, cutoff: str | None) -> tuple[str, ...]:
        where = ("--pack-destination", f"{folder}/{_ARCHIVES}")
        return ("npm", "pack", *self._nothing_runs, "--loglevel=error", *_before(cutoff), *where, "--", requirement)

    async def resolve(self, plugin: str, folder: Path, package: Package, cutoff: str | None) -> str:
        """Return the newest version of *package*; *folder* is empty. Raises InstallError."""
        # Its answer in JSON names every file of the package, and of a long answer only the end is kept.
        ask = ("npm", "pack", "--dry-run", *self._nothing_runs, "--loglevel=error", *_before(cutoff))
        done = await self._run(plugin, folder, (*ask, "--", f"{package.name}@latest"), package, None, cutoff)
        archive = done.out.strip().rpartition("\n")[2]
        start, end = f"{package.name.removeprefix('@').replace('/', '-')}-", ".tgz"
        if not (archive.startswith(start) and archive.endswith(end)):
            raise InstallError(plugin, f"npm does not tell which version of {package.name} is the newest")
        return archive.removeprefix(start).removesuffix(end)

    async def knows_times(self, plugin: str, folder: Path, package: Package) -> bool:
        """Return whether npm's registry says when the versions of *package* were published."""
        ask = (*self._start, "view", "--json", "--loglevel=error", "--", package.name, "time")
        done = await run(plugin, ask, cwd=folder, environ=self._environ)
        return done.code != 0 or bool(done.out.strip())  # one that does not answer at all is told when it is asked

    async def has_package(self, name: str, folder: Path) -> bool | None:
        """Return whether npm's registry has a package *name*; None where it does not say."""
        done = await self._ask(folder, "view", "--json", "--", name, "name")
        if done.code == 0:
            return bool(done.out.strip())
        return False if re.search(r"\bE404\b", done.err + done.out) else None

    async def view(self, package: str, wanted: Sequence[str], folder: Path) -> Any:
        """Return what npm's registry says of *package*, a name with a version: the fields *wanted*, by name.

        Raises ValueError where it says nothing that can be read.
        """
        return parse_json((await self._ask(folder, "view", "--json", "--", package, *wanted)).out)

    async def times(self, name: str, folder: Path) -> dict[str, str]:
        """Return when the versions of a package were published, as far as npm's registry tells (the last thousand)."""
        done = await self._ask(folder, "view", "--json", "--", name, "time")
        found = re.findall(r'"([^"\s]+)":\s*"(\d{4}-[^"]+)"', done.out)
        return {version: time for version, time in found if version != "modified"}

    async def published(self, name: str, folder: Path) -> list[str]:
        """Return the versions of *name* that npm's registry has; none where it does not say."""
        try:
            versions = await self.view(name, ("versions",), folder)
        except ValueError:
            return []
        return [versions] if isinstance(versions, str) else [each for each in versions if isinstance(each, str)]

    async def pack(
        self, plugin: str, folder: Path, package: Package, version: str | None, cutoff: str | None = None
    ) -> Path:
        """Return the archive of *package*, downloaded into *folder* and compared. Raises InstallError."""
        await asyncio.to_thread((folder / _ARCHIVES).mkdir)
        requirement = f"{package.name}@{version or 'latest'}"
        await self._run(plugin, folder, self._pack(requirement, str(folder), cutoff), package, version, cutoff)
        return Path(await asyncio.to_thread(_compared, plugin, package, folder / _ARCHIVES))

    async def registry(self, name: str, folder: Path) -> str:
        """Return the address of the registry that a package comes from, as npm is set up."""
        scope = name.partition("/")[0] if name.startswith("@") else ""
        keys = [*([f"{scope}:registry"] if scope else []), "registry"]
        told = (await self._ask(folder, "config", "get", *keys)).out.split()
        # Asked for one it says its value alone, for several "key=value" of each.
        values = [line.partition("=")[2] if scope else line for line in told]
        return next((each for each in values if each.startswith(("https://", "http://"))), "")

    async def _ask(self, folder: Path, *words: str) -> Finished:
        # Once: who waits is a person who typed a name, and an index that is down is told as one.
        command = (*self._start, *words[:1], "--loglevel=error", "--fetch-retries=0", *words[1:])
        return await run(words[-1], command, cwd=folder, environ=self._environ)

    async def install(
        self,
        plugin: str,
        folder: Path,
        package: Package,
        version: str | None,
        tell: Tell,
        cutoff: str | None = None,
    ) -> None:
        """Install *package* in *folder*, which is there and empty.

        Raises InstallError, and UnavailableHereError where Node.js is too old.
        """
        tell("environment", "", 0.05)
        await asyncio.to_thread((folder / "package.json").write_text, '{"private": true}\n', encoding="utf-8")
        await self._check_node(plugin, folder)
        requirement = f"{package.name}@{version or 'latest'}"
        if package.sha256:
            tell("download", "downloading the package", 0.1)
            requirement = str(await self.pack(plugin, folder, package, version, cutoff))
        tell("download", "downloading and installing", 0.2)
        for step in self._steps(requirement, str(folder), cutoff):
            await self._run(plugin, folder, step, package, version, cutoff)
            await asyncio.to_thread(check_sources, plugin, folder)

    async def install_project(
        self, plugin: str, folder: Path, project: NpmProject, tell: Tell, cutoff: str | None = None
    ) -> None:
        """Install *project* in *folder*, as :meth:`install` does one package. Raises InstallError."""
        archive = None
        if project.package.sha256:
            tell("download", "downloading the package", 0.1)
            archive = await self.pack(plugin, folder, project.package, project.version, cutoff)
        await asyncio.to_thread(project.write, folder, archive)
        tell("download", "downloading and installing", 0.2)
        for step in self._steps(None, str(folder), cutoff):
            await self._forced(plugin, folder, step, project, cutoff)
            await asyncio.to_thread(check_sources, plugin, folder, project.pinned)

    async def lock(self, plugin: str, folder: Path, project: NpmProject, cutoff: str | None = None) -> dict[str, Any]:
        """Return what *project* comes to on any system: the packages of a ``package-lock.json``, by their place.

        *folder* is empty, or has the lock of before, whose versions stay where they fit. Raises InstallError.
        """
        archive = None
        if project.package.sha256:
            archive = await self.pack(plugin, folder, project.package, project.version, cutoff)
        await asyncio.to_thread(project.write, folder)
        step = self._install(None, str(folder), cutoff)
        await self._forced(plugin, folder, (*step[:2], _RESOLVE_ONLY, *step[2:]), project, cutoff)
        await asyncio.to_thread(check_sources, plugin, folder, project.pinned)
        try:
            packages = without_addresses(await asyncio.to_thread(locked, plugin, folder))
        except ValueError as error:
            raise InstallError(plugin, str(error)) from None
        if archive is not None:
            await asyncio.to_thread(check_integrity, plugin, project.package, archive, packages)
        return packages

    async def install_locked(
        self, plugin: str, folder: Path, project: NpmProject, packages: LockedPackages, tell: Tell
    ) -> None:
        """Install exactly *packages*, of *project*, in *folder*, which is there; digests are compared.

        Raises InstallError.
        """
        tell("environment", "", 0.05)
        await self._check_node(plugin, folder)
        await asyncio.to_thread(project.write, folder)
        await asyncio.to_thread(packages.write_npm_lock, folder, project.package_json())
        await asyncio.to_thread(check_sources, plugin, folder, project.pinned)
        tell("download", "downloading and installing", 0.2)
        await self._forced(plugin, folder, self.locked_command(str(folder)), project, None)
        wishes = await asyncio.to_thread(check_npm_needs, plugin, folder, project.asked(), project.pinned)
        await check_npm_versions(plugin, wishes, partial(self.first_outside, plugin))
        if self._allow_builds:
            await self._forced(plugin, folder, self._rebuild(str(folder)), project, None)

    async def first_outside(self, plugin: str, versions: Sequence[Asked]) -> int | None:
        """Return which of *versions* is the first that is not as it was asked for; None where all are.

        Raises InstallError.
        """
        from dynamic_plugins.install.npm_ranges import first_outside

        folder = await asyncio.to_thread(_folder_of, self._npm)
        return await first_outside(plugin, versions, self.node or "node", folder, self._environ)

    def locked_command(self, folder: str) -> tuple[str, ...]:
        """Return what :meth:`install_locked` runs."""
        return ("npm", "ci", *self._install(None, folder, None)[2:])

    async def _forced(
        self, plugin: str, folder: Path, step: Sequence[str], project: NpmProject, cutoff: str | None
    ) -> None:
        """Run *step*; where what the packages ask of one another cannot all be had, as the other package managers do,
        which pass that over. Raises InstallError.
        """
        done = await run(plugin, (*self._start, *step[1:]), cwd=folder, environ=self._environ)
        if done.code != 0 and "ERESOLVE" in done.err:
            done = await run(plugin, (*self._start, *step[1:], "--force"), cwd=folder, environ=self._environ)
        if done.code != 0:
            raise InstallError(plugin, explain(done, project.package.name, cutoff))

    async def node_version(self, folder: Path) -> str:
        """Return what this node says of its version, as ``v24.19.0``; empty where there is none that says one."""
        if self.node is None:
            return ""
        return (await run("node", (self.node, "--version"), cwd=folder, environ=self._environ)).out.strip()

    async def _check_node(self, plugin: str, folder: Path) -> None:
        said = await self.node_version(folder)
        if version_numbers(said)[0] < OLDEST_NODE:
            reason = f"it needs Node.js {OLDEST_NODE} or newer, and {self.node} is {said or 'something else'}."
            raise UnavailableHereError(plugin, reason)

    async def _run(
        self,
        plugin: str,
        folder: Path,
        command: Sequence[str],
        package: Package,
        version: str | None,
        cutoff: str | None,
    ) -> Finished:
        done = await run(plugin, (*self._start, *command[1:]), cwd=folder, environ=self._environ)
        if done.code != 0:
            there_are = await self._versions(plugin, folder, package, version) if "ETARGET" in done.err else ""
            raise InstallError(plugin, explain(done, package.name, cutoff) + there_are)
        return done

    async def _versions(self, plugin: str, folder: Path, package: Package, version: str | None) -> str:
        """Return a sentence that names the versions nearest to *version*, and the newest."""
        ask = (*self._start, "view", "--json", "--loglevel=error", "--", package.name, "versions")
        try:
            async with asyncio.timeout(_NEAREST_SECONDS):
                versions = parse_json((await run(plugin, ask, cwd=folder, environ=self._environ)).out)
        except (TimeoutError, ValueError):
            return ""
        return versions_there_are(nearest(version or "", versions if isinstance(versions, list) else [versions]))

    @staticmethod
    def manifest(folder: Path, package: str) -> dict[str, Any]:
        """Return the installed package's ``package.json``; empty where it cannot be read."""
        try:
            data = parse_json(read_file(folder / "node_modules" / package / "package.json"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}


def _folder_of(npm: str | None) -> Path:
    """Return the folder of the program *npm*, which holds what it consists of."""
    return Path(npm or "").resolve().parent.parent


def _version_of(npm: str | None) -> tuple[int, int]:
    """Return the version of the program *npm*, read beside it rather than asked for; (0, 0) where it is not found."""
    try:
        told = parse_json(read_file(_folder_of(npm) / "package.json"))
        return version_numbers(told["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return (0, 0)


def _before(cutoff: str | None) -> tuple[str, ...]:
    return (f"--before={instant(cutoff)}",) if cutoff else ()


def instant(exclude_newer: str) -> str:
    """Return *exclude_newer* as npm reads it: a date stays, uv's ``3 days`` or ``P3D`` becomes one, ago from now.

    Raises ValueError for anything else, which npm would pass over in silence.
    """
    if found := re.fullmatch(r"P?(\d+) ?(d|w)(?:ays?|eeks?)?", exclude_newer.strip(), re.IGNORECASE):
        days = int(found.group(1)) * (7 if found.group(2).lower() == "w" else 1)
        return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    datetime.fromisoformat(exclude_newer.strip())
    return exclude_newer.strip()


def _compared(plugin: str, package: Package, folder: Path) -> str:
    """Return the one archive in *folder*; it must be the file that the registry entry describes, where that does."""
    (archive,) = folder.iterdir()
    if package.sha256 and hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256.lower():
        raise InstallError(
            plugin, f"{package.name} is not the file that its registry entry describes (SHA-256 differs)"
        )
    return str(archive)
