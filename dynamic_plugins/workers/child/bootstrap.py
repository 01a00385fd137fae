"""The start of a worker process: its limits, its tie to the host, then the code that it runs.

A worker runs a console script in its own process, a command that replaces it, or a plugin behind our own MCP server.
Limits and tie come before any code of a stranger's, which may never let go of the interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def run(mode: str, facts_text: str, arguments: list[str]) -> None:
    """Run what *mode* names (``start.py`` lists the modes); returns when the worker's work is done."""
    facts: dict[str, Any] = json.loads(facts_text)
    _set_limits(facts)
    _tie_to_host(facts["parent"])
    sys.path[:0] = facts["search_path"]
    if mode == "command":
        os.execvp(arguments[0], arguments)  # noqa: S606 # the command is the one the person agreed to
    if mode == "script":
        _run_script(facts, json.loads(os.environ.pop(facts["arguments_in"], "[]")))
        return
    from . import server

    server.serve(mode, facts)


def _run_script(facts: dict[str, Any], arguments: list[str]) -> None:
    from importlib import import_module

    module, _, attribute = facts["entry_point"].partition(":")
    sys.argv = [facts["name"], *arguments]
    if not attribute:  # as `python -m module` does
        import runpy

        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    main: Any = import_module(module)
    for part in attribute.split("."):
        main = getattr(main, part)
    sys.exit(main())


def _set_limits(facts: dict[str, Any]) -> None:
    """Set the limits in *facts* (memory in bytes, CPU in seconds) for this process and its children."""
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
            _lower_limit(resource, kind, int(facts[name]))
    _lower_limit(resource, resource.RLIMIT_CORE, 0)


def _tie_to_host(host: int) -> None:
    """Have the kernel kill this process when *host* ends in any way, and make it the parent of its orphans.

    So everything that it started is found among its descendants. Only on Linux; elsewhere its standard input closes
    when the host ends.
    """
    if not sys.platform.startswith("linux"):
        return
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != host:  # it ended before the kernel was told
        os._exit(1)


def _prctl() -> Callable[[int, int], Any]:
    """Return a function that sets one option of this process."""
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


def _lower_limit(resource: Any, kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # a system that has the name but not the limit
        return
