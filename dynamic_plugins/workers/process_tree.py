"""What a process has started, found and ended; only where there is /proc, elsewhere nothing is found."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_ROUNDS = 50
"""How often those that were stopped are looked at for more: who forks as fast as that is never caught up with."""
_GONE_SECONDS = 2.0
"""How long to wait for those that were killed: the system ends them in its own time, and some that it cannot."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; its number alone may be another's by now."""

    pid: int
    started: bytes


def descendants(roots: Collection[int]) -> set[Process]:
    """Return all that the processes *roots* have started and that runs, without those themselves."""
    children: dict[int, list[Process]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (facts := _facts(folder.name)) is not None:
            children.setdefault(facts[0], []).append(facts[1])
    found: set[Process] = set()
    ahead = list(roots)
    while ahead:
        for child in children.get(ahead.pop(), ()):
            if child not in found:
                found.add(child)
                ahead.append(child.pid)
    return found


def first_below(root: int, levels: int) -> int | None:
    """Return the process that *root* started first, that which this one did, and so on, *levels* down; None without."""
    for _ in range(levels):
        started = [each for each in descendants([root]) if (facts := _facts(str(each.pid))) and facts[0] == root]
        if not started:
            return None
        root = min(started, key=lambda each: (int(each.started), each.pid)).pid
    return root


def kill(known: Collection[Process], mark: bytes) -> None:
    """End those of *known* that still run, whoever has *mark* in its environment, and all that those have started.

    They are stopped first, so that none starts another in the meantime.
    """
    ending = {each for each in known if _runs(each)} | _marked(mark)
    fresh = ending
    for _ in range(_ROUNDS):
        for each in fresh:
            _signal(each, signal.SIGSTOP)
        fresh = (descendants([each.pid for each in ending]) if ending else set()) - ending
        if not fresh:
            break
        ending |= fresh
    with ExitStack() as watched:
        ends = [end for each in ending if (end := _end_of(each, watched)) is not None]
        for each in ending:
            _signal(each, signal.SIGKILL)
        if ends:
            _wait(ends)


def _end_of(process: Process, watched: ExitStack) -> int | None:
    """Return what can be read from once *process* has ended, until *watched* is left; None where it has by now."""
    try:
        end = os.pidfd_open(process.pid)
    except (OSError, AttributeError):  # it has; or this Python was built for a system that cannot tell
        return None
    watched.callback(os.close, end)
    return end if _runs(process) else None


def _wait(ends: Collection[int]) -> None:
    poll, until, left = select.poll(), time.monotonic() + _GONE_SECONDS, set(ends)
    for end in ends:
        poll.register(end, select.POLLIN)
    while left and (seconds := until - time.monotonic()) > 0:
        for end, _ in poll.poll(seconds * 1000):
            poll.unregister(end)
            left.discard(end)


def _marked(mark: bytes) -> set[Process]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes() and (facts := _facts(folder.name)) is not None:
                found.add(facts[1])
    return found


def _facts(pid: str) -> tuple[int, Process] | None:
    """Return a process's parent, and who it is."""
    try:
        # Its name comes second, in brackets, and may hold anything.
        rest = Path("/proc", pid, "stat").read_bytes().rpartition(b")")[2].split()
        return int(rest[1]), Process(int(pid), rest[19])
    except (OSError, ValueError, IndexError):
        return None


def _runs(process: Process) -> bool:
    facts = _facts(str(process.pid))
    return facts is not None and facts[1] == process


def _signal(process: Process, number: signal.Signals) -> None:
    if _runs(process):
        with suppress(OSError):
            os.kill(process.pid, number)
