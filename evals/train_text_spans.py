"""Train the model that says which words of a message are the value of a text parameter.

    python -m evals.train_text_spans --tools tools.json [--dialogues FILE …] [--folds 4 | --write]

Learns from the messages of ``evals/data`` that ask for one action: of each text that the action takes, where in the
message it stands, or that the message does not give it. Without ``--write`` a part of the writers is held out by turns,
and what was found of theirs is printed beside what the rules find.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynamic_plugins.embedded.context.message import Message
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.context.request import Offered
from dynamic_plugins.embedded.slots.slot_filling import fill_by_rules
from dynamic_plugins.embedded.slots.span_features import Features, Ruled, Words, keys_for
from dynamic_plugins.embedded.slots.span_slots import ruled_of, slots_of, values_at
from dynamic_plugins.embedded.slots.text_spans import BUCKETS, LONGEST, MOST_WORDS, WEIGHTS, bucket
from dynamic_plugins.embedded.values.parameters import parameters_of
from evals.train_intents import DATA
from evals.using_turns import Offers, dialogue_turns, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dynamic_plugins.embedded.context.request import Exchange

EPOCHS, RATE, DECAY = 8, 0.12, 1e-4
RULES_HIDDEN = 0.7
"""For so large a part of the dialogues what the rules found is hidden: these are what the rules were tuned on, and on
other people they are worse.
"""
ABSENT = frozenset({"city", "branch"})
SMALLEST = 0.04
"""A weight below this is left out."""


@dataclass
class Asked:
    """A message that asks for one action: who wrote it, after what, and the arguments that are right."""

    hand: str
    said: str
    exchanges: list[Exchange]
    tool: Offered
    arguments: dict[str, Any]


@dataclass
class Case:
    """One text of one message: features by beginning, end and whole as buckets; *right* are the runs that are right."""

    hand: str
    kind: str
    begins: Any
    ends: Any
    whole: Any
    first: Any
    last: Any
    none: Any
    right: Any
    by_rules: bool


def asked_in_dialogues(files: Iterable[Path], offers: Offers) -> Iterator[Asked]:
    """Give the turns of dialogues that ask for one action."""
    for path in files:
        dialogues = lines(path)
        persona = {each["id"]: each["persona"] for each in dialogues}
        for turn in dialogue_turns(dialogues, offers):
            if len(turn.expect) != 1 or turn.expect[0]["tool"] != "use":
                continue
            call = turn.expect[0]
            wanted = (call["plugin"], call["action"])
            tool = next((tool for tool in turn.tools if turn.names[tool.name] == wanted), None)
            if tool is not None:
                hand = persona[turn.id.rpartition(".")[0]]
                yield Asked(hand, turn.said, turn.exchanges, tool, call.get("args") or {})


def asked_alone(tools: dict[tuple[str, str], Offered]) -> Iterator[Asked]:
    """Give the single messages that ask for one action; a tool that is not known takes what it was ever given."""
    found = []
    for path in sorted((DATA / "hands").glob("*.jsonl")):
        for line in lines(path):
            uses = [call for call in line["expect"] if call["tool"] == "use" and call.get("action")]
            if len(uses) == len(line["expect"]) == 1:
                found.append((line["hand"], line["text"], uses[0]["plugin"], uses[0]["action"], uses[0].get("args")))
    for path in sorted((DATA / "values").glob("*.jsonl")):
        found += [(x["hand"], x["text"], x["plugin"], x["action"], x["args"]) for x in lines(path)]
    given: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for _, _, plugin, action, arguments in found:
        for name, value in (arguments or {}).items():
            given[plugin, action].setdefault(name, _schema(value))
    for hand, said, plugin, action, arguments in found:
        schema = {"type": "object", "properties": given[plugin, action]}
        tool = tools.get((plugin, action)) or Offered(f"{plugin}__{action}", "", schema)
        yield Asked(hand, said, [], tool, arguments or {})


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0]) if value else {"type": "string"}}
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _schema(each) for name, each in value.items()}}
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return {"type": kinds.get(type(value), "string")}


def cases_of(asked: Asked, *, rules: bool = True) -> Iterator[Case]:
    """Give a case for each text that the action of *asked* takes, where it is clear what is right."""
    parameters, words = parameters_of(asked.tool.parameters), Words(asked.said)
    slots = slots_of(parameters)
    if not 0 < words.size <= MOST_WORDS:
        return
    filled = fill_by_rules(asked.tool, Message(asked.said, Memory(asked.exchanges)))
    names = [slot.name for slot in slots]
    for slot in slots:
        values = values_at(asked.arguments, slot.path)
        if any(not isinstance(value, str) for value in values):
            continue
        if (right := places_of(values, asked.said)) is None:
            continue
        ruled = ruled_of(slot, asked.said, filled)
        found = [str(value).rstrip(".").lower() for value in values_at(filled.arguments, slot.path)]
        by_rules = found == [value.rstrip(".").lower() for value in values] or (not right and not ruled.spans)
        features = Features(words, slot, names, asked.tool.name.rpartition("__")[2], ruled if rules else Ruled())
        case = _case(asked.hand, f"{slot.role} {'said' if right else 'not'}", features, right, by_rules)
        if case is not None:
            yield case


def absent_of(asked: Asked, others: Sequence[Offered]) -> Iterator[Case]:
    """Give the places and branches that a tool takes which *asked* does not ask for: the message names none."""
    parameters = [p for tool in others for p in parameters_of(tool.parameters)]
    words = Words(asked.said)
    if not 0 < words.size <= MOST_WORDS or any(p.role in ABSENT for p in parameters_of(asked.tool.parameters)):
        return
    for slot in slots_of([p for p in parameters if p.role in ABSENT])[:1]:
        features = Features(words, slot, [slot.name], "", Ruled())
        if (case := _case(asked.hand, f"{slot.role} absent", features, [], False)) is not None:
            yield case


def places_of(values: Sequence[str], said: str) -> list[Any] | None:
    """Return where the value stands; nothing where the message does not give it, None where that is not clear."""
    places = [[m.span() for m in re.finditer(re.escape(value), said, re.I)] for value in values if value]
    if not places:
        return None if values else []
    if any(not found for found in places):
        known = {word.lower() for word in re.findall(r"\w{4,}", said)}
        told = {word.lower() for value in values for word in re.findall(r"\w{4,}", value)}
        return [] if not told & known else None
    if len(places) == 1:
        return list(places[0])
    return [(min(found[0][0] for found in places), max(found[0][1] for found in places))]


def _case(hand: str, kind: str, features: Features, right: Sequence[Any], by_rules: bool) -> Case | None:
    words = features.words
    pairs = [(i, j) for i in range(words.size) for j in range(i + 1, min(words.size, i + LONGEST) + 1)]
    good = []
    for k, (i, j) in enumerate(pairs):
        start, end = words.starts[i], words.ends[j - 1]
        if any(s == start and (e == end or (e + 1 == end and words.text[e] == ".")) for s, e in right):
            good.append(k)
    if right and not good:
        return None

    def buckets(found: Iterable[tuple[str, Any]]) -> list[int]:
        return [bucket(key) for what, value in found for key in keys_for(features.slot, what, value)]

    return Case(
        hand,
        kind,
        np.array([buckets(features.beginning(i)) for i in range(words.size)]),
        np.array([buckets(features.ending(j)) for j in range(1, words.size + 1)]),
        np.array([buckets(features.whole(i, j)) for i, j in pairs]),
        np.array([i for i, _ in pairs]),
        np.array([j - 1 for _, j in pairs]),
        np.array(buckets(features.none())),
        np.array(good or [len(pairs)]),
        by_rules,
    )


def _shares(weights: Any, case: Case) -> Any:
    ends = weights[case.begins].sum(1)[case.first] + weights[case.ends].sum(1)[case.last]
    scores = np.concatenate([ends + weights[case.whole].sum(1), [weights[case.none].sum()]])
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def learn(cases: Sequence[Case]) -> Any:
    """Return the weights that make the right runs of *cases* likely; one for each bucket."""
    weights, seen = np.zeros(BUCKETS), np.full(BUCKETS, 1e-3)
    order, dice = list(cases), random.Random(0)  # noqa: S311 # the same for everybody
    for _ in range(EPOCHS):
        dice.shuffle(order)
        for case in order:
            shares = _shares(weights, case)
            wanted = np.zeros(len(shares))
            wanted[case.right] = shares[case.right] / max(shares[case.right].sum(), 1e-12)
            off = shares - wanted
            at_begin = np.bincount(case.first, off[:-1], len(case.begins))
            at_end = np.bincount(case.last, off[:-1], len(case.ends))
            parts = [(case.begins, at_begin), (case.ends, at_end), (case.whole, off[:-1])]
            rows = np.concatenate([*(part.ravel() for part, _ in parts), case.none])
            steps = [*(np.repeat(step, part.shape[1]) for part, step in parts), np.full(len(case.none), off[-1])]
            touched, back = np.unique(rows, return_inverse=True)
            gradient = np.bincount(back, np.concatenate(steps)) + DECAY * weights[touched]
            seen[touched] += gradient**2
            weights[touched] -= RATE * gradient / np.sqrt(seen[touched])
    return weights


def packed(weights: Any) -> bytes:
    """Return *weights* as the file that ships: a line of JSON, the buckets, one byte for each."""
    kept = np.flatnonzero(np.abs(weights) >= SMALLEST)
    scale = float(np.abs(weights).max()) / 127
    small = np.clip(np.round(weights[kept] / scale), -127, 127).astype(np.int8)
    head = {"rows": len(kept), "scale": scale}
    content: bytes = array("I", kept.tolist()).tobytes() + small.tobytes()
    return json.dumps(head).encode() + b"\n" + content


def held_out(cases: Sequence[Case], folds: int) -> None:
    """Print what is found of the values of writers that were held out, and what the rules find."""
    hands = sorted({case.hand for case in cases})
    random.Random(5).shuffle(hands)  # noqa: S311 # the same folds for everybody
    counted: Counter[tuple[str, str]] = Counter()
    for fold in range(folds):
        held = set(hands[fold::folds])
        weights = learn([case for case in cases if case.hand not in held])
        for case in cases:
            if case.hand in held:
                right = int(_shares(weights, case).argmax()) in case.right
                counted.update(
                    [(case.kind, "n"), *([(case.kind, "model")] if right else [])]
                    + ([(case.kind, "rules")] if case.by_rules else [])
                )
    for kind in sorted({kind for kind, _ in counted}):
        n = counted[kind, "n"]
        print(f"{kind:12} {n:5}  model {counted[kind, 'model'] / n:.3f}  rules {counted[kind, 'rules'] / n:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--dialogues", type=Path, nargs="*", default=[])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    table = json.loads(given.tools.read_text(encoding="utf-8"))
    offers = Offers(table)
    tools = {(plugin, action): tool for plugin in table for tool, action in offers.of(plugin)}
    files = [*sorted((DATA / "dialogues").glob("*.jsonl")), *given.dialogues]
    every = [*asked_in_dialogues(files, offers), *asked_alone(tools)]
    takers = [tool for tool in tools.values() if any(p.role in ABSENT for p in parameters_of(tool.parameters))]
    dice = random.Random(1)  # noqa: S311 # the same for everybody
    absent = [case for asked in every for case in absent_of(asked, dice.sample(takers, 1))]
    if not given.write:
        held_out([*(case for asked in every for case in cases_of(asked)), *absent], given.folds)
        return
    shown = [not asked.exchanges or dice.random() >= RULES_HIDDEN for asked in every]
    cases = [case for asked, rules in zip(every, shown, strict=True) for case in cases_of(asked, rules=rules)]
    print(f"{len(cases)} texts of {len(every)} messages by {len({asked.hand for asked in every})} hands")
    WEIGHTS.write_bytes(packed(learn([*cases, *absent])))


if __name__ == "__main__":
    main()
