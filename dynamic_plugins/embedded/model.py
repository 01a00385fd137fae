"""The embedded model: a Chat Completions request in, a completion out. It keeps nothing from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.completion import completion
from dynamic_plugins.embedded.decide import TOOLS, Answer
from dynamic_plugins.embedded.dialogue import Dialogue
from dynamic_plugins.embedded.replies import reply_to
from dynamic_plugins.embedded.request import Request, read_request
from dynamic_plugins.embedded.standing import standing_in
from dynamic_plugins.embedded.targets import Knowledge
from dynamic_plugins.embedded.telling import HONEST
from dynamic_plugins.embedded.use import Use

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.embedded.needle import Engine
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import NameIndex

MANAGEMENT = frozenset({*TOOLS.values(), "list_available_plugins"})


class EmbeddedModel:
    """Answers Chat Completions requests.

    *names* and *entries* are the registry's, *search* its search (a query and a limit give names, best first).
    :meth:`complete` blocks for up to a second or two: call it in a thread. Raises BadRequestError and
    EngineMissingError.
    """

    def __init__(
        self,
        names: NameIndex,
        entries: Mapping[str, Entry],
        search: Callable[[str, int], Sequence[str]],
        engine: Engine,
    ) -> None:
        self._names, self._entries, self._search, self._engine = names, entries, search, engine

    def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ``chat.completion`` for the request *body*; the same body always gives the same."""
        return completion(body, self.answer(read_request(body)))

    def answer(self, request: Request) -> Answer:
        """Return what to call or to say."""
        use = Use(self._engine, [tool for tool in request.tools if tool.name not in MANAGEMENT], request.choice)
        if request.now.calls:
            return use.next(request.now) or Answer(text=reply_to(request.now.calls))
        knowledge = Knowledge(self._names, self._entries, self._search, standing_in(request.system))
        managed = Dialogue(knowledge, request.exchanges).answer()
        offered = {tool.name for tool in request.tools} if request.choice != "none" else set()
        answer = self._best(managed, use, request)
        if all(call.tool in offered for call in answer.calls):
            return answer
        return Answer(text=answer.text or "I have no tool for that here.")

    def _best(self, managed: Answer | None, use: Use, request: Request) -> Answer:
        if managed is not None and (managed.calls or managed.proposed) and not managed.weak:
            return managed
        before = request.exchanges[-2] if len(request.exchanges) > 1 else None
        if (used := use.answer(request.now.said) or use.again(request.now.said, before)) is not None:
            return used
        return managed or Answer(text=HONEST)
