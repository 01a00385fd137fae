"""Standard input and output as the MCP server's streams, read and written by the event loop.

The official transport does it in threads, three changes of thread for each message, with a task and a queue on each
way. Here the server's session reads and writes itself, where both are pipes or sockets, as clients make them.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING, Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from dynamic_plugins.workers.message_reader import MessageReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_LONGEST_LINE = 2**30
_PIPE_BYTES = 512 * 1024


def are_pipes() -> bool:
    """Return whether standard input and output are pipes or sockets: only those tell the event loop when they wait."""
    try:
        kinds = [os.fstat(number).st_mode for number in (0, 1)]
    except OSError:
        return False
    return os.name == "posix" and all(stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) for kind in kinds)


class _Stream:
    """What is closed by leaving it."""

    _closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Read or write nothing more."""
        self._closed = True


class Incoming(_Stream, MessageReader):
    """The messages on standard input; of a line that is none, why."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def receive(self) -> SessionMessage | Exception:
        if self._closed:
            raise anyio.ClosedResourceError
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise anyio.EndOfStream
        return _message(line)


def _message(line: bytes) -> SessionMessage | Exception:
    for text in (line, line.decode("utf-8", "replace")):  # a client that cuts a text may cut through a character
        try:
            return SessionMessage(types.jsonrpc_message_adapter.validate_json(text, by_name=False))
        except ValueError as error:
            failure = error
    return failure


class Outgoing(_Stream):
    """Standard output, taking messages."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message once what was written before is taken; nothing happens where nobody reads any more."""
        if self._closed:
            raise anyio.ClosedResourceError
        line = types.jsonrpc_message_adapter.dump_json(item.message, by_alias=True, exclude_unset=True)
        self._writer.write(line + b"\n")
        with contextlib.suppress(ConnectionError):  # the end of standard input says so as well
            await self._writer.drain()


@contextlib.asynccontextmanager
async def pipes() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Take standard input and output for the protocol; whoever else reads finds nothing, and writes to standard error.

    Raises OSError. Both are given back in the end.
    """
    loop = asyncio.get_running_loop()
    with _taken() as (incoming, outgoing):
        _widen(outgoing)
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        reading, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(os.dup(incoming), "rb", 0))
        writing, flow = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(os.dup(outgoing), "wb", 0)
        )
        writer = asyncio.StreamWriter(writing, flow, None, loop)
        try:
            yield Incoming(reader), Outgoing(writer)
        finally:
            reading.close()
            writer.close()  # the loop writes what is left
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(writer.wait_closed(), 2)


def _widen(descriptor: int) -> None:
    """Let a long answer go into a pipe at once: in small pieces each end wakes the other for every piece."""
    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with contextlib.suppress(OSError):  # a socket has no such size, and a system may allow no more
            fcntl.fcntl(descriptor, set_size, _PIPE_BYTES)


@contextlib.contextmanager
def _taken() -> Iterator[tuple[int, int]]:
    """Give duplicates of standard input and output, in whose places others stand meanwhile."""
    with contextlib.ExitStack() as stack:
        kept = []
        for number in (0, 1):
            copy = os.dup(number)
            stack.callback(os.close, copy)
            blocking = os.get_blocking(copy)
            stack.callback(os.dup2, copy, number)
            stack.callback(os.set_blocking, copy, blocking)
            kept.append(copy)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        yield kept[0], kept[1]
