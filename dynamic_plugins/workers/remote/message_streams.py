"""The messages of a remote server on their way to the MCP client and back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import anyio
import mcp_types as types

from dynamic_plugins.workers.message_repair import put_right

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from mcp.client._transport import ReadStream, TransportStreams, WriteStream
    from mcp.shared.message import SessionMessage

_CANCELLED = "notifications/cancelled"
_MOST_ASKED = 100
"""So many requests of a server may wait for an answer of ours; then nothing more of it is read."""


class RemoteTransport:
    """A transport of the MCP client round the one in *opened*: without schemas of answers, with what is odd in them put
    right, and with a bound on what a server asks us. *left_out* is called for each item of a list that cannot be used.
    """

    def __init__(self, opened: AbstractAsyncContextManager[TransportStreams], left_out: Callable[[str], None]) -> None:
        self._opened, self._left_out = opened, left_out
        self.ended = False
        """Whether the server has no way to us any more."""

    async def __aenter__(self) -> TransportStreams:
        reading, writing = await self._opened.__aenter__()
        asked = _Asked()
        methods: dict[object, str] = {}
        return _Reader(reading, asked, self._at_end, methods, self._left_out), _Writer(writing, asked, methods)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._opened.__aexit__(kind, error, trace)

    def _at_end(self) -> None:
        self.ended = True


class _Asked:
    """Which requests of the server wait for an answer of ours."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._room = asyncio.Event()

    async def wait_for_room(self, request: object) -> None:
        """Note a request; return once it is not one too many."""
        self._ids.add(str(request))
        if len(self._ids) > _MOST_ASKED:
            self._room.clear()
            await self._room.wait()

    def answered(self, request: object) -> None:
        """Note that a request waits no more."""
        self._ids.discard(str(request))
        if len(self._ids) <= _MOST_ASKED:
            self._room.set()


class _Reader:
    def __init__(
        self,
        stream: ReadStream[SessionMessage | Exception],
        asked: _Asked,
        at_end: Callable[[], None],
        methods: dict[object, str],
        left_out: Callable[[str], None],
    ) -> None:
        self._stream, self._asked, self._at_end = stream, asked, at_end
        self._methods, self._left_out = methods, left_out

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message. Raises EndOfStream after the last."""
        try:
            item = await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._at_end()
            raise
        if not isinstance(item, Exception):
            if isinstance(item.message, types.JSONRPCResponse):
                put_right(self._methods.pop(item.message.id, ""), item.message.result, self._left_out)
            elif isinstance(item.message, types.JSONRPCError):
                self._methods.pop(item.message.id, None)
            elif isinstance(item.message, types.JSONRPCRequest):
                await self._asked.wait_for_room(item.message.id)
            elif isinstance(item.message, types.JSONRPCNotification) and item.message.method == _CANCELLED:
                self._asked.answered((item.message.params or {}).get("requestId"))
        return item

    async def aclose(self) -> None:
        """Take no more."""
        await self._stream.aclose()


class _Writer:
    def __init__(self, stream: WriteStream[SessionMessage], asked: _Asked, methods: dict[object, str]) -> None:
        self._stream, self._asked, self._methods = stream, asked, methods

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message."""
        if isinstance(item.message, types.JSONRPCRequest):
            self._methods[item.message.id] = item.message.method
        try:
            await self._stream.send(item)
        finally:
            if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError):
                self._asked.answered(item.message.id)

    async def aclose(self) -> None:
        """Write no more."""
        await self._stream.aclose()
