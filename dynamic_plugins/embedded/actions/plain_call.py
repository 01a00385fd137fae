"""How plainly a call is ordered: whether anything in the message is left over that could mean otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.hedges import ends_in_a_no, negated, tells_what_was_said
from dynamic_plugins.embedded.language.spoken_punctuation import tells_spelling

if TYPE_CHECKING:
    from dynamic_plugins.embedded.actions.call_proposals import Proposal

MOST_LEFT_OVER = 2
"""So many words beside an action's name and its arguments are courtesy, or what joins them."""
_WORD = re.compile(r"[^\W_]+")
_COLON = re.compile(r"[^\W\d]\s?[:：]\s")
_MARKS = " \n\"'“”„«».!"


def is_plain(said: str, proposal: Proposal) -> bool:
    """Whether a message is an order with nothing left over, or all behind its colon is a text of the call.

    What takes something away is not, nor what somebody else said, is denied, or says how a word is written.
    """
    texts = texts_in(proposal)
    around = said
    for text in sorted(texts, key=len, reverse=True):
        around = around.replace(text, " ")
    if proposal.deletes or negated(around) or tells_what_was_said(around) or tells_spelling(said):
        return False
    told = {_bare(text) for text in texts}
    introduced = any(_bare(said[colon.end() :]) in told for colon in _COLON.finditer(said))
    return introduced or (_is_wholly_said(proposal) and "?" not in said)


def _is_wholly_said(proposal: Proposal) -> bool:
    """Whether the message is an order with a verb of the action, and no word and no value in it is left over.

    What goes into a field of an object is never said so plainly.
    """
    told = proposal.features
    left_over = told.get("unexplained", 0.0) or told.get("unused", 0.0)
    values = (value for _, arguments in proposal.calls for value in arguments.values())
    return bool(told.get("r_verb_any")) and not left_over and not any(map(_has_fields, values))


def _has_fields(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_fields, value)))


def _bare(text: str) -> str:
    return text.strip(_MARKS)


def denies_a_value(said: str, proposal: Proposal) -> bool:
    """Whether a text of the call stands behind a no: "add no milk"."""
    return any(ends_in_a_no(said[: said.find(text)]) for text in texts_in(proposal) if text in said)


def says_more(said: str, proposal: Proposal) -> bool:
    """Whether a message says more than the name of an action and its arguments: "git reset deletes my work or not"."""
    if negated(said):
        return True
    name, arguments = proposal.calls[0]
    told = {word.lower() for value in arguments.values() for word in _WORD.findall(str(value))}
    told |= {word.lower() for word in _WORD.findall(name.replace("_", " "))}
    return sum(word.lower() not in told for word in _WORD.findall(said)) > MOST_LEFT_OVER


def texts_in(proposal: Proposal) -> tuple[str, ...]:
    """Return the texts among the arguments of *proposal*, those in lists and objects too."""
    found: list[str] = []
    waiting: list[Any] = [arguments for _, arguments in proposal.calls]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, (dict, list)):
            waiting += each.values() if isinstance(each, dict) else each
    return tuple(found)
