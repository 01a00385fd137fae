"""Ranking by words: BM25 over what the registry says of each plugin, in an inverted index kept by SQLite.

SQLite comes with Python, opens a kept index in a millisecond and has a stemmer. The postings are our own: the ranking
of its full-text search knows no synonyms and no weights of single words, and takes four times as long to answer.
The comparison with others is in ``benchmarks/search.py``.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from array import array
from collections import Counter, defaultdict
from functools import cached_property
from heapq import nlargest
from itertools import chain, count, pairwise
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import PluginError
from dynamic_plugins.text import normalize, tokenizer
from dynamic_plugins.text.wordlists import synonyms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dynamic_plugins.registry.entry import Entry

REPEATED = {"name": 3, "keywords": 2, "actions": 2, "action texts": 1, "description": 1}
"""How often each text of an entry counts. One field that repeats them ranks better than a field each."""
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
SHORT = 8
"""A request of at most this many words is looked at closely: its unknown words may be slips or parts of words."""
LONGER = 10
"""How many words that begin with, or resemble, an unknown one are looked at."""
MAX_CHARACTERS = 2_000
"""What is read of a request, and of a plugin's description."""
ACTION_TEXT, ACTION_TEXTS = 500, 12_000
"""What is read of the description of an action, and of those of all actions of a plugin, in characters."""
KEPT = 4
"""How many indexes are kept in a folder: those of older registries go."""
ABANDONED = 3600.0
"""After how many seconds a folder that a process works in is what a killed one left."""

_K1, _B = 1.2, 0.75
"""BM25's customary constants: how soon a word repeated counts no more, and how much long texts are held back."""
_FILE = "words.sqlite"
_SCHEMA = """
CREATE TABLE postings (stem TEXT PRIMARY KEY, entries BLOB, times BLOB);
CREATE TABLE names (core TEXT, position INTEGER);
CREATE INDEX by_core ON names (core);
CREATE TABLE lengths (words BLOB);
"""
# What the blobs hold: unsigned numbers of four bytes, one for an entry.
_NUMBERS = "I"

_Alternatives = list[tuple[str, float]]
"""Stems that stand for one another, each with what it counts: the best of them is what an entry scores."""


class Lexical:
    """The words of *entries*, in memory, or kept in *folder* for the next process when one is given.

    A kept index is used as it is: give it a name that changes with the entries.
    """

    def __init__(self, entries: Sequence[Entry], folder: Path | None = None) -> None:
        self._index = (folder and _opened(folder)) or _built(entries, folder)
        weakref.finalize(self, self._index.close)
        (lengths,) = self._index.execute("SELECT words FROM lengths").fetchone()
        self._lengths = array(_NUMBERS, lengths)
        self._average = sum(self._lengths) / max(len(self._lengths), 1)
        self._stemmer = _Stemmer()
        self._scored: dict[tuple[str, float], dict[int, float]] = {}
        self._asking = threading.Lock()

    def search(self, request: str) -> dict[int, float]:
        """Return scores by position, from 0 to about 2, of the entries that have to do with *request*."""
        request = tokenizer.without_addresses(request[:MAX_CHARACTERS])
        with self._asking:
            self._scored.clear()  # the parts of a request have the words of the whole, another request has others
            scores = self._ranked(request)
            best = max(scores.values(), default=1.0)
            total = {position: score / best for position, score in scores.items()}
            places: dict[int, float] = {}
            for part in tokenizer.clauses(request):
                for place, position in enumerate(self._ranked(part)):
                    places[position] = max(FLAT / (FLAT + place), places.get(position, 0.0))
        for position, worth in places.items():
            total[position] = total.get(position, 0.0) + PARTS * worth
        return total

    def _ranked(self, text: str) -> dict[int, float]:
        """Return the scores of the best entries for a text, best first."""
        words = tokenizer.words(text)
        scores: defaultdict[int, float] = defaultdict(float)
        for alternatives in self._queries(words):
            for position, score in self._best(alternatives).items():
                scores[position] += score
        if words and len(words) <= SHORT:
            for position, score in self._named("".join(words)).items():
                scores[position] += score
        return {position: scores[position] for position in nlargest(CONSIDERED, scores, key=scores.__getitem__)}

    # ---------------------------------------------------------------- which words

    def _queries(self, words: Sequence[str]) -> Iterator[_Alternatives]:
        """Give, for each word that is known, what may stand for it."""
        others = synonyms()
        stems = self._stemmer.stems(words)
        instead = {word: others.get(word, others.get(stems[word], ())) for word in words}
        stems |= self._stemmer.stems(other for found in instead.values() for other in found)
        for word in words:
            stem = stems[word]
            found: _Alternatives = [(stem, 1.0)] if self._knows(stem) else []
            if not found and len(words) <= SHORT:
                found = list(self._instead(word))
            for other in dict.fromkeys(stems[other] for other in instead[word]):
                if other != stem and self._knows(other):
                    found.append((other, SYNONYM))
            if found:
                yield found
        if len(words) <= SHORT:
            yield from ([(stem, 1.0)] for stem in self._glued(words))

    def _glued(self, words: Sequence[str]) -> Iterator[str]:
        """Give neighbouring words as one, where that is a word: ``web hooks``."""
        glued = self._stemmer.stems(first + second for first, second in pairwise(words))
        return (stem for stem in glued.values() if self._knows(stem))

    def _instead(self, word: str) -> Iterable[tuple[str, float]]:
        """Return stems for a word that occurs nowhere: what it begins, the two words it is, what it nearly is."""
        if len(word) < 3:
            return []
        if longer := self._beginning_with(word):
            return [(stem, 1.0) for stem in longer]
        cuts = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
        stems = self._stemmer.stems(half for halves in cuts for half in halves)
        for halves in cuts:
            if all(self._knows(stems[half]) for half in halves):
                return [(stems[half], 1.0) for half in halves]
        return [(stem, GUESSED) for stem in self._near(word)]

    def _near(self, word: str) -> list[str]:
        """Return the stems that are a slip or two away from a word, the likeliest first."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        slips = 1 if len(word) < 8 else 2
        near: dict[str, float] = {}
        for typed in {word, *self._stemmer.stems([word]).values()}:
            if len(typed) < 5:
                continue
            for stem, _, _ in process.extract(
                typed, self._vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=LONGER
            ):
                near[stem] = min(normalize.slip_cost(stem, typed), near.get(stem, 9.0))
        return sorted(near, key=near.__getitem__)[:3]

    # ---------------------------------------------------------------- what the index counts

    @cached_property
    def _vocabulary(self) -> list[str]:
        return [stem for (stem,) in self._index.execute("SELECT stem FROM postings WHERE length(stem) > 2")]

    def _beginning_with(self, word: str) -> list[str]:
        found = self._index.execute(
            "SELECT stem FROM postings WHERE stem BETWEEN ? AND ? ORDER BY stem LIMIT ?",
            (word, word + chr(0x10FFFF), LONGER),
        )
        return [stem for (stem,) in found]

    def _knows(self, stem: str) -> bool:
        return self._index.execute("SELECT 1 FROM postings WHERE stem = ?", (stem,)).fetchone() is not None

    def _best(self, alternatives: _Alternatives) -> dict[int, float]:
        """Return what entries score by the best of *alternatives*."""
        (stem, weight), *others = alternatives
        best = self._scores(stem, weight)
        if others:
            best = best.copy()
        for stem, weight in others:
            for position, score in self._scores(stem, weight).items():
                if position not in best or score > best[position]:
                    best[position] = score
        return best

    def _scores(self, stem: str, weight: float) -> dict[int, float]:
        """Return the BM25 scores of the entries that a stem occurs in, times *weight*."""
        if (known := self._scored.get((stem, weight))) is not None:
            return known
        blobs = self._index.execute("SELECT entries, times FROM postings WHERE stem = ?", (stem,)).fetchone()
        positions, times = (array(_NUMBERS, blob) for blob in blobs)
        most = weight * (_K1 + 1) * self._rarity(len(positions))
        least, rest, lengths = _K1 * (1 - _B), _K1 * _B / self._average, self._lengths
        scores = {at: most * n / (n + least + rest * lengths[at]) for at, n in zip(positions, times, strict=True)}
        self._scored[stem, weight] = scores
        return scores

    def _named(self, core: str) -> dict[int, float]:
        """Return what the entries score whose whole name is *core*."""
        found = [at for (at,) in self._index.execute("SELECT position FROM names WHERE core = ?", (core,))]
        return dict.fromkeys(found, WHOLE_NAME * self._rarity(len(found)))

    def _rarity(self, count: int) -> float:
        """Return the inverse document frequency of what occurs in *count* entries."""
        return log(1 + (len(self._lengths) - count + 0.5) / (count + 0.5))


class _Stemmer:
    """The stemmer of SQLite's full-text search (Porter's), which stems what it indexes: each word is put in as a text.

    Raises PluginError where SQLite was built without it.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        try:
            self._database.executescript("""
                CREATE VIRTUAL TABLE texts USING fts5(word, content='', columnsize=0, tokenize='porter unicode61');
                CREATE VIRTUAL TABLE stems USING fts5vocab(texts, instance);
                BEGIN;
            """)
        except sqlite3.OperationalError as error:
            raise PluginError(
                f"Search needs SQLite with FTS5, and this Python has one without ({error}). "
                "Use a Python from python.org or `uv python install`."
            ) from None

    def stems(self, words: Iterable[str]) -> dict[str, str]:
        """Return the stem of each of *words*; a word is its own where there is nothing to stem."""
        words = list(dict.fromkeys(words))
        if new := [word for word in words if word not in self._known]:
            self._database.executemany("INSERT INTO texts(rowid, word) VALUES (?, ?)", enumerate(new))
            found = self._database.execute("SELECT doc, term FROM stems WHERE offset = 0").fetchall()
            self._database.execute("INSERT INTO texts(texts) VALUES ('delete-all')")
            self._known |= dict(zip(new, new, strict=True)) | {new[position]: stem for position, stem in found}
        return {word: self._known[word] for word in words}


def _opened(folder: Path) -> sqlite3.Connection | None:
    """Return a kept index, or None where there is none that can be used.

    Another process may be removing the folder meanwhile. What has answered holds its file open and is safe.
    """
    with contextlib.suppress(ValueError, OSError, sqlite3.Error):
        if (folder / "complete").read_text(encoding="utf-8") == _form():
            # Nobody writes to a finished index, so SQLite need not lock it; what is cut short it finds at once.
            address = f"{(folder / _FILE).absolute().as_uri()}?mode=ro&immutable=1"
            index = sqlite3.connect(address, uri=True, check_same_thread=False)
            try:
                index.execute("SELECT words FROM lengths").fetchone()
            except sqlite3.Error:
                index.close()
                raise
            return index
    return None


def _form() -> str:
    """Return what a kept index was made by: another version may read texts in another way."""
    from dynamic_plugins import __version__

    return __version__


def _built(entries: Sequence[Entry], folder: Path | None) -> sqlite3.Connection:
    """Return a new index, in memory if it cannot be kept: a cache that fails is no reason to fail."""
    if folder is not None:
        with contextlib.suppress(OSError, ValueError):
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
            try:
                _fill(entries, str(partial / _FILE)).close()
                (partial / "complete").write_text(_form(), encoding="utf-8")
                _swap(partial, folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            if (kept := _opened(folder)) is not None:
                return kept
    return _fill(entries, ":memory:")


def _fill(entries: Sequence[Entry], place: str) -> sqlite3.Connection:
    """Return a new index of *entries*, at *place*: a file, or ``:memory:``."""
    names = [normalize.squashed(normalize.core(normalize.bare(normalize.normal(entry.name)))) for entry in entries]
    # By words as they are written: there are far fewer of them than of places, and most work is done once for each.
    written: defaultdict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        for word in _written(entry, names[position]):
            written[word].append(position)
    postings = _stemmed(written)
    lengths = Counter(chain.from_iterable(postings.values()))
    index = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    index.execute("PRAGMA journal_mode = OFF")  # what is not finished is thrown away as a whole
    index.executescript(f"BEGIN; {_SCHEMA}")
    index.executemany("INSERT INTO postings VALUES (?, ?, ?)", map(_row, postings.items()))
    index.executemany("INSERT INTO names VALUES (?, ?)", zip(names, count()))
    index.execute("INSERT INTO lengths VALUES (?)", (_blob(lengths[position] for position in range(len(entries))),))
    index.execute("COMMIT")
    return index


def _stemmed(written: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Return the positions for each stem, one for each time it occurs, out of those for words as they are written."""
    parts = {word: tokenizer.all_words(word) for word in written}
    stems = _Stemmer().stems(part for found in parts.values() for part in found)
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for word, positions in written.items():
        for part in parts[word]:
            postings[stems[part]] += positions
    return postings


def _row(posting: tuple[str, list[int]]) -> tuple[str, bytes, bytes]:
    stem, positions = posting
    times = Counter(positions)
    return stem, _blob(times), _blob(times.values())


def _blob(numbers: Iterable[int]) -> bytes:
    return array(_NUMBERS, numbers).tobytes()


def _written(entry: Entry, core: str) -> list[str]:
    """Return the words of an entry as they are written, as often as they count."""
    texts = {
        "name": f"{entry.name} {core}",
        "keywords": " ".join(entry.keywords),
        "actions": " ".join([action.name for action in entry.actions]),
        "action texts": " ".join([action.description[:ACTION_TEXT] for action in entry.actions])[:ACTION_TEXTS],
        "description": entry.description[:MAX_CHARACTERS],
    }
    return [word for field, text in texts.items() for word in tokenizer.written_words(text) * REPEATED[field]]


def _swap(partial: Path, folder: Path) -> None:
    """Put a finished index in its place, and let go of those of older registries."""
    if _opened(folder) is not None:
        return  # another process was quicker
    with contextlib.suppress(FileNotFoundError):
        _remove(folder)
    partial.rename(folder)
    family = folder.name.partition("-")[0]
    times: dict[Path, float] = {}
    for file in folder.parent.glob(f"{family}-*/complete"):
        with contextlib.suppress(FileNotFoundError):  # another process lets go of it
            times[file.parent] = file.stat().st_mtime
    old = sorted(times, key=times.__getitem__, reverse=True)[KEPT:]
    for left in folder.parent.glob(f"{family}-*.*"):
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - ABANDONED:
                old.append(left)
    for outdated in dict.fromkeys(old):
        with contextlib.suppress(OSError):
            _remove(outdated)


def _remove(folder: Path) -> None:
    """Remove what cannot be used any more: out of the way in one step, so that nobody finds half of it."""
    trash = tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.")
    try:
        folder.rename(Path(trash) / "index")
    finally:
        shutil.rmtree(trash, ignore_errors=True)
