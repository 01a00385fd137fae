"""Sums of prices, counts and heads, by the part that each number plays: "24.50 a head, 12 of us", "the bill's 186 and
there were 4 of us, what do we each owe", "14 kids, 8.50 each, plus 60 for the coach".

What the words between the numbers do with them, from left to right, reads
:mod:`dynamic_plugins.embedded.values.word_sums`; here the numbers may stand in any order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.sum_terms import says_price_of_each, terms_of
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.embedded.values.word_sums import asks_for_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.values.sum_terms import Term

Part = Literal["price", "heads", "off", "more", "number"]

MOST_TERMS = 5
_PEOPLE = re.compile(rf"\s*(?:of us|{phrases('shares', 'people')})\b", re.I)
_WE_ARE = re.compile(rf"\b{phrases('shares', 'we_are')}\s*$", re.I)
_BETWEEN = re.compile(rf"\b{phrases('shares', 'between')}\s*(?:the |all |los |las |les |die |uns )?$", re.I)
_SPLIT = re.compile(rf"\b{phrases('shares', 'split')}\b", re.I)
_EACH_ONE = re.compile(rf"(?:\A|(?<=\w)\W+){phrases('shares', 'each_one')}(?:\s+[^\W\d]+){{1,3}}\s+[£$€]?$", re.I)
_WHAT_EACH = re.compile(rf"\b{phrases('shares', 'what_each')}(?!\w)", re.I)
_OFF = re.compile(
    rf"\b(?:{phrases('shares', 'off')}|{phrases('sums', 'subtract')})"
    r"\s*(?:a |the |an |eine |un |una )?[£$€]?\s*$",
    re.I,
)
_MORE = re.compile(
    rf"(?:\b(?:{phrases('shares', 'more')}|{phrases('sums', 'add')}|{phrases('sums', 'and')})|[+&])"
    r"\s*(?:i charge |it'?s |a |the |an |un |una )?[£$€]?\s*$",
    re.I,
)
_OTHER_THING = re.compile(r"\d\s*(?:am|pm|:\d\d|st|nd|rd|th)\b|[=<>{}]|\b\d+x\d+\b", re.I)


def price_sum(text: str) -> Value | None:
    """Return the sum that *text* tells in any order, where each of its numbers plays a part that is known."""
    terms = terms_of(text)
    if not 1 < len(terms) <= MOST_TERMS or any(term.share for term in terms) or _OTHER_THING.search(text):
        return None
    parts = [_part(text, terms, at) for at in range(len(terms))]
    said = _priced(text, terms, parts) or _shared(text, terms, parts)
    return Value("expression", said, terms[0].start, terms[-1].end) if said else None


def _part(text: str, terms: Sequence[Term], at: int) -> Part:
    """Return the part that a number plays by the words beside it."""
    term, ahead = terms[at], text[terms[at - 1].end if at else 0 : terms[at].start]
    if says_price_of_each(text, term) or _EACH_ONE.search(ahead):
        return "price"
    if _is_whole(term) and (_PEOPLE.match(text, term.end) or _WE_ARE.search(ahead) or _BETWEEN.search(ahead)):
        return "heads"
    if _OFF.search(ahead):
        return "off"
    return "more" if at and _MORE.search(ahead) else "number"


def _is_whole(term: Term) -> bool:
    return "." not in term.text


def _priced(text: str, terms: Sequence[Term], parts: Sequence[Part]) -> str | None:
    """ "24.50 a head, 12 of us": one price, how many there are, and what comes on top or off."""
    if parts.count("price") != 1 or not (asks_for_sum(text) or _WHAT_EACH.search(text)):
        return None
    price = parts.index("price")
    counts = [at for at, part in enumerate(parts) if part in ("heads", "number") and _is_whole(terms[at])]
    heads = [at for at in counts if parts[at] == "heads"]
    counts = heads if len(heads) == 1 else counts
    rest = [at for at in range(len(terms)) if at not in (price, *counts)]
    if len(counts) != 1 or any(parts[at] not in ("more", "off") for at in rest):
        return None
    count = counts[0]
    first, second = (price, count) if price < count and parts[count] == "heads" else (count, price)
    signs = [("-" if parts[at] == "off" else "+") + terms[at].text for at in rest]
    return f"{terms[first].text}*{terms[second].text}{''.join(signs)}"


def _shared(text: str, terms: Sequence[Term], parts: Sequence[Part]) -> str | None:
    """ "9 of us and it comes to 143.50, what's that each": a whole, or what adds up to one, and its heads."""
    if parts.count("heads") != 1 or "price" in parts:
        return None
    heads = parts.index("heads")
    if not (_WHAT_EACH.search(text) or _SPLIT.search(text)):
        return None
    others = [at for at in range(len(terms)) if at != heads]
    whole = [("-" if parts[at] == "off" else "+") + terms[at].text for at in others]
    listed = _WHAT_EACH.search(text) is not None
    if parts[others[0]] == "off" or any(parts[at] == "number" and not listed for at in others[1:]):
        return None
    told = "".join(whole).removeprefix("+")
    return f"{told if len(whole) == 1 else f'({told})'}/{terms[heads].text}"
