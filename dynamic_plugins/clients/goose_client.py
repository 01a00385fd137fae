"""Goose's ``config.yaml``: ``extensions``, whose secrets are named in ``env_keys`` and lie in its own keyring.

https://block.github.io/goose/docs/guides/config-files
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_plugins.clients.client import BadServerError, Client, UnwritableError, header_variable, names, rest
from dynamic_plugins.clients.client_server import ClientServer
from dynamic_plugins.clients.placeholders import DOLLAR, Reference, Value, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.clients.config_documents import Document

_KNOWN = ("type", "enabled", "name", "description", "display_name", "cmd", "args", "envs", "env_keys", "uri", "headers")
_MORE = ("available_tools", "bundled", "timeout")
_NO_SERVERS = {
    "builtin": "it is built into Goose",
    "platform": "it is built into Goose",
    "frontend": "it is a part of Goose's own window",
    "inline_python": "its code stands in the file, and is no package that could be installed",
}


class Goose(Client):
    """``config.yaml``."""

    name, title, format, key = "goose", "Goose", "yaml", ("extensions",)
    patience: ClassVar[Mapping[str, int]] = {"timeout": 300}

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        kind = said.get("type")
        if kind in _NO_SERVERS:
            raise BadServerError(_NO_SERVERS[kind])
        if kind not in ("stdio", "sse", "streamable_http"):
            raise BadServerError(f"its type is {kind!r}")
        if said.get("cmd" if kind == "stdio" else "uri") is None:
            raise BadServerError("it has neither a command nor an address")
        kept = names(said.get("env_keys"))
        env = self._values(said.get("envs"), "envs")
        env |= {each: Value((Reference("kept", each, secret=True),)) for each in kept}
        headers = self._values(said.get("headers"), "headers")
        return ClientServer(
            name,
            path,
            command=self._value(said["cmd"]) if kind == "stdio" else None,
            args=self._words(said.get("args")),
            env=env if kind == "stdio" else {},
            url=None if kind == "stdio" else self._value(said["uri"]),
            transport="sse" if kind == "sse" else "streamable-http",
            headers={key: self._in_header(value, env) for key, value in headers.items()},
            only=names(said.get("available_tools")),
            disabled=said.get("enabled") is False,
            left_out=rest(said, *_KNOWN, *_MORE),
        )

    def _in_header(self, value: Value, env: Mapping[str, Value]) -> Value:
        """Return a header's value; only there, ``${VAR}`` is replaced, from ``envs`` and ``env_keys``."""
        parts: list[str | Reference] = []
        for part in DOLLAR.parse(value.spelling).parts:
            parts += env[part.name].parts if isinstance(part, Reference) and part.name in env else [part]
        return Value(tuple(parts))

    def entry(self, server: ClientServer) -> dict[str, Any]:
        made: dict[str, Any] = {"enabled": True, "name": server.name, "description": ""}
        if server.url is not None:
            if server.transport == "sse":
                raise UnwritableError("Goose speaks streamable HTTP only")
            if server.url.references:
                raise UnwritableError("its address holds a secret, and Goose has no placeholders there")
            made |= {"type": "streamable_http", "uri": server.url.spelling}
            secrets = [each.name for value in server.headers.values() for each in value.references]
            made |= {"headers": self._written(server.headers), "env_keys": secrets, "envs": {}}
        else:
            secrets = [name for name, value in server.env.items() if value.references]
            envs = {name: value.spelling for name, value in server.env.items() if not value.references}
            command = plain("") if server.command is None else server.command
            made |= {"type": "stdio", "cmd": command.spelling, "args": self._list(server.args)}
            made |= {"envs": envs, "env_keys": secrets}
        made |= {"available_tools": list(server.only)} if server.only else {}
        return made

    def spell(self, reference: Reference) -> str:
        return f"${{{reference.name}}}"

    def take_out(self, document: Document, path: tuple[str, ...], where: str, name: str) -> None:
        if where == "headers":
            super().take_out(document, path, where, name)
            document.append((*path, "env_keys"), header_variable(path[-1], name))
        else:
            document.remove((*path, "envs", name))
            document.append((*path, "env_keys"), name)
