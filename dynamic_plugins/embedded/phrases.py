"""Phrases: a small notation for what people say, and finding it in a text.

A phrase is words in lower case; ``_`` stands for up to eight words, ``(a|b)`` for either, ``word?`` for a word that may
be missing, ``#`` for a plugin, ``word*`` for all words that begin so. Text is compared word by word; a Chinese,
Japanese or Korean character counts as a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GAP = 8
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff66-\uff9f"
# Vowel and doubling signs stand within words in Arabic, Hebrew, Indic scripts and Thai.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0903"
    "\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0b82-\u0bcd\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
_WORD = re.compile(
    rf"⟨\w+⟩|[{_CJK}]|[^\W_⟨⟩{_CJK}](?:[^\W{_CJK}]|[{_MARKS}]|[.'\u2019/@:&+-](?=[^\W{_CJK}]))*|[^\w\s]|_",
)
_ELISION = re.compile(r"^(n|l|d|j|m|t|s|c|qu)'(?=\w{2})")
_PREFIX = re.compile(r"^(re|un|de)-(?=\w{4})")


@dataclass(frozen=True)
class Text:
    """A text as lower-case words, with where each stood in the original."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    breaks: tuple[bool, ...] = ()
    """Whether a line break stood before the word."""

    @cached_property
    def joined(self) -> str:
        """All words with one space before and after each."""
        return f" {' '.join(self.words)} "

    @cached_property
    def _offsets(self) -> dict[int, int]:
        offsets, at = {}, 1
        for index, word in enumerate(self.words):
            offsets[at] = index
            at += len(word) + 1
        offsets[at] = len(self.words)
        return offsets

    def index(self, offset: int) -> int:
        """Return the number of the word that begins at *offset* of :attr:`joined`."""
        return self._offsets[offset]

    def part(self, start: int, end: int) -> Text:
        """Return words *start* to *end*."""
        return self.choose(range(start, min(end, len(self))))

    def choose(self, indexes: Sequence[int]) -> Text:
        """Return the words at *indexes*."""
        return Text(
            tuple(self.words[i] for i in indexes),
            tuple(self.starts[i] for i in indexes),
            tuple(self.ends[i] for i in indexes),
            tuple(self.breaks[i] for i in indexes),
        )

    def spelled(self, words: tuple[str, ...]) -> Text:
        """Return the same text with other *words*, one for each."""
        return Text(words, self.starts, self.ends, self.breaks)

    def __len__(self) -> int:
        return len(self.words)


def read(text: str) -> Text:
    """Return the words of *text*."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    breaks: list[bool] = []
    for found in _WORD.finditer(text):
        for word, start in _split(found.group().replace("\u2019", "'").lower(), found.start()):
            breaks.append("\n" in text[ends[-1] if ends else 0 : start])
            words.append(word)
            starts.append(start)
            ends.append(found.end())
    return Text(tuple(words), tuple(starts), tuple(ends), tuple(breaks))


def _split(word: str, start: int) -> Iterator[tuple[str, int]]:
    # French and its neighbours glue "n'installe"; "un-pause" and "re-enable" are one word here.
    if elided := _ELISION.match(word):
        yield elided.group(), start
        word, start = word[elided.end() :], start + elided.end()
    yield _PREFIX.sub(r"\1", word), start


@dataclass(frozen=True)
class Hit:
    """A phrase that was found: words *start* to *end*; *literal* counts the words that are not gaps."""

    start: int
    end: int
    literal: int
    label: Any
    gap: tuple[int, int] | None = None
    """The words that stand for ``_``."""


class Phrases:
    """A set of phrases, each with a label, that can be looked for together."""

    def __init__(self, phrases: Iterable[tuple[str, Any]]) -> None:
        self._anywhere: list[tuple[re.Pattern[str], int, Any]] = []
        self._by_first: dict[str, list[tuple[re.Pattern[str], int, Any]]] = {}
        self.single_words: dict[str, Any] = {}
        for phrase, label in phrases:
            compiled = (_compile(phrase), _literal_words(phrase), label)
            first = re.match(r"[^\s(?_|*#]+(?=\s|$)", phrase)
            if first and not first.group().endswith("?"):
                self._by_first.setdefault(read(first.group()).words[0], []).append(compiled)
                if first.group() == phrase:
                    self.single_words.setdefault(phrase, label)
            else:
                self._anywhere.append(compiled)

    def find(self, text: Text) -> list[Hit]:
        """Return all that is found, longest first at each place."""
        hits = []
        for pattern, literal, label in self._candidates(text):
            for found in pattern.finditer(text.joined):
                start, end = text.index(found.start()), text.index(found.end())
                gap = found.span("gap") if "gap" in pattern.groupindex else None
                where = (text.index(gap[0]), text.index(gap[1])) if gap and gap[0] >= 0 else None
                hits.append(Hit(start, end, literal, label, where))
        return sorted(hits, key=lambda hit: (hit.start, -hit.literal, hit.end))

    def match(self, text: Text) -> bool:
        """Return whether any is found."""
        return any(pattern.search(text.joined) for pattern, _, _ in self._candidates(text))

    def all_of(self, text: Text) -> bool:
        """Return whether one of them is the whole text, but for punctuation."""
        spoken = " ".join(word for word in text.words if re.search(r"\w", word))
        return any(pattern.fullmatch(f" {spoken} ", 1) for pattern, _, _ in self._candidates(text))

    def begins(self, text: Text) -> bool:
        """Return whether *text* begins with one of them."""
        return any(pattern.match(text.joined, 1) for pattern, _, _ in self._candidates(text))

    def _candidates(self, text: Text) -> Iterator[tuple[re.Pattern[str], int, Any]]:
        yield from self._anywhere
        for word in dict.fromkeys(text.words):
            yield from self._by_first.get(word, ())


def _compile(phrase: str) -> re.Pattern[str]:
    parts, gaps = ["(?<= )"], 0
    for item in re.findall(r"\([^)]*\)\??|[^\s()]+", phrase):
        if item == "#":
            parts.append(r"⟨\d+⟩ ")
            continue
        if item == "_":
            name = "?P<gap>" if not gaps else "?:"
            parts.append(rf"({name}(?:[^ ]+ ){{1,{GAP}}}?)")
            gaps += 1
            continue
        optional = item.endswith("?") and len(item) > 1
        body = item.removesuffix("?") if optional else item
        choices = body.strip("()").split("|") if body.startswith("(") else [body]
        either = "|".join(_literal(choice) for choice in choices)
        parts.append(f"(?:{either}){'?' if optional else ''}")
    return re.compile("".join(parts))


def _literal(choice: str) -> str:
    if "\\" in choice:
        return f"{choice} "
    if choice.endswith("*"):
        *whole, last = read(choice[:-1]).words
        return "".join(f"{re.escape(word)} " for word in whole) + f"{re.escape(last)}[^ ]* "
    return "".join(f"{re.escape(word)} " for word in read(choice).words)


def _literal_words(phrase: str) -> int:
    items = re.findall(r"\([^)]*\)\??|[^\s()]+", phrase)
    return sum(
        len(read(item.strip("()?").split("|")[0]))
        for item in items
        if item not in ("_", "#") and not item.endswith("?")
    )


@cache
def cues(file: str, name: str) -> Phrases:
    """Return one list of ``prompts/embedded/<file>.toml``."""
    return Phrases((phrase, name) for phrase in prompt_files.table(f"embedded/{file}.toml")[name])


@cache
def word_set(file: str, name: str) -> frozenset[str]:
    """Return one list of ``prompts/embedded/<file>.toml`` as a set of words and word sequences."""
    return frozenset(prompt_files.table(f"embedded/{file}.toml")[name])
