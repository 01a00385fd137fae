"""Starts one command within the fence that an order describes, and stays behind as its supervisor.

An order is a dictionary:

- ``tier``: ``namespaces``, ``landlock`` or ``none``; ``host``: the process that the worker must not outlive;
- ``folder``: where the command runs;
- ``limits``: ``memory_bytes``, ``cpu_seconds``, ``open_files``, ``processes``, ``file_bytes``, each a number or None;
- ``read``, ``execute``, ``given``, ``write``: absolute paths, each with all that lies below it; ``given`` may be read,
  and like ``write`` counts only as long as no link is on the way;
- ``kept``: an absolute path without links, empty for none, that stays as it is though it lies in what may be written,
  but for what of ``write`` lies in it; only with namespaces;
- ``own_temporary``: whether ``folder`` stands at ``/tmp`` as well; only with namespaces, and where nothing that it may
  use lies there;
- ``network``: ``any``, ``none``, or ``hosts``, then with ``ports``, ``addresses`` and ``uplink`` (see ``relay.py``);
- ``unix_sockets``: whether it may connect to sockets of this machine;
- ``watch``: whether it may ask the kernel to be told what happens to files, wherever they lie;
- ``alone``: whether it may start neither processes nor threads;
- ``private_descriptors``: whether the command gets the host's pipes as descriptors 3 and 4, and nothing to read as 0
  and standard error as 1: what its code prints, and what it starts, then never reaches the protocol.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # the other one takes a tenth of the start
import os
import sys

from . import limits

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from typing import Any, NoReturn

_MOST_DESCRIPTORS = 64
"""Below which everything lies that this program has opened."""


def start(order: dict[str, Any], command: list[str]) -> NoReturn:
    """Run *command*; end as it ends, and everything that it started with it."""
    if not sys.platform.startswith("linux"):
        limits.set_limits(order["limits"])
        _run(order, command)
    if order["tier"] == "probe":
        _tell_what_works()
    from . import supervision

    if order["tier"] == "namespaces":
        from . import namespaces

        namespaces.run(order, lambda: _confine_and_run(order, command))
    supervision.run(order["host"], lambda: _confine_and_run(order, command))


def _confine_and_run(order: dict[str, Any], command: list[str]) -> NoReturn:
    limits.set_limits(order["limits"])
    os.chdir(order["folder"])
    if order["tier"] != "none":
        from . import capabilities, landlock, seccomp

        capabilities.drop_all()
        abi = landlock.restrict(order)
        seccomp.restrict(order, truncation=abi < 3)
    _run(order, command)


def _tell_what_works() -> NoReturn:
    """Write Landlock's version, whether there is a seccomp filter, and why there are no namespaces (a line each)."""
    from . import landlock, namespaces, seccomp

    sys.stdout.write(f"{landlock.version()}\n{int(seccomp.is_supported())}\n")
    sys.stdout.flush()
    try:
        namespaces.probe()
    except OSError as error:
        sys.stdout.write(f"{error}\n")
    else:
        sys.stdout.write("\n")
    sys.stdout.flush()
    os._exit(0)


def _run(order: dict[str, Any], command: list[str]) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.closerange(3, _MOST_DESCRIPTORS)
    if order["private_descriptors"]:
        _make_private()
    try:
        os.execv(command[0], command)  # noqa: S606 # the command is the one that the person agreed to
    except OSError as error:
        sys.stderr.write(f"{type(error).__name__}: {error.strerror}: {command[0]!r}\n")
        sys.stderr.flush()
        os._exit(1)


def _make_private() -> None:
    """Move the host's pipes from 0 and 1 to 3 and 4."""
    os.dup2(0, 3)
    os.dup2(1, 4)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
