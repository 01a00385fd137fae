"""A message taken apart: what is quoted, which plugins it names, what it orders, what it asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded import configure, questions
from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.judge import judge
from dynamic_plugins.embedded.phrases import Text, read
from dynamic_plugins.embedded.quoting import Message, listen, passed_on
from dynamic_plugins.embedded.slips import mended, read_spoken
from dynamic_plugins.embedded.targets import LIKELY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.configure import Value
    from dynamic_plugins.embedded.second_thoughts import Reading
    from dynamic_plugins.embedded.targets import Knowledge, Mention


@dataclass(frozen=True)
class Understood:
    """A message taken apart. *values* are what it gives by name, and its secrets; the rest is read without them."""

    message: Message
    values: tuple[Value, ...]
    text: Text
    mentions: tuple[Mention, ...]
    reading: Reading
    asked: tuple[tuple[questions.Asked, Text], ...]
    passed_on: bool = False
    """Whether a value stands in what is quoted, so that it may be somebody else's."""

    @property
    def names(self) -> list[str]:
        """What the person said for each plugin, in the order of the mentions."""
        return [mention.target.said for mention in self.mentions]

    @property
    def named(self) -> list[str]:
        """The plugins that are named beyond doubt that a plugin is meant."""
        return [mention.target.name for mention in self.mentions if mention.target.name and not mention.weak]

    def asks(self, kind: questions.Asked) -> list[Text]:
        """The sentences that ask this."""
        return [sentence for each, sentence in self.asked if each == kind]


def understand(said: str, knowledge: Knowledge) -> Understood:
    """Take *said* apart: what is quoted, which plugins it names, what it orders, what it asks."""
    values = configure.values_in(said)
    spoken = configure.without(said, [(value.start, value.end) for value in values])
    message = listen(spoken, lambda word: knowledge.named(word) is not None)
    mentions = tuple(knowledge.mentions(message.spoken))
    masked = message.spoken
    for place, mention in reversed(list(enumerate(mentions))):
        # A plugin that is named twice is the same one both times.
        number = next(
            (i for i, each in enumerate(mentions[:place]) if each.target.names == mention.target.names), place
        )
        # As wide as the name was, so that places in the text stay the same.
        mask = f" ⟨{number}⟩ "
        masked = masked[: mention.start] + mask.ljust(mention.end - mention.start) + masked[mention.end :]
    masked = _with_ordinals(masked)
    text = read_spoken(masked)
    # Questions are read with their courtesies: "it'd be great if you could" says what is wished.
    whole = mended(read(masked))
    parts = [whole.part(start, end) for start, end in o.sentences(whole)]
    asked = tuple((questions.asked(part), part) for part in parts)
    reading = judge(text, lambda words: likely(words, knowledge))
    quoted = any(passed_on(said, value.start, value.end) for value in values)
    return Understood(message, tuple(values), text, mentions, reading, asked, quoted)


_ORDINAL = re.compile(
    r"\b(?:(?:the|that) (first|second|third|former|latter|last)(?: (?:one|plugin|of (?:them|these|those)))?"
    r"(?=\s*(?:[.,;!?-]|$|(?:only|off|on|in|and|but|please|then|too|alone|installed|should|can|is|again|up|down)\b))|"
    r"(?:the )?(first|second|third|last) one\b)",
    re.I,
)


_PLACES = {"first": 0, "former": 0, "second": 1, "third": 2, "latter": -1, "last": -1}


def _with_ordinals(masked: str) -> str:
    """Return *masked* with "the second one" as the plugin that was named second before it."""

    def plugin(found: re.Match[str]) -> str:
        named = list(dict.fromkeys(re.findall(r"⟨\d+⟩", masked[: found.start()])))
        place = _PLACES[(found[1] or found[2]).lower()]
        if len(named) < 2 or place >= len(named):
            return found.group()
        return str(named[place]).ljust(len(found.group()))

    return _ORDINAL.sub(plugin, masked)


def likely(words: Sequence[str], knowledge: Knowledge) -> bool:
    """Return whether *words*, at most three of them, may name a plugin."""
    return 0 < len(words) <= 3 and any(score >= LIKELY for _, score in knowledge.like(" ".join(words)))
