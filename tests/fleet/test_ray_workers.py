"""Plugins on a real Ray cluster of three nodes: shared by agents, ended when idle, and none lost with a node."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import ActionError, CallNotBegunError, LoadError, PluginError, WorkerDiedError
from dynamic_plugins.settings import Limits, Timeouts
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fleet.cluster import AUTO, Needs, RayCluster
from dynamic_plugins.workers.fleet.ray_loader import RayLoader
from tests.fake_tokens import KINDS, pieces
from tests.fleet.ray_cluster import MISSING, RayNodes, ray, three_nodes
from tests.loading import call, component, loader, native, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.recipe import Recipe
    from dynamic_plugins.workers.fleet.ray_connection import RayConnection

pytestmark = [
    pytest.mark.fleet,
    pytest.mark.skipif(MISSING is not None, reason=MISSING or ""),
    # Ray's own, of files and sockets that it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
NOTHING = Permissions(network=(), declared=True)


@pytest.fixture(scope="session")
def nodes() -> Iterator[RayNodes]:
    with three_nodes() as nodes:
        yield nodes


async def no_recipe(installation: Installation) -> Recipe:
    raise AssertionError(f"{installation.plugin} lies on every node")


def agent(home: Path, *, idle: float = 600, log: list[str] | None = None) -> RayLoader:
    """Return the loader of one agent; those with the same home are of one owner."""
    said = [] if log is None else log
    return RayLoader(
        AUTO,
        owner=str(home),
        limits=Limits(),
        timeouts=Timeouts(start=45, call=45, idle=idle),
        log=lambda plugin, line: said.append(f"{plugin}: {line}"),
        data_dir=home / "plugin_data",
        needs=Needs(0.01, 2**20),
        make_recipe=no_recipe,
    )


def ledger(home: Path, name: str = "ledger") -> Installation:
    folder = home / "runtime_plugins" / name / "1"
    folder.mkdir(parents=True, exist_ok=True)
    return replace(native(folder, "ledger:plugin", "ledger"), plugin=name)


def token(seed: int) -> str:
    return KINDS["github"](Random(seed))  # noqa: S311 # a fake


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def about(connection: RayConnection) -> dict[str, Any]:
    told: dict[str, Any] = await connection._cluster.ask(connection._actor, "about")
    return told


async def test_two_agents_have_one_worker_and_get_the_answers_of_a_local_one(nodes: RayNodes, tmp_path: Path) -> None:
    installation, host = ledger(tmp_path), Host(permissions=NOTHING)
    values = {"LEDGER_KEY": token(1)}
    one = await agent(tmp_path).connect(installation, values, host=host)
    two = await agent(tmp_path).connect(installation, values, host=host)
    here = await loader(data_dir=tmp_path / "local").connect(installation, values, host=host)
    assert one.offers == two.offers == here.offers
    told = await asyncio.gather(call(one, "tell"), call(two, "tell"), call(here, "tell"))
    assert told[0] == told[1]
    assert told[0]["reads"] is told[2]["reads"] is False, "the fence there holds what the fence here holds"
    errors = [await failure(each, "fail") for each in (one, here)]
    assert str(errors[0]) == str(errors[1])
    assert vars(errors[0]) == vars(errors[1])
    assert (await about(one))["agents"] == 2
    other = await agent(tmp_path).connect(installation, {"LEDGER_KEY": token(2)}, host=host)
    assert (await about(other))["pid"] != (await about(one))["pid"], "other values are another plugin"
    await asyncio.gather(one.close(), two.close(), here.close(), other.close())


async def failure(connection: Any, action: str) -> PluginError:
    with pytest.raises(ActionError) as caught:
        await call(connection, action)
    return caught.value


async def test_a_call_whose_answer_was_lost_is_answered_again_and_made_once(nodes: RayNodes, tmp_path: Path) -> None:
    connection = await agent(tmp_path).connect(ledger(tmp_path), {}, host=Host(permissions=NOTHING))
    enter, opened = asdict(component(connection, "enter")), connection._opened
    first = ("call", opened.session, opened.generation, 900, enter, {"entry": "once", "seconds": 0.5})
    answers = await asyncio.gather(*(connection._cluster.ask(opened.actor, *first) for _ in range(3)))
    answers.append(await connection._cluster.ask(opened.actor, *first))
    assert answers == [{"value": "once"}] * 4
    assert await call(connection, "read") == ["once"]
    await connection.close()


async def test_values_are_in_no_file_of_the_cluster_and_in_no_name(nodes: RayNodes, tmp_path: Path) -> None:
    secret, log = token(3), list[str]()
    connection = await agent(tmp_path, log=log).connect(ledger(tmp_path), {"LEDGER_KEY": secret}, host=Host())
    await failure(connection, "fail")
    told = await about(connection)
    names = [each["name"] for each in ray().util.list_named_actors(all_namespaces=True)]
    assert secret.encode() in environment_of(told["pid"]), "the plugin itself has it"
    written = [each.read_bytes() for each in nodes.folder.rglob("*") if each.is_file() and not each.is_symlink()]
    for piece in pieces(secret):
        assert not any(piece.encode() in each for each in (environment_of(told["actor_pid"]), *written))
        assert piece not in " ".join([*names, *log])
    await connection.close()


async def test_a_plugin_that_falls_is_started_again_and_one_that_is_idle_ends(nodes: RayNodes, tmp_path: Path) -> None:
    quick, installation = agent(tmp_path, idle=1.0), ledger(tmp_path)
    first = await quick.connect(installation, {}, host=Host(permissions=NOTHING))
    fallen = await failure(first, "fall")
    assert isinstance(fallen, WorkerDiedError)
    assert "exit status 3" in str(fallen)
    assert not first.alive
    second = await quick.connect(installation, {}, host=Host(permissions=NOTHING))
    told = await about(second)
    assert told["generation"] == 2
    await until(lambda: not second.alive, 20)
    await until(lambda: not psutil.pid_exists(told["pid"]), 20)
    with pytest.raises(CallNotBegunError):
        await call(second, "read")
    third = await quick.connect(installation, {}, host=Host(permissions=NOTHING))
    assert (await about(third))["actor_pid"] != told["actor_pid"]
    await asyncio.gather(first.close(), second.close(), third.close())


async def test_services_stop_with_the_last_agent_that_wants_them(nodes: RayNodes, tmp_path: Path) -> None:
    installation, runs = ledger(tmp_path), tmp_path / "plugin_data" / "ledger" / "runs"
    one, two = [await agent(tmp_path).connect(installation, {}, host=Host(permissions=NOTHING)) for _ in range(2)]
    service = one.offers.of("service")[0]
    for each in (one, two):
        await each.call(service, {"do": "start"})
    await one.call(service, {"do": "stop"})
    assert runs.exists(), "the other agent still wants it"
    await two.close()
    assert not runs.exists()
    await one.close()


async def test_many_agents_at_once_lose_nothing_and_have_nothing_done_twice(nodes: RayNodes, tmp_path: Path) -> None:
    plugins = [ledger(tmp_path, f"ledger-{number}") for number in range(2)]

    async def one_agent(number: int) -> list[str]:
        connection = await agent(tmp_path).connect(plugins[number % 2], {}, host=Host(permissions=NOTHING))
        entries = [f"{number}.{index}" for index in range(5)]
        answers = [await call(connection, "enter", entry=entry) for entry in entries]
        assert answers == entries
        await connection.close()
        return entries

    entries = Counter(chain(*await asyncio.gather(*map(one_agent, range(20)))))
    books = [(tmp_path / "plugin_data" / each.plugin / "book.txt").read_text().split() for each in plugins]
    assert Counter(chain(*books)) == entries


async def test_a_node_that_is_killed_in_mid_call_is_told_and_the_plugin_goes_on_elsewhere(
    nodes: RayNodes, tmp_path: Path
) -> None:
    loading, installation = agent(tmp_path), ledger(tmp_path)
    connection = await loading.connect(installation, {}, host=Host(permissions=NOTHING))
    told = await about(connection)
    book = tmp_path / "plugin_data" / "ledger" / "book.txt"
    under_way = asyncio.create_task(call(connection, "enter", entry="cut off", seconds=60))
    await until(book.exists, 20)
    name = next(each["NodeName"] for each in ray().nodes() if each["NodeID"] == told["node"])
    await asyncio.to_thread(nodes.kill, name)
    with pytest.raises(WorkerDiedError, match="the node that it ran on is gone"):
        await under_way
    assert not connection.alive
    await until(lambda: not psutil.pid_exists(told["pid"]), 20)
    again = await loading.connect(installation, {}, host=Host(permissions=NOTHING))
    assert (await about(again))["node"] != told["node"]
    assert await call(again, "read") == ["cut off"], "it was made once, and not again elsewhere"
    await asyncio.gather(connection.close(), again.close())
    nodes.start(name)


async def test_a_cluster_that_cannot_be_reached_is_told_at_once(tmp_path: Path) -> None:
    nowhere = RayCluster("ray://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(LoadError, match=r"the cluster at ray://127\.0\.0\.1:9 cannot be reached"):
        await nowhere.connect("ledger", 30)
    assert time.monotonic() - begun < 10
