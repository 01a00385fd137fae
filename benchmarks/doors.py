"""What a call costs through each door, beside the same worker without us, and what a first call costs a process.

``python -m benchmarks.doors [--calls N] [--starts N]`` installs a small plugin and ``mcp-server-time`` (it needs the
package index) into a temporary home and prints, all in one run and turn about:

* the milliseconds of one call, with a small answer and with one of 100 kB: a bare MCP client on the plugin's own
  worker, the library, and the same client on ``dynamic-plugins mcp``;
* calls a second with 32 under way, for the same three;
* seconds of processor time, those of all processes together: ``call`` of either plugin, a bare JSON-RPC script that
  runs the server's own command, and the start of ``dynamic-plugins mcp`` up to its answer to ``initialize``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.calls import NOWHERE, command_of
from benchmarks.made_up import write_plugin
from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Call = Callable[[int], Awaitable[None]]

AT_ONCE = 32
CODE = """from dynamic_plugins.plugin import Plugin, action


@action
async def text(size: int) -> str:
    "Gives a text of that many letters."
    return "a" * size


plugin = Plugin("sized", "Gives texts of any size", actions=[text])
"""
BARE = """import json, subprocess, sys

process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def say(message):
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline()) if "id" in message else None


info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bare", "version": "1"}}
assert "result" in say({"id": 1, "method": "initialize", "params": info})
say({"method": "notifications/initialized"})
if TOOL:
    say({"id": 2, "method": "tools/list"})
    answer = say({"id": 3, "method": "tools/call", "params": {"name": TOOL, "arguments": ARGUMENTS}})
    assert "result" in answer, answer
process.stdin.close()
process.wait()
"""
TIME = {"timezone": "Asia/Tokyo"}


async def prepare(home: Path) -> tuple[list[str], list[str]]:
    """Install both plugins and return the command of the one's worker, and the other's own."""
    folder = write_plugin(home.with_name("sized"), "sized", "Gives texts of any size", CODE)
    async with DynamicPlugins(home, approve=approve_everything) as plugins:
        service = plugins.app.service
        await service.install_path(folder)
        await service.install("mcp-server-time")
        for name in ("sized", "mcp-server-time"):
            await service.activate(name)
        installed = plugins.app.store.read()
        python = installed["mcp-server-time"].installation.python
        assert python is not None
        return command_of(installed["sized"].installation), [str(Path(python).with_name("mcp-server-time"))]


async def doors(stack: AsyncExitStack, home: Path, worker: list[str]) -> list[Call]:
    """Return a call of the small plugin through each door: bare, the library, MCP."""
    from mcp import Client, StdioServerParameters, stdio_client

    async def client(command: list[str]) -> Client:
        server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ), cwd=home)
        return await stack.enter_async_context(Client(stdio_client(server, errlog=NOWHERE), mode="legacy"))

    bare = await client(worker)
    ours = await client([sys.executable, "-m", "dynamic_plugins", "--home", str(home), "mcp"])
    library = await stack.enter_async_context(DynamicPlugins(home, approve=approve_everything, confirm_calls="never"))

    async def by_itself(size: int) -> None:
        assert not (await bare.call_tool("text", {"size": size})).is_error

    async def by_library(size: int) -> None:
        assert (await library.call("sized__text", {"size": size}))["ok"]

    async def by_mcp(size: int) -> None:
        arguments = {"action": "sized__text", "arguments": {"size": size}}
        assert not (await ours.call_tool("call_plugin_action", arguments)).is_error

    return [by_itself, by_library, by_mcp]


async def took(calls: list[Call], size: int, rounds: int, at_once: int = 1) -> list[float]:
    """Return the median milliseconds of a call by each of *calls*, of which *at_once* run together."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 2):
        for place, call in enumerate(calls):
            begun = time.perf_counter()
            await asyncio.gather(*(call(size) for _ in range(at_once)))
            if turn > 1:
                times[place].append((time.perf_counter() - begun) / at_once)
    return [statistics.median(each) * 1000 for each in times]


async def measure_calls(home: Path, worker: list[str], rounds: int) -> None:
    async with AsyncExitStack() as stack:
        calls = await doors(stack, home, worker)
        print(f"{'':34}{'bare':>9}{'library':>9}{'MCP':>9}{'library/bare':>14}{'MCP/bare':>10}")
        for what, size in (("ms a call, small answer", 5), ("ms a call, answer of 100 kB", 100_000)):
            bare, library, mcp = await took(calls, size, rounds)
            print(f"{what:34}{bare:9.2f}{library:9.2f}{mcp:9.2f}{library / bare:14.2f}{mcp / bare:10.2f}")
        bare, library, mcp = (1000 / each for each in await took(calls, 5, max(rounds // 10, 5), AT_ONCE))
        what = f"calls a second, {AT_ONCE} at once"
        print(f"{what:34}{bare:9.0f}{library:9.0f}{mcp:9.0f}{library / bare:14.2f}{mcp / bare:10.2f}")


def processor_seconds(command: list[str]) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_starts(home: Path, server: list[str], rounds: int) -> None:
    ours = [sys.executable, "-m", "dynamic_plugins", "--home", str(home)]

    def script(tool: str, arguments: dict[str, Any]) -> list[str]:
        return [sys.executable, "-c", BARE.replace("TOOL", repr(tool)).replace("ARGUMENTS", json.dumps(arguments))]

    commands = {
        "call of a Python plugin": [*ours, "call", "sized", "text", "--args", '{"size": 5}'],
        "call of an MCP server": [*ours, "call", "mcp-server-time", "get_current_time", "--args", json.dumps(TIME)],
        "the same by a bare script": [*script("get_current_time", TIME), *server],
        "mcp, to the answer to initialize": [*script("", {}), *ours, "mcp"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            seconds = processor_seconds(command)
            if turn:
                times[name].append(seconds)
    for name, each in times.items():
        print(f"{name:34}{statistics.median(each):9.2f} s of processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--starts", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        worker, server = asyncio.run(prepare(home))
        asyncio.run(measure_calls(home, worker, options.calls))
        measure_starts(home, server, options.starts)


if __name__ == "__main__":
    main()
