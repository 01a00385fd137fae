"""Whether what a plugin calls a schema is one, and whether what it calls a name can be one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

TYPES = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})
MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLES = (
    *("additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames"),
    *("additionalItems", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
)
DEEPEST = 64

# What the Model Context Protocol allows in a tool's name (SEP-986), which is what every framework can map to its own.
_NAME = re.compile(r"[A-Za-z0-9_.\-/]{1,128}")


def name_problem(name: object) -> str | None:
    """Return why *name* cannot name an action, or None."""
    if not isinstance(name, str) or not name:
        return "an action has no name"
    if not _NAME.fullmatch(name):
        shown = name if len(name) <= 60 else f"{name[:60]}… ({len(name)} characters)"
        return f"{shown!r} is no usable name: at most 128 letters, digits, _ - . or /"
    return None


def schema_problem(schema: object) -> str | None:
    """Return why *schema* cannot describe an action's arguments, or None.

    Checks by hand what a validator stumbles over; checking against the whole meta-schema takes milliseconds a tool.
    """
    if not isinstance(schema, dict):
        return f"its schema is {type(schema).__name__}, not an object"
    if schema.get("type") != "object":
        return f"its schema describes {schema.get('type')!r}, not an object"
    return _problem(schema, "", 0) or json_problem(schema)


def json_problem(schema: Mapping[str, Any]) -> str | None:
    """Return why *schema* cannot be part of a request to a model, or None: one that cannot would break every turn."""
    try:
        json.dumps(schema, allow_nan=False, ensure_ascii=False, default=_mapping).encode()
    except (ValueError, TypeError, RecursionError) as error:
        return f"its schema is no JSON: {error}"
    return None


def _mapping(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"there is a {type(value).__name__} in it")


def cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with what is left out or null by habit put right: the type, empty lists and maps."""
    kept = {key: value for key, value in schema.items() if value is not None}
    return {"type": "object", "properties": {}, **kept}


def _problem(schema: object, where: str, depth: int) -> str | None:
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict) or depth > DEEPEST:
        return f"its schema is broken at {where or '/'}"
    kinds = schema.get("type", [])
    if not {kinds} <= TYPES if isinstance(kinds, str) else not _is_types(kinds):
        return f"its schema has an unknown type at {where or '/'}: {kinds!r}"
    if not _is_names(schema.get("required", [])) or not isinstance(schema.get("enum", []), list):
        return f"its schema is broken at {where or '/'}: required or enum is no list"
    for key, child in _children(schema):
        if problem := _problem(child, f"{where}/{key}", depth + 1):
            return problem
    return None


def _children(schema: dict[str, Any]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key in MAPS:
        if key in schema:
            inner = schema[key]
            found += (
                [(f"{key}/{name}", each) for name, each in inner.items()] if isinstance(inner, dict) else [(key, None)]
            )
    for key in LISTS:
        if key in schema:
            inner = schema[key]
            found += (
                [(f"{key}/{n}", each) for n, each in enumerate(inner)] if isinstance(inner, list) else [(key, None)]
            )
    for key in SINGLES:
        if key in schema:
            inner = schema[key]
            # Before draft 2020-12 `items` could be a list.
            many = key == "items" and isinstance(inner, list)
            found += [(f"{key}/{n}", each) for n, each in enumerate(inner)] if many else [(key, inner)]
    return found


def _is_types(kinds: object) -> bool:
    return isinstance(kinds, list) and all(isinstance(each, str) and each in TYPES for each in kinds)


def _is_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(each, str) for each in names)
