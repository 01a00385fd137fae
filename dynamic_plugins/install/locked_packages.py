"""All that is installed for one plugin, exactly: each package with its version and its digests, for every system.

It is found out once, by the programs that install (uv, npm), and installed from without asking an index which versions
there are. What comes from PyPI is kept as the lines of a requirements file, what comes from npm as the packages of a
``package-lock.json``, without the addresses: each machine has its own index, and the digest says whether the file that
it gives is the one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.install.npm_project import Pins

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?(?=\s*\\|\s*$)")
NPM_FACTS = frozenset(
    {
        *("name", "version", "integrity", "bin", "engines", "os", "cpu", "libc"),
        *("dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies"),
        *("optional", "peer", "dev", "devOptional", "inBundle", "hasInstallScript", "hasShrinkwrap"),
    }
)
"""What npm notes of a package and installs by, but for addresses and links, which lead elsewhere."""
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """One package of PyPI. *hashes* are those of all its files, one of which each system takes."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""
    """Where it is installed (PEP 508); empty: everywhere."""

    @property
    def requirement(self) -> str:
        """The line of a requirements file that stands for it."""
        where = f" ; {self.marker}" if self.marker else ""
        return f"{self.name}=={self.version}{where} {' '.join(f'--hash={each}' for each in self.hashes)}"


@dataclass(frozen=True, slots=True)
class LockedPackages:
    """What is installed for one plugin; what its own code is of, git or a folder, is not among it."""

    python: tuple[LockedWheel, ...] = ()
    npm: Mapping[str, Any] = field(default_factory=dict)
    """The packages of a ``package-lock.json`` by their place, without that of the project itself."""
    pins: Pins = ()
    """The packages of npm that an elizaOS plugin is installed with in exactly this version."""
    node: tuple[LockedWheel, ...] = ()
    """Node.js, from PyPI, for a machine that has none which would do."""

    @property
    def requirements(self) -> list[str]:
        """The lines of a requirements file for its Python environment."""
        return [each.requirement for each in self.python]

    @property
    def count(self) -> int:
        """How many packages it names, for all systems together."""
        return len(self.python) + len(self.npm)

    def write_npm_lock(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """Write its ``package-lock.json`` beside the ``package.json`` that is *manifest*."""
        root = {"dependencies": manifest["dependencies"]}
        lock = {"lockfileVersion": 3, "requires": True, "packages": {"": root, **self.npm}}
        (folder / "package-lock.json").write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")


def wheels_of(text: str, direct: int = 0) -> tuple[LockedWheel, ...]:
    """Return the packages of a requirements file that uv wrote, with their digests.

    So many as *direct* may be from an address or a path, and are left out. Raises ValueError for a package without a
    digest, and for more of those.
    """
    found, others = [], []
    for line in text.replace("\\\n", " ").splitlines():
        requirement = line.partition(" --hash=")[0].strip()
        if not requirement or requirement.startswith(("#", "-")):
            continue
        if (told := _LINE.match(requirement)) is None:
            others.append(requirement)
            continue
        hashes = tuple(_HASH.findall(line))
        if not hashes:
            raise ValueError(f"its index gives no digest of {told['name']} {told['version']}")
        found.append(LockedWheel(told["name"], told["version"], hashes, told["marker"] or ""))
    if len(others) > direct:
        raise ValueError(f"it needs {others[-1]}, which is from no index, so that nothing can be locked of it")
    return tuple(found)


def without_addresses(packages: Mapping[str, Any]) -> dict[str, Any]:
    """Return the *packages* of a ``package-lock.json`` without where they were found, and whose they are.

    Raises ValueError for one without a digest, or that is no package of a registry.
    """
    kept: dict[str, Any] = {}
    for place, facts in packages.items():
        if not place:
            continue
        if facts.get("link") or not (facts.get("integrity") or facts.get("inBundle")):
            raise ValueError(f"npm gives no digest of {place.rpartition('node_modules/')[2]}")
        kept[place] = {key: value for key, value in facts.items() if key in NPM_FACTS and value is not None}
    return kept
