"""Giving up every capability: as root, Landlock alone would leave other processes' memory and environment readable."""

from __future__ import annotations

import struct
from contextlib import suppress

from .libc import PR_CAPBSET_DROP, PR_SET_SECUREBITS, call, prctl

_VERSION_3 = 0x20080522
# No capabilities for user 0 by itself, none kept over a change of user; each locked.
_SECUREBITS = 0x2F
_MOST = 64


def drop_all() -> None:
    """Drop all capabilities of this process and of all that it will start. Raises OSError."""
    with suppress(OSError):  # only who has some may do this, and who has none needs it not
        prctl(PR_SET_SECUREBITS, _SECUREBITS)
    for capability in range(_MOST):
        with suppress(OSError):  # there are about forty
            prctl(PR_CAPBSET_DROP, capability)
    call("capset", struct.pack("Ii", _VERSION_3, 0), bytes(24))
