"""Messages that want something of plugins and something of what is active: "rain in Lisburn? and calculator off".

Each part is read by itself: what manages plugins by :mod:`dynamic_plugins.embedded.managing.dialogue`, what lies
between by :mod:`dynamic_plugins.embedded.actions.call_proposals`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.language.hedges import CLAUSE_END
from dynamic_plugins.embedded.managing.decide import Answer, Call
from dynamic_plugins.embedded.values.extractors import extract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.actions.call_proposals import Proposal
    from dynamic_plugins.embedded.context.request import Exchange, Offered
    from dynamic_plugins.embedded.managing.dialogue import Dialogue

MOST_PARTS = 6
USES = 0.5
"""So likely a part uses what is active, or it is a remark beside the orders."""
WANTED, SURELY_WANTED = 0.3, 0.5
"""From these probabilities on of its best call a part asks for something of what is active, the second where it does
not say so by itself."""
READS, CHANGES = 0.5, 0.9
"""From these it is called without a question, where it only reads and where it may change something."""


_ASKS_WHO = re.compile(
    r"\W*(?:who|whose|why|when|where|since when|how come|wer|warum|wieso|wann|qui|pourquoi|qui[eé]n|por qu[eé]"
    r"|chi|perch[eé])\b",
    re.I,
)
"""Who asks who did it, or why, does not want it done."""
_TELLS = re.compile(
    r"\W*(?:(?:and|but|since|because|as|cause|cos|so|weil|denn|porque|car)\s+)?"
    r"(?:(?:i|we)\s*(?:['\u2019]m\b|['\u2019]re\b|\s(?:can|am|are|was|were|did|had)\b)"
    r"|(?:ich|wir)\s+(?:kann|können|bin|sind|war|hatte)\b|je\s+(?:peux|suis)\b|(?:yo\s+)?puedo\b)[^?]*\Z",
    re.I | re.S,
)
"""Who says what they can do themselves gives a reason, and orders nothing: "I can look out of the window"."""


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
    sure: bool
    """Whether so would every part that uses something."""
    changing: bool
    doubtful: bool
    left_out: int


def mixed_order(
    said: str, dialogue: Dialogue, before: Sequence[Exchange], tools: Sequence[Offered]
) -> MixedOrder | None:
    """Return what *said* wants of plugins and of what is active together; None where it does not want both.

    What it wants of a plugin that it switches on first is not among it: that has nothing to offer before.
    """
    spans = _spans(said)
    if not 1 < len(spans) <= MOST_PARTS:
        return None
    parts = _Parts(said, dialogue, before, tools)
    for span in spans:
        parts.read(span)
    return parts.order()


class _Parts:
    """The parts of a message, read one after the other: what manages plugins by itself, what lies between as a whole.

    "It" is the plugin that the part before spoke of, or used.
    """

    def __init__(self, said: str, dialogue: Dialogue, before: Sequence[Exchange], tools: Sequence[Offered]) -> None:
        self._said, self._dialogue, self._before, self._tools = said, dialogue, before, tools
        self._context = dialogue.context
        self._stretch: list[tuple[int, int]] = []
        self._managed: list[Answer] = []
        self._used: list[Proposal] = []
        self._calls: list[Call] = []
        self._left_out = 0

    def read(self, span: tuple[int, int]) -> None:
        """Read the part at *span*."""
        text = self._said[span[0] : span[1]]
        if self._stretch and self._dialogue.leans(text, self._context) and self.end_stretch(only_used=True):
            self._stretch = []
        answer = self._dialogue.managed(text, self._context)
        if answer is None:
            self._stretch.append(span)
            return
        self.end_stretch()
        self._managed.append(answer)
        made = answer.calls or answer.proposed
        self._calls += [call for call in made if call not in self._calls]
        self._context = {call.plugin: "c" for call in made if call.plugin}

    def end_stretch(self, *, only_used: bool = False) -> bool:
        """Take what was gathered for a use of what is active; *only_used* leaves it where it is none."""
        if not self._stretch:
            return False
        proposal = _used(self._said, self._stretch, self._dialogue, self._before, self._tools)
        if proposal is None:
            self._left_out += not only_used
            self._stretch = self._stretch if only_used else []
            return False
        self._used.append(proposal)
        self._calls += [Call(name, arguments) for name, arguments in proposal.calls]
        self._context = dict.fromkeys(self._dialogue.plugins_of(name for name, _ in proposal.calls), "c")
        self._stretch = []
        return True

    def order(self) -> MixedOrder | None:
        """Return what all parts want together; None where they want only one kind of thing."""
        if not self._managed:
            return None  # what the last stretch asks for is the dearest to find out
        self.end_stretch()
        if not self._used:
            return None
        return MixedOrder(
            tuple(self._calls),
            min(answer.probability for answer in self._managed),
            min(proposal.probability for proposal in self._used),
            all(answer.calls for answer in self._managed),
            all(proposal.probability >= (CHANGES if proposal.changing else READS) for proposal in self._used),
            any(proposal.changing for proposal in self._used),
            any(answer.doubtful and not answer.calls for answer in self._managed),
            self._left_out,
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
    rf"{CLAUSE_END.pattern}|(?:[,.;]|\s)\s*\b(?:sonra|en dan|en|i|a potem|og så|og|och|sen|så|e poi|e depois|e|para"
    r"|después|danach|ensuite|ve|bir de)\s+|\s+\+\s+(?=[^\W\d_]{3})",
    re.I,
)


def besides_managing(said: str, dialogue: Dialogue) -> list[str]:
    """Return the stretches of *said* that want something else than to manage plugins, and use what is active."""
    groups: list[list[tuple[int, int]]] = [[]]
    context = dialogue.context
    for start, end in _spans(said):
        answer = dialogue.managed(said[start:end], context)
        if answer is None:
            groups[-1].append((start, end))
            continue
        context = {call.plugin: "c" for call in answer.calls or answer.proposed if call.plugin}
        groups.append([])
    texts = [text for group in groups if group for text in _texts(said, group)]
    return [text for text in texts if not _TELLS.match(text) and dialogue.uses(text, surely=False) >= USES]


def _texts(said: str, stretch: Sequence[tuple[int, int]]) -> list[str]:
    """Return a stretch of *said* as a whole, and each of its parts."""
    return list(dict.fromkeys([said[stretch[0][0] : stretch[-1][1]], *(said[start:end] for start, end in stretch)]))


def _asks_who(said: str, text: str) -> bool:
    """Whether *text*, a part of *said*, is a question for who did something, or why."""
    behind = said[said.index(text) + len(text) :].lstrip()
    return bool(_ASKS_WHO.match(text)) and (behind.startswith("?") or text.rstrip().endswith("?"))


def _used(
    said: str,
    stretch: Sequence[tuple[int, int]],
    dialogue: Dialogue,
    before: Sequence[Exchange],
    tools: Sequence[Offered],
) -> Proposal | None:
    """Return what a stretch of *said* asks of what is active: all of it, or the one part that asks for something."""
    for text in _texts(said, stretch):
        best = next(iter(propose(text, before, tools)), None) if not _TELLS.match(text) else None
        if best is None or not best.calls or best.missing or (best.changing and _asks_who(said, text)):
            continue
        if best.probability >= (WANTED if dialogue.uses(text) >= USES else SURELY_WANTED):
            return best
    return None
