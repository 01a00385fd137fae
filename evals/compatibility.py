"""How plugins as they really are fare: each is installed, activated, looked at, called, and taken away again.

usage: python -m evals.compatibility NAME… [--file NAMES.txt] [--registry FILE] [--json OUT.jsonl] [--jobs N]
                                     [--downloads FOLDER] [--slow FACTOR] [--calls 30] [--minutes N]

NAMES.txt has names between white space; lines that begin with # are comments. A name that means several plugins stands
for all of them; ``npm:NAME`` is the elizaOS plugin in TypeScript where there is one in Python, too. Each plugin gets a
home of its own, and is told made-up values for what it must be told. What can be called without a key is called: every
action (at most --calls of them, none after three that did not answer in time), with arguments made up from its schema.
OUT.jsonl has a line more as each of them ends, and who stands in it already is not examined again: with --minutes none
is begun after that time, and the same command takes up the rest (the table and the counts are of all that it has). What
Bun downloads for one is there for all others, and for the next run with the same --downloads. --slow multiplies how
long things may take, for a machine that is busy with other work. The verdict is one of

- ``offered``: it loaded, all that its source has is offered and was called (an action's own failure is its answer);
- ``honest error``: it did not install or load, and the error says why in its own words, or it lacks a key;
- ``our fault``: anything else: a crash of ours, an error without a reason, an action in its source that was not
  offered (:mod:`evals.written` reads it; of TypeScript :mod:`evals.listed` asks the plugin itself), one that we called
  the wrong way, or something left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError, AmbiguousNameError, BadArgumentsError, PluginError, PluginTimeoutError
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.settings import Settings, Timeouts
from evals.invented import Inventor
from evals.listed import listed_in
from evals.written import missing_from, written_in

if TYPE_CHECKING:
    from dynamic_plugins.install.installation import Installation

HONEST = {
    "install_failed",
    "load_failed",
    "unavailable_here",
    "secrets_unavailable",
    "needs_configuration",
    "unknown_plugin",
    "timeout",
}
MAX_CALLS, MAX_LATE = 30, 3
START_SECONDS, CALL_SECONDS = 60.0, 20.0

# What Python says of a function that is called the wrong way; which of ours called it, the plugin's own did not start.
WRONG_CALL = re.compile(
    r"TypeError: (\w+ needs '|\S+\(\) (got an unexpected keyword|missing \d+ required|takes \d+ positional))"
    r"|AttributeError: (\w+$|'(AttributeDict|StateDict|Store|Call|MinimalRuntime|AgentRuntime)' object)"
)

# What Node.js says where a handler was given something else than elizaOS gives it: the runtime and its database, the
# message, the state or the callback lacks what is read from it. Messages, states and options are records in every
# version of elizaOS: a plugin that calls a method of one has the order of its parameters wrong itself.
WRONG_CALL_OF_NODE = re.compile(
    r"\b(this\.)?(_?runtime|adapter|databaseAdapter|db|messageManager|cacheManager)(\??\.\w+)* is not a function"
    r"|\b(callback|_?message|_?state|_?options) is not a function"
    r"|\b(_?runtime|adapter|databaseAdapter|db|_?message|_?state|_?options)(\??\.\w+)* is not iterable"
    r"|Database adapter (not|is not)|no .*adapter"
    r"|reading '(entityId|roomId|agentId|worldId|content|text|data|values|actionParams|character|settings)'"
)


@dataclass
class Verdict:
    name: str
    verdict: str = "our fault"
    version: str = ""
    core: str = ""
    """Of an elizaOS plugin in TypeScript: the version of elizaOS' core that it was installed with."""
    needs: list[str] = field(default_factory=list)
    """What it must be told before it can be activated; it was told made-up values."""
    seconds: float = 0.0
    actions: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    """The actions that its source has, each with its place, or those that it lists; only for elizaOS packages."""
    providers: int = 0
    services: int = 0
    answered: int = 0
    late: int = 0
    """How many of its actions did not answer in time."""
    failed: dict[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """How plugins are examined: by which registries, how many at once, and how many of their actions are called."""

    registries: tuple[str, ...]
    jobs: int
    calls: int
    slow: float
    downloads: Path
    file: Path | None
    ends: float = float("inf")
    """When, of `time.monotonic`, no further one is begun."""


async def examine(name: str, run: Run) -> Verdict:
    """Return how one plugin fares, in a home of its own that is gone afterwards."""
    verdict = Verdict(name)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment(home=folder, registries=run.registries)
        timeouts = Timeouts(start=START_SECONDS * run.slow, call=CALL_SECONDS * run.slow)
        settings = Settings(**{**vars(settings), "timeouts": timeouts, "passphrase": "evaluation"})
        share(run.downloads, Path(folder))
        try:
            async with App(settings, approve=approve_everything) as app:
                await live(app, name, verdict, run.calls)
        except PluginError as error:
            verdict.verdict = "honest error" if error.code in HONEST and str(error) else "our fault"
            verdict.detail = f"{error.code}: {error}"
        except Exception as error:  # the point of this program is to find these
            verdict.verdict, verdict.detail = "our fault", f"{type(error).__name__}: {error}"
        left = left_behind(Path(folder))
        if left:
            verdict.verdict, verdict.detail = "our fault", f"left behind: {left}"
    verdict.seconds = round(time.monotonic() - begun, 1)
    return verdict


def share(downloads: Path, home: Path) -> None:
    """Have what Bun downloads for a plugin in *home* lie in a folder that outlives it."""
    (home / "bun-cache").symlink_to(downloads)


async def live(app: App, name: str, verdict: Verdict, calls: int) -> None:
    """Take one plugin through its whole life, calling what can be called."""
    service = app.service
    info = (await service.install(name)).info
    verdict.version = info.version
    installation = app.store.read()[info.name].installation
    verdict.core = next((each.version for each in installation.distributions if each.name == CORE), "")
    inventor = Inventor(Path(app.settings.home, "made-up"))
    values = {
        each.name: inventor.value_for(each)
        for each, _ in await service.variables(info.name)
        if each.required and each.default is None
    }
    verdict.needs = list(values)
    if values:
        await service.configure(info.name, values)
    await service.activate(info.name)
    plugin = service.components.plugins[info.name]
    verdict.actions = [action.name for action in plugin.actions]
    verdict.providers, verdict.services = len(plugin.providers), len(plugin.services)
    verdict.verdict = "offered"
    for action in plugin.actions[:calls]:
        try:
            await service.call(info.name, action.name, inventor.arguments_for(dict(action.parameters)))
            verdict.answered += 1
        except (ActionError, BadArgumentsError, PluginTimeoutError) as error:
            verdict.failed[action.name] = str(error)[:300]
            verdict.late += isinstance(error, PluginTimeoutError)
        if verdict.late == MAX_LATE:
            break
    judge(verdict, installation)
    await service.deactivate(info.name)
    await service.unload(info.name)
    if service.running():
        verdict.verdict, verdict.detail = "our fault", "its process outlived unload"
    await service.uninstall(info.name)
    if service.status():
        verdict.verdict, verdict.detail = "our fault", "it outlived uninstall"


def judge(verdict: Verdict, installation: Installation) -> None:
    """Find what is our fault in a plugin that loaded."""
    if installation.runs_in_node:
        judge_typescript(verdict, installation)
    elif installation.kind == "elizaos" and (package := package_of(installation)) is not None:
        verdict.written = written_in(package)
        missing = missing_from(verdict.actions, verdict.written)
        unreachable = [name for name, where in missing.items() if not imports(installation, package, where)]
        if lost := {name: where for name, where in missing.items() if name not in unreachable}:
            verdict.verdict, verdict.detail = "our fault", f"not offered: {lost}"
        elif unreachable:
            verdict.detail = f"its own code for {', '.join(unreachable)} does not import"
    # A service that did not start, or a model that nobody gave, is why a handler lacks what it needs.
    said = {name: text for name, text in verdict.failed.items() if "did not start" not in text}
    wrong = {name: text for name, text in said.items() if is_wrong_call(text, installation)}
    if wrong and verdict.verdict == "offered":
        verdict.verdict, verdict.detail = "our fault", f"called the wrong way: {wrong}"


def judge_typescript(verdict: Verdict, installation: Installation) -> None:
    """Find an action that the plugin lists itself and that was not offered."""
    listed = listed_in(installation.command[0], Path(installation.path), installation.npm_package)
    if listed is None:
        verdict.detail = "a bare script does not see what it lists"
        return
    verdict.written = dict.fromkeys(listed, "listed")
    if lost := missing_from(verdict.actions, verdict.written):
        verdict.verdict, verdict.detail = "our fault", f"not offered: {', '.join(lost)}"


def is_wrong_call(text: str, installation: Installation) -> bool:
    """Whether an error says that a function of the plugin's own, or an object of ours, was used the wrong way."""
    if installation.runs_in_node:
        return WRONG_CALL_OF_NODE.search(text) is not None
    found = WRONG_CALL.search(text)
    if found is None:
        return False
    named = re.match(r"TypeError: (?:\w+\.)*?(\w+)(?:\.__init__)?\(\)", found.group())
    package = package_of(installation)
    if named is None or package is None:
        return True
    # A plugin that calls another package the wrong way does so itself.
    own = re.compile(rf"\b(def|class) {named[1]}\b")
    return any(own.search(each.read_text(errors="replace")) for each in package.rglob("*.py"))


def package_of(installation: Installation) -> Path | None:
    """Return the folder of the package that is started."""
    module = (installation.entry_point or "").partition(":")[0].partition(".")[0]
    return next((each for each in Path(installation.path).rglob(f"site-packages/{module}") if each.is_dir()), None)


def imports(installation: Installation, package: Path, where: str) -> bool:
    """Whether the module at *where* (``actions/send.py:12``) can be imported: what cannot, nobody has."""
    parts = where.partition(":")[0].removesuffix(".py").removesuffix("/__init__").split("/")
    words = [installation.python or sys.executable, "-I", "-c", f"import {'.'.join([package.name, *parts])}"]
    return subprocess.run(words, check=False, capture_output=True, timeout=60).returncode == 0


def left_behind(home: Path) -> list[str]:
    """Return what is still there of a plugin that was taken away: processes (its folder is gone with the home)."""
    plugins = str(home / "runtime_plugins")
    return [
        " ".join(each.info["cmdline"])
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["status"] != psutil.STATUS_ZOMBIE and any(plugins in word for word in each.info["cmdline"] or ())
    ]


def shown(verdicts: list[Verdict]) -> str:
    """Return the table."""
    rows = [("plugin", "version", "core", "verdict", "actions", "in source", "providers", "answered", "s", "")]
    for each in verdicts:
        answered = f"{each.answered}/{each.answered + len(each.failed)}"
        counts = (str(len(each.actions)), str(len(each.written) or ""), str(each.providers), answered)
        facts = (each.name, each.version, each.core, each.verdict)
        rows.append((*facts, *counts, str(each.seconds), each.detail[:200]))
    widths = [max(len(row[index]) for row in rows) for index in range(9)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row[:9], widths, strict=True)) + "  " + row[9]
        for row in rows
    )


async def examine_all(names: list[str], run: Run) -> list[Verdict]:
    """Examine several at once, in the order given; a line of the run's file tells of each as it ends.

    Those of whom it tells already are among what is returned.
    """
    places = asyncio.Semaphore(run.jobs)
    known = verdicts_in(run.file)

    async def one(name: str) -> Verdict | None:
        if name in known:
            return known[name]
        async with places:
            if time.monotonic() >= run.ends:
                return None
            verdict = await examine(name, run)
        print(f"{name}: {verdict.verdict} {verdict.detail[:200]}", file=sys.stderr)
        if run.file is not None:
            with run.file.open("a") as lines:
                lines.write(json.dumps(asdict(verdict)) + "\n")
        return verdict

    verdicts = await asyncio.gather(*(one(name) for name in await whole(names, run.registries)))
    return [each for each in verdicts if each is not None]


def verdicts_in(file: Path | None) -> dict[str, Verdict]:
    """Return what an earlier run wrote into *file*, by name."""
    lines = file.read_text().splitlines() if file is not None and file.is_file() else []
    return {verdict.name: verdict for verdict in (Verdict(**json.loads(line)) for line in lines)}


async def whole(names: list[str], registries: tuple[str, ...]) -> list[str]:
    """Return *names* with one that means several plugins replaced by all of theirs."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        async with App(Settings.from_environment(home=folder, registries=registries)) as app:
            for name in names:
                try:
                    await app.catalogue.find(name)
                    found.append(name)
                except AmbiguousNameError as error:
                    found += error.candidates
                except PluginError:
                    found.append(name)
    return list(dict.fromkeys(found))


def names_in(text: str) -> list[str]:
    """Return the names in a file: between white space, without lines that begin with #."""
    return [word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--registry", action="append", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--downloads", type=Path)
    parser.add_argument("--slow", type=float, default=1.0)
    parser.add_argument("--calls", type=int, default=MAX_CALLS)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    arguments = parser.parse_args()
    ends = time.monotonic() + 60 * arguments.minutes
    names = arguments.names + (names_in(arguments.file.read_text()) if arguments.file else [])
    with tempfile.TemporaryDirectory() as folder:
        downloads = (arguments.downloads or Path(folder)).resolve()
        downloads.mkdir(parents=True, exist_ok=True)
        how = (arguments.jobs, arguments.calls, arguments.slow, downloads, arguments.json, ends)
        run = Run(tuple(arguments.registry), *how)
        verdicts = asyncio.run(examine_all(names, run))
    print(shown(verdicts))
    counts = {kind: sum(each.verdict == kind for each in verdicts) for kind in ("offered", "honest error", "our fault")}
    print(", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    if left := len(names) - len(verdicts):
        print(f"not begun in time: {left}")
    return 1 if counts["our fault"] or left > 0 else 0


if __name__ == "__main__":
    raise SystemExit(main())
