"""A small MCP server: what a plugin offers, as tools and resources on the wire.

Speaks the handshake of 2025-06-18 (https://modelcontextprotocol.io/specification/2025-06-18). What kind of component
a tool is stands in its ``_meta`` under ``dynamic-plugins``.
"""

from __future__ import annotations

import inspect
import os
import threading
from typing import TYPE_CHECKING, Any

from .component_set import Component, Offered
from .error_text import describe
from .executor import Stage
from .jsonrpc import Wire, encoded, flush
from .serialize import plain

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION = "2025-06-18"
_META = "dynamic-plugins"
_PROVIDER = "dynamic-plugins://provider/"
ADAPTERS = {"python": ".python_adapter", "elizaos": ".elizaos.adapter"}
"""Where each kind of plugin is read, under the package of the worker; imported only for a plugin of that kind."""
_LEAVE_SECONDS = 1.8
_NOT_FOUND, _BAD_PARAMS, _INTERNAL = -32601, -32602, -32603


def serve(mode: str, facts: dict[str, Any]) -> None:
    """Load the plugin in *facts* and answer for it until the host leaves."""
    wire = Wire()
    server = Server(wire, facts)
    threading.Thread(target=server.listen, daemon=True).start()
    server.load(mode)
    server.stage.run()
    flush()


class Server:
    """Answers the host's requests out of the components that a loader found."""

    def __init__(self, wire: Wire, facts: dict[str, Any]) -> None:
        self.stage = Stage()
        self._wire = wire
        self._facts = facts
        self._offered = Offered()
        self._failure: str | None = None
        self._cancel: dict[Any, Callable[[], None]] = {}
        self._host_has_model = False

    def load(self, mode: str) -> None:
        """Import the plugin. What it raises is kept: it is the answer to the host's greeting."""
        from importlib import import_module

        loader = import_module(ADAPTERS[mode], __package__)
        try:
            self._offered = loader.load(self._facts, self)
        except BaseException as error:  # SystemExit too: the plugin's error is what the host wants
            self._failure = describe(error)
        flush()

    async def ask_host(self, messages: list[dict[str, str]]) -> str | None:
        """Have the host's model answer *messages*; None where the host has no model."""
        import asyncio

        if not self._host_has_model:
            return None
        loop = asyncio.get_running_loop()
        answered = loop.create_future()

        def take(answer: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(_settle, answered, answer)

        self._wire.ask("sampling/createMessage", _sampling(messages), take)
        content = ((await answered).get("result") or {}).get("content") or {}
        return content.get("text") if isinstance(content, dict) else None

    def log(self, level: str, text: str) -> None:
        """Tell the host's log one line."""
        self._wire.send({"method": "notifications/message", "params": {"level": level, "data": text}})

    def listen(self) -> None:
        """Read the host's messages, in a thread of its own; its end is ours."""
        for message in self._wire.messages():
            self.stage.post(lambda message=message: self._handle(message))  # type: ignore[misc] # bound now
        self.stage.post(self._leave)
        # A plugin that holds the main thread, or whose services do not stop, does not keep the process.
        threading.Event().wait(_LEAVE_SECONDS)
        os._exit(0)

    def _handle(self, message: dict[str, Any]) -> None:
        method, number = message["method"], message.get("id")
        params = message.get("params") or {}
        if number is None:
            if method == "notifications/cancelled" and (cancel := self._cancel.pop(params.get("requestId"), None)):
                cancel()
            return
        answer = {
            "initialize": lambda: self._initialize(params),
            "ping": dict,
            "tools/list": lambda: {
                "tools": [_tool(*item) for item in self._offered.components.items() if item[1].kind != "provider"]
            },
            "resources/list": self._resources,
        }.get(method)
        if method in ("tools/call", "resources/read"):
            self._call(number, params, method == "resources/read")
        elif answer is None:
            self._fail(number, _NOT_FOUND, f"there is no {method} here")
        elif self._failure is not None and method == "initialize":
            self._fail(number, _INTERNAL, self._failure)
        else:
            self._answer(number, answer)

    def _initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        self._host_has_model = "sampling" in (params.get("capabilities") or {})
        can: dict[str, Any] = {"tools": {}, "logging": {}}
        if any(each.kind == "provider" for each in self._offered.components.values()):
            can["resources"] = {}
        info = {"name": self._facts["plugin"], "version": "0"}
        return {"protocolVersion": _VERSION, "capabilities": can, "serverInfo": info}

    def _resources(self) -> dict[str, Any]:
        found = [each for each in self._offered.components.values() if each.kind == "provider"]
        return {
            "resources": [
                {"uri": _PROVIDER + each.name, "name": each.name, "description": each.description} for each in found
            ]
        }

    def _call(self, number: Any, params: dict[str, Any], reading: bool) -> None:
        uri = str(params.get("uri", ""))
        address = f"provider:{uri[len(_PROVIDER) :]}" if reading else str(params.get("name"))
        component = self._offered.components.get(address)
        if component is None:
            self._fail(number, _BAD_PARAMS, f"there is no {uri or address} here")
            return

        def done(value: Any, error: BaseException | None) -> None:
            if inspect.isawaitable(value):  # a plain function that gave an awaitable
                self._cancel[number] = self.stage.spawn(_await(value), done)
                return
            self._cancel.pop(number, None)
            self._finish(number, uri if reading else None, value, error)

        arguments = params.get("arguments") or {}
        if component.kind != "service" and any(not service.settled for service in self._offered.services):
            self._cancel[number] = self.stage.spawn(self._call_with_services(component, arguments), done)
        elif component.is_async:
            try:
                self._cancel[number] = self.stage.spawn(component.call(arguments), done)
            except Exception as error:  # wrong arguments show when the coroutine is made
                done(None, error)
        else:
            self.stage.in_thread(lambda: component.call(arguments), done)

    async def _call_with_services(self, component: Component, arguments: dict[str, Any]) -> Any:
        import asyncio

        await self._offered.start_services()
        if component.is_async:
            return await component.call(arguments)
        return await asyncio.get_running_loop().run_in_executor(None, component.call, arguments)

    def _finish(self, number: Any, uri: str | None, value: Any, error: BaseException | None) -> None:
        if error is None:
            self._answer(number, lambda: _result(uri, value))
        elif uri is not None:
            self._fail(number, _INTERNAL, describe(error, place=False))
        else:
            told = {"type": "text", "text": describe(error, place=False)}
            self._answer(number, lambda: {"content": [told], "isError": True})

    def _answer(self, number: Any, make: Callable[[], dict[str, Any]]) -> None:
        """Send what *make* gives. Whatever it holds, an answer goes out: who asked waits for one."""
        try:
            line = encoded({"id": number, "result": make()})
        except MemoryError:
            self._fail(number, _INTERNAL, "MemoryError: the answer does not fit into the worker's memory")
        except Exception as error:  # a plugin's values may raise anything when they are looked at
            self._fail(number, _INTERNAL, f"the answer cannot be written as JSON: {describe(error, place=False)}")
        else:
            if len(line) - 1 > self._facts["result_bytes"]:
                self._fail(number, _INTERNAL, f"the answer was too long ({len(line) - 1:,} bytes) and was dropped")
            else:
                self._wire.send_line(line)

    def _fail(self, number: Any, code: int, text: str) -> None:
        self._wire.send({"id": number, "error": {"code": code, "message": text[:4000]}})

    def _leave(self) -> None:
        """Stop the services, then end."""
        if self.stage.has_loop and (self._offered.closing or any(each.running for each in self._offered.services)):
            self.stage.spawn(self._offered.stop_services(), lambda _value, _error: self.stage.end())
        else:
            self.stage.end()


def _result(uri: str | None, value: Any) -> dict[str, Any]:
    if uri is None:
        return {"content": [], "structuredContent": {"result": plain(value)}}
    text = value if isinstance(value, str) else "" if value is None else str(plain(value))
    return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": text}]}


def _settle(answered: Any, answer: dict[str, Any]) -> None:
    if not answered.done():
        answered.set_result(answer)


def _sampling(messages: list[dict[str, str]]) -> dict[str, Any]:
    system = "\n".join(each["content"] for each in messages if each["role"] == "system")
    rest = [each for each in messages if each["role"] != "system"]
    params: dict[str, Any] = {
        "messages": [{"role": m["role"], "content": {"type": "text", "text": m["content"]}} for m in rest],
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
