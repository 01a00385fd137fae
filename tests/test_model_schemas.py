"""What models are shown of strangers' schemas, and what they write put back into the schemas' own names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.plugin import Action, Plugin
from dynamic_plugins.tools.argument_repair import mend
from dynamic_plugins.tools.tool_formats import in_format
from dynamic_plugins.tools.toolbox import Toolbox

FORMS = ("openai", "openai-responses", "anthropic", "gemini", "mcp")
LONG = "x" * 80


def echo(**arguments: Any) -> dict[str, Any]:
    return arguments


def toolbox(schema: dict[str, Any]) -> Toolbox:
    components = ComponentRegistry()
    components.mount(Plugin("p", actions=[Action("go", "Goes.", echo, schema)]))
    return Toolbox([], components)


def shown(schema: dict[str, Any], form: Any) -> dict[str, Any]:
    """Return what a model is shown of the parameters, whatever its API calls them."""
    (tool,) = (each for each in in_format(toolbox(schema).everything(), form))
    facts = tool.get("function", tool)
    names = ("parameters", "input_schema", "parametersJsonSchema", "inputSchema")
    return next(facts[key] for key in names if key in facts)


@pytest.mark.parametrize("form", FORMS)
def test_a_list_says_of_what_wherever_it_stands(form: str) -> None:
    inner = {"type": "object", "properties": {"b": {"type": ["array", "null"]}}}
    schema = shown({"type": "object", "properties": {"a": {"type": "array"}, "in": inner}}, form)
    assert schema["properties"]["a"]["items"] == {}
    assert schema["properties"]["in"]["properties"]["b"]["items"] == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", ["anyOf", "oneOf", "allOf"])
def test_alternatives_at_the_top_become_properties(form: str, key: str) -> None:
    parts = [
        {"properties": {"a": {"type": "string"}}, "required": ["a", "c"]},
        {"properties": {"b": {"type": "string"}}, "required": ["b", "c"]},
    ]
    schema = shown({"type": "object", "properties": {"c": {"type": "integer"}}, key: parts}, form)
    assert not {"anyOf", "oneOf", "allOf"} & schema.keys()
    assert schema["properties"].keys() == {"a", "b", "c"}
    assert set(schema["required"]) == ({"a", "b", "c"} if key == "allOf" else {"c"})


def test_a_reference_at_the_top_is_followed() -> None:
    call = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    schema = shown({"type": "object", "$ref": "#/$defs/Call", "$defs": {"Call": call}}, "anthropic")
    assert "$ref" not in schema
    assert (schema["properties"], schema["required"]) == (call["properties"], ["url"])


ODD = {
    "type": "object",
    "properties": {
        "$filter": {"type": "string"},
        "@odata.type": {"type": "string"},
        LONG: {"type": "object", "properties": {"größe": {"type": "integer"}}},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"a b": {"type": "string"}}}},
        "filter": {"type": "string"},
    },
    "required": ["$filter"],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_key_is_one_that_every_api_takes(form: str) -> None:
    schema = shown(ODD, form)
    keys = [*schema["properties"], *schema["properties"]["rows"]["items"]["properties"]]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", key) for key in keys)
    assert len(schema["properties"]) == 5
    assert set(schema["required"]) <= schema["properties"].keys()


async def test_a_model_calls_by_the_names_that_it_was_shown() -> None:
    names = dict(zip(shown(ODD, "anthropic")["properties"], ODD["properties"], strict=True))
    written: dict[str, Any] = {
        shown_name: {
            "$filter": "a",
            "@odata.type": "b",
            LONG: {"gr_e": 3},
            "rows": [{"a_b": "c"}],
            "filter": "d",
        }[own]
        for shown_name, own in names.items()
    }
    done = await toolbox(ODD).call("p__go", json.dumps(written))
    expected = {"$filter": "a", "@odata.type": "b", LONG: {"größe": 3}, "rows": [{"a b": "c"}], "filter": "d"}
    assert done["result"] == expected
    assert (await toolbox(ODD).call("p__go", expected))["result"] == expected, "the action's own names are understood"


def test_a_schema_with_nothing_odd_is_shown_as_it_is() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    assert shown(schema, "openai") == schema


EITHER = {
    "type": "object",
    "anyOf": [
        {"properties": {"input": {"type": "object"}}, "required": ["input"]},
        {"properties": {"url": {"type": "string"}}, "required": ["url"]},
    ],
}
BY_REFERENCE = {
    "type": "object",
    "$ref": "#/$defs/Call",
    "$defs": {"Call": {"type": "object", "properties": {"parameters": {"type": "object"}}, "required": ["parameters"]}},
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        (EITHER, {"input": {"a": 1}}),
        (BY_REFERENCE, {"parameters": {"a": 1}}),
        ({"type": "object", "additionalProperties": True}, {"arguments": {"a": 1}}),
        ({"type": "object"}, {"input": {"a": 1}}),
        (CITY, {"input": {"a": 1}}),
        ({**CITY, "patternProperties": {"^in": {}}}, {"input": {"city": "Rome"}}),
    ],
    ids=["any of", "reference", "anything", "nothing said", "another property", "a pattern"],
)
def test_arguments_that_fit_stay_as_they_are(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert mend("go", arguments, schema) == arguments


@pytest.mark.parametrize(
    "schema",
    [CITY, {**CITY, "required": ["city"]}, {**CITY, "additionalProperties": False}],
    ids=["may", "must", "no other"],
)
@pytest.mark.parametrize("wrapping", ["go", "arguments", "parameters", "input"])
def test_arguments_that_were_wrapped_are_unwrapped(schema: dict[str, Any], wrapping: str) -> None:
    assert mend("go", {wrapping: {"city": "Rome"}}, schema) == {"city": "Rome"}
