"""What this machine can enforce, found by doing it once in a process that is thrown away.

Versions tell nothing: containers, Ubuntu's AppArmor and hardened kernels refuse what the kernel has.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

from dynamic_plugins.workers.fence.handover import handed_over
from dynamic_plugins.workers.fence.seatbelt import SANDBOX_EXEC
from dynamic_plugins.workers.fence.tier import Level, Tier

_SECONDS = 10.0


@cache
def best_tier() -> Tier:
    """Return the best tier of this machine. The first call takes some 30 ms: it starts a process."""
    if sys.platform == "darwin":
        if shutil.which(SANDBOX_EXEC):
            return Tier(Level.SEATBELT)
        return Tier(Level.NONE, f"there is no {SANDBOX_EXEC}")
    if not sys.platform.startswith("linux"):
        return Tier(Level.NONE, f"there is no fence for {sys.platform}")
    return _linux(_probed())


def _probed() -> list[str]:
    with handed_over({"tier": "probe"}, ()) as (command, descriptors):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, pass_fds=descriptors)
        except (OSError, subprocess.TimeoutExpired):
            return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def _linux(said: list[str]) -> Tier:
    if len(said) != 3:
        return Tier(Level.NONE, "the fence could not be tried out")
    landlock, seccomp, no_namespaces = said
    if landlock == "0":
        return Tier(Level.NONE, "this kernel has no Landlock, or it is switched off (it takes Linux 5.13)")
    if seccomp == "0":
        return Tier(Level.NONE, "seccomp filters are only known here for x86-64 and ARM64")
    if no_namespaces:
        return Tier(Level.LANDLOCK, f"namespaces are refused here ({no_namespaces})")
    return Tier(Level.NAMESPACES)
