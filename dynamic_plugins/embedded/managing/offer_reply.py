"""What a reply to what the conversation offered means: a yes, a no, a choice, or a yes that orders more."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.request import reply_before
from dynamic_plugins.embedded.language.agreement import agrees, declines, only_courtesy, past_a_yes, plainly_agrees
from dynamic_plugins.embedded.language.hedges import negated
from dynamic_plugins.embedded.managing.decide import ASKS_FOR, Answer, Call, Step, calls_for, which
from dynamic_plugins.embedded.managing.memory import SURELY_NAMED, Memory, spelled_out
from dynamic_plugins.embedded.managing.policy import decide
from dynamic_plugins.embedded.managing.reading import ORDER, Reading
from dynamic_plugins.embedded.managing.removal import orders_removal
from dynamic_plugins.embedded.managing.standing import Installed, Standing
from dynamic_plugins.tools.management import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.request import Exchange
    from dynamic_plugins.embedded.managing.knowledge import Knowledge

LEAVE = "All right, I leave everything as it is."
NOTHING_ASKED = "I had asked nothing. Say what I shall do."
OFFERED = 0.5
REMARKS, REMARKED = 0.6, 0.3
"""What is less likely to order something than the first, and as likely to be talk as the second, is a remark, behind
a yes."""
ONCE_INSTALLED = 0.8
"""So likely must something be wanted of a plugin once it is installed."""
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
_MANAGED = frozenset(NAMES)
_EASILY_UNDONE = frozenset({"activate_plugin", "list_available_plugins"})
ORDERED = 0.9
"""So likely must it be that what answers a question orders what was asked."""
LEANING = 7
"""A message of more words that names no plugin speaks of something else than the last one."""
_AGAIN = re.compile(
    r"\b(?:do|go|again|both|nochmal|mach|allez|encore|vas|otra vez|de nuevo|hazlo|ancora|fallo)\b", re.I
)


class OfferReply:
    """The last of *exchanges* as a reply to what was *offered*, where that was our own, or to what a reply asked."""

    def __init__(self, known: Knowledge, exchanges: Sequence[Exchange], offered: Answer | None) -> None:
        self._known, self._exchanges, self._offered = known, exchanges, offered

    def settled(self, said: str, memory: Memory) -> Answer | None:
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
        if agrees(said, asked) or self._agrees_with_a_remark(said, memory):
            if self._offered is not None:
                if any(map(_wants_a_plain_yes, self._offered.proposed)) and not plainly_agrees(said, asked):
                    return Answer(text=LEAVE) if declines(said) else self._offered
                return Answer(self._offered.proposed)
            return self._which(before, memory) or self.taken_up(memory)
        if (more := self._yes_and_more(said, memory)) is not None:
            return more
        if (named := self._named_of_the_listed(said, before, memory)) is not None:
            return named
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
        first = Answer(self._offered.proposed) if self._offered is not None else self.taken_up(memory)
        if first is not None and any(map(_wants_a_plain_yes, first.calls)):
            return None
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
        if not calls or any(takes_away(call) for call in calls):
            return None
        return Answer(tuple(calls))

    def _agrees_with_a_remark(self, said: str, memory: Memory) -> bool:
        """Whether *said* is a yes with words behind it that order nothing: "yes please, I do not trust my maths"."""
        remark = past_a_yes(said)
        # A remark may be anything: it agrees to what can be taken back by a word, and to nothing else.
        offered = self._offered.proposed if self._offered is not None else self.asked(memory)
        if not offered or any(call.tool not in _EASILY_UNDONE for call in offered):
            return False
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

    def _named_of_the_listed(self, said: str, before: str, memory: Memory) -> Answer | None:
        """Return the installing of the one of several that a reply asks to choose from, by a part of its name and
        nothing else: "the toolkit one, please".
        """
        if not _WHICH.search(before):
            return None
        absent = [name for name in memory.listed if name not in self._known.standing]
        reading = self._known.read(said, dict.fromkeys(absent, "r0"))
        named = [link for link in reading.links if link.named]
        if len(named) != 1 or named[0].names[0] not in absent:
            return None
        if not only_courtesy(said, [said[named[0].start : named[0].end]]):
            return None
        calls, note, _ = calls_for(Step("install", named[0].names[0]), self._known.standing)
        return Answer(calls, note)

    def taken_up(self, memory: Memory) -> Answer | None:
        """Return what a yes to the question of somebody else's reply does: the question is read as an order.

        Of a plugin that the reply names and that is not there or not on, a yes can only want that it be.
        """
        standing = self._known.standing
        # What is not installed is meant only where the reply names it; and no yes gives a value that nobody said.
        about = set(memory.asked_about or [name for name in memory.focus if name in standing][:1])
        asked = (call for call in self.asked(memory) if _says_values(memory.question, call))
        made = tuple(call for call in asked if call.plugin in about)
        if made and not any(takes_away(call) for call in made):
            return Answer(made)
        if len(about) == 1 and any(standing.is_active(name) for name in about):
            return Answer(made) if made else None
        made = tuple(call for call in made if not takes_away(call))
        lacking = [name for name in memory.asked_about if not standing.is_active(name)][:1]
        steps = [Step("activate" if name in standing else "install", name) for name in lacking]
        calls = tuple(call for step in steps for call in calls_for(step, standing)[0])
        return Answer(calls or made) if calls or made else None

    def asked(self, memory: Memory) -> tuple[Call, ...]:
        """Return what the question of the last reply would do, read as an order."""
        order, _ = spelled_out(memory.question, _of_reply(memory), pronouns=True)
        reading = self._known.read(order)
        orders = replace(
            reading, mood=reading.mood._replace(all={"order": 1.0}), act=reading.act._replace(all={"manage": 1.0})
        )
        answer = decide(orders, self._known.standing, self._known.entries, memory, acts=OFFERED)
        return (answer.calls or answer.proposed) if answer is not None else ()

    def _chosen(self, said: str, choices: tuple[str, tuple[str, ...]]) -> Answer | None:
        """Return what is done when *said* picks one of the plugins that were asked about."""
        intent, names = choices
        text, meant = spelled_out(said, Memory(listed=list(names), focus=list(names)))
        if len(said.split()) > LEANING or orders_removal(said):
            return None  # another order than the choice that was asked for
        named = [name for link in self._known.read(text).links if link.named for name in link.names if name in names]
        picked = list(dict.fromkeys([*(name for name in meant if name in names), *named]))
        if len(picked) != 1 and not (len(meant) == 1 and (picked := meant)):
            return Answer(text=LEAVE) if declines(said) else None
        calls, note, _ = calls_for(Step(intent, picked[0]), self._known.standing)
        return Answer(calls, note)


def _wants_a_plain_yes(call: Call) -> bool:
    """Whether *call* cannot easily be undone: only a yes and nothing else agrees to it."""
    return call.tool not in _MANAGED or bool(call.arguments.get("uninstall"))


def takes_away(call: Call) -> bool:
    return call.tool in ("deactivate_plugin", "unload_plugin")


def _says_values(question: str, call: Call) -> bool:
    """Whether *question* names all that *call* sets, and to what: "shall I set CITY to Bern?"."""
    values = call.arguments.get("configuration") or ()
    return all(each["name"] in question and f"to {each['value']}" in question for each in values)


def _only_agrees(said: str) -> bool:
    """Whether *said* is a yes that orders nothing by itself, as "do it again" does."""
    return agrees(said) and not _AGAIN.search(said)


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
