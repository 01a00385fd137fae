"""``tools NAME --only … --hide … --rename …``: which of a plugin's actions models are offered, at every door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.app import App
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli
from tests.scripted_model import Messages, ScriptedModel
from tests.test_mcp_server import call, connected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HELLO = str(EXAMPLES / "hello-plugin")


@pytest.fixture(scope="module")
def active(module_cli: Cli) -> Cli:
    module_cli("install", "--path", HELLO, "--yes")
    module_cli("activate", "hello")
    return module_cli


@pytest.fixture
def hello(active: Cli) -> Iterator[Cli]:
    """A home where a plugin is active and nothing is chosen of its actions."""
    yield active
    active("tools", "hello", "--reset")


def named(cli: Cli) -> set[str]:
    return {tool["function"]["name"] for tool in cli("tools", "--all").json if "hello" in tool["function"]["name"]}


def test_what_is_chosen_is_offered_and_what_is_reset_is_all(hello: Cli) -> None:
    assert named(hello) == {"hello__greet", "hello__remember", "hello__recall"}
    hello("tools", "hello", "--hide", "recall")
    assert named(hello) == {"hello__greet", "hello__remember"}
    hello("tools", "hello", "--only", "greet", "--rename", "greet=welcome")
    assert named(hello) == {"hello__welcome"}
    assert "greet: offered, as welcome" in hello("tools", "hello", json=False).out
    assert "recall: not offered" in hello("tools", "hello", json=False).out
    hello("tools", "hello", "--reset")
    assert named(hello) == {"hello__greet", "hello__remember", "hello__recall"}
    assert "choice" not in (hello.home / "plugin-management-state.json").read_text()


def test_the_person_still_calls_everything_by_its_own_name(hello: Cli) -> None:
    hello("tools", "hello", "--only", "greet", "--rename", "greet=welcome")
    assert hello("call", "hello", "recall").json["result"] == []


def test_a_model_in_the_chat_gets_what_is_chosen_and_calls_it_by_its_new_name(hello: Cli) -> None:
    hello("tools", "hello", "--only", "greet", "--rename", "greet=welcome")

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        return "Done." if messages[-1]["role"] == "tool" else [("hello__welcome", {"name": "Ada"})]

    with ScriptedModel(script).serving() as model:
        told = hello("ask", "greet Ada", "--base-url", model.base_url, "--model", "scripted").json
    assert told["calls"][0]["result"]["result"] == "Hello, Ada!"
    offered = {tool["function"]["name"] for tool in json.loads(model.requests[0])["tools"]}
    assert {name for name in offered if name.startswith("hello__")} == {"hello__welcome"}


async def test_an_mcp_client_finds_what_is_chosen_while_it_is_connected(hello: Cli) -> None:
    async with connected(hello) as client:
        assert (await call(client, "call_plugin_action", action="hello__recall", arguments={}))["ok"]
        hello("tools", "hello", "--hide", "recall")
        refused = await call(client, "call_plugin_action", action="hello__recall", arguments={})
        assert refused["error"]["code"] == "bad_arguments"
        found = await call(client, "search_plugin_actions", query="notes")
        assert "hello__recall" not in {each["action"] for each in found["actions"]}


async def test_what_a_model_is_told_on_activating_is_what_it_can_call(hello: Cli) -> None:
    hello("tools", "hello", "--only", "greet", "--rename", "greet=welcome")
    async with DynamicPlugins(hello.home) as plugins:
        told = await plugins.call("activate_plugin", {"plugin_name": "hello"})
        assert [each["name"] for each in told["actions"]] == ["welcome"]
        assert (await plugins.call("hello__welcome", {"name": "Ada"}))["result"] == "Hello, Ada!"


async def test_it_outlasts_another_install_of_the_plugin(hello: Cli) -> None:
    hello("tools", "hello", "--only", "greet")
    async with App(Settings.from_environment(hello.environment(), home=hello.home)) as app:
        stored = app.store.get("hello")
        app.store.change("hello", installation=stored.installation)
    assert named(hello) == {"hello__greet"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--only", "greet"), 2),
        (("hello", "--only", "greet", "--hide", "recall"), 2),
        (("hello", "--rename", "greet=two words"), 2),
        (("hello", "--hide", "nothing"), 1),
        (("nobody", "--reset"), 1),
    ],
)
def test_what_cannot_be_chosen_is_told(active: Cli, words: tuple[str, ...], code: int) -> None:
    assert active("tools", *words, code=code).json["ok"] is False
