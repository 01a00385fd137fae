"""What a hostile server can do to whoever signs in at it, and what another program or page can do to the redirect.

The servers are stand-ins on loopback that answer what no honest one would. The person's own server is on loopback, so
loopback is the one place that is within its reach; :func:`test_where_a_public_server_may_not_lead` has the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import pytest

from dynamic_plugins.errors import DeclinedError, NeedsSignInError, SignInError
from dynamic_plugins.oauth.challenge import Challenge, challenge_in
from dynamic_plugins.oauth.client_settings import ClientSettings
from dynamic_plugins.oauth.credentials import SignIn
from dynamic_plugins.oauth.guarded_http import Reach, UnsafeAddressError
from dynamic_plugins.oauth.redirect_listener import NotTheRedirectError, Redirect, RedirectListener
from dynamic_plugins.oauth.sign_in_flow import SignInFlow
from dynamic_plugins.oauth.sign_ins import SignIns
from dynamic_plugins.redaction.scrubber import plugin_scrubber
from dynamic_plugins.storage.sign_in_store import SignInStore
from dynamic_plugins.storage.state_backend import SIGN_INS, StateFolder
from dynamic_plugins.storage.vault import EncryptedFileVault
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60.0
CODE = "code-0123456789"
TOKEN = "access-0123456789abcdef"  # of no server


@dataclass
class Hostile:
    """A server that answers as *answers* say, by path, and is honest about all else."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def honest(self, path: str) -> Any:
        match path:
            case "/.well-known/oauth-protected-resource/mcp":
                return {"resource": f"{self.address}/mcp", "authorization_servers": [self.address]}
            case "/.well-known/oauth-authorization-server":
                return self.metadata()
            case "/register":
                return {"client_id": "client", "token_endpoint_auth_method": "none"}
            case "/token":
                return {"access_token": TOKEN, "token_type": "Bearer"}
        return None

    def metadata(self, **other: Any) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "registration_endpoint": f"{self.address}/register",
            "code_challenge_methods_supported": ["S256"],
            **other,
        }

    def says(self, **other: Any) -> None:
        """Have it say *other* of its authorization server."""
        self.answers["/.well-known/oauth-authorization-server"] = self.metadata(**other)


@pytest.fixture
def server() -> Iterator[Hostile]:
    hostile = Hostile()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hostile.asked.append(self.path)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = hostile.answers.get(self.path, hostile.honest(self.path))
            if callable(answer):
                answer(self)
                return
            body = json.dumps(answer).encode()
            self.send_response(200 if answer is not None else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 # named by the library

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http, serving(http):
        hostile.address = f"http://127.0.0.1:{http.server_address[1]}"
        yield hostile


async def sign_in(server: Hostile, came: Redirect | None = None, metadata: str = "") -> tuple[list[str], Any]:
    """Sign in at *server*, from which the browser *came* back; return what the person was shown, and the outcome."""
    shown: list[str] = []

    async def show(address: str, _issuer: str, _scopes: tuple[str, ...]) -> None:
        shown.append(address)

    async def redirect() -> Redirect:
        return came or Redirect(CODE)

    flow = SignInFlow("notes", f"{server.address}/mcp", ClientSettings())
    async with contextlib.aclosing(flow), asyncio.timeout(SECONDS):
        try:
            challenge = Challenge(401, "", metadata)
            return shown, await flow.sign_in(challenge, "http://127.0.0.1:1/callback", None, show, redirect)
        except (SignInError, DeclinedError) as error:
            return shown, error


async def test_an_honest_server_of_this_kind_signs_one_in(server: Hostile) -> None:
    shown, outcome = await sign_in(server)
    assert outcome.access_token == TOKEN
    assert shown[0].startswith(f"{server.address}/authorize?response_type=code&client_id=client")
    assert "code_challenge_method=S256" in shown[0]
    assert "resource=" in shown[0]


@pytest.mark.parametrize(
    "endpoint",
    [
        "javascript:alert(1)//x",
        "file:///etc/passwd",
        "http://auth.example.com/authorize",
        "https://name:word@auth.example.com/authorize",
        "https://auth.example.com/a\x1b]0;x\x07uthorize",
        "https://auth.example.com/authorize#fragment",
        "ftp://auth.example.com/authorize",
        'https://auth.example.com/"; rm -rf ~; "',
    ],
)
async def test_nobody_is_sent_to_an_address_that_no_sign_in_has(server: Hostile, endpoint: str) -> None:
    server.says(authorization_endpoint=endpoint)
    shown, outcome = await sign_in(server)
    # What is no web address at all makes no metadata: then the server's own page is the one that is left.
    assert all(address.startswith((f"{server.address}/authorize?", "https://")) for address in shown), shown
    assert not any(set(address) & set("\x1b\x07 \"'<>\\`#@") for address in shown), shown
    assert shown or isinstance(outcome, SignInError)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "registration_endpoint"])
@pytest.mark.parametrize("address", ["http://auth.example.com/x", "http://169.254.169.254/x", "https://10.0.0.1/x"])
async def test_neither_code_nor_registration_goes_where_it_should_not(
    server: Hostile, endpoint: str, address: str
) -> None:
    server.says(**{endpoint: address})
    shown, outcome = await sign_in(server)
    assert isinstance(outcome, SignInError), outcome
    assert endpoint != "registration_endpoint" or shown == []


async def test_metadata_on_another_host_than_the_servers_is_not_read(server: Hostile) -> None:
    _, outcome = await sign_in(server, metadata="http://127.0.0.1:1/.well-known/oauth-protected-resource")
    assert isinstance(outcome, SignInError)
    assert "another host" in str(outcome)
    assert server.asked == []


async def test_an_authorization_server_that_says_it_is_another_is_refused(server: Hostile) -> None:
    server.says(issuer="https://accounts.example.com")
    shown, outcome = await sign_in(server)
    assert "says of itself that it is another one" in str(outcome)
    assert shown == []


async def test_an_answer_in_another_ones_name_is_refused_before_the_code_is_sent(server: Hostile) -> None:
    _, outcome = await sign_in(server, Redirect(CODE, "https://accounts.example.com"))
    assert "another authorization server answered" in str(outcome)
    assert "/token" not in server.asked


async def test_a_server_that_always_says_who_it_is_must_do_so(server: Hostile) -> None:
    server.says(authorization_response_iss_parameter_supported=True)
    _, outcome = await sign_in(server)
    assert "paste the whole address" in str(outcome)
    assert "/token" not in server.asked


async def test_a_server_without_pkce_is_refused(server: Hostile) -> None:
    server.says(code_challenge_methods_supported=["plain"])
    shown, outcome = await sign_in(server)
    assert "PKCE" in str(outcome)
    assert shown == []


async def test_metadata_of_another_resource_is_refused(server: Hostile) -> None:
    server.answers["/.well-known/oauth-protected-resource/mcp"] = {
        "resource": "https://bank.example.com/mcp",
        "authorization_servers": [server.address],
    }
    shown, outcome = await sign_in(server)
    assert "another server" in str(outcome)
    assert shown == []


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(64):
            handler.wfile.write(b" " * 65536)


def _round(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("location", handler.path)
    handler.send_header("content-length", "0")
    handler.end_headers()


def _away(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(307)
    handler.send_header("location", "https://elsewhere.example.com/token")
    handler.send_header("content-length", "0")
    handler.end_headers()


def _packed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-encoding", "gzip")
    handler.send_header("content-length", "0")
    handler.end_headers()


async def test_a_document_without_end_is_not_read_to_its_end(server: Hostile) -> None:
    server.answers["/.well-known/oauth-authorization-server"] = _endless
    _, outcome = await sign_in(server)
    assert "more than 256 KB" in str(outcome)


async def test_a_compressed_document_is_not_unpacked(server: Hostile) -> None:
    server.answers["/.well-known/oauth-authorization-server"] = _packed
    _, outcome = await sign_in(server)
    assert "compressed" in str(outcome)


async def test_redirects_in_a_circle_end(server: Hostile) -> None:
    server.answers["/register"] = server.answers["/.well-known/oauth-authorization-server"] = _round
    _, outcome = await sign_in(server)
    assert isinstance(outcome, SignInError)
    assert len(server.asked) < 40


async def test_a_code_is_not_sent_on_to_where_a_redirect_leads(server: Hostile) -> None:
    server.answers["/token"] = _away
    _, outcome = await sign_in(server)
    assert "gave no token" in str(outcome)


async def test_what_a_server_answers_is_neither_quoted_nor_logged(
    server: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers["/token"] = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": "never"}
    _, outcome = await sign_in(server)
    assert isinstance(outcome, SignInError)
    assert TOKEN not in str(outcome) + caplog.text
    assert CODE not in str(outcome) + caplog.text


def _says_it_back(handler: BaseHTTPRequestHandler) -> None:
    token = handler.headers["authorization"].removeprefix("Bearer ")
    handler.send_response(403)
    handler.send_header("www-authenticate", f'Bearer error="insufficient_scope", scope="notes {token}"')
    handler.send_header("content-length", "0")
    handler.end_headers()


async def test_a_token_that_a_server_says_back_is_neither_told_nor_kept_in_the_clear(
    server: Hostile, tmp_path: Path
) -> None:
    server.answers["/mcp"], address = _says_it_back, f"{server.address}/mcp"
    vault = EncryptedFileVault(tmp_path / "secrets.enc", "a passphrase of this test")
    store = SignInStore(tmp_path, StateFolder(tmp_path).facts(SIGN_INS), lambda: vault)
    store.keep("notes", SignIn(address, server.address, address, {"access_token": TOKEN}, {"client_id": "client"}))
    async with httpx2.AsyncClient(auth=SignIns(store, lambda _: {}).auth_for("notes", address)) as client:
        with pytest.raises(NeedsSignInError, match="wants you to allow more") as raised:
            await client.get(address)
    assert store.challenge("notes", address) == Challenge(403)
    assert TOKEN not in str(raised.value) + (tmp_path / "sign-ins.json").read_text()


async def test_where_the_metadata_lies_may_hold_what_the_plugin_was_told(server: Hostile, tmp_path: Path) -> None:
    address, host, metadata = f"{server.address}/mcp", urlsplit(server.address).netloc, f"{server.address}/elsewhere"

    def refuses(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(401)
        handler.send_header("www-authenticate", f'Bearer scope="notes key-0123456789", resource_metadata="{metadata}"')
        handler.send_header("content-length", "0")
        handler.end_headers()

    server.answers["/mcp"] = refuses
    vault = EncryptedFileVault(tmp_path / "secrets.enc", "a passphrase of this test")
    store = SignInStore(tmp_path, StateFolder(tmp_path).facts(SIGN_INS), lambda: vault)
    auth = SignIns(store, lambda _: {}).auth_for("notes", address)
    auth.with_tokens(plugin_scrubber({"NOTES_HOST": host, "NOTES_API_KEY": "key-0123456789"}))
    async with httpx2.AsyncClient(auth=auth) as client:
        with pytest.raises(NeedsSignInError):
            await client.get(address)
    assert store.challenge("notes", address) == Challenge(401, "", metadata)


@pytest.mark.parametrize(("key", "algorithm"), [("-----BEGIN PRIVATE KEY-----\nabc", "ES256"), (TOKEN, "FS1")])
async def test_a_key_that_cannot_sign_is_told_and_not_quoted(server: Hostile, key: str, algorithm: str) -> None:
    settings = ClientSettings("client", issuer=server.address, private_key=key, signing_algorithm=algorithm)
    async with contextlib.aclosing(SignInFlow("notes", f"{server.address}/mcp", settings)) as flow:
        with pytest.raises(SignInError, match=f"OAUTH_PRIVATE_KEY is no key that signs with {algorithm}") as raised:
            await flow.sign_in_by_itself(Challenge())
    assert key not in str(raised.value)


def test_how_a_server_refuses_is_kept_only_as_plain_words() -> None:
    def refused(header: str) -> Challenge | None:
        return challenge_in(httpx2.Response(401, headers={"WWW-Authenticate": header}))

    assert refused('Bearer scope="a b"') == Challenge(401, "a b", "")
    assert refused(f'Bearer scope="{"a" * 5000}"') == Challenge(401, "", "")
    assert refused('Bearer scope="a\\b"') == Challenge(401, "", "")
    assert challenge_in(httpx2.Response(403)) is None


@pytest.mark.parametrize(
    "address",
    ["http://auth.example.com/a", "https://localhost/a", "https://127.0.0.1/a", "http://localhost:8080/a"],
)
def test_where_a_public_server_may_not_lead(address: str) -> None:
    with pytest.raises(UnsafeAddressError):
        Reach("https://mcp.example.com/mcp").check(address, "it")


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:1::",
        "0.0.0.0",  # noqa: S104 # as an address to be refused
    ],
)
async def test_no_name_leads_a_public_server_to_a_private_address(host: str) -> None:
    with pytest.raises(UnsafeAddressError, match="into the local network"):
        await Reach("https://8.8.8.8/mcp").addresses(host, 443)


async def test_a_server_of_the_local_network_may_lead_there_and_not_to_this_machine() -> None:
    reach = Reach("https://10.1.2.3/mcp")
    assert await reach.addresses("10.0.0.1", 443) == ["10.0.0.1"]
    for host in ("127.0.0.1", "169.254.169.254"):
        with pytest.raises(UnsafeAddressError):
            await reach.addresses(host, 443)


# ---------------------------------------------------------------- the redirect


async def _get(listener: RedirectListener, target: str, **headers: str) -> int:
    async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False) as client:
        return (await client.get(f"{listener.uri}{target}", headers=headers)).status_code


@contextlib.asynccontextmanager
async def listening() -> Any:
    listener = await RedirectListener().open()
    listener.expect("the-state")
    try:
        yield listener
    finally:
        await listener.close()


async def test_what_is_not_this_sign_in_ends_nothing() -> None:
    async with listening() as listener:
        assert await _get(listener, "?code=evil&state=guessed") == 400
        assert await _get(listener, "?code=evil") == 400
        assert await _get(listener, "?code=a&code=b&state=the-state") == 400
        assert await _get(listener, "/other?code=x&state=the-state") == 404
        assert await _get(listener, "?code=x&state=the-state", Host="rebound.example.com") == 421
        assert await _get(listener, "?code=x&state=the-state", Origin="https://evil.example.com") == 403
        assert await _get(listener, "?code=x&state=the-state", **{"Sec-Fetch-Mode": "no-cors"}) == 403
        assert await _get(listener, f"?code={CODE}&state=the-state&iss=https://a.example.com") == 200
        assert await listener.redirect() == Redirect(CODE, "https://a.example.com")
        with pytest.raises(httpx2.ConnectError):  # it was for once
            await _get(listener, "?code=x&state=the-state")


async def test_what_is_no_http_ends_nothing() -> None:
    async with listening() as listener:
        for sent in (b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 9000 + b"\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.uri.split(":")[2].split("/")[0]))
            writer.write(sent)
            async with asyncio.timeout(SECONDS):
                assert await reader.read() == b""
            writer.close()
        assert await _get(listener, f"?code={CODE}&state=the-state") == 200


@pytest.mark.parametrize(
    "pasted",
    ["", "https://evil.example.com/callback?code=x&state=the-state", "code=x&state=the-state", "two words", "x" * 5000],
)
async def test_what_is_pasted_is_looked_at_as_closely(pasted: str) -> None:
    async with listening() as listener:
        with pytest.raises(NotTheRedirectError):
            listener.paste(pasted)
        with pytest.raises(NotTheRedirectError, match="another sign-in"):
            listener.paste(f"{listener.uri}?code=x&state=other")
        listener.paste(f"  {listener.uri}?code={CODE}&state=the-state\n")
        assert await listener.redirect() == Redirect(CODE)


async def test_a_port_that_somebody_holds_is_not_taken_from_them() -> None:
    async with listening() as listener:
        port = int(listener.uri.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            RedirectListener(port)
    assert threading.active_count() >= 1
