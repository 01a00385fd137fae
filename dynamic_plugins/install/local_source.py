"""The code of a plugin that lies in a folder on this machine, brought to where it will run from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError

if TYPE_CHECKING:
    from dynamic_plugins.install.manifest import Manifest
    from dynamic_plugins.install.python_environment import PythonEnvironment

_NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules", ".*_cache")


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
    for folder, folders, files in os.walk(path):
        left_out = _NOT_COPIED(folder, [*folders, *files])
        folders[:] = sorted(set(folders) - left_out)
        for file in sorted({*files, *folders} - left_out):
            each = Path(folder) / file
            content = str(each.readlink()) if each.is_symlink() else _sha256(each) if each.is_file() else ""
            found.update(json.dumps([each.relative_to(path).as_posix(), content]).encode())
    return found.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _copy(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, ignore=_NOT_COPIED, symlinks=True)


def check_python(plugin: str, told: Manifest, environment: PythonEnvironment) -> None:
    """Raise InstallError where the environment's Python is none that the folder asks for."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    ours = environment.python_version()
    try:
        fits = SpecifierSet(told.requires_python).contains(ours, prereleases=True)
    except InvalidSpecifier as error:
        raise InstallError(plugin, f"its pyproject.toml asks for an impossible Python: {error}") from error
    if not fits:
        raise InstallError(plugin, f"it needs Python {told.requires_python}, and plugins are installed with {ours}")


def check_digest(plugin: str, path: Path, sha256: str | None) -> None:
    """Raise InstallError where *path* is not the file with this SHA-256; without one there is nothing to compare."""
    if sha256 and _sha256(path) != sha256.lower():
        raise InstallError(plugin, f"{path.name} is not the file that its registry entry describes (SHA-256 differs)")
