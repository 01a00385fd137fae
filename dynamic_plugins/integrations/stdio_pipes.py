"""Standard input and output for the MCP server, read and written by the event loop.

The official transport does it in threads, three changes of thread for each message, which is most of what a small call
takes. Here it gets files that need none, where both are pipes or sockets, as clients make them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_LONGEST_LINE = 2**30


def are_pipes() -> bool:
    """Return whether standard input and output are pipes or sockets: only those tell the event loop when they wait."""
    try:
        kinds = [os.fstat(number).st_mode for number in (0, 1)]
    except OSError:
        return False
    return os.name == "posix" and all(stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) for kind in kinds)


class Incoming:
    """The lines of standard input, as text."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise StopAsyncIteration
        return line.decode("utf-8", "replace")


class Outgoing:
    """Standard output, taking text."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        """Write *text* once what was written before is taken; nothing happens where nobody reads any more."""
        self._writer.write(text.encode())
        with contextlib.suppress(ConnectionError):  # the end of standard input says so as well
            await self._writer.drain()

    async def flush(self) -> None:
        """Do nothing: what is written is on its way."""


@contextlib.asynccontextmanager
async def pipes() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Take standard input and output for the protocol; whoever else reads finds nothing, and writes to standard error.

    Raises OSError. Both are given back in the end.
    """
    loop = asyncio.get_running_loop()
    with _taken() as (incoming, outgoing):
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
