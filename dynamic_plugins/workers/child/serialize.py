"""What a plugin gives or raises, in a form that can be sent: values as JSON values, errors as one line."""

from __future__ import annotations

import math
import os
from typing import Any

_MAX_DEPTH = 30
_MAX_ERROR_LENGTH = 2000
_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 # pathlib is slow to import
_OWN_ERRORS = ("ActionFailedError", "NoComponentsError")
"""Errors of our own that a plugin's adapter raises: their text is the whole of it."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return *value* as JSON: objects by their fields, bytes as text or their size, what has no form as text."""
    if value is None or (isinstance(value, (bool, int, str)) and type(value) in (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > _MAX_DEPTH:
        return str(value)
    if isinstance(value, dict):
        return {str(plain(key, depth + 1)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    return _object(value, depth)


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return {"type": "binary", "bytes": len(value)}
    if hasattr(value, "DESCRIPTOR") and not isinstance(value, type):  # a protocol buffer
        return _protobuf_message(value)
    for method in ("model_dump", "to_dict", "isoformat"):  # pydantic, many plugins, dates
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            try:
                return plain(convert(), depth + 1)
            except TypeError:  # it wants arguments: not the method it looked like
                continue
    if hasattr(value, "value") and hasattr(type(value), "__members__"):  # an enum's member
        return plain(value.value, depth + 1)
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name, None), depth + 1) for name in fields}
    if hasattr(value, "success"):  # a result class of some plugin's own
        names = list(vars(value)) if hasattr(value, "__dict__") else list(getattr(value, "__slots__", ()))
        return {name: plain(getattr(value, name, None), depth + 1) for name in names if not name.startswith("_")}
    if isinstance(value, (int, str)):  # a subclass: an enum of strings, a NewType
        return str(value) if isinstance(value, str) else int(value)
    return str(value)


def _protobuf_message(value: Any) -> Any:
    from importlib import import_module

    fields = import_module("google.protobuf.json_format").MessageToDict(value, preserving_proto_field_name=False)
    if "success" in value.DESCRIPTOR.fields_by_name:  # left out of the dictionary when it is false
        fields["success"] = bool(value.success)
    return fields


def describe_error(error: BaseException, *, place: bool = True) -> str:
    """Return ``KeyError: 'x'``, with the plugin's own line that raised it if *place*."""
    while isinstance(inner := getattr(error, "exceptions", None), (list, tuple)) and inner:
        error = inner[0]  # a group: its first error is the reason
    message = _message_of(error)
    if type(error).__name__ in _OWN_ERRORS:
        return message[:_MAX_ERROR_LENGTH]
    if isinstance(error, SystemExit):
        message = f"it ended itself with {error.code!r}"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    text = text[:_MAX_ERROR_LENGTH]
    if place and (line := _plugin_line(error)) is not None:
        text += f" ({os.path.basename(line[0])}, line {line[1]}: {line[2]})"  # noqa: PTH119
    return text


def _message_of(error: BaseException) -> str:
    try:
        # A file's name may hold what no text may: it is written out.
        return str(error).strip().encode("utf-8", "backslashreplace").decode()
    except Exception:  # its own __str__ fails, too
        return ""


def _plugin_line(error: BaseException) -> tuple[str, int, str] | None:
    """Return the file, the number and the text of the last line of the plugin's own that an error went through."""
    if isinstance(error, SyntaxError):  # its text has the place
        return None
    import linecache  # when something failed there is time
    import traceback

    found: Any = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith(("<frozen", _OWN_FOLDER)) and f"{os.sep}importlib{os.sep}" not in file:
            found = (file, line)
    if found is None:
        return None
    return found[0], found[1], linecache.getline(*found).strip()
