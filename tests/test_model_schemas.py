"""What models are shown of strangers' schemas, and what they write put back into the schemas' own names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dynamic_plugins.core.schema_repair import repaired
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.plugin import Action, Plugin
from dynamic_plugins.tools.argument_repair import repair
from dynamic_plugins.tools.tool_formats import in_format
from dynamic_plugins.tools.toolbox import Toolbox

META_KEYWORDS = (
    *("$id", "$schema", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment", "$defs"),
    *("definitions", "type", "enum", "const", "title", "description", "default", "deprecated", "readOnly", "writeOnly"),
    *("examples", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxItems"),
    *("uniqueItems", "contains", "minContains", "items", "prefixItems", "unevaluatedItems", "properties", "required"),
    *("patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames", "dependentRequired"),
    *("dependentSchemas", "dependencies", "minProperties", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    *("contentMediaType", "contentEncoding", "contentSchema"),
)
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


INNER = {"type": "object", "properties": {"$eq": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "written", "own"),
    [
        ({"$ref": "#/$defs/inner"}, {"eq": "1"}, {"$eq": "1"}),
        ({"anyOf": [INNER, {"type": "null"}]}, {"eq": "1"}, {"$eq": "1"}),
        ({"allOf": [{"$ref": "#/$defs/inner"}]}, {"eq": "1"}, {"$eq": "1"}),
        ({"type": "object", "additionalProperties": INNER}, {"k": {"eq": "1"}}, {"k": {"$eq": "1"}}),
        ({"type": "array", "prefixItems": [{}, INNER]}, [1, {"eq": "1"}], [1, {"$eq": "1"}]),
        ({"type": "array", "items": {"$ref": "#/properties/in%20it"}}, [{"eq": "1"}], [{"$eq": "1"}]),
    ],
    ids=["reference", "any of", "all of", "additional", "places", "a property"],
)
async def test_names_are_put_back_wherever_they_stand(schema: dict[str, Any], written: Any, own: Any) -> None:
    whole = {"type": "object", "properties": {"a": schema, "in it": INNER}, "$defs": {"inner": INNER}}
    done = await toolbox(whole).call("p__go", json.dumps({"a": written}))
    assert done["result"] == {"a": own}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"$filter": INNER, "b": {"$ref": "#/properties/$filter"}}},
        {"anyOf": [{"properties": {"a": INNER}}, {"properties": {"b": {"$ref": "#/anyOf/0/properties/a"}}}]},
        {"$ref": "#/$defs/Foo%5BBar%5D", "$defs": {"Foo[Bar]": {"type": "object", "properties": {"b": INNER}}}},
        {"properties": {"b": {"type": "array", "items": {"$ref": "#"}}}},
        {
            "$ref": "#/$defs/A",
            "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
            "properties": {"b": {}},
        },
    ],
    ids=["a renamed property", "an alternative", "escaped", "itself", "in a circle"],
)
def test_every_reference_that_is_shown_leads_somewhere(schema: dict[str, Any], form: str) -> None:
    found = shown({"type": "object", **schema}, form)
    assert "b" in found["properties"]
    checks = Draft202012Validator(found)
    assert list(checks.iter_errors({"b": 5}))[:1] or found["properties"]["b"] == {}


ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "x",
    "#x",
    [],
    ["x"],
    ["x", "x"],
    [1],
    [{}],
    {},
    {"x": 1},
    {"x": "y"},
    "(?<n>a",
    "[",
]
META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
KEYWORDS = {*META_KEYWORDS, "id", "nullable", "additionalItems", "example"}


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_whatever_stands_at_a_keyword_no_api_refuses_it(keyword: str) -> None:
    kinds: tuple[dict[str, Any], ...] = ({}, {"type": "array"}, {"type": "string"})
    told = [{**kind, keyword: value} for value in ODD_VALUES for kind in kinds]
    whole = repaired({"type": "object", "properties": {f"a{number}": each for number, each in enumerate(told)}})
    tops = [repaired({keyword: value, "type": "object"}) for value in ODD_VALUES]
    for schema in (whole, *tops):
        assert isinstance(schema, dict)
        assert list(META.iter_errors(shown(schema, "anthropic"))) == []


@pytest.mark.parametrize("pattern", ["(?!a).*", "[", r"\p{L}+", "(?P<n>a)", "a" * 600])
def test_a_pattern_that_not_every_api_can_read_is_not_shown(pattern: str) -> None:
    texts = {"a": {"type": "string", "pattern": pattern}, "b": {"type": "string", "pattern": "^(?:a|b)$"}}
    schema = shown({"type": "object", "properties": texts, "patternProperties": {pattern: {}, "^x": {}}}, "openai")
    assert schema["properties"] == {"a": {"type": "string"}, "b": texts["b"]}
    assert schema["patternProperties"] == {"^x": {}}


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
        ({**CITY, "if": {"required": ["input"]}, "then": {}}, {"input": {"city": "Rome"}}),
        ({**CITY, "propertyNames": {"enum": ["city", "input"]}}, {"input": {"city": "Rome"}}),
        ({**CITY, "dependentSchemas": {"input": {}}}, {"input": {"city": "Rome"}}),
    ],
    ids=[
        *("any of", "reference", "anything", "nothing said", "another property", "a pattern"),
        *("a condition", "names", "a dependency"),
    ],
)
def test_arguments_that_fit_stay_as_they_are(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert repair("go", arguments, schema) == arguments


@pytest.mark.parametrize(
    "schema",
    [CITY, {**CITY, "required": ["city"]}, {**CITY, "additionalProperties": False}],
    ids=["may", "must", "no other"],
)
@pytest.mark.parametrize("wrapping", ["go", "arguments", "parameters", "input"])
def test_arguments_that_were_wrapped_are_unwrapped(schema: dict[str, Any], wrapping: str) -> None:
    assert repair("go", {wrapping: {"city": "Rome"}}, schema) == {"city": "Rome"}
