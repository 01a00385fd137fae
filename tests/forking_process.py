"""The process behind ``ready_interpreter``: it imports, forks for each command, and tells how each has ended."""

from __future__ import annotations

import atexit
import fcntl
import gc
import io
import json
import os
import runpy
import selectors
import socket
import sys
import termios
import threading
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from tests.ready_interpreter import BYTECODE, IMPORTED, MOST, is_measured, share_bytecode, wanted_by


class _Server:
    """The process that is ready: it forks for each request, and tells whoever asked how each command has ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running = selectors.DefaultSelector()
        self._running.register(control, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any] | None:
        """Return a request in the process that was forked for it, and None when nobody asks any more."""
        while True:
            for key, _ in self._running.select():
                if key.data is not None:
                    self._tell_end(key.fd, *key.data)
                    continue
                data, streams, _, _ = socket.recv_fds(self._control, MOST, 4)
                if not data:
                    return None
                request: dict[str, Any] = json.loads(data)
                if wanted := wanted_by(request["words"], request["env"]):
                    _import(*wanted)
                    _read_models()
                if self._fork(streams):
                    return request

    def _fork(self, streams: list[int]) -> bool:
        """Fork; return whether this is the new process, with *streams* as its own."""
        told = socket.socket(fileno=streams.pop())
        if pid := os.fork():
            for each in set(streams):
                os.close(each)
            told.send(f"{pid}\n".encode())
            self._running.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))
            return False
        told.close()
        for key in list(self._running.get_map().values()):
            if key.data is not None:
                os.close(key.fd)
                key.data[1].close()
        self._running.close()
        self._control.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for each in set(streams):
            os.close(each)
        return True

    def _tell_end(self, pidfd: int, pid: int, told: socket.socket) -> None:
        _, status = os.waitpid(pid, 0)
        self._running.unregister(pidfd)
        os.close(pidfd)
        with told, suppress(OSError):  # whoever started it may be gone
            told.send(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _own_streams() -> None:
    """Make this process's streams anew, as an interpreter makes them for what it was given."""
    for fd, name, mode in ((0, "stdin", "rb"), (1, "stdout", "wb"), (2, "stderr", "wb")):
        before = getattr(sys, name)
        lines = fd == 2 or (fd == 1 and os.isatty(1))
        buffer = open(fd, mode, closefd=False)  # noqa: SIM115 # it is there until the process ends
        stream = io.TextIOWrapper(buffer, before.encoding, before.errors, line_buffering=lines)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _become(request: dict[str, Any]) -> None:
    """Be ``python -m dynamic_plugins`` with what was asked for."""
    if request["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _own_streams()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    sys.argv = ["dynamic_plugins", *request["words"]]
    if is_measured(os.environ):
        import coverage

        coverage.process_startup()  # as its .pth file does where an interpreter begins
        runpy.run_module("dynamic_plugins", run_name="__main__", alter_sys=True)
        return
    try:
        runpy.run_module("dynamic_plugins", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int):
            _end(end.code)
        raise


def _end(code: int) -> NoReturn:
    """End this process as an interpreter does, but for taking apart what it has imported."""
    threading._shutdown()  # type: ignore[attr-defined] # there is no public name for what an interpreter begins its end with
    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120  # the interpreter's own, where what was printed could not be written
    os._exit(code)


def _import(*names: str) -> None:
    """Import what is not there yet; garbage is looked for in none of it."""
    if wanted := [name for name in names if name not in sys.modules]:
        gc.disable()
        for name in wanted:
            import_module(name)
        gc.freeze()
        gc.enable()
        assert threading.active_count() == 1, "a fork would leave the others behind"


@cache
def _read_models() -> None:
    """Read a message, as the guard of every conversation does: with that the models are in memory that reads them."""
    gc.disable()
    import_module("dynamic_plugins.embedded.managing.reading").mood_of("switch it on")
    gc.freeze()
    gc.enable()


def _main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    _import(*IMPORTED, *sys.argv[2:])
    if (folder := os.environ[BYTECODE]) and sys.argv[2:]:
        share_bytecode(folder)
    if (request := _Server(control).serve()) is not None:
        _become(request)


if __name__ == "__main__":
    _main()
