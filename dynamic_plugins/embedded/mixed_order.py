"""Messages that want something of plugins and something of what is active: "rain in Lisburn? and calculator off".

Each part is read by itself: what manages plugins by :mod:`dynamic_plugins.embedded.dialogue`, what lies between by
:mod:`dynamic_plugins.embedded.using`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.decide import Answer, Call, question
from dynamic_plugins.embedded.extractors import extract
from dynamic_plugins.embedded.hedges import CLAUSE_END
from dynamic_plugins.embedded.using import propose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.dialogue import Dialogue
    from dynamic_plugins.embedded.request import Exchange, Offered
    from dynamic_plugins.embedded.using import Proposal

MOST_PARTS = 5
MANAGES = 0.5
"""So likely a part manages plugins, or it is none that does."""
USES = 0.5
"""So likely a part uses what is active, or it is a remark beside the orders."""
WANTED = 0.45
"""From this probability on of its best call a part asks for something of what is active."""
READS, CHANGES = 0.5, 0.9
"""From these it is called without a question, where it only reads and where it may change something."""


@dataclass(frozen=True)
class _Part:
    start: int
    end: int
    managed: Answer | None


def mixed_order(said: str, dialogue: Dialogue, before: Sequence[Exchange], tools: Sequence[Offered]) -> Answer | None:
    """Return what *said* wants of plugins and of what is active together; None where it does not want both.

    Something that is switched on first has nothing to offer before that: then only its plugin is switched on, and the
    rest is read again afterwards.
    """
    spans = _spans(said)
    if not 1 < len(spans) <= MOST_PARTS:
        return None
    steps: list[tuple[tuple[Call, ...], bool, bool]] = []
    for group in _groups(said, spans, dialogue):
        if (managed := group[0].managed) is not None:
            steps.append((managed.calls or managed.proposed, bool(managed.calls), True))
        elif (used := _used(said, group, dialogue, before, tools)) is not None:
            calls = tuple(Call(name, arguments) for name, arguments in used.calls)
            steps.append((calls, used.probability >= (CHANGES if used.changing else READS), False))
    if len({manages for _, _, manages in steps}) < 2:
        return None
    calls = tuple(call for made, _, _ in steps for call in made)
    if any(call.tool in ("activate_plugin", "install_plugin") for call in calls):
        return None
    if all(sure for _, sure, _ in steps):
        return Answer(calls)
    return Answer(text=question(calls), proposed=calls, doubtful=True)


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
