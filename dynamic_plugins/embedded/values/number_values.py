"""Numbers that people write, in digits and in words, with the words around them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
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


@cache
def number_words() -> dict[str, int]:
    """Return the value of each number word."""
    lines = prompt_files.table("embedded/action_words.toml")["numbers"]
    return {word: int(value) for value, words in lines.items() for word in words.split()}


_ARTICLES = frozenset(["a", "an", "un", "una", "une", "ein", "eine", "einen", "uno", "um", "uma"])
DOZENS = frozenset(["dozen", "dutzend", "docena", "douzaine"])
"""What a dozen is of may be a number again: "two dozen one pound jars"."""
_HALF = re.compile(r"\b(?:half|halbes|media|demi|meia)[\s-]+\Z", re.I)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


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
    """Number words, alone or after one another: "four hundred fifty", and digit by digit "three zero nine"."""
    words, known = list(_WORD.finditer(text)), number_words()
    index = 0
    while index < len(words):
        run = [words[index]] if words[index].group().lower() in known else []
        while run and index + len(run) < len(words):
            after = words[index + len(run)]
            between = text[run[-1].end() : after.start()]
            if after.group().lower() not in known or between.strip(" -") or after.group().lower() in _ARTICLES:
                break
            if run[-1].group().lower() in DOZENS:
                break
            run.append(after)
        if run and not (len(run) == 1 and (run[0].group().lower() in _ARTICLES or _stands_for_a_thing(text, run[0]))):
            start, end = run[0].start(), run[-1].end()
            value = _composed([known[m.group().lower()] for m in run])
            if run[-1].group().lower() in DOZENS and (half := _HALF.search(text[:start])):
                value, start = value // 2, half.start()
            yield Value("number", value, start, end, *_around(text, start, end))
        index += len(run) or 1


def _stands_for_a_thing(text: str, word: re.Match[str]) -> bool:
    """ "That one", "the first one": no number."""
    if word.group().lower() not in ("one", "uno", "una", "eins"):
        return False
    ahead = re.search(r"(\w+)\W*$", text[: word.start()])
    behind = re.match(r"\s*(\w+)", text[word.end() :])
    named = ahead is not None and ahead[1].lower() not in (
        "add",
        "put",
        "buy",
        "and",
        "for",
        "need",
        "want",
        "of",
        "get",
        "just",
    )
    return named or behind is None


def _composed(parts: list[int]) -> int:
    if len(parts) > 1 and all(part < 10 for part in parts):
        return int("".join(map(str, parts)))
    total = current = 0
    for part in parts:
        if part in (100, 1000, 12) and current:
            current *= part
            if part == 1000:
                total, current = total + current, 0
        else:
            current += part
    return total + current
