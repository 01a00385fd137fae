"""How long a plugin takes to activate and to answer, against the same without us.

``python -m benchmarks.calls`` installs a few real plugins into a temporary home (it needs the package index) and
prints medians and ratios, all measured in one run:

* *activate*: the service's ``activate``, until the plugin's actions can be called, against a bare interpreter of the
  same environment that imports the same package and exits;
* *call*: one call of an action through the service, names, checks and counts included, against the same call through a
  bare MCP client on the same server.

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

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError
from dynamic_plugins.settings import Limits, Settings
from dynamic_plugins.workers.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.install.installation import Installation


NOWHERE = Path(os.devnull).open("w")  # noqa: SIM115 # open as long as we measure


@dataclass(frozen=True)
class Subject:
    """A plugin to measure: the module it is, and a call to make."""

    name: str
    module: str
    action: str
    arguments: dict[str, Any]


SUBJECTS = (
    Subject("mcp-server-time", "mcp_server_time", "get_current_time", {"timezone": "Asia/Tokyo"}),
    Subject("@elizaos/plugin-scratchpad", "elizaos_plugin_scratchpad", "SCRATCHPAD_LIST", {}),
    Subject("@elizaos/plugin-todo", "elizaos_plugin_todo", "COMPLETE_TODO", {}),
    Subject("@elizaos/plugin-memory", "elizaos_plugin_memory", "RECALL", {"query": "nothing"}),
    Subject("@elizaos/plugin-cron", "elizaos_plugin_cron", "LIST_CRONS", {}),
)


async def in_turns(rounds: int, *things: Callable[[], Awaitable[None]]) -> list[float]:
    """Return the median of each thing in milliseconds, after one round that does not count."""
    times: list[list[float]] = [[] for _ in things]
    for each in range(rounds + 1):
        for place, thing in enumerate(things):
            begun = time.perf_counter()
            await thing()
            if each:
                times[place].append(time.perf_counter() - begun)
    return [statistics.median(each) * 1000 for each in times]


async def measure_activate(subject: Subject, app: App, rounds: int) -> list[float]:
    """Return the medians of a bare import, of activating, and of unloading."""
    python = app.store.read()[subject.name].installation.python
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    async def bare() -> None:
        words = [str(python), "-c", f"import {subject.module}"]
        process = await asyncio.create_subprocess_exec(*words, env=environment, stdout=subprocess.DEVNULL)
        await process.wait()

    async def activate() -> None:
        await app.service.activate(subject.name)

    async def unload() -> None:
        await app.service.unload(subject.name)

    return await in_turns(rounds, bare, activate, unload)


def command_of(installation: Installation) -> list[str]:
    """Return the very command that a worker of *installation* is started with."""
    loader = Loader(limits=Limits(), start_timeout=60, call_timeout=60, log=lambda *_: None, environment=os.environ)
    return loader._command(installation, {}, ())


async def measure_call(subject: Subject, app: App, folder: Path, rounds: int) -> list[float]:
    """Return the medians of a call through a bare MCP client and through the service, to two alike servers.

    The bare one works in *folder*, where it may leave what a plugin writes.
    """
    from mcp import Client, StdioServerParameters, stdio_client

    command = command_of(app.store.read()[subject.name].installation)
    await app.service.activate(subject.name)
    server = stdio_client(StdioServerParameters(command=command[0], args=command[1:], cwd=folder), errlog=NOWHERE)
    async with Client(server, mode="legacy") as client:

        async def bare() -> None:
            await client.call_tool(subject.action, subject.arguments)

        async def ours() -> None:
            with contextlib.suppress(ActionError):  # a plugin that says no answers all the same
                await app.service.call(subject.name, subject.action, subject.arguments)

        medians = await in_turns(rounds, bare, ours)
    await app.service.unload(subject.name)
    return medians


def shown(subject: Subject, found: dict[str, float]) -> str:
    """Return one plugin's figures."""
    imported, activated, bare, call = (found[key] for key in ("import", "activate", "bare call", "call"))
    return (
        f"{subject.name:28} import {imported:6.1f} ms  activate {activated:6.1f} ms ({activated / imported:4.2f})  "
        f"unload {found['unload']:5.1f} ms  bare call {bare:6.3f} ms  call {call:6.3f} ms "
        f"({call / bare:4.2f}, {call - bare:+.3f} ms)"
    )


async def measure(subjects: list[Subject], home: Path, starts: int, calls: int) -> dict[str, dict[str, float]]:
    """Return the medians by plugin, in milliseconds."""
    found = {}
    async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
        await asyncio.gather(*(app.service.install(subject.name) for subject in subjects))
        for subject in subjects:
            imported, activated, unloaded = await measure_activate(subject, app, starts)
            bare, call = await measure_call(subject, app, home, calls)
            found[subject.name] = {
                "import": imported,
                "activate": activated,
                "unload": unloaded,
                "bare call": bare,
                "call": call,
            }
            print(shown(subject, found[subject.name]), file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Activate and call times against bare ones.")
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--json", action="store_true", help="the figures as JSON on standard output")
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    subjects = [each for each in SUBJECTS if not options.names or each.name in options.names]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(subjects, Path(folder) / "home", options.starts, options.calls))
    if options.json:
        json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
