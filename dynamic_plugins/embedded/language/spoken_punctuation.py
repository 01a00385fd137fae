"""Marks and spellings that dictation says: "install telegram comma and switch it on period" has a full stop."""

from __future__ import annotations

import re

_MARKS = {
    "full stop": ".", "period": ".", "comma": ",", "question mark": "?", "exclamation mark": "!",
    "exclamation point": "!", "semicolon": ";", "new line": "\n", "newline": "\n",
}  # fmt: skip
_TYPED = re.compile(r"[.,;:!?](?=\s|$)")
"""A mark that was typed: whoever types marks dictates none."""
_SPELLED = re.compile(
    r"(?<!\ba)(?<!\bthe)(?<!\bno)(?<!\bthis)(?<!\bthat)(?<!\beach)(?<!\bone)(?<!\bof)(?<!\bper)"
    rf"\s+({'|'.join(_MARKS)})(?!['\u2019\w-])",
    re.I,
)
_TIME = re.compile(
    r"\b(?:notice|retention|trial|grace|limitation|time|washout|waiting|billing|free|long|short|last|next|first|second"
    r"|whole|cooling[ -]off|reporting|rest|every|same|in|during|for)\s+\Z",
    re.I,
)
"""What makes a period one of time."""

_SPELT = re.compile(
    r"\b(?:one word|spel(?:t|led|ling)|(?:no|without) spaces?|capitals?|lower ?case|underscores?)\b", re.I
)
"""How a word is written, said beside it: what was taken down holds that too."""


def tells_spelling(said: str) -> bool:
    """Whether *said* tells how a word in it is written: "dana w, all one word"."""
    return bool(_SPELT.search(said))


def with_punctuation(said: str) -> str:
    """Return *said* with the marks that its words spell out; as it is where marks were typed."""
    if _TYPED.search(said):
        return said

    def mark(found: re.Match[str]) -> str:
        word = found[1].lower()
        if word == "period" and _TIME.search(said[: found.start()] + " "):
            return found[0]
        return _MARKS[word]

    return _SPELLED.sub(mark, said).strip(" ")
