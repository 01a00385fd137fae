"""Trains the head that says which action a message asks for, over what the encoder and the sentence model give.

    python -m evals.train_action_head --tools tools.json [--held-out 5] [--write]

Learns from the messages that people wrote for some nine hundred actions (``evals/data/phrases``) and from the turns of
``evals/data/dialogues`` that use one: each has the right action and others that were offered with it, of its plugin, or
of any. Messages and descriptions are mapped to where the right pairs lie near each other. ``--held-out N`` leaves out a
file of messages and every Nth person of the dialogues, and prints how often the right action is the nearest;
``--write`` puts the head into the package. Three minutes of processor time, nearly all to encode. Needs the extra
``train``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dynamic_plugins.embedded.learned import message_encoder
from dynamic_plugins.embedded.learned.encoder_heads import both_of
from dynamic_plugins.embedded.learned.message_encoder import encoded, vector_of
from dynamic_plugins.resolver.embedder import embedder
from evals.train_action_phrases import PHRASES, descriptions
from evals.train_intents import DATA
from evals.using_turns import Offers, dialogue_turns, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR, SHARPNESS = 128, 12.0
"""In so many numbers both are compared; how much a cosine counts at the beginning."""
EPOCHS, AT_ONCE, RATE, DECAY, DROPPED = 30, 256, 2e-3, 0.01, 0.1
OFFERED = 24
"""Among so many actions the right one is found."""


@dataclass
class Wish:
    """A message that asks for an action: *right* are those of *offered*, by the texts that stand for them."""

    hand: str
    text: str
    right: list[str]
    offered: list[str]


def wishes(tools: Path) -> list[Wish]:
    """Return the messages that ask for one action, with what was offered or what a plugin and others have."""
    described = descriptions(tools)
    own: dict[str, list[str]] = defaultdict(list)
    for (plugin, _), text in described.items():
        own[plugin].append(text)
    dice, every = random.Random(4), sorted(set(described.values()))  # noqa: S311 # the same for everybody
    found = []
    for file in sorted(PHRASES.glob("*.jsonl")):
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            if (right := described.get((row["plugin"], row["action"]))) is not None:
                found += [_wish(file.stem, said, [right], own[row["plugin"]], every, dice) for said in row["say"]]
    offers = Offers(json.loads(tools.read_text(encoding="utf-8")))
    files = sorted((DATA / "dialogues").glob("*.jsonl"))
    for path in files:
        dialogues = lines(path)
        persona = {each["id"]: each["persona"] for each in dialogues}
        for turn in dialogue_turns(dialogues, offers):
            wanted = {(call["plugin"], call["action"]) for call in turn.expect if call["tool"] == "use"}
            if wanted and len(wanted) == len(turn.expect):
                there = [described[key] for key in turn.names.values() if key in described]
                texts = [described[key] for key in wanted if key in described]
                if texts:
                    hand = persona[turn.id.rpartition(".")[0]]
                    found.append(_wish(hand, turn.said, texts, there, every, dice))
    return found


def _wish(
    hand: str, said: str, right: list[str], own: Sequence[str], every: Sequence[str], dice: random.Random
) -> Wish:
    near = [text for text in own if text not in right]
    near = dice.sample(near, min(len(near), OFFERED * 2 // 3))
    others = [text for text in dice.sample(every, OFFERED) if text not in right and text not in near]
    return Wish(hand, said[: message_encoder.MOST_CHARACTERS], right, [*right, *near, *others][:OFFERED])


def numbers_of(wished: Sequence[Wish]) -> tuple[Any, Any, list[str]]:
    """Return the numbers of each message, and of each action, whose texts come with them."""
    model = embedder()
    if model is None:
        raise SystemExit("the extra 'search' is not installed: there is no model to train")
    texts = sorted({text for wish in wished for text in wish.offered})
    return np.array([_both(wish.text) for wish in wished]), model.embed(texts, "document"), texts


def _both(said: str) -> Any:
    message, vector = encoded(said), vector_of(said)
    if message is None or vector is None:
        raise SystemExit("the extra 'search' is not installed: there is no model to train")
    return both_of(message.mean, vector)


def mapped(rows: Any, mean: Any, turn: Any) -> Any:
    """Return *rows* after the map, of length 1."""
    rows = (rows - mean) @ turn
    return rows * jax.lax.rsqrt((rows * rows).sum(-1, keepdims=True) + 1e-6)


def train(said: Any, described: Any, offered: Any, right: Any) -> dict[str, Any]:
    """Return the trained arrays. *offered* has a row of actions' places for each message, -1 where there are fewer."""
    dice = np.random.RandomState(0)
    means = {"message_mean": said.mean(0), "described_mean": described.mean(0)}
    params = {
        "message": jnp.asarray(dice.randn(said.shape[1], NEAR) * 0.05),
        "described": jnp.asarray(dice.randn(described.shape[1], NEAR) * 0.05),
        "sharpness": jnp.array(SHARPNESS),
    }

    def loss(params: Any, rows: Any, key: Any) -> Any:
        mine = said[rows] * jax.random.bernoulli(key, 1 - DROPPED, (len(rows), said.shape[1])) / (1 - DROPPED)
        own = mapped(mine, means["message_mean"], params["message"])
        others = mapped(described, means["described_mean"], params["described"])[offered[rows]]
        scores = jnp.einsum("rh,rch->rc", own, others) * params["sharpness"] + jnp.where(offered[rows] < 0, -1e9, 0.0)
        good = jnp.where(right[rows] > 0, scores, -1e9)
        return (jax.nn.logsumexp(scores, 1) - jax.nn.logsumexp(good, 1)).mean()

    steps = len(said) // AT_ONCE * EPOCHS
    rule = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)
    state, keys, order = rule.init(params), jax.random.split(jax.random.PRNGKey(0), steps), np.random.RandomState(1)

    def step(params: Any, state: Any, rows: Any, key: Any) -> Any:
        change, state = rule.update(jax.grad(loss)(params, rows, key), state, params)
        return optax.apply_updates(params, change), state

    stepped = jax.jit(step)
    for key in keys:
        params, state = stepped(params, state, jnp.asarray(order.randint(0, len(said), AT_ONCE)), key)
    return {**params, **means}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--held-out", type=int, default=0, metavar="N")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    wished = [wish for wish in wishes(given.tools) if wish.text.strip()]
    said, described, texts = numbers_of(wished)
    places = {text: place for place, text in enumerate(texts)}
    offered = np.full((len(wished), OFFERED), -1)
    right = np.zeros((len(wished), OFFERED))
    for row, wish in enumerate(wished):
        offered[row, : len(wish.offered)] = [places[text] for text in wish.offered]
        right[row, : len(wish.offered)] = [text in wish.right for text in wish.offered]
    people = sorted({wish.hand for wish in wished})
    files = sorted({file.stem for file in PHRASES.glob("*.jsonl")})
    random.Random(1).shuffle(people)  # noqa: S311 # the same for everybody
    held = {*people[:: given.held_out], files[-1]} - {*files[:-1]} if given.held_out else set()
    learnt = np.array([wish.hand not in held for wish in wished])
    arrays = train(
        jnp.asarray(said[learnt]), jnp.asarray(described), jnp.asarray(offered[learnt]), jnp.asarray(right[learnt])
    )
    if held:
        own = mapped(said, arrays["message_mean"], arrays["message"])
        others = np.asarray(mapped(described, arrays["described_mean"], arrays["described"]))
        scores = np.einsum("rh,rch->rc", np.asarray(own), others[offered]) - 9.0 * (offered < 0)
        found = right[np.arange(len(right)), scores.argmax(1)] > 0
        told = np.array([wish.hand in files for wish in wished])
        print(f"messages for actions {found[~learnt & told].mean():.3f}, turns {found[~learnt & ~told].mean():.3f}")
    if given.write:
        kept = {key: value for key, value in message_encoder.trained().items() if not key.startswith("action.")}
        kept |= {f"action.{key}": np.asarray(value, np.float16) for key, value in arrays.items()}
        np.savez_compressed(message_encoder.FILE, **kept)


if __name__ == "__main__":
    main()
