"""The contract for plugin authors: a plugin is a named bundle of components.

A native plugin is a module with a ``plugin`` (or an entry point in the group
``dynamic_plugins.plugins``)::

    from dynamic_plugins.plugin import Plugin, action

    @action
    def greet(name: str) -> str:
        "Greets somebody by name."
        return f"Hello, {name}!"

    plugin = Plugin(name="hello", description="Greets people", actions=[greet])

This module imports only the standard library: a plugin's worker brings a copy of it, so nothing of the
host has to be installed beside the plugin.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union, overload

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict of such."""

Handler = Callable[..., Any]
"""Called with an action's arguments as keyword arguments; returns a JSON value, or awaits to one."""


@dataclass(frozen=True)
class Action:
    """Something the plugin can do. *parameters* is a JSON Schema of type object."""

    name: str
    description: str
    handler: Handler
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    similes: Sequence[str] = ()
    read_only: bool | None = None
    """Whether it changes nothing in the world; None where nobody says so, and then it counts as changing."""


@dataclass(frozen=True)
class Provider:
    """Gives a short text of context for each turn. *get* takes nothing and returns a string, or awaits to one."""

    name: str
    description: str
    get: Callable[[], str | Awaitable[str]]


@dataclass(frozen=True)
class Service:
    """Runs from activation to deactivation. *start* and *stop* take nothing; either may be a coroutine function."""

    name: str
    start: Callable[[], Any]
    stop: Callable[[], Any]
    description: str = ""


@dataclass(frozen=True)
class Evaluator:
    """Looks at a finished turn. *evaluate* gets ``{"user": str, "reply": str}`` and returns a JSON value or None."""

    name: str
    description: str
    evaluate: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Task:
    """Work done now and then while the plugin is active: every *interval* seconds, or only when asked (None)."""

    name: str
    description: str
    run: Callable[[], Any]
    interval: float | None = None


@dataclass(frozen=True)
class Plugin:
    """A named bundle of components; the whole of it is registered, or none."""

    name: str
    description: str = ""
    actions: Sequence[Action] = ()
    providers: Sequence[Provider] = ()
    services: Sequence[Service] = ()
    evaluators: Sequence[Evaluator] = ()
    tasks: Sequence[Task] = ()
    requires: Sequence[str] = ()
    """Names of plugins that must be active before this one."""


@overload
def action(handler: Handler, /) -> Action: ...
@overload
def action(
    *, name: str | None = None, description: str | None = None, similes: Sequence[str] = ()
) -> Callable[[Handler], Action]: ...
def action(
    handler: Handler | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    similes: Sequence[str] = (),
) -> Action | Callable[[Handler], Action]:
    """Make an :class:`Action` of a function: its name, its docstring, and a schema from its annotations.

    ``str``, ``int``, ``float``, ``bool``, ``list[…]``, ``dict[str, …]``, ``Literal[…]`` and ``X | None`` are
    understood; ``Annotated[str, "what it is"]`` describes a parameter. Anything else accepts any JSON value. A default
    that JSON has no form for is left out.
    """

    def make(function: Handler) -> Action:
        return Action(
            name=name or function.__name__,
            description=description or inspect.getdoc(function) or "",
            handler=function,
            parameters=schema_of(function),
            similes=tuple(similes),
        )

    return make(handler) if handler is not None else make


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the closed JSON Schema of *function*'s parameters, read from its annotations."""
    hints = typing.get_type_hints(function, include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        properties[parameter.name] = _schema_of_type(hints.get(parameter.name, Any))
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif parameter.default is not None and _is_json(parameter.default):
            properties[parameter.name]["default"] = parameter.default
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def _schema_of_type(hint: Any) -> dict[str, Any]:
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        words = [note for note in arguments[1:] if isinstance(note, str)]
        return _schema_of_type(arguments[0]) | ({"description": " ".join(words)} if words else {})
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of_type(each) for each in arguments]}
    if origin in (list, tuple, set, Sequence) or hint in (list, tuple, set):
        return {"type": "array", "items": _schema_of_type(arguments[0]) if arguments else {}}
    if origin in (dict, Mapping) or hint is dict:
        return {"type": "object"}
    return {}
