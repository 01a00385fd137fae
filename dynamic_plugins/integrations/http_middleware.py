"""What stands round the MCP server's web application: its token, and an end for answers that have none of their own."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

from dynamic_plugins.settings import LOOPBACK

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def own_hosts(listening: socket.socket) -> list[str]:
    """Return how requests name the host that listens on a port of loopback."""
    port = listening.getsockname()[1]
    return [f"{name}:{port}" for name in (LOOPBACK, "localhost")]


class EndedAnswers:
    """An application that ends every answer under way once *ended* is set: streams to clients have no end of their own.

    Left to the web server, they would be torn down after a while, with a traceback for each.
    """

    def __init__(self, app: ASGIApp, ended: asyncio.Event) -> None:
        self._app, self._ended = app, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent: dict[str, Any] = {}

        async def noting(message: Message) -> None:
            sent.update(message)
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive, noting))
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({answering, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            if not (is_answered := answering.done()):
                answering.cancel()
                await asyncio.wait({answering})
        if is_answered:
            await answering
        else:
            await _close(sent, send)


async def _close(sent: Mapping[str, Any], send: Send) -> None:
    """End an answer of which *sent* was sent."""
    if not sent:
        await send({"type": "http.response.start", "status": 503, "headers": []})
    if not sent or sent["type"] == "http.response.start" or sent.get("more_body"):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class BearerToken:
    """An application that answers only those who know the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        scheme, _, token = given.partition(b" ")  # the name of the scheme has no case (RFC 9110, 11.1)
        known = scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(b" "), self._token)
        if scope["type"] == "http" and not known:
            from starlette.responses import PlainTextResponse

            response = PlainTextResponse("A token is needed.", 401, {"WWW-Authenticate": "Bearer"})
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)
