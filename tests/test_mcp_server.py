"""Our MCP server with the official client, in both generations of the protocol.

What is about a process, its options and its streams is tested on a real one (:func:`connected`, :func:`raw`,
:func:`served`); what is said over them, on the same server in this process (:func:`beside`), which is there at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

import httpx2
import mcp_types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.memory import create_client_server_memory_streams

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.integrations.mcp_elicitation import Person
from dynamic_plugins.integrations.mcp_server import PluginServer
from dynamic_plugins.integrations.secret_form import ValuePage
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import Settings
from tests.conftest import ALONE, EXAMPLES, Cli, workers_of
from tests.integrations.conversations import EACH, Call, Conversation, Held, assert_held, registry
from tests.integrations.conversations import Person as TablePerson
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from mcp.client._transport import TransportStreams
    from mcp.client.session import ElicitationFnT

Mode = Literal["legacy", "auto"]
SECONDS = 60.0
FAKE_KEY = "sk-fake-0123456789abcdefghij"

both = pytest.mark.parametrize("mode", ["legacy", "auto"], ids=["2025-11-25", "2026-07-28"])


@dataclass
class Behind:
    """The person behind a client: what they were asked, and how they answer."""

    agree: bool = True
    dismiss: bool = False
    """Whether they close every question without an answer."""
    secret: str | None = None
    slow: bool = False
    """Whether they say yes to opening the page, and fill it in after that."""
    entering: asyncio.Task[None] | None = None
    asked: list[types.ElicitRequestParams] = field(default_factory=list)

    async def __call__(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:  # noqa: ARG002
        asked = params
        self.asked.append(asked)
        if self.dismiss:
            return types.ElicitResult(action="cancel")
        if not self.agree:
            return types.ElicitResult(action="decline")
        if isinstance(asked, types.ElicitRequestURLParams):
            self.entering = asyncio.create_task(self.enter(asked.url))
            if not self.slow:
                await self.entering
            return types.ElicitResult(action="accept")
        return types.ElicitResult(action="accept", content={"agree": True})

    async def enter(self, url: str) -> None:
        async with httpx2.AsyncClient() as browser:
            page = (await browser.get(url)).text
            (name,) = re.findall(r'<input id="(\w+)" name="\1" type="password"', page)
            sent = await browser.post(url, data={name: self.secret}, headers={"Origin": url.rsplit("/", 1)[0]})
            assert sent.status_code == 200

    @property
    def messages(self) -> str:
        return "\n".join(each.message for each in self.asked)


@contextlib.asynccontextmanager
async def connected(
    cli: Cli, *options: str, mode: Mode = "auto", person: ElicitationFnT | None = None
) -> AsyncIterator[Client]:
    """Start ``dynamic-plugins mcp`` and connect to it; what it wrote to standard error is in ``<home>.err``."""
    command, *words = cli.command("mcp", *options)
    server = StdioServerParameters(command=command, args=words, env=cli.environment())
    with cli.home.with_suffix(".err").open("w") as errors:
        async with (
            asyncio.timeout(SECONDS),
            Client(stdio_client(server, errors), mode=mode, elicitation_callback=person) as client,
        ):
            yield client


@contextlib.asynccontextmanager
async def beside(
    cli: Cli,
    *,
    mode: Mode = "auto",
    person: ElicitationFnT | None = None,
    allow_installs: bool = False,
    registries: tuple[str, ...] = (),
) -> AsyncIterator[Client]:
    """Run the server that ``dynamic-plugins mcp`` runs in this process, with memory in place of pipes, and connect."""
    command = ["dynamic-plugins", "--home", str(cli.home)]
    behind = Person(allow_installs=allow_installs, command=command)
    settings = Settings.from_environment(cli.environment(), home=cli.home, registries=registries)
    async with (
        asyncio.timeout(SECONDS),
        App(settings, approve=behind.approve, ask_values=behind.ask_values, listener=behind.listen) as app,
    ):
        server = PluginServer(app.toolbox, app.providers, app.service, behind, shlex.join(command))
        try:
            async with Client(in_memory(server), mode=mode, elicitation_callback=person) as client:
                yield client
        finally:
            await behind.close()


@contextlib.asynccontextmanager
async def in_memory(server: PluginServer) -> AsyncIterator[TransportStreams]:
    """A client's ends of the streams that *server* is served over, as :func:`serve_stdio` serves it over pipes."""
    async with create_client_server_memory_streams() as (ours, theirs):
        options = server.server.create_initialization_options()
        serving = asyncio.create_task(server.server.run(*theirs, options))
        try:
            yield ours
        finally:
            await ours[1].aclose()  # the end of its input is the end of the server
            await serving


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; its text, its structured content and its error flag must say the same."""
    result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    value = json.loads(block.text)
    assert value == result.structured_content
    assert result.is_error is (not value["ok"])
    assert isinstance(value, dict)
    return value


async def install(cli: Cli, folder: Path) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    async with App(settings, approve=approve_everything) as app:
        await app.service.install_path(folder)


@pytest.fixture
async def hello(cli: Cli) -> Cli:
    """A home where ``hello`` is installed and was never started."""
    await install(cli, EXAMPLES / "hello-plugin")
    return cli


@pytest.fixture
async def secretive(cli: Cli, tmp_path: Path) -> Cli:
    """A home with a plugin that needs a secret, and a place to keep secrets."""
    folder = tmp_path / "secretive"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "secretive"\nversion = "1"\n'
        '[[tool.dynamic-plugins.config]]\nname = "SECRETIVE_KEY"\nrequired = true\nsecret = true\n'
    )
    (folder / "secretive.py").write_text(
        "import os\nfrom dynamic_plugins.plugin import Plugin, action\n"
        '@action\ndef length() -> int:\n    "How long the key is."\n    return len(os.environ["SECRETIVE_KEY"])\n'
        'plugin = Plugin("secretive", actions=[length])\n'
    )
    cli.env["DYNAMIC_PLUGINS_PASSPHRASE"] = "correct horse battery staple"
    await install(cli, folder)
    return cli


# ---------------------------------------------------------------- what is offered


@both
async def test_the_list_of_tools_is_the_same_before_and_after_a_plugin_is_switched_on(hello: Cli, mode: Mode) -> None:
    async with connected(hello, mode=mode, person=Behind()) as client:
        before = (await client.list_tools()).tools
        assert (await call(client, "activate_plugin", plugin_name="hello"))["ok"]
        after = (await client.session.list_tools()).tools
    assert [tool.name for tool in before] == [
        "list_available_plugins",
        "install_plugin",
        "configure_plugin",
        "activate_plugin",
        "deactivate_plugin",
        "unload_plugin",
        "search_plugin_actions",
        "call_plugin_action",
    ]
    assert before == after


async def test_every_tool_says_what_it_may_do_to_the_machine(cli: Cli) -> None:
    async with beside(cli) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations is not None}
    assert {name for name, hint in hints.items() if hint.read_only_hint} == {
        "list_available_plugins",
        "search_plugin_actions",
    }
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {
        "configure_plugin",
        "unload_plugin",
        "call_plugin_action",
    }
    assert {name for name, hint in hints.items() if not hint.idempotent_hint} == {"call_plugin_action"}
    assert hints.keys() == tools.keys()


async def test_what_may_be_left_out_is_not_required_and_schemas_are_closed(cli: Cli) -> None:
    async with beside(cli) as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
    assert schemas["list_available_plugins"]["required"] == []
    assert schemas["install_plugin"]["required"] == ["plugin_name"]
    assert all(schema["additionalProperties"] is False for schema in schemas.values())
    kinds = [shape["type"] for schema in schemas.values() for shape in schema["properties"].values()]
    assert all(isinstance(kind, str) for kind in kinds), "lists of types are not understood everywhere"


async def test_every_tool_tells_what_it_gives_and_gives_nothing_else(hello: Cli) -> None:
    """The client checks each result against its tool's schema; what that does not name, a typed client never sees."""
    async with beside(hello, allow_installs=True, registries=(str(registry()),)) as client:
        schemas = {tool.name: tool.output_schema or {} for tool in (await client.list_tools()).tools}
        given = {
            "list_available_plugins": await call(client, "list_available_plugins", query="time"),
            "install_plugin": await call(client, "install_plugin", plugin_name="hello"),
            "configure_plugin": await call(client, "configure_plugin", plugin_name="hello"),
            "activate_plugin": await call(client, "activate_plugin", plugin_name="hello"),
            "search_plugin_actions": await call(client, "search_plugin_actions", query="greet"),
            "call_plugin_action": await call(
                client, "call_plugin_action", action="hello__greet", arguments={"name": "A"}
            ),
            "deactivate_plugin": await call(client, "deactivate_plugin", plugin_name="hello"),
            "unload_plugin": await call(client, "unload_plugin", plugin_name="hello", uninstall=False),
        }
        failed = await call(client, "install_plugin", plugin_name="no such thing")
    assert given.keys() == schemas.keys()
    for tool, result in given.items():
        assert result["ok"], result
        assert result.keys() <= schemas[tool]["properties"].keys()
    assert failed["error"].keys() <= schemas["install_plugin"]["properties"]["error"]["properties"].keys()
    lines = schemas["list_available_plugins"]["properties"]["plugins"]["items"]["properties"]
    assert all(line.keys() <= lines.keys() for line in given["list_available_plugins"]["plugins"])


async def test_wrong_arguments_are_answered_with_what_is_missing_and_the_schema_that_was_listed(hello: Cli) -> None:
    async with beside(hello, allow_installs=True) as client:
        listed = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        wrong = await call(client, "install_plugin", plugin_name=["hello"])
        assert wrong["error"]["schema"] == listed["install_plugin"]
        nameless = await call(client, "call_plugin_action", arguments={"name": "Ada"})
        assert "'action' is missing" in nameless["error"]["message"]
        assert nameless["error"]["schema"] == listed["call_plugin_action"]


async def test_providers_are_resources(hello: Cli) -> None:
    async with beside(hello) as client:
        uris = [resource.uri for resource in (await client.list_resources()).resources]
        texts = {uri: (await client.read_resource(uri)).contents[0] for uri in uris}
        with pytest.raises(MCPError, match="no resource"):
            await client.read_resource("dynamic-plugins://elsewhere")
    assert uris == [
        "dynamic-plugins://available_plugins",
        "dynamic-plugins://dynamic_plugins_status",
        "dynamic-plugins://plugin_context",
    ]
    status = texts["dynamic-plugins://dynamic_plugins_status"]
    assert isinstance(status, types.TextResourceContents)
    assert [each["name"] for each in json.loads(status.text)["plugins"]] == ["hello"]


# ---------------------------------------------------------------- a conversation


@both
async def test_a_plugin_is_switched_on_used_and_unloaded_with_the_persons_yes(hello: Cli, mode: Mode) -> None:
    person = Behind()
    async with beside(hello, mode=mode, person=person) as client:
        on = await call(client, "activate_plugin", plugin_name="hello")
        assert [each["name"] for each in on["actions"]] == ["greet", "remember", "recall"]
        found = await call(client, "search_plugin_actions", query="say hello to somebody")
        assert found["actions"][0]["action"] == "hello__greet"
        said = await call(client, "call_plugin_action", action="hello__greet", arguments={"name": "Ada"})
        assert said["result"] == "Hello, Ada!"
        await call(client, "call_plugin_action", action="remember", arguments={"note": "tea"})
        kept = await call(client, "call_plugin_action", action="recall", arguments={})
        assert kept["result"] == ["tea"], "the plugin kept running between calls"
        assert (await call(client, "deactivate_plugin", plugin_name="hello"))["status"] == "inactive"
        assert (await call(client, "unload_plugin", plugin_name="hello"))["status"] == "installed"
        assert workers_of(hello.home) == []
    (asked,) = person.asked
    assert asked.message.startswith("Activate hello 1.0.0")
    assert "hello_plugin" in asked.message.partition("  runs ")[2]
    assert "  runs     " in asked.message


@both
async def test_a_no_changes_nothing(hello: Cli, mode: Mode) -> None:
    async with beside(hello, mode=mode, person=Behind(agree=False)) as client:
        refused = await call(client, "activate_plugin", plugin_name="hello")
        assert refused["error"]["code"] == "declined"
        status = (await client.read_resource("dynamic-plugins://dynamic_plugins_status")).contents[0]
        assert '"installed"' in getattr(status, "text", "")
    assert workers_of(hello.home) == []


@both
async def test_a_client_that_cannot_ask_is_told_the_command_and_the_command_works(hello: Cli, mode: Mode) -> None:
    async with beside(hello, mode=mode) as client:
        refused = await call(client, "activate_plugin", plugin_name="hello")
        assert refused["error"]["code"] == "needs_confirmation"
        program, *words = shlex.split(refused["error"]["message"].rpartition("terminal: ")[2])
        assert (program, words[:2]) == ("dynamic-plugins", ["--home", str(hello.home)])
        await asyncio.to_thread(hello, *words[2:])
        # What another process switched on is there in the next call.
        said = await call(client, "call_plugin_action", action="greet", arguments={"name": "Ada"})
        assert said["result"] == "Hello, Ada!"


@both
@pytest.mark.parametrize("allow_installs", [False, True])
async def test_a_question_that_is_dismissed_is_no_refusal_and_the_command_is_told(
    hello: Cli, mode: Mode, allow_installs: bool
) -> None:
    async with beside(hello, mode=mode, person=Behind(dismiss=True), allow_installs=allow_installs) as client:
        dismissed = await call(client, "activate_plugin", plugin_name="hello")
    assert dismissed["error"]["code"] == "needs_confirmation"
    assert "dismissed" in dismissed["error"]["message"]
    command = shlex.split(dismissed["error"]["message"].rpartition("terminal: ")[2])
    assert command == ["dynamic-plugins", "--home", str(hello.home), "activate", "hello"]
    assert workers_of(hello.home) == []


@both
@pytest.mark.parametrize("agree", [True, False])
async def test_what_is_installed_and_switched_on_at_once_waits_for_its_install(
    cli: Cli, mode: Mode, agree: bool
) -> None:
    person = Behind(agree=agree)
    async with beside(cli, mode=mode, person=person, registries=(str(registry()),)) as client:
        installed, active = await asyncio.gather(
            call(client, "install_plugin", plugin_name="hello"),
            call(client, "activate_plugin", plugin_name="hello"),
        )
    if agree:
        assert (installed["status"], active["status"]) == ("installed", "active")
    else:
        assert (installed["error"]["code"], active["error"]["code"]) == ("declined", "not_installed")
    assert len(person.asked) == (2 if agree else 1)


async def test_the_operator_can_agree_beforehand_for_clients_that_cannot_ask(hello: Cli) -> None:
    async with connected(hello, "--allow-installs") as client:
        assert (await call(client, "activate_plugin", plugin_name="hello"))["status"] == "active"


async def test_a_client_that_can_ask_is_asked_even_then(hello: Cli) -> None:
    async with beside(hello, allow_installs=True, person=Behind(agree=False)) as client:
        assert (await call(client, "activate_plugin", plugin_name="hello"))["error"]["code"] == "declined"


async def test_progress_is_told_to_a_client_that_wants_it(hello: Cli) -> None:
    steps: list[tuple[float, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, message))

    async with beside(hello, allow_installs=True) as client:
        await client.call_tool("activate_plugin", {"plugin_name": "hello"}, progress_callback=heard)
    assert steps == [(1.0, "hello: activated")]


async def test_errors_are_results_that_the_model_can_read(cli: Cli) -> None:
    async with beside(cli) as client:
        unknown = await call(client, "install_plugin", plugin_name="mcp-server-tme")
        assert unknown["error"]["code"] == "unknown_plugin"
        assert unknown["error"]["suggestions"][0] == "mcp-server-time"
        assert (await call(client, "install_plugin"))["error"]["code"] == "bad_arguments"
        elsewhere = await call(client, "activate_plugin", plugin_name="mcp-server-time", configuration=[])
        assert (elsewhere["error"]["code"], "configuration" in elsewhere["error"]["message"]) == ("bad_arguments", True)
        nothing = await call(client, "call_plugin_action", action="greet", arguments={})
        assert "No plugin is active" in nothing["error"]["message"]
        with pytest.raises(MCPError, match="no tool 'hello__greet'"):
            await client.call_tool("hello__greet", {})


# ---------------------------------------------------------------- secrets


@both
@pytest.mark.parametrize("slow", [False, True], ids=["at once", "later"])
async def test_a_secret_goes_from_the_persons_browser_to_the_plugin_and_nowhere_else(
    secretive: Cli, mode: Mode, slow: bool
) -> None:
    person = Behind(secret=FAKE_KEY, slow=slow)
    async with connected(secretive, "--verbose", mode=mode, person=person) as client:
        on = await call(client, "activate_plugin", plugin_name="secretive")
        length = await call(client, "call_plugin_action", action="length", arguments={})
    assert on["status"] == "active"
    assert length["result"] == len(FAKE_KEY)
    assert person.entering is not None
    await person.entering
    assert [type(each) for each in person.asked] == [types.ElicitRequestURLParams, types.ElicitRequestFormParams]
    seen = json.dumps([on, length]) + person.messages + secretive.home.with_suffix(".err").read_text()
    kept = "".join(path.read_text(errors="replace") for path in secretive.home.glob("*") if path.is_file())
    assert FAKE_KEY not in seen + kept


@both
async def test_a_person_who_does_not_open_the_page_is_told_the_command(secretive: Cli, mode: Mode) -> None:
    async with beside(secretive, mode=mode, person=Behind(agree=False)) as client:
        refused = await call(client, "activate_plugin", plugin_name="secretive")
    assert refused["error"]["code"] == "needs_configuration"
    assert "dynamic-plugins configure secretive" in refused["error"]["message"]


async def test_a_secret_given_by_the_model_is_refused(secretive: Cli) -> None:
    async with beside(secretive) as client:
        told = [{"name": "SECRETIVE_KEY", "value": FAKE_KEY}]
        refused = await call(client, "configure_plugin", plugin_name="secretive", configuration=told)
    assert refused["error"]["code"] == "bad_arguments"
    assert FAKE_KEY not in json.dumps(refused)


def test_a_client_that_has_only_forms_is_never_shown_a_form_for_a_secret(secretive: Cli) -> None:
    with raw(secretive) as client:
        client.shake_hands({"elicitation": {}})
        answer = client.ask("tools/call", {"name": "activate_plugin", "arguments": {"plugin_name": "secretive"}})
        assert answer["result"]["structuredContent"]["error"]["code"] == "needs_configuration"
        assert [message.get("method") for message in client.seen] == [None, None]


@pytest.fixture
async def page() -> AsyncIterator[ValuePage]:
    variables = [
        Variable("API_KEY", "The key of <b>you</b>", required=True, secret=True),
        Variable("REGION", choices=("eu", "us")),
        Variable("PLACE"),
    ]
    page = ValuePage("<script>alert(1)</script>", variables, 30)
    yield page
    await page.close()


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=10) as browser:
        yield browser


async def test_the_page_asks_for_each_value_and_takes_one_answer(page: ValuePage, browser: httpx2.AsyncClient) -> None:
    shown = await browser.get(page.url)
    assert 'name="API_KEY" type="password"' in shown.text
    assert "<option>eu</option>" in shown.text
    assert "<script>" not in shown.text
    assert "<b>you</b>" not in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    sent = await browser.post(page.url, data={"API_KEY": FAKE_KEY, "REGION": "us", "PLACE": "", "OTHER": "x"})
    assert sent.status_code == 200
    assert FAKE_KEY not in sent.text
    assert await page.values() == {"API_KEY": FAKE_KEY, "REGION": "us"}
    with contextlib.suppress(httpx2.TransportError):  # it may be gone by now, or go while it is asked
        assert (await browser.get(page.url)).status_code == 404


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        (lambda url: url, {"Host": "evil.example"}, 421),
        (lambda url: url, {"Origin": "http://evil.example"}, 403),
        (lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"), {}, 404),
        (lambda url: url.rsplit("/", 1)[0] + "/", {}, 404),
    ],
    ids=["another host's name", "another site's form", "a guessed address", "no address"],
)
async def test_the_page_is_nothing_to_those_who_were_not_given_it(
    page: ValuePage,
    browser: httpx2.AsyncClient,
    change: Callable[[str], str],
    headers: dict[str, str],
    status: int,
) -> None:
    sent = await browser.post(change(page.url), data={"API_KEY": "x"}, headers=headers)
    assert sent.status_code == status
    assert page.useful
    assert (await browser.get(page.url)).status_code == 200


async def test_the_page_takes_no_endless_answer(page: ValuePage, browser: httpx2.AsyncClient) -> None:
    assert (await browser.post(page.url, content=b"x" * 70_000)).status_code == 413
    assert (await browser.post(page.url, content=b"&".join([b"a=1"] * 100))).status_code == 400
    assert page.useful


async def test_a_page_is_closed_though_a_browser_has_stopped_in_the_middle_of_its_answer() -> None:
    page = ValuePage("p", [Variable("KEY", secret=True)], 30)
    address = httpx2.URL(page.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\nContent-Length: 100\r\n"
    writer.write(f"{head}Expect: 100-continue\r\n\r\nKEY=".encode())
    assert b"100" in await asyncio.wait_for(reader.readline(), 20)  # it waits for what is to come
    await asyncio.wait_for(page.close(), 20)
    writer.close()


async def test_a_page_that_nobody_answers_ends_by_itself() -> None:
    page = ValuePage("p", [Variable("KEY", secret=True)], 0.05)
    assert await asyncio.wait_for(page.values(), 10) == {}
    assert not page.useful
    await page.close()


# ---------------------------------------------------------------- the wire


class Raw:
    """A client that is nothing but lines of JSON on a process's standard input and output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.seen: list[dict[str, Any]] = []

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        identifier = len(self.seen) + 1
        self._send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})
        while True:
            assert self._process.stdout is not None
            message = json.loads(self._process.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            self.seen.append(message)
            if message.get("id") == identifier:
                return dict(message)

    def shake_hands(self, capabilities: dict[str, Any]) -> None:
        info = {"name": "raw", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": info})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def raw(cli: Cli, *options: str) -> Iterator[Raw]:
    process = subprocess.Popen(
        cli.command("mcp", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=cli.environment(),
    )
    try:
        client = Raw(process)
        yield client
        rest, _ = process.communicate(timeout=SECONDS)
        assert rest == ""
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_standard_output_is_the_protocols_alone_even_with_json_and_a_plugin_that_prints(
    cli: Cli, tmp_path: Path
) -> None:
    folder = tmp_path / "chatty"
    folder.mkdir()
    (folder / "chatty.py").write_text(
        "import os, sys\nfrom dynamic_plugins.plugin import Plugin, action\n"
        'print("imported")\n'
        '@action\ndef talk() -> str:\n    "Talks."\n    print("{}")\n    os.write(1, b"hey\\n")\n    return "done"\n'
        'plugin = Plugin("chatty", actions=[talk])\n'
    )
    cli("install", "--path", str(folder), "--yes")
    with raw(cli, "--json", "--verbose", "--allow-installs") as client:
        client.shake_hands({})
        client.ask("tools/call", {"name": "activate_plugin", "arguments": {"plugin_name": "chatty"}})
        done = client.ask("tools/call", {"name": "call_plugin_action", "arguments": {"action": "talk"}})
        assert done["result"]["structuredContent"]["result"] == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_the_plugins_workers(hello: Cli, number: signal.Signals) -> None:
    with raw(hello, "--allow-installs") as client:
        client.shake_hands({})
        client.ask("tools/call", {"name": "activate_plugin", "arguments": {"plugin_name": "hello"}})
        assert len(workers_of(hello.home)) == 1
        client._process.send_signal(number)
        client._process.wait(SECONDS)
        assert workers_of(hello.home) == []


class Unfinished(BaseHTTPRequestHandler):
    """A package index that says nothing to the end: an install from it is under way for as long as somebody waits."""

    asked = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.rfile.read(1)  # until the client goes away

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def unfinished(cli: Cli, tmp_path: Path) -> Iterator[threading.Event]:
    """A registry of one plugin whose install does not end by itself; set once that is under way."""
    entry = {"name": "slow", "kind": "mcp", "packages": [{"type": "pypi", "name": "slow", "version": "1.0"}]}
    listed = tmp_path / "slow.json"
    listed.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    Unfinished.asked = threading.Event()
    index = ThreadingHTTPServer(("127.0.0.1", 0), Unfinished)
    index.daemon_threads = True
    with serving(index):
        address = f"http://127.0.0.1:{index.server_port}/simple"
        cli.env |= {"UV_DEFAULT_INDEX": address, "UV_NO_CACHE": "1", "SLOW_REGISTRY": str(listed)}
        yield Unfinished.asked


INSTALL_SLOW: dict[str, Any] = {"name": "install_plugin", "arguments": {"plugin_name": "slow"}}


@pytest.mark.parametrize("closed", ["both ends", "its input", "by a signal"])
def test_a_client_that_goes_away_in_the_middle_of_a_call_leaves_nothing_and_no_traceback(
    cli: Cli, unfinished: threading.Event, closed: str
) -> None:
    command = cli.command("mcp", "--allow-installs", "--registry", cli.env["SLOW_REGISTRY"])
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cli.environment(),
    ) as process:
        client = Raw(process)
        client.shake_hands({})
        client._send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": INSTALL_SLOW})
        assert unfinished.wait(SECONDS)
        assert list(cli.home.glob("runtime_plugins/*/.staging-*"))
        if closed == "by a signal":
            process.terminate()
        else:
            assert process.stdin is not None
            process.stdin.close()
        if closed == "both ends":
            assert process.stdout is not None
            process.stdout.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert list(cli.home.glob("runtime_plugins/*/.staging-*")) == []


async def test_an_agreement_that_was_not_asked_for_does_not_count(hello: Cli) -> None:
    person = Behind()
    async with beside(hello, person=person) as client:
        question = await client.session.call_tool(
            "activate_plugin", {"plugin_name": "hello"}, allow_input_required=True
        )
        assert isinstance(question, types.InputRequiredResult)
        (key,) = question.input_requests or {}
        yes: types.InputResponses = {key: types.ElicitResult(action="accept", content={"agree": True})}
        unasked = await client.session.call_tool(
            "activate_plugin", {"plugin_name": "hello"}, input_responses=yes, allow_input_required=True
        )
        assert isinstance(unasked, types.InputRequiredResult), "an answer without the server's own state is no answer"
        for forged in ("{}", (question.request_state or "")[:-4] + "AAAA"):
            with pytest.raises(MCPError, match="requestState"):
                await client.session.call_tool(
                    "activate_plugin", {"plugin_name": "hello"}, input_responses=yes, request_state=forged
                )
    assert hello("status").json["plugins"][0]["status"] == "installed"


# ---------------------------------------------------------------- over HTTP


@contextlib.asynccontextmanager
async def served(cli: Cli, *options: str) -> AsyncIterator[str]:
    """Serve over HTTP on a free port and give the address."""
    process = await asyncio.create_subprocess_exec(
        *cli.command("mcp", "--http", "--port", "0", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=cli.environment(),
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(SECONDS):
            first = (await process.stderr.readline()).decode()
            match = re.search(r"http://127\.0\.0\.1:\d+/mcp", first)
            assert match is not None, first + (await process.stderr.read()).decode()
            yield match.group()
            process.terminate()
            out, err = await process.communicate()
        assert (out, err, process.returncode) == (b"", b"", 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@both
async def test_two_clients_over_http_use_the_same_plugins(hello: Cli, mode: Mode) -> None:
    async with served(hello, "--no-token") as url, asyncio.timeout(SECONDS):
        person = Behind()
        async with Client(url, mode=mode, elicitation_callback=person) as one, Client(url, mode=mode) as other:
            assert (await call(one, "activate_plugin", plugin_name="hello"))["status"] == "active"
            said = await call(other, "call_plugin_action", action="greet", arguments={"name": "Ada"})
        assert said["result"] == "Hello, Ada!"
        assert len(person.asked) == 1
    assert workers_of(hello.home) == []


@both
async def test_a_signal_ends_the_server_quietly_while_clients_are_connected_and_calls_are_under_way(
    cli: Cli, unfinished: threading.Event, mode: Mode
) -> None:
    options = ("--no-token", "--allow-installs", "--registry", cli.env["SLOW_REGISTRY"])
    async with AsyncExitStack() as after, served(cli, *options) as url, asyncio.timeout(SECONDS):
        # The client is closed after the server, which ends with this block and must have written nothing.
        client = await after.enter_async_context(Client(url, mode=mode))
        await client.list_tools()
        installing = asyncio.create_task(client.call_tool("install_plugin", INSTALL_SLOW["arguments"]))
        assert await asyncio.to_thread(unfinished.wait, SECONDS)
    with contextlib.suppress(Exception):
        await installing
    assert list(cli.home.glob("runtime_plugins/*/.staging-*")) == []


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
JSON_HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


async def test_pages_of_other_sites_cannot_reach_the_server(cli: Cli, browser: httpx2.AsyncClient) -> None:
    async with served(cli, "--no-token") as url:
        port = url.split(":")[2].split("/")[0]
        for headers, status in [
            ({"Host": "evil.example"}, 421),
            ({"Host": f"evil.example:{port}"}, 421),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "http://localhost:1"}, 403),
            ({"Content-Type": "text/plain"}, 400),
        ]:
            answer = await browser.post(url, content=json.dumps(PING), headers=JSON_HEADERS | headers)
            assert answer.status_code == status, headers


async def test_without_a_token_of_the_operators_one_is_made_and_told_once(
    cli: Cli, browser: httpx2.AsyncClient
) -> None:
    process = await asyncio.create_subprocess_exec(
        *cli.command("mcp", "--http", "--port", "0"), stderr=subprocess.PIPE, env=cli.environment()
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(SECONDS):
            told = (await process.stderr.readline() + await process.stderr.readline()).decode()
            url = re.search(r"http://127\.0\.0\.1:\d+/mcp", told)
            token = re.search(r"Authorization: (Bearer \S{40,})", told)
            assert url is not None, told
            assert token is not None, told
            assert (await browser.post(url[0], content="{}", headers=JSON_HEADERS)).status_code == 401
            bearer = httpx2.AsyncClient(headers={"Authorization": token[1]})
            async with bearer, Client(streamable_http_client(url[0], http_client=bearer)) as client:
                assert len((await client.list_tools()).tools) == 8
            process.terminate()
            assert await process.stderr.read() == b""
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has the switch")
def test_a_process_that_holds_secrets_cannot_be_looked_into() -> None:
    script = (
        "import ctypes; from dynamic_plugins.core.host_process import keep_memory_private; keep_memory_private();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "0"


async def test_a_home_that_others_may_read_is_closed_to_them(cli: Cli) -> None:
    cli.home.mkdir(parents=True)
    cli.home.chmod(0o755)
    async with connected(cli) as client:
        await client.list_tools()
    assert cli.home.stat().st_mode & 0o777 == 0o700


async def test_with_a_token_only_those_who_bring_it_are_served(cli: Cli, browser: httpx2.AsyncClient) -> None:
    cli.env["DYNAMIC_PLUGINS_MCP_TOKEN"] = "a-fake-token"
    async with served(cli) as url, asyncio.timeout(SECONDS):
        lower = {"Authorization": "bearer a-fake-token", **JSON_HEADERS}
        assert (await browser.post(url, json=PING, headers=lower)).status_code != 401, "schemes have no case"
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "a-fake-token"}):
            answer = await browser.post(url, content=json.dumps(PING), headers=JSON_HEADERS | headers)
            assert answer.status_code == 401
        bearer = httpx2.AsyncClient(headers={"Authorization": "Bearer a-fake-token"})
        async with bearer, Client(streamable_http_client(url, http_client=bearer)) as client:
            assert len((await client.list_tools()).tools) == 8


@pytest.mark.parametrize("command", [("mcp", "--http"), ("serve-model",)])
def test_a_port_that_is_taken_is_said(cli: Cli, command: tuple[str, ...]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = cli(*command, "--port", str(port), code=1)
    assert (ran.out, str(port) in ran.err) == ("", True)


# ---------------------------------------------------------------- real packages, real clients


@EACH
async def test_every_conversation_gives_over_mcp_what_it_gives_everywhere(conversation: Conversation, cli: Cli) -> None:
    held = Held()
    table = TablePerson(conversation, held)

    async def person(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked = params
        if isinstance(asked, types.ElicitRequestURLParams):  # the table's person is at no browser
            return types.ElicitResult(action="decline")
        return types.ElicitResult(action="accept", content={"agree": table.agrees(asked.message.splitlines()[0])})

    async with connected(cli, "--registry", str(registry()), person=person) as client:
        ours = {tool.name for tool in (await client.list_tools()).tools}

        async def use(wanted: Call) -> tuple[str, dict[str, Any]]:
            if wanted.tool in ours:
                return wanted.tool, await call(client, wanted.tool, **wanted.arguments)
            arguments = {"action": wanted.tool, "arguments": wanted.arguments}
            return wanted.tool, await call(client, "call_plugin_action", **arguments)

        for step in (step for turn in conversation.turns for step in turn.steps):
            held.results += await asyncio.gather(*(use(wanted) for wanted in step))
        found = await call(client, "search_plugin_actions", query="hello moods time")
    held.offered.append(frozenset(ours | {each["action"] for each in found["actions"]}))
    await assert_held(held, conversation)


INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"


@pytest.mark.index
def test_the_inspector_lists_the_tools_and_installs_and_uses_a_plugin(cli: Cli, tmp_path: Path) -> None:
    if (npx := shutil.which("npx")) is None:
        pytest.skip("there is no npx on PATH")
    # npx takes longer to start than what it starts: it is asked once where that lies.
    where = [npx, "--yes", f"--package={INSPECTOR}", "--call", "command -v mcp-inspector"]
    inspector = subprocess.run(where, capture_output=True, text=True, timeout=180, cwd=tmp_path, check=True).stdout
    command = [inspector.strip(), "--cli", "--connect-timeout", "120000", *cli.command("mcp", "--allow-installs")]
    # The inspector hands a server only a few variables; what the package index needs here is named.
    for name, value in cli.environment().items():
        if name.startswith(("UV_", "SSL_CERT_", "PYTHON_KEYRING")) or name.upper().endswith("_PROXY"):
            command += ["-e", f"{name}={value}"]

    def inspect(*words: str) -> Any:
        done = subprocess.run(
            [*command, *words], capture_output=True, text=True, timeout=180, cwd=tmp_path, env=os.environ.copy()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def use(tool: str, **arguments: str) -> Any:
        pairs = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
        return inspect("--method", "tools/call", "--tool-name", tool, *pairs)["structuredContent"]

    assert len(inspect("--method", "tools/list", "--strict")["tools"]) == 8
    assert use("install_plugin", plugin_name="mcp-server-time")["status"] == "installed"
    assert use("activate_plugin", plugin_name="mcp-server-time")["status"] == "active"
    now = use("call_plugin_action", action="get_current_time", arguments='{"timezone": "Asia/Tokyo"}')
    assert now["result"]["timezone"] == "Asia/Tokyo"


def test_the_server_needs_nothing_from_its_environment_to_answer(cli: Cli) -> None:
    """Clients start servers with little more than PATH and HOME."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
    request["params"] = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
    done = subprocess.run(
        [sys.executable, "-m", "dynamic_plugins", "mcp"],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=ALONE | {"HOME": str(cli.home), "PATH": os.environ["PATH"]},
    )
    assert json.loads(done.stdout)["result"]["protocolVersion"] == "2025-06-18"
    assert (done.stderr, done.returncode) == ("", 0)
