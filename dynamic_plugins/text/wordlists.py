"""Lists of English words that names and searches are read with, from the text files beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

List = Literal[
    "asking", "elsewhere", "foreign", "idle", "joining", "looking", "ordinary", "stop", "switching", "untold"
]


@cache
def wordlist(name: List) -> frozenset[str]:
    """Return the words of one list, in lower case."""
    lines = _lines("words.txt")
    start = lines.index(f"[{name}]") + 1
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("[")), len(lines))
    return frozenset(" ".join(lines[start:end]).split())


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """Return for each word of ``synonyms.txt`` the others that people use for the same thing."""
    return _in_groups(_lines("synonyms.txt"))


@cache
def search_synonyms() -> dict[str, tuple[str, ...]]:
    """Return the same for a search, where verbs for the same work count as well: who writes into a page adds to it."""
    return _in_groups([*_lines("synonyms.txt"), *_lines("verb_synonyms.txt")])


def _in_groups(lines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for group in map(str.split, lines):
        for word in group:
            found.setdefault(word, {}).update(dict.fromkeys(other for other in group if other != word))
    return {word: tuple(others) for word, others in found.items()}


def _lines(name: str) -> list[str]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
