"""What another machine makes an install from, found out of the install itself.

Packages are named with the version that lies here and with the digests of their files, as in a lock; a plugin's own
code is carried along where no index has it, and of a repository its commit stands for it. Nothing of an environment is
carried: each machine makes its own.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import tarfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install import bun_lock, npm_lock
from dynamic_plugins.install.copied_source import NOT_COPIED, digest
from dynamic_plugins.install.installation import is_editable
from dynamic_plugins.install.locked_packages import LockedPackages, LockedWheel, without_addresses
from dynamic_plugins.install.npm_project import NpmProject
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.registry.entry import Package, canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.programs import Programs
    from dynamic_plugins.install.python_environment import Distribution

MOST_CARRIED = 32 * 2**20
"""So many bytes may a plugin's own code have, packed."""
_SHARE = "put its home on a folder that all machines see at the same path"


@dataclass(frozen=True)
class Recipe:
    """All that an install is made of. *source* is the plugin's own folder or wheel as a tar, called *source_name*."""

    locked: LockedPackages
    source: bytes = b""
    source_name: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return all but the plugin's own code as a JSON-able dict."""
        return {"source_name": self.source_name, **asdict(self.locked)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: bytes) -> Recipe:
        """Read what :meth:`to_dict` gave. Raises KeyError or TypeError on anything else."""
        locked = LockedPackages(
            python=_wheels(data["python"]),
            npm=data["npm"],
            pins=tuple((str(name), str(version)) for name, version in data["pins"]),
            node=_wheels(data["node"]),
        )
        return cls(locked, source, data["source_name"])


def _wheels(listed: Sequence[Mapping[str, Any]]) -> tuple[LockedWheel, ...]:
    return tuple(LockedWheel(**{**each, "hashes": tuple(each["hashes"])}) for each in listed)


class RecipeStore(Protocol):
    """Keeps recipes where all machines find them that share a home's state, by the folder of the install.

    Methods raise StateError, and may block.
    """

    def put(self, path: str, recipe: Recipe) -> None:
        """Keep *recipe* for the install at *path*."""

    def get(self, path: str) -> Recipe | None:
        """Return the recipe of the install at *path*; None where none is kept."""

    def drop(self, path: str) -> None:
        """Forget the recipe of the install at *path*; nothing happens where none is kept."""

    def sweep(self, known: Collection[str]) -> None:
        """Forget the recipes that are a day old, of installs that are not *known*: somebody else may just be at one."""


async def recipe_of(
    installation: Installation, folder: Path, programs: Programs, locked: LockedPackages | None = None
) -> Recipe:
    """Return what *installation* is made of; *folder* is empty, and to be removed. *locked* is what it was made from,
    where that is known.

    Raises InstallError for what cannot be made elsewhere: what is used where it lies, code that is larger than
    :data:`MOST_CARRIED`, what is of several repositories, and packages that the index does not have any more.
    """
    name = installation.plugin
    if is_editable(installation):
        raise InstallError(name, f"its folder is used where it lies, which is not there on its node: {_SHARE}")
    if installation.package_type == "npm" or installation.runs_in_node:
        return Recipe(await _of_npm(installation, folder, programs) if locked is None else locked)
    own = await asyncio.to_thread(_own_code, installation) if installation.package_type == "path" else None
    source = await asyncio.to_thread(_packed, name, own) if own is not None else b""
    source_name = own.name if own is not None else ""
    if locked is not None:
        return Recipe(locked, source, source_name)
    of_index = await asyncio.to_thread(_of_index, installation, own)
    pins = [f"{each.name}=={each.version}" for each in of_index]
    loose = "elizaos" if installation.kind == "elizaos" else None
    wheels = await programs.uv.lock(name, folder, pins, None, loose=loose) if pins else ()
    return Recipe(LockedPackages(python=wheels), source, source_name)


def _of_index(installation: Installation, own: Path | None) -> list[Distribution]:
    """Return the packages of a Python environment that an index has: all but the plugin itself from a wheel or git."""
    ours = {canonical(own.name.split("-")[0])} if own is not None and own.suffix == ".whl" else set()
    if installation.package_type == "git":
        direct = PythonEnvironment(Path(installation.path) / "env").direct()
        if len(direct) != 1:
            reason = f"{len(direct)} of its packages came from git, and its node makes what has one such: {_SHARE}"
            raise InstallError(installation.plugin, reason)
        ours = {canonical(direct[0])}
    return [each for each in installation.distributions if canonical(each.name) not in ours]


async def _of_npm(installation: Installation, folder: Path, programs: Programs) -> LockedPackages:
    """Return the packages of npm that lie in an install; *folder* is empty, and to be removed."""
    own, name = Path(installation.path), installation.plugin
    try:
        manifest = parse_json(await asyncio.to_thread(read_file, own / "package.json"))
        pins = tuple((str(key), str(value)) for key, value in manifest.get("overrides", {}).items())
        if not (own / bun_lock.LOCK).is_file():
            packages = without_addresses(await asyncio.to_thread(npm_lock.locked, name, own))
            return LockedPackages(npm=packages, pins=pins)
        # npm takes the versions that Bun took, and adds what only npm writes down: what may be missing on which system.
        before = LockedPackages(npm=await asyncio.to_thread(bun_lock.as_npm, name, own), pins=pins)
        await asyncio.to_thread(before.write_npm_lock, folder, manifest)
        needs = tuple(manifest["dependencies"].items())
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InstallError(name, f"what was installed for it of npm cannot be read: {error}") from None
    packages = await programs.npm.lock(name, folder, NpmProject(Package("path", ""), "", pins, needs))
    found = {(npm_lock.name_at(place), each.get("version"), each["integrity"]) for place, each in packages.items()}
    others = {(each.name, each.version, each.digest) for each in installation.distributions} - found
    if others:
        reason = (
            f"npm finds another {', '.join(sorted(each for each, *_ in others))} than Bun installed for it: {_SHARE}"
        )
        raise InstallError(name, reason)
    return replace(before, npm=packages)


def _own_code(installation: Installation) -> Path:
    """Return the folder or wheel that *installation* was made from: its copy, or what was copied, while it is that."""
    source, package = Path(installation.path) / "source", Path(installation.package)
    for place in (source / package.name, source, package):
        if place.exists() and digest(place) == installation.digest:
            return place
    reason = f"the code that it was made from lies nowhere here any more, and not on its node: {_SHARE}"
    raise InstallError(installation.plugin, reason)


def _packed(plugin: str, own: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=6) as archive:
        archive.add(own, own.name, filter=_kept)
    if packed.tell() > MOST_CARRIED:
        size, most = packed.tell() // 2**20, MOST_CARRIED // 2**20
        raise InstallError(plugin, f"its code has {size} MB, and {most} MB are carried to a node: {_SHARE}")
    return packed.getvalue()


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    place = Path(member.name)
    left_out = place.parent != Path() and place.name in NOT_COPIED(str(place.parent), [place.name])
    return None if left_out else member


def unpack(recipe: Recipe, folder: Path) -> Path:
    """Put the code that *recipe* carries into *folder*, and return where it lies there. Raises OSError, ValueError."""
    # Before Python 3.11.4, as in Debian 12, the library's own leaves nothing out that would leave the folder.
    filtering: Any = tarfile if hasattr(tarfile, "data_filter") else importlib.import_module("backports.tarfile")
    try:
        with filtering.open(fileobj=io.BytesIO(recipe.source), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    except filtering.TarError as error:
        raise ValueError(str(error)) from None
    return folder / recipe.source_name
