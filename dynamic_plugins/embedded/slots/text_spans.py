"""Which words of a message are the value of a parameter that takes text: a small model over where they begin and end.

Every run of words could be the title, the item or the query that a tool wants. A linear model says how likely each is,
by the words before it and behind it, its first and last word, its length, and what is left of the message without it;
or that none is. What the rules of :mod:`dynamic_plugins.embedded.slots.slot_filling` take for the value is one more
thing that speaks for a run. The weights are trained by ``evals/train_text_spans.py`` on messages whose values are
known.
"""

from __future__ import annotations

import json
import math
import zlib
from array import array
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_plugins.embedded.slots.span_features import keys_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.embedded.learned.encoder_heads import Ends
    from dynamic_plugins.embedded.slots.span_features import Features, Slot, Words

WEIGHTS = Path(__file__).with_name("text_spans.model")
BUCKETS = 2**18
LONGEST, MOST_WORDS = 45, 90
"""So many words are one value at most; a longer message than this is not looked at."""


class Run(NamedTuple):
    """Words of a message from *start* to *end*, and how likely they are the value; none of them where *end* is 0."""

    start: int
    end: int
    probability: float


def bucket(key: tuple[str, Any, str]) -> int:
    """Return the number of a feature."""
    return zlib.crc32(repr(key).encode()) % BUCKETS


@cache
def _table() -> Mapping[int, float]:
    line, _, rest = WEIGHTS.read_bytes().partition(b"\n")
    head = json.loads(line)
    rows, weights = array("I"), array("b")
    size = head["rows"] * rows.itemsize
    rows.frombytes(rest[:size])
    weights.frombytes(rest[size:])
    return {row: weight * head["scale"] for row, weight in zip(rows, weights, strict=True)}


class _Weights(dict[tuple[str, Any], float]):
    """What each thing that may be told of a run weighs for one slot, worked out when it is first told."""

    def __init__(self, slot: Slot) -> None:
        super().__init__()
        self._slot, self._table = slot, _table()

    def __missing__(self, told: tuple[str, Any]) -> float:
        weight = sum(self._table.get(bucket(key), 0.0) for key in keys_for(self._slot, *told))
        if len(self) < _REMEMBERED:
            self[told] = weight
        return weight


@lru_cache(maxsize=128)
def _weights_for(slot: Slot) -> _Weights:
    return _Weights(slot)


def runs(features: Features, most: int = 6, ends: Ends | None = None, *, in_a_line: bool = False) -> list[Run]:
    """Return the likeliest values of a slot, the best first; one of them may be that the message gives none.

    *ends* is what the encoder says of where the value begins and ends; with *in_a_line* none goes on in the next one.
    Some milliseconds for a message of twenty words.
    """
    words = features.words
    weights = _weights_for(features.slot)

    def score(found: Iterable[tuple[str, Any]]) -> float:
        return sum(map(weights.__getitem__, found))

    first = [score(features.beginning(i)) for i in range(words.size)]
    last = [score(features.ending(j)) for j in range(1, words.size + 1)]
    none = score(features.none())
    if ends is not None:
        places = list(zip(words.starts, words.ends, strict=True))
        first = [each + ENCODED * ends.begin(*place) for each, place in zip(first, places, strict=True)]
        last = [each + ENCODED * ends.end(*place) for each, place in zip(last, places, strict=True)]
        none += ENCODED * ends.none
    pairs = [
        (first[i] + last[j - 1], i, j)
        for i in range(words.size)
        for j in range(i + 1, (_end_of_line(words, i) if in_a_line else min(words.size, i + LONGEST)) + 1)
    ]
    pairs.sort(reverse=True)
    scored = [(at_ends + score(features.whole(i, j)), i, j) for at_ends, i, j in pairs[:_LOOKED_AT]]
    scored.append((none, 0, 0))
    top = max(each[0] for each in scored)
    total = sum(math.exp(each[0] - top) for each in scored)
    best = sorted(scored, reverse=True)[:most]
    return [Run(i, j, math.exp(value - top) / total) for value, i, j in best]


def _end_of_line(words: Words, first: int) -> int:
    """Return how many words there are up to the end of the line in which the word *first* stands."""
    line = words.text.find("\n", words.ends[first])
    return sum(start < line for start in words.starts) if line >= 0 else min(words.size, first + LONGEST)


ENCODED = 0.3
"""So much the encoder's scores count beside those of the words, by the log loss on people whom neither has seen."""
_REMEMBERED = 20_000
"""So many weights are kept for a slot: words differ without end, all else is told again and again."""
_LOOKED_AT = 120
"""So many runs, those whose ends are likeliest, are looked at as a whole."""
