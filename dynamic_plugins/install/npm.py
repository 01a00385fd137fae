"""An npm package for one plugin, in a folder of its own; its scripts are never run."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.installation import Distribution
from dynamic_plugins.install.process import Finished, run
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.registry.fields import looks_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Npm:
    """Installs npm packages. *environ* has the PATH in which node and npm are looked for."""

    def __init__(self, *, environ: Mapping[str, str], seconds: float) -> None:
        self._environ, self._seconds = environ, seconds
        path = environ.get("PATH")
        self.node, self._npm = shutil.which("node", path=path), shutil.which("npm", path=path)

    @property
    def available(self) -> bool:
        """Whether this machine has node and npm."""
        return self.node is not None and self._npm is not None

    @staticmethod
    def command(requirement: str, folder: str) -> tuple[str, ...]:
        """Return what :meth:`install` runs."""
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
        return ("npm", "install", "--ignore-scripts", *quiet, "--prefix", folder, "--", requirement)

    async def install(self, plugin: str, folder: Path, package: str, version: str | None) -> None:
        """Install *package* in *folder*, which is there and empty. Raises InstallError or PluginTimeoutError."""
        await asyncio.to_thread((folder / "package.json").write_text, '{"private": true}\n', encoding="utf-8")
        requirement = f"{package}@{version or 'latest'}"
        command = (self._npm or "npm", *self.command(requirement, str(folder))[1:])
        done = await run(plugin, command, cwd=folder, environ=self._environ, seconds=self._seconds)
        if done.code != 0:
            raise InstallError(plugin, explain(done, package, version))

    @staticmethod
    def manifest(folder: Path, package: str) -> dict[str, Any]:
        """Return the installed package's ``package.json``; empty where it cannot be read."""
        try:
            data = json.loads((folder / "node_modules" / package / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    @staticmethod
    def distributions(folder: Path) -> tuple[Distribution, ...]:
        """Return every package that was installed; the digest is npm's own ``integrity`` of the downloaded archive."""
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
        return tuple(
            Distribution(path.rpartition("node_modules/")[2], str(each.get("version", "")), each.get("integrity"))
            for path, each in lock.get("packages", {}).items()
            if path
        )


def script(plugin: str, package: str, manifest: Mapping[str, Any]) -> str:
    """Return the script that the package's command runs, relative to the package. Raises InstallError."""
    command = manifest.get("bin")
    if isinstance(command, str):
        return command
    if isinstance(command, dict) and command:
        return str(command.get(package.rsplit("/", 1)[-1]) or next(iter(command.values())))
    raise InstallError(plugin, f"the npm package {package} has no command that could be started")


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
            found.append(Variable(each["name"], str(each.get("description", "")), required=True, secret=secret))
    return tuple(found)


def _parameter(name: str, told: Mapping[str, Any]) -> Variable:
    default = told.get("default")
    return Variable(
        name=name,
        description=str(told.get("description") or ""),
        required=bool(told.get("required", not told.get("optional", False))),
        secret=bool(told.get("sensitive", looks_secret(name))),
        default=None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        format={"number": "number", "boolean": "boolean"}.get(str(told.get("type")), "string"),  # type: ignore[arg-type]
    )


def explain(done: Finished, package: str, version: str | None) -> str:
    """Return npm's own reason in a sentence."""
    text = done.err
    if "E404" in text or "404 Not Found" in text:
        return f"npm has no package {package}"
    if "ETARGET" in text or "notarget" in text:
        return f"there is no version {version} of {package}"
    if any(code in text for code in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET")):
        return "npm's registry cannot be reached. Check the network and try again"
    if "ENOSPC" in text:
        return "the disk is full. Make room and try again"
    if "EBADENGINE" in text:
        return f"{package} needs another version of Node.js"
    lines = [re.sub(r"^npm (error|ERR!)\s*", "", line) for line in text.splitlines() if line.strip()]
    return " ".join(lines)[:400] or f"npm ended with exit code {done.code}"
