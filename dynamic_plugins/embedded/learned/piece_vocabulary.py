"""The pieces of words that a sentence model knows, found in a text without a dictionary of them.

A dictionary of 250,000 pieces takes 50 MB and is made anew by every process. Here each piece is a number of 64 bits, a
polynomial over its bytes (Karp and Rabin 1987), and the numbers lie in order. What a text has of them is worked out for
all its parts at once. Two pieces of one number would be taken for one another; among those of the model there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Places = NDArray[np.signedinteger[Any]]

_BASE = 0x9E3779B97F4A7C15
"""An odd number, so that there is one which undoes it."""
_WORD = 1 << 64
_TOGETHER = 8192


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The pieces with their numbers and scores, and what a character is written as before it is cut.

    *hashes* are those of the pieces, in order, and *order* says which piece each belongs to. A piece has *longest*
    characters at most. *first*, *last* and *unknown* are the numbers of the marks around a text, and of what is in no
    piece.
    """

    hashes: Hashes
    order: Places
    scores: NDArray[np.float32]
    spelled: Mapping[str, str]
    longest: int
    first: int
    last: int
    unknown: int

    @classmethod
    def of(cls, letters: bytes, offsets: Places, scores: NDArray[np.float32], **rest: Any) -> Self:
        """Return the vocabulary of the pieces that stand in *letters*, UTF-8, from one of *offsets* to the next."""
        import numpy as np

        hashes = np.empty(len(offsets) - 1, np.uint64)
        longest = 0
        for at in range(0, len(hashes), _TOGETHER):  # what is worked out at once takes 50 bytes a letter
            places = offsets[at : at + _TOGETHER + 1]
            some, places = letters[places[0] : places[-1]], places - places[0]
            hashes[at : at + _TOGETHER] = _hashes(some, places[:-1], places[1:])
            begins = np.frombuffer(some, np.uint8) & 0xC0 != 0x80
            longest = max(longest, int(np.diff(np.concatenate([[0], np.cumsum(begins)])[places]).max()))
        order = np.argsort(hashes, kind="stable").astype(np.int32)  # of two alike the first counts
        return cls(hashes[order], order, scores, longest=longest, **rest)

    def pieces_in(self, written: str) -> list[list[tuple[int, int, float]]]:
        """Return what begins at each character of *written*: where it ends, its number and its score."""
        import numpy as np

        at = np.concatenate([[0], np.cumsum([len(letter.encode("utf-8", "surrogatepass")) for letter in written])])
        count = len(written)
        starts = np.repeat(np.arange(count), self.longest)
        ends = starts + np.tile(np.arange(1, self.longest + 1), count)
        starts, ends = starts[ends <= count], ends[ends <= count]
        wanted = _hashes(written.encode("utf-8", "surrogatepass"), at[starts], at[ends])
        where = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        numbers = self.order[where]
        known = (self.hashes[where] == wanted) & (numbers != self.unknown)
        found: list[list[tuple[int, int, float]]] = [[] for _ in written]
        for start, end, number in zip(*(each[known].tolist() for each in (starts, ends, numbers)), strict=True):
            found[start].append((end, number, float(self.scores[number])))
        return found


def _hashes(letters: bytes, starts: Sequence[int] | Places, ends: Sequence[int] | Places) -> Hashes:
    """Return a number for each part of *letters*; the same bytes give the same number wherever they stand."""
    import numpy as np

    def powers(of: int) -> Hashes:
        found = np.full(len(letters) + 1, of, np.uint64)
        found[0] = 1
        return np.cumprod(found, dtype=np.uint64)

    parts = np.zeros(len(letters) + 1, np.uint64)
    parts[1:] = np.frombuffer(letters, np.uint8)
    parts[1:] += np.uint64(1)  # a NUL is a letter too
    parts[1:] *= powers(_BASE)[:-1]
    sums = np.cumsum(parts, dtype=np.uint64)
    hashes: Hashes = (sums[ends] - sums[starts]) * powers(pow(_BASE, -1, _WORD))[starts]
    return hashes
