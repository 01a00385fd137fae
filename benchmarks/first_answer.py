"""From a plugin that is not installed to its first answer, beside ``uvx`` and a client of a few lines.

``python -m benchmarks.first_answer [RUNS]`` (it needs the package index) takes turns: ``install``, ``activate`` and
``call`` of ``mcp-server-time`` in a home of their own, and a bare JSON-RPC script before ``uvx mcp-server-time``; each
with an empty cache. It prints medians of the seconds, by the clock and of processor time, and the ratios.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from uv import find_uv_bin

from benchmarks.doors import BARE, TIME

SERVER, TOOL = "mcp-server-time", "get_current_time"


def took(commands: list[list[str]], folder: str) -> tuple[float, float]:
    """Return the seconds that *commands* take one after the other, by the clock and of processor time."""
    env = {
        **os.environ,
        "UV_CACHE_DIR": f"{folder}/cache",
        "DYNAMIC_PLUGINS_HOME": f"{folder}/home",
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begun, used


def main(runs: int) -> None:
    ours = [sys.executable, "-m", "dynamic_plugins", "--json"]
    script = BARE.replace("TOOL", repr(TOOL)).replace("ARGUMENTS", json.dumps(TIME))
    sides = {
        "install, activate, call": [
            [*ours, "install", SERVER, "--yes"],
            [*ours, "activate", SERVER, "--yes"],
            [*ours, "call", SERVER, TOOL, "--args", json.dumps(TIME)],
        ],
        "uvx and a client": [[sys.executable, "-c", script, find_uv_bin(), "tool", "run", "--quiet", SERVER]],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    # All are removed in the end: ext4 passes over every inode that was freed in the last minute or so, and who writes
    # thousands of files just after as many were removed measures that.
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            for name, commands in sides.items():
                times[name].append(took(commands, f"{folder}/{number}-{len(commands)}"))
    medians = {name: [statistics.median(each) for each in zip(*found, strict=True)] for name, found in times.items()}
    for name, (clock, used) in medians.items():
        print(f"{name:26}{clock:8.2f} s{used:8.2f} s of processor time")
    mine, other = medians.values()
    print(f"{'ratio':26}{mine[0] / other[0]:8.2f}  {mine[1] / other[1]:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
