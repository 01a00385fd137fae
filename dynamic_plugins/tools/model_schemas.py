"""Schemas as the APIs of models take them, and what a model writes by them put back into the action's own names.

An API that refuses one schema refuses the whole request, and with it every turn. What is changed here is only what a
model is shown: an action is called, and its arguments are checked, by its own schema.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dynamic_plugins.core.schema_checks import DEEPEST, LISTS, MAPS, SINGLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_KEY_LENGTH = 64
_PATTERN_LENGTH = 500
_AMONG_DEFINITIONS = re.compile(r"#/(?:\$defs|definitions)/[^/]+").fullmatch
_JOINED = ("allOf", "anyOf", "oneOf")
# None of these may stand at the top, next to the properties.
_REFUSED_AT_THE_TOP = (*_JOINED, "not", "enum", "const", "if", "then", "else", "$ref")


def for_models(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* as every API takes it: no alternatives at the top, plain keys, lists that say of what.

    What a reference leads to stays where it is; a pattern is left out that not every API can read.

    The same object where nothing has to be changed.
    """
    plain = dict(schema)
    shown = _safe(_flattened(_self_contained(plain)), 0)
    return plain if shown == plain else shown


def renames(schema: Mapping[str, Any]) -> bool:
    """Return whether :func:`for_models` shows any property of *schema* under a name that is not its own."""
    waiting: list[tuple[Any, int]] = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > 2 * DEEPEST or not isinstance(value, dict | list):
            continue
        if isinstance(value, dict) and not all(map(_KEY.fullmatch, _map_in(value, "properties"))):
            return True
        waiting += [(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)]
    return False


def in_own_names(arguments: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments*, which were written by :func:`for_models`'s schema, with the names that *schema* has."""
    whole = _flattened(_self_contained(dict(schema)))
    named = _named_back(arguments, [whole], whole, 0)
    return named if isinstance(named, dict) else arguments


def _self_contained(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with what references lead to among its definitions: names and places elsewhere may change."""
    elsewhere = {each for each in _references(schema, 0) if each.startswith("#/") and not _AMONG_DEFINITIONS(each)}
    if not elsewhere:
        return schema
    definitions = schema.get("$defs")
    definitions = dict(definitions) if isinstance(definitions, dict) else {}
    places: dict[str, str] = {}
    for reference in sorted(elsewhere):
        name = f"at_{hashlib.sha256(reference.encode('utf-8', 'replace')).hexdigest()[:12]}"
        places[reference] = f"#/$defs/{name}"
        definitions[name] = _referred(reference, schema)
    found = _redirected({**schema, "$defs": definitions}, places, 0)
    return found if isinstance(found, dict) else schema


def _references(value: Any, depth: int) -> Iterator[str]:
    if depth > 2 * DEEPEST:
        return
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        yield value["$ref"]
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(each, depth + 1)


def _redirected(value: Any, places: dict[str, str], depth: int) -> Any:
    if depth > 2 * DEEPEST:
        return value
    if isinstance(value, list):
        return [_redirected(each, places, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _redirected(each, places, depth + 1) for key, each in value.items()}
    if isinstance(reference := found.get("$ref"), str):
        found["$ref"] = places.get(reference, reference)
    return found


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
    for step in unquote(reference[2:]).split("/"):
        if isinstance(place, list):
            place = place[int(step)] if step.isdecimal() and int(step) < len(place) else None
        else:
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
    _say_of_what(found)
    if "pattern" in found and not _is_pattern(found["pattern"]):
        del found["pattern"]
    if isinstance(found.get("patternProperties"), dict):
        found["patternProperties"] = {key: each for key, each in found["patternProperties"].items() if _is_pattern(key)}
    return found


def _say_of_what(schema: dict[str, Any]) -> None:
    kinds, items = schema.get("type"), schema.get("items")
    is_list = kinds == "array" or (isinstance(kinds, list) and "array" in kinds) or isinstance(items, list)
    if is_list and not isinstance(items, dict):
        first = schema.get("prefixItems") or items
        schema["items"] = _of_all(first) if isinstance(first, list) else {}


@lru_cache(maxsize=1024)
def _is_pattern(pattern: object) -> bool:
    """Return whether *pattern* is plain enough that no API refuses the schema for it."""
    if not isinstance(pattern, str) or len(pattern) > _PATTERN_LENGTH or "(?" in pattern.replace("(?:", ""):
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


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


def _named_back(value: Any, schemas: list[Any], root: dict[str, Any], depth: int) -> Any:
    """Return *value*, which fits *schemas*, with the names that those have."""
    if depth > DEEPEST or not isinstance(value, list | dict):
        return value
    shapes = list(_shapes(schemas, root))
    if isinstance(value, list):
        return [_named_back(each, list(_of_place(shapes, n)), root, depth + 1) for n, each in enumerate(value)]
    own: dict[str, str] = {}
    for shape in shapes:
        for name, plain in shown_names(_map_in(shape, "properties")).items():
            if plain != name and name not in value:
                own.setdefault(plain, name)
    named: dict[str, Any] = {own.get(key) or key: each for key, each in value.items()}
    return {key: _named_back(each, list(_of_name(shapes, key)), root, depth + 1) for key, each in named.items()}


def _shapes(schemas: list[Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield *schemas*, what they refer to, and their alternatives, each once."""
    waiting, seen = list(schemas), set[int]()
    while waiting:
        shape = waiting.pop(0)
        if not isinstance(shape, dict) or id(shape) in seen:
            continue
        seen.add(id(shape))
        yield shape
        waiting.append(root if shape.get("$ref") == "#" else _referred(shape.get("$ref"), root))
        waiting += [each for key in _JOINED if isinstance(shape.get(key), list) for each in shape[key]]
        waiting += [shape.get(key) for key in ("then", "else")]


def _of_place(shapes: list[dict[str, Any]], place: int) -> Iterator[Any]:
    for shape in shapes:
        for key in ("prefixItems", "items"):
            inner = shape.get(key)
            if isinstance(inner, list):
                yield from inner[place : place + 1]
            else:
                yield inner


def _of_name(shapes: list[dict[str, Any]], name: str) -> Iterator[Any]:
    for shape in shapes:
        properties = _map_in(shape, "properties")
        if name in properties:
            yield properties[name]
        else:
            yield shape.get("additionalProperties")
            yield from _map_in(shape, "patternProperties").values()


def _map_in(shape: dict[str, Any], key: str) -> dict[str, Any]:
    inner = shape.get(key)
    return inner if isinstance(inner, dict) else {}
