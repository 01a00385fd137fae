"""The worker's supervisor: the process that the host knows, which ends all that the worker started when that ends.

It is the one that orphans are handed to, so that nothing gets away by forking twice; a filter keeps the worker from
undoing that. Where there are namespaces, the first process of its own takes this over: see ``namespaces.py``.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # the other one takes a tenth of the start
import os

from .libc import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

END = signal.SIGUSR1
"""Tells a supervisor to end everything: the kernel sends it when the host has died, in whatever way."""


def run(host: int, start: Callable[[], NoReturn]) -> NoReturn:
    """Call *start* in a process of its own and end as that does, and with it all that it has started."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(END, lambda *_: _end_all())
    ignore_hints()
    worker = os.fork()
    if worker == 0:
        signal.signal(END, signal.SIG_DFL)
        start_or_leave(start)
    tie_to(host, END)
    leave_pipes()
    status = _wait_for(worker)
    _end_all()
    end_as(status)


def tie_to(parent: int, number: int) -> None:
    """Have the kernel send this process the signal *number* when *parent* ends in any way."""
    prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the kernel was told
        os.kill(os.getpid(), number)


def ignore_hints() -> None:
    """Leave it to the worker whether it goes when its whole group is asked to."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def start_or_leave(start: Callable[[], NoReturn]) -> NoReturn:
    """Call *start*; what it raises is told on standard error, and nothing of the parent's code goes on here."""
    try:
        start()
    except BaseException as error:  # a fork must not return into its parent's code
        os.write(2, f"{type(error).__name__}: the plugin's process cannot be fenced: {error}\n".encode())
    os._exit(1)


def leave_pipes() -> None:
    """Let go of standard input and output: whoever reads them must see their end when the worker leaves them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def end_as(status: int) -> NoReturn:
    """End as the process of this wait *status* did: with its exit code, or by its signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def _wait_for(worker: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return status


def _end_all() -> None:
    """Kill everything that this process has started, until there is nothing more.

    What forks and leaves at once is gone by the time that all processes were looked at. But what it has started is then
    a child of this process: those are killed as they come.
    """
    alive = list(_descendants(os.getpid()))
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none starts another meanwhile
        for pid in alive:
            _send(pid, number)
    before: list[int] = []
    while True:
        children = _own_children()
        for pid in children:
            _send(pid, signal.SIGKILL)
        try:
            # The same as before: they are on their way out, and the first to be gone is waited for.
            ended = os.waitpid(-1, 0 if children and children == before else os.WNOHANG)[0]
            while ended:
                ended = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return
        before = children


def _own_children() -> list[int]:
    """Return the children of this process, which has one thread, from the file that says so where there is one."""
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children", "rb") as children:  # noqa: PTH123
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return list(_descendants(own))


def _descendants(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 # pathlib takes a tenth of the start
        if name.isdigit() and (parent := _parent(name)) is not None:
            children.setdefault(parent, []).append(int(name))
    ahead = [root]
    while ahead:
        found = children.get(ahead.pop(), [])
        yield from found
        ahead += found


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as facts:  # noqa: PTH123
            # Its name comes second, in brackets, and may hold anything; then its state.
            state, parent = facts.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == b"Z" else int(parent)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:  # it has gone
        return
