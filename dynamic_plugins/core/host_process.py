"""The process that holds the person's secrets: other processes of the same user cannot look into it."""

from __future__ import annotations

import contextlib
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def keep_memory_private() -> None:
    """Keep debuggers, core dumps and ``/proc/PID/environ`` from showing this process, as far as the system can.

    Linux only; children that start another program are as ever. Nothing happens where the system does not let us.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
