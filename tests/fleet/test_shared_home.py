"""Agents whose home is shared: several processes of one machine, and machines that each have their own files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.status import Status
from dynamic_plugins.install.copied_source import digest
from dynamic_plugins.install.recipe import unpack
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli
from tests.fleet.machines import BOUND, listeners, query, reach_soon, within
from tests.npm_registry import npm_registry
from tests.package_index import package_index

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet.postgres_server import PostgresServer

pytestmark = pytest.mark.fleet
HELLO = EXAMPLES / "hello-plugin"
LONG_AGO = "2020-01-01"

AGENT = """
import asyncio, json, sys
from pathlib import Path
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import PluginError
from dynamic_plugins.settings import Settings

home, state, plugin, rounds = sys.argv[1:]
counts = {"installed": 0, "removed": 0, "refused": []}

async def main():
    async with App(Settings(home=Path(home), state=state), approve=approve_everything) as app:
        for _ in range(int(rounds)):
            try:
                counts["installed"] += (await app.service.install_path(Path(plugin))).changed
            except PluginError as error:
                counts["refused"].append(f"{error.code}: {error}")
            try:
                await app.service.uninstall("hello")
                counts["removed"] += 1
            except PluginError as error:
                if error.code != "not_installed":
                    counts["refused"].append(f"{error.code}: {error}")
        app.sweep()
        counts["left"] = [path.parent.name for path in (Path(home) / "runtime_plugins").glob("*/*")]

asyncio.run(main())
print(json.dumps(counts))
"""


def agents(homes: list[Path], url: str, rounds: int) -> list[subprocess.Popen[str]]:
    """Start an agent in each of *homes* that installs and removes the same plugin so many times."""
    command = [sys.executable, "-c", AGENT]
    return [
        subprocess.Popen(
            [*command, str(home), url, str(HELLO), str(rounds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=Cli(home).environment(),
        )
        for home in homes
    ]


def ended(agent: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = agent.communicate(timeout=2 * BOUND)
    assert agent.returncode == 0, err
    counts: dict[str, Any] = json.loads(out)
    return counts


@pytest.mark.parametrize("machines_of_their_own", [True, False], ids=["two machines", "one machine"])
def test_two_agents_that_install_and_remove_the_same_plugin_at_once_lose_nothing(
    url: str, tmp_path: Path, machines_of_their_own: bool
) -> None:
    homes = [tmp_path / "one", tmp_path / ("other" if machines_of_their_own else "one")]
    counts = [ended(agent) for agent in agents(homes, url, 4)]
    assert [each["refused"] for each in counts] == [[], []]
    left = query(url, "SELECT name FROM dynamic_plugins.plugins")
    installed, removed = (sum(each[what] for each in counts) for what in ("installed", "removed"))
    assert installed - removed == len(left)
    assert installed >= 4
    if not left and machines_of_their_own:
        # What one agent has installed, the other may have removed: whose files they were sweeps them.
        assert ended(agents(homes[:1], url, 0)[0])["left"] == ended(agents(homes[1:], url, 0)[0])["left"] == []


def test_a_restart_of_the_database_in_the_midst_of_installs_leaves_nothing_half_done(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    working = agents(homes, url, 4)
    for least in (2, 8):
        assert within(BOUND, lambda least=least: _revision(url) >= least)  # type: ignore[misc]
        postgres.restart()
    counts = [ended(agent) for agent in working]
    # A restart lets go of the lock that keeps the two apart: what one finds removed under its hands, it says.
    others = {"not_installed", "unknown_plugin"}
    refused = [text for each in counts for text in each["refused"]]
    assert [text for text in refused if text.partition(":")[0] not in others] == []
    cli = Cli(homes[0], {"DYNAMIC_PLUGINS_STATE": url})
    cli("install", "--path", str(HELLO), "--yes")
    assert [info["name"] for info in cli("status").json["plugins"]] == ["hello"]
    cli("uninstall", "hello")
    assert query(url, "SELECT name FROM dynamic_plugins.plugins") == []
    # The server hears of a process that ended a moment later.
    assert within(BOUND, lambda: query(url, "SELECT * FROM pg_locks WHERE locktype = 'advisory'") == [])


def _revision(url: str) -> int:
    """Return how often the only home in the database was changed."""
    if query(url, "SELECT to_regclass('dynamic_plugins.homes') IS NULL") == [(True,)]:
        return 0
    number: int = query(url, "SELECT coalesce(max(revision), 0) FROM dynamic_plugins.homes")[0][0]
    return number


async def test_what_one_process_changes_another_has_taken_over_within_a_second(cli: Cli, url: str) -> None:
    cli.env["DYNAMIC_PLUGINS_STATE"] = url
    settings = Settings(home=cli.home, state=url)
    async with App(settings, approve=approve_everything) as app:
        await app.service.install_path(HELLO)
        await app.service.activate("hello")
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        words = {"x": "deactivate", "y": "activate", "z": "deactivate"}
        status = {"x": Status.INACTIVE, "y": Status.ACTIVE, "z": Status.INACTIVE}
        assert reach_soon(
            lambda mark: cli(words[mark], "hello"), lambda mark: app.service.statuses() == {"hello": status[mark]}
        )
        assert app.components.plugins == {}
        cli("activate", "hello")
        assert within(BOUND, lambda: app.service.statuses() == {"hello": Status.ACTIVE})
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        cli("uninstall", "hello")
        assert within(BOUND, lambda: app.service.statuses() == {})
        assert app.service.running() == {}


async def test_an_agent_whose_database_went_away_goes_on_and_ends_its_workers(
    home: Path, postgres: PostgresServer, url: str
) -> None:
    try:
        async with App(Settings(home=home, state=url), approve=approve_everything) as app:
            await app.service.install_path(HELLO)
            await app.service.activate("hello")
            assert within(BOUND, lambda: app.service.statuses() != {} and listeners() > 0)
            postgres.stop()
            assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        assert app.service.running() == {}
    finally:
        postgres.start()
    assert query(url, "SELECT name FROM dynamic_plugins.plugins") == [("hello",)]


def test_what_another_machine_has_installed_is_listed_and_said_not_to_be_here(url: str, tmp_path: Path) -> None:
    here = Cli(tmp_path / "here", {"DYNAMIC_PLUGINS_STATE": url})
    there = Cli(tmp_path / "there", {"DYNAMIC_PLUGINS_STATE": url})
    here("install", "--path", str(HELLO), "--yes")
    here("activate", "hello", "--yes")
    assert [info["status"] for info in there("status").json["plugins"]] == ["active"]

    # Both are on one disk here, where the other one's files would be found.
    here.home.rename(tmp_path / "away")
    error = there("call", "hello", "greet", "--args", '{"name": "Ada"}', code=1).json["error"]
    assert error["code"] == "unavailable_here"
    assert error["message"].startswith("hello cannot run here: it was installed on another machine")
    assert "give both machines the same home folder" in error["message"]
    (tmp_path / "away").rename(here.home)
    # It is nothing that the plugin did: where it is, it goes on.
    assert here("call", "hello", "greet", "--args", '{"name": "Ada"}').json["result"] == "Hello, Ada!"
    assert here("status").json["plugins"][0]["status"] == "active"

    there("uninstall", "hello")
    assert here("status").json["plugins"] == []
    assert ended(agents([here.home], url, 0)[0])["left"] == []


async def test_what_an_install_is_made_from_is_kept_for_machines_that_do_not_have_its_folder(
    url: str, tmp_path: Path
) -> None:
    with package_index() as index, npm_registry() as npm:
        index.add("leaf", "1.0", LONG_AGO)
        index.add("tea", "1.0", LONG_AGO, ("leaf>=1",))
        npm.add("cup", dependencies={"handle": "^1.0.0"})
        npm.add("handle", "1.0.0", files={"index.js": ""})
        listed = [{"name": "tea", "kind": "python", "packages": [{"type": "pypi", "name": "tea"}]}]
        listed += [{"name": "cup", "packages": [{"type": "npm", "name": "cup"}]}]
        (tmp_path / "listed.json").write_text(json.dumps({"schema": 1, "plugins": listed}))

        def agent(name: str) -> App:
            home = tmp_path / name / "home"
            environment = {**os.environ, **index.environment(home.parent), **npm.environment(home.parent)}
            facts: dict[str, Any] = {
                "registries": (str(tmp_path / "listed.json"),),
                "cooldown_days": 0,
                "environment": environment,
            }
            return App(Settings(home=home, state=url, **facts), approve=approve_everything)

        async with agent("one") as one:
            for name in ("tea", "cup"):
                await one.service.install(name)
            await one.service.install_path(HELLO)
            first = {name: plugin.installation for name, plugin in one.store.read().items()}
        (tmp_path / "one").rename(tmp_path / "away")
        index.files.clear()
        npm.packages.clear()
        async with agent("other") as other:
            made = {name: await other.installer.recipe(each) for name, each in first.items()}
            assert sorted(each.name for each in made["tea"].locked.python) == ["leaf", "tea"]
            assert made["cup"].locked.npm["node_modules/handle"]["integrity"].startswith("sha512-")
            unpacked = tmp_path / "unpacked"
            unpacked.mkdir()
            assert digest(unpack(made["hello"], unpacked)) == first["hello"].digest
            # It goes with the install, whoever removes that; one that nobody knows goes after a day.
            await other.service.uninstall("hello")
            kept = "SELECT path FROM dynamic_plugins.recipes ORDER BY path"
            assert query(url, kept) == sorted((first[name].path,) for name in ("tea", "cup"))
            query(url, "UPDATE dynamic_plugins.recipes SET path = '/no/where' WHERE path LIKE '%/tea-%'")
            other.sweep()
            assert len(query(url, kept)) == 2
            query(url, "UPDATE dynamic_plugins.recipes SET made_at = now() - interval '25 hours'")
            other.sweep()
            assert query(url, kept) == [(first["cup"].path,)]


def test_a_plugin_s_plain_values_go_with_the_home_and_its_secrets_stay(url: str, tmp_path: Path) -> None:
    keeper = str(EXAMPLES.parent / "tests" / "plugins" / "keeper")
    one, other = (
        Cli(tmp_path / name, {"DYNAMIC_PLUGINS_STATE": url, "DYNAMIC_PLUGINS_PASSPHRASE": f"of {name}"})
        for name in ("one", "other")
    )
    one("install", "--path", keeper, "--yes")
    one("configure", "keeper", "KEEPER_ROOM=the attic", "KEEPER_API_TOKEN=not-for-the-database")
    required = {
        each["name"]: each["is_set"] for each in other("status", "keeper").json["plugins"][0]["required_env_vars"]
    }
    assert required["KEEPER_API_TOKEN"] is False
    assert other("status").json["plugins"][0]["status"] == "needs_configuration"
    saved = query(url, "SELECT data::text FROM dynamic_plugins.documents")
    assert "the attic" in str(saved)
    assert "not-for-the-database" not in str(saved + query(url, "SELECT data::text FROM dynamic_plugins.plugins"))
