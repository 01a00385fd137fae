"""Sentences that only want to know: what a plugin is, how it stands, what would come of doing something.

"Does X do reviews?", "what happens when I switch X off?", "if I unloaded X, would Y still run?": nothing in them is
ordered, however much it sounds like an order, and nothing is to be proposed on their account.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.phrases import cues

if TYPE_CHECKING:
    from dynamic_plugins.embedded.phrases import Text


def wonders(sentence: Text) -> bool:
    """Return whether *sentence* asks what would come of something, or whether it is advisable."""
    if cues("curious", "outcome").match(sentence):
        return True
    supposed = cues("curious", "supposes").begins(_spoken(sentence))
    return supposed and _is_question(sentence) and not _requests(sentence)


def asks(sentence: Text) -> bool:
    """Return whether *sentence* asks to be told something and requests nothing."""
    spoken = _spoken(sentence)
    if wonders(sentence):
        return True
    return (
        cues("curious", "asks").begins(spoken)
        and not _requests(sentence)
        and not cues("curious", "urges").match(spoken)
    )


def _requests(sentence: Text) -> bool:
    return cues("questions", "requests").match(sentence) or cues("questions", "gains").match(sentence)


def _is_question(sentence: Text) -> bool:
    return any(word in ("?", "\uff1f") for word in sentence.words)


def _spoken(sentence: Text) -> Text:
    """Return *sentence* from its first word on, past a greeting that a comma sets off."""
    begin = 0
    for index, word in enumerate(sentence.words[:4]):
        if word == "," and cues("hints", "chat").all_of(sentence.part(0, index)):
            begin = index + 1
    while begin < len(sentence) and not re.search(r"\w|⟨", sentence.words[begin]):
        begin += 1
    return sentence.part(begin, len(sentence))
