"""Several things that one message names for an action that takes one: "2 pints of milk, a malt loaf and 6 eggs"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import fillers, units, verb_kinds
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.counted_things import counted_things
from dynamic_plugins.embedded.slots.number_slots import is_amount
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.language.free_text import Span

MOST_WORDS = 5
"""A thing that is named in more words than these is a sentence, and what joins it no list."""
_JOINT = re.compile(
    r"(?:\s*[,&+]\s*|\s+(?:and|und|y|et|e|n|plus)\s+)(?:(?:and|und|y|et|e|n|also|plus|auch|außerdem|también|aussi)\s+)*",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?:;](?=\s)|\n|[.!?]+\Z")
_SMALL = re.compile(
    r"(?:some|a|an|the|of|de|du|des|ein|eine|einen|etwas|un|una|unos|unas|une|el|la|los|las|le|les)\s+", re.I
)


def each_item(tool: Offered, message: Message, filled: Filled) -> list[dict[str, Any]]:
    """Return the arguments of one call for each thing, in their order; nothing where the message names only one.

    What *filled* holds beside the thing and its amount is the same for all.
    """
    named = [p for p in parameters_of(tool.parameters) if p.required and p.role in ("text", "name")]
    value = filled.arguments.get(named[0].name) if len(named) == 1 else None
    if not isinstance(value, str) or (at := message.text.find(value)) < 0:
        return []
    amount = next((p.name for p in parameters_of(tool.parameters) if is_amount(p)), None)
    start, end = _whole_list(tool, message, (at, at + len(value)))
    parts = _parts(message.text, (start, end))
    things = [_thing(tool, message, part, with_amount=amount is not None) for part in parts]
    if len(things) < 2 or not all(name and len(name.split()) <= MOST_WORDS for name, _ in things):
        return []
    if any(_is_no_thing(name) for name, _ in things[1:]):
        return []  # another order, a reason, or how much there is to be of the thing before
    same = {key: given for key, given in filled.arguments.items() if key not in (named[0].name, amount)}
    return [
        {**same, named[0].name: name, **({amount: number} if amount is not None and number is not None else {})}
        for name, number in things
    ]


def each_counted(tool: Offered, message: Message, filled: Filled) -> list[dict[str, Any]]:
    """Return the arguments of one call for each thing that an order names, wherever its amount stands.

    Only a tool that takes an amount of what it is given the name of is for things.
    """
    named = [p for p in parameters_of(tool.parameters) if p.required and p.role in ("text", "name")]
    amount = next((p.name for p in parameters_of(tool.parameters) if is_amount(p)), None)
    if len(named) != 1 or amount is None:
        return []
    same = {key: given for key, given in filled.arguments.items() if key not in (named[0].name, amount)}
    return [
        {**same, named[0].name: name, **({amount: number} if number is not None else {})}
        for name, number in counted_things(message)
    ]


def _is_no_thing(name: str) -> bool:
    first = plain(name.split()[0])
    return bool(verb_kinds(first)) or first in fillers() or stem(plain(name)) in units()


def _whole_list(tool: Offered, message: Message, span: Span) -> Span:
    """Return the part of the sentence around *span* that names things: without the order before and behind it."""
    text = message.text
    ends = [found.start() for found in _SENTENCE_END.finditer(text)]
    first = max((at + 1 for at in ends if at < span[0]), default=0)
    last = min((at for at in ends if at >= span[1]), default=len(text))
    words = [found for found in re.finditer(r"[^\W_](?:[\w'’-]*\w)?", text) if first <= found.start() < last]
    while words and _is_of_the_order(words[0].group(), tool):
        words.pop(0)
    while words and _is_of_the_order(words[-1].group(), tool):
        words.pop()
    if not words:
        return span
    return min(words[0].start(), span[0]), max(words[-1].end(), span[1])


def _is_of_the_order(raw: str, tool: Offered) -> bool:
    word = plain(raw)
    if word[:1].isdigit() or word in number_words():
        return False
    return word in fillers() or bool(verb_kinds(word)) or stem(word) in _stems_of(tool)


def _stems_of(tool: Offered) -> frozenset[str]:
    fields = card(tool).fields
    return fields["name"][0] | fields["first"][0]


def _parts(text: str, span: Span) -> list[Span]:
    start, end = span
    parts = []
    for joint in _JOINT.finditer(text, start, end):
        parts.append((start, joint.start()))
        start = joint.end()
    parts.append((start, end))
    return [(a, b) for a, b in parts if text[a:b].strip()]


def _thing(tool: Offered, message: Message, span: Span, *, with_amount: bool) -> tuple[str, int | float | None]:
    """Return what a part names, and how many of it."""
    start, end = span
    numbers = [n for n in message.values.of("number") if start <= n.start and n.end <= end] if with_amount else []
    if len(numbers) != 1:
        numbers = []
    text = message.text[start:end]
    for spot in numbers:
        text = f"{message.text[start : spot.start]} {message.text[spot.end : end]}"
    text = re.sub(r"^\W*[x×]\s|\s[x×]\W*$", " ", f"{text} ").strip(" ,.;:!?-")
    while small := _SMALL.match(text):
        text = text[small.end() :]
    words = text.split()
    while words and _is_of_the_order(words[-1], tool):
        words.pop()
    number = numbers[0].value if numbers else None
    return " ".join(words), number if isinstance(number, (int, float)) else None
