"""All about one plugin: the same facts from the command line, from the tool and in the chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.embedded.replies.plugin_account import account
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest
    from tests.conftest import Cli

ENTRY: dict[str, Any] = {
    "name": "mcp-server-weather",
    "kind": "mcp",
    "description": "Tells the weather",
    "repository": "https://github.com/meteo/weather",
    "packages": [{"type": "pypi", "name": "mcp-server-weather", "version": "1.2"}],
    "aliases": ["meteo"],
    "categories": ["science"],
    "popularity": 12_000,
    "problem": "its service asks for a licence",
    "verified": {
        "date": "2026-11-20",
        "version": "1.2",
        "actions": 2,
        "tokens": 321,
        "python": "3.12",
        "size_bytes": 34_000_000,
    },
    "permissions": {"network": ["api.meteo.example:443"]},
    "config": [{"name": "METEO_KEY", "description": "From your account", "required": True, "secret": True}],
    "actions": [{"name": "forecast", "description": "What the weather will be"}],
}


@pytest.fixture
def registry(tmp_path: Path) -> tuple[str, str]:
    """The options that have a registry used of the entry and another one, whose name has a word of its name."""
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [ENTRY, {"name": "mcp-server-tea", "kind": "mcp"}]}))
    return "--registry", str(path)


async def test_who_is_asked_about_an_install_is_told_what_it_costs_a_model(tmp_path: Path) -> None:
    package = {"type": "path", "name": str(EXAMPLES / "hello-plugin")}
    entry = {"name": "hello", "kind": "python", "packages": [package], "verified": ENTRY["verified"]}
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    asked: list[str] = []

    async def decline(request: ApprovalRequest) -> bool:
        asked.extend(request.facts)
        return False

    async with DynamicPlugins(tmp_path / "home", registries=[path], approve=decline) as plugins:
        assert (await plugins.call("install_plugin", {"plugin_name": "hello"}))["ok"] is False
    assert any("its 2 actions are about 321 tokens of each request to a model" in line for line in asked)


def test_a_place_among_the_most_downloaded_is_told_where_there_are_no_numbers(cli: Cli, tmp_path: Path) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != "popularity"} | {"popularity_rank": 4_204}
    path = tmp_path / "ranked.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    assert cli("--registry", str(path), "info", "mcp-server-weather").json["popularity_rank"] == 4_204
    shown = cli("--registry", str(path), "info", "mcp-server-weather", json=False).out
    assert "place 4,204 among the most downloaded packages of its index" in shown


def test_what_an_index_lists_is_told_the_same_everywhere(cli: Cli, registry: tuple[str, str]) -> None:
    told = cli(*registry, "info", "mcp-server-weather").json
    assert {key: told[key] for key in ("kind", "version", "publisher", "problem", "aliases", "categories")} == {
        "kind": "mcp",
        "version": "1.2",
        "publisher": "meteo",
        "problem": "its service asks for a licence",
        "aliases": ["meteo"],
        "categories": ["science"],
    }
    assert (told["popularity"], told["tokens"]) == (12_000, 321)
    assert told["verified"]["date"] == "2026-11-20"
    assert told["config"] == [
        {"name": "METEO_KEY", "description": "From your account", "required": True, "secret": True}
    ]
    assert "size_bytes" not in told, "nobody knows that before it is installed"
    assert told["verified"]["size_bytes"] == 34_000_000, "but what it took where it was seen to run"
    found = cli(*registry, "list", "mcp-server-weather").json
    assert {"ok": True, **found["plugin"]} == told
    assert [(each["kind"], each["source"], each["version"]) for each in found["plugins"]] == [
        ("mcp", told["registry"], "1.2")
    ]


def test_a_person_reads_it_at_the_terminal_and_in_the_chat(cli: Cli, registry: tuple[str, str]) -> None:
    shown = cli(*registry, "info", "mcp-server-weather", json=False).out
    for line in (
        "problem  known not to work here: its service asks for a licence",
        "used     12,000 downloads a month",
        "seen     2026-11-20: installed and started here as version 1.2 on Python 3.12 with 2 actions, 34 MB on disk",
        "costs    about 321 tokens of each request to a model while it is active",
        "setting  METEO_KEY (required): From your account",
    ):
        assert f"  {line}\n" in shown
    (turn,) = cli(*registry, "chat", stdin="tell me about mcp-server-weather\n").lines
    assert [(call["tool"], call["arguments"]) for call in turn["calls"]] == [
        ("list_available_plugins", {"query": "mcp-server-weather"})
    ]
    for words in (
        "mcp-server-weather: Tells the weather. It comes from the PyPI package mcp-server-weather, by meteo",
        "It is known not to work here: its service asks for a licence.",
        "- Network: api.meteo.example:443",
        "- It can: forecast",
        "- It can be told: METEO_KEY (required, secret)",
        "- Used: 12,000 downloads a month",
        'Say "install mcp-server-weather" to have it.',
    ):
        assert words in turn["reply"]


@pytest.mark.parametrize("said", ["tell me about hello", "details on the hello plugin, please", "Describe hello."])
def test_asking_about_a_plugin_that_is_on_changes_nothing(cli: Cli, said: str) -> None:
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    cli("activate", "hello", "--yes")
    (turn,) = cli("chat", "--yes", stdin=f"{said}\n").lines
    assert not [call for call in turn["calls"] if call["tool"] != "list_available_plugins"]
    (plugin,) = cli("status").json["plugins"]
    assert plugin["status"] == "active"


def test_of_what_is_installed_its_size_its_settings_and_its_own_actions_are_told(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "placer"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "placer"\nversion = "1"\n[project.entry-points."dynamic_plugins.plugins"]\n'
        'placer = "placer_plugin:plugin"\n[[tool.dynamic-plugins.config]]\nname = "PLACE"\n'
        '[[tool.dynamic-plugins.config]]\nname = "OTHER"\n'
    )
    (folder / "placer_plugin.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n@action\ndef greet(name: str) -> str:\n"
        "    'Greets somebody by name.'\n    return name\nplugin = Plugin('placer', actions=[greet])\n"
    )
    cli("install", "--path", str(folder), "--yes")
    before = cli("info", "placer").json
    assert before["size_bytes"] > 1000
    assert "tokens" not in before
    cli("activate", "placer", "--yes")
    cli("configure", "placer", "PLACE=under the stairs")
    told = cli("info", "placer").json
    assert told["status"] == "active"
    assert "greet" in [each["name"] for each in told["actions"]]
    assert 20 < told["tokens"] < 2000
    assert {each["name"]: each["set"] for each in told["config"]} == {"PLACE": True, "OTHER": False}
    assert "stairs" not in json.dumps(told["config"]), "a value is nobody's but the person's"


def test_an_account_of_little_is_short() -> None:
    permissions = {
        "network": [],
        "files": [],
        "programs": [],
        "declared": True,
        "enforced": {"network": True, "files": True, "programs": True},
    }
    assert account({"name": "bare", "permissions": permissions}) == (
        "bare: nobody says what it is for.\n- Network: none (enforced)\n- Files: its own folder only (enforced)\n"
        '- Programs: none (enforced)\nSay "install bare" to have it.'
    )
