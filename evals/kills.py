"""What is left when the host is killed: ``kill -9`` at random moments of every verb, then a look at everything.

usage: python -m evals.kills [--times 200] [--seed N] [--jobs 2] [--index]

A home with two plugins is put back to how it stood before a verb, the verb is begun by a process of its own, and that
process is killed. Half of the kills hit the real command line, somewhere between its start and its end; the other half
hit a process that has everything imported, somewhere in the verb itself. How long each takes is measured first, and
the moments are spread evenly over that, one at random in each slice. After each kill

- no process that was started from the home lives on (after at most ``ORPHAN_SECONDS``);
- the state loads, the plugin is whole (it activates and answers as its old or its new self) or absent, and the other
  plugin answers as before;
- the next command (``install``) works, and nothing stays on the disk that no plugin needs;
- uninstalling it leaves nothing of it.

Everything comes from folders on this machine; ``--index`` adds a server from the package index.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import PluginError
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

ORPHAN_SECONDS = 10.0
COMMAND_SECONDS = 120.0
PASSPHRASE = "evaluation"  # noqa: S105 # of a home that is thrown away
PLUGIN, OTHER, SERVER = "probe", "bystander", "mcp-server-time"
NEW = {"PROBE_WORD": "new", "PROBE_KEY": "new-key-0123456789"}
OLD = {"PROBE_WORD": "old", "PROBE_KEY": "old-key-0123456789"}

SOURCE = """
import os
from dynamic_plugins.plugin import Plugin, Service, action

state = {"runs": False}

@action
def tell() -> dict[str, object]:
    "Tells what it is and what it was told."
    key = os.environ.get("PROBE_KEY", "")  # which one: the key itself is taken out of every answer
    return {"version": "VERSION", "word": os.environ.get("PROBE_WORD"), "key": key[:3], **state}

def start() -> None:
    open("was-here", "a").close()
    state["runs"] = True

plugin = Plugin("NAME", "Tells what it is", actions=[tell], services=[Service("engine", start, lambda: None)])
"""
PROJECT = """
[project]
name = "NAME"
version = "VERSION"

[project.entry-points."dynamic_plugins.plugins"]
NAME = "NAME_plugin:plugin"
"""
CONFIG = """
[tool.dynamic-plugins]
config = [
    { name = "PROBE_WORD", description = "A word", required = true },
    { name = "PROBE_KEY", description = "A key", secret = true },
]
"""


class Violation(Exception):  # noqa: N818 # it is a finding, not an error of this program
    """Something is not as it must be after a kill."""


@dataclass(frozen=True)
class Verb:
    """One verb to kill: the command's words, what must be there before, and the versions that may be there after."""

    name: str
    words: tuple[str, ...]
    before: tuple[str, ...] = ()
    """The steps that lead to where it begins: install, configure, activate, publish (the registry has a new one)."""
    plugin: str = PLUGIN
    versions: frozenset[str | None] = frozenset({"1.0.0"})
    """None: it may be absent."""
    may_forget: bool = False
    """Whether what the plugin was told may be gone already."""


VERBS = (
    Verb("install", ("install", PLUGIN, "--yes"), versions=frozenset({None, "1.0.0"})),
    Verb(
        "update",
        ("update", PLUGIN, "--yes"),
        ("install", "configure", "activate", "publish"),
        versions=frozenset({"1.0.0", "2.0.0"}),
    ),
    Verb("activate", ("activate", PLUGIN), ("install", "configure")),
    Verb("configure", ("configure", PLUGIN, *(f"{k}={v}" for k, v in NEW.items())), ("install", "configure")),
    Verb(
        "uninstall",
        ("uninstall", PLUGIN),
        ("install", "configure", "activate"),
        versions=frozenset({None, "1.0.0"}),
        may_forget=True,
    ),
)
INDEX_VERBS = (
    Verb("install (index)", ("install", SERVER, "--yes"), plugin=SERVER, versions=frozenset({None, "any"})),
    Verb("activate (index)", ("activate", SERVER), ("install",), plugin=SERVER, versions=frozenset({"any"})),
    Verb(
        "uninstall (index)",
        ("uninstall", SERVER),
        ("install", "activate"),
        plugin=SERVER,
        versions=frozenset({None, "any"}),
    ),
)


Attempt = tuple[Verb, float, bool]
"""A verb, the share of its time after which it is killed, and whether it is begun by command."""


@dataclass
class Tally:
    """What came of the kills of one verb."""

    kills: int = 0
    hit: int = 0
    """How many of them found the process alive."""
    found: Counter[str] = field(default_factory=Counter)
    swept: int = 0
    """After how many of them something had to be swept away."""
    violations: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Lane:
    """One folder to kill in: a home at an address that stays, and copies of how it stood before each verb."""

    def __init__(self, root: Path) -> None:
        self.root, self.home, self.registry = root, root / "home", root / "registry.json"
        self.errors = root / "errors"
        for name, version in ((PLUGIN, "1.0.0"), (PLUGIN, "2.0.0"), (OTHER, "1.0.0")):
            folder = root / "sources" / f"{name}-{version}"
            folder.mkdir(parents=True)
            texts = {f"{name}_plugin.py": SOURCE, "pyproject.toml": PROJECT + (CONFIG if name == PLUGIN else "")}
            for file, text in texts.items():
                (folder / file).write_text(text.replace("NAME", name).replace("VERSION", version))
        self.settings = Settings.from_environment({**_environment()}, home=self.home, registries=(str(self.registry),))

    def publish(self, version: str) -> None:
        """Have the registry name *version* of the plugin."""
        folders = {PLUGIN: f"{PLUGIN}-{version}", OTHER: f"{OTHER}-1.0.0"}
        entries: list[dict[str, Any]] = [
            {
                "name": name,
                "kind": "python",
                "packages": [{"type": "path", "name": str(self.root / "sources" / folder)}],
            }
            for name, folder in folders.items()
        ]
        entries.append({"name": SERVER, "kind": "mcp", "packages": [{"type": "pypi", "name": SERVER}]})
        self.registry.write_text(json.dumps({"schema": 1, "plugins": entries}))

    def command(self, *words: str) -> list[str]:
        options = ["--home", str(self.home), "--registry", str(self.registry), "--json"]
        return [sys.executable, "-m", "dynamic_plugins", *options, *words]

    def app(self) -> App:
        return App(self.settings, approve=approve_everything)

    async def prepare(self, verb: Verb) -> None:
        """Make the home that *verb* begins with, and keep a copy of it."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.publish("1.0.0")
        async with self.app() as app:
            await app.service.install(OTHER)
            await app.service.activate(OTHER)
            for step in verb.before:
                if step == "configure":
                    await app.service.configure(verb.plugin, OLD)
                elif step != "publish":
                    await getattr(app.service, step)(verb.plugin)
        shutil.copytree(self.home, self._kept(verb), symlinks=True)

    def restore(self, verb: Verb) -> None:
        """Put the home back to how it stood before *verb*."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._kept(verb), self.home, symlinks=True)
        self.publish("2.0.0" if "publish" in verb.before else "1.0.0")

    def _kept(self, verb: Verb) -> Path:
        return self.root / f"before-{verb.name}"


def _environment() -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "DYNAMIC_PLUGINS_"))}
    keep.pop("PYTHONDONTWRITEBYTECODE", None)
    # No keyring of the machine's: nothing of this belongs into a person's own.
    keep["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    return keep | {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE}


# -------------------------------------------------------------------- the process that is killed


async def drive(verb: Verb, settings: Settings, say: Connection) -> None:
    """Do *verb*, and say so before it begins."""
    async with App(settings, approve=approve_everything) as app:
        await app.catalogue.find(verb.plugin)
        say.send("go")
        if verb.words[0] == "configure":
            await app.service.configure(verb.plugin, NEW)
        else:
            await getattr(app.service, verb.words[0])(verb.plugin)


def _driven(verb: Verb, settings: Settings, say: Connection, errors: Path) -> None:
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
    asyncio.run(drive(verb, settings, say))


Host = subprocess.Popen[bytes] | ForkProcess


@contextlib.contextmanager
def begun(lane: Lane, verb: Verb, *, by_command: bool) -> Iterator[Host]:
    """Give the process that does *verb*, at the moment from which it is measured."""
    process: Host
    if by_command:
        with lane.errors.open("w") as errors:
            command = lane.command(*verb.words)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=_environment())
    else:
        # A fork of this process, which has everything imported.
        context = multiprocessing.get_context("fork")
        hear, say = context.Pipe(duplex=False)
        process = context.Process(target=_driven, args=(verb, lane.settings, say, lane.errors))
        process.start()
        say.close()
        with contextlib.suppress(EOFError):
            hear.recv()
        hear.close()
    try:
        yield process
    finally:
        process.kill()
        _ended(process, COMMAND_SECONDS)


def _ended(process: Host, seconds: float) -> int | None:
    """Wait some seconds for the end of *process*; return its exit code, None while it lives."""
    if isinstance(process, ForkProcess):
        process.join(seconds)
        return process.exitcode
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll()


def measure(lane: Lane, verb: Verb, runs: int, *, by_command: bool) -> float:
    """Return how long *verb* takes, in seconds: the median of some runs to the end."""
    times = []
    for _ in range(runs):
        lane.restore(verb)
        with begun(lane, verb, by_command=by_command) as process:
            start = time.monotonic()
            code = _ended(process, COMMAND_SECONDS)
            times.append(time.monotonic() - start)
        if code != 0:
            raise Violation(f"{verb.name} fails without a kill ({code}): {lane.errors.read_text()[-400:]}")
    return statistics.median(times)


def kill(lane: Lane, verb: Verb, after: float, *, by_command: bool) -> bool:
    """Begin *verb*, kill its process after some seconds, and say whether it was still alive then."""
    lane.restore(verb)
    with begun(lane, verb, by_command=by_command) as process:
        return _ended(process, after) is None


# -------------------------------------------------------------------- the look at what is left


def wait_for_orphans(home: Path) -> None:
    """Wait until no process belongs to *home*; raise Violation when some do not end."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while left := _processes_of(home):
        if time.monotonic() > deadline:
            raise Violation(f"lives on: {left}")
        time.sleep(0.05)


def _processes_of(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                words = process.cmdline()
                if process.cwd().startswith(str(home)) or any(str(home) in word for word in words):
                    found.append(" ".join(words))
    return found


async def look(lane: Lane, verb: Verb) -> str:
    """Return what a new process finds of the plugin; raise Violation where it is neither whole nor absent."""
    async with lane.app() as app:
        stored = app.store.read()
        told = await app.service.call(OTHER, "tell", {})
        if not told["runs"]:
            raise Violation(f"{OTHER} answers without its service")
        if verb.plugin not in stored:
            if None not in verb.versions:
                raise Violation("it is gone")
            return "absent"
        version = await _whole(app, verb)
    return f"whole, {version}" if verb.name == "update" else "whole"


async def _whole(app: App, verb: Verb) -> str:
    service = app.service
    info = await service.info(verb.plugin)
    if "configure" in verb.before and not all(each.is_set for each in info.required_env_vars) and not verb.may_forget:
        raise Violation("it has forgotten what it was told")
    if info.required_env_vars and not all(each.is_set for each in info.required_env_vars):
        await service.configure(verb.plugin, OLD)
    if "activate" in verb.before and info.status != "active" and not verb.may_forget:
        raise Violation(f"it is {info.status}, not active")
    await service.activate(verb.plugin)
    if verb.plugin == SERVER:
        await service.call(SERVER, "get_current_time", {"timezone": "UTC"})
        return info.version
    told = await service.call(verb.plugin, "tell", {})
    if told["version"] != info.version or info.version not in verb.versions:
        raise Violation(f"{told['version']} answers for {info.version}")
    if not told["runs"]:
        raise Violation("it answers without its service")
    words = {"old", "new"} if verb.name == "configure" else {"old"}
    if told["word"] not in words or told["key"] not in words:
        raise Violation(f"it was told {told['word']} and {told['key']}")
    return info.version


def next_command(lane: Lane, verb: Verb, *, by_command: bool) -> bool:
    """Do what the next command does, and hold the disk to what the state says; say whether something was swept."""
    before = scraps(lane)
    if by_command:
        command = lane.command("install", verb.plugin, "--yes")
        limit = COMMAND_SECONDS
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=_environment(), check=False)
        if done.returncode != 0:
            raise Violation(f"the next command fails: {done.stdout[-300:]} {done.stderr[-300:]}")
    else:
        asyncio.run(_install(lane, verb))
    if left := scraps(lane):
        raise Violation(f"not swept: {left}")
    return bool(before)


async def _install(lane: Lane, verb: Verb) -> None:
    async with lane.app() as app:
        app.sweep()
        await app.service.install(verb.plugin)


def scraps(lane: Lane) -> list[str]:
    """Return what lies in the home and belongs to no plugin of the state."""
    known = {plugin.installation.path for plugin in lane.app().store.read().values()}
    versions = [each for each in lane.settings.plugins_dir.glob("*/*") if str(each) not in known]
    empty = [each for each in lane.settings.plugins_dir.glob("*") if each.is_dir() and not any(each.iterdir())]
    return [str(each.relative_to(lane.home)) for each in (*versions, *empty, *lane.home.rglob("*.tmp"))]


async def leave(lane: Lane, verb: Verb) -> None:
    """Uninstall the plugin; raise Violation when something of it stays."""
    async with lane.app() as app:
        await app.service.uninstall(verb.plugin)
        left = [str(each) for each in lane.home.rglob(f"*{verb.plugin}-*") if each.suffix != ".lock"]
        if verb.plugin in (values := app.configuration).names(verb.plugin) or values.secrets():
            left.append("what it was told")
        if left:
            raise Violation(f"outlives uninstall: {left}")
    if not lane.app().store.read().keys() <= {OTHER}:
        raise Violation("it outlives uninstall in the state")


# -------------------------------------------------------------------- all of it


def attempt(lane: Lane, verb: Verb, after: float, tally: Tally, *, by_command: bool) -> None:
    """Kill once, look at everything, and note what was found."""
    tally.kills += 1
    try:
        tally.hit += kill(lane, verb, after, by_command=by_command)
        wait_for_orphans(lane.home)
        found = asyncio.run(look(lane, verb))
        tally.swept += next_command(lane, verb, by_command=by_command)
        asyncio.run(leave(lane, verb))
        wait_for_orphans(lane.home)
        tally.found[found] += 1
    except (Violation, PluginError, subprocess.TimeoutExpired) as error:
        how = "command" if by_command else "driver"
        tally.violations.append(f"{verb.name} ({how}) at {after:.3f} s: {type(error).__name__}: {error}")


def run_lane(root: Path, plan: list[Attempt], runs: int) -> dict[str, Tally]:
    """Do the attempts of one lane, measuring each verb by some *runs* first."""
    lane = Lane(root)
    tallies: dict[str, Tally] = defaultdict(Tally)
    durations: dict[tuple[str, bool], float] = {}
    for verb in {verb.name: verb for verb, _, _ in plan}.values():
        asyncio.run(lane.prepare(verb))
    for verb, share, by_command in plan:
        key = (verb.name, by_command)
        if key not in durations:
            durations[key] = measure(lane, verb, runs, by_command=by_command)
        attempt(lane, verb, share * durations[key], tallies[verb.name], by_command=by_command)
        tallies[verb.name].seconds["command" if by_command else "driver"] = durations[key]
    return tallies


def planned(verbs: tuple[Verb, ...], times: int, seed: int, ways: tuple[bool, ...]) -> list[Attempt]:
    """Return *times* kills spread evenly over the verbs, the *ways* of beginning them, and their time."""
    chance = random.Random(seed)  # noqa: S311 # nobody's secret
    plan: list[Attempt] = []
    cells = [(verb, by_command) for verb in verbs for by_command in ways]
    for index, (verb, by_command) in enumerate(cells):
        count = times * (index + 1) // len(cells) - times * index // len(cells)
        # A little past the end, because the measured time is a median: the last moments are hit too.
        plan += [(verb, 1.1 * (slice_ + chance.random()) / count, by_command) for slice_ in range(count)]
    chance.shuffle(plan)
    return plan


def kill_all(
    times: int,
    seed: int,
    jobs: int,
    verbs: tuple[Verb, ...] = VERBS,
    ways: tuple[bool, ...] = (False, True),
    runs: int = 3,
) -> dict[str, Tally]:
    """Return what came of *times* kills, by verb; *ways* says whether the command is killed, or the driver, or both."""
    # The processes that look keep secrets, too.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    total: dict[str, Tally] = {verb.name: Tally() for verb in verbs}
    plan = planned(verbs, times, seed, ways)
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))
    with tempfile.TemporaryDirectory() as folder, pool:
        lanes = [Path(folder).resolve() / f"lane-{number}" for number in range(jobs)]
        plans = [plan[number::jobs] for number in range(jobs)]
        for tallies in pool.map(run_lane, lanes, plans, [runs] * jobs):
            for name, mine in tallies.items():
                each = total[name]
                each.kills, each.hit, each.swept = each.kills + mine.kills, each.hit + mine.hit, each.swept + mine.swept
                each.found += mine.found
                each.violations += mine.violations
                each.seconds |= mine.seconds
    return total


def shown(total: dict[str, Tally]) -> str:
    """Return the table."""
    rows = [("verb", "takes (driver, command)", "kills", "in time", "swept", "found", "violations")]
    for name, each in total.items():
        takes = ", ".join(f"{each.seconds[how]:.2f} s" for how in ("driver", "command") if how in each.seconds)
        found = "; ".join(f"{what}: {count}" for what, count in sorted(each.found.items()))
        rows.append((name, takes, str(each.kills), str(each.hit), str(each.swept), found, str(len(each.violations))))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--index", action="store_true", help="a server from the package index, too")
    arguments = parser.parse_args()
    verbs = VERBS + INDEX_VERBS if arguments.index else VERBS
    start = time.monotonic()
    total = kill_all(arguments.times, arguments.seed, arguments.jobs, verbs)
    print(shown(total))
    violations = [each for tally in total.values() for each in tally.violations]
    print("\n".join(violations))
    kills = sum(each.kills for each in total.values())
    print(f"{kills} kills in {time.monotonic() - start:.0f} s, seed {arguments.seed}: {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
