"""What a browser sets going: a verb on one plugin, the page that shows what it does and asks, and the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from dynamic_plugins.approval import Answer
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import fields_of, link, see

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.web.operations import Question
    from dynamic_plugins.web.site import Site

SOON = 1.5
"""Seconds for which a browser waits for a verb before it is shown what that is doing."""
LOOK_AGAIN = 20.0
"""Seconds after which a page that waits for news asks anew."""

Verb = Callable[["PluginManagementService", str, str | None], Awaitable[Any]]


async def _uninstall(service: PluginManagementService, name: str, _version: str | None) -> Any:
    return await service.uninstall(name, ask=True)


REMOTE = "install-remote"
"""An install of what is used where it runs, though it could be installed here."""
VERBS: dict[str, Verb] = {
    "install": lambda service, name, version: service.install(name, version),
    REMOTE: lambda service, name, version: service.install(name, version, remote=True),
    "update": lambda service, name, version: service.update(name, version),
    "rollback": lambda service, name, _: service.versions.rollback(name),
    "pin": lambda service, name, _: service.versions.pin(name),
    "unpin": lambda service, name, _: service.versions.unpin(name),
    "uninstall": _uninstall,
    "activate": lambda service, name, _: service.activate(name),
    "deactivate": lambda service, name, _: service.deactivate(name),
    "unload": lambda service, name, _: service.unload(name),
    "reload": lambda service, name, _: service.reload(name),
    "sign-in": lambda service, name, _: service.sign_in(name),
    "sign-out": lambda service, name, _: service.sign_out(name),
}
"""What a form may ask for, by the name of its button."""
YES_WORDS = {"permissions": "change it", "call": "", "reach": ""}
"""What a yes is to, where that is not the verb itself with "it"."""
AGREE = {
    Answer.ONCE: "Yes",
    Answer.CONVERSATION: "Yes, while this page runs",
    Answer.ALWAYS: "Always",
}
"""What the buttons say that agree. A conversation of the page lasts as long as its server."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Verbs(site)
    return [
        Route("/do", pages.do, methods=["POST"]),
        Route("/doing", pages.doing),
        Route("/doing/news", pages.news),
        Route("/doing/answer", pages.answer, methods=["POST"]),
        Route("/doing/cancel", pages.cancel, methods=["POST"]),
    ]


class _Verbs:
    def __init__(self, site: Site) -> None:
        self._site, self._operations, self._service = site, site.operations, site.app.service

    async def do(self, request: Request) -> Response:
        """Begin what a form asks for, once."""
        entered = await fields_of(request)
        verb, name = entered.get("verb", ""), entered.get("name", "").strip()
        if verb not in VERBS or not name:
            raise HTTPException(400, "The form is not complete.")
        version = entered.get("version", "").strip() or None
        after = link("/installed") if verb == "uninstall" else link("/plugin", name=name)
        if entered.get("back") == "list":
            after = link("/installed", show=entered.get("show", ""), page=entered.get("page", ""))
        begun = Operation("install", name, after, "remote") if verb == REMOTE else Operation(verb, name, after)
        operation = self._operations.begin(begun, lambda: VERBS[verb](self._service, name, version))
        return await self.follow(operation)

    async def follow(self, operation: Operation) -> Response:
        """Return the page that comes next: where it ended, or what it is doing."""
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see_operation(operation)

    async def doing(self, request: Request) -> Response:
        """Show what a verb does, or what it asks."""
        operation = self._named(request.query_params.get("id", ""))
        if operation.is_over:
            return see_end(operation)
        question = operation.question
        return self._site.page(
            request,
            "doing.html",
            here="browse" if operation.verb == "install" else "installed",
            operation=operation,
            question=question,
            facts=_facts(question),
            yes=_yes_words(question),
            agree={str(answer): AGREE[answer] for answer in question.answers} if question is not None else {},
        )

    async def news(self, request: Request) -> Response:
        """Answer once there is something new to show; held for a while, so that a page need not ask often."""
        operation = self._named(request.query_params.get("id", ""))
        seen = request.query_params.get("seen", "")
        await operation.news(int(seen) if seen.isdecimal() and len(seen) < 9 else 0, LOOK_AGAIN)
        return JSONResponse(
            {
                "changes": operation.changes,
                "asks": operation.question is not None,
                "over": operation.is_over,
                "step": operation.step_words,
            }
        )

    async def answer(self, request: Request) -> Response:
        """Take the person's answer: the first one to a question counts, and whoever comes later is told."""
        entered = await fields_of(request)
        operation = self._named(entered.get("id", ""))
        said = entered.get("answer", "")
        answer = Answer(said) if said in set(Answer) else Answer.NO
        if not self._operations.answer(operation, entered.get("question", ""), answer):
            return self._site.page(
                request,
                "failed.html",
                code=409,
                text="This was answered already, or is not asked any more. Nothing was agreed to a second time.",
                error=None,
            )
        return await self.follow(operation)

    async def cancel(self, request: Request) -> Response:
        """End a verb; what it has done so far is undone."""
        operation = self._named((await fields_of(request)).get("id", ""))
        self._operations.cancel(operation)
        await operation.news(operation.changes, SOON)
        if operation.verb == "install":
            return see("/browse")
        return see("/plugin", name=operation.plugin) if operation.plugin else see(operation.after)

    def _named(self, operation: str) -> Operation:
        found = self._operations.get(operation)
        if found is None:
            raise HTTPException(404)
        return found


def see_operation(operation: Operation) -> Response:
    """Return the way to what an *operation* does, or asks."""
    return see("/doing", id=operation.id)


def see_end(operation: Operation) -> Response:
    """Return the way to where an *operation* ended: to the settings, where it needs some that are missing."""
    missing = getattr(operation.error, "code", "") == "needs_configuration"
    outcome = operation.outcome
    if outcome is not None and outcome.info.status == "needs_configuration":
        missing = operation.verb == "install"
    if missing:
        name = outcome.info.name if outcome is not None else operation.plugin
        return see("/plugin/settings", name=name, done=operation.id)
    path = operation.after
    if outcome is not None and operation.verb in ("install", "update"):
        path = link("/plugin", name=outcome.info.name)  # by whatever name it was asked for
    elif operation.error is not None and operation.verb == "install":
        path = link("/browse")
    joint = "&" if "?" in path else "?"
    return see(f"{path}{joint}done={operation.id}")


def _yes_words(question: Question | None) -> str:
    """Return what stands behind the first button's yes: ``install it``."""
    if question is None or question.request is None:
        return ""
    request = question.request
    return "use it" if request.changes else YES_WORDS.get(request.verb, f"{request.verb} it")


def _facts(question: Question | None) -> list[str]:
    """Return what a question shows: the same lines as at a terminal."""
    if question is None:
        return []
    shown = question.request or question.sign_in
    return shown.facts if shown is not None else []
