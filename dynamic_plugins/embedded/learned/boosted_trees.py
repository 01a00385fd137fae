"""Gradient boosted trees: how likely something is, by what speaks for it and against it; in a fraction of a millisecond
and without numpy.

The trees are grown by LightGBM (``evals/grow_trees.py``) and ship in the package, one file a model: a line of JSON (the
names of the features, where each tree begins) and the arrays of all nodes and leaves, little-endian.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ARRAYS = (("features", "B"), ("thresholds", "f"), ("left", "h"), ("right", "h"), ("leaves", "f"))
MOST_FEATURES = 256


@dataclass(frozen=True)
class BoostedTrees:
    """Trees over the features *names*; one that is not given is 0.

    The node *i* asks whether the feature ``features[i]`` is at most ``thresholds[i]`` and goes on at ``left[i]`` or
    ``right[i]``; a negative number ``-n - 1`` there is the leaf *n*. *roots* are the first nodes.
    """

    names: Sequence[str]
    roots: Sequence[int]
    features: Sequence[int]
    thresholds: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    leaves: Sequence[float]

    def probability(self, given: Mapping[str, float]) -> float:
        """Return how likely it is, from 0 to 1, with the features *given*."""
        values = [given.get(name, 0.0) for name in self.names]
        features, thresholds, left, right, leaves = (
            self.features,
            self.thresholds,
            self.left,
            self.right,
            self.leaves,
        )
        score = 0.0
        for node in self.roots:
            while node >= 0:
                node = left[node] if values[features[node]] <= thresholds[node] else right[node]
            score += leaves[-node - 1]
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))

    def to_bytes(self) -> bytes:
        """Return the model as its file holds it."""
        head = {
            "names": list(self.names),
            "roots": list(self.roots),
            "sizes": [len(self._array(n)) for n, _ in _ARRAYS],
        }
        return b"\n".join([json.dumps(head).encode(), b"".join(_packed(self._array(name), t) for name, t in _ARRAYS)])

    def _array(self, name: str) -> Sequence[float]:
        found: Sequence[float] = getattr(self, name)
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> BoostedTrees:
        """Return the model that :meth:`to_bytes` wrote."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        arrays, at = {}, 0
        for (name, kind), size in zip(_ARRAYS, head["sizes"], strict=True):
            found = array(kind)
            end = at + size * found.itemsize
            found.frombytes(rest[at:end])
            if sys.byteorder == "big":
                found.byteswap()
            arrays[name], at = found.tolist(), end
        return cls(head["names"], head["roots"], **arrays)


def _packed(values: Sequence[float], kind: str) -> bytes:
    packed = array(kind, values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def trees_file(name: str) -> Path:
    """Return where the model *name* lies: ``arbiter`` or ``use_probability``."""
    return Path(__file__).with_name(f"{name}.trees")


@cache
def trees(name: str) -> BoostedTrees:
    """Return the model *name* that ships."""
    return BoostedTrees.from_bytes(trees_file(name).read_bytes())
