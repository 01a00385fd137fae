"""A message with its typed values and the conversation before it; what is known of a tool's arguments so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.known_entities import KnownEntities
from dynamic_plugins.embedded.context.known_tables import Tables
from dynamic_plugins.embedded.context.references import Memory, points
from dynamic_plugins.embedded.language.action_words import concepts, mended
from dynamic_plugins.embedded.values.extractors import extract
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.typed_values import Values

_STANDS_FOR = {
    "url": "url page",
    "expression": "expression",
    "email": "",
    "repo": "repository",
    "file": "file",
    "quoted": "",
    "hash": "",
    "id": "",
    "glob": "files",
}
_COLON = re.compile(r":\s")


@dataclass
class Filled:
    """A tool's arguments. *said* and *carried* name those from the message and from earlier; *missing* the rest."""

    arguments: dict[str, Any] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    carried: set[str] = field(default_factory=set)
    guessed: set[str] = field(default_factory=set)
    """Those that are only what the message has left over."""
    missing: tuple[str, ...] = ()
    used: list[Span] = field(default_factory=list)
    likely: list[float] = field(default_factory=list)
    """How likely the model of texts finds what each text got, in the order of the tool's parameters."""
    things: set[str] = field(default_factory=set)
    """Those that are known things which words of the message mean."""
    onward: bool = False
    """Whether it is the last call for the next part of what that one gave."""
    substituted: bool = False
    """Whether it is the last call with something in place of its like."""


class Message:
    """What was said now, with its typed values and the conversation before it.

    Words that are in *known*, those of the tools on offer, are no slips of others.
    """

    def __init__(self, text: str, memory: Memory, known: frozenset[str] = frozenset()) -> None:
        self.text, self.memory, self.known = text, memory, known

    @cached_property
    def values(self) -> Values:
        return extract(self.text)

    @cached_property
    def tables(self) -> Tables:
        """The tables that the conversation before it has told of."""
        return Tables(self.memory)

    @cached_property
    def things(self) -> KnownEntities:
        """The things that the conversation before it holds."""
        return KnownEntities(self.memory)

    @cached_property
    def words(self) -> list[str]:
        return [self._mended(word) for word in tokens(self.text)]

    @cached_property
    def order(self) -> str:
        """The message with what it holds word for word taken out: a path's folders say nothing about the action."""
        text = self.text
        for value in reversed(self.values.found):
            word = _STANDS_FOR.get(value.kind)
            if value.kind == "path":
                word = "file" if re.search(r"\.\w{1,5}$", str(value.value)) else "directory"
            if value.kind == "sql":
                word = " ".join(str(value.value).split()[:2])
            if value.kind == "quoted" and len(str(value.value).split()) < 3:
                continue
            if word is not None:
                text = f"{text[: value.start]} {word} {text[value.end :]}"
        if (found := _COLON.search(text)) and len(text[: found.start()].split()) > 1:
            text = text[: found.end()] + " ".join(text[found.end() :].split()[:4])
        return text

    @cached_property
    def order_words(self) -> list[str]:
        return [self._mended(word) for word in tokens(self.order)]

    def _mended(self, word: str) -> str:
        return word if word in self.known or stem(word) in self.known else mended(word)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in self.words)

    @cached_property
    def concepts(self) -> frozenset[str]:
        return frozenset(concept for word in self.words for concept in concepts(word))

    @cached_property
    def points(self) -> bool:
        return points(self.words)
