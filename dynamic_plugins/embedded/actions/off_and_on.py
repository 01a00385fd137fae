"""One thing off a list and another on, or another amount of one: a call that takes away, and one that adds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.possible_call import MOST, Candidate
from dynamic_plugins.embedded.actions.use_features import use_features
from dynamic_plugins.embedded.context.message import Filled, Message
from dynamic_plugins.embedded.language.action_words import verb_kinds
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.counted_things import counted_things, orders_things
from dynamic_plugins.embedded.slots.kept_things import Kept, mentioned, things_kept
from dynamic_plugins.embedded.slots.number_slots import is_amount
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.actions.action_ranker import Ranked

_CLAUSE = re.compile(rf"[.!?;,]\s+|\s+[-–—]\s+|\s+{phrases('items', 'and')}\s+", re.I)
_OFF = re.compile(rf"(?<!\w){phrases('items', 'off')}(?!\w)", re.I)
_OFF_UNSPACED = re.compile(phrases("items", "off_unspaced"))
_INSTEAD = re.compile(rf"\s*(?<!\w){phrases('items', 'in_its_place')}(?!\w)", re.I)
_THEM = re.compile(rf"(?<!\w)(?:them|those|these|{phrases('several', 'that')})(?!\w)", re.I)
_OTHER_AMOUNT = re.compile(rf"(?<!\w){phrases('items', 'other_amount')}(?!\w)", re.I)
LONGEST = 30
"""A message of more words is no plain change of a list."""


@dataclass(frozen=True)
class _Pair:
    """An action that adds to a list, the one that takes off it, and their parameters."""

    add: Ranked
    remove: Ranked
    item: str
    amount: str


def off_and_on(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """Return the calls for what *message* takes off a list, and what it puts there in its place."""
    if len(message.words) > LONGEST:
        return []
    found = []
    for pair in _pairs(ranked):
        kept = things_kept(message.memory, pair.add.tool.name, pair.remove.tool.name, pair.item, pair.amount)
        if not kept.amounts:
            continue
        changes = [_exchanged(message, kept), _other_amount(message, kept), _taken_off(message, kept)]
        for off, on in (change for change in changes if change is not None):
            if 0 < len(off) + len(on) <= MOST:
                found.append(_candidate(message, ranked, pair, off, on))
    return found


_Change = tuple[list[str], list[tuple[str, int | float | None]]]


def _pairs(ranked: Sequence[Ranked]) -> Iterator[_Pair]:
    for add in ranked:
        needed = [p for p in parameters_of(add.tool.parameters) if p.required]
        amount = next((p.name for p in parameters_of(add.tool.parameters) if is_amount(p)), None)
        if "create" not in card(add.tool).kinds or len(needed) != 1 or amount is None:
            continue
        for remove in ranked:
            same = remove.tool.name.rpartition("__")[0] == add.tool.name.rpartition("__")[0]
            takes = [p.name for p in parameters_of(remove.tool.parameters) if p.required]
            if same and "delete" in card(remove.tool).kinds and takes == [needed[0].name]:
                yield _Pair(add, remove, needed[0].name, amount)


def _candidate(
    message: Message, ranked: Sequence[Ranked], pair: _Pair, off: list[str], on: list[tuple[str, int | float | None]]
) -> Candidate:
    calls: list[tuple[str, dict[str, Any]]] = [(pair.remove.tool.name, {pair.item: name}) for name in off]
    for name, number in on:
        calls.append((pair.add.tool.name, {pair.item: name, **({pair.amount: number} if number is not None else {})}))
    one = pair.add if on else pair.remove
    filled = Filled(dict(calls[-1][1]), said={pair.item, *([pair.amount] if on else [])})
    features = use_features(one, filled, message, ranked) | {
        "several": float(len(calls) > 1),
        "off_and_on": 1.0,
        "unused": 0.0,
        "guess_joint": 0.0,
    }
    return Candidate(tuple(calls), (), features)


def _says_off(text: str) -> bool:
    return bool(_OFF.search(text) or _OFF_UNSPACED.search(text)) or any(
        "delete" in verb_kinds(word) for word in tokens(text)
    )


def _exchanged(message: Message, kept: Kept) -> _Change | None:
    """ "take the cream off and I want two cabbages": what one side takes off, and what the other puts on."""
    text = _INSTEAD.sub("", message.text)
    cuts = [(found.start(), found.end()) for found in _CLAUSE.finditer(text)]
    sides = [(text[:start], text[end:]) for start, end in reversed(cuts)]
    swapped = [(behind, before) for before, behind in sides if orders_things(before)]
    for before, behind in [*sides, *swapped]:
        if not _says_off(before) or _says_off(behind):
            continue
        off = _meant(before, kept)
        on = counted_things(Message(behind, message.memory))
        on = [(name, number) for name, number in on if name.casefold() not in (each.casefold() for each in off)]
        if off and on:
            return off, on
    return None


def _meant(text: str, kept: Kept) -> list[str]:
    if named := mentioned(text, kept.amounts):
        return named
    return [kept.last] if kept.last and _THEM.search(text) else []


def _other_amount(message: Message, kept: Kept) -> _Change | None:
    """ "make it eight buns": all of them off, and the new amount on."""
    named = mentioned(message.text, kept.amounts)
    if len(named) > 1 or (not named and not _OTHER_AMOUNT.search(message.text)):
        return None
    numbers = [n.value for n in message.values.of("number") if isinstance(n.value, (int, float)) and n.value > 0]
    among = named or [name for name, number in reversed(kept.amounts.items()) if number in numbers]
    among = among or ([kept.last] if kept.last else [])
    if not among:
        return None
    things = counted_things(message)
    counted = [number for name, number in things if number and mentioned(name, {among[0]: 1})]
    new = [number for number in (counted or numbers) if number != kept.amounts[among[0]]]
    if not new or any(not mentioned(name, {among[0]: 1}) for name, number in things if number and named):
        return None
    return [among[0]], [(among[0], new[-1])]


def _taken_off(message: Message, kept: Kept) -> _Change | None:
    """ "oat milk? get rid", "take them off": what is named, else what was put there last."""
    if not _says_off(message.text):
        return None
    off = _meant(message.text, kept)
    return (off, []) if off else None
