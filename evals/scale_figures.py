"""What one agent, one plugin that runs or does not, one call and one turn cost on this machine: see ``evals.scale``."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.start import prepare
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.core.model_protocol import Say, ToolCall, Use
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.call_log import FLUSH_SECONDS
from evals.scale_model import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.chat.conversation import Conversation
    from dynamic_plugins.core.model_protocol import Model, OnText, TurnContext

PLUGINS = 10
_MANY = 60
_CALLS, _TURNS, _ROUNDS = 300, 60, 40
_APART = 5
_IDLE_SECONDS = 10.0
_HOST = """
import asyncio, contextlib, gc, sys
import psutil
from dynamic_plugins.integrations.mcp_server import opened
from dynamic_plugins.settings import Settings
async def main():
    async with contextlib.AsyncExitStack() as stack:
        for home in sys.argv[1:]:
            app, _ = await stack.enter_async_context(opened(Settings.from_environment(home=home), command=["x"]))
            app.toolbox.offered()
            await app.service.context()
        gc.collect()
        print(psutil.Process().memory_full_info().pss)
asyncio.run(main())
"""


class _Scripted:
    """A model that calls the actions in turn, once in each turn: nothing of its own work is measured."""

    name, reads_every_tool = "scripted", False

    def __init__(self) -> None:
        self._count = 0

    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],  # noqa: ARG002
        on_text: OnText | None = None,  # noqa: ARG002
        context: TurnContext | None = None,  # noqa: ARG002
    ) -> Say | Use:
        if messages[-1]["role"] == "tool":
            return Say("Greeted.")
        self._count += 1
        name = f"hello-{self._count % PLUGINS}__greet"
        return Use((ToolCall(f"call-{self._count}", name, '{"name": "Ada"}'),))

    async def close(self) -> None:
        """Nothing is open."""


class _ScriptedApp(App):
    def model(self) -> Model:
        return self._scripted

    _scripted = _Scripted()


def _host_bytes(*homes: Path) -> int:
    """Return the memory of a process that serves *homes*."""
    command = [sys.executable, "-c", _HOST, *map(str, homes)]
    found = [int(subprocess.check_output(command)) for _ in range(3)]
    return int(statistics.median(found))


def _tree() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _cpu() -> float:
    """Return the processor time of this process and of all that run below it."""
    own = time.process_time()
    return own + sum(sum(each.cpu_times()[:2]) for each in _tree())


class _Opened:
    """Counts the files below *home* that are opened, by whether they are read or written."""

    def __init__(self, home: Path) -> None:
        self._home, self.counts = str(home), Counter[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        path = os.fsdecode(arguments[0])
        if path.startswith(self._home) and not path.endswith((".lock", ".py", ".pyc")):
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND)
            self.counts["writes" if writes else "reads"] += 1


async def _workers(app: App, opened: _Opened) -> dict[str, float]:
    """Measure starts, calls and what running and doing nothing cost."""
    settle = await _started(app, opened.counts)
    memory = [each.memory_full_info().pss for each in _tree()]
    cpu, counts = _cpu(), dict(opened.counts)
    for number in range(_CALLS):
        await app.service.call(f"hello-{number % PLUGINS}", "greet", {"name": "Ada"})
    call_cpu = (_cpu() - cpu) / _CALLS
    call_writes = (opened.counts["writes"] - counts.get("writes", 0)) / _CALLS
    cpu = sum(sum(each.cpu_times()[:2]) for each in _tree())
    await asyncio.sleep(_IDLE_SECONDS)
    idle = sum(sum(each.cpu_times()[:2]) for each in _tree()) - cpu
    return {
        "worker_mb": sum(memory) / PLUGINS / 2**20,
        "worker_processes": len(memory) / PLUGINS,
        "call_cpu": call_cpu,
        "start_cpu": settle["cpu"] - call_cpu,
        "start_seconds": settle["seconds"],
        "idle_cpu": idle / PLUGINS / _IDLE_SECONDS,
        "start_writes": max(0.0, settle["writes"] - call_writes),
    }


async def _started(app: App, opened: Counter[str]) -> dict[str, float]:
    """Call each plugin for the first time, one after the other; the very first brings imports along and is left out."""
    found: list[tuple[float, float]] = []
    before = 0
    for number in range(PLUGINS):
        if number == 1:
            before = opened["writes"]
        cpu, begun = _cpu(), time.perf_counter()
        await app.service.call(f"hello-{number}", "greet", {"name": "Ada"})
        found.append((_cpu() - cpu, time.perf_counter() - begun))
    measured = found[1:]
    return {
        "cpu": statistics.median(cpu for cpu, _ in measured),
        "seconds": statistics.median(seconds for _, seconds in measured),
        "writes": (opened["writes"] - before) / len(measured),
    }


async def _turns(app: App, opened: _Opened, call_cpu: float) -> dict[str, float]:
    conversation = app.conversation()
    await conversation.respond("greet Ada")
    cpu, counts = _cpu(), Counter(opened.counts)
    for _ in range(_TURNS):
        await conversation.respond("greet Ada")
    turn_cpu = (_cpu() - cpu) / _TURNS - call_cpu
    reads = (opened.counts["reads"] - counts["reads"]) / _TURNS
    return {"turn_cpu": turn_cpu, "turn_reads": reads, "turn_writes": await _written(conversation, opened)}


async def _written(conversation: Conversation, opened: _Opened) -> float:
    """Return what a turn writes that is not followed by another at once: what happened is written down with a delay."""
    before = opened.counts["writes"]
    for _ in range(_APART):
        await asyncio.sleep(FLUSH_SECONDS + 0.5)
        await conversation.respond("greet Ada")
    await asyncio.sleep(FLUSH_SECONDS + 0.5)
    return (opened.counts["writes"] - before) / _APART


def _median_seconds(act: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.perf_counter()
        act()
        return time.perf_counter() - begun

    return statistics.median(once() for _ in range(_ROUNDS))


def _state(home: Path) -> dict[str, float]:
    path = home / "plugin-management-state.json"
    content = path.read_bytes()
    return {
        "read_seconds": _median_seconds(lambda: read_json(path)),
        "write_seconds": _median_seconds(lambda: write_atomically(home / "measured.json", content)),
    }


async def measure() -> Figures:
    """Return the figures of this machine; it takes a minute."""
    with tempfile.TemporaryDirectory() as folder:
        none, many, ten = (Path(folder) / name for name in ("none", "many", "ten"))
        none.mkdir()
        await prepare(many, _MANY)
        await prepare(ten, PLUGINS)
        empty, full = _host_bytes(none), _host_bytes(many)
        together = _host_bytes(none, *(Path(folder) / str(number) for number in range(_MANY)))
        opened = _Opened(ten)
        settings = Settings.from_environment(home=ten)
        async with _ScriptedApp(settings, approve=approve_everything) as app:
            workers = await _workers(app, opened)
            turns = await _turns(app, opened, workers["call_cpu"])
        return Figures(
            host_mb=empty / 2**20,
            another_host_mb=(together - empty) / _MANY / 2**20,
            idle_plugin_mb=(full - empty) / _MANY / 2**20,
            **workers,
            **turns,
            **_state(ten),
        )


def machine() -> str:
    """Return in a line where this is measured."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {sys.platform}, Python {sys.version.split()[0]}"
