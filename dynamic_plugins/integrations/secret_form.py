"""A page on this machine where the person enters a plugin's values: no client and no model sees them."""

from __future__ import annotations

import asyncio
import contextlib
import html
import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from dynamic_plugins.core.same_origin import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.requests import Request

    from dynamic_plugins.registry.entry import Variable

MAX_BODY = 64 * 1024
LOOPBACK = "127.0.0.1"
_GRACE = 2

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # Not no-referrer: browsers would then send "Origin: null" with the form, and the origin is checked.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }}
label, input, select {{ display: block; width: 100%; box-sizing: border-box; font: inherit }}
label {{ margin-top: 1.2rem; font-weight: 600 }} p.about {{ margin: 0 0 .3rem }}
input, select, button {{ padding: .5rem }} button {{ margin-top: 1.5rem; font: inherit }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


class ValuePage:
    """One page for one plugin, open for a while and good for one answer.

    It listens on the loopback interface only, under an address that nobody can guess, and ends when the values came,
    when it is closed, or after *seconds*; values that nobody has fetched by then are dropped.
    """

    def __init__(self, plugin: str, variables: Sequence[Variable], seconds: float) -> None:
        self.plugin, self.variables = plugin, tuple(variables)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((LOOPBACK, 0))
        self._socket.listen()
        self._host = f"{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._token = secrets.token_urlsafe(32)
        loop = asyncio.get_running_loop()
        self._given: asyncio.Future[dict[str, str]] = loop.create_future()
        self._end = loop.call_later(seconds, self._expire)
        routes = [Route("/{token}", self._show, methods=["GET"]), Route("/{token}", self._take, methods=["POST"])]
        # Bounded, so that a browser that stops in the middle of its answer does not hold up whoever closes the page.
        config = uvicorn.Config(
            Starlette(routes=routes),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = QuietServer(config)
        self._serving = loop.create_task(self._server.serve([self._socket]))

    @property
    def url(self) -> str:
        """The address to open; whoever has it may enter the values, once."""
        return f"http://{self._host}/{self._token}"

    @property
    def useful(self) -> bool:
        """Whether it still waits for an answer, or has one."""
        return not self._given.done() or bool(self._given.result())

    async def values(self) -> dict[str, str]:
        """Wait for the person and return what they entered; nothing when they did not in time."""
        return dict(await asyncio.shield(self._given))

    async def close(self) -> None:
        """End it; safe to repeat."""
        self._end.cancel()
        self._expire()
        await self._serving
        self._socket.close()

    def _expire(self) -> None:
        self._finish({})
        self._given.result().clear()

    def _finish(self, values: dict[str, str]) -> None:
        if not self._given.done():
            self._given.set_result(values)
        self._server.should_exit = True

    # ---------------------------------------------------------------- what a browser is told

    async def _show(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        return _page(f"Values for {self.plugin}", self._form())

    async def _take(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return PlainTextResponse("Too long.", 413, _HEADERS)
        try:
            told = dict(parse_qsl(body.decode(), max_num_fields=len(self.variables) + 8))
        except ValueError:
            return PlainTextResponse("Not a form.", 400, _HEADERS)
        if self._given.done():  # another answer was quicker
            return PlainTextResponse("There is nothing here.", 404, _HEADERS)
        values = {variable.name: told.get(variable.name, "").strip() for variable in self.variables}
        self._finish({name: value for name, value in values.items() if value})
        return _page("Thank you", "<p>The values were passed on. You can close this page.</p>")

    def _refused(self, request: Request) -> Response | None:
        if (refused := refusal(request.headers, self._host)) is not None:
            return PlainTextResponse(refused[1], refused[0], _HEADERS)
        if self._given.done() or not secrets.compare_digest(
            request.path_params["token"].encode(), self._token.encode()
        ):
            return PlainTextResponse("There is nothing here.", 404, _HEADERS)
        return None

    def _form(self) -> str:
        fields = "".join(_field(variable) for variable in self.variables)
        about = (
            f"<p>The plugin <b>{html.escape(self.plugin)}</b> needs these values. They are kept on this machine, "
            "and only the plugin gets them.</p>"
        )
        return f'{about}<form method="post" autocomplete="off">{fields}<button>Save</button></form>'


def _field(variable: Variable) -> str:
    name, about = html.escape(variable.name), html.escape(variable.description)
    described = f'<p class="about">{about}</p>' if about else ""
    required = " required" if variable.required else ""
    if variable.choices:
        options = "".join(f"<option>{html.escape(choice)}</option>" for choice in variable.choices)
        control = f'<select id="{name}" name="{name}"{required}>{options}</select>'
    else:
        kind = "password" if variable.is_secret else "text"
        control = f'<input id="{name}" name="{name}" type="{kind}" spellcheck="false" autocomplete="off"{required}>'
    return f'<label for="{name}">{name}</label>{described}{control}'


def _page(title: str, body: str) -> Response:
    return HTMLResponse(_PAGE.format(title=html.escape(title), body=body), headers=_HEADERS)


class QuietServer(uvicorn.Server):
    """Serves inside somebody else's program: signals stay with that program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
