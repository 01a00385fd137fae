"""The whole name of a thing of which a message says a part: "Hatch" for the "Deputy Hatch" of an earlier call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.action_card import card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.embedded.references import Memory
    from dynamic_plugins.embedded.request import Offered

_NAMES = re.compile(r"(?:name|names|nodes?|entit(?:y|ies)|from|to)$|(?:Name|Names)$")
LONGEST = 4
"""A name has so many words at most."""


def with_whole_names(arguments: dict[str, Any], tool: Offered, memory: Memory) -> dict[str, Any]:
    """Return *arguments* with the names that earlier calls and their results have whole; what is new is called anew."""
    if not any(_NAMES.search(key) for key, _ in _keyed(arguments)):
        return arguments
    known = {name for call in memory.calls for held in (call.arguments, call.result) for name in _names(held)}
    makes = "create" in card(tool).kinds

    def whole(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: whole(inner, held) for inner, held in value.items()}
        if isinstance(value, list):
            return [whole(key, held) for held in value]
        new = makes and key in ("name", "title")
        return value if new or not isinstance(value, str) or not _NAMES.search(key) else _whole(value, known)

    return {key: whole(key, value) for key, value in arguments.items()}


def _whole(name: str, known: set[str]) -> str:
    if name in known or len(name.split()) > 2 or not name[:1].isupper():
        return name
    longer = [other for other in known if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", other)]
    return longer[0] if len(longer) == 1 else name


def _names(value: Any) -> Iterator[str]:
    for key, held in _keyed(value):
        if _NAMES.search(key) and len(held.split()) <= LONGEST:
            yield held


def _keyed(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Give the texts in *value*, each with the name under which it stands."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for inner, held in value.items():
            yield from _keyed(held, inner)
    elif isinstance(value, list):
        for held in value:
            yield from _keyed(held, key)
