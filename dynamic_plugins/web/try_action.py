"""Trying an action: a form made from its schema, and what came of the call."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.routing import Route

from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.text.printable import json_text, printable
from dynamic_plugins.web import action_form
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import fields_of, link, see
from dynamic_plugins.web.verbs import SOON, see_end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.errors import PluginError
    from dynamic_plugins.web.site import Site

LONGEST = 100_000
"""So many characters of a result are shown."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Try(site)
    return [Route("/plugin/try", pages.show), Route("/plugin/try", pages.call, methods=["POST"])]


class _Try:
    def __init__(self, site: Site) -> None:
        self._site, self._app = site, site.app

    async def show(self, request: Request) -> Response:
        """Show an action's form, and under it what it answered last."""
        name, action = await self._named(request.query_params)
        done = self._site.operations.get(request.query_params.get("done", ""))
        mine = done if done is not None and (done.verb, done.plugin, done.action) == ("call", name, action) else None
        return self._page(request, name, action, mine.form if mine is not None else {}, mine)

    async def call(self, request: Request) -> Response:
        """Call the action with what was entered, once it fits the schema."""
        entered = await fields_of(request)
        name, action = await self._named(entered)
        schema = self._offered(name, action)["parameters"]
        try:
            arguments = action_form.arguments(f"{name}: {action}", schema, entered)
        except BadArgumentsError as error:
            return self._page(request, name, action, entered, error=error)
        secret = {each.input for each in action_form.parameters(schema) if each.kind == "secret"}
        kept = {key: text for key, text in entered.items() if key not in secret}
        call = Operation("call", name, link("/plugin/try", name=name, action=action), action=action, form=kept)
        operation = self._site.operations.begin(call, lambda: self._app.call_for_person(name, action, arguments))
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see("/doing", id=operation.id)

    async def _named(self, told: Mapping[str, str]) -> tuple[str, str]:
        self._app.service.sync()
        return (await self._app.service.resolve(told.get("name", ""))).name, told.get("action", "")

    def _offered(self, name: str, action: str) -> dict[str, Any]:
        for each in self._app.service.offered(name):
            if each["name"] == action:
                return each
        raise HTTPException(404)

    def _page(
        self,
        request: Request,
        name: str,
        action: str,
        entered: Mapping[str, str],
        call: Operation | None = None,
        error: PluginError | None = None,
    ) -> Response:
        offered = self._offered(name, action)
        text = shown_result(call.value) if call is not None and call.error is None else ""
        return self._site.page(
            request,
            "try.html",
            code=200 if error is None else 409,
            here="installed",
            name=name,
            action=offered,
            fields=action_form.parameters(offered["parameters"]),
            has_form=action_form.has_form(offered["parameters"]),
            whole=action_form.WHOLE,
            schema=json.dumps(offered["parameters"], indent=2, ensure_ascii=False),
            entered=entered,
            once=secrets.token_urlsafe(8),
            call=call,
            result=text[:LONGEST],
            left_out=max(0, len(text) - LONGEST),
            error=error or (call.error if call is not None else None),
            is_on=self._app.service.status_of(name) is Status.ACTIVE,
            others=[each["name"] for each in self._app.service.offered(name)],
        )


def shown_result(value: Any) -> str:
    """Return what an action gave, as a person reads it: text as it is, all else as JSON."""
    if value is None or value == "":
        return "It ran, and gave no result." if value is None else "It ran, and its result is an empty text."
    return printable(value) if isinstance(value, str) else json_text(value, 2)
