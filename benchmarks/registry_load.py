"""How long a registry of N plugins takes: parsed anew, loaded from its copy, one entry of it, all entries of it.

usage: python benchmarks/registry_load.py [N…]     (default 550 10000)

Prints one JSON line for each N: medians of 15 runs in milliseconds, each with a new ``Registry``. "load" is what a
command pays before it has entries to look at, "get" is load and one entry by name, "all" is load and every entry made.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 15


def plugin(index: int) -> dict[str, Any]:
    return {
        "name": f"io.github.owner{index % 700}/server-{index}",
        "kind": "mcp",
        "description": f"Looks up, changes and reports on things of kind {index}, one at a time or all together",
        "repository": f"github:owner{index % 700}/server-{index}",
        "keywords": [f"word{index % 50}", f"topic{index % 90}", "server", "tools"],
        "packages": [{"type": "npm", "name": f"server-{index}", "version": "1.2.3"}],
        "config": [{"name": "API_KEY", "description": "The key", "required": True, "secret": True}],
        "actions": [{"name": f"act_{n}", "description": f"Does part {n} of the work"} for n in range(5)],
    }


def median(run: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
        del result
    return round(statistics.median(times) * 1000, 1)


def measure(count: int) -> dict[str, float | int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.json"
        path.write_text(json.dumps({"schema": 1, "plugins": [plugin(index) for index in range(count)]}))
        text = path.read_bytes()

        def load() -> Registry:
            registry = Registry(Path(folder) / "home", [str(path)])
            assert len(asyncio.run(registry.entries())) == count
            return registry

        load()  # the first one parses, and leaves the copy
        return {
            "plugins": count,
            "megabytes": round(len(text) / 1e6, 1),
            "parse": median(lambda: parse_registry(text, "benchmark")),
            "load": median(load),
            "get": median(lambda: asyncio.run(load().get(plugin(count // 2)["name"]))),
            "all": median(lambda: list(load().cached_entries())),
        }


if __name__ == "__main__":
    for given in sys.argv[1:] or ["550", "10000"]:
        print(json.dumps(measure(int(given))))
