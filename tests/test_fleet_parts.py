"""What workers on a cluster stand on, without a cluster: calls made once, errors on the wire, names without secrets."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import errors
from dynamic_plugins.core.permissions import ENFORCED, NOT_ENFORCED, Permissions
from dynamic_plugins.errors import (
    ActionError,
    ChangedFilesError,
    ComponentClashError,
    InstallError,
    LoadError,
    PluginError,
    PluginTimeoutError,
    WorkerDiedError,
    permission_denied,
)
from dynamic_plugins.install.recipe import MOST_CARRIED, Recipe, recipe_of, unpack
from dynamic_plugins.settings import Limits, Settings, Timeouts
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fleet.agent_sessions import AgentSessions
from dynamic_plugins.workers.fleet.answered_calls import STOPPED, AnsweredCalls, ForgottenCallError
from dynamic_plugins.workers.fleet.carried_errors import from_wire, to_wire
from dynamic_plugins.workers.fleet.cluster import AUTO, Needs
from dynamic_plugins.workers.fleet.ray_loader import RayLoader
from tests.loading import native

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


async def test_a_call_that_is_asked_for_again_is_answered_and_not_made_again() -> None:
    calls, made = AnsweredCalls(), []

    async def make() -> dict[str, Any]:
        made.append(1)
        await asyncio.sleep(0)
        return {"value": len(made)}

    answers = await asyncio.gather(*(calls.once("one", 0, make) for _ in range(3)))
    answers.append(await calls.once("one", 0, make))
    assert answers == [{"value": 1}] * 4
    assert await calls.once("other", 0, make) == {"value": 2}, "each session counts by itself"
    assert (calls.made, calls.asked_again, calls.running) == (2, 3, 0)


async def test_a_call_whose_answer_had_to_go_is_refused_and_not_made_again() -> None:
    calls = AnsweredCalls(keep=2)

    async def make() -> dict[str, Any]:
        return {"value": 1}

    for number in range(4):
        await calls.once("one", number, make)
    for late in (0, 1):
        with pytest.raises(ForgottenCallError):
            await calls.once("one", late, make)
    assert calls.made == 4


async def test_answers_are_kept_up_to_so_many_bytes() -> None:
    calls = AnsweredCalls(keep_bytes=1000)

    async def make() -> dict[str, Any]:
        return {"value": "x" * 800}

    await calls.once("one", 0, make)
    await calls.once("one", 1, make)
    with pytest.raises(ForgottenCallError):
        await calls.once("one", 0, make)
    assert await calls.once("one", 1, make) == {"value": "x" * 800}


async def test_a_call_goes_on_though_who_asked_for_it_has_gone_and_ends_when_it_is_stopped() -> None:
    calls, begun, may_end = AnsweredCalls(), asyncio.Event(), asyncio.Event()

    async def make() -> dict[str, Any]:
        begun.set()
        await may_end.wait()
        return {"value": 1}

    first = asyncio.create_task(calls.once("one", 0, make))
    await begun.wait()
    first.cancel()
    await asyncio.wait([first])
    assert calls.running == 1
    may_end.set()
    assert await calls.once("one", 0, make) == {"value": 1}
    may_end.clear()
    second = asyncio.create_task(calls.once("one", 1, make))
    await asyncio.sleep(0)
    calls.stop("one", 1)
    assert await second == STOPPED
    assert await calls.once("one", 1, make) == STOPPED, "it is not made again either"


@pytest.mark.parametrize(
    "error",
    [
        ActionError("tea", "brew", "cold", for_model="cold; ask again"),
        WorkerDiedError("tea", "brew", "gone"),
        LoadError("tea", "no water"),
        InstallError("tea", "no leaves"),
        PluginTimeoutError("tea", "brewing", 3.0, "wait"),
        ComponentClashError("tea", ["b", "a"]),
        ChangedFilesError("tea", "1.0", ["leaf.py"]),
        permission_denied("tea", "network", "api.example.org:443", "brew", "refused"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_over_the_wire_as_what_it_is(error: PluginError) -> None:
    arrived = from_wire(to_wire(error))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.for_model(), arrived.to_dict()) == (str(error), error.for_model(), error.to_dict())
    assert vars(arrived) == vars(error)


def test_what_comes_over_the_wire_makes_nothing_but_errors() -> None:
    named = {name for name, each in vars(errors).items() if inspect.isclass(each) and not issubclass(each, PluginError)}
    for name in (*named, "Any", "shlex", "nothing"):
        assert type(from_wire({"class": name, "text": "x", "facts": {}})) is PluginError


async def test_events_that_were_not_acknowledged_are_given_again() -> None:
    sessions = AgentSessions()
    sessions.open("one", has_model=False)
    sessions.tell("log", "a")
    sessions.tell("log", "b")
    one = sessions.get("one")
    assert one is not None
    first = await one.after(0, 1)
    assert [event[2] for event in first] == ["a", "b"]
    assert await one.after(0, 1) == first
    assert [event[2] for event in await one.after(first[0][0], 1)] == ["b"]
    assert await one.after(first[1][0], 0.01) == []


async def test_a_plugin_that_asks_for_a_model_is_answered_by_the_agent_that_called_last() -> None:
    sessions = AgentSessions()
    assert await sessions.ask_model([], 1) is None, "nobody is there"
    for number, name in enumerate(("without", "earlier", "later")):
        sessions.open(name, has_model=name != "without")
        session = sessions.get(name)
        assert session is not None
        session.last_called = float(10 - number if name == "without" else number)
    asking = asyncio.create_task(sessions.ask_model([{"role": "user", "content": "tea?"}], 5))
    later = sessions.get("later")
    assert later is not None
    ((_, what, (question, messages)),) = await later.after(0, 5)
    assert (what, messages) == ("ask_model", [{"role": "user", "content": "tea?"}])
    sessions.answer(question, "yes")
    sessions.answer(question, "too late")
    assert await asking == "yes"


def loader_of(home: Path, **facts: Any) -> RayLoader:
    async def recipe(_: Any) -> Recipe:
        raise AssertionError

    return RayLoader(
        AUTO,
        owner=str(home),
        limits=Limits(),
        timeouts=Timeouts(),
        log=lambda _, __: None,
        data_dir=home / "plugin_data",
        needs=Needs(),
        make_recipe=recipe,
        **facts,
    )


def test_a_name_tells_values_apart_and_does_not_tell_them(tmp_path: Path) -> None:
    loader, installation = loader_of(tmp_path), native(tmp_path / "tea" / "1", "tea:plugin")

    def name(values: dict[str, str], host: Host | None = None, of: RayLoader = loader) -> str:
        return of._prefix(installation) + of._marks.of(of._order(installation, values, [], host or Host()))

    plain = name({"TEA_KEY": "hunter2"})
    assert plain == name({"TEA_KEY": "hunter2"}) == name({"TEA_KEY": "hunter2"}, of=loader_of(tmp_path))
    others = [
        name({"TEA_KEY": "hunter3"}),
        name({"TEA_KEY": "hunter2"}, Host(permissions=Permissions(network=()))),
        name({"TEA_KEY": "hunter2"}, of=loader_of(tmp_path / "other home")),
    ]
    assert len({plain, *others}) == 4
    assert "hunter2" not in plain


def test_every_agent_gives_a_plugin_the_same_name_whatever_it_asked_for_before(tmp_path: Path) -> None:
    plugins = [native(tmp_path / name / "1", f"{name}:plugin") for name in ("tea", "milk")]
    one, two = loader_of(tmp_path), loader_of(tmp_path)
    there = [one._marks.of(one._order(each, {}, [], Host())) for each in plugins]
    back = [two._marks.of(two._order(each, {}, [], Host())) for each in reversed(plugins)]
    assert there == back[::-1]
    assert len(set(there)) == 2


def test_the_plugins_own_folder_is_the_same_place_on_every_machine(tmp_path: Path) -> None:
    installation = native(tmp_path / "tea" / "1", "tea:plugin")
    orders = []
    for home in (tmp_path / "a", tmp_path / "b"):
        loader = loader_of(home)
        orders.append(loader._order(installation, {}, [], Host(roots=(str(loader.folder(installation)),))))
    assert orders[0]["roots"] == orders[1]["roots"]
    assert orders[0]["folder"] != orders[1]["folder"]


def test_values_that_ray_would_store_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="bytes together"):
        loader_of(tmp_path)._order(native(tmp_path, "tea:plugin"), {"TEA_KEY": "x" * 70_000}, [], Host())


def test_only_what_every_node_enforces_is_told_as_enforced(tmp_path: Path) -> None:
    assert loader_of(tmp_path).enforcement(Permissions()) == NOT_ENFORCED
    assert loader_of(tmp_path, sandbox="require").enforcement(Permissions()) == ENFORCED


@pytest.mark.parametrize("address", ["ray://auto", "ray://head.example.org:10001", "ray://[::1]:10001"])
def test_a_cluster_is_named_by_its_address(address: str) -> None:
    told = Settings.from_environment({"DYNAMIC_PLUGINS_WORKERS": address, "DYNAMIC_PLUGINS_WORKER_CPU_PERCENT": "50"})
    assert (told.workers.address, told.workers.cpus) == (address, 0.5)


@pytest.mark.parametrize("address", ["ray", "http://head:1", "ray://head", "ray://user@head:1", "ray://head:1/x"])
def test_what_names_no_cluster_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="DYNAMIC_PLUGINS_WORKERS must be local, ray://HOST:PORT or ray://auto"):
        Settings.from_environment({"DYNAMIC_PLUGINS_WORKERS": address})


def test_doctor_says_that_the_cluster_cannot_be_reached(cli: Cli) -> None:
    cli.env["DYNAMIC_PLUGINS_WORKERS"] = "ray://127.0.0.1:9"
    checks = {check["name"]: check for check in cli("doctor", code=1).json["checks"]}
    assert checks["workers"]["found"].startswith("the cluster at ray://127.0.0.1:9 cannot be reached")
    assert "DYNAMIC_PLUGINS_WORKERS" in checks["workers"]["remedy"]


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    code = """
import asyncio, sys
sys.modules["ray"] = None
from dynamic_plugins.errors import LoadError
from dynamic_plugins.workers.fleet.cluster import RayCluster
try:
    asyncio.run(RayCluster("ray://auto").connect("tea", 30))
except LoadError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install 'agent-dynamic-plugins[fleet]'" in done.stdout


@pytest.mark.parametrize("has_filters", [True, False])
async def test_a_folders_code_is_carried_whole_and_without_what_is_never_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_filters: bool
) -> None:
    if not has_filters:  # before Python 3.11.4
        pytest.importorskip("backports.tarfile")
        monkeypatch.delattr("tarfile.data_filter", raising=False)
    own = tmp_path / "own"
    (own / "__pycache__").mkdir(parents=True)
    (own / "__pycache__" / "tea.pyc").write_bytes(b"x")
    (own / "tea.py").write_text("plugin = 1\n")
    (own / "link").symlink_to("tea.py")
    installation = _of_folder(own, tmp_path)
    programs: Any = None  # nothing of an index is in it
    recipe = await recipe_of(installation, tmp_path, programs)
    copy = unpack(recipe, tmp_path / "elsewhere")
    assert sorted(each.name for each in copy.rglob("*")) == ["link", "tea.py"]
    from dynamic_plugins.install.copied_source import digest

    assert digest(copy) == installation.digest


async def test_what_cannot_be_carried_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "tea.py").write_text("plugin = 1\n")
    programs: Any = None
    monkeypatch.setattr("dynamic_plugins.install.recipe.MOST_CARRIED", 10)
    assert MOST_CARRIED > 2**20
    with pytest.raises(InstallError, match="all machines see at the same path"):
        await recipe_of(_of_folder(own, tmp_path), tmp_path, programs)
    changed = replace(_of_folder(own, tmp_path), digest="0" * 64)
    with pytest.raises(InstallError, match="lies nowhere here any more"):
        await recipe_of(changed, tmp_path, programs)
    with pytest.raises(InstallError, match="used where it lies"):
        await recipe_of(native(tmp_path, "hello:plugin", "ledger"), tmp_path, programs)


def _of_folder(own: Path, home: Path) -> Any:
    from dynamic_plugins.install.copied_source import digest

    path = home / "tea" / "1"
    path.mkdir(parents=True, exist_ok=True)
    made = replace(native(path, "tea:plugin"), package=str(own), digest=digest(own), search_path=(f"{path}/source",))
    assert made.package_type == "path"
    return made
