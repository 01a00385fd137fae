"""How long ``list`` takes while a registry hangs, while the network is cut, and while there is nothing to refresh.

And how long commands take with ten thousand entries of an official registry on disk, and with one.

usage: python -m benchmarks.registry_beside [RUNS]     (default 15)

Every run is a process of its own, in a home whose copy is two hours old, so that each one begins a refresh; the three
kinds take turns. Prints one JSON line for each kind: medians in milliseconds of the command's own processor time and of
the time until it ended, and their ratios to the first kind. The hanging registry is a real server on loopback that
sends the head of an answer and nothing more.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.registry_load import plugin
from dynamic_plugins.registry.cache import Cache, Checked, CopyFacts, digest_of
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.sources import OFFICIAL, SourceList

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = 15
ENTRIES, MANY = 500, 10_000
CUT = "http://127.0.0.1:9/v0.1/servers"
COMMANDS = (["list", "weather"], ["status"], ["resolve", "mcp-server-time"])


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    """Give the address of a server that begins to answer and never goes on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    kept.append(connection)
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v0.1/servers"


def copy(home: Path, location: str, count: int, checked_at: float) -> None:
    """Put a copy of a registry with *count* entries into *home*, last confirmed at *checked_at*."""
    text = json.dumps({"schema": 1, "plugins": [plugin(index) for index in range(count)]})
    entries = EntryList(parse_registry(text, "benchmark").entries, "benchmark")
    cache = Cache(home / "registry")
    cache.keep(location, CopyFacts(digest_of(entries), checked_at, paged=True, full_at=checked_at), entries)
    cache.check(location, Checked(checked_at=checked_at))


def run(home: Path, words: Sequence[str]) -> tuple[float, float]:
    """Return the milliseconds of processor time and of time that a command takes."""
    environment = {
        k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "DYNAMIC_PLUGINS_OFFLINE"}
    }
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(home), "--json", *words]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=environment)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000, took * 1000


def end_refresh(home: Path) -> bool:
    """End the process that refreshes the registries of *home*, and return whether there was one."""
    return _end({str(home), "dynamic_plugins.cli.registry_refresh"})


def _end(words: set[str]) -> bool:
    """End the processes whose command has all *words*, and return whether there was one."""
    found = [each for each in psutil.process_iter(["cmdline"]) if words <= set(each.info["cmdline"] or ())]
    for process in found:
        process.kill()
    psutil.wait_procs(found, timeout=10)
    return bool(found)


def make_due(home: Path, location: str) -> None:
    """Have the copy be two hours old, and no refresh begun lately."""
    Cache(home / "registry").check(location, Checked(checked_at=time.time() - 7200))
    (home / "registry" / "refresh-started").unlink(missing_ok=True)


def beside(folder: Path, runs: int) -> None:
    with hanging() as hangs:
        kinds = {"nothing to refresh": CUT, "a registry hangs": hangs, "the network is cut": CUT}
        times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
        for kind, location in kinds.items():
            SourceList(folder / kind, {}).add(location, "pages")
            copy(folder / kind, location, ENTRIES, time.time())
            run(folder / kind, ["list", "weather"])  # the first one makes the index
        for _ in range(runs):
            for kind, location in kinds.items():
                if kind != "nothing to refresh":
                    make_due(folder / kind, location)
                times[kind].append(run(folder / kind, ["list", "weather"]))
                began = end_refresh(folder / kind)
                assert began or kind != "a registry hangs", "no refresh was begun"
    tell("list", times, "nothing to refresh")


def with_many(folder: Path, runs: int) -> None:
    homes = {f"{count} entries of an official registry": folder / str(count) for count in (1, MANY)}
    for count, home in zip((1, MANY), homes.values(), strict=True):
        for location in OFFICIAL.values():
            copy(home, location, count if location == OFFICIAL["mcp"] else 1, time.time())
        run(home, ["list", "weather"])
    for words in COMMANDS:
        times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in homes}
        for _ in range(runs):
            for kind, home in homes.items():
                times[kind].append(run(home, words))
        tell(" ".join(words), times, next(iter(homes)))
    for home in homes.values():
        _end({str((home / "registry").absolute()), "dynamic_plugins.resolver.embedding_job"})


def tell(command: str, times: dict[str, list[tuple[float, float]]], against: str) -> None:
    medians = {kind: [statistics.median(each) for each in zip(*took, strict=True)] for kind, took in times.items()}
    for kind, (processor, wall) in medians.items():
        ratios = processor / medians[against][0], wall / medians[against][1]
        told = {"processor_ms": round(processor), "ms": round(wall), "ratios": [round(each, 3) for each in ratios]}
        print(json.dumps({"command": command, "while": kind, **told}), flush=True)


if __name__ == "__main__":
    asked_runs = int(sys.argv[1]) if sys.argv[1:] else RUNS
    with tempfile.TemporaryDirectory() as made:
        beside(Path(made) / "beside", asked_runs)
        with_many(Path(made) / "many", asked_runs)
