"""The words of a registry's entries as an inverted index in SQLite, made once and kept for the next process.

SQLite comes with Python and opens a kept index in a millisecond. What is asked of it is in
:mod:`dynamic_plugins.resolver.bm25`.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from array import array
from collections import Counter, defaultdict
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.text import normalize, tokenizer
from dynamic_plugins.text.stemmer import stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dynamic_plugins.registry.entry import Entry

REPEATED = {"name": 3, "aliases": 3, "keywords": 2, "categories": 1, "actions": 2, "action texts": 1, "description": 1}
"""How often each text of an entry counts. One field that repeats them ranks better than a field each."""
DESCRIPTION = 2_000
"""What is read of a plugin's description, in characters."""
ACTION_TEXT, ACTION_TEXTS = 500, 12_000
"""What is read of the description of an action, and of those of all actions of a plugin, in characters."""
KEPT = 4
"""How many indexes are kept in a folder: those of older registries go."""
ABANDONED = 3600.0
"""After how many seconds a folder that a process works in is what a killed one left."""
NUMBERS = "I"
"""What the blobs hold, as :class:`array.array` names it: unsigned numbers of four bytes, one for an entry."""

_WORDS = "stems of text/stemmer.py, with aliases and categories, letters with strokes as plain ones"
_FILE = "words.sqlite"
_SCHEMA = """
CREATE TABLE postings (stem TEXT PRIMARY KEY, entries BLOB, times BLOB);
CREATE TABLE names (core TEXT, position INTEGER);
CREATE INDEX by_core ON names (core);
CREATE TABLE lengths (words BLOB);
"""


def word_index(entries: Sequence[Entry], folder: Path | None = None) -> sqlite3.Connection:
    """Return the index of *entries*: the one kept in *folder*, or a new one, which is kept there where one is given.

    ``postings`` has, for each stem, the positions of the entries that it occurs in and how often; ``names`` each
    entry's name without what plugins are called alike by, and its aliases; ``lengths`` how many words each entry has.
    """
    return (folder and _opened(folder)) or _built(entries, folder)


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

    return f"{__version__}, {_WORDS}"


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
    index.executemany("INSERT INTO names VALUES (?, ?)", _alias_names(entries))
    index.execute("INSERT INTO lengths VALUES (?)", (_blob(lengths[position] for position in range(len(entries))),))
    index.execute("COMMIT")
    return index


def _alias_names(entries: Sequence[Entry]) -> Iterator[tuple[str, int]]:
    """Give the other names of the entries: "google sheets" is as good as the name itself."""
    for position, entry in enumerate(entries):
        for alias in dict.fromkeys("".join(tokenizer.words(alias)) for alias in entry.aliases):
            yield alias, position


def _stemmed(written: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Return the positions for each stem, one for each time it occurs, out of those for words as they are written."""
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for word, positions in written.items():
        for part in tokenizer.all_words(word):
            postings[stem(part)] += positions
    return postings


def _row(posting: tuple[str, list[int]]) -> tuple[str, bytes, bytes]:
    root, positions = posting
    times = Counter(positions)
    return root, _blob(times), _blob(times.values())


def _blob(numbers: Iterable[int]) -> bytes:
    return array(NUMBERS, numbers).tobytes()


def _written(entry: Entry, core: str) -> list[str]:
    """Return the words of an entry as they are written, as often as they count."""
    texts = {
        "name": f"{entry.name} {core}",
        "aliases": " ".join(entry.aliases),
        "keywords": " ".join(entry.keywords),
        "categories": " ".join(entry.categories),
        "actions": " ".join([action.name for action in entry.actions]),
        "action texts": " ".join([action.description[:ACTION_TEXT] for action in entry.actions])[:ACTION_TEXTS],
        "description": entry.description[:DESCRIPTION],
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
