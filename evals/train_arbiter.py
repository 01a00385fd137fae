"""Trains the arbiter, which says what of all that could be done about a message is right, on dialogues.

    python -m evals.train_arbiter --tools tools.json [--folds 3] [--singles 1100] [--unseen] [--write] [FILE[:COUNT] …]

Learns from the dialogues of ``evals/data/dialogues``, those of each FILE, and *singles* of the single messages of
``evals/data``. The intent models, and the trees that weigh calls, have seen these themselves. So that the arbiter
learns how far to trust them on people they have not seen, all is split by writer into *folds*, and the options for each
fold come from models that were trained without it. With ``--unseen`` it learns from each FILE alone, read by the models
that ship, which must have seen none of them: that takes minutes, and it holds for the encoder too. With ``--share`` the
trees that there are stay beside the new ones, and these count so much of the whole. ``--write`` puts the
trees into the package; without it a part of the writers is held out and what became of their turns is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from dynamic_plugins.core.model_protocol import Say
from dynamic_plugins.embedded.actions import call_proposals
from dynamic_plugins.embedded.actions.action_ranker import WEIGHTS
from dynamic_plugins.embedded.arbiter import Option, choose, evidence_of
from dynamic_plugins.embedded.context.request import read_request
from dynamic_plugins.embedded.learned.boosted_trees import trees, trees_file
from dynamic_plugins.embedded.managing import reading
from dynamic_plugins.embedded.managing.standing import standing_from
from dynamic_plugins.embedded.responder import Responder
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from evals.dialogues import Stage, _entries, after
from evals.grow_trees import grow, together
from evals.train_actions import probability_rows, train_probability, weighed
from evals.train_intents import DATA, Teacher, known_entries, packed, read_lines, trained
from evals.using import same
from evals.using_turns import Offers as UseOffers
from evals.using_turns import dialogue_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.core.model_protocol import TurnContext
    from dynamic_plugins.embedded.learned.boosted_trees import BoostedTrees
    from dynamic_plugins.embedded.learned.classifier import LinearModel
    from dynamic_plugins.embedded.managing.decide import Answer
    from evals.dialogues import Offers

TREES = trees_file("arbiter")


@dataclass
class Sample:
    """A turn: its options, which of them are right, and what was understood of it; *writer* is whose it is."""

    options: list[Option]
    right: list[int]
    understood: Any
    writer: str
    answers: list[list[dict[str, Any]]]
    made: list[list[dict[str, Any]]]


class _Listener:
    """A model that says nothing and keeps what it was asked."""

    reads_every_tool = True
    name = "listener"

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.context: TurnContext | None = None

    async def respond(
        self,
        messages: Sequence[Any],
        tools: Sequence[Any],
        on_text: Any = None,  # noqa: ARG002 # the protocol
        context: TurnContext | None = None,
    ) -> Say:
        self.body, self.context = {"messages": list(messages), "tools": list(tools)}, context
        return Say(".")

    async def close(self) -> None:
        """Nothing is held."""


async def samples_of(dialogue: dict[str, Any], offers: Offers, registry: Registry) -> list[Sample]:
    """Return the turns of *dialogue* that are not settled without the arbiter."""
    status = dict.fromkeys(dialogue["installed"], "inactive") | dict.fromkeys(dialogue["active"], "active")
    found = []
    for number, turn in enumerate(dialogue["turns"]):
        catalogue = Catalogue(registry, lambda now=dict(status): _entries(now, offers))  # type: ignore[misc] # bound now
        stage, listener = Stage(status, offers, catalogue, ()), _Listener()
        await stage.conversation(listener, dialogue["turns"][:number]).respond(turn["say"])
        responder = Responder(await catalogue.names(), {entry.name: entry for entry in await registry.entries()})
        standing = standing_from(listener.context.plugins if listener.context else ())
        if (case := responder.case(read_request(listener.body), standing)) is not None:
            options, understood = case
            answers = [turn["expect"], *turn.get("accept", [])]
            good = [*answers, *(begun for answer in answers if (begun := begins_with(answer)))]
            made = [await _as_scored(stage, option.done) for option in options]
            wished = {stage.name_of(each) for each in uses_of(dialogue["turns"][number : number + 2])}
            right = [
                place
                for place, (option, calls) in enumerate(zip(options, made, strict=True))
                if any(same(answer, calls) for answer in good)
                and (calls or option.asks_for in wished or _may_be_words(option, turn))
            ]
            found.append(Sample(options, right, understood, dialogue["persona"], answers, made))
        status = after(status, turn["expect"])
    return found


def _may_be_words(option: Option, turn: dict[str, Any]) -> bool:
    """Whether *option*, which calls nothing, answers a turn: where something is ordered only a question does."""
    return not option.asks_for and (not turn["expect"] or "?" in option.done.text)


def begins_with(answer: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is done first of an answer that switches a plugin on and uses it: the rest follows by itself."""
    on = {call.get("plugin") for call in answer if call["tool"] == "activate_plugin"}
    later = [call for call in answer if call["tool"] == "use" and call.get("plugin") in on]
    return [call for call in answer if call not in later] if later else []


def uses_of(turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls of actions that the first of *turns* and, where it only asks back, the next one expect."""
    return [
        call
        for place, turn in enumerate(turns)
        if place == 0 or not turns[0]["expect"]
        for call in turn["expect"]
        if call["tool"] == "use"
    ]


async def _as_scored(stage: Stage, answer: Answer) -> list[dict[str, Any]]:
    return await stage.calls_of(SimpleNamespace(calls=answer.calls))  # type: ignore[arg-type] # it has what is read


def learn(samples: Sequence[Sample]) -> BoostedTrees:
    """Return the trees that tell the right options of *samples* from the others."""
    rows, target = [], []
    for sample in samples:
        rows += evidence_of(sample.options)
        target += [float(place in sample.right) for place in range(len(sample.options))]
    return grow(rows, target, [1.0] * len(rows))


def outcome(sample: Sample, grown: BoostedTrees) -> str:
    """Return what became of a turn: right, asked, harm, or wrong."""
    answer = choose(sample.options, sample.understood.reading, grown)
    picked = next((i for i, o in enumerate(sample.options) if answer in (o.done, o.asked)), None)
    if picked is None:
        return "wrong"
    option = sample.options[picked]
    acted = answer.calls or not answer.proposed
    if picked in sample.right:
        return "right" if acted or [] in sample.answers else "asked"
    if not answer.calls:
        return "right" if [] in sample.answers and not answer.proposed else "wrong"
    return "harm" if option.changing else "wrong"


def intent_models(lines: Iterable[Any], entries: Mapping[str, Any]) -> dict[str, LinearModel]:
    """Return the intent models trained on *lines*."""
    return {name: packed(*trained(name, mine)) for name, mine in Teacher(entries).samples(list(lines)).items()}


async def collect(dialogues: Sequence[dict[str, Any]], offers: Offers, folds: int, registry: Registry) -> list[Sample]:
    """Return the samples of *dialogues*, each fold's with intent models that have not seen its writers.

    Without folds the models that ship are asked.
    """
    if not folds:
        return await _both_ways(dialogues, offers, registry)
    writers = sorted({each["persona"] for each in dialogues})
    random.Random(11).shuffle(writers)  # noqa: S311 # the same folds for everybody
    lines = read_lines([*_single_files(), *_dialogue_files()])
    entries, found = known_entries(lines), list[Sample]()
    for fold in range(folds):
        held = set(writers[fold::folds])
        models = intent_models((line for line in lines if line["hand"] not in held), entries)
        likely = use_trees([each for each in dialogues if each["persona"] not in held], offers)
        mine = [each for each in dialogues if each["persona"] in held]
        with (
            patch.object(reading, "model", models.__getitem__),
            patch.object(call_proposals, "trees", lambda _, t=likely: t),
        ):
            found += await _both_ways(mine, offers, registry)
    return found


async def _both_ways(dialogues: Sequence[dict[str, Any]], offers: Offers, registry: Registry) -> list[Sample]:
    """Return the samples of *dialogues* as they are read with the encoder, and where nothing embeds sentences."""
    found = [sample for dialogue in dialogues for sample in await samples_of(dialogue, offers, registry)]
    with patch.object(reading, "encoded", lambda _: None):
        return found + [sample for dialogue in dialogues for sample in await samples_of(dialogue, offers, registry)]


def use_trees(dialogues: Sequence[dict[str, Any]], offers: Offers) -> BoostedTrees:
    """Return the trees that say how likely a call is right, grown on *dialogues*."""
    turns = weighed(list(dialogue_turns(dialogues, UseOffers(offers))), 1.0)
    order = json.loads(WEIGHTS.read_text(encoding="utf-8"))["order"]
    return train_probability(probability_rows(turns, order))


def _single_files() -> list[Path]:
    own = [*sorted(DATA.glob("*own*.jsonl")), *sorted(DATA.glob("unseen*.jsonl"))]
    return [*sorted((DATA / "hands").glob("*.jsonl")), *own]


def _dialogue_files() -> list[Path]:
    return sorted((DATA / "dialogues").glob("*.jsonl"))


def single_dialogues(count: int) -> list[dict[str, Any]]:
    """Return *count* of the single messages as dialogues of one turn; none that uses an action, as none is offered."""
    lines = [line for line in read_lines(_single_files()) if "use" not in {call["tool"] for call in line["expect"]}]
    chosen = random.Random(3).sample(lines, min(count, len(lines)))  # noqa: S311 # the same for everybody
    return [_of_one_message(line, str(number)) for number, line in enumerate(chosen)]


def _of_one_message(line: dict[str, Any], name: str) -> dict[str, Any]:
    turn = {"say": line["text"], "expect": line["expect"], "accept": line.get("accept", []), "told": ""}
    installed = [*line["installed"], *line["active"]]
    return {"id": name, "persona": line["hand"], "installed": installed, "active": line["active"], "turns": [turn]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="FILE, or FILE:COUNT for the first of its dialogues")
    parser.add_argument("--singles", type=int, default=1100)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--unseen", action="store_true", help="learn from each FILE alone: no model has seen them")
    parser.add_argument("--share", type=float, default=1.0, help="how much the new trees count beside those there are")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    offers = json.loads(given.tools.read_text(encoding="utf-8"))
    files = given.files if given.unseen else [*map(str, _dialogue_files()), *given.files]
    dialogues = [dialogue for file in files for dialogue in _first(file)]
    dialogues += [] if given.unseen else single_dialogues(given.singles)
    with tempfile.TemporaryDirectory() as home:
        samples = asyncio.run(
            collect(dialogues, offers, 0 if given.unseen else given.folds, Registry(Path(home), official={}))
        )
    print(f"{len(samples)} turns, of which {sum(bool(s.right) for s in samples)} have a right option")
    if given.write:
        parts = [(trees("arbiter"), 1 - given.share), (learn(samples), given.share)]
        TREES.write_bytes(together([part for part in parts if part[1]]).to_bytes())
        return
    writers = sorted({sample.writer for sample in samples})
    counted: Counter[str] = Counter()
    for fold in range(5):
        held = set(writers[fold::5])
        grown = learn([sample for sample in samples if sample.writer not in held])
        counted.update(outcome(sample, grown) for sample in samples if sample.writer in held)
    print({name: round(count / len(samples), 4) for name, count in counted.most_common()})


def _first(argument: str) -> list[Any]:
    path, _, count = argument.rpartition(":") if argument.rpartition(":")[2].isdigit() else (argument, "", "")
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    found = [each for place, line in enumerate(lines) if (each := _as_dialogue(line, place)) is not None]
    return found[: int(count)] if count else found


def _as_dialogue(line: dict[str, Any], place: int) -> dict[str, Any] | None:
    """Return a line of a file as a dialogue: one, a single message, or of :mod:`evals.no_orders` a single one that
    orders nothing.
    """
    if "turns" in line:
        return line
    if "text" in line:
        return _of_one_message(line, str(line["id"]))
    if line["order"] or len(line["said"]) != 1:
        return None
    # Nobody knows whose they are: twenty that stand together are one's.
    told = {**line, "text": line["said"][0], "expect": [], "hand": f"no orders, {place // 20}"}
    return _of_one_message(told, f"no-order-{place}")


if __name__ == "__main__":
    main()
