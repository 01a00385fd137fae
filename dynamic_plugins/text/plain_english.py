"""A request in the English words that plugins are described with, whether it was made in another language or in
everyday words.

Word by word, by the list in ``translations.txt``: enough to search with, for the ranking by words as for the one by
meaning, whose small model knows other languages by halves only. The list has most words of German, Spanish, French,
Italian and Portuguese. What it lacks, such as a name, stays as it is, and so does a request of which it has nothing.
Everyday words of English (``everyday.txt``) stay too, and the plain ones are added: "umbrella", weather forecast.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.text import tokenizer
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_CHARACTERS = 2_000
"""What is read of a request."""

_ENDING = re.compile(r"(?:e[nrsm]|[ao]s|[aeinosx])$")
_ELIDED = re.compile(r"\b(?:[cdjlmnst]|qu|dell|nell|all|sull|un)['\u2019](?=\w{2})", re.IGNORECASE)
"""What French and Italian write together with the next word: "d'acheter", "l'heure"."""
_DRAWN_TO_VERB = re.compile(r"(?<=\w{4})(?:me|te|se|nos|mi|ci|gli|l[aeo]s?)$")
"""Spanish and Italian write these at the end of an imperative: "tradúceme", "ricordami"."""
_APART = re.compile(
    r"^(ab|an|auf|aus|bei|durch|ein|fest|fort|heraus|her|hin|mit|nach|um|unter|vor|weg|weiter|wieder|zu|zusammen)zu"
    r"(?=\w{3,}n$)"
)
"""German puts "zu" into its verbs: "auszulesen" is "auslesen"."""
_SHORTEST = 4
"""So much of a word is left when its ending goes, and each half of a compound has so many letters."""
_COMPOUND = 40
"""Longer words are not taken apart."""
_BETWEEN = ("", "s", "n", "en", "es")
"""What German puts between the halves of a compound."""
_AMBIGUOUS = "~"
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Chinese, Japanese and Korean: no space stands between a word and what belongs to it."""
_ACCENTED = re.compile(r"\b(?=[^\W\d_]*[\u00df-\u024f])[^\W\d_]+")
"""A word with a Latin letter that English is written without; with a capital it may be a name."""


@dataclass(frozen=True)
class PlainRequest:
    """A request in English: what of it is its own words, and the plain ones that are *told* for words of it.

    All of an English request is its own. Nothing of one in another language is: a word that is not on the list is told
    as itself.
    """

    written: str
    """As it was made, its addresses told in words."""
    told: Mapping[str, str]
    foreign: bool = False

    @property
    def own(self) -> str:
        return "" if self.foreign else self.written

    @property
    def text(self) -> str:
        """All of it; as it was written where nothing of it is told in English."""
        return self.written if self.untold else " ".join(filter(None, [self.own, *dict.fromkeys(self.told.values())]))

    @property
    def untold(self) -> bool:
        """Whether it is in another language, and nothing of it is told in English."""
        return self.foreign and all(said == plain for said, plain in self.told.items())

    def text_for(self, occurs: Callable[[str], bool]) -> str:
        """Return what of it is searched for among texts in which some words occur and others do not.

        Of the plain words for one those that occur will do. Where none does, the first says what nobody has. What is
        left of another language's words is a name that occurs, or says nothing.
        """
        known = {said: " ".join(filter(occurs, plain.split())) for said, plain in self.told.items()}
        if self.foreign:
            lacking = {said: plain.split()[0] for said, plain in self.told.items() if plain != said}
            known = {said: plain or lacking.get(said, "") for said, plain in known.items()}
        return " ".join(filter(None, [self.own, *dict.fromkeys(known.values())]))


def in_plain_english(request: str, occurs: Callable[[str], bool] = lambda _: True) -> PlainRequest:
    """Return *request*, of which the first 2,000 characters are read, in English, its addresses told in words.

    One that is English, or in a language that is not known here, stays as it is but for plain words for everyday ones.
    Where no word of it *occurs* in what is searched, a word of another language may also have another ending, or be
    made of two: English ones have the same endings.
    """
    request = tokenizer.without_addresses(request[:MAX_CHARACTERS])
    joining, proofs = _joining()
    apart = _ELIDED.sub(" ", request)
    # As they are written: the "You" of "YouTube" is no word of a sentence.
    words = [tokenizer.plain(word) for word in tokenizer.written_words(apart)]
    foreign = sum(word in proofs or _is_proof(word) for word in words) + sum(
        word[0].islower() for word in _ACCENTED.findall(apart)
    )
    foreign += bool(_UNSPACED.search(apart) and _within(apart))
    if foreign <= sum(word in wordlist("stop") for word in words if word not in joining):
        plain = {word: _everyday()[word] for word in words if word in _everyday()}
        if plain or any(map(occurs, words)) or not any(map(_english, words)):
            return PlainRequest(request, plain)
    return PlainRequest(request, _told(apart, joining), foreign=True)


def is_everyday(word: str) -> bool:
    """Return whether *word* is on the list of everyday English words, and so no slip."""
    return word in _everyday()


def _told(request: str, joining: frozenset[str]) -> dict[str, str]:
    """Return the words and marks of *request* and what they are in English, without those that only join others."""
    told: dict[str, str] = {}
    for written in tokenizer.words_and_marks(request):
        word = tokenizer.plain(written)
        if english := _translations()[0].get(word):
            told[written] = english
        elif word not in joining and (len(word) > 1 or written.isupper()):
            told[written] = _english(word) or written
    return told


def _english(word: str) -> str:
    """Return what a word with another ending is in English, or one of two parts; empty where that is not known."""
    if _UNSPACED.search(word):
        return _within(word)
    by_root = _translations()[1]
    word = _APART.sub(r"\1", word)
    if found := by_root.get(_root(word)) or by_root.get(_root(_DRAWN_TO_VERB.sub("", word))):
        return found
    for at in range(_SHORTEST, min(len(word), _COMPOUND) - _SHORTEST + 1):
        second = by_root.get(_root(word[at:]))
        if second and (first := _first_half(word[:at])):
            return f"{first} {second}"
    return ""


def _within(run: str) -> str:
    """Return what the known words within *run*, which no space parts, are in English."""
    found = sorted((run.find(word), english) for word, english in _unspaced().items() if word in run)
    return " ".join(dict.fromkeys(english for _, english in found))


@cache
def _unspaced() -> dict[str, str]:
    return {word: english for word, english in _translations()[0].items() if len(word) > 1 and _UNSPACED.search(word)}


def _first_half(word: str) -> str:
    by_root = _translations()[1]
    halves = (word.removesuffix(between) for between in _BETWEEN if word.endswith(between))
    return next((by_root[_root(half)] for half in halves if len(half) >= _SHORTEST and _root(half) in by_root), "")


def _is_proof(word: str) -> bool:
    return word in _translations()[2]


def _root(word: str) -> str:
    return _ENDING.sub("", word) if len(word) > _SHORTEST else word


@cache
def _joining() -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that join others, and those of them that are no English words."""
    joining = wordlist("foreign") | wordlist("untold")
    said = joining | wordlist("elsewhere")
    proofs = frozenset(word for word in joining if word[0] != _AMBIGUOUS)
    return frozenset(word.lstrip(_AMBIGUOUS) for word in said), proofs


@cache
def _translations() -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """Return the English for each word, that for each root, and the words that are no English ones."""
    exact: dict[str, str] = {}
    by_root: dict[str, str] = {}
    proofs: set[str] = set()
    for english, others in _lines("translations.txt"):
        for said in others:
            word = said.lstrip(_AMBIGUOUS)
            exact.setdefault(word, english)
            by_root.setdefault(_root(word), english)
            if word == said:
                proofs.add(word)
    return exact, by_root, frozenset(proofs)


@cache
def _everyday() -> dict[str, str]:
    """Return for each everyday word those that plugins are described with."""
    return {word: plain for plain, said in _lines("everyday.txt") for word in said}


def _lines(name: str) -> list[tuple[str, list[str]]]:
    """Return for each line of a list the English words, and those that stand after the colon."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    pairs = (line.split(":") for line in lines if line and not line.startswith("#"))
    return [(english, others.split()) for english, others in pairs]
