"""Zed's ``settings.json``: ``context_servers``, of a command, an address or an extension.

https://zed.dev/docs/ai/mcp; the forms with ``source`` and with a ``command`` that is a table are older ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.clients.client import BadServerError, Client, UnwritableError, rest
from dynamic_plugins.clients.client_server import ClientServer

if TYPE_CHECKING:
    from dynamic_plugins.clients.placeholders import Value

_KNOWN = ("source", "enabled", "command", "args", "env", "url", "headers", "oauth", "remote", "settings")


class Zed(Client):
    """``settings.json``; it replaces no placeholders."""

    name, title, key = "zed", "Zed", ("context_servers",)

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        command = said.get("command")
        nested = command if isinstance(command, dict) else {**said, "path": command}
        if said.get("source") == "extension" or (command is None and said.get("url") is None):
            raise BadServerError("it comes with an extension of Zed, which knows how it is started")
        url = self._optional(said.get("url"))
        return ClientServer(
            name,
            path,
            command=None if url is not None else self._value(nested.get("path")),
            args=self._words(nested.get("args")),
            env=self._values(nested.get("env"), "env"),
            url=url,
            headers=self._values(said.get("headers"), "headers"),
            sign_in=self._sign_in(said.get("oauth")),
            disabled=said.get("enabled") is False,
            left_out=rest(said, *_KNOWN),
        )

    def _sign_in(self, said: Any) -> dict[str, Value]:
        told = {"client_id": "OAUTH_CLIENT_ID", "client_secret": "OAUTH_CLIENT_SECRET"}
        found = said if isinstance(said, dict) else {}
        return {name: self._value(found[field]) for field, name in told.items() if found.get(field)}

    def entry(self, server: ClientServer) -> dict[str, Any]:
        if server.url is not None:
            if server.transport == "sse":
                raise UnwritableError("Zed speaks streamable HTTP only")
            headers = {"headers": self._written(server.headers)} if server.headers else {}
            return {"url": server.url.written(self.spell)} | headers
        command = "" if server.command is None else server.command.written(self.spell)
        # Without args and env it reads no server in this.
        return {"command": command, "args": self._list(server.args), "env": self._written(server.env)}
