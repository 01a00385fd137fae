"""Schemas as the APIs of models take them, and what a model writes by them put back into the action's own names.

An API that refuses one schema refuses the whole request, and with it every turn. What is changed here is only what a
model is shown: an action is called, and its arguments are checked, by its own schema.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.schema_checks import DEEPEST, LISTS, MAPS, SINGLES

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_KEY_LENGTH = 64
_JOINED = ("allOf", "anyOf", "oneOf")
# None of these may stand at the top, next to the properties.
_REFUSED_AT_THE_TOP = (*_JOINED, "not", "enum", "const", "if", "then", "else", "$ref")


def for_models(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* as every API takes it: no alternatives at the top, plain keys, lists that say of what.

    The same object where nothing has to be changed.
    """
    plain = dict(schema)
    shown = _safe(_flattened(plain), 0)
    return plain if shown == plain else shown


def in_own_names(arguments: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments*, which were written by :func:`for_models`'s schema, with the names that *schema* has."""
    named = _named_back(arguments, _flattened(dict(schema)), 0)
    return named if isinstance(named, dict) else arguments


def _flattened(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object's schema with what stands in its alternatives at the top among its properties."""
    if not any(key in schema for key in _REFUSED_AT_THE_TOP):
        return schema
    properties, required = _gathered(schema, schema, 0)
    kept = {key: value for key, value in schema.items() if key not in _REFUSED_AT_THE_TOP}
    kept |= {"type": "object", "properties": properties}
    kept.pop("required", None)
    if required:
        kept["required"] = [name for name in properties if name in required]
    if schema.get("additionalProperties") is False and len(properties) > len(schema.get("properties", {})):
        kept.pop("additionalProperties")
    return kept


def _gathered(schema: object, root: dict[str, Any], depth: int) -> tuple[dict[str, Any], set[str]]:
    """Return all properties that *schema* names anywhere at its top, and those that are required in any case."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return {}, set()
    properties = dict(schema.get("properties") or {})
    required = {name for name in schema.get("required") or () if isinstance(name, str)}
    parts = [_gathered(_referred(schema.get("$ref"), root), root, depth + 1)]
    parts += [_gathered(each, root, depth + 1) for each in schema.get("allOf") or ()]
    for found, needed in parts:
        properties = {**found, **properties}
        required |= needed
    for key in ("anyOf", "oneOf"):
        branches = [_gathered(each, root, depth + 1) for each in schema.get(key) or ()]
        for found, _ in branches:
            properties = {**found, **properties}
        if branches:
            required |= set.intersection(*(needed for _, needed in branches))
    return properties, required


def _referred(reference: object, root: dict[str, Any]) -> object:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    place: Any = root
    for step in reference[2:].split("/"):
        place = place.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(place, dict) else None
    return place


def _safe(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return schema
    found = dict(schema)
    if isinstance(found.get("properties"), dict):
        names = shown_names(found["properties"])
        found["properties"] = {names[key]: _safe(each, depth + 1) for key, each in found["properties"].items()}
        if isinstance(found.get("required"), list):
            found["required"] = [names.get(each, each) for each in found["required"]]
    for key in (*MAPS, *LISTS, *SINGLES):
        inner = found.get(key)
        if key == "properties" or inner is None:
            continue
        if isinstance(inner, list):
            found[key] = [_safe(each, depth + 1) for each in inner]
        elif key in MAPS and isinstance(inner, dict):
            found[key] = {name: _safe(each, depth + 1) for name, each in inner.items()}
        else:
            found[key] = _safe(inner, depth + 1)
    kinds = found.get("type")
    is_list = kinds == "array" or (isinstance(kinds, list) and "array" in kinds)
    if is_list and not isinstance(found.get("items"), dict):
        first = found.get("prefixItems") or found.get("items")
        found["items"] = _of_all(first) if isinstance(first, list) else {}
    return found


def _of_all(shapes: list[Any]) -> dict[str, Any]:
    """Return the schema of a list's items, of which each place had its own."""
    return {"anyOf": [each for each in shapes if isinstance(each, dict)]} if any(shapes) else {}


def shown_names(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each name of a property, the one that a model is shown: plain, of at most 64 characters, unique."""
    shown = {name: name for name in properties if _KEY.fullmatch(name)}
    taken = set(shown)
    for name in properties:
        if name not in shown:
            plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
            if not plain or len(plain) > _KEY_LENGTH or plain in taken:
                digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
                plain = f"{(plain or 'x')[: _KEY_LENGTH - 9]}_{digest}"
            shown[name] = plain
            taken.add(plain)
    return shown


def _named_back(value: Any, schema: object, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return value
    if isinstance(value, list):
        return [_named_back(each, schema.get("items"), depth + 1) for each in value]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    own = {shown: name for name, shown in shown_names(properties).items() if shown != name and name not in value}
    return {
        (name := own.get(key, key)): _named_back(each, properties.get(name), depth + 1) for key, each in value.items()
    }
