"""Using what is active: the calls of plugins' own actions that a message asks for, and how sure that is."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.action_ranker import WEIGHTS
from dynamic_plugins.embedded.actions.call_candidates import candidates
from dynamic_plugins.embedded.actions.use_features import HYPOTHETICAL, may_change, writes_over
from dynamic_plugins.embedded.context.references import MANAGEMENT, Memory
from dynamic_plugins.embedded.language.action_words import verb_kinds
from dynamic_plugins.embedded.learned.boosted_trees import trees
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.actions.possible_call import Candidate
    from dynamic_plugins.embedded.context.request import Exchange, Offered
    from dynamic_plugins.embedded.learned.boosted_trees import BoostedTrees

READS_FROM, CHANGES_FROM = 0.35, 0.5
"""The probability from which on a call that only reads, and one that may change something, is worth making."""
WONDERED = 0.3
"""At most so probable is what somebody only asks about: "what would happen if I deleted it?"."""
RARE = 4.0
"""What counts for a call that answers our own question, or mends a failed one, and against one that cannot take what it
is given, and for one that gets the next part of what the last one began: too rare in dialogues to be learned."""
LEAST_OF_RARE = 0.6
"""So much of its share among the others such a call has at least, as has the last call with one thing replaced."""
_WONDERS = re.compile(
    r"\b(?:what (?:would|will)? ?happens?|what if|should i|was (?:passiert|würde passieren)|sollte ich|"
    r"qu[eé] pasa(?:ría)? si|que se passe)\b",
    re.I,
)


@dataclass(frozen=True)
class Proposal:
    """Calls that a message may ask for: (tool, arguments), in order.

    *probability*, calibrated, is that these are exactly what is wanted. *missing* are required parameters that nobody
    said; a question for the first of them is then right. *changing* says that one of the calls may change something.
    """

    calls: tuple[tuple[str, dict[str, Any]], ...]
    probability: float
    missing: tuple[str, ...] = ()
    changing: bool = True
    substituted: bool = False
    """Whether it is the last call with something that only the form of what was said, or of its result, puts there."""
    answers: bool = False
    """Whether the message answers our question for something that was missing."""
    features: Mapping[str, float] = field(default_factory=dict)
    """What its probability was worked out from."""
    deletes: bool = False
    """Whether one of the calls takes something away, by the verb of its action."""

    @property
    def acts(self) -> bool:
        """Whether the calls should be made at once."""
        return not self.missing and self.probability >= (CHANGES_FROM if self.changing else READS_FROM)


def propose(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Proposal]:
    """Return what *said* may ask of *tools* after the conversation *exchanges* (without *said*), the best first."""
    own = {tool.name: tool for tool in tools if tool.name not in MANAGEMENT}
    weighed = order(candidates(said, exchanges, list(own.values())))
    ordered = sorted(zip(weighed, probabilities(weighed), strict=True), key=lambda pair: -pair[1])
    proposals, memory = [], Memory(exchanges)
    words = [*tokens(said), *tokens(exchanges[-1].said if exchanges else "")]
    for candidate, share in ordered:
        if any(writes_over(own[name], arguments, said, memory) for name, arguments in candidate.calls):
            continue
        deletes = _deletes(candidate, own)
        if deletes and not _says_to_delete(candidate, tokens(said) if not candidate.features.get("answers") else words):
            continue
        changing = any(may_change(own[name]) for name, _ in candidate.calls)
        if _WONDERS.search(said) or (changing and HYPOTHETICAL.search(said)):
            share = min(share, WONDERED)
        answers = bool(candidate.features.get("answers"))
        put = bool(candidate.features.get("substituted") or candidate.features.get("onward"))
        proposals.append(
            Proposal(candidate.calls, share, candidate.missing, changing, put, answers, candidate.features, deletes)
        )
    return proposals


def _deletes(candidate: Candidate, tools: Mapping[str, Offered]) -> bool:
    """Whether one of the calls takes something away."""
    changing = (name for name, _ in candidate.calls if may_change(tools[name]))
    return any("delete" in card(tools[name]).kinds for name in changing)


def _says_to_delete(candidate: Candidate, words: Sequence[str]) -> bool:
    """Whether a word says that something is to be taken away: likeness never leads to that.

    The last call made again, with something else, was said before, and what makes room for another was named.
    """
    before = candidate.features.get("repeat") or candidate.features.get("off_and_on")
    return bool(before) or any("delete" in verb_kinds(word) for word in words)


def order(found: Sequence[Candidate], weights: Mapping[str, float] | None = None) -> list[Candidate]:
    """Return the candidates, the likeliest first; each gets its share of the probability among them as a feature."""
    weights = _weights("order") if weights is None else weights
    scores = [
        sum(weights.get(name, 0.0) * value for name, value in c.features.items())
        + RARE * (c.features.get("answers", 0.0) + c.features.get("retry", 0.0) - c.features.get("misfit", 0.0))
        + RARE * (c.features.get("spelled", 0.0) + c.features.get("onward", 0.0))
        for c in found
    ]
    top = max(scores, default=0.0)
    total = sum(math.exp(score - top) for score in scores)
    for candidate, score in zip(found, scores, strict=True):
        share = math.exp(score - top) / total
        candidate.features |= {"among": share, "among_score": max(-6.0, min(6.0, score)) / 3}
    ordered = sorted(found, key=lambda c: -c.features["among"])
    for place, candidate in enumerate(ordered):
        next_best = ordered[0 if place else 1].features["among"] if len(ordered) > 1 else 0.0
        candidate.features |= {"place": float(place), "ahead": candidate.features["among"] - next_best}
    return ordered


def probabilities(ordered: Sequence[Candidate], grown: BoostedTrees | None = None) -> list[float]:
    """Return how likely each candidate, as :func:`order` left them, is exactly what is wanted."""
    grown = grown or trees("use_probability")

    def likely(features: Mapping[str, float]) -> float:
        least = LEAST_OF_RARE * features["among"] if any(features.get(name) for name in _RARE_ONES) else 0.0
        return max(grown.probability(features), least)

    return [likely(candidate.features) for candidate in ordered]


_RARE_ONES = ("answers", "retry", "spelled", "onward", "substituted")


@lru_cache(maxsize=4)
def _weights(section: str) -> dict[str, float]:
    table = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {name: float(value) for name, value in table.get(section, {}).items()}
