"""Where plugins lie: a folder for each name, a version beside the other in it, staging and removal out of sight."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
import shutil
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

P = ParamSpec("P")
T = TypeVar("T")

_STAGING, _TRASH = ".staging-", ".trash-"


def slug(name: str) -> str:
    """Return the folder name for a plugin: readable, and unique.

    The digest keeps apart what the readable part does not: ``@x/a.y`` and ``@x/a_y`` would share a folder.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


class PluginFolders:
    """The folders under *root*, and a lock for each name, shared by all processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.asynccontextmanager
    async def lock(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Keep other processes from installing, removing or sweeping *name*. Raises TimeoutError after *seconds*."""
        from filelock import AsyncFileLock, Timeout

        self.root.mkdir(parents=True, exist_ok=True)
        lock = AsyncFileLock(self._lock_file(slug(name)), timeout=seconds, thread_local=False)
        try:
            await lock.acquire()
        except Timeout:
            raise TimeoutError from None
        try:
            yield
        finally:
            self._forget_lock(slug(name))
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
        folder = self.root / slug(name) / f"{_STAGING}{secrets.token_hex(6)}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            if folder.exists():  # once published there is nothing to wait for, and so no moment to be cancelled in
                await in_thread(shutil.rmtree, folder, ignore_errors=True)
            _remove_if_empty(folder.parent)

    def target(self, name: str) -> Path:
        """Return a folder that does not exist yet, for a version of *name*."""
        return self.root / slug(name) / secrets.token_hex(6)

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
        shutil.rmtree(trash, ignore_errors=True)
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
                        shutil.rmtree(folder, ignore_errors=True)
                    removed += left
                    _remove_if_empty(home)
                    self._forget_lock(home.name)
            except Timeout:
                continue
        return removed


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run *function* in a thread and return its result.

    Cancelled, it waits until the thread is done: nothing may go on writing in a folder that is being removed.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):  # what it fails with concerns nobody once it is cancelled
            await work
        raise


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
