"""What stands in front of the tenants' processes: whose request it is, whether it may pass, and on to that one process.

It reads as little of a request as it must, to know whether it is a call, and nothing of an answer. What it hands on are
the few headers of the protocol: neither the tenant's token nor a cookie or a host's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from pydantic_core import from_json, to_json
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse

from dynamic_plugins.gateway.rate_limits import REFUSED, OverRateError
from dynamic_plugins.gateway.tenant_process import TenantUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from dynamic_plugins.gateway.rate_limits import TenantGate
    from dynamic_plugins.gateway.served_tenants import ServedTenant, ServedTenants
    from dynamic_plugins.gateway.tenant_process import TenantProcess

PATH = "/mcp"
_BODY_SECONDS = 15.0
"""How long a request may take to arrive."""
_CALL = "tools/call"
_LONGEST_HEADER = 1024
_QUICK_BYTES = 16 * 1024
"""What is no longer is parsed in a fraction of a millisecond."""
_REALM = 'Bearer realm="dynamic-plugins"'
_ASKED = ("accept", "content-type", "last-event-id", "traceparent", "tracestate")
_ANSWERED = frozenset({"content-type", "cache-control", "mcp-session-id", "mcp-protocol-version", "allow"})
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600  # JSON-RPC 2.0, section 5.1


class WrongTokens:
    """Slows those who try tokens: each wrong one is answered late, later the more there are, and not many at once.

    Who brings a right one waits for nobody: the gateway cannot tell clients behind a proxy from one another.
    """

    _EARLY_SECONDS, _LATE_SECONDS, _EARLY, _MOST_AT_ONCE = 0.1, 2.0, 10, 64

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._minute, self._count, self._waiting = 0, 0, 0

    async def wait(self) -> bool:
        """Take note of one, and return once it may be answered; False where too many wait already."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count in {1, 100, 10_000}:
            self._tell(f"{'a wrong token' if self._count == 1 else f'{self._count} wrong tokens'} in this minute")
        if self._waiting >= self._MOST_AT_ONCE:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(self._EARLY_SECONDS if self._count <= self._EARLY else self._LATE_SECONDS)
        finally:
            self._waiting -= 1
        return True


class GatewayApp:
    """The web application. *hosts* are the names under which it may be spoken to, *origins* those of its own pages."""

    def __init__(
        self,
        served: ServedTenants,
        *,
        hosts: Collection[str],
        origins: Collection[str],
        tell: Callable[[str, str], None],
    ) -> None:
        self._served, self._hosts, self._origins = served, frozenset(hosts), frozenset(origins)
        self._wrong = WrongTokens(lambda said: tell("gateway", said))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        found = self._refused(scope, headers) or await self._caller(headers)
        if isinstance(found, PlainTextResponse):
            await found(scope, receive, send)
            return
        await _Passage(found, headers, scope, receive, send).make()

    def _refused(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        """Return why a request is turned away before anybody asks whose it is; None where it is not."""
        origin = headers.get("origin")
        # Another site's script may reach this port under a name of its own (DNS rebinding).
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in self._hosts:
            return PlainTextResponse("Wrong host.", 421)
        if origin is not None and origin not in self._origins:
            return PlainTextResponse("Wrong origin.", 403)
        if scope["path"] != PATH or scope["raw_path"] != PATH.encode():
            return PlainTextResponse("There is nothing here.", 404)
        if scope["method"] not in {"GET", "POST", "DELETE"}:
            return PlainTextResponse("Not a method of the protocol.", 405, {"Allow": "GET, POST, DELETE"})
        return _framing_refused(scope["method"], headers)

    async def _caller(self, headers: Headers) -> ServedTenant | PlainTextResponse:
        """Return the tenant whose token stands in the header, and nowhere else is looked for one."""
        given = headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip(" "):  # the name of the scheme has no case (RFC 9110, 11.1)
            return PlainTextResponse(_NO_TOKEN, 401, {"WWW-Authenticate": _REALM})
        if (found := self._served.whose(token.strip(" "))) is not None:
            return found
        if not await self._wrong.wait():
            return PlainTextResponse("Too many wrong tokens.", 429, {"Retry-After": "60"})
        return PlainTextResponse(_WRONG_TOKEN, 401, {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})


def _framing_refused(method: str, headers: Headers) -> PlainTextResponse | None:
    """Return why the body of a request is not read at all; None where it may be."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    close = {"Connection": "close"}
    # Of two lengths a proxy in front may have believed the other one (RFC 9112, 6.1).
    if length is not None and coding is not None:
        return PlainTextResponse("A request says its length once.", 400, close)
    if method != "POST" and (coding is not None or length not in {None, "0"}):
        return PlainTextResponse("Only POST has a body.", 400, close)
    return None


_NO_TOKEN = "A token is needed, in the header Authorization: Bearer TOKEN, and nowhere else."  # noqa: S105
_WRONG_TOKEN = "Nobody has this token. The operator gives a new one: dynamic-plugins tenants rotate NAME."  # noqa: S105


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of the protocol. Of what was parsed nothing is kept: as objects it takes forty times the room."""

    content: bytes
    """The message as it was read here, so that what was counted is what is made, whatever stood twice in it."""
    is_call: bool
    id: Any


class _Passage:
    """One request of a known tenant on its way through."""

    def __init__(self, served: ServedTenant, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        self._served, self._headers = served, headers
        self._scope, self._receive, self._send = scope, receive, send
        self._id: Any = None
        self._begun = self._complete = False

    async def make(self) -> None:
        """Hand the request on and the answer back, or answer why not."""
        try:
            self._check()
            gate = self._served.gate
            with gate.opened():
                message = await self._message(gate)
                calls = int(message is not None and message.is_call)
                await gate.room(calls)
                with gate.admit(calls):
                    await self._handed_on(message)
        except OverRateError as error:
            await self._answer(429, REFUSED, str(error), error.facts(), {"Retry-After": str(error.seconds)})
        except TenantUnavailableError as error:
            facts: dict[str, object] = {"code": "closing", "retry_after": error.seconds}
            await self._answer(503, REFUSED, str(error), facts, {"Retry-After": str(error.seconds)})
        except ClientDisconnect:
            return  # in the middle of its request
        except _BadRequestError as error:
            # Of a body without an end the rest is not waited for.
            await self._answer(error.status, error.code, str(error), {}, {"Connection": "close"} if error.ends else {})

    def _check(self) -> None:
        if self._served.problem:
            raise TenantUnavailableError("This tenant cannot be served now. Its operator has to look into it.", 60)

    async def _message(self, gate: TenantGate) -> _Message | None:
        """Return the message in the body; None where there is none to be.

        Raises _BadRequestError, and OverRateError before anything is parsed: that takes time from all tenants.
        """
        for name in self._handed_on_headers():
            value, *others = self._headers.getlist(name)
            if others or len(value) > _LONGEST_HEADER or not (value.isascii() and value.isprintable()):
                raise _BadRequestError(400, _INVALID_REQUEST, _ODD_HEADER.format(name[:60]))
        if self._scope["method"] != "POST":
            return None
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await self._body()
        except TimeoutError:
            raise _BadRequestError(408, _INVALID_REQUEST, "The request did not arrive in time.", ends=True) from None
        gate.weigh(len(body))
        if len(body) <= _QUICK_BYTES:
            message = _parsed(body)
        else:
            async with gate.parsing:
                await asyncio.sleep(0)  # between two long messages of one tenant everybody else has their turn
                message = _parsed(body)
        self._id = message.id
        return message

    def _handed_on_headers(self) -> set[str]:
        return {name for name in self._headers if name in _ASKED or name.startswith("mcp-")}

    async def _body(self) -> bytes:
        most = self._served.tenant.limits.request_kb * 1024
        body = bytearray()
        declared = self._headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            raise _BadRequestError(413, _INVALID_REQUEST, _TOO_LONG.format(most // 1024))
        while True:
            part = await self._receive()
            if part["type"] != "http.request":
                raise ClientDisconnect
            body += part.get("body", b"")
            if len(body) > most:
                raise _BadRequestError(413, _INVALID_REQUEST, _TOO_LONG.format(most // 1024), ends=True)
            if not part.get("more_body"):
                return bytes(body)

    async def _handed_on(self, message: _Message | None) -> None:
        process = self._served.process
        async with process.client() as client:
            answering = asyncio.create_task(self._answer_of(client, message))
            leaving = asyncio.create_task(self._left(process))
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (answering, leaving):
                    task.cancel()
                await asyncio.wait({answering, leaving})
        if not answering.cancelled() and (error := answering.exception()) is not None:
            raise error
        if process.gone.is_set():
            await self._finish()

    async def _left(self, process: TenantProcess) -> None:
        """Return once the client has gone, or the tenant."""
        gone = asyncio.create_task(process.gone.wait())
        disconnected = asyncio.create_task(self._disconnected())
        try:
            await asyncio.wait({gone, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            disconnected.cancel()

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _answer_of(self, client: httpx2.AsyncClient, message: _Message | None) -> None:
        content = None if message is None else message.content
        headers = {name: self._headers[name] for name in self._handed_on_headers()}
        request = client.build_request(self._scope["method"], PATH, content=content, headers=headers)
        try:
            response = await client.send(request, stream=True)
        except httpx2.TransportError:
            raise TenantUnavailableError("The tenant's server ended in the middle of it. Try again.") from None
        try:
            await self._begin(response)
            async for part in response.aiter_raw():
                await self._send({"type": "http.response.body", "body": part, "more_body": True})
        except httpx2.TransportError:
            pass  # it ended in the middle of its answer, and so does this one
        finally:
            await response.aclose()
        await self._finish()

    async def _begin(self, response: httpx2.Response) -> None:
        self._begun = True
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        kept = [(name, value) for name, value in headers if name.decode("latin-1") in _ANSWERED]
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": kept})

    async def _finish(self) -> None:
        """End an answer that has begun; one that has not is that the tenant is not served any more."""
        if not self._begun:
            raise TenantUnavailableError("This tenant is not served any more, or its limits or its token have changed.")
        if not self._complete:
            self._complete = True
            with contextlib.suppress(OSError):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(
        self, status: int, code: int, text: str, data: dict[str, object], headers: dict[str, str]
    ) -> None:
        error = {"code": code, "message": text, **({"data": data} if data else {})}
        response: Response = JSONResponse({"jsonrpc": "2.0", "id": self._id, "error": error}, status, headers)
        await response(self._scope, self._receive, self._send)


class _BadRequestError(Exception):
    """A request that is not handed on: an answer over HTTP, and no PluginError. With *ends* the connection ends too."""

    def __init__(self, status: int, code: int, text: str, *, ends: bool = False) -> None:
        self.status, self.code, self.ends = status, code, ends
        super().__init__(text)


_ODD_HEADER = "The header {} is too long, stands there twice, or is not plain ASCII."
_TOO_LONG = "A request may have {} kB here. Send less at once."


def _parsed(body: bytes) -> _Message:
    """Return the one message in *body*. Raises _BadRequestError.

    Read by pydantic, as the MCP SDK does in the tenant's process: fast, also where it is all brackets, and no deeper
    than some 200 of them.
    """
    try:
        message = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise _BadRequestError(400, _PARSE_ERROR, "The body is no JSON.") from None
    if not isinstance(message, dict):
        raise _BadRequestError(400, _INVALID_REQUEST, "One message is sent with a request: there are no batches.")
    number = message.get("id") if isinstance(message.get("id"), (str, int)) else None
    return _Message(to_json(message), message.get("method") == _CALL, number)
