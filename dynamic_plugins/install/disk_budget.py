"""How much of the disk a home takes, held to what its operator gives it.

What is installed does not change while it lies there, so it is measured once; what plugins write is measured before
each change. A file that several places share, as uv shares what it has in its cache, counts once. A folder that is
closed, or deeper than a path may be long, cannot be looked into: it counts as all that the home may take, or a plugin
could hide there what it writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import DiskLimitError
from dynamic_plugins.install.layout import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Container

CACHES = ("caches", "bun-cache")
"""What package managers keep in a home for the next install: it goes where room is needed."""
_SHARE_OF_TIME = 10
"""What has just been measured is not measured again before so many times as long as that took have passed."""
_QUARTER = 4
_LOOK_SECONDS = 1.0
"""So often is looked while something is installed."""
_HIDING = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)


class DiskBudget:
    """What the folder *home* may take: *most* bytes. Below *installs* lie the plugins, a folder for each version."""

    def __init__(self, home: Path, most: int, installs: Path) -> None:
        self._home, self._most, self._installs = home, most, installs
        self._measured: dict[str, int] = {}
        """What installed versions take, by their folder."""
        self._used, self._fresh_until = 0, float("-inf")
        self._installing = 0

    async def check(self, plugin: str, more: int = 0) -> None:
        """Raise DiskLimitError where the home takes more than it may, or would with so many bytes *more*.

        Before that, what package managers keep for the next install is removed.
        """
        if await self._taken() + more <= self._most:
            return
        if not self._installing:
            for name in CACHES:
                await in_thread(remove_folder, self._home / name)
        self._fresh_until = float("-inf")
        if (used := await self._taken()) + more > self._most:
            raise DiskLimitError(plugin, self._most, used + max(more, 0))

    async def check_call(self, plugin: str, *, reads: bool) -> None:
        """Raise DiskLimitError where an action of *plugin* may not be called.

        One that only *reads* may, so that what is there can be saved. But that is the plugin's own word, so no more
        where the home takes a quarter more than it may.
        """
        await self.check(plugin, -self._most // _QUARTER if reads else 0)

    async def check_copy(self, plugin: str, source: Path) -> None:
        """Raise DiskLimitError where the home would take more than it may with a copy of *source*."""
        await self.check(plugin, await in_thread(_size, source, self._most))

    @contextlib.asynccontextmanager
    async def held(self, plugin: str) -> AsyncIterator[None]:
        """Run the block, which installs *plugin*; it is ended where the home comes to take more than it may.

        Raises DiskLimitError then, and where it does at the end.
        """
        self._installing += 1
        try:
            async with asyncio.timeout(None) as clock:
                watching = asyncio.create_task(self._watch(clock))
                try:
                    yield
                finally:
                    watching.cancel()
            self._fresh_until = float("-inf")
            if (used := await self._taken()) > self._most:
                raise DiskLimitError(plugin, self._most, used)
        except TimeoutError:
            if not clock.expired():
                raise
            raise DiskLimitError(plugin, self._most, self._used) from None
        finally:
            self._installing -= 1

    async def _watch(self, clock: asyncio.Timeout) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if await self._taken() > self._most:
                clock.reschedule(asyncio.get_running_loop().time())
                return

    async def _taken(self) -> int:
        if time.monotonic() >= self._fresh_until:
            begun = time.monotonic()
            self._used = await in_thread(self._measure)
            ended = time.monotonic()
            self._fresh_until = ended + _SHARE_OF_TIME * (ended - begun)
        return self._used

    def _measure(self) -> int:
        versions = {str(path) for path in self._installs.glob("*/*") if not path.name.startswith(".")}
        self._measured = {path: size for path, size in self._measured.items() if path in versions}
        for path in versions - self._measured.keys():
            self._measured[path] = _size(Path(path), self._most)
        return _size(self._home, self._most, versions) + sum(self._measured.values())


def _size(path: Path, hidden: int, without: Container[str] = ()) -> int:
    """Return what *path* takes on the disk, but for the folders *without*; one that hides what is in it takes *hidden*.

    What is gone by then takes nothing.
    """
    try:
        if not path.is_dir():
            return _share(path.stat())
    except OSError:
        return 0
    total, waiting = 0, [str(path)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        total += _share(entry.stat(follow_symlinks=False))
                        if entry.is_dir(follow_symlinks=False) and entry.path not in without:
                            waiting.append(entry.path)
        except OSError as error:
            total += hidden if error.errno in _HIDING else 0
    return total


def _share(facts: os.stat_result) -> int:
    """Return the part of what a file takes that is this name's of it."""
    names = facts.st_nlink if stat.S_ISREG(facts.st_mode) else 1
    return facts.st_blocks * 512 // max(1, names)
