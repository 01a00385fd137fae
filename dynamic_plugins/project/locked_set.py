"""``plugins.lock``: exactly what a project's plugins come to, with a digest of everything, for every system.

Made by ``dynamic-plugins lock`` and kept beside ``plugins.toml``, under version control. TOML, a ``[[plugin]]`` for
each plugin, in the order of their names. The first keys are those of a registry entry (``docs/registry.md``), which say
what the plugin is and how it is started; of its packages there is the one that is installed. The others are:

- ``version``: the exact one. ``registry``: what listed it when it was locked; ``unlisted`` where nothing did.
- ``asked``: what ``plugins.toml`` said of it; none for what another plugin needs. ``requires``: the plugins it needs.
- ``commit``: of a git repository. ``digest``: the SHA-256 of a folder or wheel, or of how a remote server is reached.
- ``python``: packages of PyPI, each with its version, where it is installed (``marker``) and the SHA-256 of its files.
- ``npm``: packages of npm as in a ``package-lock.json``, without addresses. ``pins``: those of a given version.
- ``node``: Node.js as a package of PyPI, for machines that have none.
- ``offers``: of a remote server, what was agreed to that it offers, as JSON.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dynamic_plugins.core.outside_data import parse_toml
from dynamic_plugins.errors import ProjectFileError
from dynamic_plugins.install.locked_packages import NPM_FACTS, LockedPackages, LockedWheel
from dynamic_plugins.install.node import WHEEL
from dynamic_plugins.install.plan import is_exact, is_package_name
from dynamic_plugins.install.remote_address import digest as remote_digest
from dynamic_plugins.project.toml_text import line_of, table
from dynamic_plugins.project.wanted_set import check_format, read_toml, wrong_shape
from dynamic_plugins.registry.entry import Entry, canonical, to_dict
from dynamic_plugins.registry.formats.native import BadEntryError, own_entry
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.registry.entry import Package

SUFFIX, FORMAT = ".lock", 1
_HEAD = "# Made by `dynamic-plugins lock`. Do not edit it; keep it with plugins.toml under version control.\n"
_OF_ENTRY = ("name", "kind", "packages", "config", "permissions", "command", "remote")

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class LockedPlugin:
    """One plugin of the lock."""

    entry: Entry
    """What it is and how it is started, with the one package that is installed; its source is what listed it."""
    version: str
    asked: Mapping[str, Any] | None = None
    """What the project's file says of it that decides what is locked; None where only another plugin needs it."""
    requires: tuple[str, ...] = ()
    commit: str | None = None
    digest: str | None = None
    packages: LockedPackages = field(default_factory=LockedPackages)
    offers: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def mark(self) -> str:
        """A digest that two locked plugins share exactly when the same is installed and agreed to."""
        facts = {key: value for key, value in self.to_dict().items() if key not in {"asked", "registry"}}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return it as the lock has it, without what is empty."""
        packages = self.packages
        entry = to_dict(self.entry)
        facts = {
            **{key: entry[key] for key in _OF_ENTRY if key in entry},
            "version": self.version,
            "registry": self.entry.source,
            "asked": dict(self.asked) if self.asked is not None else None,
            "requires": list(self.requires),
            "commit": self.commit,
            "digest": self.digest,
            "offers": [json.dumps(each, ensure_ascii=False, sort_keys=True) for each in self.offers],
            "pins": [list(each) for each in packages.pins],
            "node": [_wheel(each) for each in packages.node],
            "python": [_wheel(each) for each in packages.python],
            "npm": [{"place": place, **packages.npm[place]} for place in sorted(packages.npm)],
        }
        return {key: value for key, value in facts.items() if value not in (None, "", [])}


@dataclass(frozen=True)
class LockedSet:
    """All that is locked, by name. *file* is the lock's."""

    file: Path
    plugins: Mapping[str, LockedPlugin]

    def to_text(self) -> str:
        """Return the lock as its file has it: the same text for the same content."""
        tables = (table("[[plugin]]", self.plugins[name].to_dict()) for name in sorted(self.plugins))
        return "\n".join((f"{_HEAD}version = {FORMAT}\n", *tables))

    def of(self, named: str) -> LockedPlugin | None:
        """Return what is locked for the plugin that the project's file has under *named*."""
        found = (each for each in self.plugins.values() if each.asked is not None and each.asked["named"] == named)
        return next(found, None)


def _wheel(wheel: LockedWheel) -> dict[str, Any]:
    told = {key: value for key, value in asdict(wheel).items() if value}
    return told | {"hashes": list(wheel.hashes)}


# ---------------------------------------------------------------- read


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Asked(_Part):
    named: str
    version: str | None = None
    path: str | None = None
    remote: bool | None = None


def _checked_marker(marker: str) -> str:
    from packaging.markers import InvalidMarker, Marker

    try:
        if not marker.isprintable() or "--" in marker:
            raise ValueError("holds more than a marker")
        if marker:
            Marker(marker)
    except InvalidMarker:
        raise ValueError("is no marker") from None
    return marker


def _checked_npm_facts(package: _NpmPackage) -> _NpmPackage:
    facts = package.model_extra or {}
    if strange := sorted(facts.keys() - NPM_FACTS):
        raise ValueError(f"{package.place}: there is no such key as {strange[0]!r}")
    if not is_package_name("npm", str(facts.get("name", "x"))):
        raise ValueError(f"{package.place}: it is no package's name: {facts['name']!r}")
    return package


def _pypi_name(name: str) -> str:
    if not is_package_name("pypi", name):
        raise ValueError(f"{name!r} is no package's name")
    return name


def _pypi_version(version: str) -> str:
    if not is_exact("pypi", version):
        raise ValueError(f"{version!r} is not an exact version")
    return version


def _npm_version(version: str) -> str:
    if not is_exact("npm", version):
        raise ValueError(f"{version!r} is not an exact version")
    return version


def _checked_pin(pin: list[str]) -> list[str]:
    if len(pin) != 2 or not is_package_name("npm", pin[0]):
        raise ValueError("must be a package's name and its version")
    _npm_version(pin[1])
    return pin


# These lines and places reach package managers: nothing in them may be an option, an address, or a way out of a folder.
_NAME = r"(@[A-Za-z0-9~_-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*"


class _Wheel(_Part):
    name: Annotated[str, AfterValidator(_pypi_name)]
    version: Annotated[str, AfterValidator(_pypi_version)]
    marker: Annotated[str, AfterValidator(_checked_marker)] = ""
    hashes: Annotated[list[Sha256], Field(min_length=1)]


class _NpmPackage(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    place: Annotated[str, Field(pattern=rf"^node_modules/{_NAME}(/node_modules/{_NAME})*$")]
    version: Annotated[str, AfterValidator(_npm_version)]
    integrity: Annotated[str, Field(pattern=r"^sha\d+-[A-Za-z0-9+/=]+")] | None = None
    inBundle: bool = False  # noqa: N815 # npm's own word


class _Plugin(_Part):
    name: str
    kind: str
    packages: list[dict[str, Any]] = []
    config: list[dict[str, Any]] = []
    permissions: dict[str, Any] | None = None
    command: str = ""
    remote: dict[str, Any] | None = None
    version: str
    registry: str = ""
    asked: _Asked | None = None
    requires: list[str] = []
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    digest: Hex | None = None
    offers: list[str] = []
    pins: list[Annotated[list[str], AfterValidator(_checked_pin)]] = []
    node: list[_Wheel] = []
    python: list[_Wheel] = []
    npm: list[Annotated[_NpmPackage, AfterValidator(_checked_npm_facts)]] = []


class _File(_Part):
    version: int
    plugin: list[_Plugin] = []


def lock_of(file: Path) -> Path:
    """Return where the lock of a project's *file* lies: beside it."""
    return file.with_suffix(SUFFIX)


def read_locked(file: Path) -> LockedSet:
    """Return the lock in *file*, which may be none yet. Raises ProjectFileError for one that cannot be followed."""
    if not file.exists():
        return LockedSet(file, {})
    return _parsed(file, *read_toml(file, "it is not there"))


def as_read(lock: LockedSet) -> LockedSet:
    """Return *lock* as it is once it was written and read again: so that both have the same marks."""
    text = lock.to_text()
    return _parsed(lock.file, text, parse_toml(text))


def _parsed(file: Path, text: str, data: dict[str, Any]) -> LockedSet:
    check_format(file, text, data, FORMAT)
    try:
        told = _File.model_validate(data)
    except ValidationError as error:
        raise wrong_shape(file, text, error) from None
    plugins: dict[str, LockedPlugin] = {}
    for index, each in enumerate(told.plugin):
        try:
            plugin = _locked(each)
        except (ValueError, TypeError, KeyError) as error:
            raise ProjectFileError(str(file), f"{each.name}: {error}", line_of(text, ("plugin", index))) from None
        if plugin.name in plugins:
            raise ProjectFileError(str(file), f"{each.name} is in it twice", line_of(text, ("plugin", index)))
        plugins[plugin.name] = plugin
    return LockedSet(file, plugins)


def _locked(told: _Plugin) -> LockedPlugin:
    """Return a plugin of the lock. Raises ValueError where what it says cannot be or does not fit together."""
    entry = _entry(told)
    npm = {each.place: each.model_dump(exclude={"place"}, exclude_unset=True) for each in told.npm}
    if bare := [each.place for each in told.npm if not each.integrity and not each.inBundle]:
        raise ValueError(f"{bare[0]} has no digest")
    packages = LockedPackages(
        python=tuple(map(_wheel_of, told.python)),
        npm=npm,
        pins=tuple((name, version) for name, version in told.pins),
        node=tuple(map(_wheel_of, told.node)),
    )
    found = LockedPlugin(
        entry,
        told.version,
        asked=told.asked.model_dump(exclude_none=True) if told.asked is not None else None,
        requires=tuple(told.requires),
        commit=told.commit,
        digest=told.digest,
        packages=packages,
        offers=tuple(json.loads(each) for each in told.offers),
    )
    _check_whole(found)
    Offers.from_list(list(found.offers))
    return found


def _entry(told: _Plugin) -> Entry:
    data = told.model_dump(include=set(_OF_ENTRY), exclude_unset=True)
    try:
        entry = own_entry(data, told.registry)
    except BadEntryError as error:
        raise ValueError(str(error)) from None
    if len(entry.packages) != len(told.packages) or len(entry.packages) > 1:
        raise ValueError("its packages make no sense")
    if (entry.remote is None) != (told.remote is None) or bool(entry.packages) == (entry.remote is not None):
        raise ValueError("it must have a package, or an address where it runs")
    return entry


def _check_whole(plugin: LockedPlugin) -> None:
    """Raise ValueError where a digest is missing, or is not of what stands beside it."""
    for wheel in plugin.packages.node:
        if canonical(wheel.name) != WHEEL.partition("==")[0]:  # it is run to install the others
            raise ValueError(f"{wheel.name} is not the Node.js that plugins are installed with")
    if plugin.entry.remote is not None:
        if plugin.digest != remote_digest(plugin.entry.remote):
            raise ValueError("its digest is not that of the address that is locked")
        return
    (package,) = plugin.entry.packages
    own = {"pypi": plugin.packages.python, "npm": plugin.packages.npm, "git": plugin.commit, "path": plugin.digest}
    if not own.get(package.type):
        raise ValueError(f"there is no digest of its {package.type} package")
    if package.type in ("pypi", "npm") and not (plugin.version == package.version and _has_own(plugin, package)):
        raise ValueError(f"what is locked of {package.name} is not the version {plugin.version}")
    if package.type == "git" and f"@{plugin.commit}" not in package.name:
        raise ValueError("its commit is not that of the address that is locked")


def _has_own(plugin: LockedPlugin, package: Package) -> bool:
    """Return whether the plugin's own *package* is among those that are installed, in the plugin's version."""
    if package.type == "npm":
        return bool(plugin.packages.npm.get(f"node_modules/{package.name}", {}).get("version") == plugin.version)
    from packaging.version import Version

    own = (each for each in plugin.packages.python if canonical(each.name) == canonical(package.name))
    return any(Version(each.version) == Version(plugin.version) for each in own)


def _wheel_of(told: _Wheel) -> LockedWheel:
    return LockedWheel(told.name, told.version, tuple(told.hashes), told.marker)
