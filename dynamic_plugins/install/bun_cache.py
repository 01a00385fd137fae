"""The packages that Bun has downloaded for our installs: kept as long as a plugin shares them, and a while longer."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import remove_folder, walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KEPT_SECONDS = 14 * 86_400.0


def prune(cache: Path, now: float | None = None) -> list[Path]:
    """Remove the packages in *cache* that no plugin has shared files with for two weeks, and return them.

    *now* is in seconds since 1970. What cannot be removed stays.
    """
    now = time.time() if now is None else now
    old = [package for package in _packages(cache) if _is_unused(package, now)]
    for package in old:
        remove_folder(package)
    if old:
        _remove_dead_links(cache)
    return old


def unshare(folder: Path) -> None:
    """Give every file below *folder* that other folders link to a copy of its own: whoever writes there could write
    through such links.
    """
    for place, _, names in walk(folder):
        for path in (folder / place / name for name in names):
            if not path.is_symlink() and path.stat().st_nlink > 1:
                copy = path.with_name(f".{path.name}.own")
                shutil.copy2(path, copy)
                copy.replace(path)


def _packages(cache: Path) -> Iterator[Path]:
    """Yield the folders of packages: ``name@1.0.0@@@1``, and ``@scope/name@1.0.0@@@1``."""
    for folder in [cache, *(each for each in cache.glob("@*") if each.is_dir())]:
        yield from (each for each in folder.glob("?*@*@@@*") if each.is_dir() and not each.is_symlink())


def _is_unused(package: Path, now: float) -> bool:
    # The time of change is when the last link to it was made or went away.
    with contextlib.suppress(OSError):
        told = (package / "package.json").stat()
        return told.st_nlink == 1 and now - told.st_ctime > _KEPT_SECONDS
    return False


def _remove_dead_links(cache: Path) -> None:
    for link in [*cache.glob("*/*"), *cache.glob("@*/*/*")]:
        if link.is_symlink() and not link.exists():
            with contextlib.suppress(OSError):
                link.unlink()
