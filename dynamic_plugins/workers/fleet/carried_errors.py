"""Our own errors as plain data, so that they come over the wire as what they are, without a trace of what they saw."""

from __future__ import annotations

from typing import Any

from dynamic_plugins import errors
from dynamic_plugins.errors import PluginError


def to_wire(error: PluginError) -> dict[str, Any]:
    """Return *error* as plain data: its class, its facts and its text."""
    kind = next(each for each in type(error).__mro__ if getattr(errors, each.__name__, None) is each)
    return {"class": kind.__name__, "text": str(error), "facts": dict(vars(error))}


def from_wire(told: dict[str, Any]) -> PluginError:
    """Return the error that :func:`to_wire` was given; a plain PluginError where this version does not know it."""
    kind = getattr(errors, str(told["class"]), PluginError)
    if not (isinstance(kind, type) and issubclass(kind, PluginError)):
        kind = PluginError
    error = kind.__new__(kind, told["text"])
    vars(error).update(told["facts"])
    error.args = (told["text"],)
    return error
