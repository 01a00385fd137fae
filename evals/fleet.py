"""Many agents on a Ray cluster of three nodes, and on workers of this machine: ``python -m evals.fleet``.

Each agent is a loop round a scripted model, which orders calls of the plugins' actions and reads what they give. Every
call has a name of its own that the plugin writes into its book, so that what was lost, and what was done twice, is
found by comparing books and answers. One run measures a folder with workers of this machine, and PostgreSQL with the
cluster, by the same script; then PostgreSQL crashes and is started again, and a node is killed, while calls and changes
are under way, and two agents install and remove the same plugin at once.

The figures are of one machine with all nodes on it: what a network between them adds is not in them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.model_protocol import Say, ToolCall, Use
from dynamic_plugins.errors import PluginError
from dynamic_plugins.settings import Settings, Timeouts, WorkerSettings
from evals.fleet_report import Measured, Report, books
from tests.fleet.postgres_server import PostgresServer, programs
from tests.fleet.ray_cluster import MISSING, ray, three_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fleet.ray_cluster import RayNodes

HOME = "fleet"
CLUSTER = WorkerSettings("ray://auto", cpus=0.01, memory_bytes=32 * 2**20)
SOURCE = """
import asyncio
from pathlib import Path
from dynamic_plugins.plugin import Plugin, action

@action
async def enter(entry: str, seconds: float = 0) -> str:
    "Writes an entry into the book."
    with Path("book.txt").open("a") as book:
        book.write(entry + chr(10))
    await asyncio.sleep(seconds)
    return entry

plugin = Plugin({name!r}, "Keeps a book", actions=[enter])
"""
PROJECT = """[project]
name = "{name}"
version = "1.0.0"
[project.entry-points."dynamic_plugins.plugins"]
{name} = "{name}:plugin"
[tool.dynamic-plugins.permissions]
network = []
"""


class ScriptedModel:
    """A model that orders a call of each of *plugins* in turn, each named by *agent* and its number, and then ends."""

    def __init__(self, agent: str, plugins: Sequence[str], seconds: float) -> None:
        self._agent, self._plugins, self._seconds = agent, list(plugins), seconds
        self._number = 0

    async def respond(self, messages: Sequence[dict[str, Any]]) -> Say | Use:
        """Return the next call, or that it is done."""
        if self._number == len(self._plugins):
            return Say(f"{len(messages)} answers")
        entry = f"{self._agent}.{self._number}"
        arguments = json.dumps({"entry": entry, "seconds": self._seconds})
        call = ToolCall(entry, f"{self._plugins[self._number]}__enter", arguments)
        self._number += 1
        return Use((call,))


async def run_agent(plugins: DynamicPlugins, model: ScriptedModel, told: Measured) -> None:
    """Do what the model orders until it is done."""
    messages: list[dict[str, Any]] = []
    while isinstance(answer := await model.respond(messages), Use):
        (call,) = answer.calls
        told.ordered += 1
        told.unanswered += 1
        begun = time.perf_counter()
        result = await plugins.call(call.name, call.arguments)
        told.unanswered -= 1
        if result["ok"] and result["result"] == call.id:
            told.answered[call.id] = time.perf_counter() - begun
        else:
            told.failed[call.id] = str(result.get("error", {}).get("message", result))
        messages.append({"role": "tool", "content": json.dumps(result)})


async def all_agents(
    title: str, apps: Sequence[DynamicPlugins], names: Sequence[str], agents: int, calls: int, seconds: float = 0.0
) -> Measured:
    """Run *agents* at once, spread over *apps*, each with its own part of *names*."""
    told = Measured(title)
    part = title.replace(" ", "-")
    models = [
        ScriptedModel(f"{part}.{agent}", [names[(agent + 7 * each) % len(names)] for each in range(calls)], seconds)
        for agent in range(agents)
    ]
    begun = time.perf_counter()
    work = (run_agent(apps[number % len(apps)], model, told) for number, model in enumerate(models))
    await asyncio.gather(*work)
    told.seconds = time.perf_counter() - begun
    return told


async def one_after_the_other(title: str, plugins: DynamicPlugins, name: str, calls: int) -> Measured:
    """Measure calls of one plugin by one agent: what a call costs by itself."""
    return await all_agents(title, [plugins], [name], 1, calls)


# ---------------------------------------------------------------- the home


def settings(home: Path, workers: WorkerSettings, state: str | None) -> Settings:
    environment = Settings.from_environment().environment
    timeouts = Timeouts(start=180, call=180, idle=3600)
    facts = {"workers": workers, "timeouts": timeouts, "meaning": False, "offline": True, "state": state}
    return Settings(home, environment=environment, **facts)  # type: ignore[arg-type] # each is of its own type


def open_plugins(home: Path, workers: WorkerSettings, state: str | None = None) -> DynamicPlugins:
    return DynamicPlugins(settings=settings(home, workers, state), approve=approve_everything, confirm_calls="never")


async def make_home(home: Path, count: int, state: str | None = None) -> list[str]:
    """Install and switch on *count* plugins, and return their names."""
    names = [f"book{number:02d}" for number in range(count)]
    async with open_plugins(home, WorkerSettings(), state) as plugins:
        for name in names:
            folder = home.with_name("sources") / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.py").write_text(SOURCE.format(name=name))
            (folder / "pyproject.toml").write_text(PROJECT.format(name=name))
            await plugins.app.service.install_path(folder)
            await plugins.app.service.activate(name)
    return names


async def opened(
    stack: AsyncExitStack, home: Path, workers: WorkerSettings, count: int, state: str | None = None
) -> list[DynamicPlugins]:
    return [await stack.enter_async_context(open_plugins(home, workers, state)) for _ in range(count)]


# ---------------------------------------------------------------- the parts


async def measure_local(home: Path, names: Sequence[str], agents: int, calls: int, report: Report) -> None:
    async with AsyncExitStack() as stack:
        apps = await opened(stack, home, WorkerSettings(), 1)
        report.add(await all_agents("local, starting all", apps, names, len(names), 1))
        report.add(await one_after_the_other("local, one agent", apps[0], names[0], 100))
        report.add(await all_agents(f"local, {agents} agents", apps, names, agents, calls))


async def measure_cluster(
    home: Path,
    names: Sequence[str],
    agents: int,
    calls: int,
    processes: int,
    nodes: RayNodes,
    postgres: PostgresServer,
    changes: Changes,
    report: Report,
) -> None:
    async with AsyncExitStack() as stack:
        apps = await opened(stack, home, CLUSTER, processes, postgres.url(HOME))
        report.add(await all_agents("cluster, starting all", apps[:1], names, len(names), 1))
        for number, app in enumerate(apps[1:], 2):  # those find them running
            report.add(await all_agents(f"cluster, process {number} opens all", [app], names, len(names), 1))
        report.add(await one_after_the_other("cluster, one agent", apps[0], names[0], 100))
        report.add(await all_agents(f"cluster, {agents} agents", apps, names, agents, calls))
        outage = "cluster, PostgreSQL restarted"
        restarted = asyncio.create_task(all_agents(outage, apps, names, agents, calls, 0.2))
        changing = asyncio.create_task(changes.make(apps, names, restarted))
        await until(home, restarted, agents * calls // 4)
        await asyncio.to_thread(postgres.restart)
        await changing
        report.add(await restarted)
        killed = asyncio.create_task(all_agents("cluster, a node killed", apps, names, agents, calls, 0.2))
        await until(home, killed, agents * calls // 4)
        await asyncio.to_thread(nodes.kill, "one")
        report.add(await killed)


@dataclass
class Changes:
    """Changes of the state while PostgreSQL is restarted: each is looked for afterwards."""

    made: int = 0
    failed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    async def make(self, apps: Sequence[DynamicPlugins], names: Sequence[str], during: asyncio.Task[Measured]) -> None:
        """Pin and unpin plugins, an application after the other, as long as *during* goes on."""
        pinned = dict.fromkeys(names, False)
        while not during.done():
            name, app = names[self.made % len(names)], apps[self.made % len(apps)]
            verb = app.app.service.versions.unpin if pinned[name] else app.app.service.versions.pin
            try:
                await verb(name)
                pinned[name] = not pinned[name]
                self.made += 1
            except PluginError as error:
                self.failed.append(str(error))
            await asyncio.sleep(0.01)
        for app in apps:
            app.app.store.refresh()
            self.lost += [name for name, plugin in app.app.store.read().items() if plugin.pinned != pinned[name]]

    def __str__(self) -> str:
        return f"{self.made} changes made meanwhile, {len(self.failed)} failed with a reason, {len(self.lost)} lost"


async def until(home: Path, task: asyncio.Task[Measured], wanted: int) -> None:
    """Wait until so many calls have begun, since now."""
    before = (await asyncio.to_thread(books, home)).total()
    while not task.done():
        begun = (await asyncio.to_thread(books, home)).total() - before
        if begun >= wanted:
            return
        await asyncio.sleep(0.02)


async def two_at_once(home: Path, rounds: int, state: str) -> dict[str, Any]:
    """Have two agents install, use and remove one plugin at once, and return how that went."""
    folder, tally = home.with_name("sources") / "book00", Counter[str]()

    async def one_agent(plugins: DynamicPlugins) -> None:
        service = plugins.app.service
        for number in range(rounds):
            try:
                await service.install_path(folder)
                await service.activate("book00")
                await service.call("book00", "enter", {"entry": f"two.{id(plugins)}.{number}"})
                tally["called"] += 1
            except PluginError as error:
                tally[f"refused: {error}"] += 1
            with contextlib.suppress(PluginError):
                await service.uninstall("book00")
                tally["removed"] += 1

    async with AsyncExitStack() as stack:
        apps = await opened(stack, home, CLUSTER, 2, state)
        await asyncio.gather(*map(one_agent, apps))
        await apps[0].app.service.install_path(folder)
        await apps[0].app.service.activate("book00")
        tally["whole at the end"] += await apps[0].app.service.call("book00", "enter", {"entry": "end"}) == "end"
    return dict(tally)


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give a PostgreSQL that waits for the disk at each commit, and end it."""
    found = programs()
    assert found is not None  # main has looked
    server = PostgresServer(found, durable=True)
    server.start()
    try:
        yield server
    finally:
        server.remove()


def run(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Run all parts, and return those in which something was lost or done twice."""
    home, shared, changes = folder / "home", folder / "shared", Changes()
    report = Report((home, shared))
    names = asyncio.run(make_home(home, arguments.plugins))
    report.took(f"{len(names)} plugins installed")
    asyncio.run(measure_local(home, names, arguments.agents, arguments.calls, report))
    report.took("measured")
    # With Ray's own patience with nodes: so many plugins that start keep this machine busy.
    with postgres_server() as postgres, three_nodes({}, {}) as nodes:  # Ray says what it thinks of a killed node
        report.took("PostgreSQL and three nodes started")
        state = postgres.url(HOME)
        asyncio.run(make_home(shared, arguments.plugins, state))
        report.took(f"{len(names)} plugins installed in PostgreSQL's home")
        how = (names, arguments.agents, arguments.calls, arguments.processes)
        asyncio.run(measure_cluster(shared, *how, nodes, postgres, changes, report))
        report.took("measured")
        report.say(str(changes))
        for reason in sorted(set(changes.failed)):
            report.say(f"  {reason[:150]}")
        bad = report.bad()  # before a plugin goes, and its book with it
        report.say(f"two agents, one plugin: {asyncio.run(two_at_once(shared, 3, state))}")
        alive = sum(node["Alive"] for node in ray().nodes())
        report.say(f"nodes alive at the end: {alive} of 3")
    return bad + (["changes"] if changes.lost else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--plugins", type=int, default=50)
    parser.add_argument("--calls", type=int, default=5, help="calls of each agent")
    parser.add_argument("--processes", type=int, default=4, help="applications that the agents are spread over")
    arguments = parser.parse_args()
    if MISSING is not None or programs() is None:
        print(MISSING or "there is no PostgreSQL: pip install -e '.[fleet-testing]', or install the system's")
        return 2
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        bad = run(Path(folder), arguments)
    print(f"lost or done twice: {', '.join(bad) or 'nothing'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
