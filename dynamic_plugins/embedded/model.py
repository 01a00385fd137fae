"""The built-in model: a conversation so far in, what to call or to say out. It keeps nothing from one to the next."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.model_protocol import Say, ToolCall, Use
from dynamic_plugins.embedded.completion import MODEL, call_id, fingerprint, pieces
from dynamic_plugins.embedded.decide import TOOLS, Answer
from dynamic_plugins.embedded.dialogue import Dialogue
from dynamic_plugins.embedded.needle import engine
from dynamic_plugins.embedded.replies import reply_to
from dynamic_plugins.embedded.request import Request, read_request
from dynamic_plugins.embedded.standing import standing_in
from dynamic_plugins.embedded.targets import Knowledge
from dynamic_plugins.embedded.telling import HONEST
from dynamic_plugins.embedded.use import Use as ActionUse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.core.model_protocol import OnText
    from dynamic_plugins.embedded.needle import Engine
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.resolver.resolver import Resolver

MANAGEMENT = frozenset({*TOOLS.values(), "list_available_plugins"})
SEARCH_SECONDS = 10.0


class EmbeddedModel:
    """The built-in model as a conversation sees it (:class:`~dynamic_plugins.core.model_protocol.Model`).

    What it knows of plugins is *catalogue*'s.
    """

    def __init__(self, catalogue: Catalogue, name: str = MODEL) -> None:
        """Raises EngineMissingError when the model is not installed."""
        engine().check()
        self._catalogue, self.name = catalogue, name

    async def respond(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], on_text: OnText | None = None
    ) -> Say | Use:
        """Return what to say, or which of *tools* to call; a text is given to *on_text* word by word."""
        body = {"messages": list(messages), "tools": list(tools)}
        answer = await answer_from(self._catalogue, read_request(body))
        if on_text is not None:
            for piece in pieces(answer.text):
                on_text(piece)
        if not answer.calls:
            return Say(answer.text)
        seed = fingerprint(body)
        calls = (
            ToolCall(call_id(seed, number), call.tool, json.dumps(call.arguments, ensure_ascii=False))
            for number, call in enumerate(answer.calls)
        )
        return Use(tuple(calls), answer.text)

    async def close(self) -> None:
        """Nothing is held: the engine serves the whole process."""


async def answer_from(catalogue: Catalogue, request: Request) -> Answer:
    """Return the answer to *request* with what *catalogue* knows; it is worked out in a thread.

    Raises EngineMissingError, and what the registry raises.
    """
    names = await catalogue.names()
    entries = {entry.name: entry for entry in await catalogue.registry.entries()}
    loop = asyncio.get_running_loop()

    def search(query: str, limit: int) -> Sequence[str]:
        found = asyncio.run_coroutine_threadsafe(catalogue.search(query, limit), loop)
        return [match.entry.name for match in found.result(SEARCH_SECONDS)]

    return await asyncio.to_thread(Responder(names, entries, search, engine()).answer, request)


class Responder:
    """Works out answers, from nothing but a request and what is known of plugins.

    *names* and *entries* are the registry's, *search* its search (a query and a limit give names, best first).
    """

    def __init__(
        self,
        names: Resolver,
        entries: Mapping[str, Entry],
        search: Callable[[str, int], Sequence[str]],
        engine: Engine,
    ) -> None:
        self._names, self._entries, self._search, self._engine = names, entries, search, engine

    def answer(self, request: Request) -> Answer:
        """Return what to call or to say. Blocks for up to a second or two. Raises EngineMissingError."""
        use = ActionUse(self._engine, [tool for tool in request.tools if tool.name not in MANAGEMENT], request.choice)
        if request.now.calls:
            return use.next(request.now) or Answer(text=reply_to(request.now.calls))
        knowledge = Knowledge(self._names, self._entries, self._search, standing_in(request.system))
        managed = Dialogue(knowledge, request.exchanges).answer()
        offered = {tool.name for tool in request.tools} if request.choice != "none" else set()
        answer = self._best(managed, use, request)
        if all(call.tool in offered for call in answer.calls):
            return answer
        return Answer(text=answer.text or "I have no tool for that here.")

    def _best(self, managed: Answer | None, use: ActionUse, request: Request) -> Answer:
        if managed is not None and (managed.calls or managed.proposed) and not managed.weak:
            return managed
        before = request.exchanges[-2] if len(request.exchanges) > 1 else None
        if (used := use.answer(request.now.said) or use.again(request.now.said, before)) is not None:
            return used
        return managed or Answer(text=HONEST)
