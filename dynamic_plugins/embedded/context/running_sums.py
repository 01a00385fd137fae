"""Sums that lean on the last one: its result goes on, or one of its numbers is another."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_values import written
from dynamic_plugins.embedded.values.sum_terms import terms_of
from dynamic_plugins.embedded.values.word_sums import factor, how_of_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.references import Used
    from dynamic_plugins.embedded.values.sum_terms import Term

_OF_THAT = re.compile(rf"\b{phrases('sums', 'of')}\s+{phrases('sums', 'that')}\b|\bdavon\b|\bdisso\b", re.I)
_HALVES = [
    (rf"\b{phrases('sums', name)}\b[^\d]*(?:{phrases('sums', 'that')}\b|davon|$)", step)
    for name, step in (("half", "/ 2"), ("third", "/ 3"), ("quarter", "/ 4"), ("double", "* 2"))
]
_SIGNS = [
    (rf"{phrases('sums', name)}\s*(?:the |another |a further )?$", sign)
    for name, sign in (("times", "*"), ("over", "/"), ("plus", "+"), ("minus", "-"))
]
_TAX = re.compile(rf"\b{phrases('sums', 'tax')}\b", re.I)
_TAX_RATE = re.compile(
    rf"(\d+(?:[.,]\d+)?)\s?%\s*(?:of\s+)?{_TAX.pattern}|{_TAX.pattern}\D{{0,14}}?(\d+(?:[.,]\d+)?)\s?%", re.I
)
_TAKEN_BACK = re.compile(rf"\b{phrases('sums', 'taken_back')}\b[^\d]{{0,16}}$", re.I)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
UNLIKE = 0.7
"""A number with decimals and a whole one are as far from each other as two of which one is twice the other."""
_SET_SIZES = frozenset({"100", "1000", "60", "10", "2"})
"""Numbers that turn one unit into another: nobody means these by "and with 90?"."""


def goes_on(text: str, last: Used, name: str, said: Sequence[str]) -> tuple[str, tuple[int, int]] | None:
    """Return the sum that goes on from the result of *last*, and where *text* says it: "and half of that", "plus 20%".

    *name* is the parameter with the sum, *said* what was said before, the newest first; a rate may be told there.
    """
    step = _step(text, said)
    if step is None or _is_another_share(text, last):
        return None
    sign, number, span = step
    before = str(last.arguments[name])
    start = as_number(last.result) or (before if re.fullmatch(r"[\d.*/ ]+", before) else f"({before})")
    spaced = f"{start} {sign} {number}"
    return (spaced if " " in before else spaced.replace(" ", "")), span


def _is_another_share(text: str, last: Used) -> bool:
    """Whether a share is said with no more than that, where the last sum had one: "and at 8%"."""
    terms, before = terms_of(text), [term for term in terms_of(last.said) if term.share]
    bare = len(terms) == 1 and terms[0].share and not _OF_THAT.search(text)
    return bare and len(before) == 1 and how_of_share(text) is None


def _step(text: str, said: Sequence[str]) -> tuple[str, str, tuple[int, int]] | None:
    for pattern, step in _HALVES:
        if found := re.search(pattern, text, re.I):
            return step[0], step[2:], found.span()
    terms = terms_of(text)
    if len(terms) == 2 and _TAKEN_BACK.search(text[terms[0].end : terms[1].start]):
        sign = _sign(text, terms[0])
        return (sign, terms[1].text, (terms[0].start, terms[1].end)) if sign else None
    if len(terms) == 1:
        return _one_step(text, terms[0])
    rate = _told_rate(text, said) if not terms else None
    return ("*", factor(rate, "more"), (0, len(text))) if rate else None


def _one_step(text: str, term: Term) -> tuple[str, str, tuple[int, int]] | None:
    span = (term.start, term.end)
    if not term.share:
        sign = _sign(text, term)
        return (sign, term.text, span) if sign else None
    ahead = "share" if _OF_THAT.search(text[: term.start]) else "more"  # "davon 20 Prozent", but "davon 20 % weg"
    how = "share" if _OF_THAT.search(text[term.end :]) else how_of_share(text) or ahead
    return "*", factor(term.text, how), span


def _sign(text: str, term: Term) -> str | None:
    ahead = text[: term.start]
    return next((sign for pattern, sign in _SIGNS if re.search(pattern, ahead, re.I)), None)


def _told_rate(text: str, said: Sequence[str]) -> str | None:
    """Return the rate of the tax that *text* names, where somebody said it before."""
    if (named := _TAX.search(text)) is None:
        return None
    for one in said:
        for found in _TAX_RATE.finditer(one):
            if named.group().lower() in found.group().lower():
                return written(found[1] or found[2])
    return None


def replaced(text: str, last: Used, name: str) -> str | None:
    """Return the sum of *last* with the number that *text* says anew: of the same unit, else the nearest in size."""
    before = str(last.arguments[name])
    terms = list({term.text: term for term in terms_of(text)}.values())
    inside = list(_NUMBER.finditer(before))
    if len(terms) == 2:
        old = [t for t in terms if any(m.group() == t.text for m in inside)]
        new = [t for t in terms if t not in old]
        if len(old) == len(new) == 1 and sum(m.group() == old[0].text for m in inside) == 1:
            return _put(before, next(m for m in inside if m.group() == old[0].text), new[0].text)
        return None
    if len(terms) != 1 or not inside or any(m.group() == terms[0].text for m in inside):
        return None
    spoken = terms_of(last.said)
    place, as_share = _place(terms[0], inside, spoken)
    if place is None:
        return None
    how = how_of_share(last.said) or "share"
    return _put(before, place, factor(terms[0].text, how) if as_share else terms[0].text)


def _place(term: Term, inside: Sequence[re.Match[str]], spoken: Sequence[Term]) -> tuple[re.Match[str] | None, bool]:
    """Return the number of a sum that *term* stands in for, and whether that is a share."""
    by_text = {m.group(): m for m in inside}
    units = [t for t in spoken if t.unit and t.unit == term.unit and not term.share]
    if len(units) == 1 and (same := by_text.get(units[0].text)):
        return same, False
    shares = [t for t in spoken if t.share]
    held = [m for m in inside if any(m.group() in _factors(t.text) for t in shares)]
    if term.share:
        return (held[0], True) if len(held) == 1 else (None, False)
    free = [
        m for m in inside if m not in held and (m.group() not in _SET_SIZES or any(t.text == m.group() for t in spoken))
    ]
    sized = [(_far(m.group(), term.text), i, m, False) for i, m in enumerate(free)]
    sized += [(_far(shares[0].text, term.text), -1, held[0], True)] if len(held) == 1 else []
    best = min(sized, key=lambda each: each[:2], default=None)
    return (best[2], best[3]) if best else (None, False)


def _factors(share: str) -> set[str]:
    return {factor(share, how) for how in ("less", "more", "share")}


def _far(one: str, other: str) -> float:
    """Return how unlike two numbers are in size, and in being whole or not."""
    a, b = float(one), float(other)
    return abs(math.log(a / b)) + UNLIKE * (("." in one) != ("." in other)) if a > 0 and b > 0 else 99.0


def _put(before: str, place: re.Match[str], number: str) -> str:
    return before[: place.start()] + number + before[place.end() :]


def as_number(result: Any) -> str | None:
    """Return the number that a result is; None for any other."""
    text = str(result.get("result", "") if isinstance(result, dict) else result).strip()
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        value = float(text)
        return str(int(value)) if value.is_integer() else text
    return None
