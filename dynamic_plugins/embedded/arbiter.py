"""Which of several readings of a message holds: a trained choice among what could be done, asked or said about it.

Each :class:`Option` is one thing to do: calls that manage plugins, calls of their actions, a search, or words alone.
Trees that were grown on dialogues (``arbiter.trees``, ``evals/train_arbiter.py``) say how likely each is right; a
policy of a few thresholds does the likeliest, asks about it, or leaves it at words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.embedded.learned.boosted_trees import trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.learned.boosted_trees import BoostedTrees
    from dynamic_plugins.embedded.managing.decide import Answer
    from dynamic_plugins.embedded.managing.reading import Reading

READS = 0.2
"""From this probability on what only reads is done."""
SEARCHES, OF_WHAT_IS_HERE = 0.4, 0.5
"""From the first probability on the registry is searched. Nobody is asked whether to search, which changes nothing;
likelier words go before it only where the message asks as likely as the second about what is here."""
CHANGES, CALLS = 0.8, 0.95
"""From these probabilities on what changes plugins, and a call that changes something, is done if it is ordered; where
the message ends in a question mark the second holds for both."""
PLAINLY_CALLS, PLAINLY_ORDERED = 0.9, 0.9
"""A call that changes something is done from the first on, where the message orders something as likely as the second
and asks nothing."""
PLAIN, ORDERED_IN_PLAIN = 0.55, 0.3
"""A call that changes something is done from the first on where each word of the message is the action's, a value of it
or empty, or its text is all that stands behind a colon, and the message orders something as likely as the second."""
OUTWEIGHS_DOUBT, ORDERED_ANYHOW = 0.85, 0.9
"""What changes plugins is done from the first on though the grammar leaves a doubt that may be outweighed, where the
message orders something as likely as the second and asks nothing: "off with it, I don't need it today" holds a no."""
WHOLE = 0.2
"""From this probability on what a message wants altogether goes before a part of it."""
FITS = 0.3
"""From this probability on a call that lacks nothing goes before a question for what the likeliest action lacks."""
NEVER = 2.0
MANAGE_ORDERED, CALL_ORDERED = 0.8, 0.7
"""So likely must it be that the message orders something, for what changes plugins or is called to be done."""
MAY_ORDER, ASKS_UNORDERED = 0.1, 0.67
"""A message that orders something less likely than the first is asked about a call that changes something only from
the second on: the words of that very action then stand in it ("TODAY!!!" to what delivery there shall be)."""
ASKS = 0.1
"""From this probability on what is not done is asked about, where words are not likelier."""
CLEARLY_ORDERED, OUTWEIGHS = 0.8, 1.8
"""Where something is so likely ordered, and nothing makes it doubtful, words must be so many times likelier: a question
is more of an answer."""

Kind = Literal["manage", "use", "mixed", "search", "words"]


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
    outweighed: bool = False
    """Whether it is done all the same where it is likely enough: see :data:`OUTWEIGHS_DOUBT`."""
    likely: float = 0.0
    """How likely the models before this one find it, of an option that manages plugins or calls actions."""
    whole: bool = False
    """Whether it goes before what is only a part of it: the message wants several things."""
    sure: bool = False
    """Whether each of its parts would be done at once by itself."""
    share: float | None = None
    """How likely it is right, where that is not the trees' to say: dialogues hold none like it."""
    least: float = 0.0
    """How likely it is at least."""
    asks_for: str = ""
    """The action for which a value is asked, where one is missing."""
    spelled: bool = False
    """Whether the message is the name of the action and its arguments, as an order is that spells it."""
    plain: bool = False
    """Whether it is ordered so that nothing is left which could mean otherwise: see :data:`PLAIN`."""


def choose(options: Sequence[Option], reading: Reading, grown: BoostedTrees | None = None) -> Answer:
    """Return what to do: the likeliest option at once, after a question, or the words that are always among them."""
    shares = {id(option): share for option, share in zip(options, probabilities(options, grown), strict=True)}
    said = max((o for o in options if _is_words(o)), key=lambda option: shares[id(option)])
    others = [option for option in options if not _is_words(option)]
    if reading.ordered < MAY_ORDER:
        others = [o for o in others if not (o.kind == "use" and o.changing and shares[id(o)] < ASKS_UNORDERED)]
    if not others:
        return said.done
    best = max(others, key=lambda option: shares[id(option)])
    whole = [o for o in others if o.whole and shares[id(o)] >= WHOLE and _is_part(best.done, o.done)]
    best = max(whole, key=lambda option: shares[id(option)], default=best)
    share, words = shares[id(best)], shares[id(said)]
    outweighs = OUTWEIGHS if reading.ordered >= CLEARLY_ORDERED and not best.doubtful else 1.0
    if words > outweighs * share and not whole:
        looked = [o for o in others if o.kind == "search" and shares[id(o)] >= SEARCHES]
        return looked[0].done if looked and not _answers(said) else said.done
    if best.kind == "search":
        return best.done if share >= SEARCHES else said.done
    if not best.changing:
        acts = share >= READS
    elif best.spelled:
        acts = share >= READS and reading.ordered >= MAY_ORDER and not best.doubtful
    elif best.plain and share >= PLAIN and not best.doubtful:
        acts = reading.ordered >= ORDERED_IN_PLAIN
    else:
        acts = share >= _enough(best, reading.ordered) and reading.ordered >= (
            CALL_ORDERED if best.kind == "use" else MANAGE_ORDERED
        )
    if acts:
        return best.done
    return best.asked if share >= ASKS else said.done


def _answers(said: Option) -> bool:
    """Whether words answer a question about what is here, or offer something."""
    asked = max(said.features.get(f"kind_{kind}", 0.0) for kind in ("self", "able", "about"))
    return asked >= OF_WHAT_IS_HERE or bool(said.done.proposed)


def _is_words(option: Option) -> bool:
    """Whether an option only says something: that a plugin is on already, say."""
    return option.kind == "words" or (option.kind == "manage" and not option.changing and not option.asked.choices)


def _is_part(one: Answer, other: Answer) -> bool:
    """Whether all that *one* calls is among what *other* does, and that is more."""
    return 0 < len(one.calls) < len(other.calls) and all(call in other.calls for call in one.calls)


def _enough(option: Option, ordered: float) -> float:
    """Return from which probability on an option that changes something is done without a question."""
    if option.doubtful:
        may = option.outweighed and ordered >= ORDERED_ANYHOW and not option.features.get("question")
        return OUTWEIGHS_DOUBT if may else NEVER
    if option.features.get("question"):
        return CALLS
    if option.kind == "manage":
        return CHANGES
    if option.sure:
        return WHOLE
    return PLAINLY_CALLS if ordered >= PLAINLY_ORDERED else CALLS


def probabilities(options: Sequence[Option], grown: BoostedTrees | None = None) -> list[float]:
    """Return how likely each of *options* is right; each is looked at beside the others."""
    grown = grown or trees("arbiter")
    shares = [
        grown.probability(evidence) if option.share is None else option.share
        for option, evidence in zip(options, evidence_of(options), strict=True)
    ]
    # Nobody is asked for what one action lacks where another that fits lacks nothing.
    fits = any(o.kind == "use" and o.done.calls and share >= FITS for o, share in zip(options, shares, strict=True))
    return shares if fits else [max(share, o.least) for o, share in zip(options, shares, strict=True)]


def evidence_of(options: Sequence[Option]) -> list[dict[str, float]]:
    """Return what speaks for and against each of *options*, what else could be done among it."""
    likeliest = {
        f"best_{kind}": max((o.likely for o in options if o.kind == kind), default=0.0)
        for kind in ("manage", "use", "mixed")
    }
    certain = float(any(option.kind == "manage" and option.changing for option in options))
    return [
        {
            **option.features,
            **likeliest,
            f"is_{option.kind}": 1.0,
            "manages_something": certain,
            "may_change": float(option.changing),
            "is_doubtful": float(option.doubtful),
            "calls": float(len(option.done.calls)),
        }
        for option in options
    ]
