"""Whether a message takes up what was just offered, or turns it down, and does nothing else."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT = 7
"""A no that has more words says something else besides."""
LONGEST = 14
"""A yes that has more words is read as a message of its own."""
_WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*|[👍🙏✅👌]")
_SIGNS = frozenset("👍✅👌")
_DRAWN = re.compile(r"([^\W\d_])\1+")
_ROOT = 5
"""So many letters alike make a word one of the question's: "switch" and "switching", "enciendo" and "enciéndelo"."""


@cache
def _words(section: str) -> frozenset[str]:
    return frozenset(_as_written(prompt_files.table("embedded/agreement.toml")["words"][section]))


@cache
def _phrases(section: str) -> frozenset[tuple[str, ...]]:
    lines = prompt_files.table("embedded/agreement.toml")["words"][section].replace("\n", "|").split("|")
    return frozenset(tuple(_as_written(line)) for line in lines if line.strip())


def agrees(said: str, question: str = "") -> bool:
    """Whether *said* is a yes and nothing else; words of the *question* itself may be repeated. A goodbye is none."""
    words = _split(said)
    if not words or len(words) > LONGEST or said.rstrip().endswith("?") or _words("goodbye") & set(words):
        return False
    begin = 0
    while begin < len(words) - 1 and words[begin] in _words("before") and not _begins(words[begin:], "phrases"):
        begin += 1
    taken = _begins(words[begin:], "phrases") or int(words[begin] in _words("yes") or words[begin] in _SIGNS)
    if not taken and begin:
        taken = int(words[0] in _words("yes"))
        begin = 0
    if not taken:
        return False
    rest = words[begin + taken :]
    if _words("no") & set(rest) or "👎" in said:
        return False
    allowed = _words("yes") | _words("with") | _words("before") | _SIGNS | {"🙏"}
    asked = {word[:_ROOT] for word in _split(question)}
    return all(word in allowed or word[:_ROOT] in asked for word in rest)


def plainly_agrees(said: str, question: str) -> bool:
    """Whether *said* is nothing but a yes, courtesy and words of the *question*, as it has to be for what cannot easily
    be undone.
    """
    plain = _words("yes") | _words("plainly") | _SIGNS | {"🙏"}
    asked = {word[:_ROOT] for word in _split(question.replace("_", " "))}
    return agrees(said, question) and all(word in plain or word[:_ROOT] in asked for word in _split(said))


def declines(said: str) -> bool:
    """Whether *said* is a no to what was offered, or a goodbye, and nothing else."""
    words = _split(said)
    if not words:
        return False
    if says_goodbye(said):
        return True
    begin, taken = _leading_no(words)
    if _words("no") & set(words) and all(word in _words("no") | _words("yes") | _words("with") for word in words):
        return True  # "of course not", "claro que no"
    allowed = _words("no") | _words("with") | _words("before") | _words("refusing") | _words("yes")
    return bool(taken) and len(words) <= SHORT and all(word in allowed for word in words[begin + taken :])


def says_goodbye(said: str) -> bool:
    """Whether *said* is a goodbye with nothing but courtesy beside it."""
    words = _split(said)
    allowed = _words("goodbye") | _words("yes") | _words("no") | _words("with") | _words("before") | _words("refusing")
    return bool(_words("goodbye") & set(words)) and all(word in allowed for word in words)


def past_a_no(said: str) -> str:
    """Return what stands behind the no that *said* begins with ("no! show the log"); all of it without one."""
    words = _split(said)
    begin, taken = _leading_no(words) if words else (0, 0)
    if not taken or _begins(words[begin:], "refusals"):
        return said
    found = list(_WORD.finditer(said))
    if begin + taken >= len(found):
        return said
    rest = said[found[begin + taken - 1].end() :].lstrip(" ,.!;:\u2014-")
    return rest if said[found[begin + taken - 1].end() :][:1] in ",.!;:\u2014" or begin + taken > 1 else said


def past_a_yes(said: str) -> str:
    """Return what stands behind the yes that *said* begins with ("go on then, and look for …"); empty without one."""
    words = _split(said)
    begin = 0
    while begin < len(words) - 1 and words[begin] in _words("before"):
        begin += 1
    taken = _begins(words[begin:], "phrases") or int(words[begin : begin + 1] != [] and words[begin] in _words("yes"))
    if not taken:
        return ""
    end = begin + taken
    while end < len(words) and words[end] in _words("yes") | _words("before") | {"then", "dann", "entonces", "alors"}:
        end += 1
    spots = list(_WORD.finditer(said))
    return said[spots[end].start() :] if end < min(len(words), len(spots)) else ""


def _leading_no(words: list[str]) -> tuple[int, int]:
    """Return at which word a no begins, and of how many it is made; 0 for none."""
    begin = 0
    while begin < len(words) - 1 and words[begin] in _words("before") | {"ok", "okay", "wtf"}:
        begin += 1
    phrase = _begins(words[begin:], "refusals")
    taken = phrase or int(words[begin] in _words("no"))
    while taken and not phrase and begin + taken < len(words) and words[begin + taken] in _words("no"):
        taken += 1
    return begin, taken


def only_courtesy(said: str, besides: Sequence[str]) -> bool:
    """Whether *said* holds only the texts *besides* and words that go with a choice: "the second one, please"."""
    for text in besides:
        said = said.replace(text, " ")
    allowed = _words("yes") | _words("with") | _words("before") | {"and", "one", "i'll", "take", "ll", "i'd"}
    return all(word in allowed for word in _split(said))


def _begins(words: list[str], section: str) -> int:
    """Return how many of *words* make one of the phrases of *section*, at their beginning; 0 for none."""
    for length in (3, 2, 1):
        if tuple(words[:length]) in _phrases(section):
            return length
    return 0


def _split(text: str) -> list[str]:
    return [_undrawn(word) for word in _as_written(text)]


def _as_written(text: str) -> list[str]:
    """Return the words of *text* in small letters and without accents."""
    plain = "".join(c for c in normalize("NFD", text.lower().replace("’", "'")) if not combining(c))
    return _WORD.findall(normalize("NFC", plain))


@lru_cache(maxsize=512)
def _undrawn(word: str) -> str:
    """Return *word*, or what it is where its letters are drawn out: "sii", "okkk", "jaaa"."""
    if not _DRAWN.search(word):
        return word
    known = _words("yes") | _words("no") | _words("goodbye")
    shorter = {_DRAWN.sub(r"\1", word), _DRAWN.sub(r"\1\1", word)} & known
    return word if word in known else min(shorter, default=word)
