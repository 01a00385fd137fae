"""A small linear model over hashed features: probabilities of a few labels, in a millisecond and without numpy.

The weights are trained by ``evals/train_intents.py`` and ship in the package: one byte a weight, and only those of
features that matter. Where sentences are embedded here (the extra ``search``), what the encoder says of the message
stands beside it (:mod:`dynamic_plugins.embedded.learned.encoder_heads`).
"""

from __future__ import annotations

import json
import math
import zlib
from array import array
from bisect import bisect_left
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

BUCKETS = 2**20
"""Features are hashed into so many; two of them rarely meet."""


class Prediction(NamedTuple):
    """The likeliest label and its probability, from 0 to 1, and those of all labels."""

    label: str
    probability: float
    all: dict[str, float]


def bucket(feature: str) -> int:
    """Return the number of a feature."""
    return zlib.crc32(feature.encode()) % BUCKETS


class LinearModel:
    """Multinomial logistic regression.

    *rows* are the buckets that have weights, in order; *weights* has a row of one byte a label for each.
    """

    def __init__(
        self,
        labels: Sequence[str],
        bias: Sequence[float],
        scale: float,
        rows: array[int],
        weights: bytes,
    ) -> None:
        self.labels, self._bias, self._scale = tuple(labels), tuple(bias), scale
        self._rows, self._weights = rows, memoryview(weights).cast("b")

    def predict(self, features: Iterable[str], beside: Sequence[float] = (), own: float = 1.0) -> Prediction:
        """Return how likely each label is. A feature counts once; together they count as one vector of length 1.

        Each label's score counts *own* times, and *beside* is added to it: what something else says of the message.
        """
        buckets = {bucket(feature) for feature in features}
        width, rows, weights = len(self.labels), self._rows, self._weights
        sums = [0] * width
        for number in buckets:
            at = bisect_left(rows, number)
            if at < len(rows) and rows[at] == number:
                place = at * width
                for k in range(width):
                    sums[k] += weights[place + k]
        length = math.sqrt(len(buckets)) or 1.0
        scores = [own * (bias + self._scale * each / length) for bias, each in zip(self._bias, sums, strict=True)]
        if beside:
            scores = [score + more for score, more in zip(scores, beside, strict=True)]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = sum(powers)
        shares = {label: power / total for label, power in zip(self.labels, powers, strict=True)}
        best = max(shares, key=shares.__getitem__)
        return Prediction(best, shares[best], shares)

    def to_bytes(self) -> bytes:
        """Return the model as a file's content: a line of JSON, the buckets, the weights."""
        head = {
            "labels": self.labels,
            "bias": self._bias,
            "scale": self._scale,
            "rows": len(self._rows),
        }
        return json.dumps(head).encode() + b"\n" + self._rows.tobytes() + self._weights.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> LinearModel:
        """Read what :meth:`to_bytes` wrote. Raises ValueError for anything else."""
        line, _, rest = content.partition(b"\n")
        head = json.loads(line)
        rows = array("I")
        size = head["rows"] * rows.itemsize
        rows.frombytes(rest[:size])
        if len(rest) != size + head["rows"] * len(head["labels"]):
            raise ValueError("the model's file is cut off")
        return cls(head["labels"], head["bias"], head["scale"], rows, rest[size:])


@cache
def model(name: str) -> LinearModel:
    """Return the model that ships under *name*."""
    return LinearModel.from_bytes(Path(__file__).with_name(f"{name}.model").read_bytes())
