"""Requests to this machine's own loopback, and to nothing else: no proxy, no redirect, no other address.

HTTP/1.0, in which an answer comes in one piece and ends with its length or with the connection: nothing has to be
loaded for it, so a chat that finds no server starts as fast as one that does not look.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MAX_BYTES = 2**20
_MAX_HEADERS = 100


@dataclass(frozen=True)
class Answer:
    """A status, and a body that is still to be read; *length* is None where it ends with the connection."""

    status: int
    length: int | None
    reader: asyncio.StreamReader

    async def body(self) -> bytes:
        """Return the whole body. Raises ValueError for one that is longer than a list of models can be."""
        wanted = MAX_BYTES + 1 if self.length is None else self.length
        content = b""
        while len(content) < wanted and (piece := await self.reader.read(wanted - len(content))):
            content += piece
            if len(content) > MAX_BYTES:
                raise ValueError("the answer is too long")
        return content

    async def value(self) -> Any:
        """Return the body as JSON. Raises ValueError for what is none."""
        try:
            return json.loads(await self.body())
        except RecursionError as error:
            raise ValueError("nested too deep") from error


@contextlib.asynccontextmanager
async def exchange(port: int, path: str, body: Mapping[str, Any] | None = None) -> AsyncIterator[Answer]:
    """Ask *path* of what listens on *port*: POST where there is a *body*, else GET.

    Raises OSError where nothing listens or the connection breaks, and ValueError for an answer that is not HTTP. How
    long it may take is the caller's to say.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=MAX_BYTES)
    try:
        writer.write(_request(port, path, body))
        await writer.drain()
        status = _status(await reader.readline())
        yield Answer(status, await _length(reader), reader)
    finally:
        # At once: what still comes is not wanted, and a server that hangs must not hold up who gave up on it.
        writer.transport.abort()


async def get_json(port: int, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return the JSON value that *port* answers with. Raises OSError and ValueError, as ``exchange`` does."""
    async with exchange(port, path, body) as answer:
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return await answer.value()


def _request(port: int, path: str, body: Mapping[str, Any] | None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.0", f"Host: {LOOPBACK}:{port}", "Accept: */*"]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*head, "", ""]).encode() + content


def _status(line: bytes) -> int:
    version, _, rest = line.decode("latin-1").partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/") or not code.isdecimal():
        raise ValueError("not HTTP")
    return int(code)


async def _length(reader: asyncio.StreamReader) -> int | None:
    """Read the headers and return the length that they give."""
    length = None
    for _ in range(_MAX_HEADERS):
        line = (await reader.readline()).strip()
        if not line:
            return length
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "content-length":
            length = int(value)
    raise ValueError("too many headers")
