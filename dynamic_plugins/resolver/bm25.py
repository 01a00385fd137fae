"""Ranking by words: BM25 over what the registry says of each plugin.

The postings are our own (:mod:`dynamic_plugins.resolver.word_index`): the ranking of SQLite's full-text search knows no
synonyms and no weights of single words. The comparison with others is in ``benchmarks/search.py``.
"""

from __future__ import annotations

import threading
import weakref
from array import array
from collections import defaultdict
from functools import cached_property
from heapq import nlargest
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING

from dynamic_plugins.resolver.word_index import NUMBERS, word_index
from dynamic_plugins.text import normalize, tokenizer
from dynamic_plugins.text.cities import words_of_places
from dynamic_plugins.text.plain_english import in_plain_english, is_everyday
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.wordlists import search_synonyms, wordlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry

SYNONYM = 0.4
"""What a synonym counts against the word itself."""
GUESSED = 0.4
"""What a word counts that may have been meant by one that occurs nowhere."""
WHOLE_NAME = 8.0
"""What counts that a request is just a plugin's name."""
PARTS = 0.5
"""What the best place in a part of a request counts against the place in all of it."""
FLAT = 10
"""How slowly a place in a part loses worth: the second is worth 10/11 of the first."""
CONSIDERED = 100
"""How many entries a request, or a part of it, is ranked for."""
NAMING, PART, COVERED = 4, 3, 0.4
"""A request of two words to so many, or a part of one, names what it wants, and an entry has this part of what they
say: what merely has pages is no answer to "notion pages". In a longer one a word that nobody has says little."""
SHORT = 8
"""A request of at most this many words is looked at closely: its unknown words may be slips or parts of words."""
MAX_PLACED = 500
"""What is looked through for places, in characters."""
BEGINNING = 4
"""So many letters a word has that may be the beginning of another: "cat" asks for no catalogue."""
LONGER = 10
"""How many words that begin with, or resemble, an unknown one are looked at."""

_K1, _B = 1.2, 0.75
"""BM25's customary constants: how soon a word repeated counts no more, and how much long texts are held back."""

_BOTH = " "
"""Stands between two stems that have to occur together: what has "box" is no answer to "dropbox"."""

_Alternatives = list[tuple[str, float]]
"""Stems that stand for one another, each with what it counts: the best of them is what an entry scores."""


class Lexical:
    """The words of *entries*, in memory, or kept in *folder* for the next process when one is given.

    A kept index is used as it is: give it a name that changes with the entries. With *numbers* a number of a request
    may belong to a name, as actions have them; else it is a value.
    """

    def __init__(self, entries: Sequence[Entry], folder: Path | None = None, *, numbers: bool = False) -> None:
        self._index, self._numbers = word_index(entries, folder), numbers
        weakref.finalize(self, self._index.close)
        (lengths,) = self._index.execute("SELECT words FROM lengths").fetchone()
        self._lengths = array(NUMBERS, lengths)
        self._average = sum(self._lengths) / max(len(self._lengths), 1)
        self._scored: dict[tuple[str, float], dict[int, float]] = {}
        self._asking = threading.Lock()
        self._guesses = True
        """Whether a word that occurs nowhere may be a slip or a part of one: of another language, it is neither."""
        self._places: frozenset[str] = frozenset()
        """The words of a request that name cities."""

    def search(self, request: str) -> dict[int, float]:
        """Return scores by position, from 0 to about 2, of the entries that have to do with *request*."""
        with self._asking:
            self._scored.clear()  # the parts of a request have the words of the whole, another request has others
            request = self._read(request)
            scores = self._ranked(request)
            best = max(scores.values(), default=1.0)
            total = {position: score / best for position, score in scores.items()}
            places: dict[int, float] = {}
            for part in tokenizer.clauses(request):
                for place, position in enumerate(self._ranked(part, PART)):
                    places[position] = max(FLAT / (FLAT + place), places.get(position, 0.0))
        for position, worth in places.items():
            total[position] = total.get(position, 0.0) + PARTS * worth
        return total

    def half_knows(self, request: str) -> bool:
        """Return whether some words of a short request occur here, or their synonyms, and others do not.

        A word that is somebody's name is its own proof.
        """
        with self._asking:
            words = self._telling(self._read(request))
            if len(words) > NAMING or any(self._named(word) for word in words):
                return False
            known = [any(map(self._knows, self._stems(word))) for word in words]
        strange = (word for word, is_known in zip(words, known, strict=True) if not is_known)
        return any(known) and not all(map(_says_little, strange))

    def telling(self, request: str) -> int:
        """Return how many words of a request say what it wants."""
        with self._asking:
            return len(self._telling(self._read(request)))

    def meant(self, request: str) -> str:
        """Return the text whose meaning is looked for: a request in English.

        Of one in another language it has the words that could be told. What could not is noise to the embedding, but
        where it is all there is.
        """
        with self._asking:
            asked = in_plain_english(request, self._occurs)
            told = asked.text_for(self._occurs) if asked.foreign and not asked.untold else ""
        return told or asked.text

    def _read(self, request: str) -> str:
        """Return what is searched for, in English."""
        asked = in_plain_english(request, self._occurs)
        self._guesses = not asked.foreign
        self._places = frozenset()
        text = asked.text_for(self._occurs)
        words = tokenizer.words(text)
        if len(words) > 1 and not all(map(self._occurs, words)):
            self._places = words_of_places(request[:MAX_PLACED])
        return text

    def _telling(self, text: str) -> list[str]:
        """Return the words of a request that say what it wants, without its values; all where there are no others."""
        words = tokenizer.words(text)
        telling = [word for word in words if not self._is_value(word)]
        return telling or words

    def _is_value(self, word: str) -> bool:
        """Whether a word is a number that belongs to no name, or a place that nothing here is about."""
        if word.isdigit():
            return not (self._numbers and self._occurs(word))
        return word in self._places and not self._occurs(word)

    def _occurs(self, word: str) -> bool:
        """Return whether a word or a synonym of it is in an entry; a mark has none."""
        return not word.isalnum() or any(map(self._knows, self._stems(tokenizer.plain(word))))

    def _stems(self, word: str) -> list[str]:
        own = stem(word)
        return [own, *map(stem, search_synonyms().get(word, search_synonyms().get(own, ())))]

    def _ranked(self, text: str, naming: int = NAMING) -> dict[int, float]:
        """Return the scores of the best entries for a text, best first; one of *naming* words names what it wants."""
        words = self._telling(text)
        scores: defaultdict[int, float] = defaultdict(float)
        for alternatives in self._queries(words):
            for position, score in self._best(alternatives).items():
                scores[position] += score
        if words and len(words) <= SHORT:
            for position, score in self._named("".join(words)).items():
                scores[position] += score
        least = COVERED * sum(map(self._worth, words)) if 1 < len(words) <= naming else 0.0
        best = nlargest(CONSIDERED, scores, key=scores.__getitem__)
        return {position: scores[position] for position in best if scores[position] >= least}

    def _worth(self, word: str) -> float:
        """Return what a word of a request says at most: one that nobody has, such as a product's name, says most."""
        roots = [(stem(word), 1.0), *((stem(other), SYNONYM) for other in search_synonyms().get(word, ()))]
        known = [weight * self._rarity(len(self._scores(root, weight))) for root, weight in roots if self._knows(root)]
        if known:
            return max(known)
        return 0.0 if _says_little(word) else self._rarity(0)

    # ---------------------------------------------------------------- which words

    def _queries(self, words: Sequence[str]) -> Iterator[_Alternatives]:
        """Give, for each word that is known, what may stand for it."""
        others = search_synonyms()
        for word in words:
            own = stem(word)
            found: _Alternatives = [(own, 1.0)] if self._knows(own) else []
            if not found and self._guesses and len(words) <= SHORT:
                found = list(self._instead(word))
            for other in dict.fromkeys(map(stem, others.get(word, others.get(own, ())))):
                if other != own and self._knows(other):
                    found.append((other, SYNONYM))
            if found:
                yield found
        if len(words) <= SHORT:
            yield from ([(glued, 1.0)] for glued in self._glued(words))

    def _glued(self, words: Sequence[str]) -> Iterator[str]:
        """Give neighbouring words as one, where that is a word: ``web hooks``."""
        return (glued for first, second in pairwise(words) if self._knows(glued := stem(first + second)))

    def _instead(self, word: str) -> Iterable[tuple[str, float]]:
        """Return stems for a word that occurs nowhere: what it begins, the two words it is, what it nearly is."""
        if len(word) < BEGINNING:
            return []
        if longer := self._beginning_with(word):
            return [(known, 1.0) for known in longer]
        for at in range(3, len(word) - 2):
            halves = word[:at], word[at:]
            roots = [stem(half) for half in halves]
            if all(map(self._knows, roots)) and wordlist("stop").isdisjoint({*halves, *roots}):
                return [(_BOTH.join(roots), 1.0)]
        return [] if is_everyday(word) or word in search_synonyms() else [(near, GUESSED) for near in self._near(word)]

    def _near(self, word: str) -> list[str]:
        """Return the stems that are a slip or two away from a word, the likeliest first."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        slips = 1 if len(word) < 8 else 2
        near: dict[str, float] = {}
        for typed in {word, stem(word)}:
            if len(typed) < 5:
                continue
            for known, _, _ in process.extract(
                typed, self._vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=LONGER
            ):
                near[known] = min(normalize.slip_cost(known, typed), near.get(known, 9.0))
        return sorted(near, key=near.__getitem__)[:3]

    # ---------------------------------------------------------------- what the index counts

    @cached_property
    def _vocabulary(self) -> list[str]:
        return [known for (known,) in self._index.execute("SELECT stem FROM postings WHERE length(stem) > 2")]

    def _beginning_with(self, word: str) -> list[str]:
        found = self._index.execute(
            "SELECT stem FROM postings WHERE stem BETWEEN ? AND ? ORDER BY stem LIMIT ?",
            (word, word + chr(0x10FFFF), LONGER),
        )
        return [known for (known,) in found]

    def _knows(self, root: str) -> bool:
        return self._index.execute("SELECT 1 FROM postings WHERE stem = ?", (root,)).fetchone() is not None

    def _best(self, alternatives: _Alternatives) -> dict[int, float]:
        """Return what entries score by the best of *alternatives*."""
        (root, weight), *others = alternatives
        best = self._scores(root, weight)
        if others:
            best = best.copy()
        for root, weight in others:
            for position, score in self._scores(root, weight).items():
                if position not in best or score > best[position]:
                    best[position] = score
        return best

    def _scores(self, root: str, weight: float) -> dict[int, float]:
        """Return the BM25 scores of the entries that a stem occurs in, or both of two, times *weight*."""
        if (known := self._scored.get((root, weight))) is not None:
            return known
        if _BOTH in root:
            first, second = (self._scores(half, weight) for half in root.split(_BOTH))
            return {at: max(score, second[at]) for at, score in first.items() if at in second}
        blobs = self._index.execute("SELECT entries, times FROM postings WHERE stem = ?", (root,)).fetchone()
        positions, times = (array(NUMBERS, blob) for blob in blobs)
        most = weight * (_K1 + 1) * self._rarity(len(positions))
        least, rest, lengths = _K1 * (1 - _B), _K1 * _B / self._average, self._lengths
        scores = {at: most * n / (n + least + rest * lengths[at]) for at, n in zip(positions, times, strict=True)}
        self._scored[root, weight] = scores
        return scores

    def _named(self, core: str) -> dict[int, float]:
        """Return what the entries score whose whole name is *core*."""
        found = [at for (at,) in self._index.execute("SELECT position FROM names WHERE core = ?", (core,))]
        return dict.fromkeys(found, WHOLE_NAME * self._rarity(len(found)))

    def _rarity(self, count: int) -> float:
        """Return the inverse document frequency of what occurs in *count* entries."""
        return log(1 + (len(self._lengths) - count + 0.5) / (count + 0.5))


def _says_little(word: str) -> bool:
    """Return whether it says little that nobody has *word*: it is a common one, or a plain one was added for it."""
    return word in wordlist("ordinary") or word in wordlist("idle") or is_everyday(word)
