"""The last call once more with what a message changes of it: "
""and in Madrid?", "again with 5", "the other way round"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.next_part import next_part
from dynamic_plugins.embedded.actions.substitution import substituted
from dynamic_plugins.embedded.context.running_sums import replaced
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.references import Used
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter

SHORT = 12
"""A message of more words is not just the last one with something else in it."""
_ASKS_FIRST = re.compile(
    r"\W*(?:and|und|y|et|e|en|og|och|a|ve)\s(?:[^\s?]+\s+){1,9}[^\s?]+\?\s+(?:\S+\s*){1,8}\Z", re.I
)
"""A short question and a short remark behind it: "and if they make it 4? they did that to my friend"."""
_TURNED = re.compile(
    r"other way (?:a)?round|vice versa|reversed?|umgekehrt|andersherum|al revés|dans l'autre sens|l'inverse", re.I
)
_ONE_OF_TWO = re.compile(r"\b(?:latter|former|first|second|last)\b", re.I)
_PAIRS = (
    ("source_timezone", "target_timezone"),
    ("from", "to"),
    ("from_currency", "to_currency"),
    ("source", "destination"),
    ("source", "target"),
)
_AGAIN = re.compile(
    r"\b(?:again|same|once more|another|nochmal|dasselbe|das gleiche|gleich\w*|otra vez|lo mismo|encore|"
    rf"{phrases('again', 'same')}|pareil|igual|uguale|tanto quanto|aynı|do it|do \d+|(?:times|mal|por) the same)\b",
    re.I,
)
_THE_SAME = re.compile(rf"\b{phrases('again', 'same')}\b", re.I)


def repeated(message: Message, last: Used, tool: Offered, filled: Filled) -> dict[str, Any] | None:
    """Return the arguments of *last* with what *message* changes; None where it changes nothing or is no repetition.

    *filled* is what *message* gives of *tool*'s parameters by itself.
    """
    if _TURNED.search(message.text) and (turned := _turned(message.text, last.arguments)):
        return turned
    if not (len(message.words) <= SHORT or _ASKS_FIRST.match(message.text)) or not last.arguments:
        return None
    again = _AGAIN.search(message.text) is not None
    same = _THE_SAME.search(message.text) is not None
    onward = next_part(message, last, tool, filled)
    put = onward or substituted(message, last, filled, _sums(tool))
    filled.onward, filled.substituted = bool(onward), put is not None and not onward
    changed = dict(put or last.arguments)
    settled = {name for name, value in changed.items() if value != last.arguments.get(name)}
    for p in parameters_of(tool.parameters):
        if p.role == "sql" and p.name in filled.arguments:
            changed[p.name] = filled.arguments[p.name]
            continue
        if p.name in settled and p.role == "sql" and not again and not _reads(last.arguments[p.name]):
            return None  # rows are only changed once more where the message says so
        if p.name in settled or (put and not onward and p.name not in last.arguments and p.role == "number"):
            continue  # "and 4472" is the number of a page, and no limit that nobody had set
        value = filled.arguments.get(p.name)
        old = last.arguments.get(p.name)
        if p.role == "expression" and isinstance(old, str) and p.name not in filled.said:
            value = replaced(message.text, last, p.name)
        elif not _is_new(p, value, filled, same=same):
            value = None
        if value is not None:
            changed[p.name] = value
    if changed == dict(last.arguments) and not (again and _means_again(message)):
        return None
    return changed


def _reads(code: Any) -> bool:
    return str(code).lstrip()[:6].lower() == "select"


def _is_new(p: Parameter, value: Any, filled: Filled, *, same: bool) -> bool:
    """Whether the message says *value* for *p*: in its own words, or by a thing that it names ("same on that one")."""
    if same and p.name in filled.things:
        return True
    if same and p.role == "text" and isinstance(value, str) and _THE_SAME.search(value):
        return False
    return p.name in filled.said or (p.name in filled.guessed and same and _short_name(value))


def _sums(tool: Offered) -> frozenset[str]:
    return frozenset(p.name for p in parameters_of(tool.parameters) if p.role == "expression")


def _short_name(value: Any) -> bool:
    if not isinstance(value, str) or len(value.split()) > 3 or _THE_SAME.search(value):
        return False
    return not all(plain(word) in fillers() for word in value.split())


def says_again(message: Message) -> bool:
    """Whether a short message orders the last call once more: what it says is no more than what changes."""
    return message.memory.last is not None and len(message.words) <= SHORT and _AGAIN.search(message.text) is not None


def _means_again(message: Message) -> bool:
    return len([w for w in message.words if w not in fillers()]) <= 2


def _turned(text: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    for one, other in _PAIRS:
        if one in arguments and other in arguments:
            return {**arguments, one: arguments[other], other: arguments[one]}
    if (
        len(arguments) == 2
        and not _ONE_OF_TWO.search(text)
        and len({type(value) for value in arguments.values()} - {str, bool}) == 1
    ):
        (one, a), (other, b) = arguments.items()
        return {one: b, other: a}
    return None
