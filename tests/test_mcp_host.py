"""What an MCP server has besides tools, and what it asks of its host: resources, prompts, logging, roots, arguments."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError, LoadError, PluginTimeoutError
from dynamic_plugins.lifecycle.variables import roots
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import Settings
from tests.loading import call, component, connected, loader, raw, server, until

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.workers.components import Offers
    from tests.conftest import Cli


async def test_resources_are_providers_that_an_action_reads_and_prompts_are_actions(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "rich")) as connection:
        assert [each.name for each in connection.offers.of("provider")] == ["my_diary"]
        assert await call(connection, "my_diary") == "Dear diary"
        assert await call(connection, "read_resource", resource="my_diary") == "Dear diary"
        with pytest.raises(ActionError, match="no such resource; there are: my_diary"):
            await call(connection, "read_resource", resource="raw://elsewhere")
        greet = component(connection, "prompt_greet").parameters or {}
        assert (greet["required"], greet["additionalProperties"]) == (["who"], False)
        assert await call(connection, "prompt_greet", who="Ada") == "Hello Ada"


async def test_a_server_that_says_it_has_resources_and_prompts_and_cannot_list_them_has_none(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "boasts")) as connection:
        assert {each.kind for each in connection.offers.components} == {"action"}
        assert await call(connection, "go") == "went go"


async def test_what_changes_is_asked_for_again_whatever_it_is(tmp_path: Path) -> None:
    heard: list[Offers] = []
    async with connected(raw(tmp_path, "rich")) as connection:
        connection.on_offers_changed = heard.append
        await call(connection, "swap")
        await until(lambda: bool(heard) and len(heard[-1].of("provider")) == 2)
        names = {each.name for each in heard[-1].components}
        assert {"my_diary", "letters", "prompt_take_leave"} <= names
        assert "prompt_greet" not in names
        with pytest.raises(ActionError, match="letters failed: nobody may read that"):
            await call(connection, "letters")


async def test_what_a_server_logs_reaches_the_hosts_log_without_its_secrets(tmp_path: Path) -> None:
    log: list[str] = []
    async with connected(raw(tmp_path, "rich"), loader(log=log), RAW_KEY="sk-very-secret") as connection:
        await call(connection, "swap")
        await until(lambda: bool(log))
    assert log == ['raw: warning: {"key": "***"}']


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("complains", r"\(exit status 1\): ERROR: no database was named\. / Name one"),
        ("node", r"\(exit status 1\): \[Redis Error\] Error: connect ECONNREFUSED$"),
    ],
)
async def test_of_a_server_that_ends_its_complaint_is_told_and_not_its_manual(
    tmp_path: Path, mode: str, told: str
) -> None:
    with pytest.raises(LoadError, match=told):
        await loader().connect(raw(tmp_path, mode), {})


async def test_of_a_server_that_waits_for_something_else_is_told_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(PluginTimeoutError, match=r"It had said: Listening on http://127\.0\.0\.1:3333"):
        await loader(start=3).connect(raw(tmp_path, "waits"), {})


@pytest.mark.index
async def test_a_servers_arguments_are_asked_for_like_configuration(cli: Cli, tmp_path: Path) -> None:
    name, rows = "mcp-server-sqlite", tmp_path / "rows.db"
    cli("install", name, "--yes")
    (plugin,) = cli("status").json["plugins"]
    assert [(each["name"], each["is_set"]) for each in plugin["required_env_vars"]] == [("DB_PATH", False)]
    assert "DB_PATH" in cli("activate", name, code=3).json["error"]["message"]
    cli("configure", name, f"DB_PATH={rows}")
    async with App(Settings.from_environment(home=cli.home), approve=approve_everything) as app:
        await app.service.activate(name)
        await app.service.call(name, "create_table", {"query": "CREATE TABLE things (name TEXT)"})
        assert "things" in str(await app.service.call(name, "list_tables", {}))
    assert rows.is_file()


@pytest.mark.index
async def test_a_server_may_work_on_the_folders_that_it_was_told_and_no_others(home: Path, tmp_path: Path) -> None:
    name = "@modelcontextprotocol/server-filesystem"
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
        await app.service.install(name)
        await app.service.configure(name, {"DIRECTORY": f"{one}:{other}"})
        await app.service.activate(name)
        said = str(await app.service.call(name, "list_allowed_directories", {}))
    assert str(one) in said
    assert str(other) in said
    assert str(home) not in said


def folders(tmp_path: Path, *said: str) -> tuple[str, ...]:
    """Return the roots of a server whose person named folders, as it runs in *tmp_path*/home/own."""
    variables = tuple(Variable(f"DIR_{place}", format="filepath") for place, _ in enumerate(said))
    installation = replace(server(tmp_path, "x"), variables=variables)
    values = {f"DIR_{place}": each for place, each in enumerate(said)}
    (tmp_path / "home" / "own" / "notes").mkdir(parents=True, exist_ok=True)
    return roots(installation, values, tmp_path / "home" / "own")


def test_a_relative_folder_lies_where_the_server_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "home" / "own"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "only-here").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert folders(tmp_path, "notes", ".") == (str(own / "notes"), str(own))
    assert folders(tmp_path, "only-here") == (str(own),)


@pytest.mark.parametrize(
    "said", ["..", "notes/../..", "../" * 40, "/" + "../" * 4, "~/" + "../" * 40, " ", "~nobody-here"]
)
def test_a_folder_reached_by_climbing_is_none(said: str, tmp_path: Path) -> None:
    assert folders(tmp_path, said) == (str(tmp_path / "home" / "own"),)


def test_a_persons_home_may_be_written_as_everybody_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "papers").mkdir()
    assert folders(tmp_path, "~/papers", str(tmp_path / "papers")) == (str(tmp_path / "papers"),)


def with_a_secret_argument(tmp_path: Path, package: dict[str, str], flag: str) -> App:
    """Return an application whose registry has a server with one argument, which is a secret."""
    argument = {"type": "named", "name": flag, "secret": True}
    entry = {"name": "server", "kind": "mcp", "packages": [{**package, "arguments": [argument]}]}
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    home = Settings.from_environment(home=tmp_path / "home", registries=(str(registry),))
    return App(replace(home, passphrase="only for tests"), approve=approve_everything)


@pytest.mark.index
async def test_a_secret_argument_reaches_the_server_and_no_process_list(tmp_path: Path) -> None:
    package = {"type": "pypi", "name": "mcp-server-time"}
    async with with_a_secret_argument(tmp_path, package, "--local-timezone") as app:
        await app.service.install("server")
        await app.service.configure("server", {"LOCAL_TIMEZONE": "Pacific/Chatham"})
        await app.service.activate("server")
        told = await app.service.call("server", "get_current_time", {"timezone": "UTC"})
        assert "UTC" in str(told)
        described = app.service.components.plugins["server"].actions
        assert "'***' as local timezone" in str(described), "the server has it, and nobody else is told"
        assert "Chatham" not in app.settings.state_file.read_text()
        lines = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
        assert any(str(tmp_path) in line for line in lines)
        assert not [line for line in lines if "Chatham" in line]


@pytest.mark.index
async def test_a_secret_argument_that_everybody_could_read_is_not_given(tmp_path: Path) -> None:
    package = {"type": "npm", "name": "semver"}  # any program does: it is not started
    async with with_a_secret_argument(tmp_path, package, "--key") as app:
        await app.service.install("server")
        await app.service.configure("server", {"KEY": "sk-very-secret"})
        with pytest.raises(LoadError, match="its argument KEY is a secret"):
            await app.service.activate("server")
