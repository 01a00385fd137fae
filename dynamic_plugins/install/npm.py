"""An npm package for one plugin, in a folder of its own; its scripts are never run."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.command import Finished, Tell, run, short, versions_there_are
from dynamic_plugins.install.python_environment import Distribution
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Package

_ARCHIVES = "archives"
_MOST_LOCK = 2**26
_NEAREST_SECONDS = 20.0
"""How long the versions that there are may be looked for, once it is known that the one asked for is not."""

OLDEST_NODE = 18


class Npm:
    """Installs npm packages, none newer than *exclude_newer*. *environ* has the PATH where node and npm are found."""

    def __init__(self, *, environ: Mapping[str, str], exclude_newer: str | None = None) -> None:
        self._environ, self._exclude_newer = environ, exclude_newer
        path = environ.get("PATH")
        self.node, self._npm = shutil.which("node", path=path), shutil.which("npm", path=path)

    @property
    def available(self) -> bool:
        """Whether this machine has node and npm."""
        return self.node is not None and self._npm is not None

    def commands(self, package: Package, version: str | None, folder: str) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`install` runs; a package whose digest is known is downloaded first, to compare it.

        Raises ValueError where *exclude_newer* is nothing that npm could keep to.
        """
        requirement = f"{package.name}@{version or 'latest'}"
        if not package.sha256:
            return (self._install(requirement, folder),)
        archive = f"{folder}/{_ARCHIVES}/<the file that was downloaded and compared>"
        return (self._pack(requirement, folder), self._install(archive, folder))

    def _install(self, requirement: str, folder: str) -> tuple[str, ...]:
        # What a person has set for their own projects must not move the packages elsewhere or leave the lock out.
        place = ("--no-global", "--package-lock", "--install-strategy=hoisted", "--prefix", folder)
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
        return ("npm", "install", "--ignore-scripts", *quiet, *self._before(), *place, "--", requirement)

    def _pack(self, requirement: str, folder: str) -> tuple[str, ...]:
        where = ("--pack-destination", f"{folder}/{_ARCHIVES}")
        return ("npm", "pack", "--ignore-scripts", "--loglevel=error", *self._before(), *where, "--", requirement)

    def _before(self) -> tuple[str, ...]:
        return (f"--before={instant(self._exclude_newer)}",) if self._exclude_newer else ()

    async def install(self, plugin: str, folder: Path, package: Package, version: str | None, tell: Tell) -> None:
        """Install *package* in *folder*, which is there and empty.

        Raises InstallError, and UnavailableHereError where Node.js is too old.
        """
        tell("environment", "", 0.05)
        await asyncio.to_thread((folder / "package.json").write_text, '{"private": true}\n', encoding="utf-8")
        await self._check_node(plugin, folder)
        requirement = f"{package.name}@{version or 'latest'}"
        if package.sha256:
            (folder / _ARCHIVES).mkdir()
            tell("download", "downloading the package", 0.1)
            await self._run(plugin, folder, self._pack(requirement, str(folder)), package, version)
            requirement = await asyncio.to_thread(_compared, plugin, package, folder / _ARCHIVES)
        tell("download", "downloading and installing", 0.2)
        await self._run(plugin, folder, self._install(requirement, str(folder)), package, version)

    async def _check_node(self, plugin: str, folder: Path) -> None:
        said = (await run(plugin, (self.node or "node", "--version"), cwd=folder, environ=self._environ)).out.strip()
        found = re.match(r"v(\d+)", said)
        if found is None or int(found.group(1)) < OLDEST_NODE:
            reason = f"it needs Node.js {OLDEST_NODE} or newer, and {self.node} is {said or 'something else'}."
            raise UnavailableHereError(plugin, reason)

    async def _run(
        self, plugin: str, folder: Path, command: Sequence[str], package: Package, version: str | None
    ) -> None:
        done = await run(plugin, (self._npm or "npm", *command[1:]), cwd=folder, environ=self._environ)
        if done.code != 0:
            there_are = await self._versions(plugin, folder, package, version) if "ETARGET" in done.err else ""
            raise InstallError(plugin, explain(done, package.name) + there_are)

    async def _versions(self, plugin: str, folder: Path, package: Package, version: str | None) -> str:
        """Return a sentence that names the versions nearest to *version*, and the newest."""
        ask = (self._npm or "npm", "view", "--json", "--loglevel=error", "--", package.name, "versions")
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

    @staticmethod
    def distributions(plugin: str, folder: Path) -> tuple[Distribution, ...]:
        """Return every package that was installed; the digest is npm's own ``integrity`` of the downloaded archive."""
        try:
            lock = parse_json(read_file(folder / "package-lock.json", _MOST_LOCK))
        except (OSError, ValueError) as error:
            raise InstallError(plugin, f"npm left no list of what it installed: {error}") from error
        return tuple(
            Distribution(path.rpartition("node_modules/")[2], str(each.get("version", "")), each.get("integrity"))
            for path, each in lock.get("packages", {}).items()
            if path
        )


def variables(manifest: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Return the configuration that an elizaOS ``package.json`` declares.

    ``agentConfig.pluginParameters`` is read as the elizaOS command line does: a parameter without ``required`` is
    required unless it is ``optional`` or has a default; ``elizaos.requiredEnvVars`` is an older form.
    """
    declared = (manifest.get("agentConfig") or {}).get("pluginParameters") or {}
    found = [_parameter(name, each) for name, each in declared.items() if isinstance(each, dict)]
    for each in (manifest.get("elizaos") or {}).get("requiredEnvVars") or ():
        if isinstance(each, dict) and each.get("name"):
            secret = bool(each.get("sensitive", looks_secret(each["name"])))
            found.append(
                Variable(
                    each["name"],
                    str(each.get("description", "")),
                    required=True,
                    secret=secret,
                    secret_declared="sensitive" in each,
                )
            )
    return tuple(each for each in found if not is_forbidden(each.name))


def _parameter(name: str, told: Mapping[str, Any]) -> Variable:
    default = told.get("default")
    return Variable(
        name=name,
        description=str(told.get("description") or ""),
        required=bool(told.get("required", not told.get("optional", False))),
        secret=bool(told.get("sensitive", looks_secret(name))),
        secret_declared="sensitive" in told,
        default=None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        format={"number": "number", "boolean": "boolean"}.get(str(told.get("type")), "string"),  # type: ignore[arg-type]
    )


def instant(exclude_newer: str) -> str:
    """Return *exclude_newer* as npm reads it: a date stays, uv's ``3 days`` or ``P3D`` becomes one, ago from now.

    Raises ValueError for anything else, which npm would pass over in silence.
    """
    if found := re.fullmatch(r"P?(\d+) ?(d|w)(?:ays?|eeks?)?", exclude_newer.strip(), re.IGNORECASE):
        days = int(found.group(1)) * (7 if found.group(2).lower() == "w" else 1)
        return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    datetime.fromisoformat(exclude_newer.strip())
    return exclude_newer.strip()


def nearest(version: str, versions: Sequence[str]) -> list[str]:
    """Return the version before *version*, the one after it, and the newest; *versions* comes in order."""

    def key(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text.split("-")[0])]

    releases = [each for each in versions if "-" not in each] or list(versions)
    before = [each for each in releases if key(each) < key(version)]
    after = [each for each in releases if key(each) > key(version)]
    return [*before[-1:], *after[:1], *releases[-1:]]


def _compared(plugin: str, package: Package, folder: Path) -> str:
    """Return the one archive in *folder*, which must be the file that the registry entry describes."""
    (archive,) = folder.iterdir()
    if hashlib.sha256(archive.read_bytes()).hexdigest() != (package.sha256 or "").lower():
        raise InstallError(
            plugin, f"{package.name} is not the file that its registry entry describes (SHA-256 differs)"
        )
    return str(archive)


# What npm says, and what a person is told; the first that fits counts.
_REASONS = (
    (
        "with a date before|ENOVERSIONS",
        "{package} was published too recently: only what is older than DYNAMIC_PLUGINS_EXCLUDE_NEWER says is installed",
    ),
    (
        r"No matching version found for (?P<name>\S+)@(?P<version>[^\s@]+?)\.?(?:\s|$)",
        "there is no version {version} of {name}",
    ),
    (r"E404[\s\S]*'(?P<name>[^'\s]+)@[^'\s]*'", "npm has no package {name}"),
    ("E404", "npm has no package {package}"),
    ("ENOSPC", "the disk is full. Make room and try again"),
    ("EBADENGINE", "{package} needs another version of Node.js"),
    (
        "ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED",
        "npm's registry cannot be reached. Check the network and try again",
    ),
)


def explain(done: Finished, package: str) -> str:
    """Return npm's own reason in a sentence, with what to do."""
    for pattern, sentence in _REASONS:
        if found := re.search(pattern, done.err):
            facts = {"package": package, **found.groupdict()}
            if facts.get("name", package) != package:
                facts["name"] += f" (which {package} needs)"
            return sentence.format_map(facts)
    lines = [re.sub(r"^npm (error|ERR!)\s*", "", line).strip() for line in done.err.splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "A complete log", "code ", "errno "))]
    return short(" ".join(told)) or f"npm ended with exit code {done.code}"
