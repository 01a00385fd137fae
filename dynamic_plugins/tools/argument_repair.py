"""Arguments as a model wrote them, repaired where models get them wrong in practice."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import BadArgumentsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def repair(tool: str, arguments: Mapping[str, Any] | str | None, schema: dict[str, Any]) -> dict[str, Any]:
    """Return *arguments* as a dict that has the schema's names, mending what models get wrong in practice.

    A JSON string is parsed (twice if need be), the tool's own name nested in its arguments is taken off unless they
    fit as they are, camelCase names become snake_case where the schema has them so, an object in place of
    ``[{"name", "value"}]`` becomes the list, and what may be null and was left out is null. Raises
    :class:`BadArgumentsError` for what is no object.
    """
    value: Any = arguments
    for _ in range(2):
        if isinstance(value, str):
            value = _parsed(tool, value, schema)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadArgumentsError(tool, "arguments must be one JSON object", schema)
    properties: dict[str, Any] = schema.get("properties", {})
    for nested in (tool, "arguments", "parameters", "input"):
        if set(value) == {nested} and isinstance(value[nested], dict) and not _is_meant(value, nested, schema):
            value = value[nested]
    repaired = {_known_name(key, properties): each for key, each in value.items()}
    if len(repaired) < len(value):
        raise BadArgumentsError(tool, "one argument is given twice, in two spellings of its name", schema)
    if "configuration" in properties and isinstance(repaired.get("configuration"), dict):
        repaired["configuration"] = [{"name": k, "value": v} for k, v in repaired["configuration"].items()]
    for key in schema.get("required", ()):
        if key not in repaired and "null" in _types(properties.get(key, {})):
            repaired[key] = None
    return repaired


def _is_meant(value: dict[str, Any], nested: str, schema: dict[str, Any]) -> bool:
    """Return whether an object with the one key *nested* is what the schema asks for, and no wrapping of it.

    Where a schema names properties and says nothing of others, what has its properties within was wrapped.
    """
    properties = schema.get("properties") or {}
    if nested in properties:
        return True
    said = any(key in schema for key in _SAYS_MORE)
    if properties and not said and value[nested].keys() <= {*properties, *map(_camel, properties)}:
        return False
    try:
        check_arguments(nested, value, schema)
    except BadArgumentsError:
        return False
    return True


_SAYS_MORE = (
    *("additionalProperties", "patternProperties", "anyOf", "oneOf", "allOf", "$ref", "$dynamicRef", "if", "not"),
    *("propertyNames", "dependentSchemas", "dependentRequired", "dependencies", "unevaluatedProperties"),
)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _parsed(tool: str, text: str, schema: dict[str, Any]) -> Any:
    if not text.strip():
        return {}
    try:
        return parse_json(text)
    except ValueError as error:
        raise BadArgumentsError(tool, f"arguments are not JSON ({error})", schema) from None


def _known_name(key: str, properties: Mapping[str, Any]) -> str:
    if key in properties:
        return key
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
    return snake if snake in properties else key


def _types(schema: Mapping[str, Any]) -> Iterable[str]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else kind


def with_texts(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return *value* with texts where *schema* wants texts, and a model wrote a whole number, true or false.

    A number with a point stays as it is: ``1.10`` has come as ``1.1``, and nobody knows which was meant.
    """
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {key: with_texts(each, properties.get(key, {})) for key, each in value.items()}
    if isinstance(value, list):
        return [with_texts(each, schema.get("items", {})) for each in value]
    if isinstance(value, int) and "string" in _types(schema):
        return json.dumps(value)
    return value


def with_types(arguments: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments* without what does not fit its property's plain type and is plain in its meaning.

    Text for a number, for true or false, or for an object or a list is read; null in the place of what may be left out,
    as frameworks with typed arguments send it, is left out. What fits stays as it is.
    """
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return arguments
    needed = required if isinstance(required, list) else []
    found = {}
    for name, value in arguments.items():
        types = _plain_types(properties.get(name))
        if value is None and types and "null" not in types and name not in needed:
            continue
        found[name] = _read_as(types, value) if isinstance(value, str) and types and "string" not in types else value
    return found


def _plain_types(told: Any) -> frozenset[str]:
    """Return the types that a schema says by name, its alternatives' too; none where it says anything else."""
    if not isinstance(told, dict) or not told.keys().isdisjoint({"$ref", "allOf", "not", "if", "const", "enum"}):
        return frozenset()
    for key in ("anyOf", "oneOf"):
        if key in told:
            each = [_plain_types(one) for one in told[key]] if isinstance(told[key], list) else []
            return frozenset().union(*each) if each and all(each) else frozenset()
    return frozenset(one for one in _types(told) if isinstance(one, str))


_WORDS = {"true": True, "false": False}


def _read_as(types: frozenset[str], text: str) -> Any:
    """Return what *text* says as one of *types*, none of which is a text; the text itself where it says none."""
    plain = text.strip()
    if "boolean" in types and plain.lower() in _WORDS:
        return _WORDS[plain.lower()]
    if "null" in types and plain.lower() in ("null", "none", ""):
        return None
    try:
        value = parse_json(plain)
    except ValueError:
        return text
    kinds = {dict: "object", list: "array", int: "integer", float: "number"}
    kind = kinds.get(type(value))
    return value if kind in types or (kind == "integer" and "number" in types) else text
