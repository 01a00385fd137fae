"""Which of several readings of a message holds: a trained choice among what could be done, asked or said about it.

Each :class:`Option` is one thing to do: calls that manage plugins, calls of their actions, a search, or words alone. A
small linear model (weights in ``arbiter_weights.json``, trained by ``evals/train_arbiter.py`` on dialogues) gives each
its probability; a policy of three thresholds does the likeliest, asks about it, or leaves it at words.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.decide import Answer
    from dynamic_plugins.embedded.reading import Reading

WEIGHTS = Path(__file__).with_name("arbiter_weights.json")

READS = 0.3
"""From this probability on what only reads is done."""
SEARCHES = 0.55
"""From this probability on the registry is searched. Nobody is asked whether to search."""
CHANGES, CALLS = 0.9, 0.95
"""From these probabilities on what changes plugins, and a call that changes something, is done if it is ordered."""
ORDERED = 0.5
"""So likely must it be that the message orders something."""
BOTH_SURE, AGREES = 0.92, 0.72
"""Where the models of the plugin and of the order are each so sure, what changes one is done from the second on."""
MAY_ORDER, ASKS_UNORDERED = 0.1, 0.7
"""A message that orders something less likely than the first is asked about a call that changes something only from
the second on: the words of that very action then stand in it ("TODAY!!!" to what delivery there shall be)."""
ASKS, ASKS_DOUBTFUL = 0.15, 0.25
"""From this probability on what is not done is asked about, where words are not far likelier; the second holds where
the grammar of the message leaves a doubt."""
OUTWEIGHS = 4.0
"""Words that are so many times likelier go before a question."""

Kind = Literal["manage", "use", "search", "words"]


@dataclass(frozen=True)
class Option:
    """One thing that could be done about a message: *done* does it at once, *asked* asks about it first."""

    kind: Kind
    done: Answer
    asked: Answer
    features: Mapping[str, float]
    changing: bool = False
    doubtful: bool = False
    """Whether it is at most asked about."""
    likely: float = 0.0
    """How likely the models of single plugins find it, of an option that manages plugins."""
    spelled: bool = False
    """Whether the message is the name of the action and its arguments, as an order is that spells it."""


def choose(options: Sequence[Option], reading: Reading, weights: Mapping[str, float] | None = None) -> Answer:
    """Return what to do: the likeliest option at once, after a question, or the words that are always among them."""
    unordered = {id(o) for o in options if o.kind == "use" and o.changing and reading.ordered < MAY_ORDER}
    clear = max(zip(options, probabilities(options, weights), strict=True), key=lambda pair: pair[1])
    if id(clear[0]) in unordered and clear[1] >= ASKS_UNORDERED:
        return clear[0].asked
    options = [o for o in options if id(o) not in unordered]
    shares = probabilities(options, weights)
    words = max((s for o, s in zip(options, shares, strict=True) if o.kind == "words"), default=0.0)
    said = next(o for o in options if o.kind == "words")
    best, share = max(
        ((o, s) for o, s in zip(options, shares, strict=True) if o.kind != "words"),
        key=lambda pair: pair[1],
        default=(said, words),
    )
    asks = ASKS_DOUBTFUL if best.doubtful else ASKS
    if best.kind == "words" or (words > share and (share < asks or words > OUTWEIGHS * share)):
        return said.done
    if best.kind == "search":
        return best.done if share >= SEARCHES else said.done
    if not best.changing and share >= READS:
        return best.done
    of_one = len({call.plugin for call in best.done.calls}) == 1
    if best.kind == "manage" and of_one and min(best.likely, reading.ordered) >= BOTH_SURE and share >= AGREES:
        return best.asked if best.doubtful else best.done
    enough, ordered = (READS, MAY_ORDER) if best.spelled else (CALLS if best.kind == "use" else CHANGES, ORDERED)
    if best.changing and not best.doubtful and share >= enough and reading.ordered >= ordered:
        return best.done
    return best.asked if share >= asks else said.done


def probabilities(options: Sequence[Option], weights: Mapping[str, float] | None = None) -> list[float]:
    """Return how likely each of *options* is the right one; together they are 1."""
    weights = _weights() if weights is None else weights
    scores = [sum(weights.get(name, 0.0) * value for name, value in option.features.items()) for option in options]
    top = max(scores, default=0.0)
    masses = [math.exp(score - top) for score in scores]
    return [mass / sum(masses) for mass in masses]


@cache
def _weights() -> dict[str, float]:
    found: dict[str, float] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return found
