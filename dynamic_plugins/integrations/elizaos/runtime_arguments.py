"""What an elizaOS runtime delivers as an action's arguments, made what the action's JSON Schema says.

The runtime declares parameters in fewer types than JSON Schema has, writes values as XML or JSON text, and carries them
in a protobuf struct, where every number is a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elizaos.types import ActionParameter, ActionParameterSchema

from dynamic_plugins.core.outside_data import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elizaos.types import Memory

_KINDS = ("string", "integer", "number", "boolean", "array", "object")


def declared(schema: Mapping[str, Any]) -> list[ActionParameter]:
    """Return *schema*'s properties as the runtime's parameters, none of them required.

    A required one that is missing would end the whole message; the description says it instead, and the answer to a
    call without it says what is missing.
    """
    required = schema.get("required", ())
    return [_declared(name, each, name in required) for name, each in schema.get("properties", {}).items()]


def _declared(name: str, schema: Any, required: bool) -> ActionParameter:
    schema = schema if isinstance(schema, dict) else {}
    types = _types(schema)
    kind = next((each for each in _KINDS if each in types), "string")
    told = [str(schema.get("description", "")).strip()]
    if kind in {"array", "object"}:
        told.append("Written as JSON text.")
    if required and "null" not in types:
        told.append("Needed.")
    choices = [str(each) for each in schema.get("enum", ())]
    return ActionParameter(
        name=name,
        description=" ".join(part for part in told if part),
        required=False,
        # Only text and numbers, and no limits: what the runtime finds wrong by itself it drops without a word.
        schema=ActionParameterSchema(type="number" if kind in {"integer", "number"} else "string", enum_values=choices),
    )


def delivered(action: str, occurrence: int, options: Any, responses: Sequence[Memory] | None) -> dict[str, Any]:
    """Return the arguments of the *occurrence*-th call (from 0) of *action* in a message, as the runtime delivers them.

    They are in the model's response; a runtime that hands them over as options is understood too.
    """
    found: list[Any] = []
    for response in responses or ():
        params = _plain(response.content.data).get("params")
        if isinstance(params, dict):
            entries: Any = next((value for name, value in params.items() if name.upper() == action), [])
            found += entries if isinstance(entries, list) else [entries]
    if occurrence < len(found):
        return found[occurrence] if isinstance(found[occurrence], dict) else {}
    parameters = getattr(options, "parameters", None)
    if found or not isinstance(parameters, dict):
        return {}
    # The runtime puts an empty protobuf value there for everything that was not given.
    return {name: value for name, value in parameters.items() if isinstance(value, (str, int, float, list, dict))}


def _plain(value: Any) -> Any:
    """Return a protobuf struct as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def fitted(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *arguments* with the names and types of *schema*; what cannot be fitted is left as it is.

    Models change the case of names; an empty text stands for "not given" where a value may be left out.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    known = {name.lower(): name for name in properties}
    required = schema.get("required", ())
    result: dict[str, Any] = {}
    for said, value in arguments.items():
        name = said if said in properties else known.get(said.lower(), said)
        shape = properties.get(name)
        fit = _fit(value, shape) if isinstance(shape, dict) else value
        optional = name not in required or (isinstance(shape, dict) and "null" in _types(shape))
        if optional and (fit is None or fit == ""):
            continue
        result[name] = fit
    return result


def _fit(value: Any, schema: Mapping[str, Any]) -> Any:
    types = _types(schema)
    if isinstance(value, str) and "string" not in types and types:
        value = _read(value)
    if isinstance(value, float) and value.is_integer() and ("integer" in types or "number" not in types):
        value = int(value)
    if "string" in types and isinstance(value, (int, float)):
        fits_as_it_is = "boolean" in types if isinstance(value, bool) else types & {"integer", "number"}
        return value if fits_as_it_is else json.dumps(value)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_fit(each, schema["items"]) for each in value]
    if isinstance(value, dict):
        return fitted(value, schema)
    return value


def _read(text: str) -> Any:
    """Return what *text* says as JSON, or as people write JSON's words; *text* itself where it says nothing else."""
    word = text.strip()
    lowered = word.lower()
    if lowered in {"true", "false", "null", "none", "yes", "no"}:
        return {"true": True, "yes": True, "false": False, "no": False}.get(lowered)
    if not re.match(r'[\[{"\d-]', word):
        return text
    try:
        return parse_json(word)
    except ValueError:
        return text


def _types(schema: Mapping[str, Any]) -> set[str]:
    """Return the types a value may have; empty when the schema does not say."""
    said = schema.get("type")
    types = {said} if isinstance(said, str) else set(said or ())
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types |= _types(branch) if isinstance(branch, dict) else set()
    if not types and "enum" in schema:
        types = set(_types_of(schema["enum"]))
    return types


def _types_of(values: Iterable[Any]) -> Iterable[str]:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return (names.get(type(value), "object") for value in values)


def configuration(value: Any) -> list[dict[str, str]] | None:
    """Return the ``configuration`` of configure_plugin out of text: ``NAME=value`` lines, or JSON.

    Lines may also be separated by semicolons. None when nothing is said.
    """
    if isinstance(value, str):
        read = _read(value)
        if isinstance(read, str):
            pairs = (part.partition("=") for part in re.split(r"[;\n]", value) if "=" in part)
            read = {name.strip(): text.strip() for name, _, text in pairs}
        value = read
    if isinstance(value, dict):
        named = {"name", "value"} == set(value)
        value = [value] if named else [{"name": name, "value": text} for name, text in value.items()]
    if not isinstance(value, list):
        return None
    pairs_said = [each for each in value if isinstance(each, dict) and {"name", "value"} <= set(each)]
    return [{"name": str(each["name"]), "value": _as_text(each["value"])} for each in pairs_said] or None


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)
