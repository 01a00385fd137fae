"""Giving up every capability: as root, Landlock alone would leave other processes' memory and environment readable."""

from __future__ import annotations

import struct

from .libc import PR_CAPBSET_DROP, PR_SET_SECUREBITS, attempt, call

_VERSION_3 = 0x20080522
# No capabilities for user 0 by itself, none kept over a change of user; each locked.
_SECUREBITS = 0x2F
_MOST = 64


def drop_all() -> None:
    """Drop all capabilities of this process and of all that it will start. Raises OSError."""
    # Only who has some may do these, and who has none needs them not; there are about forty.
    attempt("prctl", PR_SET_SECUREBITS, _SECUREBITS, 0, 0, 0)
    for capability in range(_MOST):
        attempt("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
    call("capset", struct.pack("Ii", _VERSION_3, 0), bytes(24))
