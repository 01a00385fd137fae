"""What would be installed, exactly and in full, before anything is: what a person is asked to agree to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import BadArgumentsError, InstallError, UnavailableHereError
from dynamic_plugins.install.starting import ENTRY_POINT_GROUP
from dynamic_plugins.registry.entry import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry, Kind, Package, PackageType

# A name or version reaches a package manager's command line: nothing in it may be an option, an address or a path.
_PYPI_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_NPM_NAME = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*", re.IGNORECASE)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")
_GIT = re.compile(r"(git\+)?https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/-]+?(@[A-Za-z0-9][A-Za-z0-9._/-]*)?")

SOURCES: dict[PackageType, str] = {"pypi": "PyPI", "npm": "npm", "git": "git", "path": "this machine"}


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

    @property
    def origin(self) -> str:
        """Where the code comes from, for a person: ``PyPI (mcp-server-time), listed in bundled``."""
        where = SOURCES[self.package.type]
        return f"{where} ({self.package.name}), listed in {self.source}" if self.source else where


def choose_package(entry: Entry, *, has_node: bool) -> Package:
    """Return the package of *entry* that this machine can run. Raises UnavailableHereError with the reason."""
    runnable: list[PackageType] = ["pypi", "git", "path"] if entry.kind != "mcp" else ["pypi", "npm", "git", "path"]
    for package in entry.packages:
        if package.type in runnable and (package.type != "npm" or has_node):
            return package
    if any(package.type == "npm" for package in entry.packages):
        if entry.kind == "mcp":
            reason = "it needs Node.js 18 or newer with npm, and neither is on PATH. Install them, then try again."
        else:
            reason = "it is only published for TypeScript (npm), and there is no Python package of it."
        raise UnavailableHereError(entry.name, reason)
    raise UnavailableHereError(entry.name, "no package of it is known that Python or Node.js could run.")


def checked_version(name: str, version: str | None, package: Package) -> str | None:
    """Return the version to install, *version* before the entry's own. Raises BadArgumentsError for what is none."""
    wanted = version or package.version
    if wanted is None or wanted == "latest":
        return None
    wanted = wanted.strip().removeprefix("v") if package.type != "git" else wanted.strip()
    if not _VERSION.fullmatch(wanted):
        raise BadArgumentsError(name, f"{wanted!r} is not an exact version such as 1.2.3")
    return wanted


def check_package_name(name: str, package: Package) -> None:
    """Raise InstallError for a package name that could be read as an option, a path or an address."""
    pattern = {"pypi": _PYPI_NAME, "npm": _NPM_NAME, "git": _GIT}.get(package.type)
    if pattern is not None and not pattern.fullmatch(package.name):
        raise InstallError(name, f"its registry entry names {package.name!r}, which is no {package.type} package")


@dataclass(frozen=True)
class FolderManifest:
    """What a plugin's folder says of itself, read without running any of it.

    From ``pyproject.toml``: ``[project]`` gives name, version, description and dependencies, the entry point group
    ``dynamic_plugins.plugins`` the plugin object, and ``[tool.dynamic-plugins]`` what a registry entry would say:
    ``requires = ["other-plugin"]`` and ``config = [{name = "KEY", required = true, secret = true}]``.
    """

    name: str
    version: str
    description: str
    entry_point: str
    dependencies: tuple[str, ...] = ()
    config: tuple[Variable, ...] = ()
    requires: tuple[str, ...] = ()


def read_folder(folder: Path) -> FolderManifest:
    """Return what *folder* says of itself. Raises InstallError where there is no plugin in it."""
    pyproject = folder / "pyproject.toml"
    if not folder.is_dir():
        raise InstallError(folder.name, f"{folder} is not a folder")
    try:
        data = tomllib.loads(pyproject.read_text(encoding="utf-8")) if pyproject.is_file() else {}
        project = data.get("project", {})
        group: Mapping[str, str] = project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
        name, entry_point = next(iter(group.items()), ("", ""))
        own = data.get("tool", {}).get("dynamic-plugins", {})
        return FolderManifest(
            name=name or project.get("name") or folder.name,
            version=str(project.get("version") or "0"),
            description=str(project.get("description") or ""),
            entry_point=entry_point or _module_in(folder),
            dependencies=tuple(project.get("dependencies", ())),
            config=tuple(_variable(each) for each in own.get("config", ())),
            requires=tuple(own.get("requires", ())),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise InstallError(folder.name, f"{pyproject} cannot be read: {error}") from error


def _variable(data: Mapping[str, Any]) -> Variable:
    known = {name: data[name] for name in ("description", "required", "secret", "default", "format") if name in data}
    return Variable(name=data["name"], choices=tuple(data.get("choices", ())), **known)


def _module_in(folder: Path) -> str:
    """Return the one module that offers the plugin, where the folder does not say which."""
    word = folder.name.replace("-", "_")
    for candidate in ("plugin", word, word.removesuffix("_plugin")):
        for root in (folder, folder / "src"):
            if (root / f"{candidate}.py").is_file() or (root / candidate / "__init__.py").is_file():
                return f"{candidate}:plugin"
    raise InstallError(
        folder.name,
        f"{folder} offers no plugin: it has neither an entry point in the group {ENTRY_POINT_GROUP!r} "
        f"nor a module plugin.py or {word}.py",
    )


def source_root(folder: Path) -> Path:
    """Return the folder that goes on the search path: ``src`` where the code lies there."""
    source = folder / "src"
    return source if source.is_dir() and any(source.iterdir()) else folder
