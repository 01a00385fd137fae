"""Schemas as servers write them, made valid: what is odd is put right or left out, so that the rest can be used.

What is taken out here is left to the plugin itself, which gets the arguments as they were given.
"""

from __future__ import annotations

import math
import re
from typing import Any

from dynamic_plugins.core.schema_checks import DEEPEST, LISTS, MAPS, SINGLES, TYPES

_OTHER_NAMES = {
    "str": "string",
    "text": "string",
    "int": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "dict": "object",
    "map": "object",
    "list": "array",
    "tuple": "array",
    "none": "null",
}
_BOUNDS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
_COUNTS = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
)
_OLD_DRAFTS = ("json-schema.org/draft-03", "json-schema.org/draft-04")
_TEXTS = frozenset(
    {"$schema", "$comment", "title", "description", "format", "pattern", "contentMediaType", "contentEncoding"}
)
_FLAGS = frozenset({"deprecated", "readOnly", "writeOnly", "uniqueItems"})
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_MAY_BE_NULL = frozenset({"default", "const", "example"})


def repaired(schema: object) -> object:
    """Return an action's schema with what servers get wrong put right, or the schema itself where nothing can be done.

    Nulls and empty lists in the place of maps, unknown types, ``required`` at a property, bounds of draft 4, OpenAPI's
    ``nullable`` and references to what is not there: each costs itself alone. The top describes an object.
    """
    if schema is None or schema is True or schema == []:
        schema = {}
    if not isinstance(schema, dict):
        return schema
    root = _mended(schema, schema, 0)
    root.setdefault("type", "object")
    root.setdefault("properties", {})
    if isinstance(root["type"], list) and "object" in root["type"]:
        root["type"] = "object"
    return root


def _mended(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    found = {key: value for key, value in schema.items() if value is not None or key in _MAY_BE_NULL}
    if depth > DEEPEST:
        return found
    _repair_reference(found, root)
    if any(old in str(found.get("$schema", "")) for old in _OLD_DRAFTS):
        del found["$schema"]
    _repair_words(found)
    _repair_type(found)
    _repair_bounds(found)
    _repair_lists(found)
    _repair_tuple(found, root)
    for key in (*MAPS, *LISTS, *SINGLES):
        if key in found:
            _repair_children(found, key, root, depth + 1)
    _repair_nullable(found)
    return found


def _repair_words(schema: dict[str, Any]) -> None:
    """Leave out what is of another type than its keyword takes; an API that checks schemas refuses all of it."""
    for key in _TEXTS & schema.keys():
        if not isinstance(schema[key], str):
            del schema[key]
    for key in _FLAGS & schema.keys():
        if not isinstance(schema[key], bool):
            del schema[key]
    for key in ("$anchor", "$dynamicAnchor"):
        if key in schema and not (isinstance(schema[key], str) and _ANCHOR.fullmatch(schema[key])):
            del schema[key]
    # What it calls itself would change what the references within it mean, and nothing refers to it by that.
    for key in ("$id", "$vocabulary"):
        schema.pop(key, None)
    if not isinstance(schema.get("examples", []), list):
        del schema["examples"]
    _repair_dependencies(schema)


def _repair_dependencies(schema: dict[str, Any]) -> None:
    for key in ("dependentRequired", "dependencies"):
        if key not in schema:
            continue
        told = schema.pop(key)
        kept = {name: each for name, each in told.items() if _is_names(each)} if isinstance(told, dict) else {}
        if kept:
            schema[key] = kept


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len({*value}) == len(value)


def _repair_tuple(schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Write a list with a schema for each place as today's JSON Schema does, unless the whole is of an older one."""
    if isinstance(schema.get("items"), list) and ("$schema" not in root or "2020-12" in str(root["$schema"])):
        schema.setdefault("prefixItems", schema.pop("items"))
        if "additionalItems" in schema:
            schema["items"] = schema.pop("additionalItems")


def _repair_reference(schema: dict[str, Any], root: dict[str, Any]) -> None:
    own, reference = root.get("$id"), schema.get("$ref")
    if isinstance(own, str) and isinstance(reference, str) and reference.startswith(f"{own.rstrip('#')}#"):
        schema["$ref"] = reference[len(own.rstrip("#")) :]
    for key in ("$ref", "$dynamicRef"):
        if key in schema and not _leads_somewhere(schema[key], root):
            del schema[key]


def _leads_somewhere(reference: object, root: dict[str, Any]) -> bool:
    """Return whether a reference points into its own document; whatever lies elsewhere is never fetched."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    if not reference.startswith("#/"):
        return reference == "#" or _has_anchor(root, reference[1:], 0)
    from urllib.parse import unquote

    place: Any = root
    for step in unquote(reference[2:]).split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
            place = place[int(step)]
        elif isinstance(place, dict) and step in place:
            place = place[step]
        else:
            return False
    return isinstance(place, dict | bool)


def _has_anchor(value: object, name: str, depth: int) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(value, list):
        return any(_has_anchor(each, name, depth + 1) for each in value)
    if not isinstance(value, dict):
        return False
    named = name in (value.get("$anchor"), value.get("$dynamicAnchor"))
    return named or any(_has_anchor(each, name, depth + 1) for each in value.values())


def _repair_type(schema: dict[str, Any]) -> None:
    if "type" not in schema:
        return
    kinds = schema["type"]
    known = [found for kind in (kinds if isinstance(kinds, list) else [kinds]) if (found := _known_type(kind))]
    if isinstance(kinds, list) and len(known) == len(kinds) and known:
        schema["type"] = list(dict.fromkeys(known))
    elif not isinstance(kinds, list) and known:
        schema["type"] = known[0]
    else:  # of a type that nobody knows anything may be meant
        del schema["type"]


def _known_type(kind: object) -> str | None:
    if not isinstance(kind, str):
        return None
    kind = _OTHER_NAMES.get(kind.lower(), kind.lower())
    return kind if kind in TYPES else None


def _repair_bounds(schema: dict[str, Any]) -> None:
    """Turn the bounds of draft 4, which OpenAPI 3.0 has too, into today's."""
    for bound, exclusive in _BOUNDS:
        if schema.get(exclusive) is True and _is_number(schema.get(bound)):
            schema[exclusive] = schema.pop(bound)
        for key in (bound, exclusive, "multipleOf"):
            if key in schema and not _is_number(schema[key]):
                del schema[key]
    if schema.get("multipleOf", 1) <= 0:
        del schema["multipleOf"]
    for key in _COUNTS:
        if key in schema and (not _is_number(schema[key]) or schema[key] < 0 or schema[key] % 1):
            del schema[key]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _repair_lists(schema: dict[str, Any]) -> None:
    if "required" in schema and not isinstance(schema["required"], list):
        del schema["required"]
    elif "required" in schema:
        schema["required"] = list(dict.fromkeys(each for each in schema["required"] if isinstance(each, str)))
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        del schema["enum"]


def _repair_children(schema: dict[str, Any], key: str, root: dict[str, Any], depth: int) -> None:
    inner = schema[key]
    if key in MAPS:
        children = inner if isinstance(inner, dict) else {}
        if key == "properties":
            children = dict(children)
            _gather_required(schema, children)
        schema[key] = {name: _as_map(_child(each, root, depth)) for name, each in children.items()}
    elif key in LISTS or (key == "items" and isinstance(inner, list)):
        schema[key] = [_child(each, root, depth) for each in inner] if isinstance(inner, list) else []
        if not schema[key]:
            del schema[key]
    else:
        schema[key] = _child(inner, root, depth)


def _gather_required(schema: dict[str, Any], properties: dict[str, Any]) -> None:
    """Move ``required: true`` at a property, as draft 3 has it, or a list among them, to where it belongs."""
    wanted = [name for name, each in properties.items() if isinstance(each, dict) and each.get("required") is True]
    if _is_names(properties.get("required")):
        wanted += [name for name in properties.pop("required") if name in properties]
    if wanted:
        schema["required"] = list(dict.fromkeys([*schema.get("required", ()), *wanted]))


def _child(value: object, root: dict[str, Any], depth: int) -> dict[str, Any] | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (kind := _known_type(value)):  # {"city": "string"}
        return {"type": kind}
    return _mended(value, root, depth) if isinstance(value, dict) else {}


def _as_map(schema: dict[str, Any] | bool) -> dict[str, Any]:
    """Return the schema that says what ``true`` or ``false`` says, which some models of schemas do not take."""
    return schema if isinstance(schema, dict) else {} if schema else {"not": {}}


def _repair_nullable(schema: dict[str, Any]) -> None:
    """Let what OpenAPI calls ``nullable`` be null."""
    if schema.pop("nullable", False) is not True:
        return
    kinds = schema.get("type")
    if kinds is not None:
        schema["type"] = list(dict.fromkeys([*([kinds] if isinstance(kinds, str) else kinds), "null"]))
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            schema[key] = [*schema[key], {"type": "null"}]
            return
    if "$ref" in schema:
        schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"type": "null"}]
