"""What a host keeps of plugins that come and go: cycles of activate, call, unload, and what is left afterwards.

usage: python -m evals.cycles [--cycles 500] [--offline] [NAME…]

Six different plugins (a folder, a folder with services, tasks and providers, an MCP server from PyPI, one from npm,
elizaOS ones in Python and in TypeScript) are installed in one home, then activated, called and unloaded in turns by one
process. Its resident memory after a collection is measured from a point on where everything has been imported: what
counts is how it grows over the rest of the cycles, as the median of the growth between any two points says, so that one
step that is not taken again is none. There is one: asyncio lets go of cancelled timers, and of what they hold, once
there are a hundred, which is after some fifty cycles. The process takes its memory from one pool (an arena, in glibc's
words): else each thread has its own, which grows by megabytes with the first large work of that thread, whenever that
is. File descriptors, threads and processes must be what they were; the threads that `asyncio.to_thread` keeps are all
made beforehand, since it makes one whenever as many are at work as never before.
``--offline`` leaves out what comes from an index.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import psutil

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings

ROOT = Path(__file__).parent.parent
MOST_BYTES = 2 * 2**20
_ARENA_MAX = -8
"""The number of that setting in malloc.h."""
SETTLED = 0.1
"""The share of the cycles after which memory is first measured."""


@dataclass(frozen=True)
class Candidate:
    """A plugin to cycle: where it is from, and a call with the text that its answer must hold."""

    name: str
    action: str
    arguments: dict[str, Any]
    answer: str
    folder: Path | None = None


CANDIDATES = (
    Candidate("hello", "greet", {"name": "Ada"}, "Hello, Ada!", ROOT / "examples" / "hello-plugin"),
    Candidate("whole", "state", {}, '"running": true', ROOT / "tests" / "plugins" / "whole"),
    Candidate("mcp-server-time", "get_current_time", {"timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
    Candidate("@modelcontextprotocol/server-everything", "echo", {"message": "hi"}, "hi"),
    Candidate("@elizaos/plugin-scratchpad", "SCRATCHPAD_WRITE", {"title": "note", "content": "text"}, ""),
    Candidate("npm:@elizaos/plugin-eliza-classic", "generate-response", {"input": "I am sad"}, "sad"),
)


@dataclass(frozen=True)
class Point:
    """What the process holds at one moment: bytes of memory, and how many of everything else."""

    memory: int
    descriptors: int
    threads: int
    children: int
    tasks: int
    objects: int

    @classmethod
    def now(cls) -> Point:
        """Return this moment, after everything that can be collected has been."""
        for _ in range(3):
            gc.collect()
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)  # freed pages that the allocator keeps are nobody's leak
        process = psutil.Process()
        alive = [each for each in process.children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]
        return cls(
            memory=process.memory_info().rss,
            descriptors=process.num_fds(),
            threads=threading.active_count(),
            children=len(alive),
            tasks=len(asyncio.all_tasks()),
            objects=len(gc.get_objects()),
        )


@dataclass(frozen=True)
class Report:
    """What was measured: the points by cycle, and the seconds a cycle took by plugin."""

    points: dict[int, Point]
    cycles: Counter[str]
    seconds: dict[str, float]
    grown: Counter[str]
    """Of which types there are more objects at the end than when it was settled."""

    @property
    def growth(self) -> int:
        """How many bytes the memory grew from the point where it was settled to the end, at its median pace (Theil and
        Sen): that of most pairs of points, whatever a few of them say.
        """
        settled, *_, end = self.points
        pairs = combinations(self.points.items(), 2)
        pace = [(later.memory - point.memory) / (then - number) for (number, point), (then, later) in pairs]
        return int(statistics.median(pace) * (end - settled))

    @property
    def violations(self) -> list[str]:
        settled, *_, end = self.points.values()
        found = [f"memory grew by {self.growth / 2**20:.2f} MB"] if self.growth >= MOST_BYTES else []
        for what in ("descriptors", "threads", "children", "tasks"):
            before, after = getattr(settled, what), getattr(end, what)
            if after > before:
                found.append(f"{what}: {before}, then {after}")
        return found


async def cycle(app: App, plugin: Candidate) -> None:
    """Activate, call and unload one plugin; raise AssertionError for an answer that is not its own."""
    await app.service.activate(plugin.name)
    value = await app.service.call(plugin.name, plugin.action, plugin.arguments)
    said = value if isinstance(value, str) else json.dumps(value)
    assert plugin.answer in said, f"{plugin.name} said {said[:200]}"  # the check of this program
    await app.service.unload(plugin.name)
    assert plugin.name not in app.service.running()  # the check of this program


async def install(app: App, plugin: Candidate, scratch: Path) -> None:
    """Install *plugin*; a folder without a manifest gets one."""
    if plugin.folder is None:
        await app.service.install(plugin.name)
        return
    folder = scratch / plugin.name
    shutil.copytree(plugin.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if not (folder / "pyproject.toml").is_file():
        points = f'[project.entry-points."dynamic_plugins.plugins"]\n{plugin.name} = "{plugin.name}_plugin:plugin"\n'
        (folder / "pyproject.toml").write_text(f'[project]\nname = "{plugin.name}"\nversion = "1"\n\n{points}')
    await app.service.install_path(folder)


async def run(cycles: int, plugins: tuple[Candidate, ...] = CANDIDATES, steps: int = 10) -> Report:
    """Return what *cycles* cycles over *plugins*, one after another, did to this process."""
    settled = max(int(cycles * SETTLED), len(plugins) * 2)
    points: dict[int, Point] = {}
    seconds: dict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    before: Counter[str] = Counter()
    _share_one_arena()
    marks = {settled, cycles, *(settled + (cycles - settled) * step // steps for step in range(steps))}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment(home=Path(folder) / "home")
        async with App(settings, approve=approve_everything) as app:
            for plugin in plugins:
                await install(app, plugin, Path(folder))
            await fill_pool()
            for number in range(1, cycles + 1):
                plugin = plugins[number % len(plugins)]
                start = time.perf_counter()
                await cycle(app, plugin)
                seconds[plugin.name] += time.perf_counter() - start
                counts[plugin.name] += 1
                if number in marks:
                    points[number] = await settle()
                if number == settled:
                    before = _types()
            grown = _types() - before
    return Report(points, counts, {name: seconds[name] / counts[name] for name in counts}, grown)


async def fill_pool() -> None:
    """Have the threads of `asyncio.to_thread` made, as many as there may be: each waits until all are there."""
    most = min(32, (os.cpu_count() or 1) + 4)
    all_there = threading.Barrier(most, timeout=60)
    await asyncio.gather(*(asyncio.to_thread(all_there.wait) for _ in range(most)))


async def settle() -> Point:
    """Return this moment once what is ending has ended: threads that wait for processes, callbacks of closed pipes."""
    point = Point.now()
    for _ in range(20):
        await asyncio.sleep(0.1)
        before, point = point, Point.now()
        if (before.threads, before.descriptors, before.tasks) == (point.threads, point.descriptors, point.tasks):
            break
    return point


def _share_one_arena() -> None:
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_ARENA_MAX, 1)


def _types() -> Counter[str]:
    gc.collect()
    return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())


def shown(report: Report) -> str:
    """Return the figures."""
    lines = [
        f"{'cycle':>6} {'memory MB':>10} {'descriptors':>11} {'threads':>7} {'processes':>9} {'tasks':>5} "
        f"{'objects':>8}"
    ]
    for number, at in report.points.items():
        lines.append(
            f"{number:>6} {at.memory / 2**20:>10.2f} {at.descriptors:>11} {at.threads:>7} {at.children:>9} "
            f"{at.tasks:>5} {at.objects:>8}"
        )
    lines += [f"{name}: {report.cycles[name]} cycles, {took:.2f} s each" for name, took in report.seconds.items()]
    lines.append("more objects of: " + ", ".join(f"{name} {count}" for name, count in report.grown.most_common(8)))
    settled, *_, end = report.points.values()
    since = f"since cycle {next(iter(report.points))}"
    lines.append(f"memory grew by {report.growth / 1024:.0f} KB {since} at its median pace")
    lines.append(f"at the end it was {(end.memory - settled.memory) / 1024:+.0f} KB from what it was then")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these plugins")
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--offline", action="store_true")
    arguments = parser.parse_args()
    plugins = tuple(
        each
        for each in CANDIDATES
        if (not arguments.names or each.name in arguments.names) and (each.folder or not arguments.offline)
    )
    report = asyncio.run(run(arguments.cycles, plugins))
    print(shown(report))
    violations = report.violations
    print("\n".join(violations) if violations else "nothing is left")
    return 1 if violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
