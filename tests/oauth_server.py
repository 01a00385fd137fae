"""A real MCP server that wants a sign-in, with its own authorization server: the official SDK's, as a process.

``python -m tests.oauth_server`` prints its address. What a person would click at, the test's browser does
(:class:`Browser`); ``/test/…`` makes it forget tokens, and tells what it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import uvicorn
from mcp.server.auth.provider import AccessToken, AuthorizationCode, RefreshToken, construct_redirect_uri
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.requests import Request  # noqa: TC002 # the server looks at its routes' annotations
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.server.auth.provider import AuthorizationParams

SECONDS = 30.0


@dataclass
class Provider:
    """The SDK's ``OAuthAuthorizationServerProvider``, with a page that asks a person."""

    address: str
    token_seconds: int
    clients: dict[str, OAuthClientInformationFull] = field(default_factory=dict)
    asked: dict[str, tuple[OAuthClientInformationFull, AuthorizationParams]] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.counts["registered"] += 1
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        number = secrets.token_hex(8)
        self.asked[number] = client, params
        return f"{self.address}/consent?{urlencode({'number': number})}"

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        found = self.codes.get(authorization_code)
        return found if found is not None and found.client_id == client.client_id else None

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.counts["signed_in"] += 1
        return self._give(client.client_id, authorization_code.scopes, authorization_code.resource)

    def _give(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        access, refresh = f"access-{secrets.token_hex(16)}", f"refresh-{secrets.token_hex(16)}"
        ends = int(time.time()) + self.token_seconds
        self.access[access] = AccessToken(
            token=access, client_id=client_id, scopes=scopes, expires_at=ends, resource=resource
        )
        self.refresh[refresh] = RefreshToken(token=refresh, client_id=client_id, scopes=scopes, resource=resource)
        return OAuthToken(
            access_token=access, refresh_token=refresh, expires_in=self.token_seconds, scope=" ".join(scopes)
        )

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        self.counts["asked_to_renew"] += 1
        found = self.refresh.get(refresh_token)
        return found if found is not None and found.client_id == client.client_id else None

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.refresh[refresh_token.token]  # each is good for once
        self.counts["renewed"] += 1
        return self._give(client.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.counts["revoked"] += 1
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    async def exchange_identity_assertion(self, *_: Any) -> OAuthToken:
        raise NotImplementedError

    # ---------------------------------------------------------------- what a person sees

    async def consent(self, request: Request) -> Response:
        number = request.query_params["number"]
        client, params = self.asked[number]
        if request.method == "GET":
            scopes = " ".join(params.scopes or [])
            return HTMLResponse(
                f"<form method=post action='/consent?number={number}'>Let {client.client_name} use {scopes}?"
                "<button name=answer value=yes>Allow</button><button name=answer value=no>Deny</button></form>"
            )
        del self.asked[number]
        redirect = str(params.redirect_uri)
        if (await request.form())["answer"] != "yes":
            return RedirectResponse(construct_redirect_uri(redirect, error="access_denied", state=params.state), 302)
        code = AuthorizationCode(
            code=f"code-{secrets.token_hex(16)}",
            client_id=client.client_id,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return RedirectResponse(construct_redirect_uri(redirect, code=code.code, state=params.state), 302)

    # ---------------------------------------------------------------- what a test may do

    async def steer(self, request: Request) -> Response:
        match request.path_params["what"]:
            case "end-tokens":
                self.access.clear()
            case "forget-all":
                self.access.clear()
                self.refresh.clear()
        return JSONResponse({**self.counts, "access": list(self.access), "refresh": list(self.refresh)})


def _server(address: str, token_seconds: int) -> MCPServer:
    provider = Provider(address, token_seconds)
    server = MCPServer(
        "notes",
        auth_server_provider=provider,
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(address),
            resource_server_url=AnyHttpUrl(f"{address}/mcp"),
            required_scopes=["notes"],
            validate_token_resource=True,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["notes", "more"], default_scopes=["notes"]
            ),
            revocation_options=RevocationOptions(enabled=True),
        ),
    )
    server.custom_route("/consent", methods=["GET", "POST"])(provider.consent)
    server.custom_route("/test/{what}", methods=["GET"])(provider.steer)

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def whisper() -> str:
        """Say the tokens that were given out, as a careless server might in an error."""
        return " and ".join([*provider.access, *provider.refresh])

    return server


async def _serve(token_seconds: int) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who reads the address may come before the server does
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = _server(address, token_seconds).streamable_http_app()
    serving = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    print(address, flush=True)  # noqa: T201 # whoever started it reads that
    await serving.serve([listening])


@dataclass
class OAuthServer:
    """The process, as a test has it."""

    address: str

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    @property
    def url(self) -> str:
        return f"{self.address}/mcp"

    def steer(self, what: str = "counts") -> dict[str, Any]:
        """Have it do *what*, and return what it was asked and which tokens are good."""
        told: dict[str, Any] = httpx2.get(f"{self.address}/test/{what}", timeout=SECONDS).json()
        return told


@contextlib.contextmanager
def oauth_server(token_seconds: int = 3600) -> Iterator[OAuthServer]:
    """Run one for the length of the block."""
    words = [sys.executable, "-m", "tests.oauth_server", "--token-seconds", str(token_seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield OAuthServer(process.stdout.readline().strip())
        finally:
            process.terminate()
            process.wait(SECONDS)


class Browser:
    """A person with a browser: opens an address, clicks, and is redirected, all over real HTTP."""

    def __init__(self, answer: str = "yes") -> None:
        self.answer = answer
        self.opened: list[str] = []

    async def sign_in(self, url: str) -> str:
        """Open *url* and answer the page; return the address that the browser is sent to, without going there."""
        self.opened.append(url)
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            page = await client.get(url, follow_redirects=True)
            form = re.search(r"action='([^']+)'", page.text)
            assert form is not None, page.text
            done = await client.post(str(page.url.join(form[1])), data={"answer": self.answer})
            return str(done.headers["location"])

    async def follow(self, url: str) -> httpx2.Response:
        """Go where the browser was sent."""
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            return await client.get(url)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--token-seconds", type=int, default=3600)
    asyncio.run(_serve(parser.parse_args().token_seconds))
