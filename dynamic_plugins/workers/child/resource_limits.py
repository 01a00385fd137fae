"""What a worker may use, that it does not outlive its host, and that none of its descendants leaves it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


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


def bind(parent: int) -> None:
    """Have the kernel kill this process when *parent* ends in any way, and make it the parent of its orphans.

    So all that it started is found among its descendants. (Linux; elsewhere its closed pipe tells of the parent's end.)
    """
    if not sys.platform.startswith("linux"):
        return
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


def _prctl() -> Callable[[int, int], Any]:
    # The half of ctypes that is written in Python takes as long to import as a small plugin takes to start.
    try:
        import _ctypes

        address = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), "prctl")  # type: ignore[arg-type] # None: this process
        call = _ctypes.call_function
    except (ImportError, AttributeError, OSError):
        import ctypes

        whole = ctypes.CDLL(None).prctl
        return lambda option, value: whole(option, value, 0, 0, 0)
    return lambda option, value: call(address, (option, value, 0, 0, 0))


def _lower(resource: Any, kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # a system that has the name but not the limit
        return
