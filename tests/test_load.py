"""Plugins of every kind, started as workers and called: what they offer, what they answer, what they see."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import uv

from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import ActionError, LoadError
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import Limits
from dynamic_plugins.workers.binding import bind
from dynamic_plugins.workers.components import Host, Offers
from dynamic_plugins.workers.fence.system_paths import CERTIFICATES, certificates_in
from dynamic_plugins.workers.loader import Loader
from tests.loading import call, children, component, connected, loader, native, raw, server, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation


@pytest.fixture
def whole(tmp_path: Path) -> Installation:
    return native(tmp_path, "whole_plugin:plugin", "whole")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that installs packages from the index, once a session, and gives their interpreter."""
    made: dict[tuple[str, ...], Path] = {}

    def make(*packages: str) -> Path:
        if packages not in made:
            folder = tmp_path_factory.mktemp("environment")
            python = folder / "bin" / "python"
            for words in (["venv", "-q", str(folder)], ["pip", "install", "-q", "-p", str(python), *packages]):
                subprocess.run([uv.find_uv_bin(), *words], check=True, timeout=300)
            made[packages] = python
        return made[packages]

    return make


ELIZAOS = """
    commands cron eliza-classic goals inmemorydb knowledge linear memory rss scratchpad shell todo
""".split()  # noqa: SIM905 - names, not a sentence


@pytest.fixture(scope="session")
def elizaos_python(environment: Callable[..., Path]) -> Path:
    """Return the interpreter of an environment with every elizaOS plugin of this file: elizaOS is compiled once."""
    return environment("elizaos", *(f"elizaos-plugin-{each}" for each in ELIZAOS))


def elizaos(path: Path, python: Path, name: str) -> Installation:
    module = f"elizaos_plugin_{name.replace('-', '_')}"
    return replace(native(path, module), kind="elizaos", plugin=name, python=str(python), search_path=())


# ---------------------------------------------------------------- native plugins


async def test_every_kind_of_component_crosses_the_process_boundary(whole: Installation) -> None:
    async with connected(whole) as connection:
        kinds = {(each.kind, each.name) for each in connection.offers.components if each.kind != "action"}
        assert kinds == {("provider", "mood"), ("service", "engine"), ("evaluator", "reader"), ("task", "tick")}
        assert component(connection, "tick").interval == 5.0
        assert component(connection, "add").similes == ("add up", "plus")
        assert component(connection, "greet").parameters == {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "whom"},
                "times": {"type": "integer", "default": 1},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
        assert Offers.from_list(connection.offers.to_list()) == connection.offers


async def test_components_are_called_as_their_kind_wants(whole: Installation) -> None:
    async with connected(whole) as connection:
        plugin = bind("whole", connection.offers, connection.call)
        actions = {each.name: each for each in plugin.actions}
        await plugin.services[0].start()
        assert await actions["greet"].handler(name="Ada", times=2) == "Hello, Ada! Hello, Ada!"
        assert await actions["add"].handler(a=1, b=2.5) == {"sum": 3.5}
        assert await plugin.providers[0].get() == "cheerful, 100% of it"  # type: ignore[misc] # it is awaitable
        assert await plugin.evaluators[0].evaluate({"user": "hi", "reply": "four"}) == 4
        assert [await plugin.tasks[0].run() for _ in range(2)] == [1, 2]
        assert (await actions["state"].handler())["turns"] == [{"user": "hi", "reply": "four"}]
        await plugin.services[0].stop()
        assert (await actions["state"].handler())["running"] is False


async def test_a_service_nobody_started_is_started_by_the_first_call(whole: Installation) -> None:
    async with connected(whole) as connection:
        assert (await call(connection, "state"))["running"] is True
        await call(connection, "engine", do="start")
        assert (await call(connection, "state"))["starts"] == 1


async def test_an_error_is_the_plugins_own_without_its_secrets(whole: Installation) -> None:
    async with connected(whole, WHOLE_KEY="sk-very-secret") as connection:
        with pytest.raises(ActionError) as error:
            await call(connection, "fail")
        assert error.value.reason == "LookupError: nothing there, and the key is ***"
        assert error.value.code == "action_failed"


async def test_a_worker_sees_its_own_configuration_and_little_else(whole: Installation) -> None:
    declared = replace(whole, variables=(Variable("PLAIN"), Variable("HIDDEN", secret=True)))
    os.environ["OF_OURS"] = "not for plugins"
    try:
        async with connected(declared, PLAIN="a plain value", HIDDEN="a hidden value") as connection:
            seen = await call(connection, "environment")
    finally:
        del os.environ["OF_OURS"]
    assert seen["PLAIN"] == "a plain value"
    assert seen["HIDDEN"] == "***"
    allowed = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "LOGNAME"}
    allowed |= {*CERTIFICATES, "NODE_USE_SYSTEM_CA", "DYNAMIC_PLUGINS_WORKER", "PLAIN", "HIDDEN"}
    assert seen.keys() <= allowed


@pytest.mark.parametrize("permissions", [Permissions(), Permissions(network=("example.com",))], ids=["any", "some"])
async def test_a_persons_proxies_reach_what_may_reach_any_host(permissions: Permissions, whole: Installation) -> None:
    host = {"PATH": os.environ["PATH"], "https_proxy": "http://proxy.company:3128"}
    host["HTTP_PROXY"] = "http://ada:secret@proxy.company:3128"
    mine = Loader(limits=Limits(), start_timeout=30, call_timeout=30, log=lambda *_: None, environment=host)
    async with connected(whole, mine, Host(permissions=permissions)) as connection:
        seen = await call(connection, "environment")
    assert seen.get("https_proxy") == (host["https_proxy"] if permissions.network is None else None)
    assert "HTTP_PROXY" not in seen, "it holds a password"


async def test_a_companys_certificates_are_there_wherever_they_are_named_from(
    whole: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    host = {"PATH": os.environ["PATH"], "REQUESTS_CA_BUNDLE": "one", "SSL_CERT_DIR": f"one{os.pathsep}{two}"}
    mine = Loader(limits=Limits(), start_timeout=30, call_timeout=30, log=lambda *_: None, environment=host)
    async with connected(whole, mine) as connection:
        seen = await call(connection, "environment")
    assert seen["REQUESTS_CA_BUNDLE"] == str(one)
    assert seen["SSL_CERT_DIR"] == f"{one}{os.pathsep}{two}"
    assert certificates_in(host)["SSL_CERT_DIR"] == [str(one), str(two)], "what the fence lets it read"


async def test_no_configured_value_shows_among_the_processes(whole: Installation) -> None:
    async with connected(whole, WHOLE_KEY="sk-very-secret") as connection:
        assert connection.pid is not None
        assert "sk-very-secret" not in " ".join(psutil.Process(connection.pid).cmdline())


async def test_wrong_arguments_are_an_error_of_that_call(whole: Installation) -> None:
    async with connected(whole) as connection:
        with pytest.raises(ActionError, match="unexpected keyword argument 'nam'"):
            await call(connection, "greet", nam="Ada")
        with pytest.raises(ActionError, match="missing 1 required"):
            await call(connection, "greet")


async def test_what_a_plugin_prints_is_not_taken_for_an_answer(whole: Installation) -> None:
    async with connected(whole) as connection:
        assert await call(connection, "chatter", lines=200) == "said"


async def test_a_cancelled_call_is_cancelled_in_the_plugin(whole: Installation) -> None:
    async with connected(whole) as connection:
        waiting = asyncio.create_task(call(connection, "wait_for_ever"))
        async with asyncio.timeout(10):
            while "waiting" not in await call(connection, "state"):
                pass
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(10):
            while "cancelled" not in await call(connection, "state"):
                pass


async def test_many_calls_at_once_get_their_own_answers(whole: Installation) -> None:
    async with connected(whole) as connection:
        sums = await asyncio.gather(*(call(connection, "add", a=n, b=n) for n in range(100)))
        assert [each["sum"] for each in sums] == [2 * n for n in range(100)]


async def test_closing_waits_no_longer_than_it_takes_to_leave_and_may_be_repeated(whole: Installation) -> None:
    async with connected(whole) as connection:
        await call(connection, "state")
        begun = time.perf_counter()
        await asyncio.gather(connection.close(), connection.close())
        await connection.close()
        assert time.perf_counter() - begun < 2, "it was given all the time that one gets which does not leave"
        assert not connection.alive


async def test_only_the_contract_of_ours_can_be_imported_by_a_plugin(tmp_path: Path) -> None:
    module = "from dynamic_plugins.plugin import Plugin\nimport dynamic_plugins.errors\nplugin = Plugin('x')\n"
    (tmp_path / "curious.py").write_text(module)
    with pytest.raises(LoadError, match=r"No module named 'dynamic_plugins\.errors'"):
        await loader().connect(replace(native(tmp_path, "curious:plugin"), search_path=(str(tmp_path),)), {})


async def test_a_plugin_may_be_made_by_a_function_and_shadow_any_name_of_the_workers(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(
        "from dynamic_plugins.plugin import Action, Plugin\nimport wire\n"
        "def make():\n    return Plugin('x', actions=[Action('go', '', lambda: wire.WORD)])\n"
    )
    (tmp_path / "wire.py").write_text("WORD = 'mine'\n")
    async with connected(replace(native(tmp_path, "server:make"), search_path=(str(tmp_path),))) as connection:
        assert await call(connection, "go") == "mine"


async def test_a_worker_keeps_its_files_in_a_folder_of_its_own(whole: Installation, tmp_path: Path) -> None:
    from dynamic_plugins.settings import Limits
    from dynamic_plugins.workers.loader import Loader

    place = Loader(limits=Limits(), start_timeout=30, call_timeout=30, log=lambda *_: None, data_dir=tmp_path / "data")
    async with connected(replace(whole, path=str(tmp_path / "plugin-1" / "1.0")), place) as connection:
        assert connection.pid is not None
        assert psutil.Process(connection.pid).cwd() == str(tmp_path / "data" / "plugin-1")


# ---------------------------------------------------------------- MCP servers


async def test_a_protocol_error_and_a_failed_tool_tell_what_they_are(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "plain")) as connection:
        with pytest.raises(ActionError, match="refuse failed: that is no way to ask"):
            await call(connection, "refuse")
        with pytest.raises(ActionError, match="error failed: it did not work"):
            await call(connection, "error")


async def test_a_server_of_the_newest_protocol_only_is_spoken_to_in_it(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "modern")) as connection:
        assert [each.name for each in connection.offers.of("action")] == ["go", "swap", "refuse", "error", "die"]
        assert await call(connection, "go") == "went go"


@pytest.mark.index
async def test_a_server_from_pypi_is_run_in_its_own_interpreter(
    tmp_path: Path, environment: Callable[..., Path]
) -> None:
    python = environment("mcp-server-time")
    installation = replace(
        server(tmp_path, str(python.with_name("mcp-server-time")), name="mcp-server-time"),
        python=str(python),
        entry_point="mcp_server_time:main",
    )
    async with connected(installation) as connection:
        assert [each.name for each in connection.offers.components] == ["get_current_time", "convert_time"]
        now = await call(connection, "get_current_time", timezone="Asia/Tokyo")
        assert now["timezone"] == "Asia/Tokyo"
        assert connection.pid is not None
        assert psutil.Process(connection.pid).children() == []
        with pytest.raises(ActionError, match="Invalid timezone"):
            await call(connection, "get_current_time", timezone="Nowhere/At/All")


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    package = "@modelcontextprotocol/server-everything"
    words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), package]
    subprocess.run(words, check=True, timeout=300, capture_output=True)
    return folder / "node_modules" / package / "dist" / "index.js"


def from_npm(script: Path) -> Installation:
    """Return the install of the server that *script* starts."""
    return server(script.parents[4], "node", str(script))


@pytest.mark.index
async def test_a_server_from_npm_offers_tools_resources_and_prompts(tmp_path: Path, everything: Path) -> None:
    async with connected(from_npm(everything), None, None, API_KEY="sk-1234567890") as connection:
        assert await call(connection, "echo", message="hello") == "Echo: hello"
        assert await call(connection, "get-sum", a=2, b=3) == "The sum of 2 and 3 is 5."
        weather = await call(connection, "get-structured-content", location="New York")
        assert weather.keys() == {"temperature", "conditions", "humidity"}
        picture = await call(connection, "get-tiny-image")
        assert any(isinstance(part, dict) and part["type"] == "image" and part["bytes"] > 100 for part in picture)
        assert (await call(connection, "get-env"))["API_KEY"] == "***"
        resource = next(iter(connection.offers.of("provider")))
        assert resource.address
        assert len(await connection.call(resource, {})) > 20
        assert "Paris" in str(await call(connection, "prompt_args-prompt", city="Paris"))


@pytest.mark.index
async def test_what_a_server_asks_back_the_host_answers(tmp_path: Path, everything: Path) -> None:
    asked: list[Sequence[dict[str, str]]] = []

    async def use_model(messages: Sequence[dict[str, str]]) -> str:
        asked.append(messages)
        return "forty-two"

    host = Host(use_model=use_model, roots=(str(tmp_path),))
    async with connected(from_npm(everything), None, host, API_KEY="sk-very-secret") as connection:
        # It registers the tools that need a client's answer once it knows that the client answers.
        wanted = {"trigger-sampling-request", "get-roots-list"}
        await until(lambda: wanted <= {each.name for each in connection.offers.components})
        said = await call(connection, "trigger-sampling-request", prompt="What is the answer?", maxTokens=10)
        assert "forty-two" in str(said)
        assert "What is the answer?" in asked[0][-1]["content"]
        await call(connection, "trigger-sampling-request", prompt="Is sk-very-secret right?", maxTokens=10)
        assert "Is *** right?" in asked[1][-1]["content"], "another model is not told a secret either"
        assert str(tmp_path) in str(await call(connection, "get-roots-list"))


@pytest.mark.index
async def test_progress_is_told_while_a_call_runs(tmp_path: Path, everything: Path) -> None:
    told: list[float | None] = []
    async with connected(from_npm(everything)) as connection:
        slow = component(connection, "trigger-long-running-operation")
        await connection.call(slow, {"duration": 0.1, "steps": 2}, lambda fraction, _: told.append(fraction))
    assert told == [0.5, 1.0]


# ---------------------------------------------------------------- elizaOS plugins


@pytest.mark.index
async def test_scratchpad_writes_a_note_and_reads_it_back(tmp_path: Path, elizaos_python: Path) -> None:
    notes = str(tmp_path / "notes")
    async with connected(elizaos(tmp_path, elizaos_python, "scratchpad"), SCRATCHPAD_BASE_PATH=notes) as connection:
        assert len(connection.offers.of("action")) == 6
        properties = (component(connection, "SCRATCHPAD_WRITE").parameters or {})["properties"]
        assert {"text", "title", "content", "tags"} <= properties.keys()
        assert "Shopping" in await call(connection, "SCRATCHPAD_WRITE", title="Shopping", content="milk and eggs")
        assert "milk and eggs" in await call(connection, "SCRATCHPAD_READ", id="shopping")
        assert "Shopping" in await call(connection, "scratchpad")
        with pytest.raises(ActionError, match="It asked a language model for title, content"):
            await call(connection, "SCRATCHPAD_WRITE", text="write something down")


@pytest.mark.index
async def test_plain_words_are_understood_by_the_hosts_model(tmp_path: Path, elizaos_python: Path) -> None:
    async def use_model(messages: Sequence[dict[str, str]]) -> str:
        assert "remember that tea is good" in messages[-1]["content"]
        return "<response><title>Tea</title><content>It is good</content></response>"

    notes = str(tmp_path / "notes")
    host = Host(use_model=use_model)
    async with connected(
        elizaos(tmp_path, elizaos_python, "scratchpad"), None, host, SCRATCHPAD_BASE_PATH=notes
    ) as connection:
        assert "Tea" in await call(connection, "SCRATCHPAD_WRITE", text="remember that tea is good")


@pytest.mark.index
async def test_memory_remembers_across_workers(tmp_path: Path, elizaos_python: Path) -> None:
    installation = elizaos(tmp_path, elizaos_python, "memory")
    async with connected(installation) as connection:
        said = await call(connection, "REMEMBER", content="the cat is called Tom", tags=["pets"])
        assert said["data"] == {"content": "the cat is called Tom", "tags": ["pets"], "importance": 2}
    async with connected(installation) as connection:
        assert "the cat is called Tom" in (await call(connection, "RECALL", query="cat"))["text"]


@pytest.mark.index
async def test_a_package_that_does_not_import_says_why(tmp_path: Path, elizaos_python: Path) -> None:
    with pytest.raises(LoadError, match=r"KeyError: 'keywords' \(plugin.py, line \d+"):
        await loader().connect(elizaos(tmp_path, elizaos_python, "eliza-classic"), {})
    assert children() == []


@pytest.mark.index
async def test_a_package_that_offers_nothing_says_what_it_is(tmp_path: Path, elizaos_python: Path) -> None:
    with pytest.raises(LoadError, match=r"offers nothing that can be called.*only prepares a runtime"):
        await loader().connect(elizaos(tmp_path, elizaos_python, "inmemorydb"), {})


@pytest.mark.index
@pytest.mark.parametrize(
    ("package", "actions", "called", "arguments", "said"),
    [
        ("commands", 5, "HELP_COMMAND", {}, "Available Commands"),
        ("cron", 5, "CREATE_CRON", {"text": "create a cron to drink water every 5 minutes"}, "drink water"),
        ("shell", 2, "EXECUTE_COMMAND", {"command": "echo from the worker"}, "from the worker"),
        ("rss", 4, "GET_NEWSFEED", {"url": "http://127.0.0.1/feed"}, "pending_fetch"),
        ("goals", 5, "CREATE_GOAL", {"name": "learn to swim"}, "learn to swim"),
        ("todo", 5, "CREATE_TODO", {"text": "call the dentist"}, "call the dentist"),
        ("knowledge", 5, "search-knowledge", {"query": "cat"}, "results"),
    ],
)
async def test_real_packages_of_many_forms_offer_all_their_actions(
    tmp_path: Path,
    elizaos_python: Path,
    package: str,
    actions: int,
    called: str,
    arguments: dict[str, Any],
    said: str,
) -> None:
    host = Host(permissions=Permissions(programs=("bash", "echo", "sh")))  # "shell" is there to run what it is told
    async with connected(elizaos(tmp_path, elizaos_python, package), None, host) as connection:
        assert len(connection.offers.of("action")) == actions
        assert said in str(await call(connection, called, **arguments))


@pytest.mark.index
async def test_a_service_without_its_key_is_named_by_the_action_that_needs_it(
    tmp_path: Path, elizaos_python: Path
) -> None:
    async with connected(elizaos(tmp_path, elizaos_python, "linear")) as connection:
        assert len(connection.offers.of("action")) == 10
        await call(connection, "linear", do="start")
        with pytest.raises(ActionError, match="linear did not start: LinearAuthenticationError"):
            await call(connection, "LIST_LINEAR_TEAMS")


def test_the_worker_imports_only_the_standard_library() -> None:
    import ast
    from pathlib import Path

    import dynamic_plugins.workers

    used: set[str] = set()
    for path in (Path(dynamic_plugins.workers.__path__[0]) / "child").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                used.add(node.module.partition(".")[0])
    # elizaOS is the plugin's own, asked for where it is there.
    assert used - sys.stdlib_module_names == {"elizaos"}
