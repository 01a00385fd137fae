"""What speaks for a run of words as the value of a text parameter, as features of its beginning, its end and both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import fillers, joining_words, verb_kinds
from dynamic_plugins.embedded.language.free_text import label_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dynamic_plugins.embedded.language.free_text import Span


TEXTUAL = frozenset({"text", "query", "name", "city", "branch", "id", "path", "glob"})
"""The roles of parameters whose values are words of the message."""
_WORD = re.compile(
    r"""[^\s"'“”„«»()\[\]{},;:!?.…–—]+(?:[.,:'’\-–!?]+[^\s"“”„«»()\[\]{},;:!?.…]+)*|\S""",
)
_BREAKS = frozenset(".!?;…")
_OPEN, _CLOSE, _QUOTES = '"“„«', '"”»“', '"“”„«»'


@dataclass(frozen=True)
class Slot:
    """A value that a tool takes: its name, its role, whether it is a list, and whether it must be there.

    *path* leads to it through the arguments.
    """

    path: tuple[str, ...]
    name: str
    role: str
    many: bool
    required: bool


@dataclass(frozen=True)
class Ruled:
    """What the rules take for a slot's value: where it stands, if it stands there, and how sure they are."""

    spans: frozenset[Span] = frozenset()
    how: str = "other"
    given: bool = False


class Words:
    """A message cut into words and marks, with what is counted of them."""

    def __init__(self, text: str) -> None:
        found = list(_WORD.finditer(text))
        self.text, self.size = text, len(found)
        self.raw = [word.group() for word in found]
        self.starts, self.ends = [word.start() for word in found], [word.end() for word in found]
        self.plain = [_bare(word) for word in self.raw]
        self.classes = [_class(word) for word in self.raw]
        self.shapes = [_shape(word) for word in self.raw]
        self.verbs = ["|".join(sorted(verb_kinds(word))) for word in self.plain]
        gaps = [text[end:start] for end, start in zip([0, *self.ends], self.starts, strict=False)]
        self.apart = ["\n" in gap or "  " in gap for gap in gaps] + [True]
        inside = list(accumulate((word in _QUOTES for word in self.raw), initial=0))
        self.quoted = [count % 2 for count in inside]

    def at(self, values: Sequence[str], place: int) -> str:
        """Return one of *values*, or a mark where *place* is before the first or behind the last."""
        return values[place] if 0 <= place < self.size else ("<s>" if place < 0 else "</s>")

    def counted(self, holds: Callable[[int], bool]) -> list[int]:
        """Return how many words before each place something *holds* of."""
        return list(accumulate((int(holds(i)) for i in range(self.size)), initial=0))


@lru_cache(maxsize=16)
def words_of_text(text: str) -> Words:
    """Return *text* cut into words."""
    return Words(text)


def _bare(word: str) -> str:
    return plain(word) if re.search(r"\w", word) else word


@lru_cache(maxsize=20_000)
def _class(word: str) -> str:
    if not re.search(r"\w", word):
        return f"P{word}"
    bare = plain(word)
    kind = "F" if bare in fillers() else "J" if bare in joining_words() else ""
    return f"{kind}V" if verb_kinds(bare) else kind or "w"


@lru_cache(maxsize=20_000)
def _shape(word: str) -> str:
    if not re.search(r"\w", word):
        return word
    if word[0].isdigit():
        return "number" if word.replace(".", "").replace(",", "").isdigit() else "code number"
    if word[0].isupper():
        return "name" if len(word) > 1 and word[1:].islower() else "capitals"
    return "path" if re.search(r"[/\\]", word) else "code" if re.search(r"[._-]", word) else "low"


class Features:
    """What speaks for each run of words of a message as one slot's value: of its beginning, of its end, and of both."""

    def __init__(self, words: Words, slot: Slot, others: Sequence[str], tool: str, ruled: Ruled) -> None:
        self.words, self.slot, self.ruled = words, slot, ruled
        self._own = label_words(slot.name)
        self._others = frozenset(word for name in others if name != slot.name for word in label_words(name)) - self._own
        self._of_tool = frozenset(stem(word) for word in tokens(tool))
        self._texts = len(others)
        labels = [self._label(i) for i in range(words.size)]
        self._labels = labels
        marks = [i if words.raw[i - 1] in _BREAKS else 0 for i in range(words.size + 1)]
        self._begun = list(accumulate(marks, max))
        joins = frozenset({"and", "und", "y", "et", "e", "en", "&", "+"})
        self._counts = {
            "breaks": words.counted(lambda i: words.raw[i] in _BREAKS),
            "commas": words.counted(lambda i: words.raw[i] == ","),
            "colons": words.counted(lambda i: words.raw[i] == ":"),
            "others": words.counted(lambda i: labels[i] == "O"),
            "own": words.counted(lambda i: labels[i] == "L"),
            "lines": words.counted(lambda i: bool(i) and words.apart[i]),
            "quotes": words.counted(lambda i: words.raw[i] in _QUOTES),
            "content": words.counted(lambda i: words.classes[i] == "w"),
            "joins": words.counted(lambda i: words.plain[i] in joins),
            "verbs": words.counted(lambda i: "V" in words.classes[i]),
        }

    def _label(self, place: int) -> str:
        word = self.words.plain[place]
        if word in self._own:
            return "L"
        return "O" if word in self._others else "T" if stem(word) in self._of_tool else ""

    def _lab(self, place: int) -> str:
        return self.words.at(self._labels, place)

    def beginning(self, i: int) -> Iterator[tuple[str, str]]:
        """Yield what there is of a run that begins at *i*: (what, value)."""
        w = self.words
        one, two = w.at(w.plain, i - 1), w.at(w.plain, i - 2)
        kind, before = w.at(w.classes, i - 1), w.at(w.classes, i - 2)
        yield "l1", one
        yield "l2", f"{two} {one}"
        yield "lc", kind
        yield "lc2", f"{before} {kind}"
        yield "ll", self._lab(i - 1)
        yield "ll2", f"{self._lab(i - 2)} {self._lab(i - 1)}"
        yield "lll", f"{self._lab(i - 2)} {kind}"
        yield "f", w.plain[i]
        yield "fc", w.classes[i]
        yield "fs", w.shapes[i]
        yield "lcf", f"{kind} {w.classes[i]}"
        yield "lwf", f"{one} {w.shapes[i]}"
        yield "ls", f"{w.at(w.shapes, i - 1)} {w.shapes[i]}"
        yield "l3", f"{w.at(w.classes, i - 3)} {before} {kind}"
        yield "lv", w.at(w.verbs, i - 1)
        yield "lvv", f"{w.at(w.verbs, i - 2)} {one}"
        yield "fv", w.verbs[i]
        yield "flab", self._labels[i]
        yield "nl", str(w.apart[i])
        yield "q", f"{w.quoted[i]} {one in _OPEN}"

    def ending(self, j: int) -> Iterator[tuple[str, str]]:
        """Yield what there is of a run that ends before *j*."""
        w = self.words
        one, two = w.at(w.plain, j), w.at(w.plain, j + 1)
        kind, behind = w.at(w.classes, j), w.at(w.classes, j + 1)
        yield "r1", one
        yield "r2", f"{one} {two}"
        yield "rc", kind
        yield "rc2", f"{kind} {behind}"
        yield "rl", self._lab(j)
        yield "rl2", f"{self._lab(j)} {self._lab(j + 1)}"
        yield "rcl", f"{kind} {self._lab(j + 1)}"
        yield "e", w.plain[j - 1]
        yield "ec", w.classes[j - 1]
        yield "es", w.shapes[j - 1]
        yield "erc", f"{w.classes[j - 1]} {kind}"
        yield "rs", f"{w.shapes[j - 1]} {w.at(w.shapes, j)}"
        yield "r3", f"{kind} {behind} {w.at(w.classes, j + 2)}"
        yield "elab", self._labels[j - 1]
        yield "rnl", str(w.apart[j])
        yield "rq", f"{w.quoted[j]} {one in _CLOSE}"
        yield "rv", w.at(w.verbs, j)

    def whole(self, i: int, j: int) -> Iterator[tuple[str, Any]]:
        """Yield what there is of the run from *i* to before *j*."""
        w, counts, size = self.words, self._counts, j - i
        content, verbs = counts["content"], counts["verbs"]
        begun = self._begun[i]
        yield "len", size if size < 6 else 6 + min((size - 6) // 4, 5)
        yield "brk", min(counts["breaks"][j] - counts["breaks"][i], 2)
        yield "com", min(counts["commas"][j] - counts["commas"][i], 2)
        yield "col", counts["colons"][j] > counts["colons"][i]
        yield "ol", counts["others"][j] > counts["others"][i]
        yield "sl", counts["own"][j] > counts["own"][i]
        yield "nlin", counts["lines"][j] > counts["lines"][i + 1]
        yield "qin", min(counts["quotes"][j] - counts["quotes"][i], 2)
        yield "left", min(content[-1] - (content[j] - content[i]), 6)
        yield "ends", (i == 0, j == w.size)
        yield "cont", min(content[j] - content[i], 5)
        yield "out", (min(content[i], 3), min(content[-1] - content[j], 3))
        yield "join", min(counts["joins"][j] - counts["joins"][i], 2)
        yield "verb", min(counts["verbs"][j] - counts["verbs"][i], 2)
        yield "verbs around", (min(verbs[i], 2), min(verbs[-1] - verbs[j], 2))
        yield "sentence", (begun == 0, begun and counts["content"][i] == counts["content"][begun])
        yield "quo", (i > 0 and w.raw[i - 1] in _OPEN, j < w.size and w.raw[j] in _CLOSE)
        yield "colb", (i > 0 and w.raw[i - 1] == ":", j == w.size)
        start, end = w.starts[i], w.ends[j - 1]
        exact = any(
            s == start and abs(e - end) <= (w.text[min(e, end) : max(e, end)] == ".") for s, e in self.ruled.spans
        )
        yield "rule", (exact, self.ruled.how)
        yield (
            "near",
            (
                any(s == start for s, _ in self.ruled.spans),
                any(e == end for _, e in self.ruled.spans),
                self.ruled.how,
            ),
        )

    def _ends_alike(self, one: int, other: int) -> bool:
        return one == other or self.words.text[min(one, other) : max(one, other)] == "."

    def none(self) -> Iterator[tuple[str, Any]]:
        """Yield what there is of a message that does not give the value."""
        yield "none", self.slot.required
        yield "none labels", "L" in self._labels
        yield "none texts", min(self._texts, 3)
        yield "none size", min(self.words.size // 4, 5)
        yield "none rule", (self.ruled.given, self.ruled.how)
        yield "none points", any(word in _POINTS for word in self.words.plain)


def keys_for(slot: Slot, what: str, value: Any) -> list[tuple[str, Any, str]]:
    """Return the features that one thing makes: by itself, for the role, for the name, and for lists."""
    keys = [(what, value, ""), (what, value, slot.role)]
    if what in _BY_NAME:
        keys.append((what, value, f"={slot.name.lower()}"))
    if slot.many and what in _BY_LIST:
        keys.append((what, value, "[]"))
    return keys


_BY_NAME = frozenset(
    [
        "l1",
        "l2",
        "lc",
        "lc2",
        "ll",
        "ll2",
        "lll",
        "r1",
        "r2",
        "rc",
        "rc2",
        "rl",
        "rl2",
        "rcl",
        "fs",
        "len",
        "rule",
        "none",
    ]
)
_BY_LIST = frozenset(["l1", "len", "brk", "com", "col", "ol", "sl", "qin", "join"])
_POINTS = frozenset(
    [
        "it",
        "that",
        "this",
        "them",
        "those",
        "these",
        "same",
        "one",
        "lo",
        "la",
        "das",
        "es",
        "den",
        "die",
        "le",
        "les",
        "ihn",
    ]
)
