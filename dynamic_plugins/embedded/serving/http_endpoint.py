"""The built-in model as an OpenAI-compatible HTTP endpoint, for other programs and for recordings."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.request import BadRequestError, read_request
from dynamic_plugins.embedded.identity import CREATED, MODEL
from dynamic_plugins.embedded.serving.completion import completion, events, failure
from dynamic_plugins.embedded.serving.request_answer import answer_to
from dynamic_plugins.embedded.serving.request_options import check_options
from dynamic_plugins.embedded.serving.responses_endpoint import PATHS, ResponsesEndpoint
from dynamic_plugins.errors import PluginError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request

    from dynamic_plugins.resolver.catalog import Catalogue

    Reply = tuple[int, dict[str, Any] | bytes]

MAX_REQUEST_BYTES = 2 * 2**20
_THERE = f"There are POST /v1/chat/completions, {PATHS}, GET /v1/models and GET /v1/models/{MODEL}."
_CARD = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "embedded"}


class ModelEndpoint:
    """Answers the requests of clients with what *catalogue* knows."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue, self._responses = catalogue, ResponsesEndpoint(catalogue)

    async def respond(self, method: str, path: str, query: Mapping[str, str], content: bytes) -> Reply:
        """Return the status and the body for one request: an object, or the bytes of an event stream."""
        try:
            return await self._routed(method, path, query, content)
        except BadRequestError as error:
            return 400, failure(str(error), "invalid_request_error", error.kind, error.param)
        except PluginError as error:
            return 503, failure(str(error), "server_error", "unavailable")

    async def _routed(self, method: str, path: str, query: Mapping[str, str], content: bytes) -> Reply:
        match method, path.removeprefix("/v1/").split("/"):
            case "GET", ["models"]:
                return 200, {"object": "list", "data": [_CARD]}
            case "GET", ["models", name] if name == MODEL:
                return 200, _CARD
            case "POST", ["chat", "completions"]:
                return await self._complete(_parsed(content))
            case "POST", ["responses"]:
                return await self._responses.create(_parsed(content), MAX_REQUEST_BYTES)
            case _, ["responses", *below] if below and (found := self._responses.about(method, below, query)):
                return found
            case _, ["models"] | ["chat", "completions"] | ["responses"]:
                return 405, failure(f"{method} is not allowed here", "invalid_request_error")
        return 404, failure(f"There is nothing at {path}. {_THERE}", "invalid_request_error", "not_found")

    async def _complete(self, body: Any) -> Reply:
        check_options(body)
        request = read_request(body)
        whole = completion(body, *await answer_to(self._catalogue, body, request))
        return 200, b"".join(events(whole, usage=request.usage_in_stream)) if request.stream else whole


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequestError(f"The request is not JSON: it cannot be read from {where} on.") from None
    except (ValueError, RecursionError):
        raise BadRequestError("The request is not JSON in UTF-8, or is nested too deep.") from None


async def serve(catalogue: Catalogue, listening: socket.socket, stop: asyncio.Event | None = None) -> None:
    """Serve the embedded model as an OpenAI-compatible endpoint, on *listening*, until *stop* is set, or cancelled.

    A web page in a browser on this machine must not be able to use it, so a request that a page sends is refused.
    """
    import uvicorn

    application = _application(catalogue)
    config = uvicorn.Config(application, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    # Signals are the caller's. Uvicorn would take them, and raise them again once it has ended.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]

    async def end() -> None:
        await (stop or asyncio.Event()).wait()
        server.should_exit = True

    ending = asyncio.create_task(end())
    try:
        await server.serve(sockets=[listening])
    finally:
        ending.cancel()


def _application(catalogue: Catalogue) -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    endpoint = ModelEndpoint(catalogue)

    async def answer(request: Request) -> Response:
        if request.headers.get("origin"):
            return JSONResponse(failure("Requests of web pages are refused", "invalid_request_error"), 403)
        content = await _bounded(request)
        if content is None:
            limit = f"The request is longer than {MAX_REQUEST_BYTES} bytes"
            return JSONResponse(failure(limit, "invalid_request_error", "request_too_large"), 413)
        status, body = await endpoint.respond(request.method, request.url.path, request.query_params, content)
        if isinstance(body, dict):
            return JSONResponse(body, status)
        return Response(body, status, media_type="text/event-stream")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])])


async def _bounded(request: Request) -> bytes | None:
    """Return the request's body; None as soon as it is longer than it may be."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_REQUEST_BYTES:
            return None
    return bytes(content)
