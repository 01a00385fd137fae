"""Sums that people put in words: so many at so much each, so much off, a share, a speed, a part of a whole."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.sum_terms import EACH, FOR_EACH, PERCENT, sum_words, terms_of
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.text.stemmer import stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.values.sum_terms import Term

MOST_TERMS, MOST_BETWEEN, _LIST = 8, 8, 3
"""So many numbers has a sum in words at most, and so many words stand between two of them."""


_MONEY = r"\s*(?:a |the |je )?[£$€]?\s*$"
_LESS, _MORE, _TOTAL = sum_words("less"), sum_words("more"), sum_words("total")
_PART = sum_words("part", behind=r"\s*$|\bd'")
_AT = re.compile(rf"(?:\b{phrases('sums', 'at')}|@|×){_MONEY}", re.I)
_OF, _FROM = sum_words("of", behind=_MONEY), sum_words("from", behind=_MONEY)
_COUNTED = sum_words("of", r"^\s*(?!out\b)[^\W\d_]+\s+", r"\s*$")
_AT_AN_HOUR = re.compile(r"^(?:\s*\b[^\W\d_]+\b){3,}\s+(?:at|um|alle|a las)\s*\d{1,2}$", re.I)
_ADD, _SUBTRACT, _DIVIDE = sum_words("add", behind=r"\b|\+"), sum_words("subtract", behind=r"\b|−"), sum_words("divide")
_BEGINS = sum_words("asks", r"[.!?]\s+|[,;]\s+(?:so\s+)?(?=", r"\b)")
_AND, _AND_ONE = sum_words("and", behind=r"\b|[,;&]"), sum_words("and", behind=rf"\s+{phrases('sums', 'one')}\s")
_INPERCENT = sum_words("in_percent", behind=rf"\s*(?:{PERCENT}|percentage)")
_WHAT_SHARE_OF = sum_words(
    "of", rf"(?:percentage|pourcentage|porcentaje|porcentagem|percentuale|{PERCENT})\s+", r"\s+(?:the\s+)?[£$€]?\s*$"
)
_FRACTIONS = [
    (by, sum_words(name, behind=rf"\s+{phrases('sums', 'of')}\s+(?:the\s+)?[£$€]?\s*$"))
    for name, by in (("half", 2), ("third", 3), ("quarter", 4))
]
_TAKEN, _SHARED_OUT = sum_words("taken", behind=r"\b[^\d]*$"), sum_words("shared_out")
_DIVIDED, _MULTIPLIED = sum_words("divided", behind=r"\b[^\d]*$"), sum_words("multiplied", behind=r"\b[^\d]*$")
_BY = sum_words("by", r"^\s*", _MONEY)
_A_PER_B = re.compile(r"([^\W\d_]+)\s*(?:/|\b(?:per|pro|por|par|an?|al)\b)\s*([^\W\d_]+)", re.I)
_SPEED, _TIME = sum_words("speed", "^", "$"), sum_words("time", "^", "$")
_SIZES = {
    ("g", "kg"): "/1000", ("mg", "g"): "/1000", ("ml", "l"): "/1000", ("m", "km"): "/1000", ("mm", "m"): "/1000",
    ("kg", "t"): "/1000", ("cm", "m"): "/100", ("cl", "l"): "/100", ("mm", "cm"): "/10", ("min", "h"): "/60",
    ("s", "min"): "/60", ("kg", "g"): "*1000", ("l", "ml"): "*1000", ("m", "cm"): "*100", ("h", "min"): "*60",
}  # fmt: skip
_ABOUT = re.compile(
    r"(?P<kg>kgs?|kilos?|kilogram\w*)|(?P<g>g|gr|grams?|gramm|grammes?|gramos?|grammi)|(?P<mg>mg)|(?P<ml>ml|millilit\w*)"
    r"|(?P<cl>cl)|(?P<l>l|lit(?:re|er|ro|ri)s?)|(?P<km>km|kilomet\w*)|(?P<mm>mm)|(?P<cm>cm)|(?P<m>m|met(?:re|er|ro|ri)s?)"
    r"|(?P<t>t|tonn?e\w*)|(?P<min>min|mins|minut\w*)|(?P<h>h|hrs?|hours?|stunden?|std|heures?|horas?|ore)|(?P<s>s|secs?|seconds?)",
    re.I,
)
_WANTED = re.compile(
    r"\b(?:in|into|en|em|w|how many|wie viele|combien de|cuántos|quanti|per|pro|por)\s+([^\W\d_]+)|/\s?([a-z]+)\b", re.I
)
_MONEY_ASKED = sum_words("money_asked")
ASKS = sum_words("asks", r"\?|=\s*$|\b")


def word_sum(text: str) -> Value | None:
    """Return the sum that *text* puts in words, where it says of every number what is done with it."""
    if re.search(r"\d\s*(?:\*\*|[*+^])\s*\(?\d", text):
        return None
    every = terms_of(text)
    # A number of a sentence before may be of something else: "day 2 then. 31 minutes, and 25% are to be left".
    starts = [0, *(found.end() for found in _BEGINS.finditer(text))]
    for start in starts:
        terms = [term for term in every if term.start >= start]
        if len(terms) <= MOST_TERMS and (said := _sum_of(text, terms)):
            return Value("expression", said, terms[0].start, terms[-1].end)
    return None


def _sum_of(text: str, terms: Sequence[Term]) -> str | None:
    if len(terms) == 1:
        return _fraction_of(text, terms[0])
    if not terms:
        return None
    return _share_of(text, terms) or _part_of(text, terms) or _listed(text, terms) or _chained(text, terms)


def _fraction_of(text: str, term: Term) -> str | None:
    """ "Half of 350"."""
    ahead = text[: term.start]
    return next((f"{term.text}/{by}" for by, words in _FRACTIONS if not term.share and words.search(ahead)), None)


def asks_for_sum(text: str) -> bool:
    """Whether *text* asks what a sum comes to."""
    return bool(ASKS.search(text) or _INPERCENT.search(text) or _TOTAL.search(text))


def factor(term: str, how: str) -> str:
    """Return what *term* per cent ``less``, ``more`` or as a ``share`` multiplies by."""
    share = float(term)
    return f"{({'less': 100 - share, 'more': 100 + share}.get(how, share)) / 100:.10g}"


def how_of_share(words: str) -> str | None:
    """Return whether *words* beside a number of per cent take it off (``less``) or put it on top (``more``)."""
    return "less" if _LESS.search(words) else "more" if _MORE.search(words) else None


def _share_of(text: str, terms: Sequence[Term]) -> str | None:
    """ "68% of 12.5", "20% off 85": the share stands first."""
    if len(terms) != 2 or not terms[0].share or terms[1].share:
        return None
    gap = text[terms[0].end : terms[1].start]
    if len(gap.split()) > MOST_BETWEEN:
        return None
    if re.match(
        r"\s*(?:off|less|rabatt auf|discount on|de descuento (?:en|sobre)|de remise sur|di sconto su)\b", gap, re.I
    ):
        return f"{terms[1].text}*{factor(terms[0].text, 'less')}"
    return f"{terms[1].text}*{factor(terms[0].text, 'share')}" if _PART.search(gap) else None


def _part_of(text: str, terms: Sequence[Term]) -> str | None:
    """ "290 from 3620 in %", "what % of 3620 is 290", "from 940 to 1015 in %", "430 miles on 38 l, miles per l",
    "divide 680 by 16".
    """
    if len(terms) != 2 or any(term.share for term in terms):
        return None
    first, second = terms
    gap, ahead, behind = text[first.end : second.start], text[: first.start], text[second.end :]
    if _WHAT_SHARE_OF.search(ahead):
        return f"{second.text}/{first.text}*100"
    if _TAKEN.search(ahead) and _FROM.search(gap):
        return f"{second.text}-{first.text}"
    if _BY.search(gap) and (_DIVIDED.search(ahead) or _MULTIPLIED.search(ahead)):
        return f"{first.text}{'/' if _DIVIDED.search(ahead) else '*'}{second.text}"
    if _INPERCENT.search(behind) or _INPERCENT.search(ahead):
        if _FROM.search(ahead) and re.search(r"\b(?:to|auf|a|à|para|na|naar|til|till)\s*[£$€]?\s*$", gap):
            return f"({second.text}-{first.text})/{first.text}*100"
        return f"{first.text}/{second.text}*100" if _FROM.search(gap) and len(gap.split()) < 4 else None
    asked = [(_root(m[1]), _root(m[2])) for m in _A_PER_B.finditer(behind)]
    return f"{first.text}/{second.text}" if (_root(first.unit), _root(second.unit)) in asked else None


def _root(unit: str) -> str:
    """Return what is the same of a unit for one and for many: "mile" and "miles", "quintale" and "quintali"."""
    return _size(unit) or stem(unit.lower())[:4]


def _chained(text: str, terms: Sequence[Term]) -> str | None:
    """Read the numbers from left to right, each with what the words before it do with it."""
    groups = [terms[0].text]
    if terms[0].share or any(term.unit == "x" for term in terms[:-1]):
        return None
    ways = [_way(text, terms, i) for i in range(1, len(terms))]
    for i, (term, way) in enumerate(zip(terms[1:], ways, strict=True)):
        ahead = ways[i + 1] if i + 1 < len(ways) else None
        if way == "and":
            adds = (ahead or "").endswith("*") or _TOTAL.search(text) or (ahead and _DIVIDE.search(text))
            way = "+" if adds or ("*" in groups[-1] and _MONEY_ASKED.search(text)) else None
        if way is None:
            return None
        if way in ("+", "-"):
            groups.append(way + term.text)
        elif way in ("less", "more", "share"):
            groups = [f"{_held(groups)}*{factor(term.text, way)}"]
        elif way == "part":
            groups = [f"{_held(groups)}/{term.text}*100"]
        elif way == "split":
            groups = [f"{_held(groups)}/{term.text}"]
        else:
            groups[-1] += way + term.text
    return _in_the_unit_asked_for("".join(groups), text, terms)


def _held(groups: Sequence[str]) -> str:
    return groups[0] if len(groups) == 1 else f"({''.join(groups)})"


def _way(text: str, terms: Sequence[Term], i: int) -> str | None:
    """Return what is done with the number at *i*: a sign, a share, ``split``, ``and``; None where nothing says."""
    last, term = terms[i - 1], terms[i]
    gap = text[last.end : term.start]
    behind = text[term.end : terms[i + 1].start if i + 1 < len(terms) else len(text)]
    if _is_what_each_is(last, term, gap, behind):
        return "*"
    if len(gap.split()) > MOST_BETWEEN or (re.search(r"[.!?]\s", gap[:-1]) and not _per(term, terms[:i])):
        return None
    if term.share:
        if re.search(r"\bmin\.?\s*$", gap):
            return "less"  # what the Dutch write for minus
        near = " ".join(re.split(r"[.?!,;]", behind)[0].split()[:4])
        return how_of_share(f"{gap} {near}") or ("share" if ASKS.search(text) else None)
    if _WHAT_SHARE_OF.search(gap):
        return "part"
    if _AND_ONE.search(gap) and _AT.search(gap):
        return "+"
    for pattern, way in ((_ADD, "+"), (_SUBTRACT, "-"), (_DIVIDE, "/")):
        if pattern.search(gap):
            return "split" if way == "/" and _SHARED_OUT.search(gap) else way
    return _multiplied(text, gap, behind, last, term) or ("*" if _per(term, terms[:i]) else _joined(gap))


def _is_what_each_is(last: Term, term: Term, gap: str, behind: str) -> bool:
    """Whether a number says what each of so many is: "17 members owe 42.50 each", "27 then. They're 3.25 apiece"."""
    if "." in last.text or term.share or last.share or not FOR_EACH.match(behind):
        return False
    return len(gap.split()) <= MOST_BETWEEN and not _AND.search(gap) and len(re.findall(r"[.!?;]\s", gap)) <= 1


def says_what_each_is(text: str) -> bool:
    """Whether *text* says of a number that each is so much."""
    return any(FOR_EACH.match(text[term.end :]) for term in terms_of(text)[1:])


def _listed(text: str, terms: Sequence[Term]) -> str | None:
    """ "18.50 22 9.40 31 and 14, total please": numbers with nothing between them, and a word for their sum."""
    gaps = [text[one.end : other.start] for one, other in pairwise(terms)]
    if len(terms) < _LIST or not _TOTAL.search(text) or any(term.share for term in terms):
        return None
    if not all(re.fullmatch(r"\W*", gap) or _AND.fullmatch(gap.strip(" ,;")) for gap in gaps):
        return None
    return "+".join(term.text for term in terms)


def _joined(gap: str) -> str | None:
    return "and" if _AND.search(gap) else None


def _multiplied(text: str, gap: str, behind: str, last: Term, term: Term) -> str | None:
    """Return the sign between how many there are and what each is; None where nothing says so."""
    if _AT_AN_HOUR.search(gap + term.text) and not EACH.match(behind):
        return None  # "3 days in Leeds at 5"
    of = _OF.search(gap) and ("." in term.text or EACH.match(behind) or (_COUNTED.search(gap) and ASKS.search(text)))
    if not (_AT.search(gap) or of):
        return None
    if _SPEED.match(f"{term.unit}/{term.each}" if term.each else term.unit):
        return "*" if _TIME.match(last.unit) else "/"
    if not term.each or _root(term.each) == _root(last.unit):
        return "*"
    if not _size(last.unit) or not _size(term.each):
        return "*" if not (_TIME.match(term.each) and _TIME.match(last.unit)) else None
    # Of 500 g at 9 a kilo nine times as many are not to be paid.
    step = _SIZES.get((_size(last.unit), _size(term.each)))
    return f"{step}*" if step else None


def _per(term: Term, before: Sequence[Term]) -> bool:
    """Whether one number is so much of each of what the other counts: "34 quintals, 100 litres a quintal"."""
    units = {_root(other.unit) for other in before if other.unit}
    each = {_root(other.each) for other in before if other.each}
    return bool((term.each and _root(term.each) in units) or (term.unit and _root(term.unit) in each))


def _in_the_unit_asked_for(written_out: str, text: str, terms: Sequence[Term]) -> str:
    """Add the step from the unit of the last number to the one that the message asks for: grams to kilos."""
    has = _size(next((t.unit for t in reversed(terms) if _size(t.unit)), ""))
    for found in _WANTED.finditer(text, terms[-1].end):
        wants = _size(found[1] or found[2] or "")
        if has and wants and (step := _SIZES.get((has, wants))):
            if written_out.count("/") == 1 and re.match(r"per|pro|por|/", found.group(), re.I):
                step = step.translate(str.maketrans("*/", "/*"))
            return f"{written_out}{step}"
    return written_out


def _size(unit: str) -> str:
    found = _ABOUT.fullmatch(unit)
    return found.lastgroup or "" if found else ""
