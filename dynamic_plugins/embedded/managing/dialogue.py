"""One message in the light of the conversation: a reply to what was offered, or orders, whole or clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.agreement import agrees, only_courtesy, past_a_yes
from dynamic_plugins.embedded.language.hedges import clauses, hedged, negated
from dynamic_plugins.embedded.language.pointing_words import PRONOUN, SAYS_WHICH
from dynamic_plugins.embedded.managing.decide import Answer, Call, Step, calls_for, plain_name, question
from dynamic_plugins.embedded.managing.knowledge import Knowledge as Knowledge  # noqa: TC001 # others make it
from dynamic_plugins.embedded.managing.meant_plugins import corrected, says_another
from dynamic_plugins.embedded.managing.memory import Memory, memory_of, spelled_out
from dynamic_plugins.embedded.managing.offer_reply import LEANING, ORDERED, OfferReply, takes_away
from dynamic_plugins.embedded.managing.offer_reply import NOTHING_ASKED as NOTHING_ASKED
from dynamic_plugins.embedded.managing.order_doubts import SAYS_OFF
from dynamic_plugins.embedded.managing.plain_order import plain_order
from dynamic_plugins.embedded.managing.policy import MAY_ORDER, decide, other_wants
from dynamic_plugins.embedded.managing.removal import orders_removal
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.resolver.linker import links_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Exchange
    from dynamic_plugins.embedded.managing.reading import Reading

LEANS = 0.97
"""What leans on the conversation for its plugin is done without asking from this probability on."""
MANAGES = 0.5
"""So likely must it be that the message is about managing plugins."""
NEVER = 2.0
"""No probability is as high: always ask."""
TALKS = 0.6
"""From this probability on that a message only talks, nothing in it points at a plugin."""
MAY_MANAGE, MAY_MEAN = 0.2, 0.2
"""So likely must it be that a part manages something, and that it means a plugin which it names."""
LIKELY = 0.3
"""What a part of a message may want of a plugin is weighed from this probability on."""
WANTS, SURELY_USES = 0.5, 0.95
"""So likely does a part order something that is to be called, or use what is active; a question orders nothing."""
MOST_LISTED = 12
"""Of so many parts those that are only a plugin's name are looked for."""
MOST_ORDERS = 4
"""A message of more parts is no list of orders."""


@dataclass(frozen=True)
class Understood:
    """The last message as it was understood: how it was *read*, and what to do about it as far as plugins go."""

    said: str
    reading: Reading
    answer: Answer | None
    settled: bool = False
    """Whether nothing else can be meant: a yes, a no, a choice."""
    others: tuple[Answer, ...] = ()
    """What else may be meant, for the arbiter to weigh."""


class Dialogue:
    """Decides the last of *exchanges* in the light of the others. Nothing is kept: all is worked out from them.

    *offered* is what the last reply asked about, where it was our own.
    """

    def __init__(self, knowledge: Knowledge, exchanges: Sequence[Exchange], offered: Answer | None = None) -> None:
        self._known, self._exchanges, self._offered = knowledge, list(exchanges), offered
        self._reply = OfferReply(knowledge, self._exchanges, offered)

    def understand(self) -> Understood:
        """Return what the last message means for the plugins."""
        said = self._exchanges[-1].said
        memory = self._memory
        reading = self._known.read(said, memory.context)
        if (settled := self._reply.settled(said, memory)) is not None:
            return Understood(said, reading, settled, settled=True)
        if not said.strip():
            return Understood(said, reading, None)
        if (pointing := self._pointing(said, reading, memory)) is not None:
            return pointing
        answer = self._ordered_one_by_one(reading, memory)
        if answer is not None and (asked := self._contradicted(reading, answer, memory)):
            return Understood(said, reading, Answer(text=question(asked), proposed=asked, doubtful=True))
        if answer is not None and self._orders_what_was_asked(said, reading, answer, memory):
            return Understood(said, reading, Answer(answer.proposed), settled=True)
        return Understood(said, reading, answer, others=self._others(reading, memory))

    def _contradicted(self, reading: Reading, answer: Answer, memory: Memory) -> tuple[Call, ...]:
        """Return what the last reply asked, where *answer* is the contrary and no word of the message names the plugin.

        "Shall I uninstall git?", "please do the needful": whatever that means, it does not switch git on.
        """
        calls = answer.calls or answer.proposed
        if not memory.question or self._offered is not None or _named_in(reading) & _plugins(calls):
            return ()
        asked = self._reply.asked(memory)
        contrary = any(map(takes_away, asked)) and not any(map(takes_away, calls))
        return asked if contrary and _plugins(calls) and _plugins(calls) <= _plugins(asked) else ()

    def _others(self, reading: Reading, memory: Memory) -> tuple[Answer, ...]:
        """Return what else the last message may want: what the last reply offered, and what is less likely."""
        if plain_order(reading) is not None:
            return ()  # an order that leaves no doubt
        if says_another(reading):
            return ()
        yes = agrees(self._exchanges[-1].said)  # which is to what was offered, or to nothing
        found = [] if yes else other_wants(reading, self._known.standing, self._known.entries)
        offered = self._offered.proposed if self._offered is not None else ()
        if not offered and memory.question and (taken_up := self._reply.taken_up(memory)) is not None:
            offered = taken_up.calls
        if orders_removal(self._exchanges[-1].said) and not any(map(takes_away, offered)):
            offered = ()  # another order than what was offered
        if offered:
            found.insert(
                0, Answer(text=question(offered), proposed=offered, weak=True, doubtful=True, evidence={"offered": 1.0})
            )
        return tuple(found)

    def _orders_what_was_asked(self, said: str, reading: Reading, answer: Answer, memory: Memory) -> bool:
        """Whether *answer* would ask again what the last reply asked, since the message orders just that.

        "Install X?", "Yes, and switch it on": the same plugin, and nothing taken away.
        """
        asks = said.rstrip().endswith(("?", "\uff1f"))
        doubtful = asks or reading.ordered < ORDERED or negated(said) or hedged(reading.text.spoken, reading.links)
        doubtful = doubtful or reading.act.label != "manage"  # "and one more, title …" orders something, but no plugin
        # In words that are in no list of ours a no reads as a yes.
        points = bool(past_a_yes(said) or PRONOUN.search(SAYS_WHICH.sub(" ", said)))
        points = points or bool(_named_in(reading) & _plugins(answer.proposed))
        doubtful = doubtful or not points or bool(SAYS_OFF.search(reading.text.spoken))
        if doubtful or not answer.proposed or not memory.question:
            return False
        offered = self._offered.proposed if self._offered is not None else ()
        if not offered and (taken_up := self._reply.taken_up(memory)) is not None:
            offered = taken_up.calls
        whole = bool(offered) and all(call in answer.proposed for call in offered)
        same = _plugins(answer.proposed) == _plugins(offered)
        return whole and same and not any(takes_away(call) for call in answer.proposed)

    def _ordered_one_by_one(self, reading: Reading, memory: Memory) -> Answer | None:
        """Return what the message wants; of one with several orders what each of them wants, where that is more."""
        whole = decide(reading, self._known.standing, self._known.entries, memory)
        parts = clauses(reading.text.spoken)
        if 1 < len(parts) <= MOST_LISTED:
            parts = self._with_lists(parts)
        if not 1 < len(parts) <= MOST_ORDERS or corrected(reading.text.spoken) or reading.ordered < MAY_ORDER:
            return whole
        if whole is not None and whole.choices:
            return whole
        answers = self._clause_by_clause(parts, memory)
        orders = [answer for answer in answers if answer is not None and (answer.calls or answer.proposed)]
        calls: list[Call] = []
        for answer in orders:
            calls += [call for call in answer.calls or answer.proposed if call not in calls]
        known = _plugins(whole.calls or whole.proposed) if whole is not None else set()
        if whole is None and len(orders) == 1:
            return self._the_one_order(parts, answers)
        if whole is not None and whole.calls and len(known) > 1 and not known <= _plugins(calls):
            # One of them stands only where nothing is ordered: "we moved planning to linear, so install that".
            return Answer(text=question(whole.calls), proposed=whole.calls, doubtful=True)
        if len(orders) < 2 or not known < _plugins(calls):
            return whole
        likely = min(answer.probability for answer in orders)
        sure = len(orders) == len(parts) and all(answer.calls for answer in orders) and not (whole and whole.doubtful)
        if sure and not any(takes_away(call) for call in calls) and _named_in(reading) >= _plugins(calls):
            return Answer(tuple(calls), probability=likely)
        return Answer(text=question(calls), proposed=tuple(calls), probability=likely, doubtful=True)

    def _with_lists(self, parts: Sequence[str]) -> list[str]:
        """Return *parts* with what is only a plugin's name joined to the part before: "switch off git and time"."""
        joined: list[str] = []
        for part in parts:
            if joined and self._is_name(part):
                joined[-1] += f", {part}"
            else:
                joined.append(part)
        return joined

    def _is_name(self, part: str) -> bool:
        if len(part.split()) > LEANING:
            return False
        known = self._known
        installed = {name: known.entries.get(name) or Entry(name) for name in known.standing.plugins}
        links = links_in(part, known.resolver, installed)
        return any(only_courtesy(part, [part[link.start : link.end]]) for link in links if link.named)

    def _the_one_order(self, parts: Sequence[str], answers: Sequence[Answer | None]) -> Answer | None:
        """Ask about the one order that stands among tales: "I never use it, I have my till. Uninstall"."""
        part, answer = next((p, a) for p, a in zip(parts, answers, strict=True) if a and (a.calls or a.proposed))
        reading = self._known.read(part)
        if reading.ordered < ORDERED or reading.act.all.get("manage", 0.0) < MANAGES or negated(part):
            return None
        calls = answer.calls or answer.proposed
        return Answer(text=question(calls), proposed=calls, probability=answer.probability, doubtful=True)

    def _clause_by_clause(self, parts: Sequence[str], memory: Memory) -> list[Answer | None]:
        """Return what each of *parts* wants by itself; an "it" may be the plugin of the part before."""
        answers: list[Answer | None] = []
        context = dict(memory.context)
        for part in parts:
            answer = self._wanted(self._known.read(part, context), memory)
            answers.append(answer)
            spoken_of = _plugins(answer.calls or answer.proposed) if answer is not None else set()
            if spoken_of:
                context = dict.fromkeys(spoken_of, "c")
        return answers

    @property
    def context(self) -> dict[str, str]:
        """How the turn before spoke of plugins."""
        return self._memory.context

    def managed(self, part: str, context: Mapping[str, str]) -> Answer | None:
        """Return what a *part* of the last message wants of plugins as such, after *context*; None of one that wants
        nothing.
        """
        reading = self._known.read(part, context)
        if reading.act.all.get("manage", 0.0) < MANAGES:
            return None
        answer = self._wanted(reading, self._memory)
        return answer if answer is not None and (answer.calls or answer.proposed) else None

    def _wanted(self, reading: Reading, memory: Memory) -> Answer | None:
        """Return what a part of a message wants of plugins, or what it is likeliest to want."""
        answer = decide(reading, self._known.standing, self._known.entries, memory)
        if answer is not None and (answer.calls or answer.proposed):
            return answer
        others = other_wants(reading, self._known.standing, self._known.entries)
        return others[0] if others and others[0].probability >= LIKELY else answer

    def leans(self, part: str, context: Mapping[str, str]) -> bool:
        """Whether a *part* of the last message may manage a plugin that it does not name."""
        reading = self._known.read(part, context)
        named = any(plugin.link.named and plugin.meant >= MAY_MEAN for plugin in reading.plugins)
        return not named and reading.act.all.get("manage", 0.0) >= MAY_MANAGE

    def plugins_of(self, tools: Iterable[str]) -> list[str]:
        """Return the installed plugins that the *tools* are of, by the names that models are given."""
        begins = {plain_name(tool.rpartition("__")[0]) for tool in tools}
        return [name for name in self._known.standing.plugins if plain_name(name) in begins]

    def uses(self, part: str, *, surely: bool = True) -> float:
        """Return how likely *part* of the last message orders, or asks, something of what is active.

        What does neither counts where it is *surely* of that kind, as a sum without a question mark is.
        """
        reading = self._known.read(part, self._memory.context)
        likely = reading.act.all.get("use", 0.0)
        asks = part.rstrip().endswith(("?", "\uff1f"))
        wants = reading.ordered >= WANTS or asks or (surely and likely >= SURELY_USES)
        return likely if wants else 0.0

    def read(self) -> Reading:
        """Return the last message as it is read after what the turn before spoke of."""
        return self._known.read(self._exchanges[-1].said, self._memory.context)

    @cached_property
    def _memory(self) -> Memory:
        known = {name: self._known.entries.get(name) or Entry(name) for name in self._known.standing.plugins}
        return memory_of(self._exchanges[:-1], self._known.resolver, known, self._known.entries)

    # ---------------------------------------------------------------- what leans on earlier turns

    def _pointing(self, said: str, reading: Reading, memory: Memory) -> Understood | None:
        """Understand "the second one" and "both" by the plugins that were listed."""
        text, meant = spelled_out(said, memory)
        if agrees(said) or not meant:
            return None
        if only_courtesy(text, meant) and len(said.split()) <= LEANING:
            return self._picked(said, reading, meant)
        if reading.act.all.get("talk", 0.0) >= TALKS:
            return None
        other = self._known.read(text, memory.context)
        sure = len(said.split()) <= LEANING and reading.act.all.get("manage", 0.0) >= MANAGES
        answer = decide(other, self._known.standing, self._known.entries, memory, acts=LEANS if sure else NEVER)
        if answer is None or not (answer.calls or answer.proposed or answer.choices):
            return None
        return Understood(text, other, answer)

    def _picked(self, said: str, reading: Reading, names: Sequence[str]) -> Understood | None:
        """Understand a choice without a verb: what is not there is installed, what is off is switched on."""
        standing = self._known.standing
        steps = [
            Step("activate" if name in standing else "install", name)
            for name in dict.fromkeys(names)
            if not standing.is_active(name)
        ]
        calls = tuple(call for step in steps for call in calls_for(step, standing)[0])
        return Understood(said, reading, Answer(calls, probability=1.0), settled=True) if calls else None


def _named_in(reading: Reading) -> set[str]:
    """Return the plugins that the message calls by a name."""
    return {name for link in reading.links if link.named for name in link.names}


def _plugins(calls: Iterable[Call]) -> set[str]:
    return {call.plugin for call in calls if call.plugin}
