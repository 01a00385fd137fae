"""Which number of a message goes into which parameter, by the words beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import concepts
from dynamic_plugins.embedded.values.number_values import numbers as all_numbers
from dynamic_plugins.embedded.values.time_values import since
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.values.parameters import Parameter
    from dynamic_plugins.embedded.values.typed_values import Values

_LIMIT = re.compile(
    r"max|limit|count|per_?page|page_?size|^n$|num|top|amount|quantity|results?$|size$|length|chars", re.I
)
_START = re.compile(r"start|offset|from|skip", re.I)
_POSITION = re.compile(r"number$|_no$|^index$|_id$|^id$", re.I)
_SAME = {
    "sec": "second",
    "secs": "second",
    "s": "second",
    "min": "minute",
    "mins": "minute",
    "char": "character",
    "chars": "character",
    "zeichen": "character",
    "caracteres": "character",
    "zeilen": "line",
    "líneas": "line",
    "lineas": "line",
    "lignes": "line",
    "pr": "pull",
    "tage": "day",
    "tagen": "day",
    "dias": "day",
    "jours": "day",
    "px": "pixel",
}
_AT_THE_BEGINNING = re.compile(r"\b(?:opening|beginning|anfang|principio|comienzo|début|inizio|começo|início)\b", re.I)
_AT_THE_END = re.compile(r"\b(?:ending|bottom|the end|ende|final|la fin|fine|fim)\b", re.I)
"""Which end of a text so many lines are wanted of."""
_SHARES = frozenset({"%", "percent", "prozent", "procent", "procenta", "pct"})
_WEEK = re.compile(r"\b(?:whole |next |this |the |a )?(?:week|woche|semana|semaine|settimana)\b(?!end)", re.I)
_DAYS = [
    (re.compile(r"\b(?:tomorrow and the day after|morgen und übermorgen|mañana y pasado)\b", re.I), 2),
    (re.compile(r"\b(?:day after tomorrow|übermorgen|pasado mañana|après-demain)\b", re.I), 2),
    (re.compile(r"\b(?:weekend|wochenende|fin de semana|week-end)\b", re.I), 2),
    (_WEEK, 7),
    (re.compile(r"\b(?:tomorrow|tmrw|tmw|(?<!guten )morgen|mañana|demain|domani)\b", re.I), 1),
]


def assigned(parameters: Sequence[Parameter], values: Values, until: int) -> list[tuple[Parameter, Value]]:
    """Return a number for each of *parameters* (all numeric) that *values* hold one for, before the place *until*."""
    numbers = _usable(parameters, values, until)
    pairs = sorted(
        ((_score(p, n, values.text), -i, p.required, p, n) for p in parameters for i, n in enumerate(numbers)),
        key=lambda each: (each[0], each[2], each[1]),
        reverse=True,
    )
    found: dict[str, tuple[Parameter, Value]] = {}
    taken: list[Value] = []
    for score, _, _, parameter, value in pairs:
        if score >= 1.0 and parameter.name not in found and value not in taken:
            found[parameter.name] = (parameter, value)
            taken.append(value)
    left = [n for n in numbers if n not in taken]
    for parameter in (p for p in parameters if p.required and p.name not in found):
        fitting = [
            n
            for n in left
            if (
                isinstance(n.value, int)
                or not (parameter.type == "integer" or _POSITION.search(parameter.name) or _is_whole(parameter))
            )
            and _may_be(parameter, n)
        ]
        if fitting:
            found[parameter.name] = (parameter, fitting[0])
            left.remove(fitting[0])
        elif "day" in parameter.stems and (days := _days(values.text)) is not None:
            found[parameter.name] = (parameter, days)
    limits = [p for p in parameters if p.name not in found and not p.required and _LIMIT.search(p.name)]
    if len(left) == 1 and len(limits) == 1 and not found and _counts(left[0]) and not _is_year(left[0]):
        found[limits[0].name] = (limits[0], left[0])
    return list(found.values())


def _may_be(parameter: Parameter, n: Value) -> bool:
    """Whether a number lies in the bounds of a parameter, and is no share where none is wanted."""
    low, high = parameter.schema.get("minimum"), parameter.schema.get("maximum")
    if (low is not None and n.value < low) or (high is not None and n.value > high):
        return False
    return n.unit not in _SHARES or bool({"percent", "percentage", "share", "ratio", "rate"} & {*parameter.words})


def is_amount(parameter: Parameter) -> bool:
    """Whether a parameter says how many there are to be of what the other parameters name."""
    return parameter.role == "number" and re.search(r"amount|quantity|qty|count", parameter.name, re.I) is not None


def _is_whole(parameter: Parameter) -> bool:
    """Whether a parameter counts things; an amount may be one of money."""
    return bool(_LIMIT.search(parameter.name)) and "amount" not in parameter.words


def _is_year(value: Value) -> bool:
    return value.kind == "number" and 1900 < float(value.value) < 2100


def _counts(value: Value) -> bool:
    """Whether a number may be how many are wanted: "number 3" is a place in a list."""
    return (
        value.value == int(value.value)
        and value.kind == "number"
        and value.before not in ("number", "nr", "no", "nummer", "número", "numero")
    )


_CORRECTED = re.compile(
    r"\b(?:no wait|wait|no,|make (?:it|that)|i mean|sorry|rather|nein|quatsch|lieber|digo|mejor|non|plutôt|actually)\b",
    re.I,
)


def _usable(parameters: Sequence[Parameter], values: Values, until: int) -> list[Value]:
    """Return the numbers that may be arguments: not a year beside a date, nor one that is taken back."""
    quoted = [(v.start, v.end) for v in values.of("quoted")]
    found = [n for n in values.of("number", "issue") if n.start < until]
    found = [n for n in found if not any(start < n.start < end for start, end in quoted)]
    if not found and sum(p.required for p in parameters) > 1 and values.of("expression"):
        found = list(all_numbers(values.text))
    dated = bool(values.of("date")) or since(values.text) is not None
    found = [n for n in found if not (dated and _is_year(n))]
    if len(found) == 2 and _CORRECTED.search(values.text[found[0].end : found[1].start]):
        first, second = found
        return [replace(second, unit=second.unit or first.unit, before=first.before)]
    return found


def _score(p: Parameter, n: Value, text: str) -> float:
    if not _may_be(p, n):
        return -9.0
    if isinstance(n.value, float) and (p.type == "integer" or _POSITION.search(p.name) or _LIMIT.search(p.name)):
        return -9.0
    unit, before = _word(n.unit), _word(n.before)
    score = 0.0
    for word, weight in ((unit, 3.0), (before, 2.0)):
        if word and (stem(word) in p.stems or (concepts(word) & p.concepts)):
            score += weight
        elif word and len(word) > 2 and stem(word) in p.about:
            score += weight / 2
    behind = text[n.end : n.end + 24].lower()
    ahead = text[max(0, n.start - 24) : n.start].lower()
    if _POSITION.search(p.name):
        score += 3.0 if n.kind == "issue" or ahead.rstrip().endswith("#") else 0.0
    elif n.kind == "issue":
        score -= 3.0
    if p.name == "tail" or p.name == "head":
        last = re.search(r"\b(?:last|letzten?|últimas?|ultimas?|dernières?|bottom)\s*$", ahead)
        first = re.search(r"\b(?:first|top|ersten?|primeras?|premières?|head)\s*(?:of)?\s*$", ahead)
        if re.match(r"\s*(?:lines?|zeilen?|líneas?|lignes?|righe|linhas?)\b", behind):
            last, first = last or _AT_THE_END.search(text), first or _AT_THE_BEGINNING.search(text)
        score += 4.0 if (last if p.name == "tail" else first) else -2.0
    elif (
        _LIMIT.search(p.name)
        and re.search(
            r"\b(?:last|first|top|max|maximum|just|only|letzten?|ersten?|últim[oa]s|nur|at most|up to|"
            r"limit|latest|newest|solo|derniers?)\s*$",
            ahead,
        )
    ) or (
        _LIMIT.search(p.name)
        and re.match(r"\s*(?:of them|max|is enough|results?|hits|reichen|papers?|items?|at most|tops)\b", behind)
    ):
        score += 1.5
    if _START.search(p.name) and not _LIMIT.search(p.name):
        starts = re.search(
            r"\b(?:from|at|after|ab|von|desde|depuis|à partir de|character|char|position|offset|zeichen)\s*$", ahead
        )
        score += 3.0 if starts else -1.0
    if is_amount(p) and n.kind == "number" and unit not in ("percent", "%"):
        score += 1.2
    if _LIMIT.search(p.name) and unit and (stem(unit) in stem(p.name)):
        score += 0.5
    return score


def _word(word: str) -> str:
    return _SAME.get(word, plain(word)) if word else ""


def _days(text: str) -> Value | None:
    for pattern, days in _DAYS:
        if found := pattern.search(text):
            return Value("number", days, found.start(), found.end(), "days")
    return None
