"""Loads well and misbehaves when it is called."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from dynamic_plugins.plugin import Plugin, Service, action


@action
def ok() -> str:
    "Answers."
    return "fine"


@action
async def hang() -> None:
    "Never answers, but lets others be answered."
    await asyncio.Event().wait()


@action
async def block() -> None:
    "Never answers, and lets nobody else be answered."
    threading.Event().wait()


@action
def die() -> None:
    "Ends the process in the middle of the call."
    print("RuntimeError: the disk is full", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    os._exit(9)


@action
def big(megabytes: int = 100) -> str:
    "Returns a lot."
    return "x" * (megabytes * 2**20)


@action
def allocate() -> int:
    "Allocates without end."
    held = []
    while True:
        held.append(bytearray(2**24))


@action
def spin() -> None:
    "Uses the processor without end."
    while True:
        pass


@action
def open_files() -> int:
    "Opens files without end."
    held = []
    while True:
        held.append(open("/dev/null"))  # noqa: SIM115, PTH123


@action
def flood(megabytes: int = 50) -> str:
    "Writes a lot to standard error, and garbage to standard output."
    for _ in range(megabytes):
        os.write(2, b"noise, noise, noise\n" * (2**20 // 20))
        os.write(1, b'{"jsonrpc": "2.0", "id": 1, "result": {}}\n' * 100)
    return "flooded"


@action
def fork() -> list[int]:
    "Starts children that would stay: one in its group, one in a session of its own."
    sleeper = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    return [subprocess.Popen(sleeper).pid, subprocess.Popen(sleeper, start_new_session=True).pid]


@action
def scatter() -> list[int]:
    "Starts what would stay: without the worker's environment or session, the second not even as its child."
    sleeper = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    alone = "env={}, start_new_session=True, stdout=subprocess.DEVNULL"
    between = f"import subprocess; print(subprocess.Popen({sleeper!r}, {alone}).pid)"
    orphan = subprocess.run([sys.executable, "-c", between], env={}, stdout=subprocess.PIPE, check=True)
    return [subprocess.Popen(sleeper, env={}, start_new_session=True).pid, int(orphan.stdout)]


@action
def deaf() -> str:
    "Ignores SIGTERM from now on."
    _ignore.set()
    return "what?"


@action
def odd() -> list[Any]:
    "Returns what JSON does not know."
    return [float("nan"), {1, 2}, b"\xff", object, ValueError("x")]


_ignore = threading.Event()
signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stop() -> None:
    if _ignore.is_set():
        time.sleep(3600)  # it takes its time, too


plugin = Plugin(
    name="misbehaves",
    actions=[ok, hang, block, die, big, allocate, spin, open_files, flood, fork, scatter, deaf, odd],
    services=[Service("stubborn", lambda: None, _stop)],
)
