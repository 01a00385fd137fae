"""Calls of the C library and the kernel that Python has no functions for. Linux only."""

from __future__ import annotations

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call the function *name* and return its result. Raises OSError where that is negative."""
    result = int(getattr(_LIBC, name)(*[_argument(each) for each in arguments]))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def attempt(name: str, *arguments: int) -> None:
    """Call the function *name*, whether it can do it or not."""
    getattr(_LIBC, name)(*[_argument(each) for each in arguments])


def prctl(option: int, value: int = 0) -> None:
    """Set one option of this process. Raises OSError."""
    call("prctl", option, value, 0, 0, 0)


def set_no_new_privileges() -> None:
    """Give up for good, also for all that this process starts, whatever set-user-id programs would give."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def _argument(value: int | bytes | ctypes.Array[ctypes.c_char] | None) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value
