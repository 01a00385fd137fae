"""How long installing takes, against bare ``uv venv`` and ``uv pip install`` of the same packages.

``python -m benchmarks.install [RUNS]`` installs real plugins into temporary folders (it needs the package index) and
prints one JSON line a comparison: medians in seconds and their ratio, all measured in one run, with uv's cache empty
before each install (*cold*) and filled (*warm*):

* *one*: an install of ours against ``uv venv`` and ``uv pip install``, which compiles nothing;
* *eight*: eight plugins at once against the same installs of ours one after another, and against eight bare
  ``uv pip install`` one after another.

The sides take turns, so that a busy moment of the machine or the network hits all, and each begins with a cache of its
own.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.entry import Entry, Package

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 7
WARM_UP = 1
ONE = (Entry("mcp-server-time", "mcp", packages=(Package("pypi", "mcp-server-time"),)),)
EIGHT = tuple(
    Entry(f"@elizaos/plugin-{word}", "elizaos", packages=(Package("pypi", f"elizaos-plugin-{word}"),))
    for word in ("todo", "scratchpad", "memory", "linear", "commands", "cron", "shell", "rss")
)


def ours(entries: Sequence[Entry], folder: Path, cache: Path) -> None:
    """Install *entries* at once."""
    installer = Installer(folder, python=sys.executable, environ=dict(os.environ) | {"UV_CACHE_DIR": str(cache)})

    async def install_all() -> None:
        await asyncio.gather(*(installer.install(installer.plan(entry)) for entry in entries))

    asyncio.run(install_all())


def ours_in_turn(entries: Sequence[Entry], folder: Path, cache: Path) -> None:
    """Install *entries* one after another."""
    for entry in entries:
        ours((entry,), folder, cache)


def bare(entries: Sequence[Entry], folder: Path, cache: Path) -> None:
    """Install what *entries* need one after another, without us."""
    environ = dict(os.environ) | {"UV_CACHE_DIR": str(cache)}
    for entry in entries:
        environment = folder / entry.name.replace("/", "-")
        python = str(environment / "bin" / "python")
        requirements = [entry.packages[0].name, *(["elizaos"] if entry.kind == "elizaos" else [])]
        for command in (
            ["venv", "--quiet", "--python", sys.executable, str(environment)],
            ["pip", "install", "--quiet", "--python", python, "--only-binary", ":all:", *requirements],
        ):
            subprocess.run([uv.find_uv_bin(), *command], env=environ, check=True)


def seconds(
    install: Callable[[Sequence[Entry], Path, Path], None], entries: Sequence[Entry], folder: Path, cache: Path | None
) -> float:
    begin = time.perf_counter()
    install(entries, folder / "installed", cache or folder / "cache")
    return time.perf_counter() - begin


def compare(what: str, entries: Sequence[Entry], runs: int, folder: Path, cache: Path | None) -> dict[str, str | float]:
    """Return the medians of *runs* turns of each side in *folder*; without *cache* each begins with an empty one."""
    sides = {"bare": bare, "in turn": ours_in_turn, "ours": ours} if len(entries) > 1 else {"bare": bare, "ours": ours}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(runs + WARM_UP):
        for name in sides if turn % 2 else reversed(sides):
            place = folder / f"{what}-{cache is None}-{turn}-{name.replace(' ', '-')}"
            took = seconds(sides[name], entries, place, cache)
            if turn >= WARM_UP:
                times[name].append(took)
    medians = {name: statistics.median(each) for name, each in times.items()}
    return {
        "measured": what,
        "cache": "warm" if cache else "cold",
        **{name: round(median, 3) for name, median in medians.items()},
        **{f"{name}/ours": round(median / medians["ours"], 2) for name, median in medians.items() if name != "ours"},
    }


def main(runs: int) -> None:
    # All is removed in the end: ext4 passes over every inode that was freed in the last minute or so, and who writes
    # thousands of files just after as many were removed measures that.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for what, entries in (("one", ONE), ("eight", EIGHT)):
            for cache in (folder / "cache", None):
                print(json.dumps(compare(what, entries, runs, folder, cache)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else RUNS)
