"""Trains the heads that read what a message is, how it is meant and what it wants of each plugin.

The encoder stays as it is: minutes, where ``evals.train_encoder`` takes the better part of an hour.

usage: python -m evals.train_heads [--epochs 3] [--held-out N] [--write]

They go on from those that ship. With ``--held-out`` every N-th hand is left out, and how well its messages are read is
printed for the heads as they are and as trained.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dynamic_plugins.embedded.learned import message_encoder
from dynamic_plugins.embedded.learned.message_encoder import encoded
from evals.train_encoder import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADS = ("message_act", "mood", "plugin_intent")
MOST_FEATURES, BATCH, RATE, DECAY = 24, 256, 4e-4, 1e-3
KEYS = ("mean", "span", "bias", "beside", "out", "last", "direct")

Params = dict[str, Any]


@dataclass
class Samples:
    """What one head learns from: the numbers of a message, the features beside them, a label, and who wrote it."""

    numbers: list[Any] = field(default_factory=list)
    features: list[Any] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    hands: list[str] = field(default_factory=list)


class HeadData:
    """The samples of each head, by the labels and features that ship."""

    def __init__(self) -> None:
        shipped = message_encoder.trained()
        self.labels = {name: [str(each) for each in shipped[f"{name}.labels"]] for name in HEADS}
        self._rows = {
            name: {str(each): row for row, each in enumerate(shipped[f"{name}.features"], start=1)} for name in HEADS
        }
        self.samples = {name: Samples() for name in HEADS}

    def add_all(self) -> None:
        """Read and encode the labelled messages of ``evals/data``."""
        for message in messages():
            read = encoded(message.text)
            if read is None:
                continue
            for name, label in (("message_act", message.act), ("mood", message.mood)):
                if label:
                    self._add(name, [read.mean], message.beside, label, message.hand)
            for start, end, features, intent in message.plugins:
                self._add("plugin_intent", [read.mean, read.span(start, end)], features, intent, message.hand)

    def _add(self, name: str, numbers: Sequence[Any], features: Sequence[str], label: str, hand: str) -> None:
        if label not in self.labels[name]:
            return
        mine, rows = self.samples[name], self._rows[name]
        found = [rows[each] for each in features if each in rows][:MOST_FEATURES]
        mine.numbers.append(np.concatenate(numbers).astype(np.float16))
        mine.features.append(found + [0] * (MOST_FEATURES - len(found)))
        mine.labels.append(self.labels[name].index(label))
        mine.hands.append(hand)


def shipped_head(name: str) -> Params:
    """Return the arrays of a head that ship."""
    arrays = message_encoder.trained()
    found = {key: arrays[f"{name}.{key}"].astype(np.float32) for key in KEYS if f"{name}.{key}" in arrays}
    return {key: jnp.asarray(each) for key, each in found.items()}


def log_shares(params: Params, numbers: Any, features: Any) -> Any:
    """Return the log probability of each label, as the package works it out."""
    into = jnp.concatenate([params[key] for key in ("mean", "span") if key in params])
    used = (features > 0)[..., None]
    beside = (params["beside"][features] * used).sum(1)
    direct = (params["direct"][features] * used).sum(1)
    hidden = jnp.tanh(numbers @ into + params["bias"] + beside)
    return jax.nn.log_softmax(hidden @ params["out"] + params["last"] + direct)


def trained(name: str, mine: Samples, kept: Any, epochs: int) -> Params:
    """Return the head called *name*, trained on from the one that ships on the samples that are *kept*."""
    params = shipped_head(name)
    numbers, features, labels = np.array(mine.numbers), np.array(mine.features), np.array(mine.labels)
    places = np.flatnonzero(kept)
    steps = epochs * (len(places) // BATCH)
    rule = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)
    state = rule.init(params)

    def loss(params: Params, numbers: Any, features: Any, labels: Any) -> Any:
        return -log_shares(params, numbers, features)[jnp.arange(len(labels)), labels].mean()

    def step(params: Params, state: Any, numbers: Any, features: Any, labels: Any) -> Any:
        slope = jax.grad(loss)(params, numbers, features, labels)
        change, state = rule.update(slope, state, params)
        return optax.apply_updates(params, change), state

    stepped = jax.jit(step)
    dice = np.random.default_rng(0)
    for _ in range(epochs):
        order = dice.permutation(places)
        for at in range(0, len(order) - BATCH + 1, BATCH):
            part = order[at : at + BATCH]
            params, state = stepped(params, state, numbers[part].astype(np.float32), features[part], labels[part])
    return params


def how_well(params: Params, mine: Samples, held: Any) -> str:
    """Return how a head reads the samples that are *held* out."""
    rows = np.flatnonzero(held)
    shares = np.asarray(
        log_shares(params, np.array(mine.numbers)[rows].astype(np.float32), np.array(mine.features)[rows])
    )
    right = np.array(mine.labels)[rows]
    loss = -shares[np.arange(len(rows)), right].mean()
    return f"{len(rows)}: {(shares.argmax(1) == right).mean():.3f} right, loss {loss:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=0, metavar="N")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    data = HeadData()
    data.add_all()
    found = dict(message_encoder.trained())
    for name, mine in data.samples.items():
        hands = sorted(set(mine.hands))
        random.Random(3).shuffle(hands)  # noqa: S311 # the same for everybody
        left_out = hands[:: given.held_out] if given.held_out else []
        held = np.isin(np.array(mine.hands), left_out)
        params = trained(name, mine, ~held, given.epochs)
        if given.held_out:
            print(f"{name}: as it ships {how_well(shipped_head(name), mine, held)}; {how_well(params, mine, held)}")
        found |= {f"{name}.{key}": np.asarray(each, np.float16) for key, each in params.items()}
    if given.write:
        np.savez_compressed(message_encoder.FILE, **found)


if __name__ == "__main__":
    main()
