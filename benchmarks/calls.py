"""How long a plugin takes to start and to answer, against the same without us.

``python -m benchmarks.calls`` installs a few real plugins into a temporary folder (it needs the package index) and
prints medians and ratios, all measured in one run:

* *start*: connecting to a plugin, until it has said what it offers, against a bare interpreter of the same
  environment that imports the same package and exits;
* *call*: one call of an action against the same call through a bare MCP client on the same server.

Both sides of a pair take turns, so that a busy moment of the machine hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uv

from dynamic_plugins.errors import ActionError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.load.loader import Loader
from dynamic_plugins.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.registry.entry import Kind


NOWHERE = Path(os.devnull).open("w")  # noqa: SIM115 # open as long as we measure


@dataclass(frozen=True)
class Subject:
    """A plugin to measure: how it is installed, the module it is, and a call to make."""

    name: str
    kind: Kind
    packages: tuple[str, ...]
    module: str
    entry_point: str
    action: str
    arguments: dict[str, Any]


SUBJECTS = (
    Subject(
        *("mcp-server-time", "mcp", ("mcp-server-time",), "mcp_server_time", "mcp_server_time:main"),
        *("get_current_time", {"timezone": "Asia/Tokyo"}),
    ),
    Subject(
        *("scratchpad", "elizaos", ("elizaos", "elizaos-plugin-scratchpad")),
        *("elizaos_plugin_scratchpad", "elizaos_plugin_scratchpad", "SCRATCHPAD_LIST", {}),
    ),
    Subject(
        *("todo", "elizaos", ("elizaos", "elizaos-plugin-todo")),
        *("elizaos_plugin_todo", "elizaos_plugin_todo", "COMPLETE_TODO", {}),
    ),
    Subject(
        *("memory", "elizaos", ("elizaos", "elizaos-plugin-memory")),
        *("elizaos_plugin_memory", "elizaos_plugin_memory", "RECALL", {"query": "nothing"}),
    ),
    Subject(
        *("cron", "elizaos", ("elizaos", "elizaos-plugin-cron")),
        *("elizaos_plugin_cron", "elizaos_plugin_cron", "LIST_CRONS", {}),
    ),
)


def install(subject: Subject, folder: Path) -> Installation:
    """Install *subject* into an environment of its own."""
    place = folder / subject.name
    python = place / "bin" / "python"
    for words in (["venv", "-q", str(place)], ["pip", "install", "-q", "-p", str(python), *subject.packages]):
        subprocess.run([uv.find_uv_bin(), *words], check=True)
    return Installation(
        plugin=subject.name,
        kind=subject.kind,
        version="",
        path=str(place),
        package_type="pypi",
        package=subject.packages[-1],
        source="benchmark",
        python=str(python),
        command=(subject.name,) if subject.kind == "mcp" else (),
        entry_point=subject.entry_point,
    )


def milliseconds(times: list[float]) -> float:
    return statistics.median(times) * 1000


async def in_turns(rounds: int, *things: Callable[[], Awaitable[None]]) -> list[float]:
    """Return the median of each thing in milliseconds, after one round that does not count."""
    times: list[list[float]] = [[] for _ in things]
    for each in range(rounds + 1):
        for place, thing in enumerate(things):
            begun = time.perf_counter()
            await thing()
            if each:
                times[place].append(time.perf_counter() - begun)
    return [milliseconds(each) for each in times]


async def measure_start(subject: Subject, installation: Installation, loader: Loader, rounds: int) -> tuple[float, ...]:
    """Return the medians of a bare import and of connecting."""
    connections = []

    async def bare() -> None:
        words = [str(installation.python), "-c", f"import {subject.module}"]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        process = await asyncio.create_subprocess_exec(*words, env=environment, stdout=subprocess.DEVNULL)
        await process.wait()

    async def connect() -> None:
        connections.append(await loader.connect(installation, {}))

    async def close() -> None:
        await connections.pop().close()

    bare_ms, connect_ms, close_ms = await in_turns(rounds, bare, connect, close)
    return bare_ms, connect_ms, close_ms


async def measure_call(
    subject: Subject, installation: Installation, loader: Loader, rounds: int
) -> tuple[float, float]:
    """Return the medians of a call through a bare MCP client and through a connection, to two alike servers."""
    from mcp import Client, StdioServerParameters, stdio_client

    command = loader._command(installation, {}, ())  # the very command that the loader runs
    connection = await loader.connect(installation, {})
    component = next(each for each in connection.offers.of("action") if each.name == subject.action)
    server = stdio_client(StdioServerParameters(command=command[0], args=command[1:]), errlog=NOWHERE)
    async with Client(server, mode="legacy") as client:

        async def bare() -> None:
            await client.call_tool(subject.action, subject.arguments)

        async def ours() -> None:
            with contextlib.suppress(ActionError):  # a plugin that says no answers all the same
                await connection.call(component, subject.arguments)

        bare_ms, ours_ms = await in_turns(rounds, bare, ours)
    await connection.close()
    return bare_ms, ours_ms


async def main() -> None:
    parser = argparse.ArgumentParser(description="Start and call times against bare ones.")
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        loader = Loader(limits=Limits(), start_timeout=60, call_timeout=60, log=lambda *_: None, environment=os.environ)
        for subject in SUBJECTS:
            if options.names and subject.name not in options.names:
                continue
            installation = install(subject, Path(folder))
            bare, start, close = await measure_start(subject, installation, loader, options.starts)
            plain, call = await measure_call(subject, installation, loader, options.calls)
            found[subject.name] = {"import": bare, "start": start, "close": close, "bare call": plain, "call": call}
            if not options.json:
                print(
                    f"{subject.name:16} import {bare:7.1f} ms   start {start:7.1f} ms ({start / bare:4.2f})   "
                    f"close {close:6.1f} ms   bare call {plain:6.3f} ms   call {call:6.3f} ms "
                    f"({call / plain:4.2f}, {call - plain:+.3f} ms)",
                    flush=True,
                )
    if options.json:
        json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    asyncio.run(main())
