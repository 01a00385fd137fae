"""The embedded model as an HTTP transport: the `openai` SDK talks to it as to any endpoint, without a network."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2

from dynamic_plugins.chat.completions import ModelError
from dynamic_plugins.embedded.completion import CREATED, MODEL, events, failure
from dynamic_plugins.embedded.model import EmbeddedModel
from dynamic_plugins.embedded.needle import EngineMissingError, engine
from dynamic_plugins.embedded.request import BadRequestError, read_request

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    import openai
    from starlette.applications import Starlette
    from starlette.requests import Request

    from dynamic_plugins.resolver.catalog import Catalogue

BASE_URL = "http://embedded.invalid/v1"
SEARCH_SECONDS = 10.0
MAX_REQUEST_BYTES = 2 * 2**20
_CARD = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "embedded"}


def embedded_client(catalogue: Catalogue) -> openai.AsyncOpenAI:
    """Return a client of the `openai` SDK whose every request the embedded model answers, in this process.

    Raises ModelError when the embedded model is not installed.
    """
    import openai

    try:
        engine().check()
    except EngineMissingError as error:
        raise ModelError(str(error)) from error
    http = httpx2.AsyncClient(transport=EmbeddedTransport(Desk(catalogue)))
    return openai.AsyncOpenAI(base_url=BASE_URL, api_key="none", http_client=http, max_retries=0)


class Desk:
    """Answers the endpoint's requests; what it knows of plugins is *catalogue*'s."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def complete(self, body: Any) -> tuple[dict[str, Any], bool, bool]:
        """Return the completion for *body*, whether it is to be streamed, and whether with its usage.

        Raises BadRequestError and EngineMissingError, and what the registry raises.
        """
        request = read_request(body)
        names = await self._catalogue.names()
        entries = {entry.name: entry for entry in await self._catalogue.registry.entries()}
        loop = asyncio.get_running_loop()

        def search(query: str, limit: int) -> Sequence[str]:
            found = asyncio.run_coroutine_threadsafe(self._catalogue.search(query, limit), loop)
            return [match.entry.name for match in found.result(SEARCH_SECONDS)]

        model = EmbeddedModel(names, entries, search, engine())
        whole = await asyncio.to_thread(model.complete, body)
        return whole, request.stream, request.usage_in_stream


class EmbeddedTransport(httpx2.AsyncBaseTransport):
    """Answers ``POST /v1/chat/completions`` and ``GET /v1/models``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        status, body = await respond(self._desk, request.method, request.url.path, request.content)
        if isinstance(body, dict):
            return httpx2.Response(status, json=body, request=request)
        return httpx2.Response(
            status, content=body, headers={"content-type": "text/event-stream; charset=utf-8"}, request=request
        )


async def respond(desk: Desk, method: str, path: str, content: bytes) -> tuple[int, dict[str, Any] | bytes]:
    """Return the status and the body for one request: an object, or the bytes of an event stream."""
    match method, path:
        case "GET", "/v1/models":
            return 200, {"object": "list", "data": [_CARD]}
        case "GET", _ if path == f"/v1/models/{MODEL}":
            return 200, _CARD
        case "POST", "/v1/chat/completions":
            return await _complete(desk, content)
        case _, "/v1/models" | "/v1/chat/completions":
            return 405, failure(f"{method} is not allowed here", "invalid_request_error")
    return 404, failure(f"There is nothing at {path}", "invalid_request_error", "not_found")


async def _complete(desk: Desk, content: bytes) -> tuple[int, dict[str, Any] | bytes]:
    from dynamic_plugins.errors import PluginError

    try:
        whole, stream, usage = await desk.complete(json.loads(content))
    except (BadRequestError, ValueError) as error:
        return 400, failure(str(error), "invalid_request_error")
    except (EngineMissingError, PluginError) as error:
        return 503, failure(str(error), "server_error", "unavailable")
    return 200, b"".join(events(whole, usage=usage)) if stream else whole


async def serve(catalogue: Catalogue, listening: socket.socket) -> None:
    """Serve the embedded model as an OpenAI-compatible endpoint, on *listening*, until cancelled or interrupted.

    A web page in a browser on this machine must not be able to use it, so a request that a page sends is refused.
    """
    import uvicorn

    application = _application(Desk(catalogue))
    config = uvicorn.Config(application, log_level="warning", lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listening])


def _application(desk: Desk) -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def answer(request: Request) -> Response:
        if request.headers.get("origin"):
            return JSONResponse(failure("Requests of web pages are refused", "invalid_request_error"), 403)
        content = await _bounded(request)
        if content is None:
            limit = f"The request is longer than {MAX_REQUEST_BYTES} bytes"
            return JSONResponse(failure(limit, "invalid_request_error", "request_too_large"), 413)
        status, body = await respond(desk, request.method, request.url.path, content)
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
