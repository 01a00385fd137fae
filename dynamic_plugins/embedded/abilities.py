"""Whether any plugin has to do with what somebody asks for: told by rare words that both use."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.phrases import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.registry.entry import Entry

TWO_WORDS, ONE_WORD = 6.0, 4.0
"""How rare words in common must be together (in nats): two anywhere, or one in a plugin's name or keywords."""


class Abilities:
    """The words of all plugins, and how rare each is."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._named = [_stems(f"{entry.name.rsplit('/', 1)[-1]} {' '.join(entry.keywords)}") for entry in entries]
        told = [
            _stems(f"{entry.description} {' '.join(f'{a.name} {a.description}' for a in entry.actions)}")
            for entry in entries
        ]
        self._told = [named | words for named, words in zip(self._named, told, strict=True)]
        self._count = Counter(word for words in self._told for word in words)

    def cover(self, words: Iterable[str]) -> bool:
        """Return whether a plugin shares with *words* two rare words, or one of its name or keywords."""
        fluff = word_set("questions", "fluff")
        asked = {_stem(word) for word in words if word not in fluff and len(word) > 2 and word.isalpha()}
        for named, told in zip(self._named, self._told, strict=True):
            common = asked & told
            if len(common) > 1 and sum(map(self._rarity, common)) >= TWO_WORDS:
                return True
            if any(self._rarity(word) >= ONE_WORD for word in asked & named):
                return True
        return False

    def _rarity(self, word: str) -> float:
        return math.log((len(self._told) + 1) / (self._count[word] + 0.5))


@lru_cache(maxsize=4)
def abilities_of(entries: tuple[Entry, ...]) -> Abilities:
    """Return the abilities of *entries*, worked out once for a registry."""
    return Abilities(entries)


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in re.findall(r"[^\W_]+", text.lower()))


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
