"""Train the weights of the action ranker and of the probability of its proposals.

    python -m evals.train_actions --hands FOLDER --offers FOLDER --tools tools.json --dialogues FILE:COUNT …

The ranker learns from messages that ask for one action which of the offered tools it is, the order which of the calls
that could be made is the right one: both are linear, their weights are one JSON file. Trees learn from all messages how
likely each of these calls is exactly what should be done (``use_probability.trees``; needs LightGBM).
"""

from __future__ import annotations

import argparse
import json
import random
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from dynamic_plugins.embedded.actions import action_phrases, action_ranker
from dynamic_plugins.embedded.actions.action_ranker import WEIGHTS, all_features
from dynamic_plugins.embedded.actions.call_candidates import candidates
from dynamic_plugins.embedded.actions.call_proposals import order
from dynamic_plugins.embedded.context.message import Message
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.learned.boosted_trees import trees_file
from evals.grow_trees import grow
from evals.using import is_right
from evals.using_turns import Offers, Turn, described_offers, dialogue_turns, lines, single_turns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from dynamic_plugins.embedded.learned.boosted_trees import BoostedTrees

EPOCHS, RATE, DECAY = 300, 0.15, 2e-3
TREES = trees_file("use_probability")
WORDS_ALONE = 0.25
"""So large a part of the turns is read without the vectors of sentences, which are not everywhere."""


def _vectors_here(turn: Turn) -> AbstractContextManager[Any]:
    """Take the vectors away for some of the turns, always the same ones."""
    if zlib.crc32(turn.id.encode()) % 100 >= 100 * WORDS_ALONE:
        return nullcontext()
    return patch.object(action_phrases, "vector_of", return_value=None)


def wanted_tools(turn: Turn) -> list[int]:
    """Return the places of the tools that *turn* asks for first; any that a good answer begins with counts."""
    good = {(a[0]["plugin"], a[0].get("action")) for a in turn.answers if a and a[0]["tool"] == "use"}
    return [i for i, tool in enumerate(turn.tools) if turn.names[tool.name] in good]


def train_ranker(turns: Sequence[Turn]) -> dict[str, float]:
    """Return the weights of the features: the right tool against the others that were offered."""
    sets, names = [], dict[str, int]()
    for turn in turns:
        right = wanted_tools(turn)
        if turn.kind != "use" or not right or len(turn.tools) < 2:
            continue
        with _vectors_here(turn):
            rows = all_features(Message(turn.said, Memory(turn.exchanges)), turn.tools)
        for row in rows:
            for name in row:
                names.setdefault(name, len(names))
        sets.append((rows, right, 1.0 if turn.exchanges else 0.4))
    matrices = [(_matrix(rows, names), np.array(right), weight) for rows, right, weight in sets]
    weights = _listwise(matrices, len(names))
    good = sum(int(np.argmax(m @ weights)) in r for m, r, _ in matrices)
    print(f"ranker: {good} of {len(matrices)} first on what it was trained on")
    return {name: round(float(weights[i]), 4) for name, i in names.items()}


def _listwise(matrices: Sequence[tuple[Any, Any, float]], count: int) -> Any:
    """Return weights that maximize the share of the right rows among each set's."""
    weights, seen = np.zeros(count), np.full(count, 1e-8)
    for _ in range(EPOCHS):
        gradient = DECAY * weights * len(matrices)
        for matrix, right, weight in matrices:
            scores = matrix @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            target = np.zeros(len(shares))
            target[right] = shares[right] / shares[right].sum()
            gradient += weight * ((shares - target) @ matrix)
        seen += gradient**2
        weights -= RATE * gradient / np.sqrt(seen) * 3
    return weights


def _matrix(rows: Sequence[dict[str, float]], names: dict[str, int]) -> Any:
    matrix = np.zeros((len(rows), len(names)))
    for i, row in enumerate(rows):
        for name, value in row.items():
            if name in names:
                matrix[i, names[name]] = value
    return matrix


def train_probability(rows: Sequence[tuple[dict[str, float], float, float]]) -> BoostedTrees:
    """Return the trees that say how likely a proposal is right, from (features, target, weight) rows."""
    features, target, mass = ([row[part] for row in rows] for part in range(3))
    return grow(features, target, mass, 300)  # type: ignore[arg-type] # each column has its type


Weighed = tuple[Turn, list[Any], float]


def weighed(turns: Sequence[Turn], weight: float) -> list[Weighed]:
    """Return the candidates for each turn."""
    found = []
    for turn in turns:
        with _vectors_here(turn):
            found.append((turn, candidates(turn.said, turn.exchanges, turn.tools), weight))
    return found


def train_order(turns: Sequence[Weighed]) -> dict[str, float]:
    """Return the weights that put the right one of a turn's candidates first."""
    names, sets = dict[str, int](), []
    for turn, found, weight in turns:
        right = [i for i, c in enumerate(found) if is_right(turn, c.calls)]
        if right and len(found) > 1:
            for c in found:
                for name in c.features:
                    names.setdefault(name, len(names))
            sets.append(([c.features for c in found], right, weight))
    matrices = [(_matrix(rows, names), np.array(right), weight) for rows, right, weight in sets]
    weights = _listwise(matrices, len(names))
    good = sum(int(np.argmax(m @ weights)) in r for m, r, _ in matrices)
    print(f"order: {good} of {len(matrices)} first on what it was trained on")
    return {name: round(float(weights[i]), 4) for name, i in names.items()}


def probability_rows(
    turns: Sequence[Weighed], weights: dict[str, float]
) -> list[tuple[dict[str, float], float, float]]:
    """Return what each candidate for each turn looks like, and whether it is exactly right."""
    return [
        (each.features, float(is_right(turn, each.calls)), weight)
        for turn, found, weight in turns
        for each in order(found, weights)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hands", type=Path, required=True)
    parser.add_argument("--offers", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--dialogues", nargs="+", required=True, help="FILE:COUNT, the first COUNT of a file")
    parser.add_argument("--only", choices=("ranker", "probability"))
    options = parser.parse_args()
    random.seed(7)
    hands = [line for path in sorted(options.hands.glob("*.jsonl")) for line in lines(path)]
    single = list(single_turns(hands, described_offers(options.offers, hands)))
    offers = Offers(json.loads(options.tools.read_text(encoding="utf-8")))
    talks = [turn for each in options.dialogues for turn in dialogue_turns(_first(each), offers)]
    weights = json.loads(WEIGHTS.read_text(encoding="utf-8")) if WEIGHTS.exists() else {}
    if options.only != "probability":
        weights["ranker"] = train_ranker([*single, *talks])
        WEIGHTS.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        action_ranker._weights.cache_clear()
    if options.only != "ranker":
        rest = [turn for turn in single if turn.kind != "use"]
        found = weighed(talks, 1.0)
        found += weighed(random.sample(rest, min(len(rest), 350)), 0.35)
        found += weighed(random.sample([turn for turn in single if turn.kind == "use"], 350), 0.3)
        weights["order"] = train_order(found)
        weights.pop("probability", None)
        TREES.write_bytes(train_probability(probability_rows(found, weights["order"])).to_bytes())
        WEIGHTS.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _first(argument: str) -> list[Any]:
    path, _, count = argument.rpartition(":")
    return lines(Path(path))[: int(count)]


if __name__ == "__main__":
    main()
