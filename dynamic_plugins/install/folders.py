"""Where plugins lie: a folder for each name, a version beside the other in it, staging and removal out of sight."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator
    from pathlib import Path

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
        try:
            async with AsyncFileLock(self._lock_file(slug(name)), timeout=seconds, thread_local=False):
                yield
        except Timeout:
            raise TimeoutError from None

    def _lock_file(self, folder: str) -> Path:
        return self.root / f"{folder}.lock"

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Give a new empty folder to work in; it is gone afterwards, unless :meth:`publish` has moved it.

        Hold the lock of *name*: a sweep takes a folder that nobody locks for what a crash has left.
        """
        folder = self.root / slug(name) / f"{_STAGING}{secrets.token_hex(6)}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _remove_if_empty(folder.parent)

    def target(self, name: str) -> Path:
        """Return a folder that does not exist yet, for a version of *name*."""
        return self.root / slug(name) / secrets.token_hex(6)

    def publish(self, staging: Path, target: Path) -> None:
        """Put what was made in *staging* in place in one step."""
        staging.replace(target)

    def remove(self, folder: Path) -> None:
        """Remove a published folder: out of sight in one step, then for good."""
        if not folder.is_relative_to(self.root) or folder == self.root or not folder.exists():
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
        for home in sorted(path for path in self.root.glob("*") if path.is_dir()):
            try:
                with FileLock(self._lock_file(home.name), timeout=0):
                    # Asked under the lock: what was published just before it was free is known by now.
                    known = keep()
                    removed += [folder for folder in sorted(home.iterdir()) if folder not in known]
                    for folder in removed:
                        shutil.rmtree(folder, ignore_errors=True)
                    _remove_if_empty(home)
            except Timeout:
                continue
        return removed


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
