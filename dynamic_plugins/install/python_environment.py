"""What lies in a plugin's Python environment, read without importing any of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.core.outside_data import read_file
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Distribution:
    """One package that lies in a plugin's environment, exactly. *digest* is ``sha256:…`` or npm's ``sha512-…``."""

    name: str
    version: str
    digest: str | None = None


@dataclass(frozen=True)
class PythonEnvironment:
    """The environment in *folder*; it can be moved as long as nothing runs from it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where packages lie."""
        return next((self.folder / "lib").glob("python3*/site-packages"))

    def dist_infos(self) -> Iterator[Path]:
        """Return the metadata folder of each installed package."""
        yield from sorted(self.site_packages.glob("*.dist-info"))

    def dist_info(self, package: str) -> Path | None:
        """Return one package's metadata folder, whatever the spelling of its name (PEP 503)."""
        wanted = canonical(package)
        return next((path for path in self.dist_infos() if canonical(_name_and_version(path)[0]) == wanted), None)

    def distributions(self) -> tuple[Distribution, ...]:
        """Return every package that lies here. The digest is of its RECORD, which lists the hash of each file."""
        found = []
        for path in self.dist_infos():
            name, version = _name_and_version(path)
            record = path / "RECORD"
            digest = hashlib.sha256(record.read_bytes()).hexdigest() if record.is_file() else None
            found.append(Distribution(name, version, f"sha256:{digest}" if digest else None))
        return tuple(found)

    def entry_points(self, package: str, group: str) -> dict[str, str]:
        """Return the entry points of *package* in *group*: name to ``module:attribute``."""
        info = self.dist_info(package)
        if info is None or not (info / "entry_points.txt").is_file():
            return {}
        return parse_entry_points(read_file(info / "entry_points.txt").decode(), group)

    def own_file(self, package: str, name: str) -> bytes:
        """Return the content of the file *name* that *package* brought, at its top or in its package; or nothing."""
        for path in self._files(package):
            if path.rsplit("/", 1)[-1] == name and path.count("/") <= 1 and (self.site_packages / path).is_file():
                return read_file(self.site_packages / path)
        return b""

    def python_version(self) -> str:
        """Return the version of its interpreter, ``3.11.7``, from ``pyvenv.cfg``; empty where there is none."""
        try:
            text = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        found = re.search(r"^version(?:_info)? *= *([\d.]+)", text, re.MULTILINE)
        return found.group(1).rstrip(".") if found else ""

    def direct(self) -> list[str]:
        """Return the names of the packages that came from an address or a path, and from no index (PEP 610)."""
        return [_name_and_version(path)[0] for path in self.dist_infos() if (path / "direct_url.json").is_file()]

    def written_by_others(self) -> list[str]:
        """Return the names of the packages that brought a file of another one's metadata, by their own RECORD."""
        found = []
        for info in self.dist_infos():
            tops = {os.path.normpath(path).partition(os.sep)[0] for path in _recorded(info)}
            if any(top.endswith(".dist-info") and top != info.name for top in tops):
                found.append(_name_and_version(info)[0])
        return found

    def requirements(self, package: str, extra: str = "") -> list[Requirement]:
        """Return what *package*, with that *extra*, says that it needs here, from its METADATA."""
        from packaging.requirements import InvalidRequirement, Requirement

        info = self.dist_info(package)
        if info is None:
            return []
        here, found = {"extra": extra} | self._python_here(), []
        for line in read_file(info / "METADATA", _MOST_METADATA).decode(errors="replace").splitlines():
            if not line:
                break  # the description begins
            if line.lower().startswith("requires-dist:"):
                with contextlib.suppress(InvalidRequirement, RecursionError):
                    requirement = Requirement(line.partition(":")[2].strip())
                    if requirement.marker is None or requirement.marker.evaluate(here):
                        found.append(requirement)
        return found

    def requires_python(self, package: str) -> str:
        """Return on which Pythons *package* says that it runs, from its METADATA; empty where it does not."""
        info = self.dist_info(package)
        if info is None:
            return ""
        head = read_file(info / "METADATA", _MOST_METADATA).decode(errors="replace").partition("\n\n")[0]
        found = re.search(r"^Requires-Python:(.*)$", head, re.MULTILINE | re.IGNORECASE)
        return found[1].strip() if found else ""

    def _python_here(self) -> dict[str, str]:
        """Return the version of its interpreter as a marker knows it (PEP 508); it may be another than ours."""
        version = self.python_version()
        short = ".".join(version.split(".")[:2])
        return {"python_version": short, "python_full_version": version} if version else {}

    def modules(self, package: str) -> list[str]:
        """Return the importable top-level names that *package* brought, from its RECORD."""
        names = []
        for path in self._files(package):
            parts = path.split("/")
            name = parts[0].removesuffix(".py") if len(parts) == 1 else parts[0]
            if name.isidentifier() and name not in names and (len(parts) > 1 or parts[0].endswith(".py")):
                names.append(name)
        return names

    def _files(self, package: str) -> list[str]:
        """Return the paths of the files that *package* brought, relative to where packages lie, from its RECORD."""
        info = self.dist_info(package)
        return [] if info is None else _recorded(info)


def _recorded(info: Path) -> list[str]:
    """Return the paths in the RECORD of the metadata folder *info*."""
    if not (info / "RECORD").is_file():
        return []
    import csv

    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        return [row[0] for row in csv.reader(record) if row]


_MOST_METADATA = 2**23
"""METADATA holds a package's whole description, now and then with pictures."""


def parse_entry_points(text: str, group: str) -> dict[str, str]:
    """Return the entry points of *group* in an ``entry_points.txt``: name to ``module:attribute``."""
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    if not parser.has_section(group):
        return {}
    # Extras after the object, `module:attribute [extra]`, are an old form that nothing needs here.
    return {name: value.split("[")[0].strip() for name, value in parser.items(group)}


def _name_and_version(dist_info: Path) -> tuple[str, str]:
    name, _, version = dist_info.name.removesuffix(".dist-info").rpartition("-")
    return name.replace("_", "-"), version


_MCP_LIBRARIES = frozenset({"mcp", "fastmcp"})


def too_new(environment: PythonEnvironment, package: str) -> list[str]:
    """Return the requirements that bring MCP's libraries back to the major version that *package* was written for.

    A package that names a lowest version and no highest gets a major version it has never seen; of the libraries
    that the whole of it stands on, that is one in which it does not even start.
    """
    from packaging.version import Version

    installed = {canonical(each.name): each.version for each in environment.distributions()}
    older = []
    for requirement in environment.requirements(package):
        name = canonical(requirement.name)
        bounds = list(requirement.specifier)
        if name not in _MCP_LIBRARIES or name not in installed or any(each.operator != ">=" for each in bounds):
            continue
        written_for = max((Version(each.version).major for each in bounds), default=None)
        if written_for is not None and written_for < Version(installed[name]).major:
            older.append(f"{name}>={max(each.version for each in bounds)},<{written_for + 1}")
    return older + _without_what_was_borrowed(environment)


def _without_what_was_borrowed(environment: PythonEnvironment) -> list[str]:
    """Return what brings pydantic back to a version that the installed MCP library can be imported with.

    The early ones take a name out of pydantic's own inner modules, which later versions of it do not have any more.
    """
    borrower = environment.site_packages / "mcp/server/fastmcp/utilities/func_metadata.py"
    lender = environment.site_packages / "pydantic/_internal/_typing_extra.py"
    if not (borrower.is_file() and lender.is_file()):
        return []
    name = b"eval_type_backport"
    return ["pydantic<2.12"] if name in read_file(borrower) and name not in read_file(lender) else []
