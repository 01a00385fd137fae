"""The last call once more with what a message changes of it: "
""and in Madrid?", "again with 5", "the other way round"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.action_words import fillers
from dynamic_plugins.embedded.parameters import parameters_of
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.embedded.message import Filled, Message
    from dynamic_plugins.embedded.references import Used
    from dynamic_plugins.embedded.request import Offered

SHORT = 12
"""A message of more words is not just the last one with something else in it."""
_TURNED = re.compile(
    r"other way (?:a)?round|vice versa|reversed?|umgekehrt|andersherum|al revés|dans l'autre sens|l'inverse", re.I
)
_PAIRS = (
    ("source_timezone", "target_timezone"),
    ("from", "to"),
    ("from_currency", "to_currency"),
    ("source", "destination"),
    ("source", "target"),
)
_AGAIN = re.compile(
    r"\b(?:again|same|once more|another|nochmal|dasselbe|das gleiche|gleich\w*|otra vez|lo mismo|encore|"
    r"la même|pareil|do it|do \d+|the same|(?:times|mal|por) the same)\b",
    re.I,
)
_STRING = re.compile(r"'((?:[^']|'')*)'")
_DIGITS = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)|(?<![\w.])\d+(?:\.\d+)?")


def repeated(message: Message, last: Used, tool: Offered, filled: Filled) -> dict[str, Any] | None:
    """Return the arguments of *last* with what *message* changes; None where it changes nothing or is no repetition.

    *filled* is what *message* gives of *tool*'s parameters by itself.
    """
    if _TURNED.search(message.text):
        return _turned(last.arguments)
    if len(message.words) > SHORT or not last.arguments:
        return None
    again = _AGAIN.search(message.text) is not None
    changed = dict(last.arguments)
    for p in parameters_of(tool.parameters):
        value = filled.arguments.get(p.name)
        old = last.arguments.get(p.name)
        if p.role in ("sql", "expression") and isinstance(old, str) and p.name not in filled.said:
            value = _rewritten(old, message, p.role)
        elif (p.name in filled.guessed and (again or not _short_name(value))) or p.name not in filled.said:
            value = None
        if value is not None:
            changed[p.name] = value
    if changed == dict(last.arguments) and not (again and _means_again(message)):
        return None
    return changed


def _short_name(value: Any) -> bool:
    return isinstance(value, str) and len(value.split()) <= 3 and not all(plain(w) in fillers() for w in value.split())


def _means_again(message: Message) -> bool:
    return len([w for w in message.words if w not in fillers()]) <= 2


def _turned(arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    for one, other in _PAIRS:
        if one in arguments and other in arguments:
            return {**arguments, one: arguments[other], other: arguments[one]}
    return None


def _rewritten(code: str, message: Message, role: str) -> str | None:
    """Return *code* with the values that *message* says in place of its own, in their order."""
    if role == "expression":
        numbers = message.values.of("number")
        if len(numbers) != 1 or "%" in numbers[0].unit or numbers[0].unit in ("percent", "prozent"):
            return None
        if not (_AGAIN.search(message.text) or re.search(r"\b(?:with|w|mit|con|for|of|times)\b", message.text, re.I)):
            return None
        return _DIGITS.sub(str(numbers[0].value), code, count=1)
    found = re.search(r"\b(?:top|first|only|limit|just)\s+(?:the\s+)?(?:top\s+)?(\d+)\b", message.text, re.I)
    if found and re.search(r"\blimit\s+\d+", code, re.I):
        return re.sub(r"(\blimit\s+)\d+", rf"\g<1>{found[1]}", code, flags=re.I)
    return _with_values(code, message)


def _with_values(code: str, message: Message) -> str | None:
    texts = [str(v.value) for v in message.values.of("quoted")]
    texts = texts or re.findall(r"(?<![\w.])(?=[A-Z0-9]*[A-Z])(?=[A-Z0-9]*\d)[A-Z0-9]{3,}(?![\w.])", message.text)
    numbers = [str(v.value) for v in message.values.of("number")]
    new = code
    if texts and len(texts) <= len(_STRING.findall(code)):
        pool = iter(texts)
        new = _STRING.sub(lambda m: f"'{value}'" if (value := next(pool, None)) is not None else m[0], new)
    if numbers and (texts or _AGAIN.search(message.text)):
        # Numbers inside of texts stay.
        free = [
            m for m in re.finditer(r"(?<![\w.'])\d+(?:\.\d+)?(?![\w.'])", new) if new[: m.start()].count("'") % 2 == 0
        ]
        for m, value in reversed(list(zip(free, numbers, strict=False))):
            new = new[: m.start()] + value + new[m.end() :]
    return new if new != code else None
