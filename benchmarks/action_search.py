"""How often the search among actions finds the one that a step needs, beside a comparison of letters.

Run ``python -m benchmarks.action_search REGISTRY QUESTIONS [--cache FOLDER] [--misses]``. The actions of all plugins of
the registry are searched at once. QUESTIONS has one JSON object a line: ``query``, ``kind``, ``plugins``, ``actions``;
those of the kind ``step`` are asked, and the first of their actions is what they need. Steps that follow a ``task`` are
its parts. Their labels were given by place, step n being for the task's action n, and where people wrote the steps down
in another order the label is another step's: "get news" is for a cash flow there. So two figures are told: ``as
labelled``, and ``in its task``, where each step of a task is matched with another action of that task, as many as can
be. FOLDER keeps the vectors of the actions; to embed five hundred takes some fifteen seconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.resolver.action_search import ActionSearch, ActionText
from dynamic_plugins.resolver.documents import VECTORS, action_text, key
from dynamic_plugins.resolver.embedder import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Search = Callable[[str, int], Sequence[int]]

FIRST = (1, 3, 5, 8)


def letters(actions: Sequence[ActionText]) -> Search:
    """Sets of words, compared letter by letter: what many tools do."""
    from rapidfuzz import fuzz, process, utils

    texts = [f"{action.plugin}__{action.name} {action.description}" for action in actions]

    def search(query: str, limit: int) -> list[int]:
        best = process.extract(query, texts, scorer=fuzz.token_set_ratio, processor=utils.default_process, limit=limit)
        return [index for _, _, index in best]

    return search


def this(actions: Sequence[ActionText], cache: Path | None) -> Search:
    """The search of this package, by words alone without *cache*."""
    if cache is not None:
        from dynamic_plugins.resolver.vector_index import embed_documents, not_embedded

        texts = {key(text): text for text in (action_text(action.name, action.description) for action in actions)}
        embed_documents(not_embedded(texts, cache / VECTORS), cache / VECTORS)
    index = ActionSearch(meaning=cache is not None, cache=cache)
    return lambda query, limit: index.search(query, actions, limit)


def tasks_of(questions: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the steps, those of one task together."""
    groups: list[list[dict[str, Any]]] = []
    for question in questions:
        if question["kind"] == "task":
            groups.append([])
        elif groups:
            groups[-1].append(question)
    return [group for group in groups if group]


def recall(search: Search, actions: Sequence[ActionText], tasks: Sequence[Sequence[dict[str, Any]]], first: int) -> str:
    """Return the shares of steps whose action is among the *first*: as labelled, and in its task."""
    labelled = matched = steps = 0
    for task in tasks:
        found = [{(actions[at].plugin, actions[at].name) for at in search(step["query"], first)} for step in task]
        hits = [[_is_among(wanted, names) for wanted in task] for names in found]
        labelled += sum(hits[at][at] for at in range(len(task)))
        matched += max(sum(map(lambda row, at: row[at], hits, order)) for order in permutations(range(len(task))))
        steps += len(task)
    return f"{labelled / steps:.3f} / {matched / steps:.3f}"


def _is_among(step: dict[str, Any], names: set[tuple[str, str]]) -> bool:
    return any((plugin, step["actions"][0]) in names for plugin in step["plugins"])


def misses(search: Search, actions: Sequence[ActionText], tasks: Sequence[Sequence[dict[str, Any]]]) -> None:
    for step in (step for task in tasks for step in task):
        found = [(actions[at].plugin, actions[at].name) for at in search(step["query"], 8)]
        if not _is_among(step, set(found)):
            print(
                f"  {step['query'][:90]!r} needs {step['actions'][0]}; found {', '.join(name for _, name in found[:4])}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("registry", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--cache", type=Path, help="a folder for the vectors")
    parser.add_argument("--misses", action="store_true", help="print what is not found among the first eight")
    told = parser.parse_args()
    entries = parse_registry(told.registry.read_bytes(), "benchmark").entries
    actions = [ActionText(a.name, a.description, plugin=entry.name) for entry in entries for a in entry.actions]
    tasks = tasks_of([json.loads(line) for line in told.questions.read_text(encoding="utf-8").splitlines()])
    print(f"{len(actions)} actions, {sum(map(len, tasks))} steps; recall as labelled / in its task")
    with tempfile.TemporaryDirectory() as folder:
        ways = {"letters": letters(actions), "words": this(actions, None)}
        if installed():
            ways["words, meaning"] = this(actions, told.cache or Path(folder))
        for name, search in ways.items():
            start = time.thread_time()
            shares = "  ".join(f"@{first} {recall(search, actions, tasks, first)}" for first in FIRST)
            spent = (time.thread_time() - start) * 1000 / (len(FIRST) * sum(map(len, tasks)))
            print(f"  {name:<15} {shares}   {spent:.1f} ms a search")
        if told.misses:
            misses(ways[name], actions, tasks)


if __name__ == "__main__":
    main()
