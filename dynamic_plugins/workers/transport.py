"""A worker's process as a transport of the MCP client."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING, Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from dynamic_plugins.workers.message_form import messages_in
from dynamic_plugins.workers.message_reader import MessageReader
from dynamic_plugins.workers.pending_requests import PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.client._transport import TransportStreams

    from dynamic_plugins.workers.process import WorkerProcess

_ID = re.compile(rb'"id"\s*:\s*(\d+)')
_EDGE = 256
_MOST_UNTAKEN = 256 * 1024
_NOTICE_SECONDS = 1.0
_SPOKEN = {
    "tools/list": "its list of tools",
    "resources/list": "its list of resources",
    "resources/templates/list": "its list of resource templates",
    "prompts/list": "its list of prompts",
}


class ProcessTransport:
    """Carries JSON-RPC messages over the pipes of *process*, which is ended by its connection.

    A process that says more than is taken, or asks more than is answered, has to wait until we are that far.
    An answer that is too long, or that cannot be read, is replaced by an error for the request it belongs to.
    """

    def __init__(
        self, process: WorkerProcess, left_out: Callable[[str], None] | None, version: str | None = None
    ) -> None:
        """*left_out* is called for each item of a list that cannot be used; None for a worker of ours: it is believed.

        *version* is the version of the protocol to ask for, where it is not the newest.
        """
        self._process, self._version = process, version
        self._pending = PendingRequests(left_out)
        self._reader = _Reader(self._taken)
        self._untaken = 0

    async def __aenter__(self) -> TransportStreams:
        self._process.attach(self._arrived, self._reader.end)
        return self._reader, _Writer(self._process, self._pending, self._resume, self._version)

    async def __aexit__(self, *_: object) -> None:
        self._process.detach()
        await self._reader.aclose()

    def _arrived(self, line: bytes, dropped: int) -> None:
        if dropped:
            self._refuse(line, f"was too long ({dropped:,} bytes) and was dropped; {self._limit()}")
            return
        messages = messages_in(line)
        if not messages:
            edges = line[:_EDGE] + b" " + line[-_EDGE:]
            # An object that is no answer is as good as any other garbage.
            if b'"jsonrpc"' in edges and b'"method"' not in edges and self._named(edges):
                self._refuse(edges, "cannot be read")
            return
        for place, message in enumerate(messages):
            self._pending.received(message)
            self._put(message, 0 if place else len(line))

    def _limit(self) -> str:
        most = self._process.longest_line
        return f"to take more than {most:,}, set DYNAMIC_PLUGINS_RESULT_KB to more than {most // 1024}"

    def _named(self, edges: bytes) -> set[int]:
        return {int(number) for number in _ID.findall(edges) if len(number) < _EDGE} & self._pending.ours.keys()

    def _refuse(self, edges: bytes, what: str) -> None:
        named = self._named(edges)
        # Of a line whose edges name no open request nothing is known: all of them would wait in vain.
        for number in named if len(named) == 1 else set(self._pending.ours):
            asked = _SPOKEN.get(self._pending.ours.pop(number, ""), "the answer")
            error = types.ErrorData(code=types.INTERNAL_ERROR, message=f"{asked} {what}")
            self._put(types.JSONRPCError(jsonrpc="2.0", id=number, error=error), 0)

    def _put(self, message: types.JSONRPCMessage, size: int) -> None:
        if not self._reader.put(SessionMessage(message), size):
            return  # nobody listens any more
        self._untaken += size
        if self._untaken > _MOST_UNTAKEN or self._pending.too_many:
            self._process.pause()

    def _taken(self, size: int) -> None:
        self._untaken -= size
        self._resume()

    def _resume(self) -> None:
        if self._untaken <= _MOST_UNTAKEN / 2 and not self._pending.too_many:
            self._process.resume()


class _Reader(MessageReader):
    """The client's way from the process.

    A queue of no fixed size, because a line that has arrived has to go somewhere: the pipe is paused instead. Where
    something waits in it nobody else's turn comes first, which an anyio stream would have it do for each message.
    """

    def __init__(self, taken: Callable[[int], None]) -> None:
        self._waiting: deque[tuple[SessionMessage, int]] = deque()
        self._taken = taken
        self._changed = asyncio.Event()
        self._ended = self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def put(self, message: SessionMessage, size: int) -> bool:
        """Add a message of *size* bytes; False where no more is taken."""
        if self._closed or self._ended:
            return False
        self._waiting.append((message, size))
        self._changed.set()
        return True

    def end(self) -> None:
        """Let what waits be the last."""
        self._ended = True
        self._changed.set()

    async def receive(self) -> SessionMessage | Exception:
        while not self._waiting:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._ended:
                raise anyio.EndOfStream
            self._changed.clear()
            await self._changed.wait()
        message, size = self._waiting.popleft()
        self._taken(size)
        return message

    async def aclose(self) -> None:
        """Take no more."""
        self._closed = True
        self._waiting.clear()
        self._changed.set()


class _Writer:
    """The client's way to the process: written straight to the pipe, with no task in between."""

    def __init__(
        self,
        process: WorkerProcess,
        pending: PendingRequests,
        resume: Callable[[], None],
        version: str | None,
    ) -> None:
        self._process, self._version = process, version
        self._pending, self._resume = pending, resume

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closing is up to the connection, which ends the process."""

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message, and note which request it opens."""
        message = item.message
        self._pending.sending(message)
        if self._version and isinstance(message, types.JSONRPCRequest) and message.method == "initialize":
            message.params = {**(message.params or {}), "protocolVersion": self._version}
        line = message.model_dump_json(by_alias=True, exclude_unset=True)
        # A notice, as of a call that nobody waits for any more, is not worth waiting for who does not listen.
        patience = _NOTICE_SECONDS if isinstance(message, types.JSONRPCNotification) else None
        try:
            with anyio.move_on_after(patience):
                await self._process.write(line.encode() + b"\n")
        except OSError as error:
            raise anyio.BrokenResourceError from error
        finally:
            if self._pending.sent(message):
                self._resume()

    async def aclose(self) -> None:
        """Nothing is to be closed here: the connection ends the process."""
