"""Stand-ins for the model servers that people run: they speak Ollama's own API and the OpenAI-compatible one.

The real ones are hundreds of megabytes and bring models of gigabytes; what is tested with these is what we ask of such
a server, and what we make of its answers. The shapes are those of https://github.com/ollama/ollama/blob/main/docs/api.md,
and of ``GET /v1/models`` as LM Studio, llama.cpp and vLLM answer it. Conversations are held by ``ScriptedModel``.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, bytes]
SECONDS = 20.0


class LocalServer:
    """A server on a free port; *answers* maps a path to what is sent. ``asked`` is what came, ``METHOD path``."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.pull: Callable[[Callable[[dict[str, Any]], None]], object] | None = None
        """What a download sends, line by line, with the function that it is given."""
        self.pull_broken_off = threading.Event()
        """Set once whoever downloads has hung up."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_port

    @contextmanager
    def serving(self) -> Iterator[LocalServer]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)

    def answer(self, path: str, body: Any) -> Answer:
        found = self.answers.get(path)
        if callable(found):
            found = found(body)
        if isinstance(found, bytes):
            return 200, found
        return (404, b'{"error": "not found"}') if found is None else (200, json.dumps(found).encode())


def ollama(*names: str, **capabilities: list[str]) -> LocalServer:
    """Ollama with models of these names, each of which calls tools; *capabilities* are those of others."""
    abilities = {name: ["completion", "tools"] for name in names} | capabilities
    tags = [
        {"name": name, "model": name, "size": 5_200_000_000, "digest": "ab12", "details": {"family": "qwen3"}}
        for name in abilities
    ]
    return LocalServer(
        {
            "/api/tags": {"models": tags},
            "/api/show": lambda body: {"capabilities": abilities.get(body["model"], [])},
            "/v1/models": openai_list(*abilities),
        }
    )


def openai_list(*names: str) -> dict[str, Any]:
    """What ``GET /v1/models`` answers with."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "me"} for name in names],
    }


@contextmanager
def hanging() -> Iterator[int]:
    """A port on which somebody accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _handler(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Any) -> None:
            server.asked.append(f"{self.command} {self.path}")
            server.bodies.append(body)
            if self.path == "/api/pull" and server.pull is not None:
                self._pull(server.pull)
                return
            status, content = server.answer(self.path, body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(content)

        def _pull(self, script: Callable[[Callable[[dict[str, Any]], None]], object]) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/x-ndjson")
            self.end_headers()

            def send(row: dict[str, Any]) -> None:
                self.wfile.write(json.dumps(row).encode() + b"\n")

            with suppress(ConnectionError):
                script(send)
                return
            server.pull_broken_off.set()

        def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name in the base class
            pass

    return Handler
