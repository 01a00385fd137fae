"""A server's question to the person in the middle of a call: a form of plain values, asked field by field.

What the person leaves open gets the default that the server suggests (SEP-1034).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import mcp_types as types

from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.text.printable import one_line
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from dynamic_plugins.approval import AskValues

_MOST_FIELDS = 20
_LONGEST = 500


async def answer(plugin: str, question: types.ElicitRequestParams, ask: AskValues) -> types.ElicitResult:
    """Ask the person *question* and return what they answered; a decline where they left out what is required.

    A form that cannot be asked so, and an address to open, are declined unasked: a server has no say about what the
    person's browser opens. So is a form for a password or a key: the protocol forbids that.
    """
    if not isinstance(question, types.ElicitRequestFormParams):
        return types.ElicitResult(action="decline")
    schema = question.requested_schema
    fields, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(fields, dict) or not isinstance(required, list) or len(fields) > _MOST_FIELDS:
        return types.ElicitResult(action="decline")
    variables = [_variable(name, shape, name in required) for name, shape in fields.items()]
    if not variables or None in variables:
        return types.ElicitResult(action="decline")
    message = one_line(question.message)[:_LONGEST]
    told = await ask(f"{plugin} asks: {message}", [each for each in variables if each is not None])
    content = {name: _value(told.get(name), shape) for name, shape in fields.items()}
    given = {name: value for name, value in content.items() if value is not None}
    if any(name not in given for name in required):
        return types.ElicitResult(action="decline")
    return types.ElicitResult(action="accept", content=given)


def _variable(name: str, shape: Any, required: bool) -> Variable | None:
    """Return the field as a person is asked for it; None for one of no plain kind."""
    if not isinstance(shape, dict) or shape.get("type") not in {"string", "integer", "number", "boolean"}:
        return None
    if shape["type"] == "string" and _is_for_secret(name, shape):
        return None
    default = shape.get("default")
    about = [one_line(str(shape[key]))[:_LONGEST] for key in ("title", "description") if shape.get(key)]
    suggested = [] if default is None else [f"{default if isinstance(default, str) else json.dumps(default)} if left"]
    choices = tuple(map(str, shape["enum"])) if isinstance(shape.get("enum"), list) else ()
    listed = [f"one of {', '.join(choices)}"] if choices else []
    return Variable(
        name=one_line(name)[:_LONGEST],
        description="; ".join([*about, *listed, *suggested]),
        required=required and default is None,
        choices=choices,
        secret_declared=True,  # a form is not for secrets: the protocol forbids to ask for them so
    )


def _is_for_secret(name: str, shape: dict[str, Any]) -> bool:
    if shape.get("format") == "password" or shape.get("writeOnly") is True:
        return True
    told = (re.sub(r"(?<=[a-z])(?=[A-Z])|\W+", "_", each) for each in (name, str(shape.get("title", ""))))
    return "enum" not in shape and any(map(looks_secret, told))


def _value(told: str | None, shape: dict[str, Any]) -> Any:
    """Return what was *told* as the field wants it, its default where nothing was told, None for what does not fit."""
    if told is None:
        return shape.get("default")
    match shape["type"]:
        case "boolean":
            return {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}.get(told.lower())
        case "integer" | "number" as kind:
            try:
                return int(told) if kind == "integer" else float(told)
            except ValueError:
                return None
    return told if told in shape.get("enum", [told]) else None
