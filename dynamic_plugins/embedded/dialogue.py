"""One message in the light of the conversation: a yes to what was offered, a choice, or orders."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.agreement import agrees, declines, only_courtesy, past_a_yes
from dynamic_plugins.embedded.decide import ASKS_FOR, Answer, Call, Step, calls_for, plain_name, question, which
from dynamic_plugins.embedded.hedges import clauses, hedged, negated
from dynamic_plugins.embedded.meant_plugins import corrected
from dynamic_plugins.embedded.memory import PRONOUN, SURELY_NAMED, Memory, memory_of, spelled_out
from dynamic_plugins.embedded.plain_order import plain_order
from dynamic_plugins.embedded.policy import MAY_ORDER, decide, other_wants
from dynamic_plugins.embedded.reading import ORDER, Reading, read
from dynamic_plugins.embedded.request import reply_before
from dynamic_plugins.embedded.spoken_text import joined_letters, without_denial
from dynamic_plugins.embedded.standing import Installed, Standing
from dynamic_plugins.registry.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.request import Exchange
    from dynamic_plugins.resolver.resolver import Resolver

LEAVE = "All right, I leave everything as it is."
NOTHING_ASKED = "I had asked nothing. Say what I shall do."
LEANING = 7
"""A message of more words that names no plugin speaks of something else than the last one."""
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
OFFERED = 0.5
REMARKS, REMARKED = 0.6, 0.3
"""What is less likely to order something than the first, and as likely to be talk as the second, is a remark, behind
a yes."""
ORDERED = 0.9
"""So likely must it be that what answers a question orders what was asked."""
ONCE_INSTALLED = 0.8
"""So likely must something be wanted of a plugin once it is installed."""
WANTS, SURELY_USES = 0.5, 0.95
"""So likely does a part order something that is to be called, or use what is active; a question orders nothing."""
_BUT = re.compile(
    r"\W*(?:but|only|not|no|though|if|unless|except|aber|nur|nicht|pero|no|solo|si|mais|pas|sauf|mas|não|se|ma|non)\b",
    re.I,
)
_SWITCHES_ON = re.compile(
    r"\b(?:switch|turn|put|flip|bring)\b.*\bon\b|\b(?:it|that|them|one) on\b"
    r"|\b(?:run|running|start|fire|activate|enable|live|einschalten|anmachen|aktivier\w*|enci[eé]nd\w*|pr[eé]nd\w*"
    r"|activ\w*|allum\w*|accend\w*|attiva\w*|lig[ao]\w*|ativ\w*|w[łl][aą]cz\w*)\b",
    re.I,
)
"""What is switched on besides being installed has to be said."""
_AND_ON = re.compile(
    r"\W*(?:(?:and|then|n|und|dann|y|et|e)\W+)*(?:(?:switch|turn|put)\W+)?(?:on|live|an|ein)\W*(?:please|pls|bitte)?\W*",
    re.I,
)
"""All that "yes and on" says besides the yes."""
_WHICH = re.compile(r"\b(?:which|welche[rsn]?|cu[áa]l|lequel|laquelle|quale|qual)\b[^.!?\n]*\?\s*\Z", re.I)
MOST_ORDERS = 4
"""A message of more parts is no list of orders."""


@dataclass(frozen=True)
class Knowledge:
    """What is known by name: the resolver, the registry's entries, and how the installed plugins stand."""

    resolver: Resolver
    entries: Mapping[str, Entry]
    standing: Standing

    def read(self, said: str, context: Mapping[str, str] | None = None) -> Reading:
        """Read a message; *context* says how the turn before spoke of plugins."""
        return read(joined_letters(without_denial(said)), self.resolver, self.standing.plugins, self.entries, context)


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

    def understand(self) -> Understood:
        """Return what the last message means for the plugins."""
        said = self._exchanges[-1].said
        memory = self._memory
        reading = self._known.read(said, memory.context)
        if (settled := self._settled(said, memory)) is not None:
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
        asked = self._asked(memory)
        contrary = any(map(self._takes_away, asked)) and not any(map(self._takes_away, calls))
        return asked if contrary and _plugins(calls) and _plugins(calls) <= _plugins(asked) else ()

    def _others(self, reading: Reading, memory: Memory) -> tuple[Answer, ...]:
        """Return what else the last message may want: what the last reply offered, and what is less likely."""
        if plain_order(reading) is not None:
            return ()  # an order that leaves no doubt
        yes = agrees(self._exchanges[-1].said)  # which is to what was offered, or to nothing
        found = [] if yes else other_wants(reading, self._known.standing, self._known.entries)
        offered = self._offered.proposed if self._offered is not None else ()
        if not offered and memory.question and (taken_up := self._taken_up(memory)) is not None:
            offered = taken_up.calls
        if offered:
            found.insert(0, Answer(text=question(offered), proposed=offered, weak=True, evidence={"offered": 1.0}))
        return tuple(found)

    def _orders_what_was_asked(self, said: str, reading: Reading, answer: Answer, memory: Memory) -> bool:
        """Whether *answer* would ask again what the last reply asked, since the message orders just that.

        "Install X?", "Yes, and switch it on": the same plugin, and nothing taken away.
        """
        asks = said.rstrip().endswith(("?", "\uff1f"))
        doubtful = asks or reading.ordered < ORDERED or negated(said) or hedged(reading.text.spoken, reading.links)
        doubtful = doubtful or reading.act.label != "manage"  # "and one more, title …" orders something, but no plugin
        # In words that are in no list of ours a no reads as a yes.
        points = past_a_yes(said) or PRONOUN.search(said) or _named_in(reading) & _plugins(answer.proposed)
        doubtful = doubtful or not points
        if doubtful or not answer.proposed or not memory.question:
            return False
        offered = self._offered.proposed if self._offered is not None else ()
        if not offered and (taken_up := self._taken_up(memory)) is not None:
            offered = taken_up.calls
        whole = bool(offered) and all(call in answer.proposed for call in offered)
        same = _plugins(answer.proposed) == _plugins(offered)
        return whole and same and not any(self._takes_away(call) for call in answer.proposed)

    def _ordered_one_by_one(self, reading: Reading, memory: Memory) -> Answer | None:
        """Return what the message wants; of one with several orders what each of them wants, where that is more."""
        whole = decide(reading, self._known.standing, self._known.entries, memory)
        parts = self._with_lists(clauses(reading.text.spoken))
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
        if sure and not any(self._takes_away(call) for call in calls) and _named_in(reading) >= _plugins(calls):
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
        reading = self._known.read(part)
        called = [reading.text.spoken[link.start : link.end] for link in reading.links if link.named]
        return any(only_courtesy(reading.text.spoken, [name]) for name in called)

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

    # ---------------------------------------------------------------- what was offered

    def _settled(self, said: str, memory: Memory) -> Answer | None:
        """Answer a yes, a no or a choice; None for anything else."""
        if self._offered is not None and self._offered.choices is not None:
            return self._chosen(said, self._offered.choices)
        before = reply_before(self._exchanges)
        if before.startswith(ASKS_FOR) and agrees(said):
            return Answer(text=before)
        if not memory.question and self._offered is None:
            return Answer(text=NOTHING_ASKED) if self._exchanges[:-1] and _only_agrees(said) else None
        asked = memory.question or (self._offered.text if self._offered else "")
        if _AND_ON.fullmatch(past_a_yes(said)) and (more := self._yes_and_more(said, memory)) is not None:
            return more
        if agrees(said, asked) or self._agrees_with_a_remark(said):
            if self._offered is not None:
                return Answer(self._offered.proposed)
            return self._which(before, memory) or self._taken_up(memory)
        if (more := self._yes_and_more(said, memory)) is not None:
            return more
        return Answer(text=LEAVE) if declines(said) else None

    def _yes_and_more(self, said: str, memory: Memory) -> Answer | None:
        """Return what a yes does that orders more of the plugin that was asked about: "yea get it and fire it up"."""
        rest, asked = past_a_yes(said), memory.asked_about
        if not rest or len(asked) != 1 or not memory.question or _BUT.match(rest) or negated(rest):
            return None
        if _AND_ON.fullmatch(rest):
            rest = "and switch it on"
        order, meant = spelled_out(rest, memory, pronouns=True)
        reading = self._known.read(order)
        others = {name for plugin in reading.plugins if plugin.link.named for name in plugin.link.names} - {*asked}
        if others or meant != asked or reading.ordered < ORDERED:
            return None
        first = Answer(self._offered.proposed) if self._offered is not None else self._taken_up(memory)
        answer = decide(reading, self._known.standing, self._known.entries, memory)
        more = [call for call in (answer.calls or answer.proposed if answer else ()) if call.plugin in asked]
        letters = _once_installed(reading, asked[0])
        if set(letters) & set("DUX"):
            return None
        more += (
            list(calls_for(Step("activate", asked[0]), Standing({asked[0]: Installed(asked[0])}))[0])
            if "A" in letters and _SWITCHES_ON.search(rest)
            else []
        )
        calls: list[Call] = []
        for call in (*(first.calls if first is not None else ()), *more):
            if call not in calls:
                calls.append(call)
        if not calls or any(self._takes_away(call) for call in calls):
            return None
        return Answer(tuple(calls))

    def _agrees_with_a_remark(self, said: str) -> bool:
        """Whether *said* is a yes with words behind it that order nothing: "yes please, I do not trust my maths"."""
        remark = past_a_yes(said)
        if not remark or said.rstrip().endswith(("?", "\uff1f")) or _BUT.match(remark):
            return False
        reading = self._known.read(remark)
        named = any(plugin.link.named and plugin.link.confidence >= SURELY_NAMED for plugin in reading.plugins)
        return not named and reading.act.all.get("talk", 0.0) >= REMARKED and reading.ordered < REMARKS

    def _which(self, before: str, memory: Memory) -> Answer | None:
        """Ask again, where a yes was said to the question which one of several."""
        asked = _WHICH.search(before)
        absent = [name for name in memory.listed if name not in self._known.standing]
        if asked is None or len(absent) < 2:
            return None
        return Answer(text=which(absent), choices=("install", tuple(absent)))

    def _taken_up(self, memory: Memory) -> Answer | None:
        """Return what a yes to the question of somebody else's reply does: the question is read as an order.

        Of a plugin that the reply names and that is not there or not on, a yes can only want that it be.
        """
        # What is not installed is meant only where the reply names it; and no yes gives a value that nobody said.
        about = set(memory.asked_about or [name for name in memory.focus if name in self._known.standing][:1])
        made = tuple(
            call for call in self._asked(memory) if call.plugin in about and _says_values(memory.question, call)
        )
        if made and not any(self._takes_away(call) for call in made):
            return Answer(made)
        standing = self._known.standing
        if len(about) == 1 and any(standing.is_active(name) for name in about):
            return Answer(made) if made else None
        made = tuple(call for call in made if not self._takes_away(call))
        lacking = [name for name in memory.asked_about if not standing.is_active(name)][:1]
        steps = [Step("activate" if name in standing else "install", name) for name in lacking]
        calls = tuple(call for step in steps for call in calls_for(step, standing)[0])
        return Answer(calls or made) if calls or made else None

    def _asked(self, memory: Memory) -> tuple[Call, ...]:
        """Return what the question of the last reply would do, read as an order."""
        order, _ = spelled_out(memory.question, _of_reply(memory), pronouns=True)
        reading = self._known.read(order)
        orders = replace(
            reading, mood=reading.mood._replace(all={"order": 1.0}), act=reading.act._replace(all={"manage": 1.0})
        )
        answer = decide(orders, self._known.standing, self._known.entries, memory, acts=OFFERED)
        return (answer.calls or answer.proposed) if answer is not None else ()

    def _takes_away(self, call: Call) -> bool:
        return call.tool in ("deactivate_plugin", "unload_plugin")

    def _chosen(self, said: str, choices: tuple[str, tuple[str, ...]]) -> Answer | None:
        """Return what is done when *said* picks one of the plugins that were asked about."""
        intent, names = choices
        text, meant = spelled_out(said, Memory(listed=list(names), focus=list(names)))
        if len(said.split()) > LEANING:
            return None
        named = [name for link in self._known.read(text).links if link.named for name in link.names if name in names]
        picked = list(dict.fromkeys([*(name for name in meant if name in names), *named]))
        if len(picked) != 1 and not (len(meant) == 1 and (picked := meant)):
            return Answer(text=LEAVE) if declines(said) else None
        calls, note, _ = calls_for(Step(intent, picked[0]), self._known.standing)
        return Answer(calls, note)

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


def _says_values(question: str, call: Call) -> bool:
    """Whether *question* names all that *call* sets: "shall I set CITY to Bern?"."""
    return all(each["name"] in question for each in call.arguments.get("configuration") or ())


def _only_agrees(said: str) -> bool:
    """Whether *said* is a yes that orders nothing by itself, as "do it again" does."""
    return agrees(said) and not _AGAIN.search(said)


_AGAIN = re.compile(
    r"\b(?:do|go|again|both|nochmal|mach|allez|encore|vas|otra vez|de nuevo|hazlo|ancora|fallo)\b", re.I
)


def _of_reply(memory: Memory) -> Memory:
    """Return *memory* with the plugins that the last reply names before all others."""
    if not memory.asked_about:
        return memory
    rest = [name for name in memory.focus if name not in memory.asked_about]
    return Memory(list(memory.asked_about), [*reversed(memory.asked_about), *rest], memory.question, memory.asked_about)


def _once_installed(reading: Reading, name: str) -> str:
    """Return the letters of what a message would want of a plugin that is installed and off."""
    mine = next((plugin for plugin in reading.plugins if plugin.link.names == (name,)), None)
    shares = mine.otherwise.get("off", mine.prediction).all if mine is not None else {}
    return "".join(
        letter for letter in ORDER if sum(share for label, share in shares.items() if letter in label) >= ONCE_INSTALLED
    )
