"""What was installed, file by file, and whether it still is that: a plugin is started only from files nobody changed.

The record lies beside the files it describes: ``{"path": ["sha256 or ->target", size, mtime_ns, ctime_ns], …}``. The
digest of its paths and contents is kept with the install's other facts, so that a changed record is found too. A file
whose size and times are those of the record is taken for unchanged without being read: programs can set the time of
modification, but not that of the last change of the inode.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.install.installation import Installation

RECORD = "installed-files.json"

_Facts = tuple[str, int, int, int]
"""SHA-256 (of a link: where it leads), size, and the times of modification and of change in ns."""

# What the interpreter would load by itself once it lies there. Data may be added: some servers keep theirs beside
# their code, and readabilipy brings its own node_modules at its first call.
_PYTHON_CODE = (*all_suffixes(), ".pth")
_NODE_CODE = (".js", ".cjs", ".mjs", ".node", ".wasm", "package.json")
_PYTHON_PLACE = re.compile(r"(env/lib(64)?/python[^/]*/site-packages|source)/(?!.*node_modules/)")
_NODE_PLACE = re.compile(r"node_modules/(?!\.cache/)")
_CACHED = re.compile(r".*__pycache__/[^/]+\.pyc(\.\d+)?")


def record(folder: Path) -> str:
    """Write down every file below *folder* and return the digest that stands for them all. Raises OSError."""
    files = {path: _facts(folder / path, facts) for path, facts in _walk(folder)}
    _write(folder, files)
    return _digest(files)


def changed_files(installation: Installation) -> list[str]:
    """Return the files of *installation* that are not as they were installed; none where no record was kept yet."""
    if installation.files_digest is None:
        return []
    return _changed(Path(installation.path), installation.files_digest)


def _changed(folder: Path, digest: str) -> list[str]:
    """Return the files below *folder* that are not as they were recorded, gone, or code that was added.

    Bytecode that Python has cached beside its modules since is removed: it is made again, and nobody vouches for it.
    What another file system or a backup gave new times is read and, if it is the same, recorded anew.
    """
    try:
        known = _read(folder)
    except (OSError, ValueError, TypeError, AttributeError):
        return [RECORD]
    if _digest(known) != digest:
        return [RECORD]
    try:
        return _compared(folder, known)
    except OSError:  # a folder that is being removed, or cannot be read
        return [str(folder)]


def _compared(folder: Path, known: dict[str, _Facts]) -> list[str]:
    found: list[str] = []
    renewed: dict[str, _Facts] = {}
    left = dict(known)
    for path, status in _walk(folder):
        was = left.pop(path, None)
        if was is None:
            if not _may_be_added(folder, path):
                found.append(path)
        elif was[1:] != _stamp(status):
            renewed[path] = _facts(folder / path, status)
            if renewed[path][0] != was[0]:
                found.append(path)
    found += left
    if renewed and not found:
        with contextlib.suppress(OSError):  # a folder that cannot be written to: they are read again next time
            _write(folder, known | renewed)
    return sorted(found)


def _read(folder: Path) -> dict[str, _Facts]:
    data = json.loads((folder / RECORD).read_bytes())
    return {path: (content, size, modified, changed) for path, (content, size, modified, changed) in data.items()}


def _write(folder: Path, files: Mapping[str, _Facts]) -> None:
    write_atomically(folder / RECORD, json.dumps(files, separators=(",", ":")))


def _digest(files: Mapping[str, _Facts]) -> str:
    lines = sorted(f"{facts[0]} {path}\n" for path, facts in files.items())
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file and link below *folder* but the record, by its path from there."""
    waiting = [""]
    while waiting:
        place = waiting.pop()
        with os.scandir(folder / place) as found:
            for each in found:
                path = f"{place}{each.name}"
                if each.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                elif path != RECORD:
                    yield path, each.stat(follow_symlinks=False)


def _facts(path: Path, status: os.stat_result) -> _Facts:
    if path.is_symlink():
        content = f"->{path.readlink()}"
    elif path.is_file():
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        content = "no file"  # a pipe or a socket: reading it might never end
    return (content, *_stamp(status))


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _may_be_added(folder: Path, path: str) -> bool:
    """Return whether *path*, which was not installed, is nothing that would be run as part of the plugin."""
    if _PYTHON_PLACE.match(path):
        if _CACHED.fullmatch(path):
            (folder / path).unlink(missing_ok=True)
            return not (folder / path).exists()
        return not path.endswith(_PYTHON_CODE)
    return not (_NODE_PLACE.match(path) and path.endswith(_NODE_CODE))
