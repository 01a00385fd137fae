"""Files that are read whole and replaced whole: a reader sees the old content or the new, even through a crash."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file

if TYPE_CHECKING:
    from pathlib import Path

Stamp = tuple[int, int, int]
"""A file's inode, time of change in ns, and size: whoever replaces a file gives it another."""

_NAMES_TRIED = 10
_OURS = re.compile(r"\..+\.[0-9a-f]{12}\.tmp", re.DOTALL)
MOST_BYTES = 2**28
"""What a file of ours may take: a state with thousands of plugins has some megabytes."""


def write_atomically(path: Path, content: bytes | str, *, mode: int | None = None, ours: bool = True) -> Stamp:
    """Put *content* (text as UTF-8) in place of *path*, readable by its owner only, and return the new file's stamp.

    Any number of threads and processes may write the same path: the last one wins. Temporary files of writers that
    were killed are removed on the way, but in a folder that is not *ours*. *mode* are other permissions for the file.
    Raises OSError, and leaves *path* as it was then.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if ours:
        sweep(path.parent)
    descriptor, temporary = _temporary_file(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None and os.name == "posix":
                os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
            facts = os.fstat(file.fileno())
            if os.name == "posix":
                temporary.replace(path)  # still open, and so still locked: nobody takes it for a leftover
        if os.name != "posix":  # there, a file that is open cannot be renamed
            temporary.replace(path)
    except BaseException:  # Ctrl-C too: half a file must not lie about
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return stamp_from(facts)


def keep_private(folder: Path) -> None:
    """Close the folder *folder*, where it is there and ours, to everybody but its owner."""
    with contextlib.suppress(OSError):  # not there yet, or on a file system without modes
        facts = folder.stat()
        if os.name == "posix" and facts.st_uid == os.geteuid() and facts.st_mode & 0o077:
            folder.chmod(0o700)


def stamp_from(facts: os.stat_result) -> Stamp:
    """Return the stamp of the file that *facts* are of."""
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of the regular file *path*, or None where there is nothing.

    Raises OSError for what is there and is no regular file: reading a pipe or a device might never end.
    """
    try:
        facts = os.stat(path)  # noqa: PTH116 # asked at every call: pathlib takes twice as long
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        raise _no_regular_file(path)
    return stamp_from(facts)


def read_json(path: Path) -> Any:
    """Return the JSON value in *path*.

    Raises OSError for what cannot be read or is no regular file, and ValueError for what is no JSON or nested deeper
    than can be parsed.
    """
    return parse_json(read_file(path, MOST_BYTES))


def _no_regular_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file", str(path))


def _temporary_file(path: Path) -> tuple[int, Path]:
    """Open a new file beside *path*, locked for as long as it is open."""
    for _ in range(_NAMES_TRIED):
        temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _lock(descriptor)
            # Between its making and its locking another writer may have swept it away.
            if os.fstat(descriptor).st_nlink:
                return descriptor, temporary
        except BaseException:  # Ctrl-C too: neither an open descriptor nor an empty file is left
            os.close(descriptor)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        os.close(descriptor)
    raise OSError(errno.EAGAIN, "its temporary files are removed by other programs", str(path))


def sweep(folder: Path) -> None:
    """Remove the temporary files in *folder* whose writers were killed: theirs alone are not locked."""
    for leftover in folder.glob(".*.tmp"):
        if _OURS.fullmatch(leftover.name) is None:
            continue  # the folder may be anybody's: a project's, or one where other programs keep theirs
        with contextlib.suppress(OSError):  # somebody else's, gone, or still being written
            _remove_unlocked(leftover)


if os.name == "posix":
    import fcntl

    def _lock(descriptor: int) -> None:
        with contextlib.suppress(OSError):  # a file system without locks: there nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _remove_unlocked(leftover: Path) -> None:
        """Remove *leftover*; raises OSError where its writer lives."""
        descriptor = os.open(leftover, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
        finally:
            os.close(descriptor)

else:

    def _lock(descriptor: int) -> None:
        """Do nothing: a file that is open cannot be removed there."""

    def _remove_unlocked(leftover: Path) -> None:
        """Do nothing: a temporary file is closed there before it is renamed, so none can be told from a leftover."""
