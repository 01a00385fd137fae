"""The built-in model: a conversation so far in, what to call or to say out. It keeps nothing from one to the next."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import telemetry
from dynamic_plugins.core.model_protocol import Say, ToolCall, Use
from dynamic_plugins.core.spans import ModelAnswer
from dynamic_plugins.embedded.context.request import Request, read_request
from dynamic_plugins.embedded.identity import MODEL, call_id, fingerprint, pieces
from dynamic_plugins.embedded.managing.standing import standing_from
from dynamic_plugins.embedded.managing.status_text import standing_in_text
from dynamic_plugins.embedded.responder import Responder
from dynamic_plugins.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.core.model_protocol import OnText, TurnContext
    from dynamic_plugins.embedded.managing.decide import Answer
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Catalogue

FITTING_PLUGINS, SEARCH_SECONDS = 8, 5.0
"""So many plugins are looked at that may fit a request, and so long are they waited for."""


class EmbeddedModel:
    """The built-in model as a conversation sees it (:class:`~dynamic_plugins.core.model_protocol.Model`).

    What it knows of plugins is *catalogue*'s.
    """

    reads_every_tool = True

    def __init__(self, catalogue: Catalogue, name: str = MODEL) -> None:
        self._catalogue, self.name = catalogue, name

    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        on_text: OnText | None = None,
        context: TurnContext | None = None,
    ) -> Say | Use:
        """Return what to say, or which of *tools* to call; a text is given to *on_text* word by word.

        How the installed plugins stand is *context*'s word; only a caller without one is read for it.
        """
        body = {"messages": list(messages), "tools": list(tools)}
        with telemetry.model_request(self.name, None) as span:
            answer = await answer_from(self._catalogue, read_request(body), context)
            span.answered(ModelAnswer(self.name, reasons=("tool_calls" if answer.calls else "stop",)))
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
        """Nothing is held."""


async def answer_from(catalogue: Catalogue, request: Request, context: TurnContext | None = None) -> Answer:
    """Return the answer to *request* with what *catalogue* knows; it is worked out in a thread.

    Without *context*, as over HTTP, the request's texts say how the plugins stand. Raises what the registry raises.
    """
    names = await catalogue.names()
    entries = await catalogue.entries_by_name()
    standing = standing_in_text(request, entries) if context is None else standing_from(context.plugins)
    responder = Responder(names, entries, _finder(catalogue, asyncio.get_running_loop()))
    return await asyncio.to_thread(responder.answer, request, standing)


def _finder(catalogue: Catalogue, loop: asyncio.AbstractEventLoop) -> Callable[[str], Sequence[Entry]]:
    """Return the search of *catalogue*, for a thread beside *loop*; nothing is found where only words are compared."""

    def find(request: str) -> list[Entry]:
        if not catalogue.with_meaning:
            return []
        searching = asyncio.run_coroutine_threadsafe(catalogue.search(request, FITTING_PLUGINS), loop)
        try:
            return [match.entry for match in searching.result(SEARCH_SECONDS)]
        except (TimeoutError, RegistryUnavailableError):
            searching.cancel()
            return []  # what is not found in time is not known

    return find
