"""An interpreter that has imported what every command does; each command is a process of its own, forked from it.

Of a command that says what is installed, importing takes two thirds of the processor, and taking all that was imported
apart again at the end a third. The forked process has the words, environment, folder and streams that it was given. It
runs ``dynamic_plugins`` from ``__main__`` on, imports what this one command needs besides, and does at its end what
anybody can see of an interpreter's: waits for threads, runs what was registered for the end, flushes.

Where coverage is measured, as ``.ci/run`` does for the fast tests, nothing of ours is imported before, and each command
ends as any interpreter does.

What an interpreter is told before it begins (its locale, its paths) a fork cannot change, and what an import reads has
been read. A command whose environment differs in such a thing is not :func:`alike`, and starts an interpreter of its
own, as does everything that is typed at a terminal, and every server. So does every command on macOS, whose own
libraries may not be used in a forked process.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of others. Nothing that starts a thread, looks for a keyring, or is asked for in a postponed way.
IMPORTED = (
    "asyncio",
    "cryptography.hazmat.primitives.ciphers.aead",
    "email.message",
    "filelock",
    "getpass",
    "httpx2",
    "importlib.metadata",
    "jsonschema.validators",
    "mcp.client.sse",
    "mcp.client.streamable_http",
    "mcp_types.methods",
    "packaging.requirements",
    "platformdirs",
    "referencing.jsonschema",
    "rapidfuzz",
    "secrets",
    "sqlite3",
    "tarfile",
    "tomllib",
)
# Of ours, what most commands import. What one group of them alone does (chat_commands…) each imports itself.
OURS = (
    "dynamic_plugins.cli.parser",
    "dynamic_plugins.cli.runner",
    "dynamic_plugins.cli.commands",
    "dynamic_plugins.install.builder",
    "dynamic_plugins.registry.refresh",
    "dynamic_plugins.resolver.search",
    "dynamic_plugins.resolver.suggestions",
    "dynamic_plugins.tools.toolbox",
    "dynamic_plugins.workers.connection",
)
# What an interpreter reads before it begins, and what the packages above read while they are imported. Keyring is not
# among them, nor are OpenTelemetry's exporters.
_READ_EARLY = ("CRYPTOGRAPHY_", "LANG", "LC_", "LD_", "OPENSSL_", "OTEL_", "PYDANTIC_", "PYTHON", "TZ")
_READ_LATE = ("OTEL_EXPORTER_", "PYTHON_KEYRING_")
FORKS = sys.platform == "linux"
_MOST = 2**17
"""Bytes of a request: words and an environment."""


def is_measured(environ: Mapping[str, str]) -> bool:
    """Return whether coverage is measured in a process with this environment."""
    return any(key.startswith("COVERAGE_PROCESS_") for key in environ)


def alike(environ: Mapping[str, str], started_with: Mapping[str, str]) -> bool:
    """Return whether an interpreter *started_with* one environment is as good as one that is started with another."""
    keys = environ.keys() | started_with.keys()
    differ = {key for key in keys if environ.get(key) != started_with.get(key)}
    return all(key.startswith(_READ_LATE) or not key.startswith(_READ_EARLY) for key in differ)


class ReadyInterpreter:
    """Runs one command at a time, from any thread."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = {key: value for key, value in environ.items() if not key.startswith("COVERAGE_")}
        ours = () if is_measured(environ) else OURS
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.ready_interpreter", str(theirs.fileno()), *ours],
                # Pipes, so that its streams are made for what those of its commands are.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self.environ,
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        self._socket.close()
        self._process.communicate()

    def run(
        self, words: Sequence[str], *, said: str, env: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str] | None:
        """Run ``dynamic_plugins`` with *words*, and *said* as its input; None where another command is being run.

        Raises subprocess.TimeoutExpired when it has run for *seconds*, and ends it.
        """
        if not self._lock.acquire(blocking=False):
            return None
        done, in_time = self._run(words, said, env, seconds)
        # Where waiting ends otherwise, this is for nobody any more: the next one would be told how that one ended.
        self._lock.release()
        if not in_time:
            raise subprocess.TimeoutExpired(list(words), seconds)
        return done

    def _run(
        self, words: Sequence[str], said: str, env: Mapping[str, str], seconds: float
    ) -> tuple[subprocess.CompletedProcess[str], bool]:
        pid, typed, streams = self._start({"words": list(words), "env": dict(env), "folder": str(Path.cwd())})
        texts: list[str] = ["", ""]

        def read(number: int) -> None:
            with os.fdopen(streams[number], encoding="utf-8") as stream:
                texts[number] = stream.read()

        readers = [threading.Thread(target=read, args=[number]) for number in range(len(streams))]
        killed: list[int] = []

        def kill() -> None:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

        timer = threading.Timer(seconds, kill)
        for thread in (*readers, timer):
            thread.start()
        # Who ends without having read it closes the pipe.
        with suppress(BrokenPipeError), os.fdopen(typed, "w", encoding="utf-8") as stream:
            stream.write(said)
        for thread in readers:
            thread.join()
        code = int(self._socket.recv(_MOST))
        timer.cancel()
        return subprocess.CompletedProcess(list(words), code, *texts), not killed

    def _start(self, request: dict[str, Any]) -> tuple[int, int, list[int]]:
        """Start a command; return its process, where its input is written and where its output is read."""
        (stdin, typed), (heard, stdout), (complained, stderr) = (os.pipe() for _ in range(3))
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [stdin, stdout, stderr])
        finally:
            for end in (stdin, stdout, stderr):
                os.close(end)
        return int(self._socket.recv(_MOST)), typed, [heard, complained]


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; return it in the forked process, and None when nobody asks any more."""
    while True:
        data, streams, _, _ = socket.recv_fds(control, _MOST, 3)
        if not data:
            return None
        if (pid := os.fork()) == 0:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            control.close()
            request: dict[str, Any] = json.loads(data)
            return request
        for stream in streams:
            os.close(stream)
        control.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any]) -> None:
    """Be ``python -m dynamic_plugins`` with what was asked for."""
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


def _main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    gc.disable()
    for name in (*IMPORTED, *sys.argv[2:]):
        import_module(name)
    gc.freeze()
    gc.enable()
    assert threading.active_count() == 1, "a fork would leave the others behind"
    if (request := _serve(control)) is not None:
        _become(request)


if __name__ == "__main__":
    _main()
