"""The messages of a remote server on their way to the MCP client and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

import anyio

from dynamic_plugins.workers.message_reader import MessageReader
from dynamic_plugins.workers.pending_requests import PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from mcp.client._transport import ReadStream, TransportStreams, WriteStream
    from mcp.shared.message import SessionMessage

S = TypeVar("S", bound="ReadStream[SessionMessage | Exception] | WriteStream[SessionMessage]")


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
        pending = PendingRequests(self._left_out)
        return _Reader(reading, pending, self._at_end), _Writer(writing, pending)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._opened.__aexit__(kind, error, trace)

    def _at_end(self) -> None:
        self.ended = True


class _Wrapped(Generic[S]):
    """A stream of the client's own transport: opened and closed with this."""

    def __init__(self, stream: S, pending: PendingRequests) -> None:
        self._stream, self._pending = stream, pending

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)

    async def aclose(self) -> None:
        """Take or write no more."""
        await self._stream.aclose()


class _Reader(_Wrapped["ReadStream[SessionMessage | Exception]"], MessageReader):
    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], pending: PendingRequests, at_end: Callable[[], None]
    ) -> None:
        super().__init__(stream, pending)
        self._at_end = at_end

    async def receive(self) -> SessionMessage | Exception:
        try:
            item = await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._at_end()
            raise
        if not isinstance(item, Exception):
            self._pending.received(item.message)
            await self._pending.room()
        return item


class _Writer(_Wrapped["WriteStream[SessionMessage]"]):
    async def send(self, item: SessionMessage, /) -> None:
        """Write one message."""
        self._pending.sending(item.message)
        try:
            await self._stream.send(item)
        finally:
            self._pending.sent(item.message)
