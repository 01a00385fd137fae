"""Makes of messages that people wrote for actions what the ranker of actions knows of them.

    python -m evals.train_action_phrases [--tools tools.json]

Reads ``evals/data/phrases``: one file a writer, one JSON object a line, ``{"plugin", "action", "say": [message …]}``.
The writers were given what each action does and nothing else. Descriptions come from the bundled catalogue, and from
*tools* (plugins to lists of tools) for plugins whose actions the catalogue does not list. It needs the extra
``search``; six thousand messages take two minutes.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynamic_plugins.embedded.actions.action_phrases import FILE, turned
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.resolver.documents import action_text
from dynamic_plugins.resolver.embedder import Embedder
from dynamic_plugins.resolver.vectors import packed
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens
from dynamic_plugins.tools.plugin_tools import unique_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_plugins.resolver.embedder import Vectors

PHRASES = Path("evals/data/phrases")
WORDS = 40
"""How many of an action's words are kept."""
EVEN = 1.0
"""How much of the mean spread is added to the spread within an action before the map is made of it: what keeps
directions that few messages tell of from being blown up."""
DESCRIBED = 0.5
"""What an action's description counts beside the messages."""
Action = tuple[str, str]


def messages() -> dict[Action, list[str]]:
    """Return the messages that were written for each action."""
    found: dict[Action, list[str]] = defaultdict(list)
    for file in sorted(PHRASES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row["plugin"], row["action"]] += row["say"]
    return dict(found)


def descriptions(tools: Path | None) -> dict[Action, str]:
    """Return what stands for each action that something describes."""
    found = {}
    offered: dict[str, list[dict[str, Any]]] = json.loads(tools.read_text(encoding="utf-8")) if tools else {}
    for plugin, listed in offered.items():
        for tool in listed:
            found[plugin, tool["name"]] = action_text(tool["name"], str(tool.get("description") or ""))
    for entry in parse_registry(SNAPSHOT.read_bytes(), "bundled").entries:
        for action in entry.actions:
            found[entry.name, action.name] = action_text(action.name, action.description)
    return found


def word_weights(said: dict[Action, list[str]]) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Return how rare each stem is, and for each action the weights of the words that people use."""
    known = Counter(root for texts in said.values() for text in texts for root in {stem(w) for w in tokens(text)})
    total = sum(len(texts) for texts in said.values())
    rarity = {root: round(math.log(1 + total / (1 + count)), 2) for root, count in known.items()}
    every = []
    for texts in said.values():
        sums: Counter[str] = Counter()
        for text in texts:
            own = {stem(word): rarity[stem(word)] for word in tokens(text)}
            length = math.sqrt(sum(weight * weight for weight in own.values())) or 1.0
            for root, weight in own.items():
                sums[root] += weight / length  # type: ignore[assignment] # a sum of weights
        length = math.sqrt(sum(weight * weight for weight in sums.values()))
        every.append({root: round(weight / length, 3) for root, weight in sums.most_common(WORDS)})
    return {root: weight for root, weight in rarity.items() if known[root] > 1}, every


def spread_evenly(groups: Iterable[Vectors]) -> Vectors:
    """Return the map under which messages for one action are spread alike in all directions."""
    groups = list(groups)
    within = sum((g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) for g in groups) / sum(map(len, groups))
    size = len(within)
    values, directions = np.linalg.eigh(within + EVEN * np.trace(within) / size * np.eye(size))
    mapped = directions @ np.diag(values**-0.5) @ directions.T
    found: Vectors = mapped / np.abs(mapped).max()  # lengths do not count, and 16 bits hold this best
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tools", type=Path, help="what plugins offer that the catalogue lists no actions of")
    options = parser.parse_args()
    model, said, told = Embedder(), messages(), descriptions(options.tools)
    vectors = {action: model.embed(texts, "query") for action, texts in said.items()}
    documents = {action: model.embed([told[action]], "document") for action in said if action in told}
    turn = spread_evenly(vectors.values()).astype(np.float16).astype(np.float32)
    means = np.vstack([np.vstack(list(each.values())).mean(axis=0) for each in (vectors, documents)])
    rows = []
    for action, of_messages in vectors.items():
        row = turned(of_messages.mean(axis=0, keepdims=True), means[0], turn)
        if action in documents:
            row = row + DESCRIBED * turned(documents[action], means[1], turn)
        rows.append(row / np.linalg.norm(row))
    rarity, words = word_weights(said)
    head = {"names": [unique_name(*action, set()) for action in said], "words": words, "rarity": rarity}
    numbers = np.vstack([means, turn]).astype(np.float16).tobytes() + packed(np.vstack(rows)).tobytes()
    FILE.write_bytes(json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" + numbers)
    print(f"{sum(map(len, said.values()))} messages for {len(said)} actions; {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
