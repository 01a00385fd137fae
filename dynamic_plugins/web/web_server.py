"""The page's server: its socket, what is written down of it while it runs, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from dynamic_plugins.core import cancellation
from dynamic_plugins.errors import PluginError
from dynamic_plugins.integrations.http_middleware import EndedAnswers
from dynamic_plugins.integrations.secret_form import QuietServer
from dynamic_plugins.storage.open_page import announced
from dynamic_plugins.web import (
    activity,
    add_page,
    asked,
    browse,
    installed,
    live,
    newer,
    permissions_page,
    plugin_log,
    settings_page,
    try_action,
    values_page,
    verbs,
)
from dynamic_plugins.web.access import ENTER, GuardedPage
from dynamic_plugins.web.site import HERE, Site, templates

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from dynamic_plugins.web.access import AccessKey

PARTS = (
    *(browse, add_page, installed, settings_page, permissions_page),
    *(newer, try_action, plugin_log, verbs, asked, values_page, activity, live),
)
"""The parts of the page: each has its routes."""

_STATUS = {"unknown_plugin": 404, "not_installed": 404, "ambiguous_name": 404, "internal_error": 500}


async def serve_web(
    site: Site,
    key: AccessKey,
    listening: socket.socket,
    stop: asyncio.Event,
    announce: Callable[[], object] = lambda: None,
) -> None:
    """Serve the page on *listening* to whoever brings *key*, until *stop* is set; *announce* is called once it does.

    What a browser began and is not done is undone then; what was asked is answered by nobody.
    """
    ended = asyncio.Event()
    static = Starlette(routes=[Mount("/static", StaticFiles(directory=HERE / "static"))])
    by_ticket = values_page.ValueForm(site.queue).by_ticket
    guarded: ASGIApp = EndedAnswers(GuardedPage(application(site), static, key, _locked_page(), by_ticket), ended)
    config = uvicorn.Config(
        guarded,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who sends a request is told by the connection, never by the request
        timeout_graceful_shutdown=2,
    )
    server = QuietServer(config)
    beside = [
        asyncio.create_task(_end(site, server, stop, ended)),
        asyncio.create_task(_prepare(site)),
        asyncio.create_task(site.presence.tell(site.app.settings.home)),
    ]
    try:
        with announced(site.app.settings.home, key.address):
            announce()
            await server.serve([listening])
    finally:
        await cancellation.to_the_end(_close(site, beside))


async def _close(site: Site, beside: Sequence[asyncio.Task[None]]) -> None:
    await cancellation.ended(*beside)
    await site.operations.close()


async def _end(site: Site, server: QuietServer, stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    await site.operations.close()
    ended.set()
    server.should_exit = True


async def _prepare(site: Site) -> None:
    """Make what the first search will want while the person opens the page."""
    with contextlib.suppress(PluginError):  # the page itself says what is wrong with a registry
        await site.listing.prepare()


def application(site: Site) -> Starlette:
    """Return the page without its guard and its static files."""
    routes = [route for part in PARTS for route in part.routes(site)]

    async def failed(request: Request, error: Exception) -> Response:
        return _failed(site, request, error)

    return Starlette(routes=routes, exception_handlers={PluginError: failed, HTTPException: failed, Exception: failed})


def _failed(site: Site, request: Request, error: Exception) -> Response:
    """Return the page of what went wrong: what happened, and what to do next."""
    if isinstance(error, HTTPException):
        text = "There is nothing here." if error.status_code == 404 else str(error.detail)
        return site.page(request, "failed.html", code=error.status_code, text=text, error=None)
    if isinstance(error, PluginError):
        status = _STATUS.get(error.code, 409)
        return site.page(request, "failed.html", code=status, text=error.for_person(), error=error)
    # The server logs what it was.
    return PlainTextResponse("Something went wrong here. The log of dynamic-plugins web says what.", 500)


def _locked_page() -> _Locked:
    return _Locked()


class _Locked:
    """Makes the page that those see who bring no token, or a wrong one."""

    def __init__(self) -> None:
        self._template = templates().get_template("locked.html")

    def __call__(self, request: Request, was_wrong: bool) -> Response:
        # An empty address is that of this very page: the link asks for it anew, as our own page's doing.
        here = "/" if was_wrong or request.url.path == ENTER else ""
        return HTMLResponse(self._template.render(was_wrong=was_wrong, here=here), 403 if was_wrong else 401)
