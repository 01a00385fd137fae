"""Arguments are held to an action's schema exactly as jsonschema holds them, whichever way is taken."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.errors import BadArgumentsError

NAMES_THERE_ARE = ["query", "limit", "tags"]
NAMES = some.sampled_from(NAMES_THERE_ARE)
VALUES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-2, 2),
    some.floats(-2, 2),
    some.sampled_from(["", "a"]),
    some.lists(NAMES),
)
KINDS = some.sampled_from(["string", "integer", "number", "boolean", "null", "array"])
PLAIN = some.fixed_dictionaries({}, optional={"type": KINDS})
MORE = some.one_of(
    *(
        some.fixed_dictionaries({key: value})
        for key, value in {
            "type": some.lists(KINDS, min_size=1, max_size=2, unique=True),
            "default": VALUES,
            "enum": some.lists(VALUES, min_size=1, max_size=2),
            "minimum": some.integers(-1, 1),
            "minLength": some.just(1),
            "not": PLAIN,
        }.items()
    )
)
RICH = some.builds(dict.__or__, PLAIN, MORE)
VALUE_SCHEMAS = some.one_of(PLAIN, RICH)
PLAIN_SCHEMAS = some.fixed_dictionaries(
    {"type": some.just("object"), "properties": some.fixed_dictionaries(dict.fromkeys(NAMES_THERE_ARE, VALUE_SCHEMAS))},
    optional={"required": some.lists(NAMES, max_size=1)},
)
SCHEMAS = some.fixed_dictionaries(
    {"type": some.just("object")},
    optional={
        "$schema": some.sampled_from(
            ["http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-04/schema#"]
        ),
        "title": some.just("Arguments"),
        "properties": some.dictionaries(NAMES, VALUE_SCHEMAS),
        "required": some.lists(NAMES, unique=True),
        "additionalProperties": some.one_of(some.booleans(), VALUE_SCHEMAS),
        "minProperties": some.just(1),
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(some.dictionaries(NAMES, VALUES), some.one_of(PLAIN_SCHEMAS, SCHEMAS))
def test_what_is_refused_is_what_jsonschema_refuses(arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    if not arguments and not schema.get("required"):
        schema.pop("minProperties", None)  # nothing given and nothing required is never looked at
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    if kind(schema).is_valid(arguments):
        check_arguments("tool", arguments, schema)
    else:
        with pytest.raises(BadArgumentsError):
            check_arguments("tool", arguments, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": [], "required": ["a"]},
        {"type": "object", "properties": {"a": 3}},
        {"type": "object", "properties": {"a": {"type": 3}}},
        {"type": "object", "required": [[]]},
        {"type": "object", "required": 3},
        {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}},
    ],
    ids=["properties", "property", "type", "a required list", "required", "an address"],
)
def test_a_schema_that_is_none_is_an_error_of_that_call(schema: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentsError, match="its schema cannot be used"):
        check_arguments("tool", {"a": 1}, schema)


def test_a_schema_that_refers_to_itself_is_left_to_the_plugin() -> None:
    itself = {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}}
    other = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
    check_arguments("tool", {"a": 1}, itself)  # raises where it refuses
    with pytest.raises(BadArgumentsError, match="not of type 'string'"):
        check_arguments("tool", {"a": 1}, other)


@pytest.mark.parametrize(
    "more",
    [
        {"enum": [2]},
        {"const": 2},
        {"minimum": 2},
        {"exclusiveMaximum": 1},
        {"multipleOf": 2},
        {"not": {"type": "integer"}},
        {"allOf": [{"minimum": 2}]},
        {"anyOf": [{"minimum": 2}]},
        {"$ref": "#/$defs/two"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_a_schema_says_of_a_value_besides_its_type_counts(more: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", **more}}, "$defs": {"two": {"minimum": 2}}}
    with pytest.raises(BadArgumentsError):
        check_arguments("tool", {"a": 1}, schema)
    del schema["$defs"]
    with pytest.raises(BadArgumentsError):
        check_arguments("tool", {"a": 1}, schema)


@pytest.mark.parametrize(
    "more",
    [
        {"minProperties": 2},
        {"maxProperties": 0},
        {"propertyNames": {"minLength": 2}},
        {"dependentRequired": {"a": ["b"]}},
        {"required": ["b"]},
        {"not": {"required": ["a"]}},
        {"allOf": [{"required": ["b"]}]},
        {"if": True, "then": False},
        {"properties": {}, "additionalProperties": False},
        {"properties": {}, "additionalProperties": {"type": "string"}},
    ],
    ids=lambda more: list(more)[-1],
)
def test_what_a_schema_says_of_the_whole_besides_names_counts(more: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, **more}
    with pytest.raises(BadArgumentsError):
        check_arguments("tool", {"a": 1}, schema)


SLOW = "^(a+)+$"
ANSWER = "a" * 60 + "!"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string", "pattern": SLOW}}},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": SLOW}}},
        {"properties": {"a": {"$ref": "#/examples/0"}}, "examples": [{"pattern": SLOW}]},
        {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"pattern": SLOW}}},
        {"propertyNames": {"pattern": SLOW}},
        {"patternProperties": {SLOW: False}},
        {"patternProperties": {SLOW: {}}, "additionalProperties": False},
        {"patternProperties": {SLOW: {}}, "unevaluatedProperties": False},
        {"allOf": [{"patternProperties": {SLOW: {}}}], "unevaluatedProperties": False},
        {"$schema": "http://json-schema.org/draft-04/schema#", "patternProperties": {SLOW: {}}},
        {"$schema": "http://json-schema.org/draft-03/schema#", "properties": {"a": {"pattern": SLOW}}},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "unevaluatedProperties": {"pattern": SLOW}},
        {"properties": {"a": {"pattern": "("}}, "patternProperties": {"[": {}}},
    ],
)
def test_the_regular_expressions_of_a_schema_are_left_to_its_plugin(schema: dict[str, Any]) -> None:
    assert takes({"type": "object", **schema}, {"a": ANSWER, ANSWER: ANSWER})


def takes(schema: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Whether *schema* has nothing against *arguments*."""
    try:
        check_arguments("tool", arguments, schema)
    except BadArgumentsError:
        return False
    return True


def test_what_a_schema_says_besides_a_pattern_counts() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": SLOW, "maxLength": 3}}}
    with pytest.raises(BadArgumentsError, match="is too long"):
        check_arguments("tool", {"a": "aaaaa"}, schema)


def test_a_schema_that_multiplies_itself_is_checked_no_further_than_is_bearable() -> None:
    doubling = {f"x{n}": {"allOf": [{"$ref": f"#/$defs/x{n + 1}"}] * 2} for n in range(40)}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x0"}}, "$defs": {**doubling, "x40": {}}}
    check_arguments("tool", {"a": 1}, schema)
    with pytest.raises(BadArgumentsError, match="required"):
        check_arguments("tool", {"a": 1}, {"required": ["b"], **schema})
