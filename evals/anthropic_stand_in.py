"""A stand-in for Anthropic's Messages API on loopback: it does what a script says, whole or as a stream.

The shapes are those of https://docs.anthropic.com/en/api/messages and its streaming. What a model would answer is not
what is tried with it; what a client of that API makes of the answers is.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Script = Callable[[dict[str, Any]], "str | list[tuple[str, dict[str, Any]]]"]

_USAGE = {"input_tokens": 1, "output_tokens": 1}


class AnthropicStandIn:
    """The endpoint; *script* is given each request and returns a text, or the tools to use with their input."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[AnthropicStandIn]:
        with serving(self._server):
            yield self

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the message that answers *request*."""
        self.requests.append(request)
        wanted = self.script(request)
        number = len(self.requests)
        content: list[dict[str, Any]] = (
            [{"type": "text", "text": wanted}]
            if isinstance(wanted, str)
            else [
                {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": name, "input": arguments}
                for index, (name, arguments) in enumerate(wanted)
            ]
        )
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": request.get("model"),
            "content": content,
            "stop_reason": "end_turn" if isinstance(wanted, str) else "tool_use",
            "stop_sequence": None,
            "usage": _USAGE,
        }


def stream_events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return *message* as the events of a stream, each block in one piece."""
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            begun, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            begun = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": _USAGE}
    yield {"type": "message_stop"}


def _handler(stand_in: AnthropicStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path.partition("?")[0] != "/v1/messages":
                self._send(404, "application/json", b'{"type": "error", "error": {"type": "not_found_error"}}')
                return
            message = stand_in.answer(body)
            if not body.get("stream"):
                self._send(200, "application/json", json.dumps(message).encode())
                return
            events = (f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in stream_events(message))
            self._send(200, "text/event-stream", "".join(events).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(content)

        def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name in the base class
            pass

    return Handler
