"""Our own MCP server: the six actions, a search and a call for the plugins' own, and what is there as resources.

The list of tools never changes. Since protocol 2026-07-28 it must not, and before it many clients read it once: what a
plugin offers is reached through ``search_plugin_actions`` and ``call_plugin_action``. Clients of both protocol
generations are served, over standard input and output or over HTTP on this machine.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from pydantic_core import to_json

from dynamic_plugins import __version__
from dynamic_plugins.app import App
from dynamic_plugins.core import prompt_files, telemetry
from dynamic_plugins.core.attachments import taking
from dynamic_plugins.core.json_text import json_text
from dynamic_plugins.errors import NotInstalledError, PluginError
from dynamic_plugins.integrations.mcp_elicitation import PERSON_SECONDS, InputNeededError, Person
from dynamic_plugins.integrations.stdio_pipes import are_pipes, pipes
from dynamic_plugins.integrations.tool_results import output_schema
from dynamic_plugins.tools.management import ALIASES
from dynamic_plugins.tools.tool_formats import described

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence

    from mcp.server.context import ServerRequestContext
    from starlette.types import ASGIApp

    from dynamic_plugins.core.attachments import Attachment
    from dynamic_plugins.integrations.secret_form import QuietServer
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.plugin import Provider
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.tools.tool_formats import Tool
    from dynamic_plugins.tools.toolbox import Toolbox

NAME = "dynamic-plugins"
SCHEME = "dynamic-plugins://"
CONTEXT = "plugin_context"
PATH = "/mcp"

_BY_TOOLS = "find them with search_plugin_actions and call them with call_plugin_action"
_BY_PROGRAMS = "they are functions in the programs of run_program"
_ONE_HOUR = CacheHint(ttl_ms=3_600_000, scope="public")

#: Title, then read-only, destructive, idempotent, open world, as the protocol defines these hints. Configuring may
#: replace a value and unloading ends a process with what it holds in memory: neither only adds something. What a
#: plugin's own action does nobody knows before it is looked at.
_HINTS = {
    "list_available_plugins": ("Search for plugins", True, False, True, True),
    "install_plugin": ("Install a plugin", False, False, True, True),
    "configure_plugin": ("Configure a plugin", False, True, True, False),
    "activate_plugin": ("Switch a plugin on", False, False, True, True),
    "deactivate_plugin": ("Switch a plugin off", False, False, True, False),
    "unload_plugin": ("Unload a plugin", False, True, True, False),
    "search_plugin_actions": ("Search the active plugins' actions", True, False, True, False),
    "call_plugin_action": ("Use a plugin", False, True, False, True),
    "run_program": ("Run a program that uses plugins", False, True, False, True),
}


def tool_definition(tool: Tool) -> types.Tool:
    """Return *tool* as an MCP client is told of it."""
    title, read_only, destructive, idempotent, open_world = _HINTS[tool.name]
    schema = _relaxed(tool.action.parameters)
    if tool.name == "call_plugin_action":
        about = "Its arguments, as search_plugin_actions described them."
        schema["properties"]["arguments"] = {"type": "object", "description": about}
    return types.Tool(
        name=tool.name,
        title=title,
        description=described(tool.action),
        input_schema=schema,
        output_schema=output_schema(tool.name),
        annotations=types.ToolAnnotations(
            title=title,
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=open_world,
        ),
    )


def _relaxed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* without what only OpenAI's strict mode wants: there, what may be left out is required and null.

    (For the same reason the arguments of ``call_plugin_action`` are text there: it takes no open object.)
    """
    properties = {}
    required = []
    for name, shape in schema["properties"].items():
        kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
        (kind,) = [each for each in kinds if each != "null"]
        properties[name] = {**shape, "type": kind}
        if "null" not in kinds:
            required.append(name)
    return {**schema, "properties": properties, "required": required}


def tool_result(result: dict[str, Any], attachments: Sequence[Attachment] = ()) -> types.CallToolResult:
    """Return what a tool gave, for programs and as text; ``{"ok": false, …}`` is an error that the model sees.

    The *attachments* that it brought stand beside the text, as what they are.
    """
    try:
        text, plain = to_json(result).decode(), result
    except ValueError:  # of a plugin in this process, which gives what it likes
        text = json_text(result)
        plain = json.loads(text)
    return types.CallToolResult(
        content=[types.TextContent(text=text), *map(_block, attachments)],
        structured_content=plain,
        is_error=not result["ok"],
    )


def _block(attachment: Attachment) -> types.ContentBlock:
    """Return *attachment* as MCP's content has it; a file under the address that it has with its plugin."""
    if attachment.kind == "image":
        return types.ImageContent(data=attachment.base64, mime_type=attachment.mime)
    if attachment.kind == "audio":
        return types.AudioContent(data=attachment.base64, mime_type=attachment.mime)
    return types.EmbeddedResource(
        resource=types.BlobResourceContents(
            uri=attachment.name or "file:///file", mime_type=attachment.mime, blob=attachment.base64
        )
    )


class PluginServer:
    """The handlers; *person* is whoever is behind the client of the call under way."""

    def __init__(
        self,
        toolbox: Toolbox,
        providers: Sequence[Provider],
        service: PluginManagementService,
        person: Person,
        command: str = NAME,
    ) -> None:
        self._toolbox, self._service, self._person = toolbox, service, person
        self.transport: Literal["pipe", "tcp"] = "pipe"
        self._way = "call_plugin_action" if toolbox.programs is None else "run_program"
        self._tools = {tool.name: tool_definition(tool) for tool in toolbox.constant()}
        self._schemas = [
            (dict(tool.action.parameters), self._tools[tool.name].input_schema) for tool in toolbox.constant()
        ]
        self._under_way: set[asyncio.Task[dict[str, Any]]] = set()
        self._read: dict[str, Callable[[], Awaitable[str]]] = {
            SCHEME + provider.name: _reader(provider) for provider in providers
        }
        self._read[SCHEME + CONTEXT] = self._context
        about = {SCHEME + provider.name: provider.description for provider in providers}
        about[SCHEME + CONTEXT] = "What the running plugins tell of themselves, by plugin and provider"
        self._resources = [
            types.Resource(
                uri=uri, name=uri.removeprefix(SCHEME), description=description, mime_type="application/json"
            )
            for uri, description in about.items()
        ]
        self.server = Server[dict[str, Any]](
            NAME,
            version=__version__,
            title="Dynamic plugins",
            description="Finds, installs, uses and unloads plugins in the middle of a conversation.",
            instructions=_instructions(command, programs=toolbox.programs is not None),
            cache_hints=_cached(toolbox),
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
        )
        # A client hands back what it was given between two rounds of a call; sealed, it can be believed.
        security = RequestStateSecurity.ephemeral(ttl=PERSON_SECONDS)
        self.server.middleware.append(RequestStateBoundary(security, default_audience=NAME))

    async def _list_tools(
        self, _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        if self._toolbox.programs is not None:  # what it says of the functions follows what is active
            self._service.sync()
            return types.ListToolsResult(tools=[tool_definition(tool) for tool in self._toolbox.constant()])
        return types.ListToolsResult(tools=list(self._tools.values()))

    async def _call_tool(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if ALIASES.get(params.name, params.name) not in self._tools:
            raise MCPError(
                types.INVALID_PARAMS,
                f"There is no tool {params.name!r}. A plugin's action is called through {self._way}.",
            )
        # The span that the client sent along is the current one here: the SDK has taken it out of the request.
        with telemetry.served_call(params.name, context.protocol_version, self.transport) as span:
            try:
                async with self._person.behind(context, params):
                    self._service.sync()
                    with taking("image", "audio", "resource") as attachments:
                        result = await self._apart(self._call(params.name, params.arguments))
            except InputNeededError as needed:
                return needed.result
            except PluginError as error:  # the saved state cannot be read
                result, attachments = {"ok": False, "error": error.to_dict()}, []
            if not result["ok"]:
                span.fail("tool_error")
            return tool_result(self._as_listed(result), attachments)

    async def _apart(self, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """Return what *work* gives; cancelled by the client or with the connection, it is cancelled once and cleans up.

        Within the SDK's own task groups, every step of the cleaning up would be cancelled as well.
        """
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise MCPError(types.INTERNAL_ERROR, "The server is ending.") from None
            task.cancel()
            raise

    async def stop(self) -> None:
        """Cancel the calls under way, and return once nothing is left of them."""
        if under_way := list(self._under_way):
            for task in under_way:
                if not task.cancelling():  # else it is cleaning up
                    task.cancel()
            await asyncio.wait(under_way)

    async def _call(self, name: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
        result = await self._toolbox.call(name, arguments)
        if await self._waited_for_install(result, arguments or {}):
            return await self._toolbox.call(name, arguments)
        return result

    async def _waited_for_install(self, result: dict[str, Any], arguments: Mapping[str, Any]) -> bool:
        """Wait for the answer to the install that *result* lacks; False where no person is being asked about one."""
        if result.get("error", {}).get("code") not in {"not_installed", "unknown_plugin"}:
            return False
        said = str(arguments.get("plugin_name") or arguments.get("pluginName") or "")
        try:
            await self._service.resolve(said)
        except NotInstalledError as error:
            return await self._person.answered(error.name)
        except PluginError:  # of what no registry lists, the name is what was said
            return await self._person.answered(said)
        return True

    def _as_listed(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return *result* with the schema that clients were shown, where it holds the strict one of a tool of ours."""
        error = result.get("error", {})
        listed = next((shown for strict, shown in self._schemas if strict == error.get("schema")), None)
        return result if listed is None else {**result, "error": {**error, "schema": listed}}

    async def _list_resources(
        self, _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=self._resources)

    async def _read_resource(
        self, _context: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        if (read := self._read.get(params.uri)) is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no resource {params.uri!r}.", {"uri": params.uri})
        try:
            self._service.sync()
            text = await read()
        except PluginError as error:
            text = json.dumps({"ok": False, "error": error.to_dict()})
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=params.uri, mime_type="application/json", text=text)]
        )

    async def _context(self) -> str:
        context = await self._service.context()
        if self._toolbox.guard is not None:
            self._toolbox.guard.told(context)
        return json.dumps(context, ensure_ascii=False)


@asynccontextmanager
async def opened(
    settings: Settings, *, command: Sequence[str], allow_installs: bool = False, allow_unlisted: bool = False
) -> AsyncIterator[tuple[App, PluginServer]]:
    """Open the application of a home with the server that MCP clients speak to; *command* starts a command line on it.

    With *allow_installs* and *allow_unlisted* the operator agrees beforehand: see :class:`Person`. Raises PluginError.
    """
    agreed = {"allow_installs": allow_installs, "allow_unlisted": allow_unlisted}
    person = Person(**agreed, command=command, home=settings.home)
    async with App(
        settings,
        approve=person.approve,
        ask_values=person.ask_values,
        ask_sign_in=person.ask_sign_in,
        listener=person.listen,
        door="mcp",
        answers_later=True,
    ) as app:
        app.sweep()
        try:
            yield app, PluginServer(app.toolbox, app.providers, app.service, person, shlex.join(command))
        finally:
            await person.close()


def _instructions(command: str, *, programs: bool) -> str:
    text = prompt_files.text("mcp.md").replace("{command}", command)
    return text.replace(_BY_TOOLS, _BY_PROGRAMS) if programs else text


def _cached(toolbox: Toolbox) -> dict[CacheableMethod, CacheHint]:
    """Return what a client may keep for how long; in code mode, the list of tools changes with what is active."""
    if toolbox.programs is not None:
        return {"resources/list": _ONE_HOUR}
    return {"tools/list": _ONE_HOUR, "resources/list": _ONE_HOUR}


def _reader(provider: Provider) -> Callable[[], Awaitable[str]]:
    async def read() -> str:
        said = provider.get()
        return said if isinstance(said, str) else await said

    return read


async def serve_stdio(server: PluginServer) -> None:
    """Serve one client over standard input and output until it closes its end; other output goes to standard error."""
    from mcp.server.stdio import stdio_server

    try:
        async with AsyncExitStack() as stack:
            streams: Any = pipes() if are_pipes() else stdio_server()
            incoming, outgoing = await stack.enter_async_context(streams)
            await server.server.run(incoming, outgoing, server.server.create_initialization_options())
    except* BrokenPipeError:
        pass  # the client went away in the middle of an answer: there is nobody to tell
    finally:
        await server.stop()


async def serve_http(
    server: PluginServer,
    listening: socket.socket,
    stop: asyncio.Event,
    token: str | None = None,
    hosts: Sequence[str] | None = None,
) -> None:
    """Serve clients over streamable HTTP on *listening* until *stop* is set.

    Requests that name another host or come from another site's page are refused; with *token*, so are those without
    ``Authorization: Bearer <token>``. *hosts* are the names to take; without them those of the port that listens.
    """
    # A client on standard input and output does not wait for a web server to be imported.
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    from dynamic_plugins.integrations.http_middleware import BearerToken, EndedAnswers, own_hosts
    from dynamic_plugins.integrations.secret_form import QuietServer

    server.transport = "tcp"
    hosts = own_hosts(listening) if hosts is None else list(hosts)
    app: ASGIApp = server.server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=TransportSecuritySettings(
            allowed_hosts=hosts, allowed_origins=[f"http://{host}" for host in hosts]
        ),
    )
    if token:
        app = BearerToken(app, token)
    ended = asyncio.Event()
    app = EndedAnswers(app, ended)
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=2)
    serving = QuietServer(config)
    ending = asyncio.create_task(_end(server, serving, stop, ended))
    try:
        await serving.serve([listening])
    finally:
        ending.cancel()
        await server.stop()


async def _end(server: PluginServer, serving: QuietServer, stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    await server.stop()
    ended.set()
    serving.should_exit = True
