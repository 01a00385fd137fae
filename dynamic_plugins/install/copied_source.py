"""The copy of a folder or wheel of this machine that is asked about and installed: what of it, and its digest."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import walk
from dynamic_plugins.core.outside_data import DEEPEST, TOO_DEEP
from dynamic_plugins.errors import InstallError

if TYPE_CHECKING:
    from dynamic_plugins.install.manifest import Manifest

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules", ".*_cache")


def place(told: Manifest, folder: Path, target: Path, *, editable: bool) -> Path:
    """Bring the code in *folder* to *target* and return where its modules lie.

    With *editable* nothing is copied: the folder itself is used.
    """
    if told.root == "..":
        target.mkdir()
        if editable:
            # Not its parent, which would put whatever lies beside it on the search path as well.
            (target / folder.name).symlink_to(folder, target_is_directory=True)
        else:
            _copy(folder, target / folder.name)
        return target
    if editable:
        return folder if told.root == "." else folder / told.root
    _copy(folder, target)
    return target if told.root == "." else target / told.root


def digest(path: Path) -> str:
    """Return the SHA-256 of a wheel, or of all that is copied of a folder: names, contents and where links lead."""
    if not path.is_dir():
        return _sha256(path)
    found = hashlib.sha256()
    for folder, folders, files in walk(path):
        left_out = NOT_COPIED(folder, [*folders, *files])
        folders[:] = sorted(set(folders) - left_out)
        for file in sorted({*files, *folders} - left_out):
            each = Path(folder) / file
            content = str(each.readlink()) if each.is_symlink() else _sha256(each) if each.is_file() else ""
            found.update(json.dumps([each.relative_to(path).as_posix(), content]).encode())
    return found.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def copied(path: Path, target: Path) -> Path:
    """Copy a wheel, or all of a folder that would be installed, to *target* and return that. Raises OSError.

    What is deeper than :data:`DEEPEST` folders is not copied: what goes through folders calls itself for each.
    """
    if path.is_dir():
        _copy(path, target)
    else:
        shutil.copyfile(path, target)
    return target


def _copy(folder: Path, target: Path) -> None:
    def left_out(place: str, names: list[str]) -> set[str]:
        if len(Path(place).relative_to(folder).parts) > DEEPEST:
            raise RecursionError  # no OSError: those are gathered, and the rest is copied
        return NOT_COPIED(place, names)

    try:
        shutil.copytree(folder, target, ignore=left_out, symlinks=True)
    except RecursionError:
        raise OSError(errno.ELOOP, TOO_DEEP, str(folder)) from None


def check_digest(plugin: str, path: Path, sha256: str | None) -> None:
    """Raise InstallError where *path* is not the file with this SHA-256; without one there is nothing to compare."""
    if sha256 and _sha256(path) != sha256.lower():
        raise InstallError(plugin, f"{path.name} is not the file that its registry entry describes (SHA-256 differs)")
