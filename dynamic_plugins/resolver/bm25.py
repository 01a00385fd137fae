"""Ranking by words: BM25 over what the registry says of each plugin, by the search engine tantivy.

Tantivy stems English words, opens a kept index in a millisecond, and answers a hundred times as fast as SQLite's
full-text search, which is what lets one request be asked whole, in its parts and with synonyms. The comparison is in
``benchmarks/search.py``.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.text import normalize, tokenizer
from dynamic_plugins.text.wordlists import synonyms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry

REPEATED = {"name": 3, "keywords": 2, "actions": 2, "told": 1, "description": 1}
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
TOLD, ALL_TOLD = 500, 12_000
"""What is read of the description of an action, and of those of all actions of a plugin, in characters."""
KEPT = 4
"""How many indexes are kept in a folder: those of older registries go."""
ABANDONED = 3600.0
"""After how many seconds a folder that a process works in is what a killed one left."""

_HEAP = 20_000_000


class Lexical:
    """The words of *entries*, in memory, or kept in *folder* for the next process when one is given.

    A kept index is used as it is: give it a name that changes with the entries.
    """

    def __init__(self, entries: Sequence[Entry], folder: Path | None = None) -> None:
        self._schema, self._searcher = (folder and _opened(folder)) or _built(entries, folder)

    def search(self, request: str) -> dict[int, float]:
        """Return scores by position, from 0 to about 2, of the entries that have to do with *request*."""
        request = tokenizer.plain(request[:MAX_CHARACTERS])
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
        from tantivy import Occur, Query

        asked = [(Occur.Should, query) for query in self._queries(tokenizer.words(text))]
        if not asked:
            return {}
        hits = self._searcher.search(Query.boolean_query(asked), CONSIDERED).hits
        positions = self._searcher.fast_field_values("position", [address for _, address in hits])
        return {position: score for position, (score, _) in zip(positions, hits, strict=True)}

    # ---------------------------------------------------------------- which words

    def _queries(self, words: Sequence[str]) -> Iterator[Any]:
        from tantivy import Query

        others = synonyms()
        for word in words:
            stem = self._stem(word)
            found = [self._term(stem)] if self._count(stem) else []
            if not found and len(words) <= SHORT:
                found = list(self._instead(word))
            for other in dict.fromkeys(map(self._stem, others.get(word, others.get(stem, ())))):
                if other != stem and self._count(other):
                    found.append(Query.boost_query(self._term(other), SYNONYM))
            if found:
                yield Query.disjunction_max_query(found) if len(found) > 1 else found[0]
        if len(words) <= SHORT:
            yield from map(self._term, self._glued(words))
            yield Query.boost_query(Query.term_query(self._schema, "core", "".join(words), "basic"), WHOLE_NAME)

    def _glued(self, words: Sequence[str]) -> Iterator[str]:
        """Give neighbouring words as one, where that is a word: ``web hooks``."""
        for first, second in pairwise(words):
            if self._count(both := self._stem(first + second)):
                yield both

    def _instead(self, word: str) -> Iterable[Any]:
        """Return queries for a word that occurs nowhere: what it begins, the two words it is, what it nearly is."""
        from tantivy import Query

        if len(word) < 3:
            return []
        if word.endswith("s") and self._count(word[:-1]):  # the stemmer leaves words without vowels alone: "pdfs"
            return [self._term(word[:-1])]
        if longer := self._searcher.terms_with_prefix("text", word, limit=LONGER):
            return [self._term(term) for term, _ in longer]
        for at in range(3, len(word) - 2):
            halves = [self._stem(word[:at]), self._stem(word[at:])]
            if all(map(self._count, halves)):
                return [self._term(half) for half in halves]
        return [Query.boost_query(self._term(stem), GUESSED) for stem in self._near(word)]

    def _near(self, word: str) -> list[str]:
        """Return the stems that are a slip or two away from a word, the likeliest first."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        slips = 1 if len(word) < 8 else 2
        near: dict[str, float] = {}
        for typed in {word, self._stem(word)}:
            if len(typed) < 5:
                continue
            for stem, _, _ in process.extract(
                typed, self._vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=LONGER
            ):
                near[stem] = min(normalize.slip_cost(stem, typed), near.get(stem, 9.0))
        return sorted(near, key=near.__getitem__)[:3]

    @cached_property
    def _vocabulary(self) -> list[str]:
        return [term for term, _ in self._searcher.terms_with_prefix("text", "") if len(term) > 2]

    def _stem(self, word: str) -> str:
        found = self._stemmer.analyze(word)
        return str(found[0]) if found else word

    @cached_property
    def _stemmer(self) -> Any:
        from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

        builder = TextAnalyzerBuilder(Tokenizer.simple())
        return builder.filter(Filter.lowercase()).filter(Filter.stemmer("english")).build()

    def _term(self, stem: str) -> Any:
        from tantivy import Query

        return Query.term_query(self._schema, "text", stem, "freq")

    def _count(self, stem: str) -> int:
        """Return in how many entries a stem occurs."""
        return int(self._searcher.doc_freq("text", stem))


def _opened(folder: Path) -> tuple[Any, Any] | None:
    """Return the schema of a kept index and what searches it, or None where there is none that can be used.

    Another process may be removing the folder meanwhile. Tantivy takes some files that are missing for empty ones and
    says so only when it is asked, so it is asked here; what has answered holds its files open and is safe.
    """
    from tantivy import Index, Query

    with contextlib.suppress(ValueError, OSError):
        if (folder / "complete").read_text(encoding="utf-8") == _form():
            index = Index.open(str(folder))
            searcher = index.searcher()
            hits = searcher.search(Query.all_query(), 1).hits
            searcher.fast_field_values("position", [address for _, address in hits])
            for field in ("text", "core"):
                searcher.doc_freq(field, "")
            return index.schema, searcher
    return None


def _form() -> str:
    """Return what a kept index was made by: another version may read texts in another way."""
    from dynamic_plugins import __version__

    return __version__


def _built(entries: Sequence[Entry], folder: Path | None) -> tuple[Any, Any]:
    """Return the same of a new index, in memory if it cannot be kept: a cache that fails is no reason to fail."""
    if folder is not None:
        with contextlib.suppress(OSError, ValueError):
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
            try:
                _fill(entries, partial)
                (partial / "complete").write_text(_form(), encoding="utf-8")
                _swap(partial, folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            if (kept := _opened(folder)) is not None:
                return kept
    index = _fill(entries, None)
    return index.schema, index.searcher()


def _fill(entries: Sequence[Entry], folder: Path | None) -> Any:
    from tantivy import Document, Index, SchemaBuilder

    schema = SchemaBuilder()
    schema.add_integer_field("position", fast=True)
    schema.add_text_field("text", tokenizer_name="en_stem", index_option="freq")
    schema.add_text_field("core", tokenizer_name="raw", index_option="basic")
    index = Index(schema.build(), path=str(folder) if folder is not None else None)
    writer = index.writer(_HEAP, 1)
    for position, entry in enumerate(entries):
        core = normalize.squashed(normalize.core(normalize.bare(normalize.normal(entry.name))))
        writer.add_document(Document(position=position, text=_text(entry, core), core=core))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def _text(entry: Entry, core: str) -> str:
    texts = {
        "name": f"{entry.name} {core}",
        "keywords": " ".join(entry.keywords),
        "actions": " ".join(action.name for action in entry.actions),
        "told": " ".join(action.description[:TOLD] for action in entry.actions)[:ALL_TOLD],
        "description": entry.description[:MAX_CHARACTERS],
    }
    return tokenizer.readable(" ".join(text for field, text in texts.items() for _ in range(REPEATED[field])))


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
    for each in dict.fromkeys(old):
        with contextlib.suppress(OSError):
            _remove(each)


def _remove(folder: Path) -> None:
    """Remove what cannot be used any more: out of the way in one step, so that nobody finds half of it."""
    trash = tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.")
    try:
        folder.rename(Path(trash) / "index")
    finally:
        shutil.rmtree(trash, ignore_errors=True)
