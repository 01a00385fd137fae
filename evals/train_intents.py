"""Trains the models that read orders, on labelled lines, and says how good they are on people they have not seen.

    python -m evals.train_intents [FILE…] [--folds 5] [--ablate] [--curve] [--write]

Each line of a FILE (all of ``evals/data/hands`` and ``evals/data`` by default) is ``{"hand", "installed", "active",
"text", "expect", "accept"?, "mood"?}``, or a whole dialogue as :mod:`evals.dialogues` plays it (all of
``evals/data/dialogues``): each turn is then learnt with what the turn before spoke of. Lines are split by the hand
that wrote them, never by line. ``--write`` puts
the models into the package; ``--ablate`` leaves out one kind of feature after the other; ``--curve`` trains on a half,
a quarter and so on of the hands. Takes a minute or two of processor time for each training. Needs scikit-learn
(``dev``).
"""

from __future__ import annotations

import argparse
import json
import random
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from dynamic_plugins.embedded.context.request import Exchange, Made
from dynamic_plugins.embedded.language.spoken_text import spoken_in
from dynamic_plugins.embedded.learned.classifier import BUCKETS, LinearModel, bucket
from dynamic_plugins.embedded.managing.features import message_features, plugin_features
from dynamic_plugins.embedded.managing.memory import memory_of
from dynamic_plugins.embedded.managing.reading import INTENTS
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.linker import links_in
from dynamic_plugins.resolver.resolver import Resolver
from evals.dialogues import after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.managing.features import State
    from dynamic_plugins.resolver.linker import Link

DATA = Path(__file__).parent / "data"
PACKAGE = Path(__file__).parent.parent / "dynamic_plugins" / "embedded" / "learned"
KNOWN = 150
"""So many other plugins are known beside those of a line: as many as a registry has."""
RARE = 12
"""A label that occurs more rarely counts as nothing."""
STRENGTH = {"plugin_intent": 20.0, "message_act": 15.0, "mood": 15.0}
"""How little the weights are held down."""
KEPT = 0.01
"""Weights below this share of the largest are left out."""
LETTERS = {tool: letter for letter, tool in INTENTS.items() if letter != "X"}
ORDERS = frozenset({"order", "correction", "wish", "answer"})

Line = dict[str, Any]


@dataclass
class Samples:
    """What one model learns from: features as buckets, a label, and who wrote the line, in three lists."""

    features: list[list[int]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    hands: list[str] = field(default_factory=list)

    def add(self, features: Iterable[str], label: str, line: Line) -> None:
        self.features.append(sorted({bucket(each) for each in features}))
        self.labels.append(label)
        self.hands.append(line["hand"])

    def matrix(self) -> csr_matrix:
        """Return the features as rows of length 1."""
        sizes = np.array([max(1, len(row)) for row in self.features])
        starts = np.concatenate([[0], np.cumsum([len(row) for row in self.features])])
        columns = np.concatenate([np.array(row, dtype=np.int32) for row in self.features])
        values = np.concatenate(
            [np.full(len(row), 1 / np.sqrt(n)) for row, n in zip(self.features, sizes, strict=True)]
        )
        return csr_matrix((values, columns, starts), shape=(len(self.features), BUCKETS))


def read_lines(files: Sequence[Path]) -> list[Line]:
    """Return the lines of *files*; one without a hand is its file's."""
    lines: list[Line] = []
    for file in files:
        for text in filter(str.strip, file.read_text(encoding="utf-8").splitlines()):
            line = json.loads(text)
            if "turns" in line:
                lines += turns_of(line)
            else:
                lines.append({**line, "hand": line.get("hand") or file.stem})
    return lines


def turns_of(dialogue: dict[str, Any]) -> Iterator[Line]:
    """Give the turns of *dialogue* as lines; ``before`` has the exchanges before each."""
    status = dict.fromkeys(dialogue["installed"], "inactive") | dict.fromkeys(dialogue["active"], "active")
    before: list[Exchange] = []
    for turn in dialogue["turns"]:
        yield {
            "hand": dialogue["persona"],
            "installed": [name for name, how in status.items() if how != "active"],
            "active": [name for name, how in status.items() if how == "active"],
            "text": turn["say"],
            "expect": turn["expect"],
            "accept": turn.get("accept", []),
            "before": list(before),
        }
        before.append(Exchange(turn["say"], [_made(call) for call in turn["expect"]], turn.get("told")))
        status = after(status, turn["expect"])


def _made(call: dict[str, Any]) -> Made:
    if call["tool"] == "use":
        return Made(call["action"], call.get("args") or {}, {"plugin": call["plugin"], "action": call["action"]})
    return Made(call["tool"], {"plugin_name": call.get("plugin")}, {})


def intents_of(calls: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the label of each plugin in *calls*: the letters of what is wanted of it, sorted."""
    found: dict[str, set[str]] = {}
    for call in calls:
        if call["tool"] in LETTERS:
            gone = call["tool"] == "unload_plugin" and (call.get("args") or {}).get("uninstall")
            found.setdefault(call["plugin"], set()).add("X" if gone else LETTERS[call["tool"]])
    return {name: "".join(sorted(letters)) for name, letters in found.items()}


def known_entries(lines: Sequence[Line]) -> dict[str, Entry]:
    """Return the bundled entries, and one by name alone for every other plugin that *lines* speak of."""
    entries = {entry.name: entry for entry in Registry(Path("unused"), official={}).cached_entries()}
    for line in lines:
        calls = [call for calls in (line["expect"], *line.get("accept", [])) for call in calls]
        for name in (*line["installed"], *line["active"], *(call.get("plugin") for call in calls)):
            if name and name not in entries:
                entries[name] = Entry(name)
    return entries


@dataclass(frozen=True)
class Taught:
    """What a line teaches: its *text*, the plugins that it may speak of, how they stand, and what it wants of each;
    None where that is not clear.
    """

    text: str
    links: Sequence[Link]
    states: Sequence[State]
    labels: Sequence[str | None]

    def labelled(self) -> Iterator[tuple[int, Sequence[State], str]]:
        """Give the place of each link whose label is clear, with the states of all and the label.

        Said of a plugin that stands so already the words mean the same: it is given once more, standing otherwise, so
        that the state does not outweigh them.
        """
        for at, (link, label) in enumerate(zip(self.links, self.labels, strict=True)):
            if label is None:
                continue
            yield at, self.states, label
            if link.named and label in ("A", "D") and self.states[at] in _FLIPPED:
                yield at, [*self.states[:at], _FLIPPED[self.states[at]], *self.states[at + 1 :]], label


class Teacher:
    """Makes samples out of lines: for every plugin that a line may speak of, and for the whole of it."""

    def __init__(self, entries: Mapping[str, Entry], without: str = "") -> None:
        self._entries, self._without = entries, without
        self._names = sorted(entries)
        self._chance = random.Random(5)  # noqa: S311 # the same registry for everybody who trains
        self._words = {name: set(re.findall(r"[a-z0-9]+", name.lower())) for name in entries}

    def samples(self, lines: Sequence[Line]) -> dict[str, Samples]:
        """Return the samples for each model."""
        found = {name: Samples() for name in STRENGTH}
        for line in lines:
            self._learn(line, found)
        plugin = found["plugin_intent"]
        counted = Counter(plugin.labels)
        plugin.labels = [label if counted[label] >= RARE else "-" for label in plugin.labels]
        return found

    def _learn(self, line: Line, found: dict[str, Samples]) -> None:
        taught = self.taught(line)
        for at, states, label in taught.labelled():
            features = self._kept(plugin_features(taught.text, taught.links, at, states))
            found["plugin_intent"].add(features, label, line)
        features = self._kept(message_features(taught.text, taught.links, taught.states))
        if act := act_of(line):
            found["message_act"].add(features, act, line)
        if mood := mood_of(line):
            found["mood"].add(features, mood, line)

    def taught(self, line: Line) -> Taught:
        """Return the plugins that *line* may speak of, and what it wants of each."""
        text = spoken_in(line["text"]).spoken
        wanted = intents_of(line["expect"])
        allowed = {name for calls in line.get("accept", []) for name in intents_of(calls)} - wanted.keys()
        installed = {name: self._entries[name] for name in (*line["active"], *line["installed"])}
        registry = self._registry({*wanted, *allowed}, installed)
        links = links_in(text, registry, installed, self._context(line, registry, installed))
        called = {name for link in links if link.pointed for name in link.names}
        several = sum(name in installed for name in wanted) > 1 or len(installed) == 1
        lost = any(name not in called and not (name in installed and several) for name in wanted)
        labels: list[str | None] = []
        for link in links:
            label = next((wanted[name] for name in link.names if name in wanted), "-")
            either = label == "-" and any(name in allowed for name in link.names)
            # Where the plugin that is meant was not found the line says nothing of another one.
            unclear = lost and (link.pointed if label == "-" else not link.pointed)
            unclear = unclear or (orders_in_vain(line) and link.pointed)
            labels.append(None if either or unclear else label)
        return Taught(text, links, [_state(link, line) for link in links], labels)

    def _context(self, line: Line, registry: Resolver, installed: Mapping[str, Entry]) -> Mapping[str, str]:
        return memory_of(line.get("before") or (), registry, installed, self._entries).context

    def _registry(self, meant: set[str], installed: Mapping[str, Entry]) -> Resolver:
        """Return a registry with the plugins that are meant, and others that are not called alike."""
        words = {word for name in (*meant, *installed) for word in self._words.get(name, ())} - {
            "plugin",
            "mcp",
            "server",
        }
        others = [name for name in self._chance.sample(self._names, min(KNOWN, len(self._names))) if name not in meant]
        far = [name for name in others if name not in installed and not (self._words[name] - _COMMON) & words]
        return Resolver([self._entries[name] for name in (*far, *sorted(meant)) if name in self._entries])

    def _kept(self, features: Iterable[str]) -> list[str]:
        return [each for each in features if not self._without or not each.startswith(self._without)]


_FLIPPED: dict[State, State] = {"on": "off", "off": "on"}
_COMMON = frozenset(
    {"plugin", "mcp", "server", "elizaos", "io", "github", "com", "client", "adapter", "modelcontextprotocol"}
)


def _state(link: Link, line: Line) -> State:
    name = link.names[0]
    return "on" if name in line["active"] else "off" if name in line["installed"] else "new"


def orders_in_vain(line: Line) -> bool:
    """Whether a line orders what nothing is to be done about: two plugins are called so, none is, it is on already.

    What it is and what it wants of a plugin its answer does not tell: "turn on the okta plugin" is no talk.
    """
    if line["expect"] or "before" in line:
        return False
    return line["mood"] == "order" if "mood" in line else bool(_PLAIN_ORDER.fullmatch(line["text"]))


_PLAIN_ORDER = re.compile(
    r"\W*(?:(?:please|pls|can you|could you|now)\s+)?"
    r"(?:install|turn|switch|activate|deactivate|enable|disable|uninstall|unload)\b(?!.*\b(?:not|n't|nothing|no|never|wait|keep|leave|nah)\b)[^.!?:\n]*[.!]?\W*",
    re.I,
)
"""What was written before there were moods, and orders something."""


def act_of(line: Line) -> str:
    """Return what the whole of a line is; empty where its answer does not tell."""
    if orders_in_vain(line):
        return ""
    tools = {call["tool"] for call in line["expect"]}
    return "use" if "use" in tools else "manage" if tools & LETTERS.keys() else "list" if tools else "talk"


def mood_of(line: Line) -> str:
    """Return how a line is meant; of a dialogue's turn only what its good answers tell, empty where they do not."""
    changes = {call["tool"] for call in line["expect"]} - {"list_available_plugins", "use"}
    if "mood" in line:
        return "order" if changes or line["mood"] in ORDERS else str(line["mood"])
    if "before" not in line or (line["expect"] and not changes) or any(line["accept"]):
        return ""
    if changes:
        return "order"
    return "question" if line["text"].rstrip().endswith(("?", "\uff1f")) else "talk"


# ---------------------------------------------------------------- training


def trained(name: str, samples: Samples, rows: Any = None) -> tuple[LogisticRegression, Any]:
    """Return the regression for a model and the columns it was trained on, on all samples or only *rows*."""
    matrix, labels = samples.matrix(), np.array(samples.labels)
    if rows is not None:
        matrix, labels = matrix[rows], labels[rows]
    columns = np.unique(matrix.indices)
    regression = LogisticRegression(C=STRENGTH[name], max_iter=60)
    regression.fit(matrix[:, columns], labels)
    return regression, columns


def held_out(samples: Samples, folds: int) -> Iterator[Any]:
    """Give for each fold which samples are held out of it, by the hand that wrote them."""
    hands = sorted(set(samples.hands))
    random.Random(3).shuffle(hands)  # noqa: S311 # the same folds for everybody
    for fold in range(folds):
        yield np.isin(np.array(samples.hands), hands[fold::folds])


def packed(regression: LogisticRegression, columns: Any) -> LinearModel:
    """Return the regression as it ships: one byte a weight, without those that hardly matter."""
    weights = regression.coef_.T
    kept = np.abs(weights).max(axis=1) >= KEPT * np.abs(weights).max()
    scale = float(np.abs(weights).max() / 127)
    rounded = np.round(weights[kept] / scale).astype(np.int8)
    labels, bias = [str(label) for label in regression.classes_], [float(each) for each in regression.intercept_]
    rows = array("I", columns[kept].astype(np.uint32).tolist())
    return LinearModel(labels, bias, scale, rows, rounded.tobytes())


def on_unseen_hands(name: str, samples: Samples, folds: int) -> dict[str, float]:
    """Return how the model does on hands that it was not trained on: accuracy, and log loss (less is better)."""
    labels, matrix = np.array(samples.labels), samples.matrix()
    right, loss = 0, 0.0
    for held in held_out(samples, folds):
        regression, columns = trained(name, samples, ~held)
        shares = regression.predict_proba(matrix[held][:, columns])
        places = {label: at for at, label in enumerate(regression.classes_)}
        right += int((regression.classes_[shares.argmax(axis=1)] == labels[held]).sum())
        loss -= sum(np.log(max(1e-9, row[places[label]])) for row, label in zip(shares, labels[held], strict=True))
    return {"accuracy": round(right / len(labels), 4), "log loss": round(loss / len(labels), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    files = given.files or [
        *sorted((DATA / "hands").glob("*.jsonl")),
        *sorted(DATA.glob("*own*.jsonl")),
        *sorted(DATA.glob("unseen*.jsonl")),
        *sorted((DATA / "dialogues").glob("*.jsonl")),
    ]
    lines = read_lines(files)
    entries = known_entries(lines)
    samples = Teacher(entries).samples(lines)
    print(f"{len(lines)} lines by {len({line['hand'] for line in lines})} hands")
    if given.write:
        for name, mine in samples.items():
            content = packed(*trained(name, mine)).to_bytes()
            (PACKAGE / f"{name}.model").write_bytes(content)
            print(f"{name}: {len(mine.labels)} samples, {len(content):,} bytes")
        return
    for name, mine in samples.items():
        print(name, on_unseen_hands(name, mine, given.folds))
    for without in ("g", "w=", "ctx=", "c=", "p", "kind=", "o=") if given.ablate else ():
        mine = Teacher(entries, without).samples(lines)["plugin_intent"]
        print(f"without {without}", on_unseen_hands("plugin_intent", mine, given.folds))
    hands = sorted({line["hand"] for line in lines})
    for share in (2, 4, 8) if given.curve else ():
        some = set(random.Random(7).sample(hands, len(hands) // share))  # noqa: S311
        mine = Teacher(entries).samples([line for line in lines if line["hand"] in some])["plugin_intent"]
        print(f"{len(some)} hands", on_unseen_hands("plugin_intent", mine, given.folds))


if __name__ == "__main__":
    main()
