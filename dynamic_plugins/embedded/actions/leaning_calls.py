"""Two actions in one message of which the second leans on the first: "make a branch for it and check it out"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.action_ranker import Ranked, rank
from dynamic_plugins.embedded.actions.possible_call import Candidate
from dynamic_plugins.embedded.actions.use_features import unexplained, unused, use_features
from dynamic_plugins.embedded.context.message import Filled, Message
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.all_meant import files_in_state, the_other
from dynamic_plugins.embedded.slots.slot_filling import fill
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CUT = re.compile(
    rf"\s*(?:[;.!?,]\s+)?(?<!\w)(?:{phrases('several', 'then')})(?!\w),?\s*|\s*[;.!?]\s+|,\s+|\s+\+\s+|、|。",
    re.I,
)
_JOINS = re.compile(r"\w|\+")
NEAR = 8
"""So many of the tools that rank first for the whole message are weighed for its parts."""
KEPT = 2
"""So many of these pairs of calls are proposed at most."""
WEIGHED = 4
"""So many of the tools that rank first for a part are weighed."""
LEANS = 0.7
"""What it counts for an action, beside its share and its place for the whole, that it takes what the first one made."""
LISTED = 0.3
"""What it counts that there are files, or another thing, for it to take."""
LEAST_SHARE = 0.1
"""An action with less of a part is only weighed where it is among the first two for the whole message."""
CUTS = 2
"""At so many places a message is cut at most, words for "and then" before ends of sentences, these before commas."""
LONGEST = 26
_CARRIED = ("id", "path", "branch", "number", "name", "repo", "owner", "revision", "ref")


def leaning_calls(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """Return the pairs of different actions of one plugin that the two parts of *message* ask for."""
    if len(message.words) > LONGEST or len(ranked) < 2:
        return []
    found: list[tuple[float, Candidate]] = []
    for before, behind in _halves(message):
        first = _asked(Message(before, message.memory, message.known), message, ranked, None)
        if first is None:
            continue
        second = _asked(Message(behind, message.memory, message.known), message, ranked, first)
        if second is None:
            continue
        parts = [first, second]
        calls = tuple((one.tool.name, filled.arguments) for one, filled, _ in parts)
        weakest = min(parts, key=lambda part: part[0].share)
        features = use_features(weakest[0], weakest[1], message, ranked) | {
            "several": 1.0,
            "leaning": 1.0,
            "unused": sum(unused(filled, clause) for _, filled, clause in parts),
            "unexplained": sum(unexplained(one, filled, clause) for one, filled, clause in parts),
            "clauses": 2.0,
            "clauses_guessed": float(any(filled.guessed for _, filled, _ in parts)),
            "clauses_numbered": sum(bool(filled.said) for _, filled, _ in parts) / 2,
        }
        found.append((first[0].share * second[0].share, Candidate(calls, (), features)))
    return [candidate for _, candidate in sorted(found, key=lambda pair: -pair[0])[:KEPT]]


_Part = tuple[Ranked, Filled, Message]


def _halves(message: Message) -> Iterator[tuple[str, str]]:
    """Give *message* in two, cut at each joint that is in no value; a half without a word of its own is none."""
    held = [(v.start, v.end) for v in message.values.of("quoted", "sql", "expression", "url", "path", "date", "time")]
    gaps = [
        gap
        for gap in _CUT.finditer(message.text)
        if not any(start < gap.end() and gap.start() < end for start, end in held)
    ]
    cut = 0
    for gap in sorted(gaps, key=lambda gap: (not _JOINS.search(gap.group()), "," in gap.group())):
        halves = message.text[: gap.start()], message.text[gap.end() :]
        if all(any(plain(word) not in fillers() for word in re.findall(r"\w+", half)) for half in halves):
            yield halves
            if (cut := cut + 1) == CUTS:
                return


def _asked(clause: Message, whole: Message, ranked: Sequence[Ranked], before: _Part | None) -> _Part | None:
    """Return the action that a part asks for; what it lacks, or only leans on, the part before it has."""
    tools = [one.tool for one in ranked[:NEAR]]
    if before is not None:
        group = before[0].tool.name.rpartition("__")[0]
        tools = [one.tool for one in ranked if one.tool.name.rpartition("__")[0] == group]
        tools = [tool for tool in tools if tool is not before[0].tool]
    places = {one.tool.name: place for place, one in enumerate(ranked)}
    found: list[tuple[float, _Part]] = []
    for one in rank(clause, tools)[:WEIGHED] if tools else ():
        if found and one.share < LEAST_SHARE and places[one.tool.name] > 1:
            continue
        filled = fill(one.tool, clause)
        listed = _take_listed(one, filled, clause, whole)
        leans = before is not None and _lean(one, filled, before[1].arguments, points=clause.points)
        if not filled.missing:
            score = one.share + 1 / (1 + places[one.tool.name]) + LEANS * float(leans) + LISTED * float(listed)
            found.append((score, (one, filled, clause)))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _take_listed(one: Ranked, filled: Filled, clause: Message, whole: Message) -> bool:
    """Give a call the files in the state that a part names, and "the other one" of two; whether there are such."""
    taken = False
    for p in parameters_of(one.tool.parameters):
        if p.role == "list" and p.name in filled.missing:
            value: Any = files_in_state(one.tool, clause, p.items)
        elif p.required and p.role in ("id", "number") and p.name not in filled.said:
            value = the_other(one.tool, whole, p)
        elif p.required and p.role in ("name", "text") and "delete" in card(one.tool).kinds:
            # What is taken away is known, and its whole name is there, if without spaces around it.
            named = {t.names[0] for t in clause.things.things if t.names and t.names[0] in clause.text}
            value = named.pop() if len(named) == 1 else None
        else:
            continue
        if value:
            filled.arguments[p.name] = value
            filled.carried.add(p.name)
            taken = True
    filled.missing = tuple(name for name in filled.missing if name not in filled.arguments)
    return taken


def _lean(one: Ranked, filled: Filled, arguments: dict[str, Any], *, points: bool) -> bool:
    """Give a call what the one before it is about, where its own part of the message does not say it.

    Whether it leans on what that one made: on more than where both are done.
    """
    leans = False
    for p in parameters_of(one.tool.parameters):
        if p.name not in arguments or not p.required or p.name in filled.said or p.role not in _CARRIED:
            continue
        if p.name in filled.missing or p.name in filled.guessed or points or p.role == "branch":
            filled.arguments[p.name] = arguments[p.name]
            filled.guessed.discard(p.name)
            filled.carried.add(p.name)
            leans = leans or not p.name.startswith(("repo", "owner"))
    filled.missing = tuple(name for name in filled.missing if name not in filled.arguments)
    return leans
