"""Clients whose file has ``mcpServers``: Claude Desktop, Claude Code, Cursor, Windsurf, Gemini CLI.

The table is the same, and each client has its own fields beside ``command``, ``args`` and ``env``: where an address
stands, how one signs in, what is switched off. Their documentation: support.claude.com, code.claude.com/docs/en/mcp,
cursor.com/docs/mcp, docs.windsurf.com/windsurf/cascade/mcp, geminicli.com/docs/tools/mcp-server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_plugins.clients.client import Client, UnwritableError, names
from dynamic_plugins.clients.placeholders import BRACES, DOLLAR, EDITOR, Reference, Value, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.clients.client_server import ClientServer
    from dynamic_plugins.registry.entry import Transport

_KNOWN = ("type", "transport", "command", "args", "env", "url", "headers", "disabled", "enabled", "name", "description")


class McpServersClient(Client):
    """What these clients have in common."""

    key: ClassVar[tuple[str, ...]] = ("mcpServers",)
    known: ClassVar[tuple[str, ...]] = ()
    """The fields that this client has besides, and that are understood."""
    oauth: ClassVar[str] = ""
    """The field with its registration for signing in, where it has one."""
    oauth_names: ClassVar[Mapping[str, str]] = {}
    """What is in that field, by our names."""

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        url, transport = self._address(said)
        only, hide = self._tools(said)
        return replace(
            self._usual(name, path, said, url, transport, (*_KNOWN, *self.known)),
            sign_in=self._sign_in(said),
            only=only,
            hide=hide,
            disabled=said.get("disabled") is True or said.get("enabled") is False,
        )

    def _address(self, said: dict[str, Any]) -> tuple[Value | None, Transport]:
        return self._optional(said.get("url")), "sse" if _kind(said) == "sse" else "streamable-http"

    def _sign_in(self, said: dict[str, Any]) -> dict[str, Value]:
        registered = said.get(self.oauth)
        found: dict[str, Value] = {}
        for name, field in self.oauth_names.items():
            value = registered.get(field) if isinstance(registered, dict) else None
            if isinstance(value, list):
                found[name] = plain(" ".join(names(value)))
            elif value not in (None, ""):
                found[name] = self._value(value)
        return found

    def _registration(self, server: ClientServer) -> dict[str, Any]:
        made: dict[str, Any] = {
            field: server.sign_in[name].written(self.spell)
            for name, field in self.oauth_names.items()
            if name in server.sign_in
        }
        return {self.oauth: made} if made else {}

    def _tools(self, said: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ARG002 - as above
        """Return the tools that alone are offered, and those that are kept back."""
        return (), ()

    def entry(self, server: ClientServer) -> dict[str, Any]:
        if server.url is not None:
            return self._remote(server, server.url.written(self.spell)) | self._extra(server)
        command = "" if server.command is None else server.command.written(self.spell)
        made: dict[str, Any] = {"command": command, "args": self._list(server.args)}
        return made | ({"env": self._written(server.env)} if server.env else {}) | self._extra(server)

    def _remote(self, server: ClientServer, url: str) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "sse" if server.transport == "sse" else "http", "url": url}
        return made | self._headers(server)

    def _headers(self, server: ClientServer) -> dict[str, Any]:
        return {"headers": self._written(server.headers)} if server.headers else {}

    def _extra(self, server: ClientServer) -> dict[str, Any]:
        """Return the fields of this client's own."""
        return self._registration(server)


class ClaudeDesktop(McpServersClient):
    """``claude_desktop_config.json``: commands only; it replaces no placeholders."""

    name, title = "claude-desktop", "Claude Desktop"

    def _remote(self, server: ClientServer, url: str) -> dict[str, Any]:  # noqa: ARG002 - it has no form for them
        raise UnwritableError("its file has commands only; add the address there under Settings, Connectors")


class ClaudeCode(McpServersClient):
    """``.mcp.json`` of a project and ``~/.claude.json``, which has servers for all projects and for each."""

    name, title, dialect = "claude-code", "Claude Code", BRACES
    known = ("oauth",)
    oauth = "oauth"
    oauth_names: ClassVar[Mapping[str, str]] = {
        "OAUTH_CLIENT_ID": "clientId",
        "OAUTH_REDIRECT_PORT": "callbackPort",
        "OAUTH_SCOPE": "scopes",
    }

    def read(self, data: Mapping[str, Any], project: Path | None = None) -> list[ClientServer]:
        servers = super().read(data)
        projects = data.get("projects")
        here = projects.get(str(project)) if isinstance(projects, dict) else None
        if not isinstance(here, dict) or not isinstance(here.get("mcpServers"), dict):
            return servers
        own = self._read_table(here["mcpServers"], ("projects", str(project), "mcpServers"))
        return [*own, *(each for each in servers if each.name not in {mine.name for mine in own})]

    def _extra(self, server: ClientServer) -> dict[str, Any]:
        made = self._registration(server)
        if str(port := made.get("oauth", {}).get("callbackPort", "")).isdigit():
            made["oauth"]["callbackPort"] = int(port)
        return made

    def spell(self, reference: Reference) -> str:
        return f"${{{reference.name}}}"


class Cursor(McpServersClient):
    """``~/.cursor/mcp.json``, and ``.cursor/mcp.json`` in a project."""

    name, title, dialect = "cursor", "Cursor", EDITOR
    known = ("auth",)
    oauth = "auth"
    oauth_names: ClassVar[Mapping[str, str]] = {
        "OAUTH_CLIENT_ID": "CLIENT_ID",
        "OAUTH_CLIENT_SECRET": "CLIENT_SECRET",
        "OAUTH_SCOPE": "scopes",
    }

    def _remote(self, server: ClientServer, url: str) -> dict[str, Any]:
        # Which of the two an address speaks, it finds out itself; the field keeps it for whoever reads the file.
        return ({"type": "sse"} if server.transport == "sse" else {}) | {"url": url} | self._headers(server)

    def _extra(self, server: ClientServer) -> dict[str, Any]:
        return _with_listed_scopes(self._registration(server))

    def spell(self, reference: Reference) -> str:
        return f"${{env:{reference.name}}}"


class Windsurf(McpServersClient):
    """``~/.codeium/windsurf/mcp_config.json``; an address is its ``serverUrl``."""

    name, title, dialect = "windsurf", "Windsurf", EDITOR
    known = ("serverUrl", "disabledTools")

    def _address(self, said: dict[str, Any]) -> tuple[Value | None, Transport]:
        url, transport = super()._address(said)
        return (self._value(said["serverUrl"]), transport) if said.get("serverUrl") else (url, transport)

    def _tools(self, said: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (), names(said.get("disabledTools"))

    def _remote(self, server: ClientServer, url: str) -> dict[str, Any]:
        return ({"type": "sse"} if server.transport == "sse" else {}) | {"serverUrl": url} | self._headers(server)

    def _extra(self, server: ClientServer) -> dict[str, Any]:
        return {"disabledTools": list(server.hide)} if server.hide else {}

    def spell(self, reference: Reference) -> str:
        return f"${{env:{reference.name}}}"


class GeminiCli(McpServersClient):
    """``~/.gemini/settings.json``, and ``.gemini/settings.json`` in a project; ``httpUrl`` and ``url`` (SSE)."""

    name, title, dialect = "gemini", "Gemini CLI", DOLLAR
    known = ("httpUrl", "cwd", "includeTools", "excludeTools", "oauth")
    oauth = "oauth"
    oauth_names: ClassVar[Mapping[str, str]] = {
        "OAUTH_CLIENT_ID": "clientId",
        "OAUTH_CLIENT_SECRET": "clientSecret",
        "OAUTH_SCOPE": "scopes",
    }

    def _address(self, said: dict[str, Any]) -> tuple[Value | None, Transport]:
        if said.get("httpUrl"):
            return self._value(said["httpUrl"]), "streamable-http"
        return self._optional(said.get("url")), "streamable-http" if _kind(said) == "http" else "sse"

    def _tools(self, said: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return names(said.get("includeTools")), names(said.get("excludeTools"))

    def read(self, data: Mapping[str, Any]) -> list[ClientServer]:
        servers, mcp = super().read(data), data.get("mcp")
        if not isinstance(mcp, dict):
            return servers
        allowed, excluded = names(mcp.get("allowed")), names(mcp.get("excluded"))

        def is_off(name: str) -> bool:
            return name in excluded or (bool(allowed) and name not in allowed)

        return [replace(each, disabled=each.disabled or is_off(each.name)) for each in servers]

    def _remote(self, server: ClientServer, url: str) -> dict[str, Any]:
        return {"url" if server.transport == "sse" else "httpUrl": url} | self._headers(server)

    def _extra(self, server: ClientServer) -> dict[str, Any]:
        tools = {"includeTools": list(server.only), "excludeTools": list(server.hide)}
        chosen = {name: value for name, value in tools.items() if value}
        return chosen | _with_listed_scopes(self._registration(server))

    def spell(self, reference: Reference) -> str:
        return f"${{{reference.name}}}"


def _kind(said: dict[str, Any]) -> str:
    kind = said.get("type", said.get("transport"))
    return kind.lower() if isinstance(kind, str) else ""


def _with_listed_scopes(registration: dict[str, Any]) -> dict[str, Any]:
    """Return what a client has for signing in with its scopes as a list."""
    for told in registration.values():
        if "scopes" in told:
            told["scopes"] = told["scopes"].split()
    return registration
