"""Servers elsewhere whose answers over HTTP are odd: what they say is taken, or told in a sentence."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.errors import ActionError
from tests.loopback import serving
from tests.remote_server import entry
from tests.test_remote import activated, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = tuple[int, str, bytes]
SAID = {"content": [{"type": "text", "text": "tea ✓"}]}
RESULTS: dict[str, Any] = {
    "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {}},
    "tools/list": {"tools": [{"name": "fine", "inputSchema": {"type": "object"}}]},
    "tools/call": SAID,
}


@contextmanager
def server(answer: Callable[[Any, str | None], Answer]) -> Iterator[tuple[str, list[str]]]:
    """Serve what *answer* makes of a request and the session that it names; give the host, and the methods asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(request["method"])
            found = answer(request, self.headers.get("mcp-session-id")) if "id" in request else (202, "", b"")
            self.reply(*found, str(asked.count("initialize")) if request["method"] == "initialize" else None)

        def do_GET(self) -> None:
            self.reply(404, "text/html", b"<html>nothing</html>")

        def do_DELETE(self) -> None:
            self.reply(200, "", b"")

        def reply(self, status: int, kind: str, body: bytes, session: str | None = None) -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Mcp-Session-Id": session}
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    with serving(web):
        yield f"127.0.0.1:{web.server_port}", asked


def response(request: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": RESULTS.get(request["method"], {}), **more}


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


async def called(answer: Callable[[Any, str | None], Answer], folder: Path) -> tuple[Any, list[str]]:
    with server(answer) as (host, asked):
        async with opened(folder, entry(f"http://{host}/mcp"), start_seconds=10, call_seconds=10) as app:
            service = await activated(app, host)
            return await service.call("notes", "fine", {}), asked


JSON, EVENTS = "application/json", "text/event-stream"
WAYS: dict[str, Callable[[Any], Answer]] = {
    "no type": lambda request: (200, "", written(response(request))),
    "plain text": lambda request: (200, "text/plain", written(response(request))),
    "a type of its own": lambda request: (200, "application/json-rpc", written(response(request))),
    "a list": lambda request: (200, JSON, written([response({"id": 999, "method": ""}), response(request)])),
    "a byte order mark": lambda request: (200, JSON, b"\xef\xbb\xbf" + written(response(request))),
    "words after it": lambda request: (200, JSON, written(response(request)) + b"\n<!-- 3 ms -->"),
    "a fraction": lambda request: (200, JSON, written(response({**request, "id": float(request["id"])}))),
    "no jsonrpc": lambda request: (200, JSON, written({**response(request), "jsonrpc": None})),
    "events in a list": lambda request: (200, EVENTS, b"data: " + written([response(request)]) + b"\n\n"),
    "events over lines": lambda request: (
        *(200, EVENTS),
        b"data: " + json.dumps(response(request), indent=1).encode().replace(b"\n", b"\r\ndata: ") + b"\r\n\r\n",
    ),
    "events without jsonrpc": lambda request: (
        *(200, EVENTS),
        b'event: ping\ndata: {}\n\n: x\r\n\r\ndata:\n\ndata: {"x": 1}\ndata: '
        + written({**response(request), "jsonrpc": None})
        + b"\n\n",
    ),
}


@pytest.mark.parametrize("kind", [JSON, EVENTS])
async def test_a_picture_that_is_too_long_costs_no_words_beside_it(kind: str, tmp_path: Path) -> None:
    data = base64.b64encode(b"\xff" * 60_000).decode()
    picture = {"type": "image", "mimeType": "image/png", "data": data}
    result = {"content": [{"type": "text", "text": "saved"}, picture]}

    def answer(request: Any, _: str | None) -> Answer:
        more = {"result": result} if request["method"] == "tools/call" else {}
        body = written(response(request, **more))
        return 200, kind, body if kind == JSON else b"event: message\ndata: " + body + b"\n\n"

    with server(answer) as (host, _):
        async with opened(tmp_path, entry(f"http://{host}/mcp"), result_bytes=20_000) as app:
            service = await activated(app, host)
            told = {"type": "image", "mime": "image/png", "bytes": 60_000}
            assert await service.call("notes", "fine", {}) == ["saved", told]


@pytest.mark.parametrize("way", list(WAYS))
async def test_an_answer_is_taken_however_it_is_written(way: str, tmp_path: Path) -> None:
    assert (await called(lambda request, _: WAYS[way](request), tmp_path))[0] == "tea ✓"


LOST = {"code": -32001, "message": "Session not found"}


@pytest.mark.parametrize(
    "lost",
    [
        lambda _: (404, "text/plain", b""),
        lambda _: (400, JSON, written({"jsonrpc": "2.0", "id": None, "error": LOST})),
        lambda request: (200, JSON, written(response(request, error=LOST, result=None))),
        lambda _: (200, EVENTS, b'data: {"error": "Session not found"}\n\n'),
    ],
    ids=["404", "400", "200", "events"],
)
async def test_a_session_that_is_lost_is_begun_anew_however_it_is_said(
    lost: Callable[[Any], Answer], tmp_path: Path
) -> None:
    def answer(request: Any, session: str | None) -> Answer:
        if request["method"] == "tools/call" and session == "1":
            return lost(request)
        return 200, JSON, written(response(request))

    said, asked = await called(answer, tmp_path)
    assert said == "tea ✓"
    assert asked.count("initialize") == 2


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (lambda _: (400, JSON, b'{"error": {"message": "no such city"}}'), r"refuses that \(400\): no such city"),
        (lambda _: (429, JSON, b'{"detail": "ten a day"}'), r"too often \(429\): ten a day"),
        (lambda _: (500, "text/html", b"<html>oh</html>"), r"fails by itself \(500\)$"),
        (
            lambda _: (200, JSON, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": "no city"}}'),
            "failed: no city",
        ),
        (
            lambda request: (200, JSON, written(response(request, result=None, error={"code": "E1"}))),
            r"E1",
        ),
        (lambda _: (200, EVENTS, b'data: {"oh": "no"}\n\n'), "failed: the answer cannot be read$"),
    ],
    ids=["400", "429", "500", "no number", "a code alone", "events"],
)
async def test_a_refusal_is_told_in_its_own_words(refusal: Callable[[Any], Answer], told: str, tmp_path: Path) -> None:
    def answer(request: Any, _: str | None) -> Answer:
        return refusal(request) if request["method"] == "tools/call" else (200, JSON, written(response(request)))

    with pytest.raises(ActionError, match=told):
        await called(answer, tmp_path)
