"""VS Code's ``mcp.json``: ``servers``, and ``inputs`` that it asks the person for.

https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.clients.client import BadServerError, Client, header_variable, variable_name
from dynamic_plugins.clients.placeholders import EDITOR, Reference, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.clients.client_server import ClientServer
    from dynamic_plugins.clients.config_documents import Document
    from dynamic_plugins.registry.entry import Transport

_KNOWN = ("type", "command", "args", "env", "cwd", "url", "headers", "name", "description")


class VsCode(Client):
    """``mcp.json`` of a profile, and ``.vscode/mcp.json`` in a project."""

    name, title, key, dialect = "vscode", "VS Code", ("servers",), EDITOR

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        url = self._optional(said.get("url"))
        if url is not None and url.spelling.startswith(("unix:", "pipe:")):
            raise BadServerError("it listens at a socket of this machine, and only web addresses are spoken to here")
        transport: Transport = "sse" if said.get("type") == "sse" else "streamable-http"
        return self._usual(name, path, said, url, transport, _KNOWN)

    def read(self, data: Mapping[str, Any]) -> list[ClientServer]:
        asked = _inputs(data)
        return [_with_inputs(each, asked) for each in super().read(data)]

    def entry(self, server: ClientServer) -> dict[str, Any]:
        if server.url is not None:
            kind = "sse" if server.transport == "sse" else "http"
            made: dict[str, Any] = {"type": kind, "url": server.url.written(self.spell)}
            return made | ({"headers": self._written(server.headers)} if server.headers else {})
        command = "" if server.command is None else server.command.written(self.spell)
        made = {"type": "stdio", "command": command, "args": self._list(server.args)}
        return made | ({"env": self._written(server.env)} if server.env else {})

    def spell(self, reference: Reference) -> str:
        if reference.secret:
            return f"${{input:{reference.name.lower().replace('_', '-')}}}"
        return f"${{env:{reference.name}}}"

    def write(self, document: Document, server: ClientServer, *, patient: bool = False) -> None:
        super().write(document, server, patient=patient)
        values = [*server.args, *server.env.values(), *server.headers.values(), *([server.url] if server.url else [])]
        self._ask_for(document, [each for value in values for each in value.references if each.secret])

    def take_out(self, document: Document, path: tuple[str, ...], where: str, name: str) -> None:
        super().take_out(document, path, where, name)
        variable = header_variable(path[-1], name) if where == "headers" else variable_name(name)
        self._ask_for(document, [Reference("env", variable, secret=True)])

    def _ask_for(self, document: Document, secrets: Iterable[Reference]) -> None:
        """Add the inputs that *secrets* are asked for by, where the file has none of that id."""
        for each in secrets:
            id_ = each.name.lower().replace("_", "-")
            if id_ not in _inputs(document.data):
                told = {"type": "promptString", "id": id_, "description": each.description or each.name}
                document.append(("inputs",), {**told, "password": True})


def _inputs(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    said = data.get("inputs")
    return {
        each["id"]: each
        for each in (said if isinstance(said, list) else [])
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }


def _with_inputs(server: ClientServer, asked: Mapping[str, dict[str, Any]]) -> ClientServer:
    return replace(
        server,
        args=tuple(_described(each, asked) for each in server.args),
        env={name: _described(each, asked) for name, each in server.env.items()},
        url=None if server.url is None else _described(server.url, asked),
        headers={name: _described(each, asked) for name, each in server.headers.items()},
    )


def _described(value: Value, asked: Mapping[str, dict[str, Any]]) -> Value:
    """Return *value* with what the file says of the inputs in it: their default, and whether they are secret."""

    def told(part: str | Reference) -> str | Reference:
        if isinstance(part, str) or part.kind != "input" or part.name not in asked:
            return part
        said = asked[part.name]
        default, description = said.get("default"), said.get("description")
        return replace(
            part,
            default=default if isinstance(default, str) and default else None,
            description=description if isinstance(description, str) else "",
            secret=said.get("password") is True,
        )

    return Value(tuple(told(part) for part in value.parts))
