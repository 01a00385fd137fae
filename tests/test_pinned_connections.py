"""Requests to addresses that were looked up before: who shares a connection, and where it goes."""

from __future__ import annotations

import contextlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from dynamic_plugins.core.pinned_connections import PinnedConnections
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[tuple[int, list[tuple[str, int]]]]:
    """A server on loopback: its port, and the host and the connection of each request that came."""
    came: list[tuple[str, int]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            came.append((self.headers["host"].partition(":")[0], self.client_address[1]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http, serving(http):
        yield http.server_address[1], came


async def send(connections: PinnedConnections, url: str, *addresses: str) -> int:
    async with httpx2.AsyncClient() as client:
        response = await connections.send(client.build_request("GET", url), addresses)
        await response.aread()
        await response.aclose()
        return response.status_code


async def test_names_that_lead_to_one_address_share_no_connection(server: tuple[int, list[tuple[str, int]]]) -> None:
    port, came = server
    async with contextlib.aclosing(PinnedConnections()) as connections:
        for name in ("one.example", "other.example", "one.example"):
            assert await send(connections, f"http://{name}:{port}/", "127.0.0.1") == 204
    assert [name for name, _ in came] == ["one.example", "other.example", "one.example"]
    (_, first), (_, second), (_, third) = came
    assert first == third != second


async def test_the_next_address_is_tried_where_one_takes_no_connection(
    server: tuple[int, list[tuple[str, int]]],
) -> None:
    port, came = server
    async with contextlib.aclosing(PinnedConnections()) as connections:
        assert await send(connections, f"http://one.example:{port}/", "127.0.0.2", "127.0.0.1") == 204
        with pytest.raises(httpx2.ConnectError):
            await send(connections, f"http://one.example:{port}/", "127.0.0.2", "127.0.0.3")
    assert len(came) == 1
