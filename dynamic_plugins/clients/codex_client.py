"""Codex's ``config.toml``: ``[mcp_servers.NAME]``; secrets are named as variables of the environment.

https://developers.openai.com/codex/mcp
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_plugins.clients.client import BadServerError, Client, UnwritableError, header_variable, names, rest
from dynamic_plugins.clients.client_server import ClientServer
from dynamic_plugins.clients.placeholders import Reference, Value, plain, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.clients.config_documents import Document

_STDIO = ("command", "args", "env", "env_vars", "cwd")
_HTTP = ("url", "bearer_token_env_var", "http_headers", "env_http_headers", "oauth", "scopes")
_BOTH = ("name", "enabled", "enabled_tools", "disabled_tools", "startup_timeout_sec", "tool_timeout_sec")
_BEARER = "Bearer "


class Codex(Client):
    """``~/.codex/config.toml``, and ``.codex/config.toml`` in a project."""

    name, title, format, key = "codex", "Codex", "toml", ("mcp_servers",)
    patience: ClassVar[Mapping[str, int]] = {"tool_timeout_sec": 300}

    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        url = self._optional(said.get("url"))
        if url is None and said.get("command") is None:
            raise BadServerError("it has neither a command nor an address")
        env = self._values(said.get("env"), "env")
        for each in said.get("env_vars") or []:
            inherited = each.get("name") if isinstance(each, dict) else each
            if isinstance(inherited, str):
                env[inherited] = variable(inherited)
        return ClientServer(
            name,
            path,
            command=None if url is not None else self._value(said["command"]),
            args=self._words(said.get("args")),
            env=env,
            cwd=self._optional(said.get("cwd")),
            url=url,
            headers=self._headers(said),
            sign_in=self._sign_in(said),
            only=names(said.get("enabled_tools")),
            hide=names(said.get("disabled_tools")),
            disabled=said.get("enabled") is False,
            left_out=rest(said, *_STDIO, *_HTTP, *_BOTH),
        )

    def _headers(self, said: dict[str, Any]) -> dict[str, Value]:
        headers = self._values(said.get("http_headers"), "http_headers")
        for name, value in self._values(said.get("env_http_headers"), "env_http_headers").items():
            headers[name] = variable(value.spelling, secret=True)
        if isinstance(token := said.get("bearer_token_env_var"), str) and token:
            headers["Authorization"] = Value((_BEARER, Reference("env", token, secret=True)))
        return headers

    def _sign_in(self, said: dict[str, Any]) -> dict[str, Value]:
        oauth = said.get("oauth")
        client = oauth.get("client_id") if isinstance(oauth, dict) else None
        found = {"OAUTH_CLIENT_ID": self._value(client)} if client else {}
        scopes = names(said.get("scopes"))
        return found | ({"OAUTH_SCOPE": plain(" ".join(scopes))} if scopes else {})

    def entry(self, server: ClientServer) -> dict[str, Any]:
        made = self._remote(server) if server.url is not None else self._local(server)
        made |= {"enabled_tools": list(server.only)} if server.only else {}
        return made | ({"disabled_tools": list(server.hide)} if server.hide else {})

    def _local(self, server: ClientServer) -> dict[str, Any]:
        if any(value.references for value in server.args):
            raise UnwritableError("an argument of it is a secret, and Codex has no placeholders there")
        command = "" if server.command is None else server.command.spelling
        made: dict[str, Any] = {"command": command, "args": [each.spelling for each in server.args]}
        inherited = [name for name, value in server.env.items() if value.references]
        given = {name: value.spelling for name, value in server.env.items() if not value.references}
        made |= {"env_vars": inherited} if inherited else {}
        return made | ({"env": given} if given else {})

    def _remote(self, server: ClientServer) -> dict[str, Any]:
        if server.transport == "sse":
            raise UnwritableError("Codex speaks streamable HTTP only")
        if server.url is None or server.url.references:
            raise UnwritableError("its address holds a secret, and Codex has no placeholders there")
        made: dict[str, Any] = {"url": server.url.spelling}
        given: dict[str, str] = {}
        inherited: dict[str, str] = {}
        for name, value in server.headers.items():
            match value.parts:
                case (Reference() as one,):
                    inherited[name] = one.name
                case ("Bearer ", Reference() as one) if name.lower() == "authorization":
                    made["bearer_token_env_var"] = one.name
                case _ if value.references:
                    raise UnwritableError(
                        f"the header {name} is a secret with text around it: Codex has no form for it"
                    )
                case _:
                    given[name] = value.spelling
        made |= {"http_headers": given} if given else {}
        made |= {"env_http_headers": inherited} if inherited else {}
        if (scope := server.sign_in.get("OAUTH_SCOPE")) is not None:
            made["scopes"] = scope.spelling.split()
        if (client := server.sign_in.get("OAUTH_CLIENT_ID")) is not None:
            made["oauth"] = {"client_id": client.spelling}
        return made

    def take_out(self, document: Document, path: tuple[str, ...], where: str, name: str) -> None:
        if where == "env":
            document.remove((*path, "env", name))
            document.append((*path, "env_vars"), name)
            return
        server: Any = document.data
        for key in path:
            server = server.get(key, {})
        old = server.get("http_headers", {}).get(name)
        if not isinstance(old, str):
            return
        document.remove((*path, "http_headers", name))
        if name.lower() == "authorization" and old.startswith(_BEARER):
            document.set((*path, "bearer_token_env_var"), header_variable(path[-1], name))
        else:
            document.set((*path, "env_http_headers", name), header_variable(path[-1], name))
