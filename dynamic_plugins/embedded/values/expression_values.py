"""Sums that people write, with signs or in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.values.number_values import DIGITS, numbers, spoken_numbers, written
from dynamic_plugins.embedded.values.price_sums import price_sum
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.embedded.values.word_sums import asks_for_sum, factor, says_what_each_is, word_sum

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPERATORS = [
    (r"(?:the\s+)?square root (?:of|from)\s+", "sqrt "),
    (r"(?:die\s+)?wurzel (?:aus|von)\s+|raíz cuadrada de\s+|racine carrée de\s+", "sqrt "),
    (r"\bto the power of\b|\bhoch\b|\belevado a\b|\bpuissance\b", "**"),
    (r"\bdivided by\b|\bgeteilt durch\b|\bdurch\b|\bdividido (?:por|entre)\b|\bentre\b|\bdivisé par\b|\bover\b", "/"),
    (r"\bmultiplied by\b|\btimes\b|\bmal\b|\bfois\b|\bpor\b|×|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bplus\b|\bmás\b", "+"),
    (r"\bminus\b|\bless\b|\bmenos\b|\bmoins\b|−", "-"),
    (r"\bsquared\b", "**2"),
]
_FUNCTIONS = r"(?:sqrt|sin|cos|tan|log|log2|log10|ln|exp|abs|factorial|floor|ceil|round)\s*\("
_SYMBOLIC = re.compile(
    rf"(?<![\w/.:#@-])(?:{_FUNCTIONS}|[(\d-])(?:{_FUNCTIONS}|[\d.()+*/^%×!-]|\s(?=\s*[\d(+*/^×-]))*(?![\w/:]|-\w)"
)
_CALCULATES = re.compile(rf"\d\s*[)]*\s*(?:\*\*|[*/+^%×-])\s*[(]*-?(?:\d|{_FUNCTIONS})|{_FUNCTIONS}\s*\d")
_TIMES = re.compile(r"(?<=\d)x(?=\d)|(?<=\d )x(?= \d)|×", re.I)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_SAID = re.compile(r"(?:sqrt )?\(?\s*\d+(?:\.\d+)?\s*\)?(?:\s*(?:\*\*2|(?:\*\*|[-+*/])\s*(?:sqrt )?\d+(?:\.\d+)?))*")


def expressions(text: str) -> Iterator[Value]:
    # An "x" between numbers multiplies; it is as long as the sign, so that all stands where it stood.
    for m in _SYMBOLIC.finditer(_TIMES.sub("*", _DECIMAL_COMMA.sub(".", text))):
        said = _balanced(m.group().strip().rstrip("+*/-.% "))
        if _CALCULATES.search(said) and not _is_no_sum(said, text):
            start = m.start() + m.group().index(said)
            yield Value("expression", said, start, start + len(said))
    spoken, told, priced = spoken_expression(text), word_sum(text), price_sum(text)
    asks = asks_for_sum(text) or says_what_each_is(text) or priced is not None
    if priced is not None and (told is None or not re.search(r"[*/]", str(told.value))):
        told = priced
    if told is not None and (_numbers_in(spoken) < _numbers_in(told) if spoken else asks):
        spoken = told
    if spoken is not None:
        yield spoken


def _numbers_in(sum_: Value) -> int:
    return len(re.findall(r"\d+(?:\.\d+)?", str(sum_.value)))


def _balanced(said: str) -> str:
    while said.count("(") > said.count(")") and said.startswith("("):
        said = said[1:]
    while said.count(")") > said.count("(") and said.endswith(")"):
        said = said[:-1]
    return said


def _is_no_sum(said: str, text: str = "") -> bool:
    """Dates, ranges and telephone numbers are written with the same signs."""
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\+?\d[\d-]{6,}", said):
        return True
    return re.fullmatch(r"\d+-\d+", said) is not None and len(text.split()) > 3


def spoken_expression(text: str) -> Value | None:
    """Return the expression that *text* puts in words: "15 percent of 80", "450 divided by 12"."""
    low = text.lower()
    for value in reversed(list(spoken_numbers(low))):
        low = low[: value.start] + str(value.value) + low[value.end :]
    low = DIGITS.sub(lambda m: written(m.group()), low)
    low = re.sub(
        r"(\d+(?:\.\d+)?)\s*(?:%|percent|prozent|por ciento|pour ?cent)\s+(?:of|von|de)\s+(?:the\s+)?(\d+(?:\.\d+)?)",
        lambda m: f"{m[2]} * {factor(m[1], 'share')}",
        low,
    )
    for pattern, sign in _OPERATORS:
        low = re.sub(pattern, f" {sign} ", low)
    best = ""
    for m in _SAID.finditer(re.sub(r"\s+", " ", low)):
        said = m.group().strip()
        if re.search(r"\d\s*(?:\*\*|[-+*/])|sqrt", said) and len(said) > len(best):
            best = said
    if not best or re.search(r"\d\s*(?:\*\*|[*/+^])\s*\d", text) or _is_no_sum(best.replace(" ", "")):
        return None
    best = re.sub(r"sqrt (\d+(?:\.\d+)?)", r"sqrt(\1)", best)
    best = re.sub(r"\s*(\*\*|[-+*/])\s*", r"\1", best).strip()
    if re.match(r"-?\d+(?:\.\d+)?-\d+$", best) and "minus" not in text.lower() and "less" not in text.lower():
        return None
    start = _first_digit(text)
    return Value("expression", best, start, len(text) if start == 0 else _last_number_end(text))


def _first_digit(text: str) -> int:
    return min((value.start for value in numbers(text)), default=0)


def _last_number_end(text: str) -> int:
    return max((value.end for value in numbers(text)), default=len(text))
