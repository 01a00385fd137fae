"""Traces and metrics of what is done: a turn, a request to a model, a tool, a plugin's answer.

Names and attributes are those of the OpenTelemetry semantic conventions for generative AI and MCP, release 0.1.0
(https://github.com/open-telemetry/semantic-conventions-genai/tree/v0.1.0/docs/gen-ai); ``docs/telemetry.md`` lists
them.

Nothing is made, and nothing of OpenTelemetry is imported, before :func:`started` finds that an exporter is configured.
No attribute holds an argument, a result, an address with what stands in it beside the host, or the text of an error.

One place for the whole process, as OpenTelemetry's own providers and the current span are: a span has to reach code
that has no other way to hear of its caller.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins.core.spans import AGENT, Span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextvars import Context

    from dynamic_plugins.core.spans import Attributes, Exporter, Kind, Value
    from dynamic_plugins.settings import Telemetry

BUILT_IN_PROVIDER = "dynamic_plugins"
"""The provider of the built-in model; the conventions leave room for names of one's own."""
PLUGIN = "dynamic_plugins.plugin.name"
"""An attribute of ours: which plugin it is about."""
MISSING = "OpenTelemetry is configured, but not installed: pip install 'agent-dynamic-plugins[otel]'"

log = logging.getLogger(__name__)

_NOTHING = Span()
_exporter: Exporter | None = None
_users = 0


@asynccontextmanager
async def started(settings: Telemetry) -> AsyncIterator[None]:
    """Export in this block as *settings* say, and send the rest at its end. Several at once share the first one's."""
    global _exporter, _users
    if _exporter is None and (_exporter := _open(settings)) is None:
        yield
        return
    _users += 1
    try:
        yield
    finally:
        _users -= 1
        if _users == 0 and _exporter is not None:
            exporter, _exporter = _exporter, None
            await asyncio.shield(asyncio.to_thread(exporter.close))


def _open(settings: Telemetry) -> Exporter | None:
    """Return where to export to: the host's own providers, what is configured, or None."""
    if "opentelemetry.sdk.trace" in sys.modules:  # else no host can have set them up
        from dynamic_plugins.core.telemetry_export import of_host

        if (exporter := of_host()) is not None:
            return exporter
    if settings.problem:
        log.warning("%s", settings.problem)
    if not settings.on:
        return None
    try:
        from dynamic_plugins.core.telemetry_export import configured

        return configured(settings)
    except ImportError:
        log.warning("%s", MISSING)
    except ValueError as error:  # a variable that OpenTelemetry reads: nothing else is to fail for it
        log.warning("OpenTelemetry is not configured as it has to be, and nothing is exported: %s", error)
    return None


def detached_context() -> Context | None:
    """Return a context for a task that outlives the operation that makes it; None is any task's own."""
    return None if _exporter is None else _exporter.detached_context()


# ------------------------------------------------------------------------------------------------- the operations


def turn(model: str) -> Span:
    """Return the span of one turn of a conversation."""
    if _exporter is None:
        return _NOTHING
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": AGENT,
        "gen_ai.request.model": model,
    }
    return _exporter.begin(f"invoke_agent {AGENT}", "internal", attributes, "gen_ai.invoke_agent.duration")


def model_request(model: str, address: str | None, *, streamed: bool = False) -> Span:
    """Return the span of one request to *model* at *address*; None is the built-in one, in this process."""
    if _exporter is None:
        return _NOTHING
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": BUILT_IN_PROVIDER if address is None else "openai",
        "gen_ai.request.model": model,
        **server_at(address),
    }
    if streamed:
        attributes["gen_ai.request.stream"] = True
    kind: Kind = "internal" if address is None else "client"
    return _exporter.begin(f"chat {model}", kind, attributes, "gen_ai.client.inference.duration")


def tool_call(tool: str, plugin: str | None) -> Span:
    """Return the span of one call of a tool that exists; *plugin* is whose it is, None for one of the six."""
    if _exporter is None:
        return _NOTHING
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"}
    if plugin is not None:
        attributes[PLUGIN] = plugin
    return _exporter.begin(f"execute_tool {tool}", "internal", attributes, "gen_ai.execute_tool.duration")


def plugin_start(plugin: str) -> Span:
    """Return the span of starting a plugin's worker, or a session with its server; the conventions have none for it."""
    if _exporter is None:
        return _NOTHING
    return _exporter.begin(f"start_plugin {plugin}", "internal", {PLUGIN: plugin}, "")


def plugin_call(plugin: str, method: str, target: str, peer: Attributes, version: str | None) -> Span:
    """Return the span of one request to a plugin over MCP: its *method*, and the tool or prompt that it is about."""
    if _exporter is None:
        return _NOTHING
    attributes: dict[str, Value] = {PLUGIN: plugin, **_of_request(method, target, version), **peer}
    name = f"{method} {target}" if target else method
    return _exporter.begin(name, "client", attributes, "mcp.client.operation.duration")


def served_call(tool: str, version: str | None, transport: str) -> Span:
    """Return the span of one call of a tool that an MCP client makes of us, within the trace that it sent along."""
    if _exporter is None:
        return _NOTHING
    attributes: dict[str, Value] = {**_of_request("tools/call", tool, version), "network.transport": transport}
    return _exporter.begin(f"tools/call {tool}", "server", attributes, "mcp.server.operation.duration")


def _of_request(method: str, target: str, version: str | None) -> dict[str, Value]:
    attributes: dict[str, Value] = {"mcp.method.name": method}
    if version:
        attributes["mcp.protocol.version"] = version
    if method == "tools/call":
        attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": target}
    elif target:
        attributes["gen_ai.prompt.name"] = target
    return attributes


def server_at(address: str | None) -> dict[str, Value]:
    """Return the host and port of *address*, and nothing else that stands in it: not its path, its key or its user."""
    if not address:
        return {}
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            return {"server.address": parts.hostname, "server.port": port}
    return {}
