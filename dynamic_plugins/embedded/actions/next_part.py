"""The call for what comes after what the last one gave: the next page, the next characters of a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.references import Used
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter

_ON, _ON_ALONE = (re.compile(rf"\b{phrases('again', name)}\b", re.I) for name in ("on", "on_alone"))
ALONE = 4
"""In a message of more words than these such a word goes on with something else."""
_START = re.compile(r"^(?:start(?:_?(?:index|at|from|cursor))?|offset|skip|from(?:_?index)?)$", re.I)
_LENGTH = re.compile(r"max|limit|length|count|size|per_?page|^n$", re.I)
_PAGE = re.compile(r"^page(?:_?(?:number|no|index))?$", re.I)
_CURSOR = re.compile(r"cursor|page_?token|continuation", re.I)
_NEXT = re.compile(r"next|cursor|continuation", re.I)


def next_part(message: Message, last: Used, tool: Offered, filled: Filled) -> dict[str, Any] | None:
    """Return the arguments of *last* for what follows what it gave; None where *message* or *tool* goes no further."""
    on = _ON.search(message.text) or (_ON_ALONE.search(message.text) if len(message.words) <= ALONE else None)
    if last.failed or on is None:
        return None
    filled.used.append(on.span())
    parameters = parameters_of(tool.parameters)
    for p in parameters:
        if _CURSOR.search(p.name) and p.type == "string":
            if (cursor := next(_cursors(last.result), None)) is not None:
                return {**last.arguments, p.name: cursor}
        elif p.role == "number" and _START.match(p.name):
            start = _told(p, last) or _reached(p, parameters, last)
            return {**last.arguments, p.name: start} if start else None
        elif p.role == "number" and _PAGE.match(p.name):
            return {**last.arguments, p.name: int(last.arguments.get(p.name) or p.schema.get("default") or 1) + 1}
    return None


def _told(p: Parameter, last: Used) -> int | None:
    """Return where the result itself says that the next part begins: "call again with a start_index of 2000"."""
    found = re.search(rf"\b{re.escape(p.name)}\b\W*(?:of|to|is)?\W*(\d+)", str(last.result))
    return int(found[1]) if found else None


def _reached(p: Parameter, parameters: Sequence[Parameter], last: Used) -> int:
    """Return where what came ends: behind as much as was asked for, else as there was."""
    length = next((q for q in parameters if q.role == "number" and q is not p and _LENGTH.search(q.name)), None)
    asked = last.arguments.get(length.name, length.schema.get("default")) if length else None
    given = len(last.result) if isinstance(last.result, str) else len(last.items)
    return int(last.arguments.get(p.name) or p.schema.get("default") or 0) + int(asked or given)


def _cursors(result: Any) -> Iterator[str]:
    if isinstance(result, dict):
        yield from (v for k, v in result.items() if isinstance(v, str) and v and _NEXT.search(k))
        for inner in result.values():
            yield from _cursors(inner)
