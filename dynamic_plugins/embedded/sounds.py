"""Names as other languages write them: in other scripts, with endings, or another name of the product.

"Телеграм", "تيليجرام" and "テレグラム" sound like "telegram"; "Discorda" and "Slack'i" are names with an ending. What
is found so is only ever likely.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ALIKE = 0.86
"""From this likeness on two words sound the same."""
SOUNDS = 3
"""Fewer consonants than this could be anything."""
ENDING = 3
"""An ending is at most so many letters."""

_OTHER_SCRIPT = re.compile(
    r"[\u30a0-\u30ff]{2,}|[\uac00-\ud7a3]{2,}|[\u0370-\u03ff\u0400-\u052f]{3,}|[\u0590-\u05ff]{3,}|[\u0600-\u06ff]{3,}|"
    r"[\u0900-\u097f]{3,}"
)
_ARTICLE = re.compile(r"^(?:[\u0648\u0628\u0644]?\u0627\u0644|\u0644\u0644)(?=\w{3})")
_BENT = re.compile(r"(?<![\w@/.-])([^\W\d_]{4,})(?![\w@/]|\.\w)(?:['\u2019]([^\W\d_]{1,4})(?![\w-]))?")
_MERGED = (
    ("sch", "sh"),
    ("ph", "f"),
    ("th", "t"),
    ("ck", "k"),
    ("qu", "k"),
    ("x", "ks"),
    ("sh", "s"),
    ("ts", "t"),
    ("c", "k"),
    ("q", "k"),
    ("w", "v"),
    ("z", "s"),
    ("p", "b"),
    ("r", "l"),
)


def elsewhere(text: str) -> Iterator[tuple[int, int, str]]:
    """Give the words of *text* that are written in another script, with how they sound in Latin letters."""
    words = list(_OTHER_SCRIPT.finditer(text))
    for first, second in pairwise(words):
        if text[first.end() : second.start()] == " ":
            yield first.start(), second.end(), latin(first.group() + second.group())
    for found in words:
        start, word = found.start(), found.group()
        if article := _ARTICLE.match(word):
            start, word = start + article.end(), word[article.end() :]
        yield start, found.end(), latin(word)


def latin(word: str) -> str:
    """Return *word* in Latin letters, by sound."""
    table = prompt_files.table("embedded/scripts.toml")
    return "".join(_syllable(letter) or table["letters"].get(letter, "") for letter in word.lower())


def _syllable(letter: str) -> str:
    if not "\uac00" <= letter <= "\ud7a3":
        return ""
    parts = prompt_files.table("embedded/scripts.toml")["hangul"]
    first, rest = divmod(ord(letter) - 0xAC00, 588)
    middle, last = divmod(rest, 28)
    return str(parts["first"][first] + parts["middle"][middle] + parts["last"][last])


@cache
def skeleton(word: str) -> str:
    """Return the consonants of a Latin *word*, with those that languages take for one another as one."""
    said = re.sub(r"c(?=[eiy])", "s", word.lower().replace("tch", "\u0107").replace("ch", "\u0107"))
    for pair, one in _MERGED:
        said = said.replace(pair, one)
    consonants = re.sub(r"[^bdfghjklmnpqrstvwxz\u0107]", "", said)
    return re.sub(r"(.)\1+", r"\1", consonants)


def same_sound(said: str, words: Iterable[str]) -> str | None:
    """Return the one of *words* that sounds most like *said*; None when none does."""
    from rapidfuzz.distance import Indel

    own = skeleton(said)
    if len(own) < SOUNDS:
        return None
    best, score = None, ALIKE
    for word in words:
        other = skeleton(word)
        if len(other) < SOUNDS or other[0] != own[0]:
            continue
        if min(len(own), len(other)) <= SOUNDS and own != other:
            continue
        alike = Indel.normalized_similarity(own, other) + 0.01 * Indel.normalized_similarity(said, word.lower())
        if alike >= score:
            best, score = word, alike
    return best


def bent(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Give the words of *text* that may be a name with an ending, with what is left of them without it."""
    for found in _BENT.finditer(text):
        word = found[1]
        if found[2] is not None:
            yield found.start(), found.end(), [word]
        elif len(word) > 5:
            yield found.start(), found.end(), [word[:-cut] for cut in range(1, ENDING + 1) if len(word) - cut >= 4]
