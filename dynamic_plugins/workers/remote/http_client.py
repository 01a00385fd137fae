"""The HTTP client of one remote server: whatever goes wrong comes out as one sentence, for the request it belongs to.

The MCP client's transports drop most of what HTTP tells, and end all calls where one request fails. Here a failure
becomes the JSON-RPC error that answers that request, and is kept under its number: see
:meth:`RemoteHttpClient.failure_of`.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types

from dynamic_plugins import __version__
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import PluginError
from dynamic_plugins.workers.components import NOT_ANSWERED
from dynamic_plugins.workers.line_buffer import LineBuffer
from dynamic_plugins.workers.message_form import messages_in
from dynamic_plugins.workers.remote.address_guard import origin_of
from dynamic_plugins.workers.remote.event_stream import MendedEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp.shared.exceptions import MCPError

    from dynamic_plugins.workers.remote.address_guard import AddressGuard

_CONNECT_SECONDS, _WRITE_SECONDS = 15.0, 60.0
_STREAM_SECONDS = 0.2
"""The least time from one opening of a stream to the next."""
_LONGEST_ERROR = 64 * 1024
_MOST_KEPT = 64
_LONGEST_NO_SESSION, _LONGEST_WORDS = 80, 200
_SESSION = "mcp-session-id"
# How servers say, with 400 or 404, that they know no such session (any more).
_NO_SESSION = re.compile(
    rb"session.{0,40}(?:not.found|expired|terminated|invalid|unknown|closed|no.longer)"
    rb"|(?:no|un|not.a|in)[ -]?(?:valid|known).{0,20}session",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request was not answered."""

    text: str
    no_session: bool = False
    """Whether the server knows our session no more, and so has done nothing."""
    unreachable: bool = False
    """Whether there was no answer at all."""
    status: int | None = None
    """Of the HTTP answer, if that refuses."""
    error: PluginError | None = None
    """The error itself, where it is one of ours."""


_FORGOTTEN = Failure("it knows our session no more", no_session=True)


class RemoteHttpClient(httpx2.AsyncClient):
    """A client for one server, through *guard*. *on_failure* gets the failures that belong to no request.

    An answer may have *longest* bytes. *auth* signs in; *refused* says what to do where the server lets nobody in.
    *reached* gets an empty text when the server answers, and why when it cannot be reached.
    """

    def __init__(
        self,
        guard: AddressGuard,
        headers: Mapping[str, str],
        auth: httpx2.Auth | None,
        *,
        longest: int,
        read_seconds: float,
        refused: str,
        reached: Callable[[str], None],
        on_failure: Callable[[Failure], None],
    ) -> None:
        own = {"User-Agent": f"agent-dynamic-plugins/{__version__}", "Accept-Encoding": "identity"}
        super().__init__(
            transport=guard,
            headers=own | dict(headers),
            auth=auth,
            timeout=httpx2.Timeout(_CONNECT_SECONDS, read=read_seconds, write=_WRITE_SECONDS),
            trust_env=False,
        )
        self._signs_in = auth is not None
        self._longest, self._refused = longest, refused
        self._reached, self._on_failure = reached, on_failure
        self._failures: dict[int, Failure] = {}
        self._number = count(1)
        self._next_stream = 0.0
        self.last_failure: Failure | None = None
        """Of the last request that nobody could be told of."""

    def failure_of(self, error: MCPError) -> Failure | None:
        """Return the failure that *error* stands for, once; None for an error of the server's own."""
        if error.code != NOT_ANSWERED or not isinstance(error.data, dict):
            return None
        number = error.data.get("failure")
        return self._failures.pop(number, None) if isinstance(number, int) else None

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        """Send *request*; of a JSON-RPC request, a failure is the answer."""
        asked = _asked(request)
        if request.method == "GET":
            await self._paced()
        try:
            response = await super().send(request, **{**how, "stream": True})
        except PluginError as error:
            failure = Failure(str(error), error=error)
            return self._answer(request, asked, failure, error)
        except httpx2.HTTPError as error:
            failure = Failure(f"it cannot be reached: {_why(error)}", unreachable=True)
            self._reached(failure.text)
            return self._answer(request, asked, failure, error)
        except Exception as error:  # signing in is other people's code, with errors of its own
            if not self._signs_in:
                raise
            # Its own text may quote a token, even a part of one, which no scrubber knows: only its type is repeated.
            return self._answer(request, asked, Failure(f"signing in failed ({type(error).__name__})"), error)
        self._reached("")
        try:
            return await self._read(request, asked, response)
        except httpx2.HTTPError as error:
            failure = Failure(f"the connection broke off before its answer was complete ({_why(error)})")
            return self._answer(request, asked, failure, error)

    async def _paced(self) -> None:
        """Wait where a stream is asked for again and again: a server may close each at once, and say not to wait."""
        now = asyncio.get_running_loop().time()
        begins = max(now, self._next_stream)
        self._next_stream = begins + _STREAM_SECONDS
        await asyncio.sleep(begins - now)

    async def _read(self, request: httpx2.Request, asked: Any, response: httpx2.Response) -> httpx2.Response:
        """Return *response* as it may be read; the answer to a JSON-RPC request whole, unless it is a stream."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        failure = self._not_as_agreed(request, response)
        if failure is None and response.status_code >= 400 and request.method == "POST":
            body = await _body(response, _LONGEST_ERROR) or b""
            failure = self._of_status(request, response, body)
            if failure is None:
                answer = _answer_in(body, asked) if asked is not None else None
                return _response(request, _written(answer) if answer else body, response.status_code)
        elif failure is None and asked is not None and response.is_success and kind != "text/event-stream":
            if response.status_code == 202:
                return response
            whole = await _body(response, self._longest)
            answer = _answer_in(whole, asked) if whole is not None else None
            failure = self._of_answer(request, kind, whole, answer)
            if answer is not None and failure is None:
                return _response(request, _written(answer), response.status_code, response.headers.get(_SESSION))
        elif failure is None and request.method == "GET" and not response.has_redirect_location:
            self.last_failure = self._of_stream(request, response, kind)
        if failure is None:
            if response.is_success and kind == "text/event-stream":
                response.stream = self._mended(request, response.stream, asked)
            return response
        await response.aclose()
        return self._answer(request, asked, failure, None)

    def _not_as_agreed(self, request: httpx2.Request, response: httpx2.Response) -> Failure | None:
        following = response.next_request
        if following is not None and origin_of(following.url) != origin_of(request.url):
            there = following.url.copy_with(userinfo=b"", query=None, fragment=None)
            return Failure(
                f"it sends us on to {there}, which is another place than you agreed to: nothing was sent there"
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return Failure("its answer is compressed, which was not asked for")
        return None

    def _of_status(self, request: httpx2.Request, response: httpx2.Response, body: bytes) -> Failure | None:
        """Return what a refusal means; None where its *body* is a JSON-RPC error, which says it better."""
        status = response.status_code
        if _SESSION in request.headers and (status == 404 or (status == 400 and _NO_SESSION.search(body))):
            return _FORGOTTEN
        if status in (401, 403):
            does = "does not let us in" if status == 401 else "forbids that"
            return Failure(f"it {does} ({status}). {self._refused}", status=status)
        if _is_error(body):
            return None
        if status == 429:
            after = response.headers.get("retry-after", "")
            wait = f"; it asks to wait {after} s" if after.isdigit() and len(after) < 6 else ""
            return Failure(f"it was asked too often (429){wait}{_words(body)}", status=status)
        does = "fails by itself" if status >= 500 else "refuses that"
        return Failure((_STATUSES.get(status) or f"it {does} ({status})") + _words(body), status=status)

    def _of_stream(self, request: httpx2.Request, response: httpx2.Response, kind: str) -> Failure | None:
        """Return why *response* is no stream of messages, which the client finds out by itself; None where it is."""
        if response.status_code >= 400:
            return self._of_status(request, response, b"")
        return None if kind == "text/event-stream" else _no_server(kind)

    def _of_answer(
        self, request: httpx2.Request, kind: str, body: bytes | None, answer: types.JSONRPCMessage | None
    ) -> Failure | None:
        if body is None:
            return Failure(f"the answer was too long (more than {self._longest:,} bytes) and was dropped{_MORE}")
        if answer is None:
            return Failure("the answer cannot be read") if kind == "application/json" else _no_server(kind)
        return _FORGOTTEN if _SESSION in request.headers and _says_no_session(answer) else None

    def _mended(self, request: httpx2.Request, stream: Any, asked: Any) -> MendedEvents:
        """Return *stream* with its messages in form; what is no message fails the request that it belongs to."""

        def mend(data: bytes) -> list[bytes]:
            found = messages_in(data)
            if asked is None or (found and not (_SESSION in request.headers and _says_no_session(found[0]))):
                return [_written(each) for each in found]
            if data == b"{}":  # there, so that the connection stays open
                return []
            lost = _SESSION in request.headers and _NO_SESSION.search(data)
            return [self._error_answer(asked, _FORGOTTEN if lost else Failure("the answer cannot be read"))]

        return MendedEvents(stream, mend, self._longest)

    def _answer(
        self, request: httpx2.Request, asked: Any, failure: Failure, error: Exception | None
    ) -> httpx2.Response:
        """Return *failure* as the answer to *request*; what is no JSON-RPC request gets *error*, or an empty answer."""
        if asked is not None:
            return _response(request, self._error_answer(asked, failure), 400)
        self.last_failure = failure
        if request.method == "POST":
            self._on_failure(failure)
            return httpx2.Response(202, request=request)
        if error is not None:
            raise error
        return httpx2.Response(502, request=request)

    def _error_answer(self, asked: Any, failure: Failure) -> bytes:
        """Return the JSON-RPC error that answers the request *asked* with *failure*, which is kept."""
        number = next(self._number)
        self._failures[number] = failure
        if len(self._failures) > _MOST_KEPT:  # of requests that nobody waits for any more
            del self._failures[next(iter(self._failures))]
        data = types.ErrorData(code=NOT_ANSWERED, message=failure.text, data={"failure": number})
        return _written(types.JSONRPCError(jsonrpc="2.0", id=asked, error=data))


_MORE = "; to take more, set DYNAMIC_PLUGINS_RESULT_KB"


def _no_server(kind: str) -> Failure:
    said = "".join(each for each in kind[:60] if each.isprintable()) or "something without a type"
    return Failure(f"it answers with {said}: what is at its address is no MCP server of this transport")


_STATUSES = {
    404: "there is nothing at its address (404)",
    405: "it does not take what we send (405): it may speak the other transport",
    406: "it does not answer in a form that we understand (406)",
    410: "it is gone (410)",
    413: "what was sent is too long for it (413)",
    503: "it is out of service for now (503)",
}


def _asked(request: httpx2.Request) -> Any:
    """Return the id of the JSON-RPC request in *request*; None where it holds none."""
    if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        message = json.loads(request.content)
    except (ValueError, httpx2.RequestNotRead):
        return None
    return message.get("id") if isinstance(message, dict) and "method" in message else None


async def _body(response: httpx2.Response, longest: int) -> bytes | None:
    """Return the whole body, of a picture that is too long its size; None where it is longer, and no more is read."""
    whole = LineBuffer(longest)
    try:
        async for part in response.aiter_raw():
            whole.add(part)
            if whole.drops:
                return None
    finally:
        await response.aclose()
    return whole.finish()[0]


def _response(request: httpx2.Request, body: bytes, status: int, session: str | None = None) -> httpx2.Response:
    headers = {"content-type": "application/json"} | ({_SESSION: session} if session else {})
    return httpx2.Response(status, headers=headers, content=body, request=request)


def _is_error(body: bytes) -> bool:
    try:
        return isinstance(types.jsonrpc_message_adapter.validate_json(body, by_name=False), types.JSONRPCError)
    except ValueError:
        return False


def _written(message: types.JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _answer_in(body: bytes, asked: Any) -> types.JSONRPCMessage | None:
    """Return the answer to the request *asked* in *body*, which may hold more; None where there is none."""
    for message in messages_in(body):
        if isinstance(message, types.JSONRPCError) and message.id is None:
            message.id = asked
        if isinstance(message, types.JSONRPCError | types.JSONRPCResponse) and str(message.id) == str(asked):
            return message
    return None


def _says_no_session(message: types.JSONRPCMessage) -> bool:
    """Return whether *message* is an error that says no more than that there is no such session."""
    words = message.error.message.encode() if isinstance(message, types.JSONRPCError) else b""
    return len(words) < _LONGEST_NO_SESSION and _NO_SESSION.search(words) is not None


def _words(body: bytes) -> str:
    """Return what a refusal says of itself, where that is short and no page."""
    try:
        told = parse_json(body)
    except ValueError:
        return ""
    for key in ("error", "message", "detail", "message"):
        told = told.get(key, told) if isinstance(told, dict) else told
    return f": {' '.join(told.split())[:_LONGEST_WORDS]}" if isinstance(told, str) and told.strip() else ""


def _why(error: Exception) -> str:
    """Return what happened to a connection, without the address, which may hold a secret."""
    match error:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return "nobody takes the connection"
        case httpx2.TimeoutException():
            return "it does not answer in time"
        case httpx2.ConnectError():
            said = str(error).lower()
            if "certificate" in said:
                return "its certificate is not valid"
            return (
                "there is no such host"
                if "not known" in said or "no such host" in said
                else "the connection is refused"
            )
        case httpx2.RemoteProtocolError():
            return "its answer breaks off"
        case _:
            return f"the connection failed, {type(error).__name__}"
