"""A conversation: what earlier turns make of "yes", "the second one" and "it"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.decide import Answer, Step, calls_for
from dynamic_plugins.embedded.hearing import understand
from dynamic_plugins.embedded.phrases import cues, read
from dynamic_plugins.embedded.quoting import within
from dynamic_plugins.embedded.targets import Target
from dynamic_plugins.embedded.understanding import Mind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.request import Exchange
    from dynamic_plugins.embedded.targets import Knowledge

FOCUS = 8
REMEMBERED = 6
"""So many turns back a "yes" or an "it" may reach."""


class Dialogue:
    """Decides the last of *exchanges* in the light of the others. Nothing is kept: a question is worked out again."""

    def __init__(self, knowledge: Knowledge, exchanges: Sequence[Exchange]) -> None:
        self._known = knowledge
        self._exchanges = [replace(each, said=within(each.said)) for each in exchanges[-REMEMBERED:]]

    def answer(self) -> Answer | None:
        """Return what to do about the last message; None when it has nothing to do with managing plugins."""
        return self._answer(len(self._exchanges) - 1)

    def _answer(self, index: int) -> Answer | None:
        said = self._exchanges[index].said
        text = read(said)
        before = self._exchanges[index - 1] if index else None
        if before is not None and not before.calls and "?" in (before.reply or ""):
            asked = self._answer(index - 1)
            if asked is not None and (asked.proposed or asked.choices):
                if cues("questions", "yes").all_of(text) or self._agrees(said):
                    return Answer(asked.proposed) if asked.proposed else Answer(text=asked.text, choices=asked.choices)
                if cues("questions", "no").all_of(text):
                    return Answer(text="All right, I leave everything as it is.")
                if (chosen := self._chosen(said, asked)) is not None:
                    return chosen
        elif before is not None and cues("questions", "no").all_of(text):
            return Answer(text="All right.")
        return Mind(self._known, self.focus(index)).answer(said)

    def _agrees(self, said: str) -> bool:
        """ "Yes, do that please": a yes, and nothing after it that orders or names anything."""
        text = read(said)
        if len(text) > 8 or not cues("questions", "yes").begins(text):
            return False
        heard = understand(said, self._known)
        return not heard.mentions and not heard.reading.orders and not heard.reading.cancelled

    def _chosen(self, said: str, asked: Answer) -> Answer | None:
        """Return what is done when *said* picks one of the plugins that were asked about."""
        if asked.choices is None:
            return None
        intent, names = asked.choices
        heard = understand(said, self._known)
        if heard.reading.orders or len(heard.text) > 10:
            return None
        named = [m.target.name for m in heard.mentions if m.target.name in names]
        picked = named[0] if named else _ordinal(said, names) or self._described(said, names)
        if picked is None:
            return None
        calls, note, _ = calls_for(Step(intent, Target((picked,), said), True), self._known.standing)
        return Answer(calls, note)

    def _described(self, said: str, names: Sequence[str]) -> str | None:
        from dynamic_plugins.embedded.orders import content
        from dynamic_plugins.embedded.settle import Settling

        words = content(read(said))
        fitting = Settling(self._known, (), ()).fitting(words, names) if words else []
        return fitting[0] if len(fitting) == 1 else None

    def focus(self, index: int) -> list[str]:
        """Return the plugins that were talked about before message *index*, latest first."""
        names: list[str] = []
        for exchange in reversed(self._exchanges[:index]):
            called = [
                str(call.arguments.get("plugin_name")) for call in exchange.calls if "plugin_name" in call.arguments
            ]
            resolved = [target.name for said in called if (target := self._known.named(said)) and target.name]
            names += reversed(resolved)
            names += reversed([m.target.name for m in self._known.mentions(exchange.said) if m.target.name])
            for call in exchange.calls:
                plugins = call.result.get("plugins") if isinstance(call.result, dict) else None
                names += [str(each.get("name")) for each in plugins or () if isinstance(each, dict)]
        return list(dict.fromkeys(names))[:FOCUS]


def _ordinal(said: str, names: Sequence[str]) -> str | None:
    words = set(re.findall(r"\w+", said.lower()))
    places = {"first": 0, "second": 1, "third": 2, "last": -1}
    for place, index in places.items():
        said_so = words & set(prompt_files.table("embedded/questions.toml")["ordinals"][place])
        if said_so - {"one", "two", "three"} or (said_so and len(words) == 1):
            return names[index] if index < len(names) else None
    return None
