"""The official client's session, for servers that begin with a handshake: nearly all there are.

``mcp.Client`` also serves servers in its own process, so importing it imports the package's server, its web frameworks
and its command line: half of what a process pays for its first call. The session beneath it needs none of them. What
only the newest protocol has (questions within an answer, cached lists) is the full client's, which is imported for such
a server.

The session checks each answer twice, against the models of the version that was agreed on and against those of all
versions, and keeps the second. Over the pipes of a worker (:class:`PipeSession`) it is the second alone: what is odd in
an answer was put right before, and the models of the versions take a tenth of a second to import.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, Transport, WriteStream
    from mcp.client.session import ReceiveResultT
    from mcp.shared.dispatcher import CallOptions, ProgressFnT
    from mcp.shared.message import ClientMessageMetadata, SessionMessage
    from mcp.shared.transport_context import TransportContext


_LATER_FIELDS = frozenset({"resultType", "inputRequests", "requestState", "ttlMs", "cacheScope"})
"""What results have from the newest protocol on: in an answer of an older one they say nothing."""


class PipeSession(ClientSession):
    """A session over the pipes of a process, after a handshake."""

    def __init__(
        self, incoming: ReadStream[SessionMessage | Exception], outgoing: WriteStream[SessionMessage], **callbacks: Any
    ) -> None:
        self._pipes: JSONRPCDispatcher[TransportContext] = JSONRPCDispatcher(incoming, outgoing)
        super().__init__(dispatcher=self._pipes, **callbacks)

    async def send_request(
        self,
        request: types.ClientRequest | types.Request[Any, Any],
        result_type: type[ReceiveResultT] | TypeAdapter[ReceiveResultT],
        request_read_timeout_seconds: float | None = None,
        metadata: ClientMessageMetadata | None = None,  # noqa: ARG002 # only HTTP carries any
        progress_callback: ProgressFnT | None = None,
    ) -> ReceiveResultT:
        """Send a request and return its result. Raises MCPError, RuntimeError, and ValidationError for a bad answer."""
        data = request.model_dump(by_alias=True, mode="json", exclude_none=True)
        options: CallOptions = {}
        if request_read_timeout_seconds is not None:
            options["timeout"] = request_read_timeout_seconds
        if progress_callback is not None:
            options["on_progress"] = progress_callback
        found = await self._pipes.send_raw_request(data["method"], data.get("params"), options)
        if not _LATER_FIELDS.isdisjoint(found):
            found = {key: value for key, value in found.items() if key not in _LATER_FIELDS}
        if isinstance(result_type, TypeAdapter):
            return result_type.validate_python(found, by_name=False)
        return result_type.model_validate(found, by_name=False)


class HandshakeClient:
    """One session over *transport*, with the methods of ``mcp.Client`` that a connection uses; entered once.

    *callbacks* are those of ``mcp.client.session.ClientSession``, and *session_type* is its kind. Entering raises what
    its handshake raises.
    """

    def __init__(
        self, transport: Transport, session_type: type[ClientSession] = ClientSession, **callbacks: Any
    ) -> None:
        self._transport, self._session_type, self._callbacks = transport, session_type, callbacks
        self._stack = AsyncExitStack()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            incoming, outgoing = await stack.enter_async_context(self._transport)
            session = await stack.enter_async_context(self._session_type(incoming, outgoing, **self._callbacks))
            await session.initialize()
            self._session, self._stack = session, stack.pop_all()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)
        self._session = None

    @property
    def session(self) -> ClientSession:
        """The session. Raises RuntimeError before it is entered and after it is left."""
        if self._session is None:
            raise RuntimeError("there is no session")
        return self._session

    @property
    def protocol_version(self) -> str:
        return self._greeting.protocol_version

    @property
    def server_capabilities(self) -> types.ServerCapabilities:
        return self._greeting.capabilities

    @property
    def instructions(self) -> str | None:
        return self._greeting.instructions

    @property
    def _greeting(self) -> types.InitializeResult:
        assert self.session.initialize_result is not None  # noqa: S101 # entering has waited for it
        return self.session.initialize_result

    async def list_tools(self, *, cursor: str | None = None) -> types.ListToolsResult:
        return await self.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))

    async def list_resources(self, *, cursor: str | None = None) -> types.ListResourcesResult:
        return await self.session.list_resources(params=types.PaginatedRequestParams(cursor=cursor))

    async def list_resource_templates(self, *, cursor: str | None = None) -> types.ListResourceTemplatesResult:
        return await self.session.list_resource_templates(params=types.PaginatedRequestParams(cursor=cursor))

    async def list_prompts(self, *, cursor: str | None = None) -> types.ListPromptsResult:
        return await self.session.list_prompts(params=types.PaginatedRequestParams(cursor=cursor))

    async def read_resource(self, uri: str) -> types.ReadResourceResult:
        return await self.session.read_resource(uri)

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        return await self.session.get_prompt(name, arguments)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], progress_callback: ProgressFnT
    ) -> types.CallToolResult:
        return await self.session.call_tool(name, arguments, progress_callback=progress_callback)
