"""A lock that a process holds on a file for as long as it lives, so that whoever looks can tell that it has died.

The operating system lets go of it with the process, however that ends: nobody has to clean up to be taken for dead, and
a process id that is used again means nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TAKEN = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_TRIES = 10
_BETWEEN = 0.02

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, alone: bool) -> None:  # noqa: ARG001 # there a lock is never shared
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, alone: bool) -> None:
        # Who only looks shares the lock: two that look at once do not take one another for its holder.
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


class HeldLock:
    """Holds the lock on *path*, which is made where it is not there, until :meth:`release` or the process's end.

    Raises BlockingIOError where a living process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = _opened(path, os.O_CREAT)
        for _ in range(_TRIES):
            try:
                _lock(self._descriptor, alone=True)
            except OSError as error:
                if error.errno in _TAKEN:
                    time.sleep(_BETWEEN)  # whoever only looks lets go at once
                    continue
            return  # without locks on a file system, whoever looks cannot tell either, and takes it for held
        self.release()
        raise BlockingIOError(errno.EAGAIN, "it is held by another process", str(path))

    def release(self) -> None:
        """Let go of it; safe to repeat. The file stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock on *path*; so it is taken where that cannot be told."""
    try:
        descriptor = _opened(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        _lock(descriptor, alone=False)
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return False


def _opened(path: Path, more: int = 0) -> int:
    # Not waited for and not followed: what lies there under this name may be a pipe, or lead elsewhere.
    flags = os.O_RDWR | more | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags, 0o600)
