"""Homes to kill hosts in: how they stand before each verb, and the processes that do it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

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
        self.settings = Settings.from_environment(environment(), home=self.home, registries=(str(self.registry),))

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


def environment() -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "DYNAMIC_PLUGINS_"))}
    keep.pop("PYTHONDONTWRITEBYTECODE", None)
    # No keyring of the machine's: nothing of this belongs into a person's own.
    keep["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    return keep | {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE, "DYNAMIC_PLUGINS_OFFLINE": "1"}


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
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment())
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
