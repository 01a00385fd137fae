"""A form made from a stranger's schema, and the arguments that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.web.action_form import PREFIX, WHOLE, arguments, has_form, parameters

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Who", "maxLength": 40},
        "body": {"type": "string"},
        "password": {"type": "string", "format": "password"},
        "count": {"type": "integer", "minimum": 1, "default": 3},
        "share": {"type": ["number", "null"]},
        "loud": {"type": "boolean"},
        "mood": {"enum": ["calm", 1, None]},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"anyOf": [{"const": "a"}, {"enum": ["b"]}, {"type": "null"}]},
        "place": {"$ref": "#/$defs/Place"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "count"],
    "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


def entered(**fields: str) -> dict[str, str]:
    return {PREFIX + name: text for name, text in fields.items()}


def test_each_property_has_a_field_of_its_kind() -> None:
    fields = {field.name: field for field in parameters(SCHEMA)}
    assert {name: field.kind for name, field in fields.items()} == {
        "name": "text",
        "body": "long",
        "password": "secret",
        "count": "integer",
        "share": "number",
        "loud": "boolean",
        "mood": "choice",
        "maybe": "integer",
        "either": "choice",
        "place": "json",
        "tags": "json",
    }
    assert [name for name, field in fields.items() if field.required] == ["name", "count"]
    assert (fields["count"].default, fields["count"].limits) == ("3", "at least 1")
    assert fields["mood"].choices == ('"calm"', "1", "null")
    assert fields["either"].choices == ('"a"', '"b"')
    assert len({field.id for field in fields.values()}) == len(fields)


def test_what_was_entered_has_the_types_of_the_schema() -> None:
    told = entered(
        name="Ada",
        body="two\r\nlines",
        count="2",
        share="0.5",
        loud="true",
        mood="null",
        maybe="7",
        either='"b"',
        place='{"city": "Delft"}',
        tags='["a"]',
    )
    assert arguments("p", SCHEMA, told) == {
        "name": "Ada",
        "body": "two\nlines",
        "count": 2,
        "share": 0.5,
        "loud": True,
        "mood": None,
        "maybe": 7,
        "either": "b",
        "place": {"city": "Delft"},
        "tags": ["a"],
    }
    assert arguments("p", SCHEMA, entered(name="", count="1", body="")) == {"name": "", "count": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"count": "two"}, "count must be a whole number"),
        ({"count": "0"}, "less than the minimum"),
        ({"share": "much"}, "share must be a number"),
        ({"loud": "maybe"}, "loud must be one of the choices"),
        ({"mood": '"angry"'}, "is not one of"),
        ({"place": "Delft"}, "place must be JSON"),
        ({"place": "{}"}, "'city' is a required property"),
        ({"tags": "[1]"}, "is not of type 'string'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(BadArgumentsError, match=reason):
        arguments("p", SCHEMA, entered(**{"name": "Ada", "count": "1"} | fields))


def test_a_schema_that_has_no_form_is_entered_as_json() -> None:
    schema: dict[str, Any] = {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
    assert not has_form(schema)
    assert arguments("p", schema, {WHOLE: '{"a": 1}'}) == {"a": 1}
    for text in ("nonsense", "[]"):
        with pytest.raises(BadArgumentsError):
            arguments("p", schema, {WHOLE: text})


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": 3},
        {"properties": {"a": 3, "b": None, "c": {"type": 7, "enum": 1, "anyOf": "x"}}, "required": "a"},
        {
            "properties": {
                "a": {"$ref": "#/nowhere"},
                "b": {"$ref": "https://evil.example/x"},
                "c": {"$ref": "#/properties/c"},
            }
        },
        {"properties": {f"p{number}": {} for number in range(1000)}},
        {"properties": {"a": {"anyOf": [{"anyOf": []}, {"type": "null"}, 3]}}},
    ],
)
def test_a_schema_of_any_shape_has_a_page(schema: dict[str, Any]) -> None:
    assert len(parameters(schema)) <= 100
    has_form(schema)
