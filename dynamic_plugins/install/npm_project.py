"""A package of npm that is installed together with others in exact versions, whatever anybody asks for of those."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.registry.entry import Package

Pins = tuple[tuple[str, str], ...]
"""Names of packages with the exact version that each is installed in."""


@dataclass(frozen=True, slots=True)
class NpmProject:
    """*package* in *version*, with *pins*."""

    package: Package
    version: str
    pins: Pins = ()
    needs: Pins = ()
    """What is installed for a package that npm does not have, in its place."""

    @property
    def pinned(self) -> frozenset[str]:
        """The names of the packages whose versions are given."""
        return frozenset(name for name, _ in self.pins)

    @property
    def shown(self) -> str:
        """What its ``package.json`` asks for, as a word of a command: it stands in no command line."""
        asked = ", ".join(f"{name}@{version}" for name, version in self.asked().items())
        return f"<a package.json: {asked}>"

    def asked(self) -> dict[str, str]:
        """Return what its ``package.json`` asks for: names of packages, each with a version or range."""
        own = {self.package.name: self.version} if self.package.type == "npm" else dict(self.needs)
        return {**own, **dict(self.pins)}

    def package_json(self, archive: Path | None = None) -> dict[str, Any]:
        """Return its ``package.json``; the package itself is taken from *archive* where that is given."""
        own = {self.package.name: f"file:{archive}"} if archive is not None else {}
        return {"private": True, "dependencies": self.asked() | own, "overrides": dict(self.pins)}

    def write(self, folder: Path, archive: Path | None = None) -> None:
        """Write its ``package.json`` into *folder*."""
        (folder / "package.json").write_text(json.dumps(self.package_json(archive), indent=1) + "\n", encoding="utf-8")
