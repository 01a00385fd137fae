"""The numbers of a sum that is told in words: with their units, and prices as people say them ("32 pound fifty")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_values import DIGITS, spoken_numbers, written
from dynamic_plugins.embedded.values.number_words import HUNDRED, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def sum_words(name: str, ahead: str = r"\b", behind: str = r"\b") -> re.Pattern[str]:
    """Return what finds the turns of phrase *name* of sums, with what stands *ahead* and *behind*."""
    return re.compile(f"{ahead}{phrases('sums', name)}{behind}", re.I)


PERCENT = phrases("sums", "percent")
_UNIT = re.compile(
    rf"\s?-?(?P<share>{PERCENT})|\s*-?(?P<unit>(?!(?:per|pro|an?|each)\b)[^\W\d_]+)?"
    r"(?:\s*(?:/|\b(?:per|pro|por|par|an?|al|il|le|in an?|in (?:each|every))\s)\s*(?P<each>[^\W\d_]+))?",
    re.I,
)
EACH = sum_words("each", r"\s*(?:%|[^\W\d_]{1,6})?\s*", "")
FOR_EACH = sum_words("for_each", r"^\s*(?:[£$€]|[^\W\d_]{1,6}\b)?\s*")
_WHOLE_UNIT = re.compile(
    r"-?(?:pounds?|quid|euros?|dollars?|bucks?|pesos|reais|zł(?:otych?)?|lira|francs?|kron(?:er|or)|met(?:re|er|ro)s?)",
    re.I,
)
_NO_OTHER_UNIT = re.compile(
    r"\s*(?:$|[^\w\s]|(?:a|an|per|each|for|and|plus|to|in|on|how|what|whats|i|we|so|pro|je|cada|y|und|et|e)\b"
    rf"|{phrases('sums', 'for_each')})",
    re.I,
)
_SAYS_HUNDRED = re.compile("hund", re.I)


@dataclass(frozen=True)
class Term:
    """A number of a sum, as it is written in one, with its unit, and of what it is so much *each*: "9 euro a kilo".

    *share* is for one of per cent.
    """

    text: str
    unit: str
    each: str
    share: bool
    start: int
    end: int


def terms_of(text: str) -> list[Term]:
    """Return the numbers of *text* that may be of a sum, in digits or words: no times of day."""
    spans = [(m.start(), m.end(), written(m.group())) for m in DIGITS.finditer(text)]
    spans += [
        (v.start, v.end, str(v.value))
        for v in spoken_numbers(text)
        if not re.match(r"an?\b", text[v.start : v.end], re.I)
    ]
    found = []
    for start, end, number in sorted(spans):
        behind = _UNIT.match(text, end)
        share = bool(behind and behind["share"])
        unit, each = ((behind["unit"] or "").lower(), (behind["each"] or "").lower()) if behind else ("", "")
        each = "" if value_of(each) else each  # "tres a cuarenta": at forty
        if not re.match(r"\s?(?:am|pm|a\.m|p\.m|uhr|o'clock)\b", text[end:], re.I):
            number = f"{float(number) * 1000:.10g}" if unit == "k" else number
            if not text[start].isdigit() and says_price_of_each(text, Term(number, unit, each, share, start, end)):
                number = _as_price(number, text[start:end])
            found.append(Term(number, unit, each, share, start, behind.end() if share and behind else end))
    return _with_small_change(text, found)


def _as_price(number: str, words: str) -> str:
    """Return a price as people say it: "one forty nine a litre" is 1.49."""
    is_price = number.isdigit() and HUNDRED < int(number) < 10 * HUNDRED and not _SAYS_HUNDRED.search(words)
    return f"{number[0]}.{number[1:]}" if is_price else number


def _with_small_change(text: str, terms: Sequence[Term]) -> list[Term]:
    """Return *terms*, one for two where the second is what the first has after its point: "32 pound fifty"."""
    found: list[Term] = []
    for term in terms:
        last = found[-1] if found else None
        if last and last.text.isdigit() and re.fullmatch(r"[1-9]\d", term.text) and _is_small_change(text, last, term):
            found[-1] = Term(f"{last.text}.{term.text}", last.unit, term.each, term.share, last.start, term.end)
        else:
            found.append(term)
    return found


def _is_small_change(text: str, last: Term, term: Term) -> bool:
    gap = text[last.end : term.start].strip()
    return bool(_WHOLE_UNIT.fullmatch(gap)) and bool(_NO_OTHER_UNIT.match(text, term.end))


def says_price_of_each(text: str, term: Term) -> bool:
    """Whether *text* says of a number that each, or each of something, is so much: "8.50 each", "9 a kilo"."""
    return bool(term.each or FOR_EACH.match(text[term.end :]) or EACH.match(text, term.end))
