"""A Python environment for one plugin, made and filled by uv; what lies in it is read without importing any of it."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.installation import Distribution
from dynamic_plugins.install.process import Finished, run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

NEAREST = 3


@dataclass(frozen=True)
class PythonEnvironment:
    """The environment in *folder*; it can be moved as long as nothing runs from it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where packages lie; made by :func:`create`."""
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
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
        parser.read_string((info / "entry_points.txt").read_text(encoding="utf-8"))
        if not parser.has_section(group):
            return {}
        # Extras after the object, `module:attribute [extra]`, are an old form that nothing needs here.
        return {name: value.split("[")[0].strip() for name, value in parser.items(group)}

    def requirements(self, package: str) -> list[Requirement]:
        """Return what *package* says that it needs here, from its METADATA."""
        from packaging.requirements import InvalidRequirement, Requirement

        info = self.dist_info(package)
        if info is None:
            return []
        found = []
        for line in (info / "METADATA").read_text(encoding="utf-8", errors="replace").splitlines():
            if not line:
                break  # the description begins
            if line.lower().startswith("requires-dist:"):
                with contextlib.suppress(InvalidRequirement):
                    requirement = Requirement(line.partition(":")[2].strip())
                    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                        found.append(requirement)
        return found

    def modules(self, package: str) -> list[str]:
        """Return the importable top-level names that *package* brought, from its RECORD."""
        info = self.dist_info(package)
        if info is None or not (info / "RECORD").is_file():
            return []
        names = []
        for line in (info / "RECORD").read_text(encoding="utf-8").splitlines():
            parts = line.split(",")[0].strip('"').split("/")
            name = parts[0].removesuffix(".py") if len(parts) == 1 else parts[0]
            if name.isidentifier() and name not in names and (len(parts) > 1 or parts[0].endswith(".py")):
                names.append(name)
        return names


def canonical(name: str) -> str:
    """Return a package name in PEP 503's normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name_and_version(dist_info: Path) -> tuple[str, str]:
    name, _, version = dist_info.name.removesuffix(".dist-info").rpartition("-")
    return name.replace("_", "-"), version


def too_new(environment: PythonEnvironment, package: str, libraries: Collection[str]) -> list[str]:
    """Return the requirements that bring *libraries* back to the major version that *package* was written for.

    A package that names a lowest version and no highest gets a major version it has never seen; of the libraries
    that the whole of it stands on, that is one in which it does not even start.
    """
    from packaging.version import Version

    installed = {canonical(each.name): each.version for each in environment.distributions()}
    older = []
    for requirement in environment.requirements(package):
        name = canonical(requirement.name)
        bounds = list(requirement.specifier)
        if name not in libraries or name not in installed or any(each.operator != ">=" for each in bounds):
            continue
        written_for = max((Version(each.version).major for each in bounds), default=None)
        if written_for is not None and written_for < Version(installed[name]).major:
            older.append(f"{name}>={max(each.version for each in bounds)},<{written_for + 1}")
    return older


class Uv:
    """Makes environments and fills them. *options* go to every install; wheels only unless *allow_builds*."""

    def __init__(
        self, *, python: str, allow_builds: bool, exclude_newer: str | None, environ: Mapping[str, str], seconds: float
    ) -> None:
        self._python, self._environ, self._seconds = python, environ, seconds
        self._options = [] if allow_builds else ["--only-binary", ":all:"]
        if exclude_newer:
            self._options += ["--exclude-newer", exclude_newer]

    @staticmethod
    def binary() -> str:
        """Return the path of the uv that comes with its wheel."""
        from uv import find_uv_bin

        return find_uv_bin()

    def commands(self, requirements: Sequence[str], environment: str) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`create` and :meth:`install` run, with *environment* for the folder."""
        make = ("uv", "venv", "--quiet", "--no-project", "--relocatable", "--python", self._python, environment)
        fill = ("uv", "pip", "install", "--quiet", "--python", f"{environment}/bin/python", *self._options)
        return (make, (*fill, "--", *requirements)) if requirements else (make,)

    async def create(self, plugin: str, folder: Path, requirements: Sequence[str]) -> PythonEnvironment:
        """Make an environment in *folder* with *requirements* in it. Raises InstallError or PluginTimeoutError."""
        await self._run(plugin, folder, self.commands(requirements, str(folder)), requirements)
        return PythonEnvironment(folder)

    async def add(self, plugin: str, environment: PythonEnvironment, requirements: Sequence[str]) -> None:
        """Bring *requirements* into an environment. Raises InstallError or PluginTimeoutError."""
        fill = self.commands(requirements, str(environment.folder))[1:]
        await self._run(plugin, environment.folder, fill, requirements)

    async def _run(
        self, plugin: str, folder: Path, commands: Sequence[tuple[str, ...]], requirements: Sequence[str]
    ) -> None:
        for command in commands:
            done = await run(
                plugin,
                (self.binary(), *command[1:]),
                cwd=folder.parent,
                environ=dict(self._environ) | {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"},
                seconds=self._seconds,
            )
            if done.code != 0:
                raise InstallError(plugin, explain(done, requirements))


def explain(done: Finished, requirements: Sequence[str]) -> str:
    """Return uv's own reason in a sentence or two, with what to do."""
    text = " ".join(done.err.replace("├─▶", " ").replace("╰─▶", " ").split())
    wanted = requirements[0] if requirements else ""
    if "was not found in the package registry" in text or "not found in the cache" in text:
        missing = re.search(r"([\w.-]+) was not found", text)
        return f"the package index has no package {missing.group(1) if missing else wanted}"
    if "there is no version of" in text:
        return f"there is no version {wanted.partition('==')[2] or wanted} of {wanted.partition('==')[0]}"
    if "no wheels" in text or "no usable wheels" in text or "no matching platform" in text or "only-binary" in text:
        return (
            f"{wanted} or something it needs is published only as source or for other machines. Building runs its "
            "code at once; a person can allow it with DYNAMIC_PLUGINS_ALLOW_BUILDS=1"
        )
    if any(word in text.lower() for word in ("dns error", "connection", "timed out", "network", "sending request")):
        return "the package index cannot be reached. Check the network and try again"
    if "No space left" in text:
        return "the disk is full. Make room and try again"
    reason = text.partition("error: ")[2] or text or f"uv ended with exit code {done.code}"
    return reason[:400]
