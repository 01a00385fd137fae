"""What is still to be called for a message, once its first calls have been made: the rest of an order, or what a plugin
was switched on for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.actions.pending_wish import pending_wish
from dynamic_plugins.embedded.context.references import MANAGEMENT
from dynamic_plugins.embedded.context.request import Exchange, Offered, reply_before, turn_before
from dynamic_plugins.embedded.language.agreement import agrees, past_a_yes
from dynamic_plugins.embedded.managing.decide import Answer, Call, plain_name
from dynamic_plugins.embedded.managing.dialogue import Dialogue
from dynamic_plugins.embedded.managing.plain_order import after_plain_order
from dynamic_plugins.embedded.mixed_order import besides_managing
from dynamic_plugins.embedded.options import ask_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.actions.call_proposals import Proposal
    from dynamic_plugins.embedded.context.request import Request
    from dynamic_plugins.embedded.managing.dialogue import Knowledge

SEARCH, CALL = "search_plugin_actions", "call_plugin_action"
SURELY_USES = 0.6
"""What a later clause asks, behind an order that was no plain one, is called from this probability on."""
CHANGES = 0.9
"""What a message says besides switching a plugin on is called from this probability on."""
OWN_READS, OWN_CHANGES = 0.7, 0.75
"""What a message wants of the plugin that it had switched on is called from these probabilities on, where it only reads
and where it changes something."""
USES = 0.4
"""What follows on an order, or is ordered of a plugin by name, is called from this probability on."""


def next_call(request: Request, tools: Sequence[Offered], knowledge: Knowledge) -> Answer | None:
    """Return what is still to be called for the message; None when nothing is left of it."""
    last = request.now.calls[-1]
    if last.name == SEARCH and isinstance(last.result, dict):
        found = [
            Offered(str(each.get("action")), str(each.get("description") or ""), each.get("parameters") or {})
            for each in last.result.get("actions") or []
            if isinstance(each, dict)
        ]
        return _wrapped(request, found)
    if any(made.name not in MANAGEMENT or not _succeeded(made.result) for made in request.now.calls):
        return None
    if not any(made.name == "activate_plugin" for made in request.now.calls) or not tools:
        return None
    # A yes to a question does what the message before it ordered, and goes on with the rest of that.
    ordered = request.exchanges[:-1] if _is_yes(request) else request.exchanges
    left = after_plain_order(Dialogue(knowledge, ordered).read())
    behind_a_yes = ""
    if left == ordered[-1].said and "?" in reply_before(ordered):
        behind_a_yes = past_a_yes(left)
        left = behind_a_yes or left
    configured = any(made.name == "configure_plugin" for made in request.now.calls)
    if not configured and (own := _of_what_was_switched_on(request, left, tools, knowledge)):
        return own
    # What follows on an order with "then", or on a yes, is one too; and so is what a yes to "shall I switch it on?"
    # was said to.
    plainly = left != ordered[-1].said or ordered is not request.exchanges
    for text in [left] if plainly else besides_managing(left, Dialogue(knowledge, ordered)):
        best = next(iter(propose(text, ordered[:-1], tools)), None)
        # What stands behind a yes mostly says the same as that, "yes please, wake it up", but where it gives a value.
        least = USES if plainly and not (behind_a_yes and not _gives_a_value(best, text)) else SURELY_USES
        if not plainly and best is not None and best.changing:
            least = CHANGES
        if best is not None and best.calls and not best.missing and best.probability >= least:
            return calls_of(best)
    return None


def _gives_a_value(proposal: Proposal | None, text: str) -> bool:
    """Whether an argument of *proposal* stands in *text*."""
    told = [str(each).casefold() for _, given in (proposal.calls if proposal else ()) for each in given.values()]
    return any(each in text.casefold() for each in told)


def _of_what_was_switched_on(
    request: Request, left: str, tools: Sequence[Offered], knowledge: Knowledge
) -> Answer | None:
    """Return what the message, or an earlier one that waited for it, wants of the plugin that now is on.

    *left* is what the message says besides the order to switch it on.
    """
    switched_on = [made for made in request.now.calls if made.name == "activate_plugin"]
    names = {plain_name(str(made.arguments.get("plugin_name"))) for made in switched_on}
    mine = [tool for tool in tools if plain_name(tool.name.rpartition("__")[0]) in names]
    if not mine:
        return None
    before = request.exchanges[:-1]
    beside = besides_managing(left, Dialogue(knowledge, request.exchanges))
    rest = past_a_yes(left) if "?" in reply_before(request.exchanges) else ""
    own = [left] if left != request.now.said else [rest, *beside] if rest else beside
    for text in (text for text in own if text.strip()):
        best = next((each for each in propose(text, before, mine) if not each.answers), None)
        if best is None or not best.calls or best.missing:
            continue
        if best.probability >= (OWN_CHANGES if best.changing else OWN_READS):
            return calls_of(best)
    said = "" if _is_yes(request) else rest or " ".join(beside)

    def uses(wish: str, earlier: Sequence[Exchange]) -> float:
        return Dialogue(knowledge, [*earlier, Exchange(wish, [])]).uses(wish)

    wish = pending_wish(request.exchanges, said, mine, uses)
    return calls_of(wish) if wish is not None else None


def _wrapped(request: Request, found: Sequence[Offered]) -> Answer | None:
    best = next(iter(propose(request.now.said, request.exchanges[:-1], found)), None)
    if best is None or not best.calls or best.probability < USES:
        return None
    if best.missing:
        return Answer(text=ask_for(best))
    as_text = not _takes_an_object(request.tools)
    return Answer(
        tuple(
            Call(CALL, {"action": name, "arguments": json.dumps(each, ensure_ascii=False) if as_text else each})
            for name, each in best.calls
        )
    )


def calls_of(best: Proposal) -> Answer:
    """Return the answer that makes the calls of *best*."""
    return Answer(tuple(Call(name, arguments) for name, arguments in best.calls))


def _takes_an_object(tools: Sequence[Offered]) -> bool:
    """Whether the tool that calls a found action takes its arguments as they are, and not as JSON text."""
    shapes = [tool.parameters.get("properties", {}).get("arguments", {}) for tool in tools if tool.name == CALL]
    return any(isinstance(shape, dict) and shape.get("type") == "object" for shape in shapes)


def _is_yes(request: Request) -> bool:
    """Whether the last message is nothing but a yes to a question."""
    before = turn_before(request.exchanges)
    return before is not None and not before.calls and "?" in (before.reply or "") and agrees(request.now.said)


def _succeeded(result: Any) -> bool:
    return isinstance(result, dict) and bool(result.get("ok", True)) and "error" not in result
