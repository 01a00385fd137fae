"""What a plugin was switched on for: the wish that waited for it, with what the message that switched it on adds.

Somebody asks how the weather will be in Borås, is told that the weather plugin is off, asks if it is safe, and says
"fine, on with it, and four days": the forecast for Borås, of four days. The wish is looked for from the latest message
back to the last one that was served, and read as if the plugin had been on then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.references import MANAGEMENT
from dynamic_plugins.embedded.language.agreement import past_a_yes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dynamic_plugins.embedded.actions.call_proposals import Proposal
    from dynamic_plugins.embedded.context.request import Exchange, Offered

LOOKED_BACK = 4
"""So many messages back a wish may lie."""
READS, CHANGES = 0.75, 0.75
"""A wish is fulfilled from these probabilities on, where it only reads and where it may change something."""
WISHES, UNWISHED = 0.3, 2.0
"""A message that is less likely than the first to want something done, as one that asks what a plugin can do, needs so
many times as much."""
SURELY = 0.85
"""So much is enough for any."""
ADDS = 0.8
"""What the last message adds to a wish is taken where it is not less likely than so much of the wish by itself."""


def pending_wish(
    exchanges: Sequence[Exchange],
    left: str,
    tools: Sequence[Offered],
    uses: Callable[[str, Sequence[Exchange]], float],
) -> Proposal | None:
    """Return the calls of *tools* that an earlier message than the last of *exchanges* wished for; None without one.

    *tools* are those of the plugin that was just switched on, *left* is what the last message says besides that.
    *uses* says how likely a message, after others, wants something done.
    """
    for wish, before in _wishes(exchanges):
        if (alone := _best(wish, before, tools)) is None:
            continue
        more = _best(f"{wish.rstrip(' .?!')}. {left}", before, tools) if left.strip() else None
        best = more if more is not None and more.probability >= ADDS * alone.probability else alone
        least = CHANGES if best.changing else READS
        least = least if uses(wish, before) >= WISHES else min(UNWISHED * least, SURELY)
        if not best.missing and best.probability >= least:
            return best
    return None


def _wishes(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, Sequence[Exchange]]]:
    """Give the messages that nothing was called for, the latest first, each with what went before it."""
    for back in range(len(exchanges) - 2, max(-1, len(exchanges) - 2 - LOOKED_BACK), -1):
        exchange = exchanges[back]
        if any(made.name not in MANAGEMENT for made in exchange.calls):
            return
        yield past_a_yes(exchange.said) or exchange.said, exchanges[:back]


def _best(said: str, before: Sequence[Exchange], tools: Sequence[Offered]) -> Proposal | None:
    found = propose(_as_order(said), before, tools)
    return next((each for each in found if each.calls and not each.answers), None)


def _as_order(said: str) -> str:
    """Return *said* without asking whether it can be done: what was asked so was wished for."""
    return _ABLE.sub("", said, count=1)


_ABLE = re.compile(
    r"^\W*(?:(?:hi|hey|hello|ok|so|good (?:morning|afternoon|evening))\W+)*(?:please )?"
    r"(?:can|could|would|might|will) you(?: please| be able to| maybe| perhaps)? ",
    re.I,
)
