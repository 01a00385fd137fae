"""Folders of strangers are gone through, and removed however deep they are nested and whatever modes they have.

``shutil.rmtree``, and ``os.walk`` before Python 3.12, go down by calling themselves, and end at some hundreds of
folders; the former also at one that its owner may not open. A plugin can make both in its own folder, and a package
can bring the former.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BY_DESCRIPTOR = {
    os.open,
    os.unlink,
    os.rmdir,
    os.rename,
    os.chmod,
} <= os.supports_dir_fd and os.scandir in os.supports_fd
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def walk(top: str | Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each folder from *top* on, with the names of its folders and files, as ``os.walk`` does and in its order.

    What is taken out of the folders' names is not gone into, and neither are links. What cannot be read is passed over,
    and so is what lies behind a path that is longer than the system takes (4,096 bytes on Linux).
    """
    waiting = [os.fspath(top)]
    while waiting:
        place = waiting.pop()
        folders: list[str] = []
        files: list[str] = []
        with contextlib.suppress(OSError), os.scandir(place) as found:
            for each in found:
                (folders if _leads_to_a_folder(each) else files).append(each.name)
        yield place, folders, files
        paths = [os.path.join(place, name) for name in reversed(folders)]  # noqa: PTH118 - as os.walk has it
        waiting += [path for path in paths if not os.path.islink(path)]  # noqa: PTH114


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def remove_folder(folder: Path) -> None:
    """Remove *folder* with all that is in it, as far as this user may. Links are removed, and not followed."""
    if not _BY_DESCRIPTOR:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        top = _opened(str(folder), None)
        try:
            _empty(top)
        finally:
            os.close(top)
        folder.rmdir()


def _empty(top: int) -> None:
    """Remove what lies in the folder *top*: what lies in one of its folders is brought up first, beside that one."""
    names = count()
    waiting = deque(_with_folders_left(top))
    while waiting:
        name = waiting.popleft()
        with contextlib.suppress(OSError):
            inner = _opened(name, top)
            try:
                for each in _with_folders_left(inner):
                    with contextlib.suppress(OSError):
                        waiting.append(_brought_up(each, inner, top, names))
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)  # by descriptor, as all of this


def _brought_up(name: str, inner: int, top: int, names: count[int]) -> str:
    """Move the folder *name* from *inner* to *top*, and return what it is called there."""
    while True:
        new = f".{next(names)}"
        try:
            os.stat(new, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            break
    try:
        os.rename(name, new, src_dir_fd=inner, dst_dir_fd=top)
    except PermissionError:  # one that moves has to be open to writing
        _unlock(name, inner)
        os.rename(name, new, src_dir_fd=inner, dst_dir_fd=top)
    return new


def _with_folders_left(folder: int) -> list[str]:
    """Remove all in *folder* that is no folder itself, and return the names of those that are."""
    left = []
    with os.scandir(folder) as found:
        entries = [(each.name, each.is_dir(follow_symlinks=False)) for each in found]
    for name, is_folder in entries:
        if is_folder:
            left.append(name)
            continue
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
    return left


def _opened(name: str, within: int | None) -> int:
    """Return a descriptor of the folder *name*, open to its owner again. Raises OSError."""
    try:
        descriptor = os.open(name, os.O_RDONLY | _FOLDER, dir_fd=within)
    except PermissionError:
        _unlock(name, within)
        descriptor = os.open(name, os.O_RDONLY | _FOLDER, dir_fd=within)
    if os.fstat(descriptor).st_mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, stat.S_IRWXU)
    return descriptor


def _unlock(name: str, within: int | None) -> None:
    """Open the folder *name* to its owner. By descriptor: a link that takes its place meanwhile leads nowhere."""
    if not hasattr(os, "O_PATH"):
        os.chmod(name, stat.S_IRWXU, dir_fd=within, follow_symlinks=False)
        return
    handle = os.open(name, os.O_PATH | _FOLDER, dir_fd=within)
    try:
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)  # noqa: PTH101 # fchmod takes no such descriptor
    finally:
        os.close(handle)
