"""A worker's process as a transport of the MCP client."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from dynamic_plugins.load.process import WorkerProcess

_ID = re.compile(rb'"id"\s*:\s*(\d+)')
_EDGE = 256


class ProcessTransport:
    """Carries JSON-RPC messages over the pipes of *process*, which it ends on exit.

    An answer that is too long, or that cannot be read, is replaced by an error for the request it belongs to.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        # Unbounded, because the process is told nothing of it: the longest line bounds what one answer takes.
        self._send, self._receive = anyio.create_memory_object_stream[SessionMessage | Exception](float("inf"))
        self._waiting: set[int] = set()

    async def __aenter__(self) -> TransportStreams:
        self._process.attach(self._arrived, self._send.close)
        return self._receive, _Writer(self._process, self._waiting)

    async def __aexit__(self, *_: object) -> None:
        self._receive.close()
        self._send.close()

    def _arrived(self, line: bytes, dropped: int) -> None:
        if dropped:
            self._refuse(line, f"was too long ({dropped:,} bytes) and was dropped")
            return
        message = _read(line) or _read(_mended(line))
        if message is None:
            edges = line[:_EDGE] + b" " + line[-_EDGE:]
            # An object that is no answer is as good as any other garbage.
            if b'"jsonrpc"' in edges and b'"method"' not in edges and self._named(edges):
                self._refuse(edges, "cannot be read")
            return
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError) and isinstance(message.id, int):
            self._waiting.discard(message.id)
        if isinstance(message, types.JSONRPCResponse):
            _leave_unchecked(message.result)
        self._put(message)

    def _named(self, edges: bytes) -> set[int]:
        return {int(number) for number in _ID.findall(edges) if len(number) < _EDGE} & self._waiting

    def _refuse(self, edges: bytes, what: str) -> None:
        named = self._named(edges)
        # Of a line whose edges name no open request nothing is known: all of them would wait in vain.
        for number in named if len(named) == 1 else set(self._waiting):
            self._waiting.discard(number)
            error = types.ErrorData(code=types.INTERNAL_ERROR, message=f"the answer {what}")
            self._put(types.JSONRPCError(jsonrpc="2.0", id=number, error=error))

    def _put(self, message: types.JSONRPCMessage) -> None:
        try:
            self._send.send_nowait(SessionMessage(message))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # nobody listens any more


def _read(line: bytes) -> types.JSONRPCMessage | None:
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        return None


def _leave_unchecked(result: dict[str, Any]) -> None:
    """Take the schemas of answers out of a list of tools.

    The client would hold every answer to them, in our event loop: a stranger's pattern may take for ever.
    """
    tools = result.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            tool.pop("outputSchema", None)


def _mended(line: bytes) -> bytes:
    """Return the line with half characters replaced: a server that cuts a text may cut through one."""
    try:
        return json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return b""


class _Writer:
    """The client's way to the process: written straight to the pipe, with no task in between."""

    def __init__(self, process: WorkerProcess, waiting: set[int]) -> None:
        self._process = process
        self._waiting = waiting

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closing is up to the connection, which ends the process."""

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message, and note which request it opens."""
        message = item.message
        if isinstance(message, types.JSONRPCRequest) and isinstance(message.id, int):
            self._waiting.add(message.id)
        line = message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await self._process.write(line.encode() + b"\n")
        except OSError as error:
            raise anyio.BrokenResourceError from error

    async def aclose(self) -> None:
        """Nothing is to be closed here: the connection ends the process."""
