"""Names that were said in part, among the arguments of a call, as the conversation has them whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.slots.action_card import card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.embedded.slots.earlier_values import Slots

LONGEST = 4
"""Of so many words a person or a place has a name at most."""
_NAMES = re.compile(r"(?:name|names|nodes?|entit(?:y|ies)|from|to)$|(?:Name|Names)$")


def with_full_names(filling: Slots) -> None:
    """Complete the capitalized names among the arguments that earlier calls and results have whole; a name for what
    is made stays as it is said.
    """
    arguments = filling.filled.arguments
    if not any(_NAMES.search(key) for key, _ in _keyed(arguments)):
        return
    calls = filling.memory.calls
    known = {name for call in calls for held in (call.arguments, call.result) for name in _names(held)}
    makes = "create" in card(filling.tool).kinds

    def whole(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: whole(inner, held) for inner, held in value.items()}
        if isinstance(value, list):
            return [whole(key, held) for held in value]
        new = makes and key in ("name", "title")
        return value if new or not isinstance(value, str) or not _NAMES.search(key) else _whole(value, known)

    filling.filled.arguments = {key: whole(key, value) for key, value in arguments.items()}


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
