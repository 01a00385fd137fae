"""Messages that want something of a plugin and something of what is on, and what follows on switching one on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamic_plugins.embedded.context.request import read_request
from dynamic_plugins.embedded.managing.status_text import standing_in_text
from dynamic_plugins.embedded.responder import Responder
from tests.test_understanding import TOOLS, known

TIME, WEATHER, SHOP, CALCULATOR = "mcp-server-time", "weather", "shop", "mcp-server-calculator"
ACTIONS = {
    WEATHER: ("get_weather", "The weather in a city now", {"city": {"type": "string"}}),
    SHOP: ("add_item", "Puts an item on the shopping list", {"item": {"type": "string"}}),
    CALCULATOR: ("calculate", "Calculates an expression", {"expression": {"type": "string"}}),
}
READS = {"readOnlyHint": True}


def function(plugin: str) -> dict[str, Any]:
    name, description, properties = ACTIONS[plugin]
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    told = {"name": f"{plugin}__{name}", "description": description, "parameters": schema}
    return {"type": "function", "function": told | ({} if plugin == SHOP else {"annotations": READS})}


def answered(messages: list[dict[str, Any]], **status: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls that the embedded model makes, or proposes; with the plugins in their *status*."""
    named = {name.replace("_", "-"): state for name, state in status.items()}
    rows = [{"name": name, "version": "1.0", "status": state} for name, state in named.items()]
    system = f"<dynamic_plugins_status>\n{json.dumps({'plugins': rows})}\n</dynamic_plugins_status>"
    own = [function(name) for name, state in named.items() if state == "active" and name in ACTIONS]
    body = {"messages": [{"role": "system", "content": system}, *messages], "tools": [*TOOLS, *own]}
    request, (names, entries) = read_request(body), known()
    found = Responder(names, entries).answer(request, standing_in_text(request, entries))
    return [(call.tool, call.arguments) for call in found.calls or found.proposed]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def switched_on(plugin: str) -> list[dict[str, Any]]:
    call = {"name": "activate_plugin", "arguments": json.dumps({"plugin_name": plugin})}
    result = json.dumps({"ok": True, "plugin": plugin, "status": "active"})
    return [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "1", "content": result},
    ]


@pytest.mark.parametrize(
    "said",
    [
        "what's 3*18, and calculator off after that",
        "work out 3*18 please. then switch the calculator off",
    ],
)
def test_what_is_asked_of_a_plugin_and_switching_it_off_are_both_done_in_order(said: str) -> None:
    calls = answered([user(said)], mcp_server_calculator="active", shop="active")
    assert calls == [
        (f"{CALCULATOR}__calculate", {"expression": "3*18"}),
        ("deactivate_plugin", {"plugin_name": CALCULATOR}),
    ]


def test_a_remark_beside_an_order_is_no_second_order() -> None:
    calls = answered([user("switch the weather off, my knees tell me anyway")], weather="active", shop="active")
    assert calls == [("deactivate_plugin", {"plugin_name": WEATHER})]


def test_what_a_plugin_was_switched_on_for_is_done_with_it_and_no_other() -> None:
    said = "turn the weather on and tell me how it is in Ghent"
    calls = answered([user(said), *switched_on(WEATHER)], weather="active", shop="active")
    assert calls == [(f"{WEATHER}__get_weather", {"city": "Ghent"})]


def test_a_yes_to_switching_on_goes_on_with_the_wish_before() -> None:
    before = [
        user("put oat cakes on the shopping list"),
        {"role": "assistant", "content": "shop is installed but off. Shall I switch it on?"},
        user("yes please"),
        *switched_on(SHOP),
    ]
    calls = answered(before, weather="active", shop="active", mcp_server_calculator="active")
    assert calls == [(f"{SHOP}__add_item", {"item": "oat cakes"})]


def test_switching_on_alone_calls_nothing_more() -> None:
    said = "stick the weather on would you, walking home soon"
    assert answered([user(said), *switched_on(WEATHER)], weather="active", shop="active") == []


OFF = {
    "role": "assistant",
    "content": "The weather plugin is installed but switched off. Shall I switch it on and look?",
}


def test_a_question_in_between_does_not_lose_what_a_plugin_is_switched_on_for() -> None:
    talk = [
        user("hello, what is the weather in Ghent"),
        OFF,
        user("is it safe?"),
        {"role": "assistant", "content": "It only reads the weather. Shall I switch weather on?"},
        user("fine, switch it on"),
        *switched_on(WEATHER),
    ]
    assert answered(talk, weather="active", shop="active") == [(f"{WEATHER}__get_weather", {"city": "Ghent"})]


def test_a_wish_that_was_served_is_not_done_again_when_its_plugin_is_switched_on() -> None:
    call = {"name": f"{WEATHER}__get_weather", "arguments": json.dumps({"city": "Ghent"})}
    result = json.dumps({"ok": True, "plugin": WEATHER, "action": "get_weather", "result": "rain"})
    talk = [
        user("what is the weather in Ghent"),
        {"role": "assistant", "content": "", "tool_calls": [{"id": "0", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "0", "content": result},
        {"role": "assistant", "content": "Rain in Ghent."},
        user("turn the weather on"),
        *switched_on(WEATHER),
    ]
    assert answered(talk, weather="active", shop="active") == []
