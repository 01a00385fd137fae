"""A small MCP server: a plugin's components as tools and resources.

Speaks the handshake of 2025-06-18 (https://modelcontextprotocol.io/specification/2025-06-18). The kind of component
that a tool stands for is in its ``_meta`` under ``dynamic-plugins``.
"""

from __future__ import annotations

import inspect
import os
import threading
from typing import TYPE_CHECKING, Any

from .component_set import Component, ComponentSet
from .executor import Executor
from .jsonrpc import JsonRpcChannel, encoded, flush
from .serialize import describe_error, plain

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION = "2025-06-18"
_META = "dynamic-plugins"
_PROVIDER = "dynamic-plugins://provider/"
ADAPTERS = {"python": ".python_adapter", "elizaos": ".elizaos.adapter"}
"""The module that loads each kind of plugin, under the package of the worker; imported only for that kind."""
_LEAVE_SECONDS = 1.8
_NOT_FOUND, _BAD_PARAMS, _INTERNAL = -32601, -32602, -32603


def serve(mode: str, facts: dict[str, Any]) -> None:
    """Load the plugin in *facts* and answer for it until the host leaves."""
    server = Server(JsonRpcChannel(), facts)
    threading.Thread(target=server.listen, daemon=True).start()
    server.load(mode)
    server.executor.run()
    flush()


class Server:
    """Answers the host's requests with the components of one plugin."""

    def __init__(self, channel: JsonRpcChannel, facts: dict[str, Any]) -> None:
        self.executor = Executor()
        self._channel = channel
        self._facts = facts
        self._components = ComponentSet()
        self._failure: str | None = None
        self._cancel: dict[Any, Callable[[], None]] = {}
        self._host_has_model = False

    def load(self, mode: str) -> None:
        """Import the plugin. What it raises is kept: it is the answer to the host's ``initialize``."""
        from importlib import import_module

        adapter = import_module(ADAPTERS[mode], __package__)
        try:
            self._components = adapter.load(self._facts, self)
        except BaseException as error:  # SystemExit too: the plugin's error is what the host wants
            self._failure = describe_error(error)
        flush()

    async def ask_host(self, messages: list[dict[str, str]]) -> str | None:
        """Have the host's model answer *messages*; None where the host has no model."""
        import asyncio

        if not self._host_has_model:
            return None
        loop = asyncio.get_running_loop()
        answer = loop.create_future()

        def receive(response: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(_settle, answer, response)

        self._channel.request("sampling/createMessage", _sampling(messages), receive)
        content = ((await answer).get("result") or {}).get("content") or {}
        return content.get("text") if isinstance(content, dict) else None

    def tools_changed(self) -> None:
        """Have the host ask for the tools again."""
        self._channel.send({"method": "notifications/tools/list_changed"})

    def log(self, level: str, text: str) -> None:
        """Write one line to the host's log."""
        self._channel.send({"method": "notifications/message", "params": {"level": level, "data": text}})

    def listen(self) -> None:
        """Handle the host's messages until it closes the channel, which ends this process. Runs in its own thread."""
        for message in self._channel.messages():
            self.executor.post(lambda message=message: self._handle(message))  # type: ignore[misc] # bound now
        self.executor.post(self._leave)
        # A plugin that holds the main thread, or whose services do not stop, does not keep the process.
        threading.Event().wait(_LEAVE_SECONDS)
        os._exit(0)

    def _handle(self, message: dict[str, Any]) -> None:
        method, request_id = message["method"], message.get("id")
        params = message.get("params") or {}
        if request_id is None:
            if method == "notifications/cancelled" and (cancel := self._cancel.pop(params.get("requestId"), None)):
                cancel()
            return
        answer = {
            "initialize": lambda: self._initialize(params),
            "ping": dict,
            "tools/list": self._tools,
            "resources/list": self._resources,
        }.get(method)
        if method in ("tools/call", "resources/read"):
            self._call(request_id, params, method == "resources/read")
        elif answer is None:
            self._fail(request_id, _NOT_FOUND, f"there is no {method} here")
        elif self._failure is not None and method == "initialize":
            self._fail(request_id, _INTERNAL, self._failure)
        else:
            self._answer(request_id, answer)

    def _initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        self._host_has_model = "sampling" in (params.get("capabilities") or {})
        can: dict[str, Any] = {"tools": {"listChanged": True}, "logging": {}}
        if self._providers():
            can["resources"] = {}
        info = {"name": self._facts["plugin"], "version": "0"}
        return {"protocolVersion": _VERSION, "capabilities": can, "serverInfo": info}

    def _providers(self) -> list[Component]:
        return [component for component in self._components.by_address.values() if component.kind == "provider"]

    def _tools(self) -> dict[str, Any]:
        components = self._components.by_address.items()
        return {"tools": [_tool(address, each) for address, each in components if each.kind != "provider"]}

    def _resources(self) -> dict[str, Any]:
        return {
            "resources": [
                {"uri": _PROVIDER + provider.name, "name": provider.name, "description": provider.description}
                for provider in self._providers()
            ]
        }

    def _call(self, request_id: Any, params: dict[str, Any], reading: bool) -> None:
        uri = str(params.get("uri", ""))
        address = f"provider:{uri[len(_PROVIDER) :]}" if reading else str(params.get("name"))
        component = self._components.by_address.get(address)
        if component is None:
            self._fail(request_id, _BAD_PARAMS, f"there is no {uri or address} here")
            return

        def done(value: Any, error: BaseException | None) -> None:
            if inspect.isawaitable(value):  # a plain function that gave an awaitable
                self._cancel[request_id] = self.executor.spawn(_await(value), done)
                return
            self._cancel.pop(request_id, None)
            self._finish(request_id, uri if reading else None, value, error)

        arguments = params.get("arguments") or {}
        if component.kind != "service" and any(not service.settled for service in self._components.services):
            self._cancel[request_id] = self.executor.spawn(self._call_with_services(component, arguments), done)
        elif component.is_async:
            try:
                self._cancel[request_id] = self.executor.spawn(component.call(arguments), done)
            except Exception as error:  # wrong arguments show when the coroutine is made
                done(None, error)
        else:
            self.executor.in_thread(lambda: component.call(arguments), done)

    async def _call_with_services(self, component: Component, arguments: dict[str, Any]) -> Any:
        import asyncio

        await self._components.start_services()
        if component.is_async:
            return await component.call(arguments)
        return await asyncio.get_running_loop().run_in_executor(None, component.call, arguments)

    def _finish(self, request_id: Any, uri: str | None, value: Any, error: BaseException | None) -> None:
        if error is None:
            self._answer(request_id, lambda: _result(uri, value))
        elif uri is not None:
            self._fail(request_id, _INTERNAL, describe_error(error, place=False))
        else:
            content = {"type": "text", "text": describe_error(error, place=False)}
            self._answer(request_id, lambda: {"content": [content], "isError": True})

    def _answer(self, request_id: Any, make: Callable[[], dict[str, Any]]) -> None:
        """Send the result that *make* gives, or the error of making it: the host waits for an answer."""
        try:
            line = encoded({"id": request_id, "result": make()})
        except MemoryError:
            self._fail(request_id, _INTERNAL, "MemoryError: the answer does not fit into the worker's memory")
        except Exception as error:  # a plugin's values may raise anything when they are looked at
            self._fail(
                request_id, _INTERNAL, f"the answer cannot be written as JSON: {describe_error(error, place=False)}"
            )
        else:
            if len(line) - 1 > self._facts["result_bytes"]:
                self._fail(request_id, _INTERNAL, f"the answer was too long ({len(line) - 1:,} bytes) and was dropped")
            else:
                self._channel.send_line(line)

    def _fail(self, request_id: Any, code: int, text: str) -> None:
        self._channel.send({"id": request_id, "error": {"code": code, "message": text[:4000]}})

    def _leave(self) -> None:
        """Stop the services, then end."""
        running = any(service.running for service in self._components.services)
        if self.executor.has_loop and (running or self._components.closing):
            self.executor.spawn(self._components.stop_services(), lambda _value, _error: self.executor.end())
        else:
            self.executor.end()


def _result(uri: str | None, value: Any) -> dict[str, Any]:
    if uri is None:
        return {"content": [], "structuredContent": {"result": plain(value)}}
    text = value if isinstance(value, str) else "" if value is None else str(plain(value))
    return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": text}]}


def _settle(answer: Any, response: dict[str, Any]) -> None:
    if not answer.done():
        answer.set_result(response)


def _sampling(messages: list[dict[str, str]]) -> dict[str, Any]:
    system = "\n".join(message["content"] for message in messages if message["role"] == "system")
    rest = [message for message in messages if message["role"] != "system"]
    params: dict[str, Any] = {
        "messages": [{"role": each["role"], "content": {"type": "text", "text": each["content"]}} for each in rest],
        "maxTokens": 2048,
    }
    return {**params, "systemPrompt": system} if system else params


def _tool(address: str, component: Component) -> dict[str, Any]:
    meta: dict[str, Any] = {"kind": component.kind, "name": component.name}
    if component.similes:
        meta["similes"] = list(component.similes)
    if component.interval is not None:
        meta["interval"] = component.interval
    return {
        "name": address,
        "description": component.description,
        "inputSchema": component.parameters,
        "_meta": {_META: meta},
    }


async def _await(value: Any) -> Any:
    return await value
