"""Profiles: which of a home's plugins an agent sees, which are on and what they offer; all else is the home's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.cli.completion_names import found
from dynamic_plugins.core.action_choice import ActionChoice
from dynamic_plugins.errors import BadArgumentsError, NotInstalledError, StateError, UnknownProfileError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.profiles import Profiles
from dynamic_plugins.storage.state import FILE, StateStore
from dynamic_plugins.storage.stored_plugin import StoredPlugin
from tests.conftest import EXAMPLES, Cli
from tests.test_mcp_server import call, connected
from tests.test_versions import write

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

BOUND = 60.0
HELLO = EXAMPLES / "hello-plugin"


@pytest.fixture
async def homely(home: Path, tmp_path: Path) -> Path:
    """A home with two plugins, both active, and the empty profile *work*."""
    folder = write(tmp_path / "probe", "1.0")
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        for path in (HELLO, folder):
            await app.service.activate((await app.service.install_path(path)).info.name)
    Profiles(home).make("work")
    return home


def has(home: Path, *names: str, **requires: tuple[str, ...]) -> None:
    """Write down that the home has plugins of these *names*; they are not there. *requires* is what they need."""
    store = StateStore(home / FILE)
    for name in names:
        needs = requires.get(name, ())
        installation = Installation(name, "python", "1.0", str(home / name), "path", str(home), "", requires=needs)
        store.put(StoredPlugin(installation, "2026-11-29T00:00:00+00:00"))


def named(plugins: DynamicPlugins) -> list[str]:
    """Return the names of the plugins' tools that a model is offered."""
    names = [each["function"]["name"] for each in plugins.tools()]
    return [name for name in names if "__" in name]


async def test_an_agent_sees_the_plugins_of_its_profile_and_no_others(homely: Path) -> None:
    Profiles(homely).make("play", ["hello"])
    async with asyncio.timeout(BOUND), DynamicPlugins(homely, profile="play") as plugins:
        assert named(plugins) == ["hello__greet", "hello__remember", "hello__recall"]
        assert [info.name for info in plugins.status()] == ["hello"]
        assert (await plugins.call("hello__greet", {"name": "Ada"}))["result"] == "Hello, Ada!"
        refused = await plugins.call("activate_plugin", {"plugin_name": "probe"})
        assert refused["error"]["code"] == "not_installed"
        assert "probe" not in await plugins.context()
        with pytest.raises(NotInstalledError):
            await plugins.app.service.call("probe", "tell", {})
    async with asyncio.timeout(BOUND), DynamicPlugins(homely) as plugins:
        assert {name.partition("__")[0] for name in named(plugins)} == {"hello", "probe"}


async def test_what_is_on_and_what_is_offered_is_each_profiles_own(homely: Path) -> None:
    Profiles(homely).make("play", ["hello"])
    async with asyncio.timeout(BOUND), DynamicPlugins(homely, profile="play") as play:
        await play.app.service.choose_actions("hello", ActionChoice(only=("greet",)))
        assert named(play) == ["hello__greet"]
        async with DynamicPlugins(homely) as every:
            assert "hello__recall" in named(every)
            await every.app.service.deactivate("hello")
            assert named(play) == ["hello__greet"]
            assert await play.app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
            await play.app.service.deactivate("hello")
            await every.app.service.activate("hello")
            assert named(play) == []
            assert "hello__recall" in named(every)


async def test_what_the_home_has_is_put_into_a_profile_once_the_person_agrees(homely: Path) -> None:
    asked: list[ApprovalRequest] = []

    async def person(request: ApprovalRequest) -> bool:
        asked.append(request)
        return len(asked) > 1

    folders = sorted((homely / "runtime_plugins").iterdir())
    settings = Settings(home=homely, profile="work")
    async with asyncio.timeout(BOUND), App(settings, approve=person) as app:
        refused = await app.toolbox.call("install_plugin", {"plugin_name": "hello"})
        assert refused["error"]["code"] == "declined"
        assert app.service.status() == []
        told = await app.toolbox.call("install_plugin", {"plugin_name": "hello"})
        assert (told["ok"], told["status"]) == (True, "loaded") or told["status"] == "installed"
        assert asked[1].notes == (
            "this home has it installed, and nothing is downloaded; it is put into the profile work",
        )
        assert asked[1].commands == ()
        assert app.service.statuses()["hello"] != "active", "it is on where it was switched on"
        await app.service.activate("hello")
        app.sweep()
    assert sorted((homely / "runtime_plugins").iterdir()) == folders


async def test_what_a_plugin_needs_comes_into_the_profile_with_it(home: Path) -> None:
    has(home, "top", "middle", "base", "other", top=("the middle plugin",), middle=("base", "top"))
    assert set(Profiles(home).make("play", ["top"]).plugins) == {"top", "middle", "base"}
    Profiles(home).make("work")
    asked: list[ApprovalRequest] = []

    async def person(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    app = App(Settings(home=home, profile="work"), approve=person)
    await app.service.install("middle")
    assert {name for name, _ in asked[0].needs} == {"base", "top"}
    assert set(app.store.read()) == {"top", "middle", "base"}


async def test_a_new_plugin_of_a_profile_is_the_homes_as_well_and_off_there(home: Path) -> None:
    Profiles(home).make("work")
    Profiles(home).make("play")
    settings = Settings(home=home, profile="work")
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install_path(HELLO)
        await app.service.activate("hello")
    assert [(each.name, each.plugins, each.active) for each in Profiles(home).all()] == [
        ("play", (), ()),
        ("work", ("hello",), ("hello",)),
    ]
    assert {line["profile"] for line in app.audit.read("hello")} == {"work"}
    (plugin,) = StateStore(settings.state_file).read().values()
    assert (plugin.enabled, plugin.approved) == (False, True)


async def test_an_update_is_for_all_profiles_and_each_keeps_what_is_on_in_it(homely: Path, tmp_path: Path) -> None:
    Profiles(homely).make("play", ["probe"])
    async with asyncio.timeout(BOUND), App(Settings(home=homely, profile="play"), approve=approve_everything) as play:
        async with App(Settings(home=homely), approve=approve_everything) as every:
            await every.service.deactivate("probe")
            write(tmp_path / "probe", "2.0")
            await every.service.update("probe")
            await every.service.configure("probe", {"WORD": "for all"})
        assert await play.service.call("probe", "tell", {}) == "2.0 for all"
        back = await play.service.versions.rollback("probe")
        assert (back.info.version, back.info.status) == ("1.0", "active")
    async with asyncio.timeout(BOUND), App(Settings(home=homely)) as every:
        info = await every.service.info("probe")
        assert (info.version, str(info.status)) == ("1.0", "inactive")


async def test_uninstalling_in_a_profile_takes_it_out_of_that_and_without_one_removes_it_from_all(
    homely: Path,
) -> None:
    for name in ("play", "rest"):
        Profiles(homely).make(name, ["hello", "probe"])
    async with asyncio.timeout(BOUND), App(Settings(home=homely, profile="play"), approve=approve_everything) as app:
        told = await app.toolbox.call("unload_plugin", {"plugin_name": "hello", "uninstall": True})
        assert told["note"] == "Taken out of the profile play; this home has it still."
        assert [info.name for info in app.service.status()] == ["probe"]
    async with asyncio.timeout(BOUND), App(Settings(home=homely), approve=approve_everything) as app:
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        await app.service.uninstall("hello")
        assert [each.plugins for each in Profiles(homely).all()] == [("probe",), ("probe",), ()]
        await app.service.install_path(HELLO)
        assert [each.plugins for each in Profiles(homely).all()] == [("probe",), ("probe",), ()]


async def test_a_running_agent_follows_what_becomes_of_its_profile(homely: Path) -> None:
    Profiles(homely).make("play", ["hello"])
    async with asyncio.timeout(BOUND), DynamicPlugins(homely, profile="play") as plugins:
        assert named(plugins)
        async with App(Settings(home=homely, profile="play"), approve=approve_everything) as other:
            await other.service.install("probe")
            await other.service.activate("probe")
        assert "probe__tell" in named(plugins)
        Profiles(homely).remove("play")
        assert named(plugins) == []
        told = await plugins.call("activate_plugin", {"plugin_name": "hello"})
        assert told["ok"] is False


def test_a_profile_that_is_not_there_is_told_and_makes_nothing(cli: Cli) -> None:
    for words, env in ((("--profile", "wrok"), {}), ((), {"DYNAMIC_PLUGINS_PROFILE": "wrok"})):
        cli.env = env
        error = cli(*words, "status", code=1).json["error"]
        assert (error["code"], error["suggestions"]) == ("unknown_profile", [])
        assert "dynamic-plugins profile make wrok" in error["message"]
    cli.env = {}
    assert not (cli.home / "profiles").exists()


def test_the_command_makes_lists_and_removes_them(cli: Cli) -> None:
    assert "This home has no profiles" in cli("profile", "list", json=False).out
    has(cli.home, "hello")
    made = cli("profile", "make", "work", "hello").json
    assert made == {"ok": True, "name": "work", "plugins": ["hello"], "active": []}
    assert cli("profile", "make", "work", code=1).json["error"]["code"] == "bad_arguments"
    assert cli("profile", "make", "play", "nobody", code=1).json["error"]["code"] == "unknown_plugin"
    cli.env = {"DYNAMIC_PLUGINS_PROFILE": "work"}
    assert cli("profile", "list").json == {"ok": True, "profiles": [dict(list(made.items())[1:])], "used": "work"}
    said = cli("uninstall", "hello", json=False).out
    assert "no longer in the profile work; this home has it still" in said
    assert "The profile work has no plugin." in cli("status", json=False).out
    cli.env = {}
    assert [each["name"] for each in cli("status").json["plugins"]] == ["hello"]
    assert "Its plugins stay installed." in cli("profile", "remove", "work", json=False).out
    assert cli("profile", "remove", "work", code=1).json["error"]["code"] == "unknown_profile"
    assert cli("profile", "remove", "a", "b", code=2).json["error"]["code"] == "wrong_usage"


def test_a_shell_completes_what_the_profile_has(home: Path) -> None:
    has(home, "hello", "probe")
    Profiles(home).make("play", ["probe"])
    line = ["dynamic-plugins", "--home", str(home)]
    assert found("installed", "", line) == ["hello", "probe"]
    assert found("installed", "", [*line, "--profile", "play"]) == ["probe"]


def test_a_damaged_profile_is_told_and_left(home: Path) -> None:
    has(home, "hello")
    Profiles(home).make("work")
    file = home / "profiles" / "work.json"
    for damage in ("{", '{"schema": 1, "plugins": {"hello": 3}}', '{"schema": 1, "plugins": {"hello": {"choice": 3}}}'):
        file.write_text(damage)
        with pytest.raises(StateError, match=r"work\.json is damaged"):
            Profiles(home).store("work").read()
        assert file.read_text() == damage


@pytest.mark.parametrize("name", ["", "Work", "a/b", "..", "-x", "a" * 33, "CON "])
def test_a_name_that_could_lead_elsewhere_is_none(home: Path, name: str) -> None:
    with pytest.raises(BadArgumentsError):
        Profiles(home).make(name)
    with pytest.raises(UnknownProfileError):
        Profiles(home).store(name)


def test_without_a_profile_nothing_of_them_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dynamic_plugins.storage.profiles", None)
    app = App(Settings(home=home))
    assert app.service.status() == []
    assert app.store.hidden() == {}
    assert type(app.store) is StateStore


async def test_an_mcp_client_is_served_the_profile(homely: Path) -> None:
    Profiles(homely).make("play", ["hello"])
    async with connected(Cli(homely, {"DYNAMIC_PLUGINS_PROFILE": "play"})) as client:
        found = await call(client, "search_plugin_actions", query="tell greet")
        assert {each["action"].partition("__")[0] for each in found["actions"]} == {"hello"}
        refused = await call(client, "call_plugin_action", action="probe__tell", arguments={})
        assert refused["error"]["code"] == "bad_arguments"
