"""What agents, clients and commands on this home wait for the person's word on: shown as a terminal shows it, answered
once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Route

from dynamic_plugins.approval import Answer
from dynamic_plugins.storage.approval_queue import NO, YES
from dynamic_plugins.web.site import fields_of, see

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.storage.approval_queue import Ending, Question
    from dynamic_plugins.web.site import Site

REMEMBERED = 100
"""So many answers of this page are remembered, for whoever answers the same a second time."""
SHOWN = 20

_DOORS = {
    "terminal": "a command",
    "chat": "a conversation in a terminal",
    "mcp": "an MCP client",
    "library": "a program that uses the library",
    "web": "this page",
}
_WORDS = {
    YES: "Yes",
    str(Answer.ONCE): "Yes, this once",
    str(Answer.CONVERSATION): "Yes, until it ends",
    str(Answer.ALWAYS): "Always",
    NO: "No",
}


@dataclass(frozen=True)
class Said:
    """What somebody answered on this page, and what became of it."""

    question: Question
    answer: str
    ending: Ending

    @property
    def words(self) -> str:
        return _WORDS[self.answer]

    @property
    def is_for_the_next_call(self) -> bool:
        """Whether nothing goes on before a model makes the same call again."""
        return self.question.door == "mcp" and self.answer != NO


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Asked(site)
    return [Route("/asked", pages.asked), Route("/asked/answer", pages.answer, methods=["POST"])]


class _Asked:
    def __init__(self, site: Site) -> None:
        self._site, self._queue = site, site.queue
        self._said: OrderedDict[str, Said] = OrderedDict()

    async def asked(self, request: Request) -> Response:
        """Show what is asked now, and what became of the answer that was just given."""
        questions = await asyncio.to_thread(self._queue.open)
        answered, ending = request.query_params.get("answered", ""), request.query_params.get("ending", "")
        return self._site.page(
            request,
            "asked.html",
            here="asked",
            questions=questions[:SHOWN],
            more=max(0, len(questions) - SHOWN),
            words=_WORDS,
            doors=_DOORS,
            said=self._said.get(answered),
            ending=ending if ending in ("counted", "too late", "gone") else "",
        )

    async def answer(self, request: Request) -> Response:
        """Take one answer to one question."""
        entered = await fields_of(request)
        identifier, answer = entered.get("id", ""), entered.get("answer", "")
        question = await asyncio.to_thread(self._queue.get, identifier)
        try:
            ending = await asyncio.to_thread(self._queue.answer, identifier, answer)
        except ValueError:
            raise HTTPException(400, "That is no answer to this.") from None
        if ending == "counted" and question is not None:
            self._said[identifier] = Said(question, answer, ending)
            while len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
        return see("/asked", answered=identifier if identifier in self._said else "", ending=ending)
