"""The programs that install packages, and what may be done with them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dynamic_plugins.install.bun import Bun
    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.locked_packages import LockedWheel
    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.uv import Uv


@dataclass(frozen=True)
class Programs:
    """uv, npm and Bun, as they are found in *environment*; Python environments are made from the interpreter *python*.

    What npm and Bun are is found out at first use: most commands install nothing.
    """

    python: str
    environment: Mapping[str, str]
    allow_builds: bool
    """Whether packages may be built from source, and their install scripts be run."""
    may_link: Callable[[], bool]
    """Says whether no plugin can write to its own code, so that several may share a file."""
    bun_cache: Path
    tools: Path
    """Where a program is kept that only installs use."""

    @cached_property
    def has_git(self) -> bool:
        """Whether there is a git, which fetches repositories."""
        return shutil.which("git", path=self.environment.get("PATH")) is not None

    @cached_property
    def uv(self) -> Uv:
        from dynamic_plugins.install.uv import Uv

        return Uv(python=self.python, allow_builds=self.allow_builds, environ=self.environment)

    @cached_property
    def npm(self) -> Npm:
        from dynamic_plugins.install.npm import Npm

        return Npm(environ=self.environment, allow_builds=self.allow_builds)

    @cached_property
    def bun(self) -> Bun:
        from dynamic_plugins.install.bun import Bun

        return Bun(environ=self.environment, cache=self.bun_cache, may_link=self.may_link)

    async def node_from_pypi(self, plugin: str, folder: Path, tell: Tell, locked: tuple[LockedWheel, ...] = ()) -> Npm:
        """Install Node.js for *plugin* in *folder*, the one that is *locked* where that is known, and return its npm;
        errors as for :func:`node.from_pypi`.
        """
        from dynamic_plugins.install.node import from_pypi

        environ, allow_builds = self.environment, self.allow_builds
        return await from_pypi(plugin, folder, self.uv, tell, locked, environ=environ, allow_builds=allow_builds)
