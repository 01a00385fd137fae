"""Which of several things is the smallest, the newest or the dearest, by what a result tells of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dynamic_plugins.embedded.language.turns_of_phrase import phrases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Listed(Protocol):
    """A thing of a list: how it reads, and its fields."""

    @property
    def label(self) -> str:
        """How it reads."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """What is told of it."""


Thing = TypeVar("Thing", bound=Listed)
_KINDS = [
    ("smallest", "size", min), ("biggest", "size", max), ("newest", "day", max), ("oldest", "day", min),
    ("least", "number", min), ("most", "number", max),
]  # fmt: skip
_SIZE = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?)\s*([KMGT]?)i?B\b")
_SIZES = re.compile(r"size|bytes|length|weight|größe|gewicht|tama[nñ]o|taille", re.I)
_DAYS = re.compile(r"date|created|updated|modified|published|edited|_at$|time", re.I)
_IN_A_NAME = re.compile(r"(?<!\d)(?:19|20)\d\d(?:[-_.]?\d\d){0,2}(?!\d)")
"""A year or a day in a name: "report_2024.pdf"."""
_NO_AMOUNT = re.compile(r"(?:^|_)(?:id|number|no|index|year|page)$|Id$", re.I)


def extreme(message: str, items: Sequence[Thing]) -> Thing | None:
    """Return the one of *items* that *message* means by a superlative; None without one, or where nothing tells."""
    for name, kind, pick in _KINDS:
        if re.search(rf"\b{phrases('superlatives', name)}\b", message, re.I):
            measured = [(value, item) for item in items if (value := _measure(item, kind)) is not None]
            best = pick((value for value, _ in measured), default=None)
            found = [item for value, item in measured if value == best]
            if len(measured) > 1 and len(found) == 1:
                return found[0]
            if kind == "day" and (called := _called_so(name, items)) is not None:
                return called
    return None


def _called_so(name: str, items: Sequence[Thing]) -> Thing | None:
    """Return the one that its own name calls old, or new: "shotlist-old.txt" beside "shotlist.txt"."""
    word = re.compile(
        r"(?:^|[\W_])(?:old|alt|prev|bak|backup)(?:[\W_]|$)"
        if name == "oldest"
        else r"(?:^|[\W_])(?:new|neu)(?:[\W_]|$)",
        re.I,
    )
    found = [item for item in items if word.search(str(item.fields.get("name") or item.label))]
    return found[0] if len(found) == 1 and len(items) > 1 else None


def _measure(item: Listed, kind: str) -> Any:
    """Return what *item* is compared by: a number of bytes, a day as it is written, or its only number."""
    if kind == "size" and (found := _SIZE.search(str(item.fields.get("size", item.label)))):
        return float(found[1].replace(",", ".")) * 1024 ** (" KMGT".index(found[2] or " "))
    fields = {k: v for k, v in item.fields.items() if not isinstance(v, bool)}
    if kind == "day":
        days = [v for k, v in fields.items() if _DAYS.search(k) and re.match(r"\d{4}-\d\d", str(v))]
        named = _IN_A_NAME.search(str(item.fields.get("name") or item.label))
        return str(days[0]) if days else named[0] if named else None
    numbers = {k: float(v) for k, v in fields.items() if isinstance(v, (int, float)) and not _NO_AMOUNT.search(k)}
    if kind == "size":
        numbers = {k: v for k, v in numbers.items() if _SIZES.search(k)} or numbers
    return next(iter(numbers.values())) if len(numbers) == 1 else None
