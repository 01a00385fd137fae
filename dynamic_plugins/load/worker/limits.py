"""What a worker may use, and that it does not outlive its host."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1


def apply(facts: dict[str, Any]) -> None:
    """Set the limits in *facts* (memory and answers in bytes, CPU in seconds) for this process and its children."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    # Data, not address space: V8 and others reserve far more addresses than they ever use.
    for name, kind in (
        ("memory_bytes", resource.RLIMIT_DATA),
        ("cpu_seconds", resource.RLIMIT_CPU),
        ("open_files", resource.RLIMIT_NOFILE),
    ):
        if facts.get(name):
            _lower(resource, kind, int(facts[name]))
    _lower(resource, resource.RLIMIT_CORE, 0)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when *parent* ends in any way (Linux; elsewhere its closed pipe tells)."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


def _lower(resource: Any, kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # a system that has the name but not the limit
        return
