"""An interpreter that has imported what every command does; each command is a process of its own, forked from it.

Of a command that says what is installed, importing takes two thirds of the processor, and taking all that was imported
apart again at the end a third. The forked process has the words, environment, folder and streams that it was given. It
runs ``dynamic_plugins`` from ``__main__`` on, imports what this one command needs besides, and does at its end what
anybody can see of an interpreter's: waits for threads, runs what was registered for the end, flushes. Conversations
find the models in memory that read messages: the first of them has the interpreter read these.

Where coverage is measured, as ``.ci/run`` does for the fast tests, nothing of ours is imported before, and each command
ends as any interpreter does.

What an interpreter is told before it begins (its locale, its paths) a fork cannot change, and what an import reads has
been read. A command whose environment differs in such a thing is not :func:`alike`, and starts an interpreter of its
own. So does every command on macOS, whose own libraries may not be used in a forked process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

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
# What a group of commands imports besides, once the first of them is asked for.
TALK = (
    "dynamic_plugins.cli.chat_commands",
    "dynamic_plugins.chat.conversation",
    "dynamic_plugins.embedded.managing.reading",
    "detect_secrets.core.plugins.util",
)
_BUILT_IN = ("dynamic_plugins.embedded.model",)
_ENDPOINT = ("openai", "dynamic_plugins.chat.model_client")
# What an interpreter reads before it begins, and what the packages above read while they are imported. Keyring is not
# among them, nor are OpenTelemetry's exporters.
_READ_EARLY = ("CRYPTOGRAPHY_", "LANG", "LC_", "LD_", "OPENSSL_", "OTEL_", "PYDANTIC_", "PYTHON", "TZ")
_READ_LATE = ("OTEL_EXPORTER_", "PYTHON_KEYRING_")
FORKS = sys.platform == "linux"
BYTECODE = "TESTS_SHAREDBYTECODE"
MOST = 2**17
"""Bytes of a request: words and an environment."""


def share_bytecode(folder: str) -> None:
    """Have every install of this process take from *folder* what another one has compiled, and put there what it does.

    Most of what tests install is the same few packages; to compile them takes as long as all else of an install.
    """
    from dynamic_plugins.install import bytecode

    bytecode._NOTHING_SHARED = folder


def is_measured(environ: Mapping[str, str]) -> bool:
    """Return whether coverage is measured in a process with this environment."""
    return any(key.startswith("COVERAGE_PROCESS_") for key in environ)


def words_of(command: Sequence[str]) -> list[str] | None:
    """Return what *command* says to ``dynamic-plugins``; None where it starts something else."""
    for start in (("dynamic-plugins",), (sys.executable, "-m", "dynamic_plugins")):
        if tuple(command[: len(start)]) == start:
            return list(command[len(start) :])
    return None


def wanted_by(words: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a command with these *words* is sure to import."""
    if is_measured(environ) or not {"ask", "chat"} & set(words):
        return ()
    has_endpoint = "--base-url" in words or bool(environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_KEY"))
    return (*TALK, *(_ENDPOINT if has_endpoint else _BUILT_IN))


def alike(environ: Mapping[str, str], started_with: Mapping[str, str]) -> bool:
    """Return whether an interpreter *started_with* one environment is as good as one that is started with another."""
    keys = environ.keys() | started_with.keys()
    differ = {key for key in keys if environ.get(key) != started_with.get(key)}
    return all(key.startswith(_READ_LATE) or not key.startswith(_READ_EARLY) for key in differ)


class ReadyInterpreter:
    """Starts commands, as many at once as are asked for, from any thread."""

    def __init__(self, environ: Mapping[str, str], bytecode: Path | None = None) -> None:
        """*bytecode* is where installs take what others have compiled."""
        self.environ = {key: value for key, value in environ.items() if not key.startswith("COVERAGE_")}
        ours = () if is_measured(environ) else OURS
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking_process", str(theirs.fileno()), *ours],
                stdin=subprocess.DEVNULL,
                # A library with threads of its own would leave them behind in a fork.
                env=self.environ | {"OPENBLAS_NUM_THREADS": "1", BYTECODE: str(bytecode or "")},
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        self._socket.close()
        self._process.wait()

    def run(
        self,
        words: Sequence[str],
        *,
        said: str,
        env: Mapping[str, str],
        seconds: float,
        folder: Path | None = None,
        merged: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``dynamic_plugins`` with *words*, and *said* as its input; *merged*, both outputs are one.

        Raises subprocess.TimeoutExpired when it has run for *seconds*, and ends it.
        """
        (stdin, typed), (heard, stdout) = os.pipe(), os.pipe()
        complained, stderr = (os.open(os.devnull, os.O_RDONLY), os.dup(stdout)) if merged else os.pipe()
        command = self.start(words, env=env, folder=folder or Path.cwd(), streams=(stdin, stdout, stderr))
        texts = ["", ""]

        def read(number: int, fd: int) -> None:
            with os.fdopen(fd, encoding="utf-8") as stream:
                texts[number] = stream.read()

        readers = [threading.Thread(target=read, args=each) for each in enumerate((heard, complained))]
        for thread in readers:
            thread.start()
        # Who ends without having read it closes the pipe.
        with suppress(BrokenPipeError), os.fdopen(typed, "w", encoding="utf-8") as stream:
            stream.write(said)
        try:
            code = command.wait(seconds)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
            raise
        finally:
            for thread in readers:
                thread.join()
        return subprocess.CompletedProcess(list(words), code, *texts)

    def start(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        streams: tuple[int, int, int],
        terminal: bool = False,
    ) -> ForkedCommand:
        """Start ``dynamic_plugins`` with *words* on *streams*, which are closed here.

        With *terminal* they are those of one, which becomes its own: only then is Ctrl-C a signal.
        """
        request = {"words": list(words), "env": dict(env), "folder": str(folder), "terminal": terminal}
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [*streams, theirs.fileno()])
        finally:
            theirs.close()
            for each in set(streams):
                os.close(each)
        return ForkedCommand(list(words), ours)


class ForkedCommand:
    """A command that was forked, with what a test wants of a ``Popen``; *told* says its process, and how it ended."""

    def __init__(self, words: list[str], told: socket.socket) -> None:
        self._words, self._told = words, told
        self._lines = told.makefile()
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode if self.returncode is not None else self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended. Raises subprocess.TimeoutExpired."""
        code = self.returncode if self.returncode is not None else self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended(self, seconds: float | None) -> int | None:
        if select.select([self._told], [], [], seconds)[0]:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._told.close()
        return self.returncode
