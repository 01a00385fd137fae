"""What a parameter's type says to a caller, and a caller's JSON value as what that type wants."""

from __future__ import annotations

import base64
import binascii
import enum
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPES = {
    **dict.fromkeys(("str", "Path"), "string"),
    "int": "integer",
    **dict.fromkeys(("float", "Decimal"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "List", "Sequence", "Iterable", "tuple", "set", "Collection"), "array"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "object"),
}
_FORMATS = {"UUID": "uuid", "datetime": "date-time", "date": "date"}
_BYTES = ("bytes", "bytearray", "BytesIO", "BinaryIO")
_VALUES = ("string", "integer", "number", "boolean")
_IDS = ("agent_id", "room_id", "entity_id", "world_id", "user_id", "conversation_id")


def is_value(names: list[str]) -> bool:
    """Whether a type is one of values, as text, numbers and bytes are: then it is a caller's, whatever its name."""
    return bool(names) and (names[0] in _FORMATS or names[0] in _BYTES or JSON_TYPES.get(names[0]) in _VALUES)


def is_context(name: str) -> bool:
    """Whether a parameter of this name is told by the conversation, so that a caller need not."""
    return name in _IDS


def schema_of(names: list[str], scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the JSON Schema of a parameter whose annotation holds *names*; None where JSON cannot say it."""
    if not names:
        return {}
    if names[0] in JSON_TYPES:
        return {"type": JSON_TYPES[names[0]]}
    if names[0] in _BYTES:
        return {"type": "string", "description": "The path of a file, or the data itself in base64."}
    if names[0] == "Literal":
        return {"type": "string", "enum": names[1:]}
    if names[0] in _FORMATS:
        return {"type": "string", "format": _FORMATS[names[0]]}
    kind = _enum(names, scope)
    if kind is not None:
        return {"enum": [each.value for each in kind]}
    alias = scope.get(names[0])
    if alias is None or isinstance(alias, type):
        return None
    # A name for Literal[…] or for a union of what JSON has.
    said = str(getattr(alias, "__origin__", "")) == "typing.Literal"
    return {"enum": list(alias.__args__)} if said else {}


def converted(value: Any, names: list[str], scope: Mapping[str, Any]) -> Any:
    """Return *value* as the type with *names* has it: bytes of a file or of base64, an enum's member."""
    if names and names[0] in _BYTES and isinstance(value, str):
        return _bytes(value)
    if names and names[0] in (*_FORMATS, "Decimal") and isinstance(value, (str, int, float)):
        kept = scope.get(names[0])
        make = getattr(kept, "fromisoformat", kept)  # of dates; a UUID or a Decimal is made of its text
        return make(str(value)) if callable(make) else value
    kind = _enum(names, scope)
    if kind is not None and not isinstance(value, kind):
        members = {str(each.value).lower(): each for each in kind} | {each.name.lower(): each for each in kind}
        return members.get(str(value).lower(), value)
    return value


def _enum(names: list[str], scope: Mapping[str, Any]) -> type[enum.Enum] | None:
    for name in names:
        kind = scope.get(name)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return kind
    return None


def _bytes(text: str) -> bytes:
    if os.path.isfile(text):  # noqa: PTH113 # pathlib is slow to import
        with open(text, "rb") as file:  # noqa: PTH123
            return file.read()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
