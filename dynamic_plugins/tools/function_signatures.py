"""The active plugins' actions as Python functions: their names, what a model reads of them, and how they are called."""

from __future__ import annotations

import builtins
import hashlib
import json
import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.tools.model_schemas import for_models

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.tools.tool_formats import Tool

TAKEN = frozenset({"search_actions", "ActionError"})
"""What a program has beside the actions."""
ABOUT_CHARACTERS = 120
"""What of an action's description stands in the line of its function."""
_MOST_CHOICES = 8
_DEEPEST = 3
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None", "object": "dict"}


@dataclass(frozen=True)
class Parameter:
    """One parameter: the *name* that a program uses, the one *shown* to models, and whether None leaves it out."""

    name: str
    shown: str
    kind: str
    is_required: bool
    droppable: bool
    about: str = ""


@dataclass(frozen=True)
class Function:
    """One action as a function."""

    name: str
    tool: Tool
    parameters: tuple[Parameter, ...]

    def signature(self) -> str:
        """Return one line: ``def notes__add(text: str, tags: list[str] = ...): "Adds a note."``"""
        parameters = ", ".join(
            f"{each.name}: {each.kind}" + ("" if each.is_required else " = ...") for each in self.parameters
        )
        return f"def {self.name}({parameters}): {json.dumps(self.about, ensure_ascii=False)}"

    def described(self) -> str:
        """Return the signature, and a line for each parameter of which something is said."""
        lines = [f"    # {each.name}: {each.about}" for each in self.parameters if each.about]
        return "\n".join([self.signature(), *lines])

    @property
    def about(self) -> str:
        return _line(self.tool.action.description, ABOUT_CHARACTERS)

    def order(self) -> dict[str, Any]:
        """Return what the program's process is told of it."""
        parameters = [[each.name, each.shown, each.droppable] for each in self.parameters]
        return {"name": self.name, "tool": self.tool.name, "parameters": parameters, "about": self.about}


def functions_of(tools: Sequence[Tool]) -> list[Function]:
    """Return one function for each of *tools*, under names that are unique and identifiers."""
    names = _names([tool.name for tool in tools], {*TAKEN, *dir(builtins)})
    return [
        Function(name, tool, _parameters(for_models(tool.action.parameters)))
        for name, tool in zip(names, tools, strict=True)
    ]


def _names(said: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Return an identifier for each of *said*, all different and none of them *taken*."""
    used = set(taken)
    names = []
    for each in said:
        name = re.sub(r"\W", "_", each, flags=re.ASCII) or "_"
        if name[0].isdigit() or keyword.iskeyword(name):
            name = f"_{name}"
        if name in used:
            name = f"{name}_{hashlib.sha256(each.encode()).hexdigest()[:8]}"
        used.add(name)
        names.append(name)
    return names


def _parameters(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters of an object's *schema*, those that have to be given first."""
    properties = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    found = [
        Parameter(
            name,
            shown,
            kind := _kind(shape, 0),
            shown in required,
            shown not in required and kind != "Any" and "None" not in kind.split(" | "),
            _line(shape.get("description"), 2 * ABOUT_CHARACTERS) if isinstance(shape, dict) else "",
        )
        for name, (shown, shape) in zip(_names(list(properties)), properties.items(), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: not each.is_required))


def _kind(schema: object, depth: int) -> str:
    """Return *schema* as a type is written in Python; ``Any`` where it says more than one can."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "Any"
    choices = schema.get("enum")
    if isinstance(choices, list) and 0 < len(choices) <= _MOST_CHOICES and _are_plain(choices):
        return f"Literal[{', '.join(map(repr, choices))}]"
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return _joined(_kind(each, depth + 1) for each in schema[key])
    said = schema.get("type")
    return _joined(_named(each, schema, depth) for each in (said if isinstance(said, list) else [said]))


def _are_plain(choices: list[Any]) -> bool:
    return all(isinstance(each, (str, int, bool)) and len(str(each)) <= ABOUT_CHARACTERS for each in choices)


def _named(kind: object, schema: Mapping[str, Any], depth: int) -> str:
    if kind == "array":
        inner = _kind(schema.get("items"), depth + 1)
        return "list" if inner == "Any" else f"list[{inner}]"
    return _PLAIN.get(str(kind), "Any")


def _joined(kinds: Iterable[str]) -> str:
    found = list(dict.fromkeys(kinds))
    return "Any" if not found or "Any" in found else " | ".join(found)


def _line(text: object, most: int) -> str:
    """Return the first of *text* as one line."""
    line = " ".join(str(text or "").split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
