"""One session with a remote server: from its handshake until it is left, or lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from dynamic_plugins.core.telemetry import server_at
from dynamic_plugins.errors import ActionError, LoadError, PluginError, UnreachableError
from dynamic_plugins.workers.mcp_connection import McpConnection
from dynamic_plugins.workers.remote import scrubbed_logs
from dynamic_plugins.workers.remote.message_streams import RemoteTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp.client._transport import TransportStreams

    from dynamic_plugins.core.spans import Attributes
    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.registry.entry import Transport
    from dynamic_plugins.workers.components import Component, Host
    from dynamic_plugins.workers.remote.http_client import Failure, RemoteHttpClient

_LAST_WORD_SECONDS = 1.0
_TOO_LONG = "the answer was too long and was dropped; to take more, set DYNAMIC_PLUGINS_RESULT_KB"
_BROKE_OFF = (
    "the connection broke off before its answer, so nobody knows whether it was done; the next call connects anew"
)


class SessionGoneError(Exception):
    """The server knows the session no more and has done nothing: the call can be made again in another one.

    It is no PluginError, and never leaves :class:`~dynamic_plugins.workers.remote.remote_connection.RemoteConnection`.
    """


class RemoteSession(McpConnection):
    """A session at *address*. *make_client* gives the HTTP client, which is told what to do with failures."""

    def __init__(
        self,
        name: str,
        address: str,
        transport: Transport,
        make_client: Callable[[Callable[[Failure], None]], RemoteHttpClient],
        host: Host,
        scrubber: Scrubber,
        *,
        call_timeout: float,
        longest: int,
        modern: bool,
    ) -> None:
        self._lost: Failure | None = None
        self._server = server_at(address)
        self._lives_on_stream = transport == "sse"
        self._http = make_client(self._on_failure)
        opened = _sse(address, self._http) if self._lives_on_stream else _streamable(address, self._http, longest)
        left_out: list[str] = []
        self._streams = RemoteTransport(opened, left_out.append)
        scrubbed_logs.scrub()
        before = scrubbed_logs.ours.set(scrubber)
        try:  # the task that is made here, and those that it makes, are ours
            super().__init__(
                name,
                self._streams,
                host,
                scrubber,
                call_timeout=call_timeout,
                modern=modern,
                ours=False,
                left_out=left_out,
            )
        finally:
            scrubbed_logs.ours.reset(before)

    @property
    def peer(self) -> Attributes:
        return {"network.transport": "tcp", "network.protocol.name": "http", **self._server}

    @property
    def alive(self) -> bool:
        return not (self._closing.is_set() or self._task.done() or self._streams.ended or self._lost)

    @property
    def pid(self) -> int | None:
        return None

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,
    ) -> Any:
        """Call one component. Raises SessionGoneError, too."""
        before = scrubbed_logs.ours.set(self._scrubber)
        try:
            return await super().call(component, arguments, progress)
        finally:
            scrubbed_logs.ours.reset(before)

    def _on_failure(self, failure: Failure) -> None:
        if self._lives_on_stream:  # what was sent is answered there, so nothing would tell who waits
            self._lost = failure
            self._task.cancel()

    def _not_alive(self, component: Component) -> PluginError:
        return ActionError(self.name, component.name, self._failure_text(self._lost) if self._lost else _BROKE_OFF)

    def _late(self, seconds: float) -> PluginError:
        reason = f"it did not answer within {seconds:g} s"
        if self._host.reached is not None:
            self._host.reached(reason)
        return UnreachableError(self.name, reason)

    async def _load_failure(self, error: Exception) -> PluginError:
        failure = self._http.failure_of(error) if isinstance(error, MCPError) else None
        # Of a session over streamable HTTP the stream for what nobody asked for may well be missing.
        failure = failure or self._lost or (self._http.last_failure if self._lives_on_stream else None)
        if failure is not None:
            return failure.error or UnreachableError(self.name, self._failure_text(failure), failure.status)
        if isinstance(error, MCPError) and error.code != types.CONNECTION_CLOSED:
            return LoadError(self.name, self._scrubber.text(error.message))
        if isinstance(error, MCPError | ConnectionError | httpx2.HTTPError):
            return UnreachableError(self.name, "the connection broke off while it started")
        return LoadError(self.name, self._problem(error))

    async def _call_failure(
        self, component: Component, error: MCPError, arguments: dict[str, Any], begun: float
    ) -> Exception:
        failure = self._http.failure_of(error) or self._lost
        if failure is not None:
            if failure.no_session:
                return SessionGoneError(self.name)
            return failure.error or ActionError(self.name, component.name, self._failure_text(failure))
        if error.code == types.CONNECTION_CLOSED:
            await asyncio.wait([self._task], timeout=0 if self.alive else _LAST_WORD_SECONDS)
            too_long = "byte limit" in f"{error.message} {self._ended_by}"
            return ActionError(self.name, component.name, _TOO_LONG if too_long else _BROKE_OFF)
        return self._failure(component, self._answers.reason(error), arguments, begun)

    def _failure(self, component: Component, reason: str, arguments: dict[str, Any], begun: float) -> ActionError:  # noqa: ARG002 # nothing of this machine can have been refused to it
        return ActionError(self.name, component.name, reason)

    def _failure_text(self, failure: Failure) -> str:
        return self._scrubber.text(failure.text)

    async def _end_if_stuck(self) -> None:
        if self.alive:
            await super()._end_if_stuck()

    async def _end_peer(self, *, at_once: bool) -> None:
        """Leave the session, which tells the server; *at_once* without a word."""
        if at_once:
            self._task.cancel()


@asynccontextmanager
async def _streamable(address: str, client: RemoteHttpClient, longest: int) -> AsyncIterator[TransportStreams]:
    async with (
        client,
        streamable_http_client(address, http_client=client, max_sse_event_size=longest) as streams,
    ):
        yield streams


@asynccontextmanager
async def _sse(address: str, client: RemoteHttpClient) -> AsyncIterator[TransportStreams]:
    def made(*_: Any, **__: Any) -> httpx2.AsyncClient:
        return client

    async with sse_client(address, httpx_client_factory=made) as streams:
        yield streams
