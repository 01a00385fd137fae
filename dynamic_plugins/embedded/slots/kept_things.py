"""What stands on a list that one action adds to and another takes from, with how many of each, as far as was told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.embedded.context.references import Memory, Used

_LINE = re.compile(
    r"\s*(?:[-*•]\s*)?(?:(?P<before>\d+)\s*[x×]?\s+)?(?P<name>[^\W\d].*?)"
    r"(?:\s*[x×]\s?(?P<times>\d+)|\s*\((?:[x×]\s?)?(?P<aside>\d+)[^)]*\)|[:,]?\s+(?P<behind>\d+)\s*[x×]?)?\s*\Z"
)
LONGEST = 5
"""The name of a thing that a line lists has so many words at most."""


@dataclass
class Kept:
    """What is on a list by now, as far as was told: how many of each thing, and the *last* one that was added."""

    amounts: dict[str, int | float] = field(default_factory=dict)
    last: str = ""


def things_kept(memory: Memory, add: str, remove: str, item: str, amount: str) -> Kept:
    """Return what is on the list by now.

    *add* and *remove* are the actions that change it, *item* and *amount* the parameters for a thing and how many.
    """
    kept, last = dict[str, "int | float"](), ""
    group = add.rpartition("__")[0]
    for call in reversed(memory.calls):
        if call.failed or call.tool.rpartition("__")[0] != group:
            continue
        name = str(call.arguments.get(item) or "")
        if call.tool == remove:
            kept = {key: number for key, number in kept.items() if key.casefold() != name.casefold()}
        elif call.tool == add and name:
            kept.pop(name, None)
            given = call.arguments.get(amount)
            kept[name] = given if isinstance(given, (int, float)) else 1
            last = name
        else:
            listed = dict(_listed(call, item, amount))
            kept = listed | {key: number for key, number in kept.items() if key in listed} if listed else kept
    return Kept(kept, last if last in kept else "")


def _listed(call: Used, item: str, amount: str) -> Iterator[tuple[str, int | float]]:
    for each in call.items:
        number = next((each.fields[key] for key in (amount, "amount", "quantity", "count") if key in each.fields), None)
        name = next((str(each.fields[key]) for key in (item, "name", "title") if each.fields.get(key)), each.label)
        if isinstance(number, (int, float)):
            yield name, number
        elif (found := _LINE.match(name)) and len(found["name"].split()) <= LONGEST:
            told = next((found[key] for key in ("before", "times", "aside", "behind") if found[key]), "1")
            yield found["name"].strip(), int(told)


def mentioned(text: str, kept: dict[str, int | float]) -> list[str]:
    """Return those of *kept* that *text* names, wholly or by a word that is no other's: "buns" for "burger buns"."""
    said = {stem(plain(word)) for word in tokens(text) if word not in fillers()}
    scores = {name: _score(text, said, name) for name in kept}
    best = [name for name, score in scores.items() if score >= 1.0]
    if best:
        return best
    partly = [name for name, score in scores.items() if score > 0]
    return partly if len(partly) == 1 else []


def _score(text: str, said: set[str], name: str) -> float:
    own = {stem(plain(word)) for word in tokens(name) if word not in fillers()}
    if not own:
        return float(name.casefold() in text.casefold())
    hit = {word for word in own if word in said or any(_same(word, other) for other in said)}
    return 1.0 if name.casefold() in text.casefold() else len(hit) / len(own)


def _same(one: str, other: str) -> bool:
    """Whether two words are one with different endings."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 3
