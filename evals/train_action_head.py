"""Trains the head that says which action a message asks for, over what the encoder and the sentence model give.

    python -m evals.train_action_head --tools tools.json [--held-out 5] [--write]

Learns from the messages that people wrote for some nine hundred actions (``evals/data/phrases``) and from the turns of
``evals/data/dialogues`` that use one: each has the right action and others that were offered with it, of its plugin, or
of any. Messages, with the reply before them and the action that was called last, and descriptions are mapped to where
those that belong together lie near each other. ``--held-out N`` leaves out a file of messages and every Nth person of
the dialogues, and prints how often the right action is the nearest; ``--write`` puts the head into the package. Five
minutes of processor time, nearly all to encode. Needs the extra ``train``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dynamic_plugins.embedded.actions.action_phrases import description_of
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.learned import message_encoder
from dynamic_plugins.embedded.learned.encoder_heads import MOST_OF_REPLY, both_of
from dynamic_plugins.embedded.learned.message_encoder import encoded, vector_of
from dynamic_plugins.resolver.embedder import embedder
from evals.train_action_phrases import PHRASES, descriptions
from evals.train_intents import DATA
from evals.using_turns import Offers, dialogue_turns, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR, SHARPNESS = 128, 12.0
"""In so many numbers both are compared; how much a cosine counts at the beginning."""
EPOCHS, AT_ONCE, RATE, DECAY, DROPPED, FORGOTTEN = 30, 256, 2e-3, 0.01, 0.1, 0.3
"""So many numbers of a message are left out of a step, and so many of what was before it."""
OFFERED, MOST_OFFERED = 24, 48
"""Among so many actions the right one is found, and among so many at most that a dialogue really offers."""
TURNS = 3
"""A turn of a dialogue counts for so many messages that were written for an action: they are what people really say."""


@dataclass
class Wish:
    """A message that asks for an action: *right* are those of *offered*, by the texts that stand for them.

    *reply* is the end of what was answered before it, and *last* the action that was called last; empty for none.
    """

    hand: str
    text: str
    right: list[str]
    offered: list[str]
    reply: str = ""
    last: str = ""


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
                # As they are offered, and not as the catalogue describes them.
                there = {tool.name: description_of(turn.names[tool.name][1], tool.description) for tool in turn.tools}
                texts = [there[name] for name, key in turn.names.items() if key in wanted]
                if texts:
                    hand, memory = persona[turn.id.rpartition(".")[0]], Memory(turn.exchanges)
                    wish = _wish(hand, turn.said, texts, list(there.values()), every, dice)
                    wish.offered = list(dict.fromkeys([*texts, *there.values(), *wish.offered]))
                    wish.offered = wish.offered[: max(OFFERED, min(len(there), MOST_OFFERED))]
                    wish.reply = memory.last_reply[-MOST_OF_REPLY:]
                    wish.last = there.get(memory.last.tool, "") if memory.last else ""
                    found += [wish] * TURNS
    return found


def _wish(
    hand: str, said: str, right: list[str], own: Sequence[str], every: Sequence[str], dice: random.Random
) -> Wish:
    near = [text for text in own if text not in right]
    near = dice.sample(near, min(len(near), OFFERED * 2 // 3))
    others = [text for text in dice.sample(every, OFFERED) if text not in right and text not in near]
    return Wish(hand, said[: message_encoder.MOST_CHARACTERS], right, [*right, *near, *others][:OFFERED])


def numbers_of(wished: Sequence[Wish]) -> tuple[Any, Any, Any, list[str]]:
    """Return the numbers of each message, of the reply before it, and of each action, whose texts come with them."""
    model = embedder()
    if model is None:
        raise SystemExit("the extra 'search' is not installed: there is no model to train")
    texts = sorted({text for wish in wished for text in (*wish.offered, wish.last) if text})
    described = model.embed(texts, "document")
    replies = np.array([_reply(wish.reply, described.shape[1]) for wish in wished])
    return np.array([_both(wish.text) for wish in wished]), replies, described, texts


@lru_cache(maxsize=8_000)
def _reply(reply: str, size: int) -> Any:
    vector = vector_of(reply)
    return np.zeros(size) if vector is None else vector


@lru_cache(maxsize=20_000)
def _both(said: str) -> Any:
    message, vector = encoded(said), vector_of(said)
    if message is None or vector is None:
        raise SystemExit("the extra 'search' is not installed: there is no model to train")
    return both_of(message.mean, vector)


def mapped(rows: Any, mean: Any, turn: Any) -> Any:
    """Return *rows* after the map, of length 1."""
    rows = (rows - mean) @ turn
    return rows * jax.lax.rsqrt((rows * rows).sum(-1, keepdims=True) + 1e-6)


@dataclass
class Arrays:
    """What is learned from, a row for each message: its numbers, those of the reply before it and of the last action,
    the places of the actions that are offered (-1 where there are fewer), and which of them are right.
    """

    said: Any
    replies: Any
    last: Any
    offered: Any
    right: Any

    def rows(self, places: Any) -> Arrays:
        """Return the rows at *places*."""
        return Arrays(*(part[places] for part in (self.said, self.replies, self.last, self.offered, self.right)))


def train(all_rows: Arrays, described: Any) -> dict[str, Any]:
    """Return the trained arrays."""
    dice = np.random.RandomState(0)
    size = described.shape[1]
    means = {
        "message_mean": all_rows.said.mean(0),
        "described_mean": described.mean(0),
        "reply_mean": all_rows.replies.mean(0),
    }
    params = {
        "message": jnp.asarray(dice.randn(all_rows.said.shape[1], NEAR) * 0.05),
        "described": jnp.asarray(dice.randn(size, NEAR) * 0.05),
        "reply": jnp.asarray(dice.randn(size, NEAR) * 0.01),
        "last": jnp.asarray(dice.randn(size, NEAR) * 0.01),
        "sharpness": jnp.array(SHARPNESS),
    }

    def loss(params: Any, rows: Any, key: Any) -> Any:
        keys = jax.random.split(key, 3)
        said, replies, last = (
            values * jax.random.bernoulli(own, 1 - share, values.shape) / (1 - share)
            for own, values, share in zip(
                keys, (rows["said"], rows["replies"], rows["last"]), (DROPPED, FORGOTTEN, FORGOTTEN), strict=True
            )
        )
        own = message_map(params, means, said, replies, last)
        others = mapped(described, means["described_mean"], params["described"])[rows["offered"]]
        scores = jnp.einsum("rh,rch->rc", own, others) * params["sharpness"]
        scores += jnp.where(rows["offered"] < 0, -1e9, 0.0)
        good = jnp.where(rows["right"] > 0, scores, -1e9)
        return (jax.nn.logsumexp(scores, 1) - jax.nn.logsumexp(good, 1)).mean()

    steps = len(all_rows.said) // AT_ONCE * EPOCHS
    rule = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)
    state, keys, order = rule.init(params), jax.random.split(jax.random.PRNGKey(0), steps), np.random.RandomState(1)

    def step(params: Any, state: Any, rows: Any, key: Any) -> Any:
        change, state = rule.update(jax.grad(loss)(params, rows, key), state, params)
        return optax.apply_updates(params, change), state

    stepped = jax.jit(step)
    for key in keys:
        rows = all_rows.rows(order.randint(0, len(all_rows.said), AT_ONCE))
        params, state = stepped(params, state, vars(rows), key)
    return {**params, **means}


def message_map(params: Any, means: Any, said: Any, replies: Any, last: Any) -> Any:
    """Return where messages lie, after what was before them."""
    own = (said - means["message_mean"]) @ params["message"]
    own += (replies - means["reply_mean"]) @ params["reply"] + last @ params["last"]
    return own * jax.lax.rsqrt((own * own).sum(-1, keepdims=True) + 1e-6)


def arrays_of(wished: Sequence[Wish]) -> tuple[Arrays, Any]:
    """Return what is learned from *wished*, and the numbers of the actions."""
    said, replies, described, texts = numbers_of(wished)
    places = {text: place for place, text in enumerate(texts)}
    offered = np.full((len(wished), MOST_OFFERED), -1)
    right, last = np.zeros((len(wished), MOST_OFFERED)), np.zeros((len(wished), described.shape[1]))
    for row, wish in enumerate(wished):
        offered[row, : len(wish.offered)] = [places[text] for text in wish.offered]
        right[row, : len(wish.offered)] = [text in wish.right for text in wish.offered]
        if wish.last:
            last[row] = described[places[wish.last]]
    said, replies, last = (np.asarray(each, np.float32) for each in (said, replies, last))
    return Arrays(said, replies, last, offered, right), jnp.asarray(described)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--held-out", type=int, default=0, metavar="N")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    wished = [wish for wish in wishes(given.tools) if wish.text.strip()]
    learned, described = arrays_of(wished)
    people = sorted({wish.hand for wish in wished})
    files = sorted({file.stem for file in PHRASES.glob("*.jsonl")})
    random.Random(1).shuffle(people)  # noqa: S311 # the same for everybody
    held = {*people[:: given.held_out], files[-1]} - {*files[:-1]} if given.held_out else set()
    learnt = np.array([wish.hand not in held for wish in wished])
    arrays = train(learned.rows(learnt), described)
    if held:
        own = message_map(arrays, arrays, learned.said, learned.replies, learned.last)
        others = np.asarray(mapped(described, arrays["described_mean"], arrays["described"]))
        scores = np.einsum("rh,rch->rc", np.asarray(own), others[learned.offered]) - 9.0 * (learned.offered < 0)
        found = learned.right[np.arange(len(scores)), scores.argmax(1)] > 0
        told = np.array([wish.hand in files for wish in wished])
        print(f"messages for actions {found[~learnt & told].mean():.3f}, turns {found[~learnt & ~told].mean():.3f}")
    if given.write:
        kept = {key: value for key, value in message_encoder.trained().items() if not key.startswith("action.")}
        kept |= {f"action.{key}": np.asarray(value, np.float16) for key, value in arrays.items()}
        np.savez_compressed(message_encoder.FILE, **kept)


if __name__ == "__main__":
    main()
