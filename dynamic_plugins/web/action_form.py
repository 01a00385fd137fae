"""An action's JSON schema as a form, and what was entered there as arguments.

A form has a field for each property that it can: text, numbers, yes or no, one of several. What is nested is entered
as JSON. The schema has the last word: whatever comes of a form is checked against it before anything is called.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import BadArgumentsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FieldKind = Literal["text", "long", "secret", "integer", "number", "boolean", "choice", "json"]

MOST_FIELDS = 100
"""An action with more properties is entered as one JSON text."""
WHOLE = "arguments"
"""The field of the whole JSON text, for a schema that has no form."""
PREFIX = "arg."
"""What the names of fields begin with, so that an argument's name is never taken for another field's."""
_LONG = 120


@dataclass(frozen=True)
class Field:
    """One parameter of an action, as a form asks for it."""

    name: str
    kind: FieldKind
    type: str
    """Its type in words, as the schema has it: ``string``, ``integer or null``."""
    description: str = ""
    required: bool = False
    default: str = ""
    """What the schema suggests, as it is entered."""
    choices: tuple[str, ...] = ()
    """Of a choice: its values as JSON, since they need not be text."""
    limits: str = ""
    """What else the schema asks for, in words."""

    @property
    def label(self) -> str:
        return self.name

    @property
    def input(self) -> str:
        """The name of its input."""
        return PREFIX + self.name

    @property
    def id(self) -> str:
        """The id of its input in the page: names may hold anything, an id no white space."""
        return f"field-{self.name.encode().hex()}"


def parameters(schema: Mapping[str, Any]) -> list[Field]:
    """Return the fields for a stranger's *schema*; none for one that has no properties, or none that can be read."""
    properties = _dict(schema.get("properties"))
    required = schema.get("required")
    needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    return [_field(name, _dict(told), name in needed, schema) for name, told in list(properties.items())[:MOST_FIELDS]]


def has_form(schema: Mapping[str, Any]) -> bool:
    """Return whether a form can ask for all that *schema* takes; else its arguments are entered as JSON."""
    properties = _dict(schema.get("properties"))
    if any(each in schema for each in ("oneOf", "anyOf", "allOf", "$ref")) and not properties:
        return False
    return len(properties) <= MOST_FIELDS


def arguments(target: str, schema: Mapping[str, Any], entered: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that were *entered*, checked against *schema*; *target* is what an error is about.

    What was left empty is left out, unless it is required and may be an empty text. Raises BadArgumentsError, without
    what was entered as a secret.
    """
    if not has_form(schema):
        found = _object(target, entered.get(WHOLE, "") or "{}")
        check_arguments(target, found, dict(schema))
        return found
    found, secret = {}, []
    for field in parameters(schema):
        text = entered.get(field.input, "")
        if text or (field.required and field.kind in ("text", "long", "secret")):
            found[field.name] = _value(target, field, text)
            secret += [found[field.name]] if field.kind == "secret" else []
    try:
        check_arguments(target, found, dict(schema))
    except BadArgumentsError as error:
        raise _without(secret, error) from None
    return found


def _without(secret: Sequence[str], error: BadArgumentsError) -> BadArgumentsError:
    """Return *error* without the values that are *secret*, which a validator quotes as Python writes them."""
    reason = error.reason
    for value in secret:
        reason = reason.replace(repr(value), "what was entered")
    return BadArgumentsError(error.target, reason, error.schema)


def _object(target: str, text: str) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise BadArgumentsError(target, f"the arguments are no JSON ({error})") from None
    if not isinstance(value, dict):
        raise BadArgumentsError(target, "the arguments must be one JSON object")
    return value


def _value(target: str, field: Field, text: str) -> Any:
    """Return the value that *text* stands for."""
    if field.kind in ("text", "long", "secret"):
        return text.replace("\r\n", "\n")
    try:
        if field.kind == "integer":
            return int(text)
        if field.kind == "number":
            return _finite(float(text)) if not text.strip().lstrip("+-").isdigit() else int(text)
        if field.kind in ("boolean", "choice", "json"):
            return parse_json(text)
    except ValueError:
        pass
    wanted = {"integer": "a whole number", "number": "a number", "json": "JSON"}.get(field.kind, "one of the choices")
    raise BadArgumentsError(target, f"{field.name} must be {wanted}")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    return number


# ---------------------------------------------------------------- what a schema says


def _field(name: str, told: dict[str, Any], required: bool, schema: Mapping[str, Any]) -> Field:
    told = _resolved(told, schema)
    types = _types(told)
    choices = _choices(told)
    default = told.get("default")
    kind = _kind(name, told, types, choices)
    return Field(
        name,
        kind,
        " or ".join(types) or "anything",
        str(told.get("description") or ""),
        required,
        "" if default is None else default if kind in ("text", "long") else json.dumps(default, ensure_ascii=False),
        tuple(json.dumps(each, ensure_ascii=False) for each in choices),
        _limits(told),
    )


def _kind(name: str, told: Mapping[str, Any], types: list[str], choices: list[Any]) -> FieldKind:
    plain = [each for each in types if each != "null"]
    if choices:
        return "choice"
    if plain == ["string"]:
        if told.get("format") == "password" or told.get("writeOnly") is True:
            return "secret"
        return "long" if _is_long(name, told) else "text"
    if plain == ["integer"]:
        return "integer"
    if plain == ["number"] or set(plain) == {"integer", "number"}:
        return "number"
    return "boolean" if plain == ["boolean"] else "json"


def _is_long(name: str, told: Mapping[str, Any]) -> bool:
    longest = told.get("maxLength")
    if isinstance(longest, int):
        return longest > _LONG
    return any(word in name.lower() for word in ("text", "body", "content", "markdown", "code", "query", "message"))


def _types(told: Mapping[str, Any]) -> list[str]:
    """Return the types that a value may have; where they stand in ``anyOf``, those of its parts."""
    kind = told.get("type")
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, list):
        return [each for each in kind if isinstance(each, str)]
    for key in ("anyOf", "oneOf"):
        if isinstance(parts := told.get(key), list):
            found = [each for part in parts for each in (_types(_dict(part)) or ["anything"])]
            return list(dict.fromkeys(found))
    return []


def _choices(told: Mapping[str, Any]) -> list[Any]:
    if "const" in told:
        return [told["const"]]
    if isinstance(listed := told.get("enum"), list):
        return listed
    parts = told.get("anyOf") or told.get("oneOf")
    if isinstance(parts, list) and parts:
        found = [_choices(_dict(part)) for part in parts if _dict(part).get("type") != "null"]
        return [each for choices in found for each in choices] if all(found) else []
    return []


def _limits(told: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "format": "{}",
    }
    return ", ".join(
        text.format(told[key]) for key, text in words.items() if isinstance(told.get(key), int | float | str)
    )


def _resolved(told: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a property's ``$ref`` into the schema's own definitions stands for, one step deep."""
    reference = told.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return told
    found: Any = schema
    for step in reference[2:].split("/"):
        found = _dict(found).get(step)
    return {**_dict(found), **{key: value for key, value in told.items() if key != "$ref"}}


def _dict(value: Any) -> dict[str, Any]:
    """Return *value* where it is an object: a stranger's schema may be anything at all."""
    return value if isinstance(value, dict) else {}
