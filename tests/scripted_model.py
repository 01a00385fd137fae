"""A stand-in for a model: an OpenAI-compatible endpoint on loopback that does what a test's script says.

What a model would answer is not what is tested with it; what reaches it, and what the conversation makes of its
answers, is. It keeps every request as it came over the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests import openai_schema
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

Messages = list[dict[str, Any]]
Script = Callable[[Messages], "str | list[tuple[str, dict[str, Any]]]"]
"""Given the messages it returns what the model says, or the tools it wants called with their arguments."""


class ScriptedModel:
    """The endpoint; *script* decides. ``requests`` are the bodies that came, ``base_url`` is where it is."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.heads: list[str] = []
        self.status = 200
        self.complaint: Callable[[str, str], str] = lambda _head, body: body
        """What it says with any other status, given the head and the body of the request."""
        self.answers: dict[str, Any] = {}
        """What it answers to a GET of these paths, such as ``/v1/models``."""
        self.before_word: Callable[[str], object] = lambda _word: None
        """Called before each word of a streamed answer is sent; it may wait."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @contextmanager
    def serving(self) -> Iterator[ScriptedModel]:
        with serving(self._server):
            yield self

    def answer(self, body: bytes) -> dict[str, Any]:
        self.requests.append(body)
        openai_schema.check("CreateChatCompletionRequest", json.loads(body))
        messages = json.loads(body)["messages"]
        wanted = self.script(messages)
        message: dict[str, Any] = {"role": "assistant", "content": wanted if isinstance(wanted, str) else None}
        if not isinstance(wanted, str):
            calls = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in wanted]
            message["tool_calls"] = [
                {"id": f"call_{len(messages)}_{index}", "type": "function", "function": call}
                for index, call in enumerate(calls)
            ]
        reason = "stop" if isinstance(wanted, str) else "tool_calls"
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [{"index": 0, "finish_reason": reason, "message": message}],
        }


def chunks(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a completion into a stream's chunks, its text word by word."""
    choice = whole["choices"][0]
    base = {**whole, "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    yield chunk({"role": "assistant"})
    for word in (choice["message"]["content"] or "").split(" "):
        yield chunk({"content": f"{word} "})
    for index, call in enumerate(choice["message"].get("tool_calls", ())):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    yield chunk({}, choice["finish_reason"])


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = model.answers.get(self.path)
            self._send(404 if found is None else 200, "application/json", json.dumps(found).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            model.heads.append(f"{self.path}\n{self.headers}")
            if model.status != 200:
                message = model.complaint(str(self.headers), body.decode())
                self._send(model.status, "application/json", json.dumps({"error": {"message": message}}).encode())
                return
            whole = model.answer(body)
            if json.loads(body).get("stream"):
                self._stream(whole)
            else:
                self._send(200, "application/json", json.dumps(whole).encode())

        def _stream(self, whole: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")  # its length is not known beforehand
            self.end_headers()
            with suppress(ConnectionError):  # whoever stops a turn hangs up
                for each in chunks(whole):
                    model.before_word(each["choices"][0]["delta"].get("content") or "")
                    self.wfile.write(f"data: {json.dumps(each)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name in the base class
            pass

    return Handler
