"""Which plugins an order is about: named, pointed at ("it", "the other one", "all"), or described."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.decide import Step
from dynamic_plugins.embedded.phrases import word_set
from dynamic_plugins.embedded.targets import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.orders import Order
    from dynamic_plugins.embedded.second_thoughts import Reading
    from dynamic_plugins.embedded.targets import Knowledge, Mention

SHOWN = 5
LONG_WORD, ALIKE = 6, 0.8
"""A word of so many letters, so much like a name, may be one where a name is looked for."""
CLEAR = 0.12
"""So much more alike than the next must a name be to be offered alone."""


@dataclass(frozen=True)
class Settled:
    """The steps that a message comes to, and the words for which no plugin, or more than one, was found."""

    steps: tuple[Step, ...] = ()
    unclear: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()


class Settling:
    """Finds the plugins of the orders in one message. *focus* are the plugins talked about before it, latest first."""

    def __init__(
        self, knowledge: Knowledge, mentions: Sequence[Mention], focus: Sequence[str], words: Sequence[str] = ()
    ) -> None:
        self._known, self._mentions, self._focus, self._words = knowledge, mentions, focus, words

    def settle(self, reading: Reading) -> Settled:
        """Return the steps of all orders, in order."""
        steps: list[Step] = []
        unclear: list[tuple[str, tuple[str, ...]]] = []
        unknown: list[tuple[str, str]] = []
        seen: list[int] = []
        for order, following in zip_longest(reading.orders, reading.orders[1:]):
            if _shares(order, following):
                order.slots = list(following.slots) if following else []
            if not order.given:
                seen += order.slots
                continue
            certain = not order.doubts and order.formal and (order.sure or bool(order.slots))
            if order.intent == "swap":
                steps += self._swap(order, certain)
                continue
            for target, sure in self._targets(order, reading, seen):
                if target.name:
                    steps.append(Step(order.intent, target, certain and sure and target.sure, order.at))
                elif target.names:
                    unclear.append((order.intent, target.names))
                else:
                    unknown.append((order.intent, target.said))
            seen += order.slots
        return Settled(tuple(_once(steps)), tuple(unclear), tuple(unknown))

    def _swap(self, order: Order, certain: bool) -> list[Step]:
        """The first plugin goes, the second comes."""
        targets = [self._scoped("install", self._mentions[slot].target) for slot in order.slots[:2]]
        if len(targets) < 2 or not all(target.name for target in targets):
            return []
        sure = certain and all(target.sure for target in targets)
        return [Step("deactivate", targets[0], sure, order.at), Step("activate", targets[1], sure, order.at)]

    def _targets(self, order: Order, reading: Reading, seen: Sequence[int]) -> list[tuple[Target, bool]]:
        if order.slots:
            return [(self._scoped(order.intent, self._mentions[slot].target), True) for slot in order.slots]
        if order.refers == "all" and seen and not order.loose:
            return [(self._scoped(order.intent, self._mentions[slot].target), True) for slot in dict.fromkeys(seen)]
        if order.refers == "all" and order.intent != "install":
            return self._all(order, reading)
        described = self._described(order.intent, " ".join(order.loose)) if order.loose else None
        if described is not None and (described.names or not (order.refers or seen)):
            return [(described, False)]
        if described is not None and not order.sure and not order.refers:
            return []  # "I need the memory" is about no plugin
        before = [*seen] or [slot for slot in reading.floating if slot not in reading.spared]
        before = before or [slot for each in reading.withdrawn for slot in each.slots if slot not in reading.spared]
        if before:
            one = before if order.refers == "all" else before[-1:] if seen else before
            pointed = [self._mentions[slot].target for slot in one]
            return [(self._scoped(order.intent, target), len(before) == 1 or bool(seen)) for target in pointed]
        if order.refers == "it" and not self._focus and (guessed := self._elsewhere()) is not None:
            return [(guessed, False)]
        if (order.refers or not order.loose) and self._focus:
            return [(Target((self._focus[0],), "it"), True)]
        if described is not None:
            return [(described, False)]
        return self._only(order)

    def _elsewhere(self) -> Target | None:
        """Return a plugin that some word of the message may name, spelled too badly to be a mention."""
        for word in self._words:
            alike = self._known.like(word) if len(word) >= LONG_WORD else []
            if alike and alike[0][1] >= ALIKE:
                return Target((alike[0][0],), word, sure=False)
        return None

    def _only(self, order: Order) -> list[tuple[Target, bool]]:
        """ "Turn it off", with nothing said before: the only plugin it can be, or a question."""
        scope = self._scope(order.intent)
        if order.intent == "install" or not scope:
            return [(Target((), ""), False)]
        return [(Target(tuple(scope[:SHOWN]), ""), False)]

    def _scope(self, intent: str) -> list[str]:
        standing = self._known.standing
        match intent:
            case "activate":
                return standing.inactive
            case "deactivate":
                return standing.active
        return list(standing.plugins)

    def _scoped(self, intent: str, target: Target) -> Target:
        """Of several names that fit, those that the order can be about."""
        if len(target.names) < 2:
            return target
        scope = [name for name in target.names if name in self._scope(intent)] if intent != "install" else []
        if len(scope) == 1:
            return Target((scope[0],), target.said, True, target.version)
        return Target(tuple(scope) or target.names, target.said, False, target.version)

    def _all(self, order: Order, reading: Reading) -> list[tuple[Target, bool]]:
        """Everything, or everything that the words after it describe."""
        scope = self._scope(order.intent)
        if reading.floating and not order.loose:
            named = [self._mentions[slot].target for slot in reading.floating]
            return [(self._scoped(order.intent, target), True) for target in named]
        words = [word for word in order.loose if word not in word_set("questions", "again")]
        if (state := _state_in(words)) is not None:
            scope = [name for name in scope if self._known.standing.is_active(name) == state]
            words = []
        fitting = self.fitting(words, scope) if words else scope
        spared = {self._mentions[slot].target.name for slot in reading.spared}
        return [(Target((name,), name), False) for name in fitting if name not in spared]

    def fitting(self, words: Sequence[str], scope: Sequence[str]) -> list[str]:
        """Return the plugins of *scope* whose name, keywords or description has to do with *words*."""
        return [name for name in scope if max((self._known.relation(word, name) for word in words), default=0) >= 0.5]

    def _described(self, intent: str, said: str) -> Target | None:
        """Return the plugin, or the plugins, that *said* may mean."""
        if not said:
            return None
        said = re.sub(r"[/_]", " ", said)
        if intent != "install":
            mine = self._described_here(said.split(), self._scope(intent))
            mine = mine or self._described_here(said.split(), list(self._known.standing.plugins))
            if mine:
                return Target(tuple(mine[:SHOWN]), said, sure=False)
        alike = self._known.like(said)
        if alike:
            clear = len(alike) == 1 or alike[0][1] - alike[1][1] >= CLEAR or alike[0][1] >= 0.85
            return Target((alike[0][0],) if clear else tuple(name for name, _ in alike[:SHOWN]), said, sure=False)
        return Target((), said, sure=False)

    def _described_here(self, words: Sequence[str], scope: Sequence[str]) -> list[str]:
        scores = {name: sum(self._known.relation(word, name) for word in words) for name in scope}
        best = max(scores.values(), default=0.0)
        return [name for name, score in scores.items() if score >= 0.5 and score >= best - 0.2]


def _state_in(words: Sequence[str]) -> bool | None:
    """Whether "everything" is narrowed to what is on or to what is off ("all that isn't switched on")."""
    told = set(words)
    if not told & (word_set("cues", "is_on") | word_set("cues", "is_off")):
        return None
    off = bool(told & word_set("cues", "is_off"))
    return off == bool(told & word_set("cues", "is_not"))


def _shares(order: Order, following: Order | None) -> bool:
    """Whether two verbs share an object that stands after the second: "install and enable the code plugin"."""
    bare = not (order.slots or order.loose or order.refers or order.had_slots)
    return bare and following is not None and following.sentence == order.sentence and bool(following.slots)


def _once(steps: Sequence[Step]) -> list[Step]:
    """Leave out what was said twice."""
    seen: dict[tuple[str, str | None], Step] = {}
    for step in steps:
        seen.setdefault((step.intent, step.target.name), step)
    return list(seen.values())
