"""TOML as this project's files are written, and on which line of one something stands. Reading is Python's own."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Place = tuple[int | str, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*'))*)\s*=""")


def key(name: str) -> str:
    """Return *name* as a key: bare where it can be."""
    return name if _BARE.fullmatch(name) else value(name)


def value(found: Any) -> str:
    """Return text, a number, a truth value, a list or a table on one line. Raises TypeError for anything else."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        # JSON's escapes are TOML's too, but for one control character that JSON leaves as it is.
        return json.dumps(found, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(found, (int, float)):
        return repr(found)
    if isinstance(found, (list, tuple)):
        return f"[{', '.join(map(value, found))}]"
    if isinstance(found, dict):
        inner = ", ".join(f"{key(name)} = {value(each)}" for name, each in found.items())
        return f"{{ {inner} }}" if inner else "{}"
    raise TypeError(f"TOML has no {type(found).__name__}")


def table(header: str, facts: Mapping[str, Any]) -> str:
    """Return a table under *header*, a key on each line; what a list of tables holds on a line each."""
    lines = [header]
    for name, found in facts.items():
        if isinstance(found, (list, tuple)) and found and all(isinstance(each, (dict, list)) for each in found):
            lines += [f"{key(name)} = [", *(f"  {value(each)}," for each in found), "]"]
        else:
            lines.append(f"{key(name)} = {value(found)}")
    return "\n".join(lines) + "\n"


def line_of(text: str, place: Sequence[int | str]) -> int | None:
    """Return the line, from 1, on which *place* stands in a TOML *text*, or the nearest thing above it; None where
    nothing of it is found.
    """
    deepest, best = 0, None
    for line, found in _places(text):
        depth = min(len(found), len(place))
        if tuple(place[:depth]) == found[:depth] and depth > deepest:
            deepest, best = depth, line
    return best


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """Yield the line and the place of each header and key; of a table in a list with its number."""
    within: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.fullmatch(line)) is not None and (named := _parts(header[2])):
            within = named
            if header[1] == "[[":
                counts[named] = counts.get(named, -1) + 1
                within = (*named, counts[named])
            yield number, within
        elif (found := _KEY.match(line)) is not None and (named := _parts(found[1])):
            yield number, (*within, *named)


def _parts(text: str) -> Place:
    """Return the parts of a key with dots: ``a."b.c"`` has two."""
    try:
        found: Any = tomllib.loads(f"{text} = 0")
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    parts = []
    while isinstance(found, dict):
        ((name, found),) = found.items()
        parts.append(name)
    return tuple(parts)
