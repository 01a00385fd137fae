"""Messages that want something of plugins and something of what is active: "rain in Lisburn? and calculator off".

Each part is read by itself: what manages plugins by :mod:`dynamic_plugins.embedded.dialogue`, what lies between by
:mod:`dynamic_plugins.embedded.using`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.decide import Answer, Call
from dynamic_plugins.embedded.extractors import extract
from dynamic_plugins.embedded.hedges import CLAUSE_END
from dynamic_plugins.embedded.using import propose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.dialogue import Dialogue
    from dynamic_plugins.embedded.request import Exchange, Offered
    from dynamic_plugins.embedded.using import Proposal

MOST_PARTS = 6
USES = 0.5
"""So likely a part uses what is active, or it is a remark beside the orders."""
WANTED = 0.3
"""From this probability on of its best call a part asks for something of what is active."""


@dataclass(frozen=True)
class MixedOrder:
    """What a message wants of plugins and of what is active, in the order in which it says so.

    *managed* and *used* are how likely the least likely of either kind is; *left_out* counts the parts that want
    nothing.
    """

    calls: tuple[Call, ...]
    managed: float
    used: float
    certain: bool
    """Whether every part that manages something would be done at once by itself."""
    changing: bool
    doubtful: bool
    left_out: int


@dataclass(frozen=True)
class _Part:
    start: int
    end: int
    managed: Answer | None


def mixed_order(
    said: str, dialogue: Dialogue, before: Sequence[Exchange], tools: Sequence[Offered]
) -> MixedOrder | None:
    """Return what *said* wants of plugins and of what is active together; None where it does not want both.

    What it wants of a plugin that it switches on first is not among it: that has nothing to offer before.
    """
    spans = _spans(said)
    if not 1 < len(spans) <= MOST_PARTS:
        return None
    managed: list[Answer] = []
    used: list[Proposal] = []
    calls: list[Call] = []
    left_out = 0
    for group in _groups(said, spans, dialogue):
        if (answer := group[0].managed) is not None:
            managed.append(answer)
            calls += [call for call in answer.calls or answer.proposed if call not in calls]
        elif (proposal := _used(said, group, dialogue, before, tools)) is not None:
            used.append(proposal)
            calls += [Call(name, arguments) for name, arguments in proposal.calls]
        else:
            left_out += 1
    if not managed or not used:
        return None
    return MixedOrder(
        tuple(calls),
        min(answer.probability for answer in managed),
        min(proposal.probability for proposal in used),
        all(answer.calls for answer in managed),
        any(proposal.changing for proposal in used),
        any(answer.doubtful and not answer.calls for answer in managed),
        left_out,
    )


def _spans(said: str) -> list[tuple[int, int]]:
    """Return where the parts of *said* stand that may order something by themselves; no quotation is cut."""
    held = [
        (value.start, value.end) for value in extract(said).of("quoted", "sql", "expression", "url", "path", "date")
    ]
    spans, start = [], 0
    for gap in _GAP.finditer(said):
        if any(s < gap.end() and gap.start() < e for s, e in held):
            continue
        spans.append((start, gap.start()))
        start = gap.end()
    spans.append((start, len(said)))
    return [(s, e) for s, e in spans if re.search(r"\w", said[s:e])]


_GAP = re.compile(
    rf"{CLAUSE_END.pattern}|(?:[,.]|\s)\s*\b(?:sonra|en dan|en|i|og|och|e|para|después|danach|ensuite)\s+", re.I
)


def besides_managing(said: str, dialogue: Dialogue) -> list[str]:
    """Return the stretches of *said* that want something else than to manage plugins, and use what is active."""
    between = [group for group in _groups(said, _spans(said), dialogue) if group[0].managed is None]
    texts = [text for group in between for text in _texts(said, group)]
    return [text for text in texts if dialogue.uses(text, surely=False) >= USES]


def _groups(said: str, spans: Sequence[tuple[int, int]], dialogue: Dialogue) -> list[list[_Part]]:
    """Return the parts of *said* that manage something each by itself, and those between them together."""
    groups: list[list[_Part]] = []
    answers = dialogue.managed_by_parts([said[start:end] for start, end in spans])
    for (start, end), answer in zip(spans, answers, strict=True):
        part = _Part(start, end, answer)
        if part.managed is None and groups and groups[-1][0].managed is None:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _texts(said: str, group: Sequence[_Part]) -> list[str]:
    """Return a stretch of *said* as a whole, and each of its parts."""
    return list(dict.fromkeys([said[group[0].start : group[-1].end], *(said[part.start : part.end] for part in group)]))


def _used(
    said: str, group: Sequence[_Part], dialogue: Dialogue, before: Sequence[Exchange], tools: Sequence[Offered]
) -> Proposal | None:
    """Return what a stretch of *said* asks of what is active: all of it, or the one part that asks for something."""
    for text in _texts(said, group):
        if dialogue.uses(text) < USES:
            continue
        best = next(iter(propose(text, before, tools)), None)
        if best is not None and best.calls and not best.missing and best.probability >= WANTED:
            return best
    return None
