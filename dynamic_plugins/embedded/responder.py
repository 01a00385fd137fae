"""Works out what to call or to say, from nothing but a request and what is known of plugins.

Three readings of the last message are put side by side: what it wants of plugins as such
(:mod:`dynamic_plugins.embedded.managing.dialogue`), which action of an active plugin it asks for
(:mod:`dynamic_plugins.embedded.actions.call_proposals`), and what it only wants to know
(:mod:`dynamic_plugins.embedded.replies.about`). Which of them holds is the arbiter's to say
(:mod:`dynamic_plugins.embedded.arbiter`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.arbiter import choose
from dynamic_plugins.embedded.context.references import MANAGEMENT
from dynamic_plugins.embedded.context.request import Offered, reply_before, turn_before
from dynamic_plugins.embedded.language.agreement import declines, past_a_no, says_goodbye
from dynamic_plugins.embedded.managing.decide import ASKS_FOR, Answer, Call, question
from dynamic_plugins.embedded.managing.dialogue import Dialogue, Knowledge, Understood
from dynamic_plugins.embedded.managing.policy import forbids
from dynamic_plugins.embedded.managing.search_request import (
    Wish,
    list_call,
    query_in,
    search_for,
    search_in_own_words,
    wish_for,
    wishes,
)
from dynamic_plugins.embedded.managing.unlisted_order import folder_order, unlisted_order
from dynamic_plugins.embedded.managing.use_phrase import asked_about, spells_action, used_for
from dynamic_plugins.embedded.managing.version_order import version_order
from dynamic_plugins.embedded.mixed_order import mixed_order
from dynamic_plugins.embedded.next_call import CALL, SEARCH, USES, calls_of, next_call
from dynamic_plugins.embedded.options import (
    SURELY_USED,
    Situation,
    ask_for,
    manage_option,
    mixed_option,
    search_option,
    use_options,
    use_search_option,
    words_option,
)
from dynamic_plugins.embedded.replies import courtesy
from dynamic_plugins.embedded.replies.about import answer_about
from dynamic_plugins.embedded.replies.answers import answer_to
from dynamic_plugins.embedded.replies.question_answers import NOTHING_DOES_THAT
from dynamic_plugins.embedded.whole_message import leaves, may_manage, orders_a_plugin, orders_something, talks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.embedded.arbiter import Option
    from dynamic_plugins.embedded.context.request import Request
    from dynamic_plugins.embedded.managing.reading import Reading
    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.embedded.mixed_order import MixedOrder
    from dynamic_plugins.embedded.replies.about import About
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

LOOKS, LOOKS_FOR_PLUGINS = 0.8, 0.25
"""From these probabilities on of a search being wanted it is made: it changes nothing. The second holds where the
message speaks of plugins as such."""
LOOKS_ELSEWHERE = 0.3
"""From this probability on of a search being wanted, who asks what nothing installed can do is shown what could."""
MOST_NAMED = 4
ANSWERS = 0.05
"""The answer to a question for something that was missing is taken from this probability on."""
FOR_A_TERMINAL = "That is a command for a terminal: open a second one, or leave with /quit, and type it there."
PROMPT_PREFIX = "prompt_"
"""What the actions begin with that an MCP server's prompts become."""
SAY_WHAT_IT_IS = 'Say "search for" and what it is, and I look.'
NO_TOOL = "I have no tool for that here."


class Responder:
    """Answers requests with what is known: *names* resolves, *entries* are the registry's by name.

    *find* finds plugins by the meaning of a request; without it words alone are compared.
    """

    def __init__(
        self, names: Resolver, entries: Mapping[str, Entry], find: Callable[[str], Sequence[Entry]] = lambda _: ()
    ) -> None:
        self._names, self._entries, self._find = names, entries, find

    def answer(self, request: Request, standing: Standing) -> Answer:
        """Return what to call or to say, with the installed plugins as in *standing*. Blocks for a part of a second."""
        tools = _usable(request)
        knowledge = Knowledge(self._names, self._entries, standing)
        if request.now.calls:
            return next_call(request, tools, knowledge) or Answer(text=answer_to(request.now.calls))
        answer = self._weighed(request, tools, knowledge)
        offered = {tool.name for tool in request.tools} if request.choice != "none" else set()
        if all(call.tool in offered for call in answer.calls):
            return answer
        return Answer(text=answer.text or NO_TOOL)

    # ---------------------------------------------------------------- which reading holds

    def _offered(self, request: Request, standing: Standing) -> Answer | None:
        """Return what the last reply asked about, where it was ours: worked out again, since nothing is kept."""
        before = turn_before(request.exchanges)
        if before is None or before.calls or "?" not in (before.reply or ""):
            return None
        answer = self.answer(replace(request, exchanges=request.exchanges[:-1], choice=None), standing)
        return answer if answer.text == before.reply and (answer.proposed or answer.choices) else None

    def case(self, request: Request, standing: Standing) -> tuple[list[Option], Understood] | None:
        """Return what could be done about the last message, and how it was understood; None where that is settled."""
        knowledge = Knowledge(self._names, self._entries, standing)
        answer, options, understood = self._read(request, _usable(request), knowledge)
        return None if answer is not None else (options, understood)

    def _weighed(self, request: Request, tools: Sequence[Offered], knowledge: Knowledge) -> Answer:
        answer, options, understood = self._read(request, tools, knowledge)
        return answer if answer is not None else choose(options, understood.reading)

    def _read(
        self, request: Request, tools: Sequence[Offered], knowledge: Knowledge
    ) -> tuple[Answer | None, list[Option], Understood]:
        """Return the answer to a message that leaves no doubt, or else what could be done about it."""
        offered = self._offered(request, knowledge.standing)
        request = _past_a_no(request)
        dialogue = Dialogue(knowledge, request.exchanges, offered)
        understood = dialogue.understand()
        mixed = None
        if tools and not understood.settled and may_manage(understood):
            mixed = mixed_order(request.now.said, dialogue, request.exchanges[:-1], tools)
        answer = self._plain(request, tools, understood, knowledge, mixed)
        options = self._options(request, tools, knowledge, understood, mixed) if answer is None else []
        return answer, options, understood

    def _plain(
        self,
        request: Request,
        tools: Sequence[Offered],
        understood: Understood,
        knowledge: Knowledge,
        mixed: MixedOrder | None,
    ) -> Answer | None:
        """Return what a message that leaves no doubt wants: a yes, a choice, "use X to …", "switch X on"."""
        if not understood.settled and (says_goodbye(understood.said) or leaves(understood)):
            return Answer(text=courtesy.goodbye(understood.said))
        if understood.said.lstrip("$ ").startswith("dynamic-plugins "):
            return Answer(text=FOR_A_TERMINAL)
        if (name := asked_about(understood.reading)) is not None:
            return Answer((Call("list_available_plugins", {"query": name}),))
        if (told := version_order(understood.reading, knowledge.standing, tools)) is not None:
            return Answer(text=told)
        if (unlisted := unlisted_order(understood.reading, self._names)) is not None:
            return Answer(unlisted)
        if (folder := folder_order(understood.reading)) is not None:
            return Answer(text=folder)
        phrase, managed = used_for(understood.reading) if tools else None, understood.answer
        if phrase is not None and (used := self._used(phrase, request, tools)) is not None:
            return used
        wants_more = mixed is not None and mixed.used >= SURELY_USED
        certain = managed is not None and (understood.settled or (bool(managed.calls) and not wants_more))
        if certain and not _is_no_setting(understood.said, tools):
            return managed
        if tools and (completed := self._completed(request, tools)) is not None:
            return completed
        looks = understood.reading.act.all.get("list", 0.0)
        search = search_for(understood.said, understood.reading, explicit=looks < LOOKS)
        return Answer((search,)) if search is not None and looks >= LOOKS_FOR_PLUGINS else None

    def _completed(self, request: Request, tools: Sequence[Offered]) -> Answer | None:
        """Return the call that the message completes by answering what we asked for."""
        before = reply_before(request.exchanges)
        if not before.startswith(ASKS_FOR):
            return None
        proposals = propose(request.now.said, request.exchanges[:-1], tools)
        best = next((each for each in proposals if each.answers and _short_name(each.calls[0][0]) in before), None)
        if best is None or best.probability < ANSWERS:
            return None
        return Answer(text=ask_for(best)) if best.missing else calls_of(best)

    def _options(
        self,
        request: Request,
        tools: Sequence[Offered],
        knowledge: Knowledge,
        understood: Understood,
        mixed: MixedOrder | None,
    ) -> list[Option]:
        """Return what could be done about the last message; words are always among it."""
        managed, told = understood.answer, self._told(request, knowledge, understood)
        before = reply_before(request.exchanges)
        here = Situation(understood, told, "?" in before, bool(tools))
        found: list[Option] = []
        if managed is not None:
            found.append(manage_option(here, managed))
        known = [managed.calls or managed.proposed] if managed is not None else []
        for other in understood.others:
            if other.proposed not in known:
                known.append(other.proposed)
                found.append(manage_option(here, other, first=False))
        if mixed is not None:
            found.append(mixed_option(here, mixed))
        if tools:
            proposals = propose(request.now.said, request.exchanges[:-1], tools)
            if forbids(understood.reading.text.spoken):
                proposals = [each for each in proposals if not each.changing]
            found += use_options(here, proposals)
        explicit = search_for(understood.said, understood.reading, explicit=True)
        search = explicit or list_call(understood.said, understood.reading)
        found.append(search_option(here, search, explicit=explicit is not None))
        if (looked := self._search_of_actions(request, understood.reading)) is not None:
            found.append(use_search_option(here, looked))
        return [*found, words_option(here, self._in_words(request, knowledge, understood, told, managed))]

    def _used(self, phrase: str, request: Request, tools: Sequence[Offered]) -> Answer | None:
        """Return the call that *phrase* orders of the plugin that the message named for it."""
        best = next(iter(propose(phrase, request.exchanges[:-1], tools)), None)
        if best is None or not best.calls or best.probability < USES:
            return None
        return Answer(text=ask_for(best)) if best.missing else calls_of(best)

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
        if told is None and managed is not None and managed.text and not managed.proposed and not managed.calls:
            return managed
        told = told or self._told(request, knowledge, understood, only_words=True)
        if told is None:
            return Answer(text=NO_TOOL)
        if told.elsewhere and understood.reading.act.all.get("list", 0.0) >= LOOKS_ELSEWHERE:
            search = search_in_own_words(understood.said, understood.reading)
            searches = search is not None and any(tool.name == search.tool for tool in request.tools)
            return Answer((search,)) if search is not None and searches else Answer(text=told.text)
        if (wish := self._wish(understood, told, knowledge)) is not None:
            sure = wish.sure or orders_a_plugin(understood.reading)
            return Answer((wish.search,)) if sure else _offered_search(wish.search)
        if told.text == NOTHING_DOES_THAT:
            search = search_in_own_words(understood.said, understood.reading)
            if search is None or talks(understood.reading):
                return Answer(text=f"{told.text} {SAY_WHAT_IT_IS}")
            return Answer((search,)) if orders_a_plugin(understood.reading) else _offered_search(search)
        if told.evasive and orders_something(understood.reading):
            on = [name for name in knowledge.standing.plugins if knowledge.standing.is_active(name)]
            return Answer(text=courtesy.not_understood(on[:MOST_NAMED]))
        return Answer(text=told.text)

    def _wish(self, understood: Understood, told: About, knowledge: Knowledge) -> Wish | None:
        """Return what the message wishes for, where *told* is no answer to it or the registry has something near it.

        Whoever wishes in a language that few of our lines are written in is not left with "I do not know".
        """
        if told.of_none or told.evasive:
            wish = wish_for(understood.said, understood.reading, asks_of_none=told.of_none)
            if wish is not None:
                return wish
        if understood.answer is not None or not wishes(understood.said, understood.reading):
            return None
        found = self._find(query_in(understood.said))
        if not found or found[0].name in knowledge.standing:
            return None
        return Wish(list_call(understood.said, understood.reading), sure=True)

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
            find=lambda said: self._find(query_in(said)),
        )


def _offered_search(search: Call) -> Answer:
    return Answer(text=question((search,), (NOTHING_DOES_THAT,)), proposed=(search,))


def _is_no_setting(said: str, tools: Sequence[Offered]) -> bool:
    """Whether what reads as a setting is the name of an action: "NOTE_DELETE 7"."""
    return "_" in said.strip().partition(" ")[0] and any(spells_action(said, tool.name) for tool in tools)


def _usable(request: Request) -> list[Offered]:
    own = [tool for tool in request.tools if tool.name not in MANAGEMENT and tool.name not in (SEARCH, CALL)]
    names = {tool.name for tool in own}
    own = [tool for tool in own if not _gives_text_for(tool.name, names)]
    if request.choice == "none":
        return []
    if request.choice not in (None, "auto", "required"):
        return [tool for tool in own if tool.name == request.choice]
    return own


def _gives_text_for(tool: str, names: set[str]) -> bool:
    """Whether *tool* only gives the text of a prompt for what another of *names* does: `prompt_fetch` for `fetch`."""
    plugin, mark, action = tool.rpartition(f"__{PROMPT_PREFIX}")
    return bool(mark) and f"{plugin}__{action}" in names


def _past_a_no(request: Request) -> Request:
    """Return *request* with a no to the last question taken off its message, where something else follows."""
    before = reply_before(request.exchanges)
    said = request.now.said
    if "?" not in before or declines(said) or (rest := past_a_no(said)) == said:
        return request
    return replace(request, exchanges=(*request.exchanges[:-1], replace(request.now, said=rest)))


def _short_name(tool: str) -> str:
    return tool.rpartition("__")[2]
