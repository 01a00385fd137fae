"""A gateway's tenants against one another: a real gateway on loopback, and an attacker who has a tenant's token.

Alice is who is attacked. Bob has a token of his own and knows all of hers but her token: her name, where her home is,
her session's id, the ids of her requests, the names of her plugins.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types
import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.gateway.tenant_home import environment, make_home
from dynamic_plugins.gateway.tenant_order import TenantOrder
from dynamic_plugins.gateway.tenant_process import TenantProcess
from dynamic_plugins.gateway.tenants_file import Tenant, TenantLimits, TenantsFile, digest_of, new_token
from dynamic_plugins.settings import Settings
from tests.conftest import Cli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NEIGHBOUR = Path(__file__).parent / "plugins" / "neighbour"
SECONDS = 60.0
ALICES_KEY = "sk-fake-alices-own-key-0123456789"
PASSPHRASE = "correct horse battery staple"
_JSON = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_LOOSE_POLICY = """\
[sources]
packages = ["pypi", "npm", "remote", "path"]
[permissions]
own_network = "refuse"
files = []
"""
"""What ``tenants add`` writes, but that the operator may install from a folder, as these tests do."""


@dataclass
class Party:
    """A tenant as a test knows it."""

    tenant: Tenant
    token: str

    @property
    def home(self) -> Path:
        return self.tenant.home

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Gateway:
    """A gateway that runs, with its tenants, and what it wrote to standard error so far."""

    cli: Cli
    file: TenantsFile
    alice: Party
    bob: Party
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    port: int = 0

    def log(self) -> str:
        """Return all that it has written so far."""
        return (self.cli.home.parent / "gateway.err").read_text()


def party(file: TenantsFile, name: str, **limits: int) -> Party:
    """Add a tenant whose operator lets plugins be installed from folders."""
    token = new_token()
    tenant = Tenant(name, file.default_home(name), digest_of(token), TenantLimits(**limits))
    make_home(tenant.home, None)
    tenant.policy_file.write_text(_LOOSE_POLICY)
    file.add(tenant)
    return Party(tenant, token)


async def prepare(one: Party, host: dict[str, str], note: str, key: str) -> None:
    """Install the plugin for a tenant, as its operator does, and tell it something."""
    settings = Settings.from_environment(environment(one.tenant, host, PASSPHRASE, "require"))
    async with App(settings, approve=approve_everything, door="terminal") as app:
        await app.service.install_path(NEIGHBOUR)
        values = {"NEIGHBOUR_NOTE": note, **({"NEIGHBOUR_KEY": key} if key else {})}
        await app.service.configure("neighbour", values)
        await app.service.activate("neighbour")


@contextlib.contextmanager
def running(gateway: Gateway, *options: str) -> Iterator[Gateway]:
    """Run the gateway on a free port."""
    errors = gateway.cli.home.parent / "gateway.err"
    command = gateway.cli.command("mcp", "--http", "--tenants", "--port", "0", *options)
    with errors.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=gateway.cli.environment())
    try:
        give_up = time.monotonic() + SECONDS
        while (found := re.search(r"http://127\.0\.0\.1:(\d+)/mcp", errors.read_text())) is None:
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < give_up, errors.read_text()
            time.sleep(0.02)
        gateway.process, gateway.url, gateway.port = process, found[0], int(found[1])
        yield gateway
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    cli = Cli(folder / "operator", {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE})
    file = TenantsFile(cli.home / "tenants.toml")
    made = Gateway(cli, file, party(file, "alice"), party(file, "bob"))
    host = cli.environment()
    host.pop("DYNAMIC_PLUGINS_PASSPHRASE")

    async def both() -> None:
        await prepare(made.alice, host, "alice's note", ALICES_KEY)
        await prepare(made.bob, host, "bob's note", "")

    asyncio.run(both())
    with running(made):
        yield made


class Wire:
    """Requests as an attacker writes them by hand."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url, self.session = url, ""
        self.headers = {**_JSON, **({"Authorization": f"Bearer {token}"} if token else {})}
        self.http = httpx2.AsyncClient(timeout=30, trust_env=False)

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def post(self, message: Any, **headers: str) -> httpx2.Response:
        own = {"Mcp-Session-Id": self.session} if self.session else {}
        content = message if isinstance(message, (bytes, str)) else json.dumps(message)
        return await self.http.post(self.url, content=content, headers={**self.headers, **own, **headers})

    async def open(self) -> Wire:
        """Shake hands, and keep the session."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        answer = await self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
        assert answer.status_code == 200, answer.text
        self.session = answer.headers["mcp-session-id"]
        await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    async def request(self, method: str, params: dict[str, Any], number: int | str = 1, **headers: str) -> Any:
        """Return the JSON-RPC message that answers a request."""
        answer = await self.post({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, **headers)
        return in_answer(answer)

    async def call(self, tool: str, number: int | str = 1, **arguments: Any) -> dict[str, Any]:
        """Return what a tool gave."""
        answer = await self.request("tools/call", {"name": tool, "arguments": arguments}, number)
        found: dict[str, Any] = answer["result"]["structuredContent"]
        return found

    async def act(self, action: str, **arguments: Any) -> dict[str, Any]:
        return await self.call("call_plugin_action", action=f"neighbour__{action}", arguments=arguments)


def in_answer(answer: httpx2.Response) -> Any:
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        found = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
        return json.loads(found[-1])
    return answer.json()


@contextlib.asynccontextmanager
async def session(gateway: Gateway, party: Party) -> AsyncIterator[Wire]:
    async with Wire(gateway.url, party.token) as wire:
        yield await wire.open()


async def there(path: Path, call: asyncio.Task[Any]) -> None:
    """Return once *path* is there, which *call* makes."""
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(path.exists):
            assert not call.done(), call.result()
            await asyncio.sleep(0.02)


def data_of(party: Party) -> Path:
    """Return the folder in which a tenant's plugin runs."""
    (folder,) = (party.home / "plugin_data").iterdir()
    return folder


# ---------------------------------------------------------------- whose request it is


async def test_nobody_comes_in_without_a_token_and_only_its_header_is_looked_at(gateway: Gateway) -> None:
    token = gateway.alice.token
    doors: list[tuple[str, dict[str, str]]] = [
        (gateway.url, {}),
        (f"{gateway.url}?token={token}&access_token={token}", {}),
        (gateway.url, {"Cookie": f"token={token}; Authorization=Bearer {token}"}),
        (gateway.url, {"X-Authorization": f"Bearer {token}", "Proxy-Authorization": f"Bearer {token}"}),
        (gateway.url, {"Authorization": token}),
        (gateway.url, {"Authorization": f"Basic {token}"}),
        (gateway.url, {"Authorization": "Bearer"}),
        (gateway.url, {"Authorization": f"Bearer {token[:-1]}"}),
        (gateway.url, {"Authorization": f"Bearer {token} {gateway.bob.token}"}),
        (gateway.url, {"Authorization": f"Bearer {gateway.alice.tenant.token}"}),
        (gateway.url, {"Authorization": "Bearer alice"}),
    ]
    async with httpx2.AsyncClient(trust_env=False) as http:
        for url, headers in doors:
            answer = await http.post(url, headers={**_JSON, **headers}, content="{}")
            assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer"), headers
        twice = [("Authorization", f"Bearer {gateway.bob.token}"), ("Authorization", f"Bearer {token}")]
        assert (await http.post(gateway.url, headers=twice, content="{}")).status_code == 401


async def test_many_wrong_tokens_are_slow_and_a_right_one_waits_for_none_of_them(gateway: Gateway) -> None:
    async with Wire(gateway.url) as guesser, session(gateway, gateway.alice) as alice:

        async def guess(number: int) -> int:
            return (await guesser.post({}, Authorization=f"Bearer dpt_{number:043d}")).status_code

        begun = time.monotonic()
        guessing = [asyncio.create_task(guess(number)) for number in range(90)]
        assert (await alice.request("tools/list", {}))["result"]["tools"]
        assert time.monotonic() - begun < 1.5, "who has a right token waited"
        found = await asyncio.gather(*guessing)
        assert time.monotonic() - begun > 1.9, "wrong tokens were answered at once"
    assert set(found) == {401, 429}


async def test_another_host_or_another_sites_page_is_turned_away(gateway: Gateway) -> None:
    async with Wire(gateway.url, gateway.bob.token) as bob:
        for host in ("evil.example", f"evil.example:{gateway.port}", "tenant", "127.0.0.1"):
            assert (await bob.post({}, Host=host)).status_code == 421, host
        for origin in ("https://evil.example", "null", f"https://127.0.0.1:{gateway.port}"):
            assert (await bob.post({}, Origin=origin)).status_code == 403, origin


async def test_no_path_and_no_header_leads_to_another_tenant(gateway: Gateway) -> None:
    """Neither a name in a path nor a header for the inside says whose request it is: the token alone does."""
    async with session(gateway, gateway.bob) as bob:
        for path in ("/", "/alice/mcp", "/mcp/alice", "/mcp/../alice", "/mcp%2f..%2falice", "/tenants/alice", "//mcp"):
            with socket.create_connection(("127.0.0.1", gateway.port), 10) as end:  # no client takes the dots out
                request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Length: 0\r\n"
                end.sendall(f"{request}Authorization: Bearer {gateway.bob.token}\r\n\r\n".encode())
                assert end.recv(12) == b"HTTP/1.1 404", path
        for name in ("X-Tenant", "Mcp-Tenant", "X-Forwarded-User", "Mcp-Name", "X-Forwarded-Host", "Forwarded"):
            said = await bob.request(
                "tools/call",
                {"name": "call_plugin_action", "arguments": {"action": "neighbour__note", "arguments": {}}},
                **{name: "alice"},
            )
            assert said["result"]["structuredContent"]["result"]["note"].startswith("bob's"), name


def test_a_request_with_two_lengths_or_headers_of_two_meanings_is_refused_and_said_of_in_no_log(
    gateway: Gateway,
) -> None:
    """What a proxy in front, the gateway and the tenant's process could each read in another way."""
    own = f"Host: 127.0.0.1:{gateway.port}\r\nAuthorization: Bearer {gateway.bob.token}\r\n".encode()
    asked = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    short, length = b"Content-Length: 4\r\n", b"Content-Length: %d\r\n" % len(asked)
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(asked), asked)
    wrong = [
        b"POST /mcp HTTP/1.1\r\n" + own + short + chunked + b"\r\n" + chunks + b"GET /mcp HTTP/1.1\r\n",
        b"POST /mcp HTTP/1.1\r\n" + own + short + length + b"\r\n" + asked,
        b"POST /mcp HTTP/1.1\r\n" + own + b"Transfer-Encoding: identity, chunked\r\n\r\n" + chunks,
        b"POST /mcp HTTP/1.1\r\n" + own + b"Transfer-Encoding : chunked\r\n\r\n" + chunks,
        b"GET /mcp HTTP/1.1\r\n" + own + chunked + b"\r\n" + chunks,
        b"DELETE /mcp HTTP/1.1\r\n" + own + length + b"\r\n" + asked,
        b"POST /mcp HTTP/1.1\r\nHost: tenant\r\n" + own + length + b"\r\n" + asked,
        b"POST /mcp HTTP/1.1\r\n" + own + length + b"Mcp-Session-Id: 1\r\nMcp-Session-Id: 2\r\n\r\n" + asked,
        *(
            b"POST /mcp HTTP/1.1\r\n" + own + length + name + b": \xff\r\n\r\n" + asked
            for name in (b"Mcp-Session-Id", b"Accept", b"Last-Event-Id", b"Tracestate")
        ),
    ]
    for request in wrong:
        with socket.create_connection(("127.0.0.1", gateway.port), 10) as end:
            end.sendall(request)
            answer = end.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400"), (request, answer)
            assert answer.count(b"HTTP/1.1 ") == 1, "what came behind was taken for a request"
    assert "Traceback" not in gateway.log()


# ---------------------------------------------------------------- sessions, requests, resources


async def test_a_session_of_another_tenants_is_unknown_to_everybody_else(gateway: Gateway) -> None:
    async with session(gateway, gateway.alice) as alice, Wire(gateway.url, gateway.bob.token) as bob:
        bob.session = alice.session
        assert (await bob.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status_code == 404
        stolen = {**bob.headers, "Mcp-Session-Id": alice.session}
        assert (await bob.http.get(gateway.url, headers=stolen)).status_code == 404  # her stream of messages
        assert (await bob.http.get(gateway.url, headers={**stolen, "Last-Event-Id": "0"})).status_code == 404
        assert (await bob.http.delete(gateway.url, headers=stolen)).status_code == 404  # the end of her session
        assert (await alice.act("note"))["result"]["note"] == "alice's note"


async def test_a_call_of_anothers_cannot_be_cancelled_answered_or_watched(gateway: Gateway) -> None:
    """Bob knows the id of Alice's request and the token of its progress, and has both in his own session."""
    folder = data_of(gateway.alice)
    for name in ("go", "began"):
        (folder / name).unlink(missing_ok=True)
    async with session(gateway, gateway.alice) as alice, session(gateway, gateway.bob) as bob:
        held = asyncio.create_task(alice.act("hold"))
        await there(folder / "began", held)
        for number in (1, "1"):
            await bob.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
            await bob.post({"jsonrpc": "2.0", "id": number, "result": {"action": "accept", "content": {"agree": True}}})
        progress = {"progressToken": 1, "progress": 1, "message": "planted"}
        await bob.post({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
        assert not held.done()
        (folder / "go").touch()
        assert (await held)["result"] == "held to the end"


async def test_what_another_tenant_has_is_neither_listed_nor_described_nor_read(gateway: Gateway) -> None:
    async with session(gateway, gateway.bob) as bob:
        found = json.dumps(
            [
                await bob.call("list_available_plugins", query="neighbour"),
                await bob.call("search_plugin_actions", query="note"),
                *[
                    await bob.request("resources/read", {"uri": f"dynamic-plugins://{name}"})
                    for name in ("dynamic_plugins_status", "plugin_context", "available_plugins")
                ],
            ]
        )
        for uri in (f"file://{gateway.alice.home}/policy.toml", "dynamic-plugins://../alice/dynamic_plugins_status"):
            assert "There is no resource" in (await bob.request("resources/read", {"uri": uri}))["error"]["message"]
        uri = "dynamic-plugins://dynamic_plugins_status"
        assert "error" in await bob.request("resources/subscribe", {"uri": uri})
        said = await bob.act("note")
    assert "alice" not in found
    assert said["result"]["note"].startswith("bob's")


async def test_what_one_changes_changes_nothing_of_the_others(gateway: Gateway) -> None:
    """Both have a plugin of one name: setting, switching off and removing it is each one's own."""
    before = (gateway.alice.home / "plugin-management-state.json").read_bytes()
    async with session(gateway, gateway.alice) as alice:
        told = {"configuration": [{"name": "NEIGHBOUR_NOTE", "value": "bob's other note"}]}
        assert (await order(gateway, gateway.bob, "configure_plugin", plugin_name="neighbour", **told))["ok"]
        assert (await order(gateway, gateway.bob, "deactivate_plugin", plugin_name="neighbour"))["ok"]
        assert (await alice.act("note"))["result"] == {"note": "alice's note", "key": len(ALICES_KEY)}
        assert (await order(gateway, gateway.bob, "activate_plugin", plugin_name="neighbour"))["ok"]
    assert (gateway.alice.home / "plugin-management-state.json").read_bytes() == before


# ---------------------------------------------------------------- this machine


async def test_no_folder_of_the_machine_is_installed_from(gateway: Gateway) -> None:
    async with session(gateway, gateway.bob) as bob:
        for said in (
            str(gateway.alice.home / "runtime_plugins"),
            f"file://{NEIGHBOUR}",
            f"path:{NEIGHBOUR}",
            f"git+file://{NEIGHBOUR}",
            f"pypi:{NEIGHBOUR}",
            f"npm:file:{NEIGHBOUR}",
            "../alice/runtime_plugins",
            f"neighbour @ file://{NEIGHBOUR}",
        ):
            result = await bob.call("install_plugin", plugin_name=said)
            assert not result["ok"], said
            assert result["error"]["code"] != "needs_confirmation", (said, result)


def sockets_of(gateway: Gateway) -> list[str]:
    """Return where the tenants' processes listen, as one who may look into the machine's tables sees it."""
    found = [each.laddr for process in tenant_processes(gateway) for each in process.net_connections("unix")]
    return sorted({str(each) for each in found if str(each).endswith("/socket")})


async def test_a_plugin_reaches_neither_the_other_home_nor_any_door_of_the_gateway(gateway: Gateway) -> None:
    alice = gateway.alice
    async with session(gateway, alice):
        pass  # her process runs
    sockets = sockets_of(gateway)
    paths = [
        *map(str, (alice.home, alice.home / "policy.toml", alice.home / "secrets.enc", data_of(alice))),
        str(alice.home / "plugin-management-state.json"),
        str(gateway.file.path),
        str(gateway.bob.home / "policy.toml"),
        str(gateway.bob.home / "plugin-management-state.json"),
        *(str(Path(each).parent) for each in sockets),
    ]
    assert gateway.process is not None
    environments = [f"/proc/{each.pid}/environ" for each in psutil.Process(gateway.process.pid).children()]
    async with (
        await asyncio.start_server(lambda _reader, writer: writer.write(b"x"), "127.0.0.1", 0) as door,
        session(gateway, gateway.bob) as bob,
    ):
        port = door.sockets[0].getsockname()[1]  # as a plugin of Alice's may listen on one
        doors = [f"127.0.0.1:{gateway.port}", f"localhost:{port}", f"127.0.0.1:{port}", "169.254.169.254:80", *sockets]
        said = await bob.act("attempt", paths=[*paths, *environments], addresses=doors)
        own = await bob.act("attempt", paths=["."], addresses=[])
    assert own["result"] == {"read 0": "IsADirectoryError", "list 0": "done", "write 0": "done", "follow 0": "done"}
    assert sockets, "no tenant's process was found"
    assert environments
    assert "done" not in said["result"].values(), said["result"]


async def test_a_value_that_names_the_other_home_opens_it_for_nobody(gateway: Gateway) -> None:
    """Of a plugin that declares no permissions, a path among its values is granted to it: to a tenant's, it is not."""
    async with session(gateway, gateway.bob) as bob:
        for value in (str(gateway.alice.home), f"sqlite:///{gateway.alice.home}/x.db", f"/usr:{gateway.alice.home}"):
            told = {"configuration": [{"name": "NEIGHBOUR_NOTE", "value": value}]}
            await order(gateway, gateway.bob, "configure_plugin", plugin_name="neighbour", **told)
            said = await bob.act("attempt", paths=[str(gateway.alice.home)], addresses=[])
            assert said["error"]["code"] == "permission_denied", said
            assert "permissions.files" in said["error"]["rule"]
        told = {"configuration": [{"name": "NEIGHBOUR_NOTE", "value": "bob's last note"}]}
        assert (await order(gateway, gateway.bob, "configure_plugin", plugin_name="neighbour", **told))["ok"]
        assert (await bob.act("note"))["result"]["note"] == "bob's last note"


def test_the_secrets_of_one_do_not_open_with_anothers_passphrase(gateway: Gateway) -> None:
    from dynamic_plugins.storage.vault import EncryptedFileVault

    host: dict[str, str] = {}
    theirs = [environment(each.tenant, host, PASSPHRASE, "require") for each in (gateway.alice, gateway.bob)]
    own, other = (each["DYNAMIC_PLUGINS_PASSPHRASE"] for each in theirs)
    file = gateway.alice.home / "secrets.enc"
    assert EncryptedFileVault(file, own).get("neighbour/NEIGHBOUR_KEY") == ALICES_KEY
    for wrong in (other, PASSPHRASE):
        with pytest.raises(Exception, match="does not open"):
            EncryptedFileVault(file, wrong).get("neighbour/NEIGHBOUR_KEY")
    assert len({each[name] for each in theirs for name in ("HOME", "UV_CACHE_DIR", "NPM_CONFIG_CACHE")}) == 6


# ---------------------------------------------------------------- who is asked


async def test_a_question_goes_to_the_client_whose_call_it_is_and_to_nobody_else(gateway: Gateway) -> None:
    """Bob waits for questions in a session of his own, and answers all that he is asked."""
    asked: dict[str, list[str]] = {"alice": [], "bob": []}

    def person(name: str) -> Any:
        async def answer(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
            asked[name].append(params.message)
            return types.ElicitResult(action="accept", content={"agree": name == "bob"})

        return answer

    async with (
        connected(gateway, gateway.alice, person("alice")) as alice,
        connected(gateway, gateway.bob, person("bob")),
    ):
        result = await alice.call_tool("unload_plugin", {"plugin_name": "neighbour", "uninstall": True})
    assert result.is_error
    assert [len(each) for each in asked.values()] == [1, 0]
    assert not (gateway.bob.home / "approvals").exists() or not list((gateway.bob.home / "approvals").glob("*.json"))


async def order(gateway: Gateway, party: Party, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, as a tenant whose person agrees to whatever they are asked: the guard may want them asked."""

    async def agree(_context: Any, _params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"agree": True})

    async with connected(gateway, party, agree) as client:
        found: dict[str, Any] = (await client.call_tool(tool, arguments)).structured_content
        return found


@contextlib.asynccontextmanager
async def connected(gateway: Gateway, party: Party, person: Any = None) -> AsyncIterator[Client]:
    """Connect with the official client."""
    async with (
        httpx2.AsyncClient(headers=party.headers, timeout=30, trust_env=False) as http,
        Client(
            streamable_http_client(gateway.url, http_client=http), mode="legacy", elicitation_callback=person
        ) as client,
    ):
        yield client


# ---------------------------------------------------------------- too much of everything


async def test_a_request_that_is_too_long_odd_or_never_ends_is_refused(gateway: Gateway) -> None:
    async with session(gateway, gateway.bob) as bob:
        long = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"x": "x" * 2**21}}
        assert (await bob.post(long)).status_code == 413

        async def without_end() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536

        with contextlib.suppress(httpx2.TransportError):  # it is told in the middle of it, and closed
            assert (await bob.http.post(gateway.url, content=without_end(), headers=bob.headers)).status_code == 413
        for content in ("no json", "[" * 100_000, "[]", json.dumps([long | {"params": {}}] * 50), "\xff", '{"a":1'):
            assert (await bob.post(content.encode("latin-1"))).status_code == 400, content[:10]
        assert (await bob.post({}, **{"Mcp-Session-Id": "x" * 5000})).status_code == 400
        assert (await bob.act("note"))["ok"]


async def test_many_connections_that_say_nothing_keep_nobody_out(gateway: Gateway) -> None:
    """Half a request each, on more connections than may wait; the older ones are closed for the newer."""
    with contextlib.ExitStack() as opened:
        ends = []
        for number in range(600):  # every other one asks something, is refused, and stays
            end = opened.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 10))
            rest = "\r\n\r\n" if number % 2 else ""
            end.sendall(f"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nX-Slow: 1{rest}".encode())
            ends.append(end)
        async with session(gateway, gateway.alice) as alice:
            assert (await alice.act("note"))["result"]["note"] == "alice's note"
        with contextlib.suppress(ConnectionResetError):
            assert ends[0].recv(1) == b"", "the oldest is still open"
        assert gateway.process is not None
        held = [each for each in psutil.Process(gateway.process.pid).net_connections("tcp") if each.raddr]
        assert len(held) < 300
        assert len(set(psutil.Process(gateway.process.pid).rlimit(psutil.RLIMIT_NOFILE))) == 1


async def test_a_call_is_counted_until_it_ends_whoever_left_before(gateway: Gateway) -> None:
    """Bob leaves in the middle of each call, so that none of his requests is open: their calls go on."""
    (data_of(gateway.bob) / "go").unlink(missing_ok=True)
    call = {"name": "call_plugin_action", "arguments": {"action": "neighbour__hold", "arguments": {}}}
    message = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call}
    async with session(gateway, gateway.bob) as bob:
        for number in range(40):  # each with an id of its own: one that is taken twice may be answered with nothing
            with contextlib.suppress(TimeoutError):
                answer = await asyncio.wait_for(bob.post({**message, "id": 5 + number}), 0.3)
                if answer.status_code == 200 and "data: {" in answer.text:
                    break
        assert in_answer(answer)["error"]["data"] == {"code": "over_limit", "limit": "concurrent", "retry_after": 1}
        (data_of(gateway.bob) / "go").touch()
        async with asyncio.timeout(SECONDS):
            while "error" in await bob.request("tools/call", {**call, "arguments": {"action": "neighbour__note"}}):
                pass


async def test_what_one_uses_up_is_missing_to_nobody_else(gateway: Gateway) -> None:
    """Bob's limits are narrow for this test; above one, the answer says to a model what to do."""
    gateway.file.change("bob", calls_per_minute=3, concurrent=1)
    for name in ("go", "began"):
        (data_of(gateway.bob) / name).unlink(missing_ok=True)
    try:
        async with session(gateway, gateway.alice) as alice, session(gateway, gateway.bob) as bob:
            held = asyncio.create_task(bob.act("hold"))
            await there(data_of(gateway.bob) / "began", held)
            call = {"name": "search_plugin_actions", "arguments": {"query": "x"}}
            message = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call}
            refused = await bob.post(message)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["id"] == 5
            assert refused.json()["error"]["data"]["limit"] == "concurrent"
            (data_of(gateway.bob) / "go").touch()
            assert (await held)["ok"]
            answers = [await bob.post(message) for _ in range(4)]
            assert [each.status_code for each in answers] == [200, 200, 429, 429]
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
            error = answers[-1].json()["error"]
            assert error["data"] == {
                "code": "over_limit",
                "limit": "calls_per_minute",
                "retry_after": int(answers[-1].headers["retry-after"]),
            }
            assert "make the same call again" in error["message"]
            brackets = "[" + "[]," * 340_000 + "[]]"  # as JSON goes, nothing takes longer to read
            bombs = [await bob.post(brackets) for _ in range(4)]
            # On a slow machine some of what bob may ask comes back while they are read.
            assert [bombs[each].status_code for each in (0, 1, 3)] == [400, 400, 429]
            assert bombs[-1].json()["error"]["data"]["limit"] == "requests_per_minute"
            assert (await alice.act("note"))["ok"]
    finally:
        gateway.file.change("bob", calls_per_minute=120, concurrent=8)


# ---------------------------------------------------------------- who comes and goes


async def test_who_is_removed_is_out_within_a_second_and_what_was_open_ends(gateway: Gateway) -> None:
    carol = party(gateway.file, "carol")
    async with session(gateway, carol) as wire, session(gateway, gateway.alice) as alice:
        (carols,) = (each for each in tenant_processes(gateway) if '"carol"' in " ".join(each.cmdline()))
        async with wire.http.stream(
            "GET", gateway.url, headers={**wire.headers, "Mcp-Session-Id": wire.session}
        ) as stream:
            assert stream.status_code == 200
            gateway.file.remove("carol")
            async with asyncio.timeout(1):
                async for _ in stream.aiter_bytes():
                    pass
        assert (await wire.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status_code == 401
        assert (await alice.act("note"))["ok"]
        await asyncio.to_thread(carols.wait, 10)


async def test_a_process_that_was_killed_harms_nobody_else_and_is_started_again(gateway: Gateway) -> None:
    async with session(gateway, gateway.alice) as alice, session(gateway, gateway.bob) as bob:
        for each in tenant_processes(gateway):
            if '"bob"' in " ".join(each.cmdline()):
                each.kill()
                await asyncio.to_thread(each.wait, 10)
        assert (await alice.act("note"))["ok"]
        lost = await bob.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert lost.status_code in {404, 503}, "its session went with the process"
        bob.session = ""
        await bob.open()
        assert (await bob.act("note"))["ok"]


async def test_a_process_that_nobody_uses_is_ended_and_one_in_use_is_not(gateway: Gateway) -> None:
    said: list[str] = []
    settings = environment(gateway.bob.tenant, gateway.cli.environment(), None, "require")
    process = TenantProcess(TenantOrder("bob", -1), gateway.bob.home, settings, said.append)
    async with process.client() as client:
        await process.end_if_idle(0)
        assert (await client.get("/mcp")).status_code in {400, 406}
    pid = process.pid
    assert pid is not None
    await process.end_if_idle(0)
    assert (process.pid, psutil.pid_exists(pid), said) == (None, False, ["started", "idle, ended"])
    await process.leave()


async def test_a_new_token_closes_the_door_for_the_old_one(gateway: Gateway) -> None:
    dave = party(gateway.file, "dave")
    async with session(gateway, dave) as wire:
        gateway.file.change("dave", token=digest_of(fresh := new_token()))
        assert (await wire.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status_code == 401
        async with Wire(gateway.url, fresh) as again:
            assert (await again.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status_code != 401
    gateway.file.remove("dave")


async def test_a_damaged_file_lets_nobody_in_and_a_mended_one_everybody(gateway: Gateway) -> None:
    good = gateway.file.path.read_text()
    async with Wire(gateway.url, gateway.alice.token) as alice:
        gateway.file.path.write_text(good + "\n[tenants.")
        assert (await alice.post({})).status_code == 401
        gateway.file.path.write_text(good)
        await alice.open()


def tenant_processes(gateway: Gateway) -> list[psutil.Process]:
    assert gateway.process is not None
    return [
        each for each in psutil.Process(gateway.process.pid).children() if "tenant_server" in " ".join(each.cmdline())
    ]


async def test_nothing_that_was_said_is_in_a_log(gateway: Gateway) -> None:
    """What all the tests before this have written: names and what happened, but no token, no call and no value."""
    for each in (gateway.alice, gateway.bob):
        async with session(gateway, each) as wire:
            await wire.act("note")
            await wire.act("no such action", note="a note")
            await wire.post("no json")
    said = gateway.log()
    assert re.search(r"^alice: started$", said, re.MULTILINE)
    for secret in (gateway.alice.token, gateway.bob.token, gateway.alice.tenant.token, ALICES_KEY, PASSPHRASE):
        assert secret not in said
    assert not re.search(r"neighbour|note|tools/call|Traceback", said), said
    for party in (gateway.alice, gateway.bob):
        own = (party.home / "gateway.log").read_text()
        assert party.token not in own
        assert "Traceback" not in own, own
