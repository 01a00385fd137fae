"""Values of any kind as JSON values."""

from __future__ import annotations

import math
from typing import Any

_DEEPEST = 30


def plain(value: Any, depth: int = 0) -> Any:
    """Return *value* as JSON: objects by their fields, bytes as text or their size, what has no form as text."""
    if value is None or (isinstance(value, (bool, int, str)) and type(value) in (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > _DEEPEST:
        return str(value)
    if isinstance(value, dict):
        return {str(plain(key, depth + 1)): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each, depth + 1) for each in value]
    return _object(value, depth)


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return {"type": "binary", "bytes": len(value)}
    if hasattr(value, "DESCRIPTOR") and not isinstance(value, type):  # a protocol buffer
        return _message(value)
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


def _message(value: Any) -> Any:
    from importlib import import_module

    convert = import_module("google.protobuf.json_format").MessageToDict

    found = convert(value, preserving_proto_field_name=False)
    if "success" in value.DESCRIPTOR.fields_by_name:  # left out of the dictionary when it is false
        found["success"] = bool(value.success)
    return found
