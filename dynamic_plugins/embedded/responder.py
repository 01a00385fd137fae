"""Works out what to call or to say, from nothing but a request and what is known of plugins.

Three readings of the last message are weighed against each other: what it wants of plugins as such
(:mod:`dynamic_plugins.embedded.dialogue`), which action of an active plugin it asks for
(:mod:`dynamic_plugins.embedded.using`), and what it only wants to know (:mod:`dynamic_plugins.embedded.about`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.about import answer_about
from dynamic_plugins.embedded.answers import answer_to
from dynamic_plugins.embedded.decide import Answer, Call, question
from dynamic_plugins.embedded.dialogue import Dialogue, Knowledge, Understood, list_call, search_for
from dynamic_plugins.embedded.plain_order import after_plain_order
from dynamic_plugins.embedded.request import Offered
from dynamic_plugins.embedded.use_phrase import asked_of, begins_with_action, used_for
from dynamic_plugins.embedded.using import propose
from dynamic_plugins.tools.management import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.about import About
    from dynamic_plugins.embedded.reading import Reading
    from dynamic_plugins.embedded.request import Exchange, Request
    from dynamic_plugins.embedded.standing import Standing
    from dynamic_plugins.embedded.using import Proposal
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

MANAGEMENT = frozenset(NAMES)
SEARCH, CALL = "search_plugin_actions", "call_plugin_action"
USES = 0.4
"""An action is called from this probability on that exactly this call is wanted; one that changes something from
:data:`CHANGES` on, and only where the message orders something."""
CHANGES = 0.9
SURELY_USES = 0.8
"""From here on a call of an action goes before a question about a plugin."""
ASKS_ABOUT = 0.6
"""From this probability on a message that is no order only wants to know."""
MAY_USE = 0.2
"""From this probability on the likeliest call is asked about."""
LOOKS = 0.25
"""From this probability of a search being wanted on it is made where nothing installed does what is asked for."""
ORDERED_BY_NAME = 0.4
"""So likely must it be that a message orders something for the action to be called that it begins with."""
READS_OF = 0.7
"""From this probability on a question that names an active plugin is answered by an action of it that only reads."""
NO_TOOL = "I have no tool for that here."


class Responder:
    """Answers requests with what is known: *names* resolves, *entries* are the registry's by name."""

    def __init__(self, names: Resolver, entries: Mapping[str, Entry]) -> None:
        self._names, self._entries = names, entries

    def answer(self, request: Request, standing: Standing) -> Answer:
        """Return what to call or to say, with the installed plugins as in *standing*. Blocks for a part of a second."""
        tools = _usable(request)
        knowledge = Knowledge(self._names, self._entries, standing)
        if request.now.calls:
            return self._after_calls(request, tools, knowledge) or Answer(text=answer_to(request.now.calls))
        understood = Dialogue(knowledge, request.exchanges).understand()
        answer = self._weighed(request, tools, knowledge, understood)
        offered = {tool.name for tool in request.tools} if request.choice != "none" else set()
        if all(call.tool in offered for call in answer.calls):
            return answer
        return Answer(text=answer.text or NO_TOOL)

    # ---------------------------------------------------------------- which reading holds

    def _weighed(
        self, request: Request, tools: Sequence[Offered], knowledge: Knowledge, understood: Understood
    ) -> Answer:
        managed, reading = understood.answer, understood.reading
        if tools and (phrase := used_for(reading)) and (used := self._used(phrase, request, tools)) is not None:
            return used
        if managed is not None and (understood.settled or managed.calls):
            return managed
        best = next(iter(propose(request.now.said, request.exchanges[:-1], tools)), None) if tools else None
        acts = _acts(best, understood)
        sure = managed is not None and (managed.choices is not None or (bool(managed.proposed) and not managed.weak))
        if managed is not None and sure and not (acts and best is not None and best.probability > SURELY_USES):
            return managed
        told = self._told(request, knowledge, understood)
        if tools and (read := self._read_of_plugin(request, tools, understood)) is not None:
            return read
        asks = told is not None and told.probability >= ASKS_ABOUT and reading.act.label in ("talk", "list")
        if best is not None and acts and not (asks and best.probability < CHANGES):
            return _calls(best)
        return (
            self._looked_for(understood, explicit=True)
            or self._looked_elsewhere(understood, told)
            or (Answer(text=told.text) if asks and told is not None else None)
            or self._asked_back(best, managed, reading)
            or self._looked_for(understood, explicit=False)
            or (_asked(best) if best is not None and best.calls and best.probability >= MAY_USE else None)
            or self._search_of_actions(request, reading)
            or self._in_words(request, knowledge, understood, told, managed)
        )

    def _used(self, phrase: str, request: Request, tools: Sequence[Offered]) -> Answer | None:
        """Return the call that *phrase* orders of the plugin that the message named for it."""
        best = next(iter(propose(phrase, request.exchanges[:-1], tools)), None)
        if best is None or not best.calls or best.probability < USES:
            return None
        return _ask_for(best) if best.missing else _calls(best)

    def _read_of_plugin(self, request: Request, tools: Sequence[Offered], understood: Understood) -> Answer | None:
        """Return the call that only reads and answers a question about what an active plugin holds."""
        if (asked := asked_of(understood.reading)) is None:
            return None
        plugin, about_it = asked
        own = [tool for tool in tools if tool.name.rpartition("__")[0] == plugin]
        best = next(iter(propose(about_it, request.exchanges[:-1], own)), None)
        fits = best is not None and best.calls and not best.changing and not best.missing
        return _calls(best) if best is not None and fits and best.probability >= READS_OF else None

    def _asked_back(self, best: Proposal | None, managed: Answer | None, reading: Reading) -> Answer | None:
        """Ask for what an action lacks, or whether the likeliest is wanted of a plugin."""
        if best is not None and best.missing and best.probability >= MAY_USE:
            return _ask_for(best)
        manages = reading.act.all.get("manage", 0.0) >= reading.act.all.get("talk", 0.0)
        return managed if managed is not None and managed.proposed and manages else None

    def _looked_for(self, understood: Understood, *, explicit: bool) -> Answer | None:
        search = search_for(understood.said, understood.reading, explicit=explicit)
        return Answer((search,)) if search is not None else None

    def _looked_elsewhere(self, understood: Understood, told: About | None) -> Answer | None:
        """Search for what is asked for where nothing that is installed does it."""
        wished = understood.reading.act.all.get("list", 0.0) >= LOOKS
        elsewhere = told is not None and told.elsewhere and wished
        return Answer((list_call(understood.said, understood.reading),)) if elsewhere else None

    def _search_of_actions(self, request: Request, reading: Reading) -> Answer | None:
        if any(tool.name == SEARCH for tool in request.tools) and reading.act.label == "use":
            return Answer((Call(SEARCH, {"query": request.now.said[:200]}),), weak=True)
        return None

    def _in_words(
        self,
        request: Request,
        knowledge: Knowledge,
        understood: Understood,
        told: About | None,
        managed: Answer | None,
    ) -> Answer:
        if told is not None:
            return Answer(text=told.text)
        if managed is not None and (managed.proposed or managed.text):
            return managed
        rest = self._told(request, knowledge, understood, only_words=True)
        return Answer(text=rest.text if rest is not None else NO_TOOL)

    def _told(
        self, request: Request, knowledge: Knowledge, understood: Understood, *, only_words: bool = False
    ) -> About | None:
        return answer_about(
            request.now.said,
            list(knowledge.standing.plugins.values()),
            [tool for tool in request.tools if tool.name not in MANAGEMENT],
            request.exchanges[:-1],
            self._entries,
            understood.reading.links,
            only_words=only_words,
        )

    # ---------------------------------------------------------------- after calls

    def _after_calls(self, request: Request, tools: Sequence[Offered], knowledge: Knowledge) -> Answer | None:
        """Return what is still to be called for the message; None when nothing is left of it."""
        last = request.now.calls[-1]
        if last.name == SEARCH and isinstance(last.result, dict):
            found = [
                Offered(str(each.get("action")), str(each.get("description") or ""), each.get("parameters") or {})
                for each in last.result.get("actions") or []
                if isinstance(each, dict)
            ]
            return self._wrapped(request.now, request.exchanges[:-1], found)
        if any(made.name not in MANAGEMENT or not _succeeded(made.result) for made in request.now.calls):
            return None
        if not any(made.name == "activate_plugin" for made in request.now.calls) or not tools:
            return None
        left = after_plain_order(knowledge.read(request.now.said))
        best = next(iter(propose(left, request.exchanges[:-1], tools)), None)
        # What follows on an order with "then" is one too.
        least = CHANGES if left == request.now.said else USES
        if best is not None and best.calls and not best.missing and best.probability >= least:
            return _calls(best)
        return None

    def _wrapped(self, now: Exchange, before: Sequence[Exchange], found: Sequence[Offered]) -> Answer | None:
        best = next(iter(propose(now.said, before, found)), None)
        if best is None or not best.calls or best.probability < USES:
            return None
        if best.missing:
            return _ask_for(best)
        return Answer(
            tuple(
                Call(CALL, {"action": name, "arguments": json.dumps(arguments, ensure_ascii=False)})
                for name, arguments in best.calls
            )
        )


def _usable(request: Request) -> list[Offered]:
    own = [tool for tool in request.tools if tool.name not in MANAGEMENT and tool.name not in (SEARCH, CALL)]
    if request.choice == "none":
        return []
    if request.choice not in (None, "auto", "required"):
        return [tool for tool in own if tool.name == request.choice]
    return own


def _acts(best: Proposal | None, understood: Understood) -> bool:
    """Whether *best* is done without a question."""
    if best is None or not best.calls or best.missing:
        return False
    if not best.changing:
        return best.probability >= USES
    if begins_with_action(understood.said, best.calls[0][0]) and understood.reading.ordered >= ORDERED_BY_NAME:
        return best.probability >= USES
    return best.probability >= CHANGES and understood.reading.ordered >= 0.8 and understood.reading.act.label != "list"


def _calls(best: Proposal) -> Answer:
    return Answer(tuple(Call(name, arguments) for name, arguments in best.calls))


def _asked(best: Proposal) -> Answer:
    calls = tuple(Call(name, arguments) for name, arguments in best.calls)
    return Answer(text=question(calls), proposed=calls)


def _ask_for(best: Proposal) -> Answer:
    name = best.calls[0][0] if best.calls else ""
    plugin, _, action = name.rpartition("__")
    missing = best.missing[0].replace("_", " ")
    return Answer(text=f"What should {missing} be for {action or name}{f' of {plugin}' if plugin else ''}?")


def _succeeded(result: Any) -> bool:
    return isinstance(result, dict) and bool(result.get("ok", True)) and "error" not in result
