"""What would be installed, exactly and in full, before anything is: what a person is asked to agree to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.errors import BadArgumentsError, InstallError, UnavailableHereError
from dynamic_plugins.install.npm_project import NpmProject
from dynamic_plugins.registry.sources import UNLISTED

if TYPE_CHECKING:
    from dynamic_plugins.core.permissions import Permissions
    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.npm_project import Pins
    from dynamic_plugins.registry.entry import Entry, Kind, Package, PackageType, Remote

# A name or version reaches a package manager's command line: nothing in it may be an option, an address or a path.
_PYPI_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_NPM_NAME = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*", re.IGNORECASE)
_SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_PEP440 = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")
_GIT_REF = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/+-]*")
_GIT = re.compile(
    r"(git\+)?https://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~/-]+?"
    r"(@[A-Za-z0-9][A-Za-z0-9._/-]*)?(#subdirectory=[A-Za-z0-9][A-Za-z0-9._/-]*)?"
)

SOURCES: dict[PackageType, str] = {
    "pypi": "PyPI",
    "npm": "npm",
    "git": "git",
    "path": "this machine",
    "remote": "its own address",
}
ELSEWHERE = "remote"
"""The version of what runs elsewhere: which one it is, is its own business."""


@dataclass(frozen=True)
class InstallPlan:
    """One install, decided. *commands* is what will be run, *start_command* how the plugin will be started."""

    name: str
    kind: Kind
    version: str | None
    """The exact version, or None for the newest."""
    package: Package
    source: str
    """The registry the entry came from, or the folder."""
    commands: tuple[tuple[str, ...], ...]
    start_command: tuple[str, ...]
    entry: Entry
    warnings: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    """Names of the plugins that it needs, as it says itself."""
    editable: bool = False
    """Whether a folder is used as it lies there, so that changes in it count from the next start."""
    index: str = ""
    """Where its packages are looked for, as this machine is set up; empty for what lies here."""
    cutoff: str | None = None
    """Nothing that was published later is installed: a date, or how long ago."""
    cooled: bool = False
    """Whether *cutoff* is there because nobody has verified this, and no person has set it."""
    notes: tuple[str, ...] = ()
    """What the person is told that is nothing to be careful about."""
    commit: str | None = None
    """The commit of a repository that is built."""
    copy: str | None = None
    """The copy of a folder or wheel that is installed, or where a package is bundled, from before anybody was asked."""
    digest: str | None = None
    """The SHA-256 of that copy."""
    told: tuple[tuple[str, str], ...] = ()
    """Of what no registry lists: what its index says of it, as pairs of a label and a text."""
    pins: Pins = ()
    """The packages of npm that an elizaOS plugin in TypeScript is installed with, its core first."""
    needs: Pins = ()
    """What else a plugin that is bundled from its repository asks for of npm: names, each with a version or range."""
    with_bun: bool = False
    """Whether Bun installs it, and not npm."""
    own_arguments: bool = False
    """Whether the person gave the arguments of its package, and no registry did."""
    brings_node: bool = False
    """Whether Node.js comes with it, from PyPI: this machine has none that would do."""
    locked: LockedPackages | None = None
    """Exactly what is installed, where that was found out before; None where the programs that install decide."""
    mark: str = ""
    """What stands for all that was locked of it, as a digest."""

    @property
    def is_typescript(self) -> bool:
        """Whether it is an elizaOS plugin that runs in Node.js."""
        return self.kind == "elizaos" and (self.package.type == "npm" or self.package.typescript)

    @property
    def is_bundled(self) -> bool:
        """Whether its package is made here, of what lies in its repository."""
        return self.is_typescript and self.package.typescript

    @property
    def project(self) -> NpmProject:
        """What is installed of npm, where that is several packages together; its version is known."""
        return NpmProject(self.package, self.version or "latest", self.pins, self.needs)

    @property
    def is_unlisted(self) -> bool:
        """Whether no registry lists it: a person named the package, or the address, itself."""
        return self.source == UNLISTED

    @property
    def named(self) -> str:
        """How it is named so that nothing else is meant, where no registry lists it: ``npm:@playwright/mcp``."""
        if self.entry.remote is not None:
            return self.entry.remote.url
        return f"{self.package.type}:{self.package.name}"

    @property
    def remote(self) -> Remote | None:
        """How a server that runs elsewhere is reached; None for what is installed here."""
        return self.entry.remote if self.package.type == "remote" else None

    @property
    def loose(self) -> str | None:
        """The beginning of the packages of which any version will do where none fits.

        elizaOS's plugins ask for "elizaos>=2.0.0" while all there is are pre-releases of that.
        """
        return "elizaos" if self.kind == "elizaos" else None

    @property
    def shown_version(self) -> str:
        """What will be installed, for a person: ``1.2.3``, ``v1 (commit 0123456789)``, or ``(remote)``."""
        if self.package.type == "remote":
            return f"({ELSEWHERE})"
        if self.commit is not None:
            return f"{self.version or 'HEAD'} (commit {self.commit[:10]})"
        return self.version or "(not known)"

    @property
    def origin(self) -> str:
        """Where the code comes from, for a person: ``PyPI (mcp-server-time), listed in the bundled registry``."""
        where = self.index or SOURCES[self.package.type]
        if self.package.type == "remote":
            return f"{where}, listed in {self._registry}" if self.source else where
        named = f"{where} ({self.package.name})"
        return f"{named}, listed in {self._registry}" if self.source else where

    @property
    def _registry(self) -> str:
        # The registry that comes with the package has a word for a name, not an address or a file.
        if self.is_unlisted:
            return "no registry"
        return f"the {self.source} registry" if self.source == "bundled" else self.source


def choose_package(entry: Entry, *, has_node: bool) -> Package:
    """Return the package of *entry* that this machine can run. Raises UnavailableHereError with the reason.

    Of an elizaOS plugin that is the one in Python, where there is one; where there is none at all, what can be made of
    its repository. Those in TypeScript bring a Node.js with them where this machine has none.
    """
    runnable: list[PackageType] = ["pypi", "git", "path"] if entry.kind == "python" else ["pypi", "npm", "git", "path"]
    packages = [each for each in entry.packages if each.type in runnable]
    if entry.kind == "elizaos":
        packages.sort(key=lambda each: each.type == "npm" or each.typescript)
        if not packages and entry.of_repository is not None:
            return entry.of_repository
    for package in packages:
        if package.type != "npm" or has_node or entry.kind == "elizaos":
            return package
    if packages:
        reason = "it needs Node.js 18 or newer with npm. PATH lacks them; get them from nodejs.org and try again."
        raise UnavailableHereError(entry.name, reason)
    if entry.kind == "elizaos" and not entry.packages and entry.repository:
        reason = f"its code is only in its repository, which git cannot fetch: {entry.repository} is no https address."
        raise UnavailableHereError(entry.name, reason)
    if entry.problem and not entry.packages:
        raise UnavailableHereError(entry.name, f"{entry.problem}.")
    raise UnavailableHereError(entry.name, "no package of it is known that Python or Node.js could run.")


def checked_version(name: str, version: str | None, package: Package) -> str | None:
    """Return the version to install, *version* before the entry's own; None for the newest.

    Raises BadArgumentsError for what is no exact version: PEP 440 for PyPI, semantic for npm, a name for git; and
    InstallError where it is the entry's.
    """
    wanted = version or package.version
    if wanted is None or wanted == "latest":
        return None
    wanted = wanted if package.type == "git" else wanted.lstrip("= ").removeprefix("v")
    if not _is_version(wanted, package.type) and not version:
        raise InstallError(
            name,
            f"its registry entry asks for the version {wanted!r}, and only exact ones are understood. To install one: "
            f"dynamic-plugins install {name} --version 1.2.3",
        )
    if not _is_version(wanted, package.type):
        raise BadArgumentsError(name, f"{wanted!r} is not an exact version such as 1.2.3")
    return wanted


def _is_version(text: str, package_type: PackageType) -> bool:
    if package_type in ("npm", "git"):
        return (_SEMVER if package_type == "npm" else _GIT_REF).fullmatch(text) is not None
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        return False
    return _PEP440.fullmatch(text) is not None


def is_package_name(package_type: PackageType, name: str) -> bool:
    """Return whether *name* can be a package's, and nothing else: no option, no address, no path."""
    return {"pypi": _PYPI_NAME, "npm": _NPM_NAME}[package_type].fullmatch(name) is not None


def is_exact(package_type: PackageType, version: str) -> bool:
    """Return whether *version* is exactly one: PEP 440 for PyPI, semantic for npm."""
    return _is_version(version, package_type)


def with_permissions(plan: InstallPlan, permissions: Permissions) -> InstallPlan:
    """Return *plan* with what the package itself declares that it may reach."""
    return replace(plan, entry=replace(plan.entry, permissions=permissions))


def with_reference(package: Package, version: str | None) -> Package:
    """Return *package* without the reference in its address where it is from git and *version* is asked for instead."""
    if package.type != "git" or version is None:
        return package
    address, hash_sign, folder = package.name.partition("#")
    return replace(package, name=f"{address.partition('@')[0]}{hash_sign}{folder}")


def with_digest(name: str, package: Package, version: str | None) -> Package:
    """Return *package* with its digest only where that is of *version*, which is installed.

    Raises InstallError for a digest that is of no version: it could not be compared.
    """
    if package.sha256 and package.type != "path":
        own = checked_version(name, None, package)
        if own is None:
            raise InstallError(name, f"its registry entry gives a digest of {package.name}, but of no version")
        return package if version == own else replace(package, sha256=None)
    return package


def requirements(kind: Kind, package: Package, version: str | None) -> list[str]:
    """Return what uv is told to install for a package from PyPI or git."""
    if package.type == "git":
        address, _, fragment = package.name.partition("#")
        address = address if address.startswith("git+") else f"git+{address}"
        address += f"@{version}" if version and "@" not in address else ""
        return [f"{address}#{fragment}" if fragment else address]
    requirement = f"{package.name}=={version}" if version else package.name
    if package.sha256:
        requirement += f" --hash=sha256:{package.sha256}"
    # Five of the packages import elizaos without saying so: it always comes with them.
    return [requirement, "elizaos"] if kind == "elizaos" else [requirement]


def check_package_name(name: str, package: Package) -> None:
    """Raise InstallError for a package name that could be read as an option, a path or an address."""
    pattern = {"pypi": _PYPI_NAME, "npm": _NPM_NAME, "git": _GIT}.get(package.type)
    if pattern is not None and not pattern.fullmatch(package.name):
        raise InstallError(name, f"its registry entry names {package.name!r}, which is no {package.type} package")
