"""A message as numbers for each of its word pieces, by a sentence model that was trained further on orders to agents.

Multilingual-e5-small knows a hundred languages and nothing of plugins. Its lower layers are used as they are; the next
few have small matrices added to theirs (LoRA, Hu and others 2021) that ``evals/train_encoder.py`` trained on messages
that people wrote; its uppermost layers are left out. What is asked of the numbers, such as what the message wants of a
plugin, is read off by the heads in :mod:`dynamic_plugins.embedded.learned.encoder_heads`.

The vector of the sentence, by the model as it is, goes on from the same lower layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.learned.e5_weights import e5_weights
from dynamic_plugins.embedded.learned.word_pieces import word_pieces
from dynamic_plugins.resolver.embedder import embedder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.learned.e5_weights import E5Weights, Numbers

FILE = Path(__file__).with_name("encoder.npz")
MOST_CHARACTERS, MOST_PIECES = 600, 94
"""What of a message is read."""
PREFIX = "query: "
"""What the model was trained with before what somebody asks for."""
_BEFORE = 1 + 3
"""The mark of the beginning and the pieces of the prefix come before those of the message."""


@dataclass(frozen=True, eq=False)
class EncodedMessage:
    """*states* has a row for each piece of a message, *mean* is their mean. *places* says where each piece stands in
    the message; what is none of it, such as the mark of its end, is nowhere.

    *lower* is what the layers below all that was trained make of it, and *whole* whether nothing was cut off its end.
    """

    states: Numbers
    mean: Numbers
    places: Sequence[tuple[int, int]]
    lower: Numbers
    whole: bool

    def span(self, start: int, end: int) -> Numbers:
        """Return the mean of the pieces between two places of the message; zeros where there is none."""
        import numpy as np

        inside = [row for row, (begin, stop) in enumerate(self.places) if begin < end and start < stop and begin < stop]
        found: Numbers = self.states[inside].mean(axis=0) if inside else np.zeros_like(self.mean)
        return found


class MessageEncoder:
    """The layers that are used, with what was trained added. *trained* are the arrays of the file."""

    def __init__(self, weights: E5Weights, trained: Mapping[str, Any]) -> None:
        from threadpoolctl import ThreadpoolController

        self._weights, self._libraries = weights, ThreadpoolController()
        with self._libraries.limit(limits=1):  # the matrices are small, and threads of BLAS wait by spinning
            layers = [_with_added(weights.layer(at), trained, at) for at in range(int(trained["layers"]))]
        changed = [at for at in range(len(layers)) if any(name.startswith(f"l{at}.") for name in trained)]
        self._first = min(changed, default=len(layers))
        self._layers = [_side_by_side(layer) for layer in layers]

    def encode(self, said: str) -> EncodedMessage:
        """Return the numbers of a message. Some 15 milliseconds of processor time for twenty words."""
        with self._libraries.limit(limits=1):
            return self._encoded(said)

    def vector(self, message: EncodedMessage) -> Numbers:
        """Return the vector of length 1 that the model as it is gives a message. Another 10 milliseconds."""
        import numpy as np

        states = message.lower
        with self._libraries.limit(limits=1):
            for layer in self._upper:
                states = self._through(states, layer)
        mean = states.mean(axis=0)
        found: Numbers = mean / np.linalg.norm(mean)
        return found

    @cached_property
    def _upper(self) -> list[dict[str, Numbers]]:
        return [_side_by_side(self._weights.layer(at)) for at in range(self._first, self._weights.layers)]

    def _encoded(self, said: str) -> EncodedMessage:
        vocabulary = self._weights.vocabulary
        found = word_pieces(f"{PREFIX}{said[:MOST_CHARACTERS]}", vocabulary)
        pieces = found[:MOST_PIECES]
        numbers = [vocabulary.first, *(piece.number for piece in pieces), vocabulary.last]
        lower = self._embedded(numbers)
        for layer in self._layers[: self._first]:
            lower = self._through(lower, layer)
        states = lower
        for layer in self._layers[self._first :]:
            states = self._through(states, layer)
        shift = len(PREFIX)
        places = [(-1, -1), *((piece.start - shift, piece.end - shift) for piece in pieces), (-1, -1)]
        return EncodedMessage(states, states.mean(axis=0), places, lower, len(pieces) == len(found))

    def _embedded(self, numbers: Sequence[int]) -> Numbers:
        weights = self._weights
        places = weights.vector("emb.pos").reshape(-1, weights.size)[: len(numbers)]
        found = weights.rows("emb.word", numbers) + places + weights.vector("emb.type")[: weights.size]
        return self._levelled(found, weights.vector("emb.ln.w"), weights.vector("emb.ln.b"))

    def _through(self, states: Numbers, layer: Mapping[str, Numbers]) -> Numbers:
        count, size, heads = len(states), self._weights.size, self._weights.heads
        asked = (states @ layer["qkv.w"] + layer["qkv.b"]).reshape(count, 3, heads, -1)
        query, key, value = asked.transpose(1, 2, 0, 3)
        near: Numbers = query @ key.transpose(0, 2, 1)
        near /= (size // heads) ** 0.5
        seen: Numbers = (_shares(near) @ value).transpose(1, 0, 2).reshape(count, size)
        states = self._levelled(states + seen @ layer["ao.w"] + layer["ao.b"], layer["aln.w"], layer["aln.b"])
        inner = _gelu(states @ layer["fi.w"] + layer["fi.b"])
        return self._levelled(states + inner @ layer["fo.w"] + layer["fo.b"], layer["oln.w"], layer["oln.b"])

    def _levelled(self, states: Numbers, weight: Numbers, bias: Numbers) -> Numbers:
        import numpy as np

        off = states - states.mean(axis=-1, keepdims=True)
        spread = np.sqrt((off * off).mean(axis=-1, keepdims=True) + np.float32(self._weights.epsilon))
        found: Numbers = off / spread * weight + bias
        return found


def _with_added(layer: dict[str, Numbers], trained: Mapping[str, Any], number: int) -> dict[str, Numbers]:
    """Return a layer with the small matrices that were trained for it added to its own."""
    import numpy as np

    for name in list(layer):
        if (into := trained.get(f"l{number}.{name}.in")) is not None:
            layer[name] += into.astype(np.float32) @ trained[f"l{number}.{name}.out"].astype(np.float32)
    return layer


def _side_by_side(layer: dict[str, Numbers]) -> dict[str, Numbers]:
    """Return a layer with its three matrices for what a piece asks, is asked by and tells as one: one product."""
    import numpy as np

    for kind in "wb":
        layer[f"qkv.{kind}"] = np.concatenate([layer.pop(f"{name}.{kind}") for name in "qkv"], axis=-1)
    return layer


def _shares(scores: Numbers) -> Numbers:
    import numpy as np

    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Numbers = powers / powers.sum(axis=-1, keepdims=True)
    return found


def _gelu(values: Numbers) -> Numbers:
    """Return the Gaussian error linear unit of *values*, by its tanh form (Hendrycks and Gimpel 2016).

    Multiplied out: a power of numbers of 32 bits is a call of the C library for each of them, which was nine tenths of
    the time of this function and two fifths of a message's.
    """
    import numpy as np

    found: Numbers = values * values
    found *= np.float32(0.044715 * 0.7978845608)
    found += np.float32(0.7978845608)
    found *= values
    np.tanh(found, out=found)
    found += np.float32(1)
    found *= values
    found *= np.float32(0.5)
    return found


@cache
def trained() -> Mapping[str, Any]:
    """Return the arrays that were trained: the matrices to be added, and the heads."""
    import numpy as np

    with np.load(FILE) as content:
        return dict(content)


@cache
def _encoder() -> MessageEncoder | None:
    weights = e5_weights()
    try:
        return None if weights is None else MessageEncoder(weights, trained())
    except ImportError:  # the extra was installed before it had all that is needed here
        return None


@lru_cache(maxsize=64)
def encoded(said: str) -> EncodedMessage | None:
    """Return the numbers of a message; None where nothing embeds sentences here (the extra ``search``)."""
    encoder = _encoder() if said.strip() else None
    return None if encoder is None else encoder.encode(said)


@lru_cache(maxsize=64)
def vector_of(said: str) -> Numbers | None:
    """Return the vector of a message; None where nothing embeds sentences here."""
    encoder, message = _encoder(), encoded(said)
    if encoder is not None and message is not None and message.whole:
        return encoder.vector(message)
    model = embedder() if said.strip() else None
    return None if model is None else model.embed([said[:MOST_CHARACTERS]], "query")[0]
