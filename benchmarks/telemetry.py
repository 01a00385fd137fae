"""What spans and metrics cost: a call of a plugin's action without an exporter, and with one.

``python -m benchmarks.telemetry`` needs the extra ``otel`` and nothing else: a plugin and a collector of its own on
loopback. Medians in one run, in turns, of a call through the toolbox:

* *spans that are not made*: what the two spans of a call cost by themselves where no exporter is configured, which is
  all that a process without the extra pays, as a share of the call;
* *exported*: the same call with spans and metrics going to the collector, beside the call without.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core import telemetry
from dynamic_plugins.settings import Settings, Telemetry
from tests.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HELLO = Path(__file__).parent.parent / "examples" / "hello-plugin"
PEER: dict[str, str] = {"network.transport": "pipe"}


async def timed(thing: Callable[[], Awaitable[Any]], times: int) -> float:
    """Return the seconds that one of *times* calls took."""
    begun = time.perf_counter()
    for _ in range(times):
        await thing()
    return (time.perf_counter() - begun) / times


async def unmade() -> None:
    """Go through the spans of one call of a tool."""
    with telemetry.tool_call("hello__recall", "hello") as span:
        span.fail("")
        with telemetry.plugin_call("hello", "tools/call", "recall", PEER, None):
            pass


async def measure(rounds: int, times: int) -> dict[str, float]:
    """Return the medians, in microseconds."""
    found: dict[str, list[float]] = {"call": [], "spans that are not made": [], "exported": []}
    with tempfile.TemporaryDirectory() as home, Collector().serving() as collector:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.address
        async with App(Settings(home=Path(home), offline=True, meaning=False), approve=approve_everything) as app:
            await app.service.install_path(HELLO)
            await app.service.activate("hello")

            async def call() -> None:
                result = await app.toolbox.call("hello__recall", {})
                assert result["ok"], result

            for _ in range(rounds):
                found["spans that are not made"].append(await timed(unmade, times))
                found["call"].append(await timed(call, times))
                async with telemetry.started(Telemetry(traces=True, metrics=True)):
                    found["exported"].append(await timed(call, times))
    return {name: statistics.median(each) * 1e6 for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=100, help="calls of each kind in a round")
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.rounds, arguments.calls))
    for name, microseconds in found.items():
        print(f"{name:<25}{microseconds:10.1f} µs{microseconds / found['call']:10.4f} of a call")


if __name__ == "__main__":
    main()
