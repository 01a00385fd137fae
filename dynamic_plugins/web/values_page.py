"""The form for values that an agent's client sends a person to: opened by its ticket alone, or from *Asked*.

The client is not told the page's token, and its browser may be another one than that which has the cookie. So the
address holds a ticket, good for one question and one answer, which opens nothing else of the page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from dynamic_plugins.storage import value_questions
from dynamic_plugins.storage.approval_queue import NO
from dynamic_plugins.storage.open_page import VALUES
from dynamic_plugins.web.settings_page import LINES, PREFIX
from dynamic_plugins.web.site import fields_of, link, templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.storage.approval_queue import ApprovalQueue, Ending, Question
    from dynamic_plugins.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page, for whoever has its cookie."""
    form = ValueForm(site.queue)
    return [Route(VALUES, form.answer_request, methods=["GET", "POST"])]


class ValueForm:
    """Shows the form of a question for values, and gives what is entered to whoever asks."""

    def __init__(self, queue: ApprovalQueue) -> None:
        self._queue = queue

    async def by_ticket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that brings a ticket, and maybe nothing else: an ASGI application."""
        request = Request(scope, receive)
        try:
            answer = await self.answer_request(request)
        except HTTPException as error:
            answer = PlainTextResponse(error.detail, error.status_code)
        await answer(scope, receive, send)

    async def answer_request(self, request: Request) -> Response:
        """Show the form, or take what was entered on it."""
        ticket = request.query_params.get("ticket", "")
        question = await asyncio.to_thread(self._question, ticket, request.query_params.get("id", ""))
        if question is None:
            return _shown("There is nothing to enter here", "gone", ticket, code=404)
        if request.method == "POST":
            return await self._take(request, question, ticket)
        action = link(VALUES, ticket=ticket, id="" if ticket else question.id)
        return _shown(question.question, "open", ticket, question=question, action=action)

    def _question(self, ticket: str, identifier: str) -> Question | None:
        found = value_questions.of_ticket(self._queue, ticket) if ticket else self._queue.get(identifier)
        return found if found is not None and found.fields else None

    async def _take(self, request: Request, question: Question, ticket: str) -> Response:
        entered = await fields_of(request)
        values = entered_values(question.fields, entered)
        if entered.get("answer") == NO:
            ending = await asyncio.to_thread(self._queue.answer, question.id, NO)
        elif missing := [each.name for each in question.fields if each.required and each.name not in values]:
            action = link(VALUES, ticket=ticket, id="" if ticket else question.id)
            error = f"It cannot do without {', '.join(missing)}."
            return _shown(question.question, "open", ticket, code=409, question=question, action=action, error=error)
        else:
            ending = await self._enter(question, values)
        if ending != "counted":
            return _shown("There is nothing to enter here", "gone", ticket, code=409)
        return _shown("Nothing was entered" if entered.get("answer") == NO else "Thank you", "over", ticket)

    async def _enter(self, question: Question, values: Mapping[str, str]) -> Ending:
        try:
            return await asyncio.to_thread(value_questions.enter, self._queue, question, values)
        except ValueError:  # another program wrote that question: its key is none
            return "gone"


def entered_values(fields: tuple[Variable, ...], entered: Mapping[str, str]) -> dict[str, str]:
    """Return what a form has for *fields*, by name, without what was left blank."""
    values = {}
    for field in fields:
        several = entered.get(LINES + field.name, "").replace("\r\n", "\n")
        if text := several if several.strip() else entered.get(PREFIX + field.name, "").strip():
            values[field.name] = text
    return values


def _shown(title: str, stage: str, ticket: str, *, code: int = 200, **values: object) -> Response:
    """Return the page at this *stage*: ``open`` to be entered, ``over``, or ``gone``."""
    told = {"title": title, "stage": stage, "within": not ticket, "error": ""} | values
    return HTMLResponse(templates().get_template("values.html").render(told), code)
