"""What a conversation asks the person itself, where nobody sits at a prompt: may a plugin reach this for its call?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer
from dynamic_plugins.embedded.language.agreement import agrees, declines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.tools.reach_consent import WantedReach

HOW = 'Say "yes" for this conversation, "always", or "no".'
_ALWAYS = re.compile(r"\b(?:always|for ?ever|immer|toujours|siempre|sempre|altijd)\b", re.IGNORECASE)


def question_text(asked: Iterable[WantedReach]) -> str:
    """Return the question about all that was *asked*, with what the person is warned of; it takes one answer."""
    lines = []
    for each in asked:
        action = each.call.tool.action.name if each.call.tool is not None else each.call.name
        why = "is about that, and cannot reach it yet" if each.refused is None else "was refused that just now"
        lines += [f"{each.question} Its action {action} {why}."]
        lines += [f"Careful: {warning}" for warning in each.warnings]
    return "\n".join([*dict.fromkeys(lines), HOW])


def answer_in(said: str, asked: Sequence[WantedReach]) -> Answer | None:
    """Return what *said* answers to what was *asked*; None where it is another message."""
    question = question_text(asked)
    rest, lasting = _ALWAYS.subn(" ", said)
    if lasting and (not re.search(r"\w", rest) or agrees(rest, question)):
        return Answer.ALWAYS
    if agrees(said, question):
        return Answer.CONVERSATION
    return Answer.NO if declines(said) else None
