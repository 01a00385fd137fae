"""What the name and the annotation of a handler's parameter mean: its role, its JSON Schema, its Python value."""

from __future__ import annotations

import base64
import binascii
import enum
import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from .call import ActionFailedError, snake_case

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

JSON_TYPES = {
    **dict.fromkeys(("str", "Path"), "string"),
    "int": "integer",
    **dict.fromkeys(("float", "Decimal"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "List", "Sequence", "Iterable", "tuple", "set", "Collection"), "array"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "object"),
}
_SCALARS = ("string", "integer", "number", "boolean")
_FORMATS = {"UUID": "uuid", "datetime": "date-time", "date": "date"}
_BYTES = ("bytes", "bytearray", "BytesIO", "BinaryIO")
_BASE64 = "base64:"
_CONVERSATION_IDS = ("agent_id", "room_id", "entity_id", "world_id", "user_id", "conversation_id")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_NOT_A_TYPE = ("None", "Optional", "Union", "Any", "object", "NoneType")

_ROLES = {
    **dict.fromkeys(("runtime", "agent_runtime", "agent"), "runtime"),
    **dict.fromkeys(
        ("message", "msg", "memory", "incoming", "message_text", "message_content", "user_message"), "message"
    ),
    **dict.fromkeys(("state", "current_state"), "state"),
    **dict.fromkeys(("options", "opts", "handler_options"), "options"),
    **dict.fromkeys(("callback", "cb", "handler_callback"), "callback"),
    **{name: name for name in ("responses", "services", "config")},
    **dict.fromkeys(("context", "ctx", "action_context"), "context"),
    **dict.fromkeys(
        ("params", "parameters", "args", "arguments", "input", "inputs", "data", "payload", "body", "request"),
        "arguments",
    ),
}
_ALWAYS_THE_PERSONS = ("message_text", "message_content", "user_message", "incoming")


# Names


def role_of(name: str) -> str | None:
    """Return what a parameter of this name is for, or None where the name alone does not tell."""
    return _ROLES.get(snake_case(name.lstrip("_")))


def is_conversation_id(name: str) -> bool:
    """Whether a parameter of this name is an id that the conversation has."""
    return name in _CONVERSATION_IDS


def is_conversation_context(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is a conversation's context by its name or its class's, with the ids of that in it."""
    return role_of(parameter.name) == "context" or any(name.endswith("Context") for name in type_names(parameter))


def takes_conversation(function: Any) -> bool:
    """Whether a function is given the conversation, so that ids among its parameters are the conversation's too.

    A ``message`` annotated as a text is the caller's argument, unless its name says that it is the person's message.
    """
    return any(
        role_of(parameter.name) in ("runtime", "message", "state")
        and (snake_case(parameter.name.lstrip("_")) in _ALWAYS_THE_PERSONS or not is_scalar_type(type_names(parameter)))
        for parameter in signature_of(inspect.unwrap(getattr(function, "__func__", function)))
    )


# Annotations


def signature_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return a function's parameters; none of one that has no readable signature."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, or a class without a signature
        return []


def is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


def annotation_scope(function: Any) -> dict[str, Any]:
    """Return the names that a function's or a class's annotations may use."""
    if isinstance(function, type):
        return vars(sys.modules[function.__module__])
    return getattr(inspect.unwrap(getattr(function, "__func__", function)), "__globals__", {})


def type_names(parameter: inspect.Parameter) -> list[str]:
    """Return the names in a parameter's annotation, without ``None``, ``Any`` and unions."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return []
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None) or str(annotation)
    if not isinstance(annotation, (str, type)):
        text = str(annotation)
    parts = (part.rsplit(".", 1)[-1] for part in re.split(r"[|\[\],\s]+", text))
    return [name for part in parts for name in _IDENTIFIER.findall(part) if name not in _NOT_A_TYPE]


def is_scalar_type(names: list[str]) -> bool:
    """Whether a type is a text, a number, bytes or the like: then it is a caller's argument, whatever its name."""
    return bool(names) and (names[0] in _FORMATS or names[0] in _BYTES or JSON_TYPES.get(names[0]) in _SCALARS)


def json_schema_of(names: list[str], scope: Mapping[str, Any], name: str = "") -> dict[str, Any] | None:
    """Return the JSON Schema of parameter *name* whose annotation holds *names*; None where JSON has no such value."""
    if not names:
        return {}
    if names[0] in JSON_TYPES:
        return {"type": JSON_TYPES[names[0]]}
    if names[0] in _BYTES:
        return {"type": "string", "description": _bytes_description(name, names)}
    if names[0] == "Literal":
        return {"type": "string", "enum": names[1:]}
    if names[0] in _FORMATS:
        return {"type": "string", "format": _FORMATS[names[0]]}
    members = _enum_of(names, scope)
    if members is not None:
        return {"enum": [member.value for member in members]}
    alias = scope.get(names[0])
    if alias is None or isinstance(alias, type):
        return None
    # A name for Literal[…] or for a union of what JSON has.
    is_literal = str(getattr(alias, "__origin__", "")) == "typing.Literal"
    return {"enum": list(alias.__args__)} if is_literal else {}


def _bytes_description(name: str, names: list[str]) -> str:
    data = "the data in base64" if _is_base64(name) else f"text as it is, or {_BASE64} and the data in base64"
    text = f"the path of a file in the plugin's own folder, or {data}" if _is_file(name, names) else data
    return f"{text[0].upper()}{text[1:]}."


# Values


def convert(
    value: Any, names: list[str], scope: Mapping[str, Any], name: str = "", folders: Collection[str] = ()
) -> Any:
    """Return a caller's JSON *value* as the type with *names* has it: bytes, a date, an enum's member.

    Where the parameter's *name* or type says that it is a file, *value* may be the path of one in the *folders*.
    Raises ActionFailedError for the path of any other file, and for data that is not the base64 it claims to be.
    """
    if names and names[0] in _BYTES and isinstance(value, str):
        content = _read_file(value, folders) if _is_file(name, names) else None
        return _bytes_of(value, base64_only=_is_base64(name)) if content is None else content
    if names and names[0] in (*_FORMATS, "Decimal") and isinstance(value, (str, int, float)):
        known = scope.get(names[0])
        make = getattr(known, "fromisoformat", known)  # of dates; a UUID or a Decimal is made of its text
        return make(str(value)) if callable(make) else value
    kind = _enum_of(names, scope)
    if kind is not None and not isinstance(value, kind):
        by_spelling = {str(member.value).lower(): member for member in kind}
        by_spelling |= {member.name.lower(): member for member in kind}
        return by_spelling.get(str(value).lower(), value)
    return value


def _enum_of(names: list[str], scope: Mapping[str, Any]) -> type[enum.Enum] | None:
    for name in names:
        kind = scope.get(name)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return kind
    return None


def _is_file(name: str, names: list[str]) -> bool:
    words = {word for text in (name, *names) for word in snake_case(text).split("_")}
    return bool(words & {"file", "filename", "filepath", "path"})


def _is_base64(name: str) -> bool:
    return bool({"base64", "b64"} & set(snake_case(name).split("_")))


def _read_file(path: str, folders: Collection[str]) -> bytes | None:
    """Return what is in the file at *path*; None where there is none. Raises ActionFailedError outside *folders*.

    Whoever fills in an argument may be a model that was talked into it: it must not choose among a person's files.
    """
    if "\0" in path or not os.path.isfile(path):  # noqa: PTH113 # pathlib is slow to import
        return None
    real_path = os.path.realpath(path)
    if not any(_is_inside(real_path, os.path.realpath(folder)) for folder in folders):
        raise ActionFailedError(f"{path} is not read: it is in no folder that this plugin has or was told of")
    with open(real_path, "rb") as file:  # noqa: PTH123
        return file.read()


def _is_inside(path: str, folder: str) -> bool:
    return folder != os.path.dirname(folder) and os.path.commonpath([path, folder]) == folder  # noqa: PTH120


def _bytes_of(text: str, *, base64_only: bool) -> bytes:
    """Return *text* as bytes; decoded where it, or its parameter's name, says that it is base64."""
    head, comma, data = text.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        encoded = data
    elif base64_only or text.startswith(_BASE64):
        encoded = text.removeprefix(_BASE64)
    else:
        return text.encode()
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ActionFailedError("its data is not base64, as it says") from None
