"""Currencies that people write: by code, by sign, by name in some languages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BESIDE_NUMBER = "number"
"""The unit of a currency that stands beside a number: what an amount is of."""
_WORD = re.compile(r"[^\W\d_]*[$€£¥₩₹₪₺₱฿]|[^\W\d_]+")
_BEFORE = re.compile(r"\d[\s.,]*(?:k|mio|million|tausend|thousand)?\s*(?:[^\W\d_]{2,}\s+){0,2}\Z", re.I)
_AFTER = re.compile(r"\s?\d")
_OF_A_COUNTRY = re.compile(r"(?:an|ian|ish|ese|ean|isch\w*|ien\w*|iens?|enses?|anos?|inos?)\Z", re.I)
_UNMISTAKABLE = frozenset({"eur", "usd", "gbp", "jpy", "chf", "cny", "pln", "czk", "huf", "nzd", "brl", "inr", "mxn"})


@cache
def _names(section: str) -> dict[str, str]:
    table = prompt_files.table("embedded/currencies.toml")[section]
    return {plain(word): code for code, words in table.items() for word in words.split()}


@cache
def codes() -> frozenset[str]:
    """Return the codes of the currencies that are known by name."""
    return frozenset(prompt_files.table("embedded/currencies.toml")["names"])


def currencies(text: str) -> Iterator[Value]:
    """Give the currencies in *text*: their codes; the unit says which stand beside a number."""
    sure = list(_found(text, _by_itself))
    yield from sure
    known = {value.start for value in sure}
    # "Pounds" and "real" are money where there is a number to them, or other money.
    more = (value for value in _found(text, _names("beside_others").get) if value.start not in known)
    yield from (value for value in more if sure or value.unit)


def _found(text: str, meant: Callable[[str], str | None]) -> Iterator[Value]:
    for found in _WORD.finditer(text):
        before = text[: found.start()]
        unit = BESIDE_NUMBER if _BEFORE.search(before) or _AFTER.match(text[found.end() :]) else ""
        if code := _of_country(meant(found.group()), before):
            yield Value("currency", code, found.start(), found.end(), unit)


def _by_itself(word: str) -> str | None:
    # Codes are words as well: "TRY" is one, and "try" none.
    if word.upper() in codes() and (word.isupper() or word.lower() in _UNMISTAKABLE):
        return word.upper()
    return _names("names").get(plain(word))


def _of_country(code: str | None, before: str) -> str | None:
    """Return the currency that the word in front makes of *code*'s: Canada's dollar; None for one that is not known."""
    if code is None or not (words := re.findall(r"[^\W\d_]+(?=\s+\Z)", before)):
        return code
    whose = plain(words[-1])
    for beginning, other in _names("whose").items():
        if whose.startswith(beginning):
            return other
    return None if len(whose) > 4 and _OF_A_COUNTRY.search(whose) else code
