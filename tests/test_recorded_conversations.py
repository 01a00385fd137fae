"""Conversations as a model held them: recorded once, replayed without a network; plugins really run."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.fake_tokens import KINDS, NAME, pieces

if TYPE_CHECKING:
    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.testing.conversation_recorder import OpenConversation

HERE = Path(__file__).parent
PLUGINS = HERE / "recorded" / "plugins"

ENTRIES: list[dict[str, Any]] = [
    {
        "name": "hello",
        "description": "Greets people by name and keeps notes",
        "keywords": ["greeting", "notes"],
        "packages": [{"type": "path", "name": str(HERE.parent / "examples" / "hello-plugin")}],
    },
    {
        "name": "units",
        "description": "Converts lengths between kilometres, metres, miles and feet",
        "keywords": ["units", "conversion", "length"],
        "packages": [{"type": "path", "name": str(PLUGINS / "units")}],
    },
    {
        "name": "@north/plugin-weather",
        "description": "Weather forecast for the north",
        "keywords": ["weather"],
        "packages": [{"type": "path", "name": str(PLUGINS / "north_weather")}],
    },
    {
        "name": "@south/plugin-weather",
        "description": "Weather forecast for the south",
        "keywords": ["weather"],
        "packages": [{"type": "path", "name": str(PLUGINS / "south_weather")}],
    },
    {
        "name": "jukebox",
        "description": "Plays music",
        "keywords": ["music"],
        "packages": [{"type": "path", "name": str(PLUGINS / "jukebox")}],
    },
    {
        "name": "keeper",
        "description": "Keeps a token for you",
        "keywords": ["vault"],
        "packages": [{"type": "path", "name": str(HERE / "plugins" / "keeper")}],
        "config": [{"name": NAME, "description": "Only for the keeper", "required": True, "secret": True}],
    },
]


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [{"kind": "python", **entry} for entry in ENTRIES]}))
    return path


def calls(turn: Turn) -> list[tuple[str, Any]]:
    return [(call.tool, call.arguments) for call in turn.calls]


def results(turn: Turn) -> list[dict[str, Any]]:
    return [call.result or {} for call in turn.calls]


def errors(turn: Turn) -> list[str | None]:
    """Return each call's error code, None where it worked."""
    return [(call.result or {}).get("error", {}).get("code") for call in turn.calls]


def named(name: str) -> dict[str, str]:
    return {"plugin_name": name}


async def test_adding_by_name(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("install the hello plugin and switch it on")
        assert calls(turn) == [("install_plugin", named("hello")), ("activate_plugin", named("hello"))]
        assert errors(turn) == [None, None]
        assert talk.status() == {"hello": "active"}
        assert [(request.verb, request.starts) for request in talk.asked] == [("install", True)], "once for both"
        assert talk.asked[0].question.startswith("Install and switch on hello 1.0.0 from this machine")

        turn = await talk.say("use hello to greet Ada")
        assert calls(turn) == [("hello__greet", {"name": "Ada"})]
        assert results(turn)[0]["result"] == "Hello, Ada!"
        assert "Hello, Ada!" in turn.reply


async def test_adding_by_capability(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        found = await talk.say("I need something that can convert kilometres into miles")
        assert [call.tool for call in found.calls] == ["list_available_plugins"]
        assert results(found)[0]["plugins"][0]["name"] == "units"
        assert talk.status() == {}, "finding is not installing"

        added = await talk.say("install units and switch it on")
        assert calls(added) == [("install_plugin", named("units")), ("activate_plugin", named("units"))]

        used = await talk.say("which units can units convert?")
        assert calls(used) == [("units__list_units", {})]
        assert "mile" in used.reply


async def test_a_typo_is_asked_about_before_anything_is_installed(
    recorded_conversation: OpenConversation, registry: Path
) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        asked = await talk.say("install the helo plugin")
        assert errors(asked) in ([], ["unknown_plugin"])
        assert "hello" in asked.reply
        assert talk.status() == {}

        agreed = await talk.say("yes")
        assert calls(agreed) == [("install_plugin", named("hello"))]
        assert talk.status() == {"hello": "installed"}


async def test_configuring_with_a_secret(recorded_conversation: OpenConversation, registry: Path) -> None:
    secret = KINDS["github"](random.Random("a recorded one"))  # noqa: S311 - a fake, the same each time
    placeholder = f"[secret:1:{NAME}]"
    async with recorded_conversation(registries=[registry]) as talk:
        installed = await talk.say("install keeper")
        assert talk.status() == {"keeper": "needs_configuration"}
        assert NAME in installed.reply

        told = await talk.say(f"{NAME} is {secret}")
        values = [{"name": NAME, "value": placeholder}]
        assert calls(told) == [("configure_plugin", {"plugin_name": "keeper", "configuration": values})]
        assert told.notices == (f"A secret was kept out of the conversation; the model sees {placeholder}.",)
        assert results(told)[0]["set"] == [NAME]

        await talk.say("switch keeper on")
        asked = await talk.say("how long is the token of keeper?")
        assert calls(asked) == [("keeper__length", {})]
        assert results(asked)[0]["result"] == len(secret), "the plugin has it"
        path = talk.cassette
    if path.exists():  # it is written after the conversation
        assert not [piece for piece in pieces(secret) if piece in path.read_text()]


async def test_a_plugin_that_lacks_its_secret_says_which_command_to_run(
    recorded_conversation: OpenConversation, registry: Path
) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("install keeper and switch it on")
        assert calls(turn) == [("install_plugin", named("keeper")), ("activate_plugin", named("keeper"))]
        assert errors(turn) == [None, "needs_configuration"]
        assert "dynamic-plugins configure keeper" in turn.reply
        assert talk.status() == {"keeper": "needs_configuration"}


async def test_refusing_an_approval(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry], agree=False) as talk:
        turn = await talk.say("install the hello plugin")
        assert calls(turn) == [("install_plugin", named("hello"))]
        assert errors(turn) == ["declined"]
        assert len(talk.asked) == 1
        assert talk.status() == {}
        assert "declined" in turn.reply


async def test_an_ambiguous_name(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        asked = await talk.say("install the weather plugin")
        assert errors(asked) in ([], ["ambiguous_name"])
        assert "@north/plugin-weather" in asked.reply
        assert "@south/plugin-weather" in asked.reply
        assert talk.status() == {}

        chosen = await talk.say("install @south/plugin-weather")
        assert calls(chosen) == [("install_plugin", named("@south/plugin-weather"))]
        assert talk.status() == {"@south/plugin-weather": "installed"}


async def test_two_installs_in_one_message(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("install hello and units")
        assert calls(turn) == [("install_plugin", named("hello")), ("install_plugin", named("units"))]
        assert errors(turn) == [None, None]
        assert talk.status() == {"hello": "installed", "units": "installed"}


async def test_a_plugin_that_fails_to_load(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("install jukebox and switch it on")
        assert calls(turn) == [("install_plugin", named("jukebox")), ("activate_plugin", named("jukebox"))]
        assert errors(turn) == [None, "load_failed"]
        assert "RuntimeError: the jukebox needs a coin" in results(turn)[1]["error"]["message"]
        assert "the jukebox needs a coin" in turn.reply
        assert talk.status() == {"jukebox": "error"}

        other = await talk.say("install hello and switch it on")
        assert errors(other) == [None, None]
        assert talk.status() == {"hello": "active", "jukebox": "error"}, "everything else still works"


async def test_off_and_on_again(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        await talk.say("install the hello plugin and switch it on")
        off = await talk.say("switch hello off")
        assert calls(off) == [("deactivate_plugin", named("hello"))]
        assert talk.status() == {"hello": "inactive"}
        assert [tool.name for tool in talk.app.toolbox.plugin_tools()] == []

        on = await talk.say("turn hello on again")
        assert calls(on) == [("activate_plugin", named("hello"))]
        assert talk.status() == {"hello": "active"}
        assert [(request.verb, request.starts) for request in talk.asked] == [("install", True)], "agreed to once"


async def test_unload(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        await talk.say("install the hello plugin and switch it on")
        assert talk.app.service.running().keys() == {"hello"}
        turn = await talk.say("unload the hello plugin")
        assert calls(turn) == [("unload_plugin", named("hello"))]
        assert talk.status() == {"hello": "installed"}
        assert talk.app.service.running() == {}


async def test_off_topic(recorded_conversation: OpenConversation, registry: Path) -> None:
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("what is the capital of France?")
        assert calls(turn) == []
        assert turn.reply
        assert not turn.failed
        assert (talk.status(), talk.asked) == ({}, [])


async def test_streaming(recorded_conversation: OpenConversation, registry: Path) -> None:
    pieces: list[str] = []
    async with recorded_conversation(registries=[registry]) as talk:
        turn = await talk.say("which plugins are there?", pieces.append)
        assert [call.tool for call in turn.calls] == ["list_available_plugins"]
        assert "".join(pieces) == turn.reply
        assert len(pieces) > 1
        assert all(entry["name"] in turn.reply for entry in ENTRIES)


def test_every_cassette_says_what_it_was_recorded_from() -> None:
    cassettes = sorted((HERE.parent / "cassettes").rglob("*.yaml"))
    assert len(cassettes) >= 12
    for path in cassettes:
        told = yaml.safe_load(path.read_text())["recorded"]["from"]
        assert {"model", "endpoint", "package", "date"} <= told.keys(), path
