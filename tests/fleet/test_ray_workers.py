"""Plugins on a real Ray cluster of three nodes: shared by agents, ended when idle, and none lost with a node."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import ActionError, CallNotBegunError, LoadError, PluginError, WorkerDiedError
from dynamic_plugins.settings import Limits, Settings, Timeouts, WorkerSettings
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fleet.cluster import AUTO, Needs, RayCluster, cluster_at
from dynamic_plugins.workers.fleet.ray_loader import RayLoader
from tests.conftest import ALONE
from tests.fake_tokens import KINDS, pieces
from tests.fleet.machines import query
from tests.fleet.ray_cluster import MISSING, RayNodes, ray, three_nodes
from tests.loading import PLUGINS, call, component, loader, native, until
from tests.npm_registry import NpmRegistry, npm_registry
from tests.own_vault import PLACE
from tests.package_index import PackageIndex, package_index
from tests.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

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
def index() -> Iterator[PackageIndex]:
    """The package index of this machine and of all nodes."""
    with package_index() as index:
        index.add("leaf", "1.0", "2020-01-01")
        index.add("tea", "1.0", "2020-01-01", ("leaf>=1",))
        yield index


@pytest.fixture(scope="session")
def npm() -> Iterator[NpmRegistry | None]:
    """The registry of npm of this machine and of all nodes; None where there is no npm."""
    if shutil.which("npm") is None:
        yield None
        return
    with npm_registry() as registry:
        registry.add("cup")
        yield registry


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Repositories:
    """Repositories that this machine and all nodes find, whose operator lets them be built."""
    made = Repositories(tmp_path_factory.mktemp("repositories"))
    made.commit("pot", "1.0")
    return made


@pytest.fixture(scope="session")
def nodes(
    index: PackageIndex, npm: NpmRegistry | None, repositories: Repositories, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayNodes]:
    caches = tmp_path_factory.mktemp("caches")
    told = index.environment(caches) | (npm.environment(caches) if npm else {}) | repositories.redirection()
    with three_nodes(told | {"DYNAMIC_PLUGINS_ALLOW_BUILDS": "1"}) as nodes:
        yield nodes


async def no_recipe(installation: Installation) -> Recipe:
    raise AssertionError(f"{installation.plugin} lies on every node")


def agent(
    home: Path,
    *,
    idle: float = 600,
    log: list[str] | None = None,
    recipe: Callable[[Installation], Awaitable[Recipe]] = no_recipe,
) -> RayLoader:
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
        make_recipe=recipe,
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


def app_of(
    home: Path, index: PackageIndex, *more: dict[str, Any], told: dict[str, str] | None = None, **facts: Any
) -> App:
    """Return an agent in *home*, whose registry lists a plugin of *index* and *more*; *told* is in its environment."""
    listed = home.with_name("listed.json")
    entry = {"name": "tea", "kind": "python", "packages": [{"type": "pypi", "name": "tea", "version": "1.0"}]}
    listed.write_text(json.dumps({"schema": 1, "plugins": [entry, *more]}))
    environment = {**os.environ, **index.environment(home), **(told or {})}
    settings = Settings(home, registries=(str(listed),), cooldown_days=0, environment=environment, **facts)
    return App(settings, approve=approve_everything)


async def installed(home: Path, index: PackageIndex) -> dict[str, tuple[Installation, Recipe]]:
    """Install a plugin of the index and one of a folder, and then hide the home: no node sees it."""
    async with app_of(home, index) as app:
        await app.service.install("tea")
        await app.service.install_path(PLUGINS / "ledger")
        found = {name: plugin.installation for name, plugin in app.store.read().items()}
        made = {name: (each, await app.installer.recipe(each)) for name, each in found.items()}
    app.settings.plugins_dir.rename(home / "hidden")
    return made


async def test_a_node_that_lacks_a_plugins_files_makes_them_from_what_is_locked(
    nodes: RayNodes, home: Path, index: PackageIndex
) -> None:
    made = await installed(home, index)
    asked: list[str] = []

    async def recipe(installation: Installation) -> Recipe:
        asked.append(installation.plugin)
        return made[installation.plugin][1]

    for name, action in (("tea", "tell"), ("ledger", "read")):
        installation = made[name][0]
        connection = await agent(home, recipe=recipe).connect(installation, {}, host=Host(permissions=NOTHING))
        path = Path((await about(connection))["path"])
        assert any(path.is_relative_to(nodes.home(node)) for node in ("one", "two"))
        assert await call(connection, action) == ("1.0" if name == "tea" else [])
        await connection.close()
    assert asked == ["tea", "ledger"]
    tea, whole = made["tea"]
    wheels = [replace(each, hashes=(f"sha256:{'0' * 64}",)) for each in whole.locked.python]
    wrong = replace(whole, locked=replace(whole.locked, python=tuple(wheels)))

    async def tampered(_: Installation) -> Recipe:
        return wrong

    with pytest.raises(
        LoadError, match=r"could not be made on its node: (leaf|tea) is not the file .* \(SHA-256 differs\)"
    ):
        await agent(home.with_name("other"), recipe=tampered).connect(tea, {}, host=Host(permissions=NOTHING))


async def test_an_agent_with_an_empty_home_starts_plugins_from_the_shared_state_alone(
    nodes: RayNodes,
    index: PackageIndex,
    npm: NpmRegistry | None,
    repositories: Repositories,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret, homes = token(7), {name: tmp_path / name / "home" for name in ("one", "two")}
    monkeypatch.setenv(PLACE, str(tmp_path / "vault.json"))
    facts = {"state": url, "workers": WorkerSettings(AUTO, 0.01, 2**20), "vault": "tests.own_vault:open_vault"}
    names = ["tea", "keeper", "pot", *(["cup"] if npm else [])]
    git = {"type": "git", "name": repositories.address("pot")}
    listed = [{"name": "pot", "kind": "python", "packages": [git]}]
    listed += [{"name": "cup", "packages": [{"type": "npm", "name": "cup"}]}]

    def agent_in(home: Path) -> App:
        home.parent.mkdir(exist_ok=True)
        told = repositories.redirection() | (npm.environment(home) if npm else {})
        return app_of(home, index, *listed, told=told, allow_builds=True, **facts)

    async with agent_in(homes["one"]) as one:
        await one.service.install("tea")
        await one.service.install_path(PLUGINS / "keeper")
        await one.service.configure("keeper", {"KEEPER_API_TOKEN": secret})
        await one.service.install("pot")
        repositories.commit("pot", "2.0")
        if npm:
            await one.service.install("cup")
    # Its machine is gone before anything was started.
    homes["one"].parent.rename(tmp_path / "gone")
    async with agent_in(homes["two"]) as two:
        for name in names:
            await two.service.activate(name)
        assert await two.service.call("tea", "tell", {}) == await two.service.call("pot", "tell", {}) == "1.0"
        assert await two.service.call("keeper", "length", {}) == len(secret)
        assert [name for name in names if two.service.connection(name) is None] == []
        assert not list(homes["two"].rglob("installed-files.json")), "nothing of it is made at the agent"
        recipes = query(url, "SELECT encode(source, 'escape') || data::text FROM dynamic_plugins.recipes")
        assert len(recipes) == len(names)
        assert secret not in str(recipes)
        for name in names:
            await two.service.uninstall(name)
    assert query(url, "SELECT path FROM dynamic_plugins.recipes") == []


FROM_ANOTHER_MACHINE = """
import asyncio, json, sys
from pathlib import Path
from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.cli.doctor import examine

async def main() -> None:
    async with DynamicPlugins(sys.argv[1], approve=approve_everything) as plugins:
        print([check.found for check in await examine(plugins.app.settings) if check.name == "workers"])
        service = plugins.app.service
        await service.install_path(Path(sys.argv[2]))
        await service.activate("ledger")
        print((await plugins.call("ledger__enter", {"entry": "from afar"}))["result"])
        folder = Path(plugins.app.loader.folder(plugins.app.store.get("ledger").installation))
        print([each.name for each in sorted(folder.iterdir()) if each.suffix == ".txt" or each.name == "runs"])
        workers, installation = plugins.app.loader.workers, plugins.app.store.get("ledger").installation
        await service.uninstall("ledger")
        print(await workers._cluster.named(workers._prefix(installation)), folder.exists())

asyncio.run(main())
"""


async def test_an_agent_elsewhere_uses_the_cluster_by_its_address(nodes: RayNodes, home: Path) -> None:
    environment = {**os.environ, **ALONE, "DYNAMIC_PLUGINS_WORKERS": nodes.address}
    del environment["RAY_ADDRESS"]
    command = [sys.executable, "-c", FROM_ANOTHER_MACHINE, str(home), str(PLUGINS / "ledger")]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == [
        f"['{nodes.address}: 3 nodes, of which 2 can take a plugin (0.1 CPU, 256 MB of memory)']",
        "from afar",
        "['book.txt', 'runs']",
        "[] False",
    ], done.stderr
    assert "SIGTERM" not in done.stderr, "a person reads nothing of how Ray goes about it"


async def test_two_agents_that_install_and_remove_one_plugin_at_once_leave_it_whole_or_gone(
    nodes: RayNodes, home: Path, index: PackageIndex
) -> None:
    await cluster_at(AUTO).connect("tea", 60)
    workers, before = WorkerSettings(AUTO, 0.01, 2**20), dict(await cluster_at(AUTO).named("tea"))

    async def one_agent(number: int) -> Counter[str]:
        seen: Counter[str] = Counter()
        async with app_of(home, index, workers=workers, timeouts=Timeouts(idle=5)) as app:
            for index_of_call in range(2):
                with contextlib.suppress(PluginError):
                    await app.service.install("tea")
                    await app.service.activate("tea")
                    seen[await app.service.call("tea", "tell", {})] += 1
                if number == index_of_call:
                    with contextlib.suppress(PluginError):
                        await app.service.uninstall("tea")
        return seen

    seen = await asyncio.gather(*map(one_agent, range(2)))
    assert set(chain(*seen)) <= {"1.0"}
    # One that an agent opened while the other removed the plugin ends by itself, as it is idle.
    async with app_of(home, index, workers=workers) as app:
        if not app.store.read():
            await app.service.install("tea")
        await app.service.activate("tea")
        assert await app.service.call("tea", "tell", {}) == "1.0"
        await app.service.uninstall("tea")
    async with asyncio.timeout(60):
        while not dict(await cluster_at(AUTO).named("tea")).keys() <= before.keys():
            pass


async def test_a_call_that_finds_its_worker_ended_goes_to_another_one(
    nodes: RayNodes, home: Path, index: PackageIndex
) -> None:
    async with app_of(home, index, workers=WorkerSettings(AUTO, 0.01, 2**20)) as app:
        await app.service.install_path(PLUGINS / "ledger")
        await app.service.activate("ledger")
        answered: list[str] = []
        for number in range(12):
            connection: Any = app.service.connection("ledger")
            connection._cluster.tell(connection._actor, "end")
            # Seldom the call is there before the end: then nobody knows how far it came, and it is not made again.
            with contextlib.suppress(WorkerDiedError):
                answered.append(await app.service.call("ledger", "enter", {"entry": str(number)}))
            if len(answered) == 3:
                break
        book = await app.service.call("ledger", "read", {})
        assert len(answered) == 3
        assert len(book) == len(set(book)), "no call was made twice"
        assert set(answered) <= set(book)
        assert app.service.connection("ledger") is not None
        await app.service.uninstall("ledger")


async def test_a_cluster_that_cannot_be_reached_is_told_at_once(tmp_path: Path) -> None:
    nowhere = RayCluster("ray://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(LoadError, match=r"the cluster at ray://127\.0\.0\.1:9 cannot be reached"):
        await nowhere.connect("ledger", 30)
    assert time.monotonic() - begun < 10
