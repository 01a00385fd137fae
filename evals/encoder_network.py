"""The network that ``evals/train_encoder.py`` trains: layers of the sentence model with small matrices beside theirs,
and the heads on top of them. The package runs the same without JAX
(:mod:`dynamic_plugins.embedded.learned.message_encoder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from dynamic_plugins.embedded.learned.e5_weights import e5_weights
from dynamic_plugins.embedded.learned.message_encoder import MOST_PIECES, PREFIX
from dynamic_plugins.embedded.learned.word_pieces import word_pieces

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

LOWER, LAYERS, RANK, SCALE = 6, 9, 16, 2.0
"""Layers that stay as they are, layers that are used, the rank of what is added, and how much that counts."""
DROPPED = 0.1
WIDTHS = (16, 24, 32, 48, MOST_PIECES + 2)
PIECES = 1024
"""Messages are filled up to one of these widths; so many pieces are trained on at once."""
LONGEST = 60
"""So many pieces is a value long at most."""
VALUES = 0.5
"""How much a value weighs beside a message's other labels."""
MATRICES = ("q.w", "k.w", "v.w", "ao.w", "fi.w", "fo.w")
ACTS = ("manage", "talk", "use", "list")
MOODS = ("order", "question", "talk", "refusal", "quotation", "report", "hypothetical")

Params = dict[str, Any]
Batch = dict[str, Any]


class Network:
    """The upper layers with what is trained beside them, over messages that went through the lower ones once."""

    def __init__(self, texts: Sequence[str]) -> None:
        weights = e5_weights()
        if weights is None:
            raise SystemExit("the extra 'search' is not installed: there is no model to train")
        self.weights = weights
        self.lower = [_arrays(weights.layer(number)) for number in range(LOWER)]
        self.upper = [_arrays(weights.layer(number)) for number in range(LOWER, LAYERS)]
        self.places: dict[str, list[tuple[int, int]]] = {}
        self.states = self._through_lower(texts)

    def _through_lower(self, texts: Sequence[str]) -> dict[str, Any]:
        weights, found = self.weights, dict[str, Any]()
        positions = weights.vector("emb.pos").reshape(-1, weights.size)
        kind, level = (
            weights.vector("emb.type")[: weights.size],
            (weights.vector("emb.ln.w"), weights.vector("emb.ln.b")),
        )
        run = jax.jit(lambda states, mask: self._layers(states, mask, self.lower, None))
        numbers = {text: self._numbers(text) for text in dict.fromkeys(texts)}
        for width, part in by_width(list(numbers), lambda text: len(numbers[text]), 2 * PIECES):
            states, mask = np.zeros((rows_of(width, 2 * PIECES), width, weights.size), np.float32), None
            mask = np.zeros(states.shape[:2], np.float32)
            mask[:, 0] = 1
            for row, text in enumerate(part):
                count = len(numbers[text])
                states[row, :count] = weights.rows("emb.word", numbers[text]) + positions[:count] + kind
                mask[row, :count] = 1
            done = np.asarray(run(self._levelled(jnp.asarray(states), *level), mask)).astype(np.float16)
            found |= {text: done[row, : len(numbers[text])] for row, text in enumerate(part)}
        return found

    def _numbers(self, text: str) -> list[int]:
        vocabulary = self.weights.vocabulary
        pieces = word_pieces(PREFIX + text, vocabulary)[:MOST_PIECES]
        shift = len(PREFIX)
        self.places[text] = [(-1, -1), *((p.start - shift, p.end - shift) for p in pieces), (-1, -1)]
        return [vocabulary.first, *(piece.number for piece in pieces), vocabulary.last]

    def encode(self, params: Params, batch: Batch) -> tuple[Any, Any]:
        """Return the numbers of each piece and their mean."""
        mask = batch["mask"]
        states = self._layers(batch["states"], mask, self.upper, params["added"])
        return states, (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)

    def _layers(self, states: Any, mask: Any, layers: Sequence[Params], added: Sequence[Params] | None) -> Any:
        for number, layer in enumerate(layers):
            states = self._layer(states, mask, layer, added[number] if added is not None else {})
        return states

    def _layer(self, states: Any, mask: Any, layer: Params, added: Params) -> Any:
        def times(values: Any, name: str) -> Any:
            more = 0.0
            if name in added:
                into, out = added[name]
                more = (values @ into) @ out * SCALE
            return values @ layer[name] + more + layer[name.replace(".w", ".b")]

        rows, count, size = states.shape
        heads = self.weights.heads
        query, key, value = (
            times(states, f"{name}.w").reshape(rows, count, heads, -1).transpose(0, 2, 1, 3) for name in "qkv"
        )
        near = query @ key.transpose(0, 1, 3, 2) / np.sqrt(size // heads) + (mask[:, None, None, :] - 1) * 1e9
        seen = (jax.nn.softmax(near, -1) @ value).transpose(0, 2, 1, 3).reshape(rows, count, size)
        states = self._levelled(states + times(seen, "ao.w"), layer["aln.w"], layer["aln.b"])
        inner = jax.nn.gelu(times(states, "fi.w"), approximate=True)
        return self._levelled(states + times(inner, "fo.w"), layer["oln.w"], layer["oln.b"])

    def _levelled(self, states: Any, weight: Any, bias: Any) -> Any:
        off = states - states.mean(-1, keepdims=True)
        return off * jax.lax.rsqrt((off**2).mean(-1, keepdims=True) + self.weights.epsilon) * weight + bias


def _arrays(layer: dict[str, Any]) -> Params:
    return {name: jnp.asarray(values) for name, values in layer.items()}


def rows_of(width: int, pieces: int) -> int:
    return max(8, pieces // width)


def by_width(
    items: Sequence[Any], length: Callable[[Any], int], pieces: int, dice: random.Random | None = None
) -> list[tuple[int, list[Any]]]:
    """Return *items* in batches of messages of about one length, shuffled with *dice*."""
    groups: dict[int, list[Any]] = {width: [] for width in WIDTHS}
    for item in items:
        groups[next(width for width in WIDTHS if length(item) <= width)].append(item)
    found = []
    for width, group in groups.items():
        if dice:
            dice.shuffle(group)
        step = rows_of(width, pieces)
        found += [(width, group[at : at + step]) for at in range(0, len(group), step)]
    if dice:
        dice.shuffle(found)
    return found


@dataclass(frozen=True)
class Names:
    """The features and labels of the heads, each with its number; feature 0 is none."""

    beside: dict[str, int]
    plugin: dict[str, int]
    intents: list[str]


def new_params(network: Network, names: Names) -> Params:
    """Return the arrays to be trained, as they are before training."""
    dice, size = np.random.RandomState(0), network.weights.size

    def some(*shape: int, spread: float = 0.02) -> Any:
        return jnp.asarray(dice.randn(*shape).astype(np.float32) * spread)

    def small(matrix: Any) -> tuple[Any, Any]:
        return some(matrix.shape[0], RANK, spread=matrix.shape[0] ** -0.5), jnp.zeros((RANK, matrix.shape[1]))

    def head(inner: int, features: int, labels: int) -> Params:
        beside = {"beside": some(features, inner), "direct": jnp.zeros((features, labels))}
        out = {"bias": jnp.zeros(inner), "out": some(inner, labels, spread=0.1), "last": jnp.zeros(labels)}
        return {"mean": some(size, inner, spread=0.05), **beside, **out}

    wide = {name: some(size, 96, spread=0.05) for name in ("state", "question", "mean", "gate")}
    ends = {name: some(96, 1, spread=0.1) for name in ("begin", "end", "none")}
    plugin = head(96, len(names.plugin) + 1, len(names.intents)) | {"span": some(size, 96, spread=0.05)}
    return {
        "added": [{name: small(layer[name]) for name in MATRICES} for layer in network.upper],
        "message_act": head(64, len(names.beside) + 1, len(ACTS)),
        "mood": head(64, len(names.beside) + 1, len(MOODS)),
        "plugin_intent": plugin,
        "value": {**wide, **ends, "bias": jnp.zeros(96), "none_bias": jnp.zeros(1)},
    }


def _scores(head: Params, hidden: Any, features: Any) -> Any:
    known = (features > 0)[..., None]
    inner = jnp.tanh(hidden + (head["beside"][features] * known).sum(-2) + head["bias"])
    return inner @ head["out"] + head["last"] + (head["direct"][features] * known).sum(-2)


def _dropped(key: Any, values: Any) -> Any:
    return values if key is None else values * jax.random.bernoulli(key, 1 - DROPPED, values.shape) / (1 - DROPPED)


def message_scores(network: Network, params: Params, batch: Batch, key: Any = None) -> dict[str, Any]:
    """Return the scores of a batch's messages and plugins, by the head that gives them."""
    states, mean = network.encode(params, batch)
    first, second = jax.random.split(key) if key is not None else (None, None)
    mean = _dropped(first, mean)
    span = _dropped(second, jnp.einsum("ln,lnh->lh", batch["spans"], states[batch["of"]]))
    plugin = params["plugin_intent"]
    hidden = mean[batch["of"]] @ plugin["mean"] + span @ plugin["span"]
    found = {
        name: _scores(params[name], mean @ params[name]["mean"], batch["beside"]) for name in ("message_act", "mood")
    }
    return found | {"plugin_intent": _scores(plugin, hidden, batch["plugin"])}


def message_loss(network: Network, params: Params, batch: Batch, key: Any) -> Any:
    """Return how unlikely the right labels of a batch's messages are found."""
    lost = 0.0
    for name, scores in message_scores(network, params, batch, key).items():
        right, weight = batch[f"{name} label"], batch[f"{name} weight"]
        likely = jax.nn.log_softmax(scores)
        lost -= (jnp.take_along_axis(likely, right[:, None], 1)[:, 0] * weight).sum()
    return lost / len(batch["mask"])


def value_scores(network: Network, params: Params, batch: Batch, key: Any = None) -> tuple[Any, Any]:
    """Return the score of each run of pieces of a batch's messages, and that of none."""
    states, mean = network.encode(params, batch)
    head, states = params["value"], _dropped(key, states)
    question = batch["question"] @ head["question"] + head["bias"]
    both = jnp.tanh(states @ head["state"] + question[:, None])
    begins = ((both * (1 + jnp.tanh(states @ head["gate"]))) @ head["begin"])[..., 0]
    ends = (both @ head["end"])[..., 0]
    none = (jnp.tanh(mean @ head["mean"] + question) @ head["none"])[..., 0] + head["none_bias"]
    at, mask = jnp.arange(states.shape[1]), batch["mask"]
    may = (at[None, :] >= at[:, None]) & (at[None, :] < at[:, None] + LONGEST)
    allowed = mask[:, :, None] * mask[:, None, :] * may[None]
    return begins[:, :, None] + ends[:, None, :] + (allowed - 1) * 1e9, none


def value_loss(network: Network, params: Params, batch: Batch, key: Any) -> Any:
    """Return how unlikely the right values of a batch are found."""
    pairs, none = value_scores(network, params, batch, key)
    every = jnp.concatenate([pairs.reshape(len(pairs), -1), none[:, None]], 1)
    good = jnp.concatenate([batch["good"].reshape(len(pairs), -1), batch["none"][:, None]], 1)
    lost = jax.nn.logsumexp(every, 1) - jax.nn.logsumexp(every + (good - 1) * 1e9, 1)
    return VALUES * (lost * batch["weight"]).sum() / len(pairs)
