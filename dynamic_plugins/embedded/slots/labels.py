"""Words that something is labelled with, as people say them: "labelled bug and p1", "with the blocker label"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.free_text import labelled, unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.language.free_text import Span

_WORD = r"[\w][\w.:/+-]*"
_JOINED = rf"{_WORD}(?:\s*(?:,|\band\b|\bor\b|\bund\b|\by\b|\bet\b|&)\s*{_WORD})*"
_WITH = (
    r"(?:with|having|under|carrying|wearing|mit|con|avec|com|met)(?:\s+(?:the|a|an|its|dem|den|der|el|la|le|o|het))?"
)
_NO_LABEL = frozenset(
    {"the", "a", "an", "any", "no", "some", "that", "this", "which", "right", "same", "every", "each"}
)
_WHERE = re.compile(rf"\s+(?:in|on|of|from|for|at|auf|von|de|en|dans|sur)\s+{_WORD}/{_WORD}.*\Z", re.I | re.S)
"""Where the labelled things are is no part of their label: "labelled bug in acme/shop"."""


def labels_in(text: str, name: str, names: Sequence[str]) -> tuple[list[str], Span] | None:
    """Return the values that *text* gives to the list called *name*, beside others called *names*, and where."""
    if re.search(r"label|tag", name, re.I) and (found := re.search(r"\b(\w+)-label(?:l)?ed\b", text, re.I)):
        return [found[1]], found.span(1)
    one = re.escape(re.split(r"[_\W]", name)[-1].rstrip("s"))
    before = re.search(rf"\b{_WITH}\s+({_JOINED})\s+{one}s?\b", text, re.I)
    if before is not None and before[1].lower() not in _NO_LABEL:
        return split(before[1]), before.span(1)
    if (value := labelled(text, name, names, long=False)) is not None:
        told, (start, _) = _WHERE.sub("", value[0]), value[1]
        return split(told), (start, start + len(told))
    return None


def split(text: str) -> list[str]:
    """Return the parts of an enumeration, without quotation marks."""
    parts = re.split(r"\s*,\s*(?:and |und |y |et )?|\s+(?:and|und|y|et|&)\s+", text)
    return [unquoted(part) for part in parts if part.strip()]
