"""Trains what the message encoder adds to a sentence model, and its heads, on messages that people wrote.

    python -m evals.train_encoder --tools tools.json [--epochs 4] [--held-out 5] [--write]

The messages, and what each is labelled with, are those of :mod:`evals.train_intents` (what a message is, how it is
meant, what it wants of each plugin) and of :mod:`evals.train_text_spans` (which words are the value of a parameter).
The lower layers of the model are run once for all messages; trained are small matrices beside the next few layers, and
a head for each question. ``--held-out N`` leaves out every Nth hand and prints how well those are read; ``--write``
puts the arrays into the package; after that the head for actions is trained anew (:mod:`evals.train_action_head`). Some
ten minutes of two processors. Needs JAX and optax (the extra ``train``).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import optax

from dynamic_plugins.embedded.learned import message_encoder
from dynamic_plugins.embedded.learned.message_encoder import MOST_CHARACTERS
from dynamic_plugins.embedded.managing.features import beside_message, beside_plugin
from dynamic_plugins.embedded.slots.span_features import Words
from dynamic_plugins.embedded.slots.span_slots import asked_by, slots_of, values_at
from dynamic_plugins.embedded.slots.text_spans import MOST_WORDS
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.resolver.embedder import embedder
from evals.encoder_network import (
    ACTS,
    LAYERS,
    LOWER,
    MOODS,
    PIECES,
    SCALE,
    Names,
    Network,
    by_width,
    message_loss,
    message_scores,
    new_params,
    rows_of,
    value_loss,
    value_scores,
)
from evals.train_intents import DATA, RARE, Teacher, act_of, known_entries, mood_of, read_lines
from evals.train_text_spans import asked_alone, asked_in_dialogues, places_of
from evals.using_turns import Offers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evals.encoder_network import Batch, Params
    from evals.train_text_spans import Asked

MOST_FEATURES, MOST_LINKS = 24, 5
"""So many features of one message, and so many plugins of each message of a batch on the average."""
SEEN = 20
"""A feature that stands beside a message counts if it was seen so often."""
RATE, DECAY, WARM = 1e-3, 0.01, 0.06


@dataclass
class Message:
    """A message with its labels. *plugins* has for each where it is called, the features beside it, and the label."""

    hand: str
    text: str
    act: str
    mood: str
    beside: list[str]
    plugins: list[tuple[int, int, list[str], str]] = field(default_factory=list)


@dataclass
class Value:
    """A message, what a tool asks for, and where the value stands; nowhere if the message gives none."""

    hand: str
    text: str
    asked: str
    right: list[tuple[int, int]]


def messages() -> list[Message]:
    """Return the labelled messages of ``evals/data``."""
    single = [*sorted((DATA / "hands").glob("*.jsonl")), *sorted(DATA.glob("*own*.jsonl"))]
    every = read_lines([*single, *sorted(DATA.glob("unseen*.jsonl")), *sorted((DATA / "dialogues").glob("*.jsonl"))])
    teacher, found = Teacher(known_entries(every)), []
    for line in every:
        taught = teacher.taught(line)
        beside = beside_message(taught.links, taught.states)
        message = Message(line["hand"], taught.text[:MOST_CHARACTERS], act_of(line), mood_of(line), beside)
        for at, states, label in taught.labelled():
            link = taught.links[at]
            message.plugins.append((link.start, link.end, beside_plugin(taught.links, at, states), label))
        found.append(message)
    counted = Counter(label for message in found for *_, label in message.plugins)
    for message in found:
        message.plugins = [(s, e, f, label if counted[label] >= RARE else "-") for s, e, f, label in message.plugins]
    return found


def values(tools: Path) -> list[Value]:
    """Return the texts that messages give to actions, as far as it is clear where they stand."""
    table = json.loads(tools.read_text(encoding="utf-8"))
    offers = Offers(table)
    known = {(plugin, action): tool for plugin in table for tool, action in offers.of(plugin)}
    files = sorted((DATA / "dialogues").glob("*.jsonl"))
    return [value for one in (*asked_in_dialogues(files, offers), *asked_alone(known)) for value in _values_of(one)]


def _values_of(asked: Asked) -> Iterator[Value]:
    if not 0 < Words(asked.said).size <= MOST_WORDS:
        return
    for slot in slots_of(parameters_of(asked.tool.parameters)):
        given = values_at(asked.arguments, slot.path)
        if all(isinstance(value, str) and value for value in given):
            right = places_of(given, asked.said)
            if right is not None:
                yield Value(asked.hand, asked.said[:MOST_CHARACTERS], asked_by(asked.tool, slot), right)


def names_of(found: Sequence[Message]) -> Names:
    """Return what was seen often enough in *found*."""

    def often(features: Iterator[str]) -> dict[str, int]:
        counted = [feature for feature, count in Counter(features).most_common() if count >= SEEN]
        return {feature: number for number, feature in enumerate(counted, start=1)}

    labels = Counter(label for message in found for *_, label in message.plugins)
    return Names(
        often(feature for message in found for feature in message.beside),
        often(feature for message in found for _, _, features, _ in message.plugins for feature in features),
        [label for label, _ in labels.most_common()],
    )


# ---------------------------------------------------------------- batches


def _filled(network: Network, texts: Sequence[str], width: int) -> Batch:
    states = np.zeros((rows_of(width, PIECES), width, network.weights.size), np.float32)
    mask = np.zeros(states.shape[:2], np.float32)
    mask[:, 0] = 1
    for row, text in enumerate(texts):
        mine = network.states[text]
        states[row, : len(mine)], mask[row, : len(mine)] = mine, 1
    return {"states": states, "mask": mask}


def message_batch(network: Network, names: Names, part: Sequence[Message], width: int) -> Batch:
    """Return a batch of messages with their labels."""
    batch = _filled(network, [message.text for message in part], width)
    rows = len(batch["mask"])
    most = rows * MOST_LINKS
    batch |= {"beside": np.zeros((rows, MOST_FEATURES), np.int32), "plugin": np.zeros((most, MOST_FEATURES), np.int32)}
    batch |= {"of": np.zeros(most, np.int32), "spans": np.zeros((most, width), np.float32)}
    for name, size in (("message_act", rows), ("mood", rows), ("plugin_intent", most)):
        batch |= {f"{name} label": np.zeros(size, np.int32), f"{name} weight": np.zeros(size, np.float32)}

    def label(name: str, at: int, number: int) -> None:
        batch[f"{name} label"][at], batch[f"{name} weight"][at] = number, 1

    place = 0
    for row, message in enumerate(part):
        _put(batch["beside"][row], message.beside, names.beside)
        if message.act:
            label("message_act", row, ACTS.index(message.act))
        if message.mood:
            label("mood", row, MOODS.index(message.mood))
        for start, end, features, intent in message.plugins[: most - place]:
            _put(batch["plugin"][place], features, names.plugin)
            batch["of"][place] = row
            pieces = _pieces(network, message.text, start, end) if start >= 0 else []
            batch["spans"][place, pieces] = 1 / max(1, len(pieces))
            label("plugin_intent", place, names.intents.index(intent))
            place += 1
    return batch


def _put(row: Any, features: Sequence[str], numbers: dict[str, int]) -> None:
    mine = [numbers[feature] for feature in features if feature in numbers][:MOST_FEATURES]
    row[: len(mine)] = mine


def _pieces(network: Network, text: str, start: int, end: int) -> list[int]:
    places = network.places[text]
    return [at for at, (begin, stop) in enumerate(places) if begin < end and start < stop and begin < stop]


def value_batch(network: Network, part: Sequence[Value], width: int, questions: dict[str, Any]) -> Batch:
    """Return a batch of values."""
    batch = _filled(network, [value.text for value in part], width)
    rows = len(batch["mask"])
    batch |= {"question": np.zeros((rows, network.weights.size), np.float32), "none": np.zeros(rows, np.float32)}
    batch |= {"good": np.zeros((rows, width, width), np.float32), "weight": np.zeros(rows, np.float32)}
    for row, value in enumerate(part):
        batch["question"][row] = questions[value.asked]
        for start, end in value.right:
            if pieces := _pieces(network, value.text, start, end):
                batch["good"][row, pieces[0], pieces[-1]] = 1
        batch["none"][row] = float(not batch["good"][row].any())
        batch["weight"][row] = float(not value.right or bool(batch["good"][row].any()))
    return batch


# ---------------------------------------------------------------- training


class Training:
    """What is trained on, and the arrays so far."""

    def __init__(self, found: Sequence[Message], given: Sequence[Value]) -> None:
        self.network = Network([*(each.text for each in found), *(each.text for each in given)])
        self.names = names_of(found)
        model = embedder()
        if model is None:
            raise SystemExit("the extra 'search' is not installed: there is no model to train")
        asked = sorted({value.asked for value in given})
        self.questions = dict(zip(asked, model.embed(asked, "query"), strict=True))
        self.params = new_params(self.network, self.names)
        self._scores = jax.jit(lambda params, batch: message_scores(self.network, params, batch))
        self._values = jax.jit(lambda params, batch: value_scores(self.network, params, batch))

    def batches(self, items: Sequence[Any], dice: random.Random | None = None) -> list[tuple[list[Any], Batch]]:
        """Return *items* in batches, with their arrays."""
        network = self.network
        found = []
        for width, part in by_width(items, lambda item: len(network.states[item.text]), PIECES, dice):
            if isinstance(part[0], Value):
                found.append((part, value_batch(network, part, width, self.questions)))
            else:
                found.append((part, message_batch(network, self.names, part, width)))
        return found

    def train(self, kinds: Sequence[Sequence[Any]], epochs: int) -> None:
        """Train on all of the messages and values in *kinds* so many times."""
        steps = epochs * sum(
            len(by_width(items, lambda item: len(self.network.states[item.text]), PIECES)) for items in kinds
        )
        rate = optax.warmup_cosine_decay_schedule(0, RATE, int(WARM * steps), steps, RATE / 50)
        rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=DECAY))
        state, keys = rule.init(self.params), iter(jax.random.split(jax.random.PRNGKey(0), steps + 1))

        def stepper(loss: Any) -> Any:
            def step(params: Params, state: Any, batch: Batch, key: Any) -> Any:
                lost, slope = jax.value_and_grad(lambda p: loss(self.network, p, batch, key))(params)
                change, state = rule.update(slope, state, params)
                return optax.apply_updates(params, change), state, lost

            return jax.jit(step)

        on_message, on_value = stepper(message_loss), stepper(value_loss)
        for epoch in range(epochs):
            dice, total = random.Random(epoch), 0.0  # noqa: S311 # the same for everybody
            batches = [batch for items in kinds for batch in self.batches(items, dice)]
            dice.shuffle(batches)
            for _, batch in batches:
                step = on_value if "question" in batch else on_message
                self.params, state, lost = step(self.params, state, batch, next(keys))
                total += float(lost)
            print(f"epoch {epoch + 1}: loss {total / len(batches):.3f}", flush=True)

    def read(self, found: Sequence[Message]) -> dict[str, str]:
        """Return how well *found* are read: by each head, how many, the right share, and the log loss."""
        counted: Counter[str] = Counter()
        lost: dict[str, float] = {}
        for _, batch in self.batches(found):
            for name, scores in self._scores(self.params, batch).items():
                likely, right = np.asarray(jax.nn.log_softmax(scores)), batch[f"{name} label"]
                counts = batch[f"{name} weight"] > 0
                counted[name] += int(counts.sum())
                counted[f"{name} right"] += int((likely.argmax(1) == right)[counts].sum())
                lost[name] = lost.get(name, 0.0) - float(likely[np.arange(len(right)), right][counts].sum())
        shares = {name: (counted[f"{name} right"] / counted[name], each / counted[name]) for name, each in lost.items()}
        return {name: f"{counted[name]}: {right:.3f} right, loss {loss:.3f}" for name, (right, loss) in shares.items()}

    def found_values(self, given: Sequence[Value]) -> float:
        """Return the share of *given* whose value is found exactly, or that it is none."""
        right = count = 0
        for part, batch in self.batches(given):
            pairs, none = (np.asarray(each) for each in self._values(self.params, batch))
            for row in range(len(part)):
                best = int(pairs[row].argmax())
                good = batch["good"][row].flat[best] > 0 and pairs[row].flat[best] > none[row]
                right += int(none[row] > pairs[row].max() if batch["none"][row] else good)
            count += len(part)
        return right / count if count else 0.0

    def arrays(self) -> dict[str, Any]:
        """Return what ships: half precision, by the names that the package reads."""
        found: dict[str, Any] = {"layers": np.int32(LAYERS)}
        for number, layer in enumerate(self.params["added"], start=LOWER):
            for name, (into, out) in layer.items():
                found |= {f"l{number}.{name}.in": into, f"l{number}.{name}.out": out * SCALE}
        heads = {"message_act": ACTS, "mood": MOODS, "plugin_intent": self.names.intents}
        for name, labels in heads.items():
            features = self.names.plugin if name == "plugin_intent" else self.names.beside
            found |= {f"{name}.labels": np.array(labels), f"{name}.features": np.array(list(features))}
        for name in (*heads, "value"):
            arrays = dict(self.params[name])
            for unused in ("beside", "direct"):
                if unused in arrays:
                    arrays[unused] = arrays[unused].at[0].set(0)  # the row of no feature
            found |= {f"{name}.{key}": value for key, value in arrays.items()}
        for key, value in found.items():
            if key != "layers" and not key.endswith((".labels", ".features")):
                found[key] = np.asarray(value, np.float16)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--held-out", type=int, default=0, metavar="N")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found, told = messages(), values(given.tools)
    hands = sorted({message.hand for message in found})
    random.Random(3).shuffle(hands)  # noqa: S311 # the same for everybody
    held = set(hands[:: given.held_out]) if given.held_out else set()
    print(f"{len(found)} messages by {len(hands)} hands, {len(told)} values; {len(held)} held out")
    training = Training(found, told)
    training.train([[each for each in items if each.hand not in held] for items in (found, told)], given.epochs)
    if held:
        for name, result in training.read([each for each in found if each.hand in held]).items():
            print(name, result)
        print(f"values found {training.found_values([each for each in told if each.hand in held]):.3f}")
    if given.write:
        kept = {key: value for key, value in message_encoder.trained().items() if key.startswith("action.")}
        np.savez_compressed(message_encoder.FILE, **training.arrays(), **kept)


if __name__ == "__main__":
    main()
