"""Who may see the page: whoever brings its token, from the page's own host and origin, and nobody else.

The token stands in the first address, which ``dynamic-plugins web`` prints. Whoever opens that gets a cookie in its
place and is sent on, so that no page of ours has a token in its address. What changes something is protected three
times against other sites' pages: the cookie is ``SameSite=Strict``, a POST has to name our own origin, and another
host's name is refused. A token in each form would add nothing to that: whoever gets past the origin could read it.

Cookies know no ports: what another user of this machine serves on a port of theirs is sent ours, where it is opened in
the same browser. So a cookie counts only for the user that has entered the token, where the system tells whose a
connection is.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse

from dynamic_plugins.core.connection_owner import owner_of, owners_are_told
from dynamic_plugins.core.same_origin import refusal
from dynamic_plugins.storage.open_page import VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2**20
"""The longest body of a request, in bytes."""
ENTER = "/enter"
STATIC = "/static/"

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: browsers would then send "Origin: null" with a form, and the origin is checked.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class AccessKey:
    """What opens the page at *host*, ``127.0.0.1:8767``: the *token* of the first address, then a cookie."""

    host: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def cookie(self) -> str:
        """The cookie's name. Cookies know no ports, so that of another home's page would take its place."""
        return f"dynamic_plugins_{self.host.rpartition(':')[2]}"

    @property
    def address(self) -> str:
        """Where the page is, without a token."""
        return f"http://{self.host}/"

    @property
    def first_address(self) -> str:
        """The address to open first."""
        return f"http://{self.host}{ENTER}?token={self.token}"

    def opens(self, token: str) -> bool:
        """Return whether *token* is the right one."""
        return secrets.compare_digest(token.encode(), self.token.encode())

    def session(self, user: str) -> str:
        """Return the cookie's value for whoever entered the token as *user* of this machine; empty of one elsewhere."""
        return hmac.digest(self.secret.encode(), user.encode(), "sha256").hex()

    def admits(self, headers: Headers, user: str) -> bool:
        """Return whether a request of *user* brings the cookie that they were given."""
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        return secrets.compare_digest(given.encode(), self.session(user).encode())


class GuardedPage:
    """An application that only answers whoever *key* admits. *locked* makes the page that all others see, with what
    *static* serves below :data:`STATIC`, which says nothing of the home, not even in an error.

    *locked* is given the request and whether a token was wrong. *by_ticket* answers what brings a ticket in place of
    the cookie, which opens the form of one question for values and nothing else.
    """

    def __init__(
        self,
        app: ASGIApp,
        static: ASGIApp,
        key: AccessKey,
        locked: Callable[[Request, bool], Response],
        by_ticket: ASGIApp,
    ) -> None:
        self._app, self._static, self._key, self._locked = app, static, key, locked
        self._by_ticket = by_ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(STATIC):
                    headers["Cache-Control"] = "no-cache"  # kept, and asked about: it changes with the version
            await send(message)

        with contextlib.suppress(ClientDisconnect):  # a browser that goes away while it sends is no fault of ours
            await self._answer(scope, _bounded(receive), with_headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        app: ASGIApp
        if (refused := refusal(headers, self._key.host, changes=scope["method"] not in ("GET", "HEAD"))) is not None:
            app = PlainTextResponse(refused[1], refused[0])
        elif path.startswith(STATIC):
            app = self._static
        elif path == ENTER:
            app = await self._enter(Request(scope, receive))
        elif path == VALUES and Request(scope).query_params.get("ticket"):
            app = self._by_ticket
        elif self._key.admits(headers, _user_of(scope)):
            app = self._app
        else:
            app = self._locked(Request(scope), False)
        await app(scope, receive, send)

    async def _enter(self, request: Request) -> Response:
        try:
            token = await _token_in(request)
        except HTTPException as error:
            return PlainTextResponse(error.detail, error.status_code)
        if not self._key.opens(token):
            return self._locked(request, bool(token))
        # A browser that was sent here by another site's page brings no strict cookie with the next request: the locked
        # page that it sees has a link, and following that is our own page's doing.
        response = RedirectResponse("/", 303)
        session = self._key.session(_user_of(request.scope))
        response.set_cookie(self._key.cookie, session, httponly=True, samesite="strict", path="/")
        return response


def _user_of(scope: Scope) -> str:
    """Return which user of this machine sends a request: their number; empty for one elsewhere, or where nobody tells.

    Whoever has gone by now is told from all of these: they are nobody, and a cookie of nobody's is worth nothing.
    """
    peer, here = scope.get("client"), scope.get("server")
    if peer is None or here is None or not owners_are_told():
        return ""
    if (owner := owner_of(tuple(peer), tuple(here))) is not None:
        return str(owner)
    return f"gone {secrets.token_urlsafe(16)}" if peer[0] == here[0] or _is_loopback(peer[0]) else ""


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def _token_in(request: Request) -> str:
    if request.method != "POST":
        return request.query_params.get("token", "")
    try:
        return dict(parse_qsl((await request.body()).decode(), max_num_fields=8)).get("token", "").strip()
    except ValueError:
        return ""


def _bounded(receive: Receive) -> Receive:
    """Return *receive*, which raises HTTPException once too much has come."""
    length = 0

    async def bounded() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > MAX_BODY:
            raise HTTPException(413, "That is too long.")
        return message

    return bounded
