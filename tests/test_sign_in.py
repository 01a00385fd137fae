"""Signing in at a real MCP server with a real authorization server: until it is used, renewed, forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import re
import subprocess
from typing import TYPE_CHECKING, Any

import mcp_types as types
import pytest
from mcp import Client

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError, DeclinedError, NeedsSignInError, SecretStoreError
from dynamic_plugins.integrations.mcp_elicitation import Person as Elicited
from dynamic_plugins.integrations.mcp_server import PluginServer
from dynamic_plugins.settings import Settings
from tests.conftest import COMMAND_SECONDS, Cli
from tests.oauth_server import Browser, oauth_server
from tests.test_mcp_server import in_memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest, Approve, AskSignIn, SignInRequest
    from tests.oauth_server import OAuthServer

PASSPHRASE = {"DYNAMIC_PLUGINS_PASSPHRASE": "a passphrase of this test"}


@pytest.fixture(scope="module")
def server() -> Iterator[OAuthServer]:
    with oauth_server() as running:
        yield running


@pytest.fixture
def registry(tmp_path: Path) -> str:
    """A registry with a remote plugin whose address the person gives."""
    remote = {"url": "http://{NOTES_HOST}/mcp", "transport": "streamable-http", "auth": "oauth"}
    entry = {
        "name": "notes",
        "description": "Adds numbers, somewhere else.",
        "remote": remote,
        "config": [{"name": "NOTES_HOST", "required": True}],
    }
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    return str(path)


@contextlib.asynccontextmanager
async def notes(
    home: Path,
    registry: str,
    server: OAuthServer,
    ask: AskSignIn | None = None,
    passphrase: str | None = PASSPHRASE["DYNAMIC_PLUGINS_PASSPHRASE"],
    approve: Approve = approve_everything,
) -> AsyncIterator[App]:
    """An application in which the plugin is installed, and knows its address."""
    settings = Settings(home=home, registries=(registry,), passphrase=passphrase)
    async with App(settings, approve=approve, ask_sign_in=ask) as app:
        if not app.service.status():
            await app.service.install("notes")
            await app.service.configure("notes", {"NOTES_HOST": server.host})
        yield app


class Person:
    """A person who signs in with *browser*, and what they were shown."""

    def __init__(self, answer: str = "yes", *, pastes: bool = False) -> None:
        self.browser, self.pastes = Browser(answer), pastes
        self.shown: list[SignInRequest] = []
        self.page = ""

    async def __call__(self, request: SignInRequest) -> str | None:
        self.shown.append(request)
        ended_at = await self.browser.sign_in(request.url)
        if self.pastes:
            return ended_at
        self.page = (await self.browser.follow(ended_at)).text
        return None


def everything_in(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())


async def test_one_signs_in_once_and_the_action_answers(home: Path, registry: str, server: OAuthServer) -> None:
    person, agreed = Person(), []

    async def approve(request: ApprovalRequest) -> bool:
        agreed.append(request.verb)
        return True

    async with notes(home, registry, server, person, approve=approve) as app:
        await app.service.activate("notes")
        assert await app.service.call("notes", "add", {"a": 2, "b": 3}) == 5
    assert agreed == ["install", "activate"]
    assert "You can close this page" in person.page
    [request] = person.shown
    assert request.server == server.url
    assert request.scopes == ("notes",)
    assert any(server.host in fact for fact in request.facts)
    # In another process, with another application on the same home, nobody is asked again.
    async with notes(home, registry, server) as app:
        assert await app.service.call("notes", "add", {"a": 4, "b": 3}) == 7


async def test_where_nobody_can_be_asked_the_command_is_told(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server) as app:
        with pytest.raises(NeedsSignInError) as raised:
            await app.service.activate("notes")
        result = await app.toolbox.call("activate_plugin", {"plugin_name": "notes"})
    assert raised.value.to_dict()["code"] == "needs_configuration"
    assert result["error"]["sign_in"] == "dynamic-plugins login notes"
    assert app.service.status()[0].status != "error"


async def test_no_token_is_written_said_or_logged(
    home: Path, registry: str, server: OAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with notes(home, registry, server, Person()) as app:
        await app.service.activate("notes")
        first = server.steer()
        said = await app.service.call("notes", "whisper", {})
        server.steer("end-tokens")
        said_later = await app.service.call("notes", "whisper", {})
        secrets = app.configuration.sign_ins.secrets()
        everything = caplog.text + json.dumps([said, said_later]) + everything_in(home)
        mine = [
            token
            for token in (*secrets, *first["access"], *first["refresh"])
            if token in everything_given(first, secrets)
        ]
    assert len(secrets) == 3  # an access token, one to renew it with, and the secret of the registration
    for token in mine:
        assert token not in everything


async def test_a_sign_in_that_cannot_be_read_any_more_is_not_quoted(
    home: Path, registry: str, server: OAuthServer
) -> None:
    async with notes(home, registry, server, Person()) as app:
        await app.service.activate("notes")
        signed_in = app.configuration.sign_ins.get("notes", server.url)
        assert signed_in is not None
        nameless = {"client_secret": signed_in.client["client_secret"]}
        app.configuration.sign_ins.keep("notes", dataclasses.replace(signed_in, client=nameless, expires_at=1.0))
        with pytest.raises(ActionError, match="signing in failed") as raised:
            await app.service.call("notes", "add", {"a": 1, "b": 2})
    assert signed_in.client["client_secret"][-8:] not in str(raised.value)


def everything_given(told: dict[str, Any], secrets: list[str]) -> set[str]:
    """Return the tokens of this test's own sign-in: the server has given out others to other tests."""
    return {*secrets, told["access"][-1], told["refresh"][-1]}


async def test_a_token_that_ended_is_renewed_and_nobody_is_asked(
    home: Path, registry: str, server: OAuthServer
) -> None:
    person = Person()
    async with notes(home, registry, server, person) as app:
        await app.service.activate("notes")
        before = server.steer("end-tokens")
        assert await app.service.call("notes", "add", {"a": 2, "b": 3}) == 5
    assert server.steer()["renewed"] == before.get("renewed", 0) + 1
    assert len(person.shown) == 1


async def test_a_token_whose_time_is_over_is_not_sent(home: Path, registry: str) -> None:
    with oauth_server(token_seconds=0) as server:
        async with notes(home, registry, server, Person()) as app:
            with pytest.raises(NeedsSignInError):  # each that it gives has ended, the renewed ones too
                await app.service.activate("notes")
        assert server.steer()["renewed"] >= 1


async def test_two_applications_renew_once_and_both_go_on(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server, Person()) as app, notes(home, registry, server) as other:
        await app.service.activate("notes")
        await other.service.call("notes", "add", {"a": 1, "b": 1})
        before = server.steer("end-tokens")
        calls = [each.service.call("notes", "add", {"a": 2, "b": 3}) for each in (app, other) for _ in range(3)]
        assert await asyncio.gather(*calls) == [5] * 6
    assert server.steer()["renewed"] == before.get("renewed", 0) + 1


async def test_a_sign_in_that_was_revoked_is_asked_for_again(home: Path, registry: str, server: OAuthServer) -> None:
    person = Person()
    async with notes(home, registry, server, person) as app:
        await app.service.activate("notes")
        server.steer("forget-all")
        assert await app.service.call("notes", "add", {"a": 2, "b": 3}) == 5
        assert len(person.shown) == 2
        app.service.ask_sign_in = None
        server.steer("forget-all")
        with pytest.raises(NeedsSignInError, match="does not take the earlier sign-in any more"):
            await app.service.call("notes", "add", {"a": 2, "b": 3})
        assert app.configuration.sign_ins.secrets() == []


async def test_uninstalling_forgets_the_sign_in(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server, Person()) as app:
        await app.service.activate("notes")
        assert app.configuration.sign_ins.secrets()
        await app.service.uninstall("notes")
        assert app.configuration.sign_ins.secrets() == []
        assert app.configuration.vault.get(f"notes/sign-in:{'0' * 32}") is None
    assert "issuer" not in (home / "sign-ins.json").read_text()


async def test_logging_out_forgets_it_here_and_there(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server, Person()) as app:
        await app.service.activate("notes")
        tokens = app.configuration.sign_ins.secrets()[:2]
        assert await app.service.sign_out("notes")
        left = server.steer()
        assert not set(tokens) & {*left["access"], *left["refresh"]}
        app.service.ask_sign_in = None
        with pytest.raises(NeedsSignInError):
            await app.service.call("notes", "add", {"a": 2, "b": 3})
        assert not await app.service.sign_out("notes")


async def test_a_person_who_says_no_is_not_asked_on_and_nothing_stays(
    home: Path, registry: str, server: OAuthServer
) -> None:
    person = Person("no")
    async with notes(home, registry, server, person) as app:
        with pytest.raises(DeclinedError):
            await app.service.activate("notes")
        assert app.configuration.sign_ins.secrets() == []
    port = re.search(r":(\d+)/callback", person.shown[0].redirect_uri)
    assert port is not None
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(port[1]))


async def test_a_sign_in_that_is_cancelled_leaves_nothing(home: Path, registry: str, server: OAuthServer) -> None:
    shown: asyncio.Queue[SignInRequest] = asyncio.Queue()

    async def never(request: SignInRequest) -> str | None:
        await shown.put(request)
        await asyncio.Event().wait()
        return None

    async with notes(home, registry, server, never) as app:
        activating = asyncio.create_task(app.service.activate("notes"))
        request = await asyncio.wait_for(shown.get(), COMMAND_SECONDS)
        activating.cancel()
        await asyncio.wait([activating], timeout=COMMAND_SECONDS)
        assert activating.cancelled()
        assert app.configuration.sign_ins.secrets() == []
        port = int(request.redirect_uri.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_without_a_safe_place_nobody_is_asked_and_the_remedy_is_told(
    home: Path, registry: str, server: OAuthServer
) -> None:
    person = Person()
    async with notes(home, registry, server, person, passphrase=None) as app:
        with pytest.raises(SecretStoreError, match="DYNAMIC_PLUGINS_PASSPHRASE"):
            await app.service.activate("notes")
    assert person.shown == []


async def test_what_is_pasted_has_to_be_the_end_of_this_sign_in(home: Path, registry: str, server: OAuthServer) -> None:
    shown: list[SignInRequest] = []
    browser = Browser()

    async def pastes(request: SignInRequest) -> str | None:
        shown.append(request)
        if len(shown) == 1:
            return "http://attacker.example/callback?code=x&state=y"
        if len(shown) == 2:
            return f"{request.redirect_uri}?code=x&state=somebody-elses"
        return await browser.sign_in(request.url)

    async with notes(home, registry, server, pastes) as app:
        await app.service.activate("notes")
    assert [bool(request.problem) for request in shown] == [False, True, True]
    assert "another sign-in" in shown[2].problem


async def test_the_code_alone_will_do(home: Path, registry: str, server: OAuthServer) -> None:
    browser = Browser()

    async def pastes(request: SignInRequest) -> str | None:
        found = re.search("code=([^&]+)", await browser.sign_in(request.url))
        assert found is not None
        return found[1]

    async with notes(home, registry, server, pastes) as app:
        await app.service.activate("notes")
        assert await app.service.call("notes", "add", {"a": 2, "b": 3}) == 5


async def test_over_ssh_one_signs_in_with_a_browser_elsewhere(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server):
        cli = Cli(home, PASSPHRASE)
        pipe = subprocess.PIPE
        login = await asyncio.create_subprocess_exec(
            *cli.command("login", "notes", "--no-browser"), stdin=pipe, stdout=pipe, stderr=pipe, env=cli.environment()
        )
        assert login.stdin is not None
        assert login.stderr is not None
        url = ""
        async with asyncio.timeout(COMMAND_SECONDS):
            while not url.startswith("http"):
                url = (await login.stderr.readline()).decode().strip()
            login.stdin.write(f"{await Browser().sign_in(url)}\n".encode())
            out, _ = await login.communicate()
    assert login.returncode == 0, out
    assert b"notes is signed in at" in out
    async with notes(home, registry, server) as app:
        await app.service.activate("notes")
        assert await app.service.call("notes", "add", {"a": 1, "b": 2}) == 3
    assert cli("logout", "notes").json["signed_out"] is True


async def test_a_login_where_nobody_can_be_asked_says_how(home: Path, registry: str, server: OAuthServer) -> None:
    async with notes(home, registry, server):
        cli = Cli(home, PASSPHRASE)
        assert cli("login", "notes", code=3).json["error"]["code"] == "needs_configuration"
        assert "--no-browser" in cli("login", "notes", code=3, json=False).err


@pytest.mark.parametrize("mode", ["legacy", "auto"], ids=["2025-11-25", "2026-07-28"])
async def test_an_mcp_client_opens_the_page(home: Path, registry: str, server: OAuthServer, mode: Any) -> None:
    browser, messages = Browser(), []

    async def opens(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        if isinstance(params, types.ElicitRequestFormParams):  # whether it may be started for the first time
            return types.ElicitResult(action="accept", content={"agree": True})
        messages.append(params.message)
        await browser.follow(await browser.sign_in(params.url))
        return types.ElicitResult(action="accept")

    async with notes(home, registry, server):
        pass
    async with served(home, opens, mode) as client:
        done = await client.call_tool("activate_plugin", {"plugin_name": "notes"})
        assert done.structured_content is not None
        assert done.structured_content["status"] == "active", done
        assert len(browser.opened) == 1
        assert server.host in messages[0]
    async with served(home, None, mode) as client:
        server.steer("forget-all")
        asked = {"action": "notes__add", "arguments": {"a": 1, "b": 2}}
        failed = await client.call_tool("call_plugin_action", asked)
        assert failed.structured_content is not None
        assert failed.structured_content["error"].get("sign_in") == "dynamic-plugins login notes", failed


@contextlib.asynccontextmanager
async def served(home: Path, opens: Any, mode: Any) -> AsyncIterator[Client]:
    """A client of the server that ``dynamic-plugins mcp`` runs, in this process."""
    behind = Elicited(command=["dynamic-plugins"])
    settings = Settings(home=home, passphrase=PASSPHRASE["DYNAMIC_PLUGINS_PASSPHRASE"])
    asks = {"approve": behind.approve, "ask_values": behind.ask_values, "ask_sign_in": behind.ask_sign_in}
    async with asyncio.timeout(COMMAND_SECONDS), App(settings, **asks, door="mcp") as app:  # type: ignore[arg-type] # by name
        serving = PluginServer(app.toolbox, app.providers, app.service, behind, "dynamic-plugins")
        async with Client(in_memory(serving), mode=mode, elicitation_callback=opens) as client:
            yield client
        await behind.close()
