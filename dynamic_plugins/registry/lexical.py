"""Ranking by words: BM25 of SQLite's full-text search over what the registry says of each plugin.

SQLite comes with Python, opens a kept index in a millisecond, stems English words, and its vocabulary serves words
that are cut short, glued together or mistyped. Measured against others in ``benchmarks/search.py``.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from dynamic_plugins.registry import spelling, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry

FORMAT = 1
"""Raised when kept indexes of an older form cannot be read any more."""
WEIGHTS = {"name": 4.0, "keywords": 2.0, "actions": 2.0, "told": 1.0, "description": 1.0}
MAX_CHARACTERS = 2_000
"""What is read of a request."""
MAX_TERMS = 12
"""How many words of a request count: the rarest. The others hardly change the order and cost the most."""
SHORT = 8
"""A request of at most this many words is looked at closely: its unknown words may be slips or parts of words."""
DESCRIBED = 2_000
"""What is read of a description, and of all descriptions of a plugin's actions, in characters."""

_SEPARATOR = "\x1f"
_CREATE = f"""CREATE VIRTUAL TABLE entries USING fts5(
    {", ".join(WEIGHTS)}, content='', tokenize='porter unicode61 remove_diacritics 2')"""
_INSERT = f"INSERT INTO entries(rowid, {', '.join(WEIGHTS)}) VALUES (?{', ?' * len(WEIGHTS)})"  # noqa: S608 - our names
_RANKED = f"""SELECT rowid, bm25(entries, {", ".join(map(str, WEIGHTS.values()))}) AS score
    FROM entries WHERE entries MATCH ? ORDER BY score LIMIT ?"""  # noqa: S608 - our own weights


class Lexical:
    """The words of *entries*, in memory, or kept in *file* for the next process when one is given.

    A kept file is used as it is: give it a name that changes with the entries.
    """

    def __init__(self, entries: Sequence[Entry], file: Path | None = None) -> None:
        self._count = len(entries)
        kept = _kept(file) if file is not None else None
        self._database = kept or _built(entries, file)

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return ``(position, score)`` of the best *limit* entries, best first; scores are above 0 and open-ended."""
        chosen = self._terms(query[:MAX_CHARACTERS])
        if not chosen:
            return []
        found = self._database.execute(_RANKED, (" OR ".join(chosen), limit))
        return [(position, -score) for position, score in found]

    def close(self) -> None:
        self._database.close()

    # ---------------------------------------------------------------- which words

    def _terms(self, query: str) -> list[str]:
        """Return what to look for, the rarest first, as terms of a full-text query."""
        words = terms.words(query)
        counts = {f'"{word}"': self._documents(f'"{word}"') for word in words}
        if len(words) <= SHORT:
            pairs = [f'"{first}{second}"' for first, second in pairwise(words)]
            counts |= {pair: self._documents(pair) for pair in pairs}
            for word in words:
                if not counts[f'"{word}"']:
                    counts |= {term: self._documents(term) for term in self._instead(word)}
        present = sorted((term for term, count in counts.items() if count), key=counts.__getitem__)
        return present[:MAX_TERMS]

    def _documents(self, term: str) -> int:
        """Return in how many entries *term* occurs."""
        counted = self._database.execute("SELECT count(*) FROM entries WHERE entries MATCH ?", (term,)).fetchone()
        return int(counted[0])

    def _instead(self, word: str) -> Iterable[str]:
        """Return terms for a word that occurs nowhere: longer words it begins, two words it is, words it nearly is."""
        if len(word) >= 3 and self._documents(f'"{word}"*'):
            return [f'"{word}"*']
        halves = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
        for first, second in halves:
            if self._documents(f'"{first}"') and self._documents(f'"{second}"'):
                return [f'"{first}"', f'"{second}"']
        return [f'"{term}"' for term in self._near(word)]

    def _near(self, word: str) -> list[str]:
        if len(word) < 4 or not word.isalpha():
            return []
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        slips = 1 if len(word) < 8 else 2
        near = process.extract(word, self._vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=8)
        near.sort(key=lambda each: spelling.slip_cost(each[0], word))
        return [term for term, _, _ in near[:3]]

    @cached_property
    def _vocabulary(self) -> list[str]:
        self._database.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'entries', 'row')"
        )
        return [term for (term,) in self._database.execute("SELECT term FROM temp.vocabulary WHERE length(term) > 2")]


def _kept(file: Path) -> sqlite3.Connection | None:
    """Return the kept index, or None when there is none that can be used."""
    if not file.exists():
        return None
    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        (form,) = database.execute("PRAGMA user_version").fetchone()
        database.execute("SELECT rowid FROM entries WHERE entries MATCH 'a' LIMIT 1").fetchone()
    except sqlite3.Error:
        return None
    return database if form == FORMAT else None


def _built(entries: Sequence[Entry], file: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute(_CREATE)
    with database:
        database.executemany(_INSERT, ((position, *_columns(entry)) for position, entry in enumerate(entries)))
    database.execute(f"PRAGMA user_version = {FORMAT}")
    if file is not None:
        _keep(database, file)
    return database


def _columns(entry: Entry) -> list[str]:
    """Return the entry's texts in the order of :data:`WEIGHTS`."""
    bare = spelling.core(spelling.bare(spelling.normal(entry.name)))
    texts = (
        f"{entry.name} {spelling.squashed(bare)}",
        " ".join(entry.keywords),
        " ".join(action.name for action in entry.actions),
        " ".join(action.description for action in entry.actions)[:DESCRIBED],
        entry.description[:DESCRIBED],
    )
    return terms.readable(_SEPARATOR.join(text.replace(_SEPARATOR, " ") for text in texts)).split(_SEPARATOR)


def _keep(database: sqlite3.Connection, file: Path) -> None:
    """Write the index to *file*, whole or not at all. A cache that cannot be written is no reason to fail."""
    import os
    import tempfile

    with contextlib.suppress(OSError, sqlite3.Error):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
        os.close(handle)
        copy = sqlite3.connect(partial)
        try:
            database.backup(copy)
        finally:
            copy.close()
        os.replace(partial, file)  # noqa: PTH105 - replaces on every system
