"""Facts that somebody tells to have them kept: "remember that …", and "bed 6 rings at five. keep that one"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.language.free_text import whole_text

if TYPE_CHECKING:
    from dynamic_plugins.embedded.language.free_text import Span

FEWEST_OF_A_FACT, MOST_OF_A_SUBJECT = 3, 3
"""So many words has a fact at least, and what it is about at most where it names nothing."""
A_FACT = "fact"
"""What kind of thing a fact is about, where nobody says."""
_KEEP = (
    r"remember|keep|note|store|memori[sz]e|merke?n?|behalte?n?|recuerda|acu[eé]rdate|apunta|retiens|souviens|ricorda(?:ti)?"
    r"|lembr[ae]|zapami[eę]taj|onthoud|kom ihåg|husk|запомни|hatırla|unutma"
)
_KEEPS = re.compile(rf"\b(?:{_KEEP})\b", re.I)
_KEEPS_BEHIND = re.compile(
    rf"[.,;!\u2013\u2014-]?\s*\b(?:please |can you |could you |so |and )*(?:{_KEEP})\s+"
    r"(?:that|this|it|them|those|das|dir das|eso|ça|questo|isso|to|dat)"
    r"(?: one| ones| down| for me| pl[sz]| please| bitte| in mind)*\W*\Z",
    re.I,
)
"""The fact first, and then that it shall be kept: "bed 6 rings at five. keep that one"."""
_WORD = re.compile(r"[\w'’-]+")


class Fact(NamedTuple):
    """What shall be kept, where the message says it, and the words that it begins with."""

    text: str
    span: Span
    subject: str


def fact_to_keep(said: str) -> Fact | None:
    """Return the fact that *said* wants kept; None where it wants none kept, or says too little of it."""
    kept = whole_text(said) if _KEEPS.search(said) else None
    if kept is None and (found := _KEEPS_BEHIND.search(said)):
        kept = said[: found.start()].strip(" ,;.!-\u2013\u2014"), (0, found.start())
    if kept is None or len(kept[0].split()) < FEWEST_OF_A_FACT:
        return None
    text = kept[0].rstrip(" .!")
    return Fact(text, kept[1], " ".join(_WORD.findall(text)[:MOST_OF_A_SUBJECT]))
