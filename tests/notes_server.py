"""A real MCP server of the official SDK over HTTP on loopback: what tests connect to.

usage: python -m tests.notes_server TRANSPORT [--port N] [--token T] [--log FILE] [--json] [--more] [--described TEXT]

Prints its port once it listens. The log has one JSON object for each request: its path, method and headers.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import SamplingMessage, TextContent, ToolAnnotations

_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["streamable-http", "sse"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--json", action="store_true", help="answer with JSON and not with a stream")
    parser.add_argument("--more", action="store_true", help="offer one more tool")
    parser.add_argument("--described", default="Adds two numbers.", help="how add is described")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(told: argparse.Namespace) -> None:
    made = _server(told)
    app = made.sse_app() if told.transport == "sse" else made.streamable_http_app(json_response=told.json)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            if told.log is not None:
                with told.log.open("a") as log:
                    query = scope["query_string"].decode()
                    told_of = {"path": scope["path"], "query": query, "method": scope["method"], "headers": headers}
                    log.write(json.dumps(told_of) + "\n")
            if told.token and headers.get("authorization") != f"Bearer {told.token}":
                status = 403 if headers.get("authorization") == "Bearer weak" else 401
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body", "body": b"no"})
                return
        await app(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", told.port))
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads it
    config = uvicorn.Config(watched, ws="none", log_config=None, access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


def _server(told: argparse.Namespace) -> MCPServer:
    server = MCPServer("notes")
    kept: list[str] = []
    reading = ToolAnnotations(read_only_hint=True)

    @server.tool(description=told.described, annotations=reading)
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    def keep(text: str) -> str:
        "Keeps a note."
        kept.append(text)
        return f"kept {len(kept)}"

    @server.tool(annotations=reading)
    def long(size: int) -> str:
        "Gives a long text."
        return "x" * size

    @server.tool(annotations=reading)
    async def wait(context: Context) -> str:
        "Waits until nobody wants its answer any more."
        await context.report_progress(1, 2, "half")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), _SECONDS)
        return "waited"

    @server.tool()
    def die() -> str:
        "Ends the server."
        os._exit(1)

    @server.tool()
    async def grow(context: Context) -> str:
        "Offers one more tool."
        server.add_tool(lambda: "grown", name="grown", description="Is new.")
        await context.session.send_tool_list_changed()
        return "grown"

    @server.tool()
    async def ask(context: Context, question: str) -> str:
        "Asks the client's model."
        message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
        answer = await context.session.create_message([message], max_tokens=10)
        return getattr(answer.content, "text", "")

    if told.more:
        server.add_tool(lambda: "more", name="more", description="Is more.")

    @server.resource("notes://all", name="all_notes", description="All notes")
    def everything() -> str:
        return "\n".join(kept)

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}."

    return server


if __name__ == "__main__":
    main()
