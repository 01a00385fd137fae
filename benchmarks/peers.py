"""What others take for the same: mcpm, Magg, mcp-use, fastmcp, the official client and no library, beside ours.

``python -m benchmarks.peers [--rounds N] [--calls N]`` (it needs the package index, and minutes) installs each of them
once, in an environment of its own below a temporary folder, and the server ``mcp-server-time``, which all of them use.
It prints a Markdown table of medians, all of one run and in turns:

* libraries in a program of theirs, and gateways (one MCP server before many) behind a client without a library;
* *tools*: seconds from the start of the process until it knows what tools there are;
* *first*: seconds until the first answer, and of processor time, those of all its processes together;
* *a call* in milliseconds, and calls a second with 32 under way;
* *with twenty servers*: the same as *tools*, the memory of all its processes, how many of these there are, and how many
  tokens the tools have that a model is told of;
* *search*: seconds of a process that looks for a server by what it should do.

What cannot be installed or measured here is said below the table.
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
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from uv import find_uv_bin

from benchmarks import peer_scripts
from benchmarks.tokens import tokens
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.install.python_finder import finding_all_pythons
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVER = "mcp-server-time"
MANY = 20
AT_ONCE = 32
SECONDS = 300
"""After which one measurement is given up."""
PEERS = {"fastmcp": "3.11", "mcp-use": "3.11", "mcpm": "3.11", "magg": "3.12"}
"""Packages, and the oldest Python that their newest versions take."""
QUIET = {"MCP_USE_ANONYMIZED_TELEMETRY": "false", "FASTMCP_SHOW_SERVER_BANNER": "false", "MCPM_NON_INTERACTIVE": "true"}


@dataclass(frozen=True)
class Subject:
    """Who is measured: a program of :mod:`benchmarks.peer_scripts`, the interpreter for it, what it connects to."""

    name: str
    connecting: str
    python: str
    one: dict[str, list[str]]
    many: dict[str, list[str]]
    search: list[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Found:
    """What was measured of one subject, or why it was not."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    problem: str = ""

    def add(self, **figures: float) -> None:
        for name, figure in figures.items():
            self.figures.setdefault(name, []).append(figure)

    def shown(self, name: str, digits: int) -> str:
        return f"{statistics.median(self.figures[name]):,.{digits}f}" if name in self.figures else "-"


# ---------------------------------------------------------------- who there is


def environment_of(package: str, python: str, folder: Path) -> tuple[Path | None, str]:
    """Install *package* by itself; return where its programs lie and its version, or None and why it is not there."""
    uv, place = find_uv_bin(), folder / package
    environ = finding_all_pythons(os.environ) | {"UV_PYTHON_DOWNLOADS": "never"}
    for command in (
        [uv, "venv", "--quiet", "--no-project", "--python", python, str(place)],
        [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), package],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=environ)
        if done.returncode:
            return None, " ".join(done.stderr.split())[:200]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    told = subprocess.run([place / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return place / "bin", told.stdout.strip()


async def homes_of(folder: Path) -> tuple[Path, Path, list[str]]:
    """Return homes of ours with the server once and twenty times, and the command of the server itself."""
    one, many = folder / "home", folder / "home of twenty"
    for home in (one, many):
        async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
            await app.service.install(SERVER)
            await app.service.activate(SERVER)
            stored = app.store.read()[SERVER]
            if home is many:
                app.store.drop(SERVER)
                for name in names():
                    app.store.put(replace(stored, installation=replace(stored.installation, plugin=name)))
    assert stored.installation.python is not None
    return one, many, [str(Path(stored.installation.python).with_name(SERVER))]


def names() -> list[str]:
    return [f"time-{number}" for number in range(MANY)]


def ours(one: Path, many: Path) -> list[Subject]:
    def command(home: Path, *words: str) -> list[str]:
        return [sys.executable, "-m", "dynamic_plugins", "--home", str(home), *words]

    search = command(one, "--json", "list", "what time is it somewhere")
    library = ({SERVER: [str(one)]}, {names()[0]: [str(many)]})
    door = ({SERVER: command(one, "mcp")}, {names()[0]: command(many, "mcp")})
    return [
        Subject("dynamic-plugins, library", peer_scripts.OURS, sys.executable, *library, search),
        Subject("dynamic-plugins, `mcp`", peer_scripts.BARE, sys.executable, *door, search),
    ]


def clients(server: list[str], programs: Mapping[str, Path]) -> list[Subject]:
    """Return the libraries that connect to each server themselves."""
    servers = ({SERVER: server}, dict.fromkeys(names(), server))
    found = [
        Subject("no library: JSON-RPC", peer_scripts.BARE, sys.executable, *servers),
        Subject("the official client", peer_scripts.OFFICIAL, sys.executable, *servers),
    ]
    for package, connecting in (("fastmcp", peer_scripts.FASTMCP), ("mcp-use", peer_scripts.MCP_USE)):
        if package in programs:
            found.append(Subject(f"{package}, client", connecting, str(programs[package] / "python"), *servers))
    return found


def gateways(server: list[str], programs: Mapping[str, Path], folder: Path) -> list[Subject]:
    """Return what stands before several servers as one; each is configured in a home of its own."""
    told = {name: {"command": server[0], "args": server[1:]} for name in names()}
    found = []
    if "fastmcp" in programs:
        words = []
        for count in (1, MANY):
            config = folder / f"fastmcp-{count}.json"
            config.write_text(json.dumps({"mcpServers": dict(list(told.items())[:count])}))
            words.append({names()[0]: [str(programs["fastmcp"] / "fastmcp"), "run", str(config)]})
        found.append(Subject("fastmcp, `run` as a proxy", peer_scripts.BARE, sys.executable, words[0], words[1]))
    if "mcpm" in programs:
        mcpm, home = str(programs["mcpm"] / "mcpm"), folder / "mcpm home"
        config = home / ".config" / "mcpm" / "servers.json"
        config.parent.mkdir(parents=True)
        listed = {name: {"name": name, "profile_tags": ["all"], **each, "env": {}} for name, each in told.items()}
        config.write_text(json.dumps(listed))
        (config.parent / "profiles_metadata.json").write_text(json.dumps({"all": {"name": "all", "api_key": None}}))
        one, many = {names()[0]: [mcpm, "run", names()[0]]}, {names()[0]: [mcpm, "profile", "run", "all"]}
        search = [mcpm, "search", "time"]
        found.append(Subject("mcpm", peer_scripts.BARE, sys.executable, one, many, search, {"HOME": str(home)}))
    if "magg" in programs:
        places = []
        mounted = {name: {"source": SERVER, "prefix": name.replace("-", ""), **each} for name, each in told.items()}
        for count in (1, MANY):
            config = folder / f"magg-{count}" / "config.json"
            config.parent.mkdir()
            config.write_text(json.dumps({"servers": dict(list(mounted.items())[:count])}))
            places.append({names()[0]: [str(programs["magg"] / "magg"), "--config", str(config), "serve"]})
        found.append(Subject("Magg", peer_scripts.BARE, sys.executable, places[0], places[1]))
    return found


# ---------------------------------------------------------------- one measurement


class Running:
    """A program that says how far it is, one JSON object a line, and goes on when it is told to."""

    def __init__(self, subject: Subject, servers: dict[str, list[str]], counts: Sequence[int]) -> None:
        self.begun = time.perf_counter()
        words = [subject.python, "-c", peer_scripts.program(subject.connecting), json.dumps(servers)]
        self.process = subprocess.Popen(
            [*words, *map(str, counts)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **QUIET, **subject.environment},
        )
        self.limit = threading.Timer(SECONDS, self.process.kill)
        self.limit.start()

    def next(self) -> tuple[dict[str, Any], float]:
        """Return what it says next, and how many seconds after its start. Raises RuntimeError where it fails."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            after = time.perf_counter() - self.begun
            with contextlib.suppress(ValueError):  # what else a library prints
                return json.loads(line), after
        raise RuntimeError(f"it ended after {time.perf_counter() - self.begun:.0f} s")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def tree(self) -> list[psutil.Process]:
        whole = psutil.Process(self.process.pid)
        return [whole, *whole.children(recursive=True)]

    def processor(self) -> float:
        """Return the seconds of processor time of all its processes, those that have ended too."""
        used = 0.0
        for each in self.tree():
            with contextlib.suppress(psutil.Error):
                times = each.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
        return used

    def megabytes(self) -> float:
        """Return the memory of all its processes; what they share counts once for each, in parts."""
        held = 0
        for each in self.tree():
            with contextlib.suppress(psutil.Error):
                held += each.memory_full_info().pss
        return held / 2**20

    def end(self) -> None:
        self.limit.cancel()
        for each in reversed(self.tree()):
            with contextlib.suppress(psutil.Error):
                each.kill()
        self.process.communicate()


def measure(subject: Subject, found: Found, calls: int) -> None:
    """Take one turn of *subject* with one server, with twenty, and with a search."""
    running = Running(subject, subject.one, (calls, AT_ONCE, max(calls // AT_ONCE, 1)))
    try:
        _, tools = running.next()
        running.go_on()
        _, first = running.next()
        found.add(tools=tools, first=first, processor=running.processor())
        running.go_on()
        told, _ = running.next()
        found.add(call=statistics.median(told["took"]) * 1000, rate=told["rate"])
    finally:
        running.end()
    running = Running(subject, subject.many, (0, 1, 0))
    try:
        told, tools = running.next()
        running.go_on()
        running.next()
        text = json.dumps(told["tools"])
        found.add(many=tools, memory=running.megabytes(), processes=len(running.tree()), tokens=tokens(text))
    finally:
        running.end()
    if subject.search is not None:
        begun = time.perf_counter()
        env = {**os.environ, **QUIET, **subject.environment}
        done = subprocess.run(subject.search, capture_output=True, text=True, timeout=SECONDS, env=env)
        if done.returncode == 0 and SERVER in done.stdout:
            found.add(search=time.perf_counter() - begun)


def warm(subject: Subject) -> None:
    """Start *subject* once, which writes what is compiled."""
    running = Running(subject, subject.one, (0, 1, 0))
    try:
        running.next()
    finally:
        running.end()


# ---------------------------------------------------------------- the table

COLUMNS = (
    ("tools", "tools, s", 2),
    ("first", "first answer, s", 2),
    ("processor", "first answer, s of processor", 2),
    ("call", "a call, ms", 2),
    ("rate", "calls a second", 0),
    ("many", "tools of twenty, s", 2),
    ("memory", "memory of twenty, MB", 0),
    ("processes", "processes", 0),
    ("tokens", "tokens of their tools", 0),
    ("search", "search, s", 2),
)


def table(results: Mapping[str, Found]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [f"| | {' | '.join(title for _, title, _ in COLUMNS)} |", f"| --- |{' --- |' * len(COLUMNS)}"]
    for name, found in results.items():
        lines.append(f"| {name} | {' | '.join(found.shown(key, digits) for key, _, digits in COLUMNS)} |")
    return "\n".join(lines)


def run(subjects: Sequence[Subject], rounds: int, calls: int) -> dict[str, Found]:
    results = {subject.name: Found() for subject in subjects}
    for turn in range(rounds + 1):
        for subject in subjects:
            found = results[subject.name]
            if found.problem:
                continue
            try:
                if turn:
                    measure(subject, found, calls)
                else:
                    warm(subject)
            except (RuntimeError, subprocess.TimeoutExpired, KeyError) as error:
                found.problem = f"{type(error).__name__}: {error}"
            print(f"{turn}: {subject.name} {found.problem}", file=sys.stderr, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        one, many, server = asyncio.run(homes_of(folder))
        made = {package: environment_of(package, python, folder) for package, python in PEERS.items()}
        programs = {package: where for package, (where, _) in made.items() if where is not None}
        subjects = [*ours(one, many), *clients(server, programs), *gateways(server, programs, folder)]
        results = run(subjects, options.rounds, options.calls)
    print(table(results))
    print()
    for package, (where, told) in made.items():
        print(f"{package}: {told}" if where is not None else f"{package}: not installed: {told}")
    for name, found in results.items():
        if found.problem:
            print(f"{name}: {found.problem}")


if __name__ == "__main__":
    main()
