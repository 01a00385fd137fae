"""The second opinion: how near a request, and each part of it, is to what is embedded of each plugin or action."""

from __future__ import annotations

import contextlib
from array import array
from typing import TYPE_CHECKING

import numpy as np

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.resolver.documents import KEYS, key, keys_of, texts_of
from dynamic_plugins.resolver.ranking import Similarity
from dynamic_plugins.resolver.vector_index import NO_COSINE, VectorIndex, embed_documents
from dynamic_plugins.text import tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.embedder import Vectors

PARTS = 0.5
"""What the best part of a request counts against all of it."""
MAX_DOCUMENTS = 30_000
"""So many of a registry's documents are embedded at most: some ten minutes of one processor."""


class PluginMeaning:
    """The embedded documents of *entries*: their keys are kept in *folder*, their vectors in the file *own*."""

    def __init__(self, entries: Sequence[Entry], folder: Path | None, own: Path | None) -> None:
        self._entries, self._own = entries, own
        keys, owners = _kept_keys(entries, folder)
        self._owners = owners
        self._index = VectorIndex(len(entries), keys, owners, own)

    def similarity(self, text: str) -> Similarity | None:
        """Return what the embedding says of *text*; None where it cannot say anything."""
        return similarity(self._index, text)

    def missing(self) -> dict[int, str]:
        """Return the texts that are not embedded yet, by key, in the order of the entries."""
        places = self._index.missing()[:MAX_DOCUMENTS]
        owners = dict.fromkeys(self._owners[at] for at in places)
        texts = {key(text): text for owner in owners for text in texts_of(self._entries[owner])}
        wanted = self._index.keys_at(places)
        return {number: text for number, text in texts.items() if number in wanted}

    def embed(self, seconds: float) -> None:
        """Embed what is missing, here and now, for at most *seconds* of processor time."""
        if self._own is not None and (missing := self.missing()):
            embed_documents(missing, self._own, seconds)


class ActionMeaning:
    """The embedded documents of actions, one *text* each, whose vectors are in the file *own* or come with us."""

    def __init__(self, texts: Sequence[str], own: Path | None) -> None:
        self._texts = {key(text): text for text in texts}
        self._index = VectorIndex(len(texts), [key(text) for text in texts], range(len(texts)), own)

    def similarity(self, text: str) -> Similarity | None:
        """Return what the embedding says of *text*; None where it cannot say anything."""
        return similarity(self._index, text)

    def missing(self) -> dict[int, str]:
        """Return the texts that are not embedded yet, by key."""
        return {number: self._texts[number] for number in self._index.keys_at(self._index.missing())}


def similarity(index: VectorIndex, text: str) -> Similarity | None:
    """Return how near the things of *index* are to a request: to all its *text*, and to the part each is nearest to."""
    rows = index.cosines([text, *tokenizer.clauses(text)])
    if rows is None:
        return None
    known = np.flatnonzero(rows[0] > NO_COSINE)
    z_scores = _z_scores(rows[:, known])
    z_score = z_scores[0]
    if len(z_scores) > 1:
        z_score = _z_scores((z_score + PARTS * z_scores[1:].max(axis=0))[None])[0]
    places, cosines = known.tolist(), rows[:, known].max(axis=0)
    return Similarity(
        z_score=dict(zip(places, z_score.tolist(), strict=True)),
        cosine=dict(zip(places, cosines.tolist(), strict=True)),
    )


def _z_scores(rows: Vectors) -> Vectors:
    z_scores: Vectors = (rows - rows.mean(axis=1, keepdims=True)) / np.maximum(rows.std(axis=1, keepdims=True), 1e-6)
    return z_scores


def _kept_keys(entries: Sequence[Entry], folder: Path | None) -> tuple[array[int], array[int]]:
    """Return the keys of all documents and the positions of their entries, kept beside the index of words."""
    file = folder / "documents.keys" if folder is not None else None
    keys, owners = array(KEYS), array("I")
    if file is not None and file.is_file():
        content = file.read_bytes()
        count, rest = divmod(len(content), keys.itemsize + owners.itemsize)
        if count and not rest:
            keys.frombytes(content[: count * keys.itemsize])
            owners.frombytes(content[count * keys.itemsize :])
            return keys, owners
    keys, owners = keys_of(entries)
    if file is not None and file.parent.is_dir():
        with contextlib.suppress(OSError):  # a cache that fails is no reason to fail
            write_atomically(file, keys.tobytes() + owners.tobytes())
    return keys, owners
