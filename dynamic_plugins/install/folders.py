"""Where plugins lie: a folder for each name, a version beside the other in it, staging and removal out of sight."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_STAGING, _TRASH = ".staging-", ".trash-"


def slug(name: str) -> str:
    """Return the folder name for a plugin: readable, and unique.

    The digest keeps apart what the readable part does not: ``@x/a.y`` and ``@x/a_y`` would share a folder.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


class PluginFolders:
    """The folders under *root*. A staging folder is locked by the process that works in it, until that ends."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Give a new empty folder to work in; it is gone afterwards, unless :meth:`publish` has moved it."""
        from filelock import FileLock

        home = self.root / slug(name)
        folder = home / f"{_STAGING}{secrets.token_hex(6)}"
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        with lock:
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                (home / f"{folder.name}.lock").unlink(missing_ok=True)
                _remove_if_empty(home)

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

    def sweep(self, keep: Collection[Path]) -> list[Path]:
        """Remove what a crash left: trash, staging that no living process works in, versions that nobody knows.

        *keep* are the published folders that are in use. Returns what was removed.
        """
        removed = []
        for folder in sorted(self.root.glob("*/*/")) + sorted(self.root.glob("*/.*/")):
            if folder in keep or (folder.name.startswith(_STAGING) and _in_use(folder)):
                continue
            if not folder.name.startswith((_STAGING, _TRASH)) and self._is_fresh(folder):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)
            removed.append(folder)
            _remove_if_empty(folder.parent)
        return removed

    def _is_fresh(self, folder: Path) -> bool:
        """Whether another process is about to write *folder* into the state: it holds the plugin's staging lock."""
        return any(_in_use(path.with_suffix("")) for path in folder.parent.glob(f"{_STAGING}*.lock"))


def _in_use(folder: Path) -> bool:
    from filelock import FileLock, Timeout

    path = folder.with_name(f"{folder.name}.lock")
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
