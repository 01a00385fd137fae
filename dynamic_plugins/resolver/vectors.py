"""Vectors of documents, kept on disk by the digest of their text: the ones that come with this program, and the
home's own.

A vector is kept as its difference from the mean of many documents, since what all texts have in common tells none from
another, in 4 bits a number: that keeps a cosine to about a hundredth, in 192 bytes. A file is a line of JSON, which
says what space its vectors are of, and records of 200 bytes; a text that changed has another digest and is embedded
anew.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from dynamic_plugins.resolver.embedder import DIMENSIONS, MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dynamic_plugins.resolver.embedder import Vectors

    Packed = NDArray[np.uint8]

BUNDLED = Path(__file__).with_name("bundled.vectors")
RECORD = np.dtype([("key", "<u8"), ("packed", "u1", (DIMENSIONS // 2,))])
MAX_BYTES = 16 * 2**20
"""A home's file that has grown past this is begun anew: most of it is of texts that are no more."""
_STEP = 0.34 / DIMENSIONS**0.5
"""How far two neighbouring values of the 16 are apart: a third of what one number of a vector usually is."""
_PIECE = 1024
"""How many vectors are unpacked at once."""


class KeptVectors:
    """The vectors of one file, or of several of one space, found by key."""

    def __init__(self, *files: Path) -> None:
        parts = [records for file in files if (records := _read(file)) is not None]
        records = np.concatenate(parts) if parts else np.empty(0, RECORD)
        order = np.argsort(records["key"], kind="stable")
        self._keys, self._packed = records["key"][order], records["packed"][order]

    def find(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], Packed]:
        """Return which of *keys* are known, as a mask, and the vectors of those, :func:`packed`, in order."""
        places = np.searchsorted(self._keys, keys)
        places[places == len(self._keys)] = 0
        known = self._keys[places] == keys if len(self._keys) else np.zeros(len(keys), bool)
        return known, self._packed[places[known]]


def centred(vectors: Vectors) -> Vectors:
    """Return vectors as they are compared: without what all texts have in common, of length 1."""
    return _of_length_one(vectors - mean())


def packed(vectors: Vectors) -> Packed:
    """Return centred vectors in 4 bits a number."""
    levels = np.clip(np.round(vectors / _STEP + 7.5), 0, 15).astype(np.uint8)
    halves: Packed = levels[:, 0::2] | (levels[:, 1::2] << 4)
    return halves


def unpacked(halves: Packed) -> Vectors:
    """Return unit vectors out of what :func:`packed` made."""
    vectors = np.empty((len(halves), DIMENSIONS), np.float32)
    pairs, numbers = vectors.view(np.float64), _pairs()
    # A piece that stays in the processor's cache: ten thousand plugins have fifty thousand vectors.
    for start in range(0, len(halves), _PIECE):
        end = start + _PIECE
        numbers.take(halves[start:end], out=pairs[start:end], mode="clip")
        piece = vectors[start:end]
        piece /= np.sqrt(np.einsum("ij,ij->i", piece, piece))[:, None]
    return vectors


@cache
def _pairs() -> NDArray[np.float64]:
    """Return the two numbers of each byte, side by side as one of twice the size: a byte is looked up once for both."""
    both = np.stack([np.arange(256) & 15, np.arange(256) >> 4], axis=1).astype(np.float32) - np.float32(7.5)
    return both.view(np.float64).ravel()


def _of_length_one(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


@cache
def mean() -> Vectors:
    """Return the mean of many documents of all kinds; ``evals/embed_catalogue.py`` takes it."""
    return np.frombuffer(base64.b64decode(bundled_mean_text()), np.float16).astype(np.float32)


def bundled_mean_text() -> str:
    """Return that mean as the file has it: base64 of numbers of 16 bits."""
    with BUNDLED.open("rb") as content:
        return str(json.loads(content.readline())["mean"])


@cache
def space() -> str:
    """Return what names the space of the vectors: other models' and other means' are not compared with these."""
    return space_of(bundled_mean_text())


def space_of(mean_text: str) -> str:
    return hashlib.blake2b(f"{MODEL}\n{mean_text}".encode(), digest_size=8).hexdigest()


def append(file: Path, keys: Sequence[int], vectors: Vectors) -> None:
    """Add vectors to a home's file. Raises OSError where it cannot be written."""
    records = np.empty(len(keys), RECORD)
    records["key"], records["packed"] = keys, packed(vectors)
    file.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"space": space()}).encode() + b"\n"
    with FileLock(f"{file}.lock"):
        size = _whole(file, header)
        with file.open("r+b" if size else "wb") as out:
            if size:
                out.truncate(size)  # what a killed process wrote half
                out.seek(size)
            out.write((b"" if size else header) + records.tobytes())


def _whole(file: Path, header: bytes) -> int:
    """Return how much of a file is whole; 0 where it is begun anew."""
    with contextlib.suppress(OSError), file.open("rb") as kept:
        size = file.stat().st_size
        if kept.read(len(header)) == header and size < MAX_BYTES:
            return size - (size - len(header)) % RECORD.itemsize
    return 0


def _read(file: Path) -> NDArray[np.void] | None:
    try:
        content = file.read_bytes()
        line, _, rest = content.partition(b"\n")
        header = json.loads(line)
    except (OSError, ValueError):
        return None
    if (
        not isinstance(header, dict)
        or (space_of(header["mean"]) if "mean" in header else header.get("space")) != space()
    ):
        return None
    return np.frombuffer(rest, RECORD, len(rest) // RECORD.itemsize)
