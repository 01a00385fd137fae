"""What stands in no cassette: folders that change, what looks like a secret, and what was seen to be one before."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.scrubber import BLANK, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 8
"""Characters of a secret that is hidden wherever it stands; shorter ones are words of other texts, too."""

Edit = tuple[int, int, str]


@dataclass
class Text:
    """A text that may stand in pieces: *places* are the containers and keys that they are found at.

    In an identifier nothing is looked for, since it is random by design; what is known to be a secret is hidden there.
    """

    places: list[tuple[Any, Any]] = field(default_factory=list)
    identifier: bool = False

    def pieces(self) -> list[str]:
        """Return the pieces as they are."""
        return [container[key] for container, key in self.places]

    def edit(self, edits: list[Edit]) -> None:
        """Replace characters of the whole: what comes instead goes into the first of the pieces."""
        at = 0
        for container, key in self.places:
            piece = container[key]
            container[key] = _edited(piece, [(start - at, end - at, instead) for start, end, instead in edits])
            at += len(piece)


class Hidden:
    """Hides in one test's requests and answers."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._secrets: frozenset[str] = frozenset()

    def replace(self, value: str, instead: str) -> None:
        """Write *instead* for *value* from now on."""
        self._told[value] = instead

    def add(self, secrets: Iterable[str]) -> None:
        """Hide *secrets* from now on, in each of the ways in which they are written."""
        self._secrets |= _spellings(secrets)

    def text(self, text: str) -> str:
        """Return *text* without secrets."""
        place = [text]
        self.scrub([Text([(place, 0)])])
        return place[0]

    def scrub(self, texts: list[Text], *, remember: bool = False) -> bool:
        """Take the secrets out of *texts*, and what is found in one of them out of all; say whether there were any.

        With *remember* they are hidden in what comes later, too.
        """
        for text in texts:
            text.edit(_joined(_occurrences("".join(text.pieces()), self._told)))
        whole = ["".join(text.pieces()) for text in texts]
        found = [() if text.identifier else _find(each) for text, each in zip(texts, whole, strict=True)]
        secrets = self._secrets | _spellings(value for each in found for _start, _end, value in each)
        if remember:
            self._secrets |= secrets
        known = dict.fromkeys(secrets, BLANK)
        edits = [
            _joined([*((start, end, BLANK) for start, end, _value in one), *_occurrences(each, known)])
            for one, each in zip(found, whole, strict=True)
        ]
        for text, each in zip(texts, edits, strict=True):
            text.edit(each)
        return any(edits)


def _edited(piece: str, edits: list[Edit]) -> str:
    """Return *piece* with *edits*, which may begin before it or end after it."""
    kept, at = "", 0
    for start, end, instead in edits:
        if end > 0 and start < len(piece):
            kept += piece[at : max(start, 0)] + (instead if start >= 0 else "")
            at = min(end, len(piece))
    return kept + piece[at:]


def _occurrences(text: str, values: dict[str, str]) -> list[Edit]:
    there = [value for value in list(values) if value in text]
    return [(*match.span(), values[value]) for value in there for match in re.finditer(re.escape(value), text)]


def _joined(edits: list[Edit]) -> list[Edit]:
    """Return *edits* in order, and one where several overlap: that of the first, or longest, of them."""
    joined: list[Edit] = []
    for start, end, instead in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if joined and start < joined[-1][1]:
            first, until, best = joined[-1]
            joined[-1] = (first, max(until, end), best)
        else:
            joined.append((start, end, instead))
    return joined


def _spellings(secrets: Iterable[str]) -> frozenset[str]:
    """Return every spelling of those *secrets* that are long enough."""
    return frozenset(spelling for secret in secrets if len(secret) >= SHORTEST for spelling in spellings(secret))


@lru_cache(maxsize=4096)  # the same messages and tools are sent again with each request
def _find(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((each.start, each.end, each.value) for each in find_secrets(text))
