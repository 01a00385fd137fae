"""Numbers that people write, in digits and in words, with the words around them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.values import number_words
from dynamic_plugins.embedded.values.typed_values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGITS = r"(?:\d{1,3}(?:[,'’]\d{3})+(?:\.\d+)?(?![\d,])|\d{1,3}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?)"
_NUMBER = re.compile(
    rf"(?<![\w.#:/-])-?{_DIGITS}(?=[\s,;:?!)%€$x]|(?!st\b|nd\b|rd\b|th\b)[A-Za-z]{{1,6}}\b(?!-\w)|\.(?!\d)|$)(?!:\d|/\d|-\d)"
)
DIGITS = re.compile(rf"(?<![\w.,#:/-]){_DIGITS}(?![\d:]|[.,/-]\d)")
"""A number in digits, in a text of numbers and words."""
_TIMES = re.compile(r"(?<![\w.])[x×]\s?(\d{1,3})(?![\w.])", re.I)


def numbers(text: str) -> Iterator[Value]:
    """Give the numbers in *text*, in digits and in words, with the words around them."""
    for m in _NUMBER.finditer(text):
        raw = written(m.group())
        if raw.startswith("-") and re.search(r"\b(?:tail|head)\s+(?:-n\s*)?$", text[: m.start()], re.I):
            raw = raw[1:]  # an option of a command, no sign
        yield Value("number", number(raw), m.start(), m.end(), *_around(text, m.start(), m.end()))
    for m in _TIMES.finditer(text):
        yield Value("number", int(m[1]), m.start(), m.end(), "", (_around(text, m.start(), m.end()))[1])
    yield from spoken_numbers(text)


def written(digits: str) -> str:
    """Return *digits* with a point for the decimals and none for thousands: "1,248.60", "9'484.80", "2,40"."""
    if re.search(r"\.\d{3},\d+$", digits):
        return digits.replace(".", "").replace(",", ".")
    if re.search(r"['’]|,\d{3}(?:\D|$)", digits):
        return re.sub(r"[,'’]", "", digits)
    return digits.replace(",", ".")


def number(text: str) -> int | float:
    """Return the number that *text* writes; whole where it is."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    behind = re.match(r"\s*-?\s*([^\W\d_]+|%)", text[end:])
    ahead = re.search(r"([^\W\d_]+)\W*$", text[:start])
    return (behind[1].lower() if behind else ""), (ahead[1].lower() if ahead else "")


def spoken_numbers(text: str) -> Iterator[Value]:
    """Give the numbers in words, with the words around them."""
    for value, start, end in number_words.spoken_numbers(text):
        yield Value("number", value, start, end, *_around(text, start, end))
