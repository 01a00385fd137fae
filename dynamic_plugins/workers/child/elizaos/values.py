"""What a parameter's type says to a caller, and a caller's JSON value as what that type wants."""

from __future__ import annotations

import base64
import binascii
import enum
import os
from typing import TYPE_CHECKING, Any

from .bag import snake
from .call import FailedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
_BASE64 = "base64:"
_VALUES = ("string", "integer", "number", "boolean")
_IDS = ("agent_id", "room_id", "entity_id", "world_id", "user_id", "conversation_id")


def is_value(names: list[str]) -> bool:
    """Whether a type is one of values, as text, numbers and bytes are: then it is a caller's, whatever its name."""
    return bool(names) and (names[0] in _FORMATS or names[0] in _BYTES or JSON_TYPES.get(names[0]) in _VALUES)


def is_id(name: str) -> bool:
    """Whether a parameter of this name may be told by the conversation, where its function takes one."""
    return name in _IDS


def schema_of(names: list[str], scope: Mapping[str, Any], name: str = "") -> dict[str, Any] | None:
    """Return the JSON Schema of parameter *name* whose annotation holds *names*; None where JSON cannot say it."""
    if not names:
        return {}
    if names[0] in JSON_TYPES:
        return {"type": JSON_TYPES[names[0]]}
    if names[0] in _BYTES:
        data = "the data in base64" if _is_base64(name) else f"text as it is, or {_BASE64} and the data in base64"
        whole = f"the path of a file in the plugin's own folder, or {data}" if _is_file(name, names) else data
        return {"type": "string", "description": f"{whole[0].upper()}{whole[1:]}."}
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


def converted(
    value: Any, names: list[str], scope: Mapping[str, Any], name: str = "", folders: Collection[str] = ()
) -> Any:
    """Return *value* as the type with *names* has it: bytes of a text or of base64, an enum's member.

    Where the parameter's *name* or type says that it is a file, *value* may be the path of one in the *folders*.
    Raises :class:`FailedError` for the path of any other file.
    """
    if names and names[0] in _BYTES and isinstance(value, str):
        found = _file(value, folders) if _is_file(name, names) else None
        return _bytes(value, base64_only=_is_base64(name)) if found is None else found
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


def _is_file(name: str, names: list[str]) -> bool:
    words = {*snake(name).split("_"), *(word for each in names for word in snake(each).split("_"))}
    return bool(words & {"file", "filename", "filepath", "path"})


def _is_base64(name: str) -> bool:
    return bool({"base64", "b64"} & set(snake(name).split("_")))


def _file(path: str, folders: Collection[str]) -> bytes | None:
    """Return what is in the file at *path*; None where there is none. Raises :class:`FailedError` outside *folders*.

    Whoever fills in an argument may be a model that was talked into it: it must not choose among a person's files.
    """
    if "\0" in path or not os.path.isfile(path):  # noqa: PTH113 # pathlib is slow to import
        return None
    whole = os.path.realpath(path)
    if not any(_is_in(whole, os.path.realpath(each)) for each in folders):
        raise FailedError(f"{path} is not read: it is in no folder that this plugin has or was told of")
    with open(whole, "rb") as file:  # noqa: PTH123
        return file.read()


def _is_in(path: str, folder: str) -> bool:
    return folder != os.path.dirname(folder) and os.path.commonpath([path, folder]) == folder  # noqa: PTH120


def _bytes(text: str, *, base64_only: bool) -> bytes:
    """Return *text* as bytes; as those it stands for where it, or its parameter's name, says that it is base64."""
    head, comma, data = text.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        coded = data
    elif base64_only or text.startswith(_BASE64):
        coded = text.removeprefix(_BASE64)
    else:
        return text.encode()
    try:
        return base64.b64decode("".join(coded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise FailedError("its data is not base64, as it says") from None
