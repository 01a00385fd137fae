"""The ``mcp.json`` of an Agent Plugins bundle (https://agent-plugins.org, 1.0.0): servers that a folder brings along.

Each server is one of three closed forms. Nothing but ``${PLUGIN_ROOT}`` and ``${PLUGIN_DATA}`` is replaced in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.clients.client import BadServerError, Client, UnwritableError
from dynamic_plugins.clients.client_server import ClientServer
from dynamic_plugins.clients.placeholders import Dialect, Reference, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.registry.entry import Transport

SCHEMA = "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"
_OURS = {"PLUGIN_ROOT", "PLUGIN_DATA"}
_FIELDS = {
    "stdio": {"type", "command", "args", "env", "cwd"},
    "streamable-http": {"type", "url", "headers"},
    "sse": {"type", "url", "headers"},
}
_FOLDERS = Dialect(re.compile(r"\$\{(PLUGIN_ROOT|PLUGIN_DATA)\}"), lambda found: Reference("folder", found[1]))


class AgentPlugins(Client):
    """A bundle; it is read only."""

    name, title, key, dialect = "agent-plugins", "Agent Plugins", ("mcpServers",), _FOLDERS

    def read(self, data: Mapping[str, Any]) -> list[ClientServer]:
        """Return the servers. Raises ValueError for a file of another version, or with more in it."""
        if data.get("$schema") != SCHEMA or not isinstance(data.get("mcpServers"), dict) or len(data) != 2:
            raise ValueError(f"mcp.json is not of version 1.0.0 of Agent Plugins ({SCHEMA})")
        return super().read(data)

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        kind = said.get("type")
        if kind not in _FIELDS:
            raise BadServerError(f"its type is {kind!r}")
        if unknown := sorted(said.keys() - _FIELDS[kind]):
            raise BadServerError(f"a server of the type {kind} has no {unknown[0]}")
        if kind != "stdio":
            headers = said.get("headers", {})
            if not isinstance(said.get("url"), str) or not isinstance(headers, dict):
                raise BadServerError("it has no address")
            transport: Transport = "sse" if kind == "sse" else "streamable-http"
            fixed = {key: plain(value) for key, value in headers.items() if isinstance(value, str)}
            return ClientServer(name, path, url=plain(said["url"]), transport=transport, headers=fixed)
        command, env = said.get("command"), said.get("env", {})
        if not isinstance(command, str) or not command:
            raise BadServerError("it has no command")
        if command.startswith(("./", "../")):
            what = "packages, files of Python and Node.js, and addresses"
            raise BadServerError(f"its program lies in the bundle, and only {what} are started from one")
        if isinstance(env, dict) and _OURS & env.keys():
            raise BadServerError("PLUGIN_ROOT and PLUGIN_DATA are not its to set")
        return ClientServer(
            name,
            path,
            command=plain(command),
            args=self._words(said.get("args")),
            env=self._values(env, "env"),
            cwd=self._optional(said.get("cwd")),
        )

    def entry(self, server: ClientServer) -> dict[str, Any]:
        raise UnwritableError(f"nothing is written into bundles ({server.name})")
