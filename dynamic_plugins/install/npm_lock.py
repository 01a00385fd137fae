"""What npm wrote down of the packages that it installed: its ``package-lock.json``."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.python_environment import Distribution

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from dynamic_plugins.registry.entry import Package

_MOST_LOCK = 2**26
ELSEWHERE = "{by} needs {wanted}, which is not from npm's registry. Only what comes from there is installed"


def distributions(plugin: str, folder: Path) -> tuple[Distribution, ...]:
    """Return every package that was installed in *folder*; the digest is npm's own ``integrity`` of its archive.

    Raises InstallError.
    """
    return tuple(
        Distribution(_name(path), str(each.get("version", "")), each.get("integrity"))
        for path, each in locked(plugin, folder).items()
        if path
    )


def scripts_not_run(folder: Path) -> list[str]:
    """Return the packages in *folder* that have install scripts; none where that cannot be read."""
    try:
        packages = locked("", folder)
    except InstallError:
        return []
    return [_name(path) for path, each in packages.items() if path and each.get("hasInstallScript") is True]


def check_sources(plugin: str, folder: Path, pinned: Collection[str] = ()) -> None:
    """Raise InstallError where a package in *folder* came from elsewhere than npm's registry: git, an address, a path.

    Nothing of them has been run. One that is optional, and was left out, is no hindrance; nor is what is asked for of
    those that are *pinned*, which are there in a version from the registry in any case.
    """
    packages = locked(plugin, folder)
    for path, each in packages.items():
        needed, optional = each.get("dependencies") or {}, each.get("optionalDependencies") or {}
        for name, wanted in {**(each.get("peerDependencies") or {}), **optional, **needed}.items():
            is_there = name in needed or any(place in packages for place in _places(path, name))
            if path and is_there and name not in pinned and is_elsewhere(str(wanted)):
                raise InstallError(plugin, ELSEWHERE.format(by=_name(path), wanted=wanted))


def check_integrity(plugin: str, package: Package, archive: Path, packages: Mapping[str, Any]) -> None:
    """Raise InstallError where *packages* have another file for *package* than *archive*, which was compared."""
    own = packages.get(f"node_modules/{package.name}", {}).get("integrity", "")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" not in own.split():
        reason = f"{package.name} is not the file that its registry entry describes (its digest differs)"
        raise InstallError(plugin, reason)


def is_elsewhere(wanted: str) -> bool:
    """Return whether a dependency is none on a version: ``git+https://…``, ``https://….tgz``, ``owner/repo``."""
    return not wanted.startswith("npm:") and (":" in wanted or "/" in wanted)


def _places(path: str, name: str) -> list[str]:
    """Return where the package at *path* finds its dependency *name*, the nearest first."""
    parts = [each for each in re.split(r"/?node_modules/", path) if each]
    return ["/".join(f"node_modules/{each}" for each in (*parts[:depth], name)) for depth in range(len(parts), -1, -1)]


def locked(plugin: str, folder: Path) -> dict[str, Any]:
    """Return what npm wrote down of each package in *folder*, by its place. Raises InstallError."""
    try:
        packages = parse_json(read_file(folder / "package-lock.json", _MOST_LOCK))["packages"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InstallError(plugin, f"npm left no list of what it installed: {error}") from error
    return {path: each for path, each in packages.items() if isinstance(each, dict)}


def _name(path: str) -> str:
    """Return the name of the package at a place such as ``node_modules/a/node_modules/@b/c``."""
    return path.rpartition("node_modules/")[2]
