"""Ranking by meaning: the cosine of a request and the nearest document of each plugin or action.

What is not embedded yet has no cosine; whoever combines this with other rankings decides what stands in for it.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dynamic_plugins.resolver.embedder import embedder
from dynamic_plugins.resolver.vectors import BUNDLED, KeptVectors, append, centred, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dynamic_plugins.resolver.embedder import Embedder, Vectors

BATCH = 16
"""How many documents are embedded before they are written: less than a second of work that a killed process loses."""
MAX_QUERY = 500
"""What is read of a request, in characters."""
NO_COSINE = -2.0
"""Stands where nothing of something is embedded."""


class _Read(NamedTuple):
    """What was embedded when the home's file had *size* bytes: which of the keys, and the vectors of those."""

    size: int
    known: NDArray[np.bool_]
    vectors: Vectors


class VectorIndex:
    """The documents of *count* things: *keys* of their texts, *owners* which thing each is of.

    *own* is the home's file of vectors; without it only those that come with this program are known.
    """

    def __init__(self, count: int, keys: Sequence[int], owners: Sequence[int], own: Path | None = None) -> None:
        self._count, self._own = count, own
        self._keys = np.asarray(keys, np.uint64)
        self._owners = np.asarray(owners, np.int64)
        self._read: _Read | None = None

    def _current(self) -> _Read:
        """Return what is embedded, read again where the home has more of it."""
        read, size = self._read, self._size()
        if read is None or (size != read.size and not read.known.all()):
            # Taken and put as a whole: searches run in threads.
            read = self._read = self._read_anew(size)
        return read

    def _size(self) -> int:
        return self._own.stat().st_size if self._own is not None and self._own.exists() else 0

    def _read_anew(self, size: int) -> _Read:
        known, found = KeptVectors(BUNDLED, *filter(None, [self._own])).find(self._keys)
        return _Read(size, known, unpacked(found))

    def missing(self) -> list[int]:
        """Return the places, in *keys*, of the documents that are not embedded yet."""
        return np.flatnonzero(~self._current().known).tolist()

    def keys_at(self, places: Sequence[int]) -> frozenset[int]:
        """Return the keys of the documents at *places*."""
        return frozenset(self._keys[places].tolist())

    def cosines(self, requests: Sequence[str]) -> Vectors | None:
        """Return for each of *requests* a row with the best cosine of each thing; None where nothing is embedded."""
        read, model = self._current(), embedder()
        if model is None or not len(read.vectors) or not requests:
            return None
        asked = np.stack([_query(model, request[:MAX_QUERY]) for request in requests])
        found = asked @ read.vectors.T
        best = np.full((self._count, len(requests)), NO_COSINE, np.float32)
        np.maximum.at(best, self._owners[read.known], found.T)
        return best.T


@lru_cache(maxsize=256)
def _query(model: Embedder, request: str) -> Vectors:
    row: Vectors = centred(model.embed([request], "query"))[0]
    return row


def not_embedded(texts: Mapping[int, str], own: Path) -> dict[int, str]:
    """Return those of *texts*, by key, that have no vector yet."""
    known, _ = KeptVectors(BUNDLED, own).find(np.fromiter(texts, np.uint64, len(texts)))
    return {key: text for (key, text), is_known in zip(texts.items(), known, strict=True) if not is_known}


def embed_documents(texts: Mapping[int, str], own: Path, seconds: float | None = None) -> int:
    """Embed *texts*, by key, into the home's file *own*, for at most *seconds* of processor time; return how many."""
    model = embedder()
    if model is None:
        return 0
    end = None if seconds is None else time.thread_time() + seconds
    items, done = list(texts.items()), 0
    while done < len(items) and (end is None or time.thread_time() < end):
        batch = items[done : done + BATCH]
        vectors = model.embed([text for _, text in batch], "document")
        append(own, [key for key, _ in batch], centred(vectors))
        done += len(batch)
    return done
