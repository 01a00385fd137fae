"""What the Node worker costs: an elizaOS plugin in it, beside the same plugin in a bare Node.js script.

usage: python -m evals.elizaos_typescript_cost NAME [--core VERSION] [--with PACKAGE…] [--root FOLDER]
                                               [--call ACTION] [--arguments JSON] [--runs 7]

NAME is an npm package, with a version where not the newest is meant (@acme/plugin-tea@1.0.0). It is installed with npm,
without scripts and with one version of ``@elizaos/core``, unless --root names a folder that has it in its
``node_modules``. Worker and script use that same folder, start in turns, each time in an empty home of their own, and
make the same call: the first action without arguments, unless --call names one.

Prints the medians of processor seconds (user and system) until the plugin's actions are known, for the first call, in
which the runtime is made, and of both; of the resident memory after the call, and of its peak; and their ratios.
Neither has a language model: what a plugin asks one for is answered from the call's arguments. The fence is left out:
it is the same for all plugins.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from dynamic_plugins.install.elizaos_core import CORE

ROOT = Path(__file__).parent.parent
MAIN = ROOT / "dynamic_plugins" / "workers" / "node" / "main.mjs"
BARE = Path(__file__).parent / "bare_elizaos_host.mjs"
MEGABYTE = 10**6
SECONDS = 60


@dataclass(frozen=True)
class Cost:
    """What one process took: processor seconds, and megabytes of memory."""

    start: float
    call: float
    both: float
    resident: float
    peak: float

    @classmethod
    def between(cls, started: float, called: float, process: psutil.Process) -> Cost:
        """Return the cost of *process*, which had taken *started* seconds before its call and *called* after it."""
        memory = process.memory_info().rss / MEGABYTE
        return cls(started, called - started, called, memory, _peak(process.pid) or memory)


LABELS = ("start, processor s", "first call, processor s", "both, processor s", "memory, MB", "its peak, MB")


class Worker:
    """The Node worker of one plugin, without a fence round it."""

    def __init__(self, root: Path, package: str, home: Path) -> None:
        (read, self._write), (self._read, write) = os.pipe(), os.pipe()
        facts = {"plugin": package, "package": package, "root": str(root), "variables": [], "result_bytes": 2**20}
        self.process = _node(
            str(MAIN), json.dumps({**facts, "in": read, "out": write}), home=home, pass_fds=(read, write)
        )
        os.close(read)
        os.close(write)
        self._asked = 0

    def __enter__(self) -> Worker:
        self._requests = os.fdopen(self._write, "w")
        self._answers = os.fdopen(self._read)
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self.process.wait(SECONDS)
        self._answers.close()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a request. Raises RuntimeError where it is an error, or the worker has ended."""
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        for line in self._answers:
            answer = json.loads(line)
            if answer.get("id") == self._asked and "method" not in answer:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
        raise RuntimeError(f"the worker ended before it answered {method}")

    def actions(self) -> list[str]:
        """Return the names of the plugin's actions."""
        tools = self.ask("tools/list", {})["tools"]
        return [tool["name"] for tool in tools if tool["_meta"]["dynamic-plugins"]["kind"] == "action"]


def measure_worker(root: Path, package: str, call: str, arguments: dict[str, Any], home: Path) -> tuple[Cost, str]:
    """Return what the worker took and how its call went."""
    with Worker(root, package, home) as worker:
        meter = psutil.Process(worker.process.pid)
        worker.actions()
        started = _seconds(meter)
        result = worker.ask("tools/call", {"name": call, "arguments": arguments})
        cost = Cost.between(started, _seconds(meter), meter)
    return cost, "failed" if result.get("isError") else "called"


def measure_bare(root: Path, package: str, call: str, arguments: dict[str, Any], home: Path) -> tuple[Cost, str]:
    """Return what the bare script took and how its call went."""
    script = root / BARE.name
    shutil.copyfile(BARE, script)
    with _node(str(script), package, home=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        meter = psutil.Process(process.pid)
        _line(process.stdout, "ready")
        started = _seconds(meter)
        process.stdin.write(json.dumps({"action": call, "arguments": arguments}) + "\n")
        process.stdin.flush()
        answer = _line(process.stdout, "called", "failed")
        cost = Cost.between(started, _seconds(meter), meter)
        process.stdin.close()
    return cost, answer.split(" ", 1)[0]


def _node(*words: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    """Start Node.js in *home*. What a plugin prints is not looked at, unless *options* say otherwise."""
    (home / ".env").touch()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    environment |= {"LOG_LEVEL": "warn", "DEFAULT_LOG_LEVEL": "warn"}
    defaults: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        [shutil.which("node") or "node", *words], cwd=home, env=environment, text=True, **{**defaults, **options}
    )


def _line(output: IO[str], *words: str) -> str:
    """Return the next line that begins with one of *words*; plugins print, too."""
    for line in output:
        if line.split(" ", 1)[0].strip() in words:
            return line
    raise RuntimeError("the script ended")


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak(pid: int) -> float | None:
    """Return the most memory that a process has had, in megabytes; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / MEGABYTE


def install(folder: Path, package: str, core: str | None, others: list[str]) -> None:
    """Install *package* and *others* into *folder*, with the given version of the core for all of them."""
    overrides = {"overrides": {CORE: core}} if core else {}
    (folder / "package.json").write_text(json.dumps({"private": True, **overrides}))
    wanted = [package, f"{CORE}@{core}" if core else CORE, *others]
    words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *wanted]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def report(worker: list[Cost], bare: list[Cost]) -> str:
    """Return a table of the medians and their ratios."""
    lines = [f"{'':<26}{'bare':>8}{'worker':>8}{'ratio':>8}"]
    for place, label in enumerate(LABELS):
        one, other = (statistics.median(astuple(cost)[place] for cost in costs) for costs in (bare, worker))
        lines.append(f"{label:<26}{one:>8.2f}{other:>8.2f}{other / one if one else float('nan'):>8.2f}")
    return "\n".join(lines)


def measure(root: Path, package: str, call: str | None, arguments: dict[str, Any], runs: int) -> None:
    """Measure both in turns and print the table; the first turn of each, which reads cold files, is left out."""
    costs: dict[str, list[Cost]] = {"worker": [], "bare": []}
    ways = {"worker": measure_worker, "bare": measure_bare}
    with tempfile.TemporaryDirectory() as kept:
        if call is None:
            with Worker(root, package, Path(kept)) as worker:
                call = worker.actions()[0]
    how = {}
    for turn in range(runs + 1):
        for way in sorted(ways, reverse=bool(turn % 2)):
            with tempfile.TemporaryDirectory() as home:
                cost, how[way] = ways[way](root, package, call, arguments, Path(home))
            if turn:
                costs[way].append(cost)
    version = json.loads((root / "node_modules" / CORE / "package.json").read_text())["version"]
    print(f"{package}, {CORE} {version}, {call}: {how['bare']} bare, {how['worker']} in the worker; {runs} runs")
    print(report(costs["worker"], costs["bare"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--core", metavar="VERSION")
    parser.add_argument("--with", dest="others", nargs="*", default=[], metavar="PACKAGE")
    parser.add_argument("--root", type=Path, metavar="FOLDER")
    parser.add_argument("--call", metavar="ACTION")
    parser.add_argument("--arguments", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if given.root is None:
            install(Path(made), given.name, given.core, given.others)
        root = (given.root or Path(made)).resolve()
        name = given.name if given.name.rfind("@") < 1 else given.name[: given.name.rfind("@")]
        measure(root, name, given.call, given.arguments, given.runs)


if __name__ == "__main__":
    main()
