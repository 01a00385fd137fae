"""The orders in a message: which of the six things is wanted, of which plugins, and what speaks against it.

The message is read sentence by sentence. A verb makes an order; what stands before it tells whether it is ordered,
told, asked or forbidden; what stands after an order may take it back or change its target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.phrases import Hit, Phrases, Text, cues, word_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENDS = frozenset({".", "!", "?", ";", "…", *"\u3002\uff01\uff1f\uff1b"})
_DASH = frozenset("\u2014\u2013")
BREAKS = frozenset({",", ":", "(", ")", "-", *"\u2014\u2013\u3001\uff0c\uff1a", "&", "+", "/", "*", "•"})
JOINS = word_set("cues", "joins")
SLOT = re.compile(r"⟨(\d+)⟩")


@dataclass(frozen=True)
class Verb:
    """A verb that was found. *sure* ones need no plugin beside them to mean what they say."""

    intent: str
    sure: bool
    language: str
    wish: bool = False
    """Whether it wishes rather than orders ("I need", "I'd like"): it is said of oneself."""
    passive: bool = False
    """Whether its object stands before it ("can X be installed")."""
    tail: bool = False
    """Whether it only says where to ("out of memory"): the clause before it is part of it."""
    gerund: bool = False
    """Whether it only asks after "would you mind"."""


@dataclass
class Order:
    """Something that is wanted. *slots* are the numbers of the mentions it is about, *loose* the words after it."""

    intent: str
    sure: bool
    slots: list[int] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    loose: tuple[str, ...] = ()
    refers: str = ""
    """``it`` or ``all`` when it says so in place of a name."""
    given: bool = True
    """Whether it is an order in form; what is told, asked or forbidden is none."""
    sentence: int = 0
    at: int = 0
    """Where its verb stands, in characters."""
    spared: list[int] = field(default_factory=list)
    contrast: list[int] = field(default_factory=list)
    """What is set against its objects with an "only" or a "but"."""
    apart: list[int] = field(default_factory=list)
    """What is named after it and is not its object."""
    formal: bool = False
    """Whether the verb stands where an order stands."""
    had_slots: bool = False


_WISH = re.compile(r"(?:need|want|like|have|see|enough|had enough|done|swap|lose)\b")


@cache
def verbs() -> Phrases:
    """Return all phrases of ``verbs.toml``."""
    return Phrases(each_phrase())


def each_phrase() -> Iterator[tuple[str, Verb]]:
    for language, intents in prompt_files.table("embedded/verbs.toml").items():
        for intent, strengths in intents.items():
            for strength, phrases in strengths.items():
                for phrase in phrases:
                    passive = phrase.startswith("be ") or language in _VERB_LAST
                    tail = phrase.split(" ", 1)[0] in _TAILS
                    yield phrase, Verb(intent, strength == "sure", language, bool(_WISH.match(phrase)), passive, tail)
                    if language == "en" and strength == "sure" and (gerund := _gerund(phrase)):
                        yield gerund, Verb(intent, True, language, gerund=True)


_VERB_LAST = frozenset({"ja", "ko", "zh", "tr", "hi"})
_DOUBLED = frozenset({"put", "set", "get", "shut", "cut", "stop", "flip", "spin", "let"})


def _gerund(phrase: str) -> str:
    """Return "switching _ on" for "switch _ on"; empty for what does not begin with a verb."""
    first, _, rest = phrase.partition(" ")
    if not first.isalpha() or first in _NO_VERBS:
        return ""
    stem = first + first[-1] if first in _DOUBLED else first[:-1] if first.endswith("e") else first
    return f"{stem}ing {rest}".rstrip()


_NO_VERBS = frozenset(
    [
        "be",
        "from",
        "out",
        "off",
        "of",
        "back",
        "not",
        "no",
        "in",
        "want",
        "need",
        "have",
        "like",
        "the",
        "npm",
        "pip",
        "uvx",
        "npx",
        "uv",
        "yarn",
        "pnpm",
        "see",
        "a",
    ]
)


def sentences(text: Text) -> list[tuple[int, int]]:
    """Return where the sentences of *text* begin and end, in words."""
    parts, begin = [], 0
    for index, word in enumerate(text.words):
        line_break = index > begin and text.breaks[index]
        if line_break:
            parts.append((begin, index))
            begin = index
        if word in ENDS or word in _DASH:
            parts.append((begin, index + 1))
            begin = index + 1
    parts.append((begin, len(text)))
    return [(start, end) for start, end in parts if any(re.search(r"\w", word) for word in text.words[start:end])]


def verb_hits(text: Text) -> list[Hit]:
    """Return the verbs in *text* that do not stand inside one another, in order."""
    best: list[Hit] = []
    counts = _languages(text)
    spoken = [hit for hit in verbs().find(text) if _is_spoken(hit, text, counts)]
    for hit in sorted(spoken, key=lambda each: (-each.literal, not each.label.sure, each.end - each.start)):
        if not any(_clash(hit, other) for other in best):
            best.append(hit)
    best += [hit for hit in _switches(text) if not any(_clash(hit, other) for other in best)]
    return sorted(best, key=lambda hit: (hit.start, hit.end))


def _is_spoken(hit: Hit, text: Text, counts: Mapping[str, int]) -> bool:
    """Whether a verb is one of the language that *text* is in: "active" orders in French and tells in English."""
    foreign = hit.label.language != "en" and all(text.words[index].isascii() for index in literal_words(hit))
    return not foreign or counts.get(hit.label.language, 0) >= counts["en"]


def _languages(text: Text) -> dict[str, int]:
    """Return how many of the small words of each language *text* has."""
    return {
        language: sum(word in words for word in text.words)
        for language, words in prompt_files.table("embedded/languages.toml").items()
    }


_TAILS = frozenset(
    {"from", "out", "gone", "off", "of", "back", "not", "aus", "de", "da", "dalla", "di", "uit", "из", "ur", "z"}
)
_SWITCHES = {
    "on": "activate",
    "off": "deactivate",
    "in": "activate",
    "out": "deactivate",
    "an": "activate",
    "aus": "deactivate",
}
_QUESTION_WORDS = frozenset(
    {"is", "are", "was", "were", "ist", "sind", "if", "whether", "what's", "whats", "what", "isn't"}
)


def _switches(text: Text) -> list[Hit]:
    """Return "discord off", "slack on": a name and a switch at the end of a clause, with no verb at all."""
    hits = []
    for index, word in enumerate(text.words):
        ends = index + 1 == len(text) or text.words[index + 1] in BREAKS | ENDS | JOINS | _AFTER_SWITCH
        before = text.words[index - 2] if index > 1 and text.words[index - 1] in _BACK else text.words[index - 1]
        named = index > 0 and (SLOT.fullmatch(before) or (index < 4 and len(text) < 6))
        if word in _SWITCHES and ends and named and not _QUESTION_WORDS & set(text.words[:index]):
            hits.append(Hit(index, index + 1, 1, Verb(_SWITCHES[word], True, "en", passive=True)))
    return hits


_BACK = frozenset({"back", "again", "wieder", "weer", "right", "fully"})
_AFTER_SWITCH = frozenset(
    {
        "please",
        "pls",
        "plz",
        "now",
        "thx",
        "thanks",
        "bitte",
        "again",
        "except",
        "but",
        "apart",
        "til",
        "till",
        "until",
        "for",
        "asap",
        "außer",
        "sauf",
    }
)


def literal_words(hit: Hit) -> set[int]:
    """Return the places of a hit's own words, without its gap."""
    gap = set(range(*hit.gap)) if hit.gap else set()
    return set(range(hit.start, hit.end)) - gap


def _clash(hit: Hit, other: Hit) -> bool:
    if literal_words(hit) & literal_words(other):
        return True
    # "turn x on": what stands in the gap is its object, not another verb; a gap must not reach over a verb.
    inside = other.gap is not None and other.gap[0] <= hit.start and hit.end <= other.gap[1]
    around = hit.gap is not None and hit.gap[0] <= other.start and other.end <= hit.gap[1]
    return inside or around


def clauses(text: Text, hits: Sequence[Hit]) -> list[tuple[int, int]]:
    """Cut a sentence so that each of its verbs has a clause of its own."""
    cuts = [0]
    for before, after in pairwise(hits):
        breaks = [i for i in range(before.start + 1, after.start) if text.words[i] in BREAKS or text.words[i] in JOINS]
        last = breaks[-1] if breaks else after.start
        while last - 1 > before.start and (text.words[last - 1] in BREAKS or text.words[last - 1] in JOINS):
            last -= 1
        cuts.append(max(last, cuts[-1] + 1))
    cuts.append(len(text))
    return list(pairwise(cuts))


def slots(text: Text) -> list[int]:
    """Return the numbers of the mentions in *text*."""
    return [int(found[1]) for word in text.words if (found := SLOT.fullmatch(word))]


def content(text: Text) -> tuple[str, ...]:
    """Return the words of *text* that may name something: no articles, no courtesy, no mentions."""
    filler, courtesy = word_set("questions", "filler"), word_set("cues", "asks")
    return tuple(
        word
        for word in text.words
        if re.search(r"\w", word) and not SLOT.fullmatch(word) and word not in filler and word not in courtesy
    )


_NOT_ALL = frozenset({"after", "at", "above", "in"})
"""Before "all" these make it another word: "keep it after all"."""


def refers(text: Text) -> str:
    """Return ``all`` or ``it`` when *text* says so in place of a name."""
    if any(not (hit.start and text.words[hit.start - 1] in _NOT_ALL) for hit in cues("questions", "again").find(text)):
        return "all"
    return "it" if any(word in word_set("questions", "it") for word in text.words) else ""
