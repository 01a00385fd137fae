"""Where plugins lie: a folder for each name, a version beside the other in it, staging and removal out of sight."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.deep_folders import remove_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

P = ParamSpec("P")
T = TypeVar("T")

_SCRATCH_SECONDS = 10.0
_STAGING, _TRASH = ".staging-", ".trash-"


def slug(name: str) -> str:
    """Return the folder name for a plugin: readable, and unique.

    The digest keeps apart what the readable part does not: ``@x/a.y`` and ``@x/a_y`` would share a folder. It has 128
    bits: of 40, which it had, a second name with the same folder was found in half a minute.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _nowhere(_name: str) -> None:
    return None


class PluginFolders:
    """The folders under *root*, and a lock for each name, shared by all processes.

    *present* gives the path of what is installed under a name, whose folder older versions named otherwise: it keeps
    that, and the data folder called like it.
    """

    def __init__(self, root: Path, present: Callable[[str], str | None] = _nowhere) -> None:
        self.root, self._present = root, present

    def _folder(self, name: str) -> str:
        """Return the name of the folder of *name*."""
        path = self._present(name)
        return slug(name) if path is None else Path(path).parent.name

    @contextlib.asynccontextmanager
    async def lock(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Keep other processes from installing, removing or sweeping *name*. Raises TimeoutError after *seconds*."""
        self.root.mkdir(parents=True, exist_ok=True)
        # By its present folder too: a sweep knows folders only. The other one stays the same through an uninstall.
        folders = dict.fromkeys((slug(name), self._folder(name)))
        async with contextlib.AsyncExitStack() as held:
            for folder in folders:
                await held.enter_async_context(self._locked(folder, seconds))
            yield

    @contextlib.asynccontextmanager
    async def _locked(self, folder: str, seconds: float) -> AsyncIterator[None]:
        from filelock import AsyncFileLock, Timeout

        lock = AsyncFileLock(self._lock_file(folder), timeout=seconds, thread_local=False)
        try:
            await lock.acquire()
        except Timeout:
            raise TimeoutError from None
        try:
            yield
        finally:
            self._forget_lock(folder)
            await lock.release()

    def _lock_file(self, folder: str) -> Path:
        return self.root / f"{folder}.lock"

    def _forget_lock(self, folder: str) -> None:
        """Remove the lock's file where there is nothing left to lock; only its holder may, and filelock allows it."""
        if not (self.root / folder).exists():
            self._lock_file(folder).unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def staging(self, name: str) -> AsyncIterator[Path]:
        """Give a new empty folder to work in; it is gone afterwards, unless :meth:`publish` has moved it.

        Hold the lock of *name*: a sweep takes a folder that nobody locks for what a crash has left.
        """
        folder = self.root / self._folder(name) / f"{_STAGING}{os.urandom(6).hex()}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            try:
                if folder.exists():  # once published there is nothing to wait for, and so no moment to be cancelled in
                    await in_thread(remove_folder, folder)
            finally:
                _remove_if_empty(folder.parent)

    @contextlib.asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """Give a new empty folder for what comes before an install; it is gone afterwards."""
        name = f"scratch {os.urandom(6).hex()}"
        try:
            async with self.lock(name, _SCRATCH_SECONDS), self.staging(name) as folder:
                yield folder
        finally:
            self._forget_lock(slug(name))  # one that was cancelled before it had the lock has made its file

    def target(self, name: str) -> Path:
        """Return a folder that does not exist yet, for a version of *name*."""
        return self.root / self._folder(name) / os.urandom(6).hex()

    def publish(self, staging: Path, target: Path) -> None:
        """Put what was made in *staging* in place in one step."""
        staging.replace(target)

    def remove(self, folder: Path) -> None:
        """Remove a published folder: out of sight in one step, then for good; nothing happens when it is gone."""
        # The folder is known by its last two names: the way to it may be spelled otherwise, through a link.
        folder = self.root / folder.parent.name / folder.name
        if folder.parent.parent != self.root or not folder.exists():
            return
        trash = folder.with_name(f"{_TRASH}{folder.name}")
        with contextlib.suppress(OSError):
            folder.replace(trash)
        remove_folder(trash)
        _remove_if_empty(folder.parent)

    def sweep(self, keep: Callable[[], Collection[Path]]) -> list[Path]:
        """Remove what a crash left: trash, staging, and versions that nobody knows; return what was removed.

        *keep* gives the published folders that are in use. What another process is working on is left alone.
        """
        from filelock import FileLock, Timeout

        removed: list[Path] = []
        for home in sorted(path for path in self.root.glob("*") if path.is_dir() and not path.is_symlink()):
            if not _unknown(home, keep()):
                continue
            try:
                with FileLock(self._lock_file(home.name), timeout=0):
                    # Asked again under the lock: what was published just before it was free is known by now.
                    left = _unknown(home, keep())
                    for folder in left:
                        remove_folder(folder)
                    removed += left
                    _remove_if_empty(home)
                    self._forget_lock(home.name)
            except Timeout:
                continue
        return removed


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run *function* in a thread and return its result.

    Cancelled, however often, it waits until the thread is done: nothing may go on writing in a folder that is being
    removed.
    """
    return await to_the_end(asyncio.to_thread(function, *arguments, **named))


def _unknown(home: Path, known: Collection[Path]) -> list[Path]:
    """Return what lies in *home* and is none of the *known* folders, however the way to those is spelled."""
    names = {(path.parent.name, path.name) for path in known}
    try:
        there = sorted(home.iterdir())
    except FileNotFoundError:  # another process was through with it and took it away
        return []
    return [path for path in there if (home.name, path.name) not in names]


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
