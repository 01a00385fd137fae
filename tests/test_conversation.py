"""The product: a person asks for something the agent cannot do, and a minute later it can."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Cli, workers_of

SAID = """\
which plugin can tell me the time?
install mcp-server-time and switch it on
what time is it in Tokyo?
turn mcp-server-time off
unload mcp-server-time
"""


@pytest.mark.index
def test_a_conversation_adds_a_capability_uses_it_and_takes_it_away_again(cli: Cli) -> None:
    found, added, asked, off, unloaded = cli("chat", "--yes", stdin=SAID).lines

    assert [call["tool"] for call in found["calls"]] == ["list_available_plugins"]
    assert "mcp-server-time" in [each["name"] for each in found["calls"][0]["result"]["plugins"]]
    assert "mcp-server-time" in found["reply"]

    assert [call["tool"] for call in added["calls"]] == ["install_plugin", "activate_plugin"]
    assert all(call["result"]["ok"] for call in added["calls"])
    assert added["calls"][1]["result"]["status"] == "active"

    (use,) = asked["calls"]
    assert use["tool"] == "mcp-server-time__get_current_time"
    assert use["arguments"] == {"timezone": "Asia/Tokyo"}
    assert use["result"]["result"]["timezone"] == "Asia/Tokyo"
    hour_and_minute = re.search(r"T(\d\d:\d\d)", use["result"]["result"]["datetime"])
    assert hour_and_minute is not None
    assert hour_and_minute.group(1) in asked["reply"]

    assert [call["tool"] for call in off["calls"]] == ["deactivate_plugin"]
    assert [call["tool"] for call in unloaded["calls"]] == ["unload_plugin"]
    (plugin,) = cli("status").json["plugins"]
    assert (plugin["name"], plugin["status"]) == ("mcp-server-time", "installed")
    assert workers_of(cli.home) == []


def test_without_consent_nothing_is_installed(cli: Cli) -> None:
    (turn,) = cli("chat", stdin="install mcp-server-time\n", code=4).lines
    assert turn["calls"][0]["result"]["error"]["code"] == "needs_confirmation"
    assert cli("status").json["plugins"] == []


def test_a_plan_shows_the_calls_and_makes_none(cli: Cli) -> None:
    turn = cli("ask", "install mcp-server-time", "--plan").json
    assert [(call["tool"], call["arguments"]["plugin_name"]) for call in turn["calls"]] == [
        ("install_plugin", "mcp-server-time")
    ]
    assert turn["calls"][0]["result"] is None
    assert cli("status").json["plugins"] == []


def test_a_model_that_cannot_be_reached_is_said_and_the_conversation_goes_on(cli: Cli) -> None:
    cli.env["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    first, second = cli("chat", stdin="hello\nhello again\n", code=1).lines
    assert "cannot be reached" in first["reply"]
    assert "cannot be reached" in second["reply"]
