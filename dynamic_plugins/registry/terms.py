"""Text as the search reads it: words apart that are written together, and nothing that says nothing."""

from __future__ import annotations

import re
import unicodedata

from dynamic_plugins.registry.wordlists import wordlist

# Chinese, Japanese and Korean do not mark words off: neighbouring characters are taken two by two.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
LONGEST = 40
"""Longer runs of letters and digits are data, not words."""


def readable(text: str) -> str:
    """Return *text* with its words apart: ``getStockPrice`` is ``get Stock Price``, Chinese is pairs of characters."""
    text = unicodedata.normalize("NFKC", text)
    text = _HUMPS.sub(" ", text).replace("_", " ")
    return text if text.isascii() else _UNSPACED_RUN.sub(_pairs, text)


def words(text: str) -> list[str]:
    """Return the telling words of a request in lower case, each once, in order."""
    stop = wordlist("stop")
    found = (word for word in _WORD.findall(readable(text).lower()) if word not in stop and len(word) <= LONGEST)
    return list(dict.fromkeys(found))


def _pairs(run: re.Match[str]) -> str:
    text = run[0]
    return " " + " ".join(text[at : at + 2] for at in range(max(1, len(text) - 1))) + " "
