"""The pytest plugin, used as somebody would who tests an agent of their own."""

from __future__ import annotations

import importlib
import json
import random
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dynamic_plugins.redaction.detectors.token_formats import warm_up
from tests.conftest import NOT_OURS
from tests.fake_tokens import KINDS, pieces
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

HELLO = Path(__file__).parent.parent / "examples" / "hello-plugin"
SECONDS = 120

CONVERSATION = """
async def test_it_greets(recorded_conversation):
    async with recorded_conversation(registries=["registry.json"]) as talk:
        turn = await talk.say("install hello and switch it on")
        assert [call.tool for call in turn.calls] == ["install_plugin", "activate_plugin"]
        turn = await talk.say("greet Ada")
    assert turn.calls[0].result["result"] == "Hello, Ada!"
    assert turn.reply == "Done: greet Ada"
"""

OWN_AGENT = """
from openai import AsyncOpenAI

async def my_agent(client, model, text):
    answer = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content

async def test_my_agent(recorded_model):
    async with AsyncOpenAI(base_url=recorded_model.base_url, api_key=recorded_model.api_key, max_retries=0) as client:
        assert await my_agent(client, recorded_model.name, SAID) == "Done: " + ANSWERED
"""


def greet(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
    last = messages[-1]
    said = [each["content"] for each in messages if each["role"] == "user"][-1]
    if last["role"] == "user" and said.startswith("install"):
        return [("install_plugin", {"plugin_name": "hello"}), ("activate_plugin", {"plugin_name": "hello"})]
    if last["role"] == "user" and said.startswith("greet"):
        return [("hello__greet", {"name": said.split()[-1]})]
    return f"Done: {said}"


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(greet).serving() as model:
        yield model


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of somebody's, with a registry of one plugin."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DYNAMIC_PLUGINS_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("PYTEST_ADDOPTS", NOT_OURS)
    entry = {"name": "hello", "kind": "python", "packages": [{"type": "path", "name": str(HELLO)}]}
    pytester.makefile(".json", registry=json.dumps({"schema": 1, "plugins": [entry]}))
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Import once what every run below would import anew, since each forgets what it imported."""
    for name in ("jsonschema", "keyring", "mcp", "openai.resources.chat.completions", "vcr"):
        importlib.import_module(name)
    chat = ("chat.model_factory", "chat.redaction_setup", "chat.conversation")
    for name in ("app", *chat, "install.installer", "workers.connection"):
        importlib.import_module(f"dynamic_plugins.{name}")
    parts = ("model_recorder", "conversation_recorder", "cassette_file", "network_guard", "cassette_paths")
    for name in ("endpoint", *parts):
        importlib.import_module(f"dynamic_plugins.testing.{name}")
    warm_up()
    # With the models that read a message: numpy, which they need, cannot be imported twice.
    importlib.import_module("dynamic_plugins.embedded.model")
    importlib.import_module("dynamic_plugins.embedded.managing.reading").mood_of("switch it on")


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:cacheprovider", *options)


def record(project: pytest.Pytester, model: ScriptedModel, *options: str) -> pytest.RunResult:
    where = ("--record-conversations", "--record-model", "scripted", "--record-base-url", model.base_url)
    return run(project, *where, *options)


def cassette(project: pytest.Pytester, name: str) -> Path:
    return project.path / "cassettes" / name


def test_what_was_recorded_is_replayed_without_the_endpoint(project: pytest.Pytester, model: ScriptedModel) -> None:
    project.makepyfile(test_agent=CONVERSATION)
    record(project, model).assert_outcomes(passed=1)
    asked = len(model.requests)
    assert asked == 4

    run(project).assert_outcomes(passed=1)
    assert len(model.requests) == asked, "the endpoint was not asked again"

    text = cassette(project, "agent/it-greets.yaml").read_text()
    told = yaml.safe_load(text)
    assert told["recorded"]["from"]["model"] == "scripted"
    assert told["recorded"]["from"]["endpoint"] == model.base_url.split("/")[2]
    assert told["recorded"]["from"]["package"].startswith("agent-dynamic-plugins ")
    first = told["interactions"][0]
    assert first["request"]["body"]["json"]["messages"][1] == {
        "role": "user",
        "content": "install hello and switch it on",
    }
    assert first["request"]["headers"] == {"content-type": ["application/json"]}
    assert str(project.path) not in text
    assert "authorization" not in text.lower()


def test_an_answer_that_is_left_over_fails_the_test(project: pytest.Pytester, model: ScriptedModel) -> None:
    project.makepyfile(test_agent=CONVERSATION)
    record(project, model).assert_outcomes(passed=1)
    shorter = CONVERSATION.split('        turn = await talk.say("greet')[0]
    project.makepyfile(test_agent=shorter)
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*2 of 4 answers of *it-greets.yaml were used*--record-conversations*"])


def test_a_request_that_was_not_recorded_fails_the_test_and_says_how_it_differs(
    project: pytest.Pytester, model: ScriptedModel
) -> None:
    project.makepyfile(test_agent=CONVERSATION)
    record(project, model).assert_outcomes(passed=1)
    project.makepyfile(test_agent=CONVERSATION.replace('say("greet Ada")', 'say("greet Bob")'))
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*it-greets.yaml has no answer to request 3 of the test*--record-conversations*",
            "*body.messages*content:*",
            "*recorded *greet Ada*",
            "*sent *greet Bob*",
        ]
    )


def test_without_a_cassette_the_test_says_how_to_record_one(project: pytest.Pytester) -> None:
    project.makepyfile(test_agent=CONVERSATION)
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*it-greets.yaml does not exist. Record it with: pytest --record-conversations*"])


def test_a_test_that_fails_is_not_blamed_for_what_it_had_no_time_to_use(
    project: pytest.Pytester, model: ScriptedModel
) -> None:
    project.makepyfile(test_agent=CONVERSATION)
    record(project, model).assert_outcomes(passed=1)
    project.makepyfile(test_agent=CONVERSATION.replace('"install_plugin", "activate_plugin"', '"something_else"'))
    run(project).assert_outcomes(failed=1)


def test_an_agent_of_ones_own_talks_to_the_same_kind_of_cassette(
    project: pytest.Pytester, model: ScriptedModel
) -> None:
    project.makepyfile(test_mine=f"SAID = ANSWERED = 'hello there'\n{OWN_AGENT}")
    record(project, model).assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    assert len(model.requests) == 1
    assert cassette(project, "mine/my-agent.yaml").exists()


UNANSWERED = """
from contextlib import suppress
from openai import AsyncOpenAI

async def test_my_agent(recorded_model):
    async with AsyncOpenAI(base_url=recorded_model.base_url, api_key=recorded_model.api_key, max_retries=0) as client:
        with suppress(Exception):
            await client.models.list()
"""


@pytest.mark.parametrize(
    ("goes_wrong", "before"),
    [
        ("the test fails", "a cassette"),
        ("the test fails", "nothing"),
        ("no answer comes", "a cassette"),
        ("no answer comes", "nothing"),
        ("nothing is asked", "a cassette"),
        ("it is interrupted", "a cassette"),
    ],
)
def test_a_recording_that_goes_wrong_leaves_what_there_was_and_fails(
    goes_wrong: str, before: str, project: pytest.Pytester, model: ScriptedModel
) -> None:
    agent = f"SAID = ANSWERED = 'hello'\n{OWN_AGENT}"
    project.makepyfile(test_mine=agent)
    kept = {}
    if before == "a cassette":
        record(project, model).assert_outcomes(passed=1)
        kept = {path: path.read_bytes() for path in (project.path / "cassettes").rglob("*.yaml")}
        assert len(kept) == 1
    test = {
        "the test fails": f"{agent}        assert False, 'this test fails'\n",
        "no answer comes": UNANSWERED,
        "nothing is asked": "async def test_my_agent(recorded_model):\n    recorded_model.name\n",
        "it is interrupted": f"{agent}        raise KeyboardInterrupt\n",
    }[goes_wrong]
    project.makepyfile(test_mine=test)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        to_nobody = ("--record-base-url", f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        started = project.runpytest_subprocess if goes_wrong == "it is interrupted" else project.runpytest_inprocess
        options = ("--record-conversations", "--record-model", "scripted", "-p", "no:cacheprovider")
        where = to_nobody if goes_wrong == "no answer comes" else ("--record-base-url", model.base_url)
        result = started(*options, *where)

    if goes_wrong == "the test fails":
        result.assert_outcomes(failed=1)
    elif goes_wrong == "it is interrupted":
        assert result.ret == pytest.ExitCode.INTERRUPTED
    else:
        result.assert_outcomes(passed=1, errors=1)
        stays = "stays as it was" if kept else "was not written"
        result.stdout.fnmatch_lines([f"*answered nothing that could be recorded: *my-agent.yaml {stays}.*"])
    found = [path for path in (project.path / "cassettes").rglob("*") if path.is_file()]
    assert {path: path.read_bytes() for path in found} == kept
    assert (project.path / "cassettes").exists() == bool(kept)


@pytest.mark.parametrize("kind", ["openai", "aws", "jwt"])
def test_a_secret_that_an_agent_sends_is_not_in_the_cassette(
    kind: str, project: pytest.Pytester, model: ScriptedModel
) -> None:
    secret = KINDS[kind](random.Random(kind))  # noqa: S311 - a fake that is the same each time
    said = f"SAID = 'my key is {secret}'\nimport os\nANSWERED = SAID if os.environ.get('LIVE') else 'my key is ***'\n"
    project.makepyfile(test_mine=f"{said}{OWN_AGENT}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE", "1")
        record(project, model).assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    text = cassette(project, "mine/my-agent.yaml").read_text()
    assert "my key is ***" in text
    assert [piece for piece in pieces(secret) if piece in text] == []


STREAMED = """
import os
from openai import AsyncOpenAI

async def test_my_agent(recorded_model):
    async with AsyncOpenAI(base_url=recorded_model.base_url, api_key=recorded_model.api_key, max_retries=0) as client:
        asked = [{"role": "user", "content": SAID}]
        answer = await client.chat.completions.create(model=recorded_model.name, messages=asked, stream=True)
        text, arguments = "", ""
        async for chunk in answer:
            delta = chunk.choices[0].delta
            text += delta.content or ""
            arguments += "".join(call.function.arguments or "" for call in delta.tool_calls or ())
        assert SECRET not in text + arguments or os.environ.get("LIVE")
        assert text + arguments == ANSWERED.replace("***", SECRET if os.environ.get("LIVE") else "***")
"""


def in_small_pieces(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a completion as real models do, in the middle of words."""
    message = whole["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in re.findall(r"(?s).{1,4}", message["content"] or "")]
    for index, call in enumerate(message.get("tool_calls", ())):
        deltas.append({"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]})
        for piece in re.findall(r"(?s).{1,4}", call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield {**whole, "object": "chat.completion.chunk", "choices": [choice]}


@pytest.mark.parametrize("within", ["the text", "a tool's arguments"])
@pytest.mark.parametrize("known", ["by its looks", "from the request"])
def test_a_secret_that_is_streamed_in_pieces_is_not_in_the_cassette(
    known: str, within: str, project: pytest.Pytester, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.scripted_model.chunks", in_small_pieces)
    fake = KINDS["github"](random.Random(3))  # noqa: S311 - a fake that is the same each time
    secret = {"by its looks": fake, "from the request": "Kumquat.Fjord.Zeppelin"}[known]
    said = {"by its looks": f"hello {secret}", "from the request": f"my password is {secret}"}[known]
    before, after = ("Zwölf: ", " it is. And then some more.")
    if within == "the text":
        model.script = lambda _messages: f"{before}{secret}{after}"
        answered = f"{before}***{after}"
    else:
        model.script = lambda _messages: [("keep", {"first": before, "then": secret + after})]
        answered = json.dumps({"first": before, "then": f"***{after}"})
    project.makepyfile(test_mine=f"SAID, SECRET, ANSWERED = {said!r}, {secret!r}, {answered!r}\n{STREAMED}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE", "1")
        record(project, model).assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    told = yaml.safe_load(cassette(project, "mine/my-agent.yaml").read_text())
    text = told["interactions"][0]["response"]["body"]
    kept = "".join(re.findall(r'"(?:content|arguments)": "((?:\\.|[^"])*)"', text))
    assert kept.count("***") == 1
    assert [piece for piece in pieces(secret) if piece in kept] == []


COMPLAINT = """
from openai import AsyncOpenAI, AuthenticationError

async def test_my_agent(recorded_model):
    async with AsyncOpenAI(base_url=recorded_model.base_url, api_key=recorded_model.api_key, max_retries=0) as client:
        for text in ("hello", ""):
            try:
                await client.chat.completions.create(
                    model=recorded_model.name, messages=[{"role": "user", "content": text or complaint}]
                )
            except AuthenticationError as error:
                complaint = str(error)
        assert "what you sent" in complaint
"""


def test_the_endpoints_own_key_is_not_in_the_cassette_where_it_complains_of_it(
    project: pytest.Pytester, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "plain-and-simple-words"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    model.status, model.complaint = 401, lambda head, _body: f"what you sent: {head}"
    project.makepyfile(test_mine=COMPLAINT)
    record(project, model).assert_outcomes(passed=1)
    assert key in model.heads[0]
    monkeypatch.delenv("OPENAI_API_KEY")
    run(project).assert_outcomes(passed=1)
    text = cassette(project, "mine/my-agent.yaml").read_text()
    assert "what you sent" in text
    assert "Bearer ***" in text
    assert key not in text


@pytest.mark.parametrize("path", ["/v1", "/Zq8fL2kT9xW4mB7vR1nC6yH3/v1"], ids=["in its query", "in its path"])
def test_what_an_address_says_for_the_endpoint_alone_is_not_in_the_cassette(
    path: str, project: pytest.Pytester, model: ScriptedModel
) -> None:
    project.makepyfile(test_mine=f"SAID = ANSWERED = 'hello there'\n{OWN_AGENT}")
    host = model.base_url.split("/")[2]
    query = "?key=AAAqqq12&plain" if path == "/v1" else ""
    where = f"http://somebody:hunter2secretPW@{host}{path}{query}"
    record(project, model, "--record-base-url", where).assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)

    text = cassette(project, "mine/my-agent.yaml").read_text()
    told = yaml.safe_load(text)
    assert told["recorded"]["from"]["endpoint"] == host
    assert told["recorded"]["from"]["path"] == ("/v1?key=***&***" if query else "/***/v1")
    uri = told["interactions"][0]["request"]["uri"]
    assert uri.startswith("http://recorded.invalid/")
    assert ("key=***&***" if query else "/***/v1/chat/completions") in uri
    assert [secret for secret in ("somebody", "hunter2", "qqq", "Zq8f", "yH3") if secret in text] == []


def test_nothing_reaches_another_machine_while_replaying(project: pytest.Pytester, model: ScriptedModel) -> None:
    outside = """
import asyncio, pytest, socket
from _socket import gethostbyname as known_by_another_name

NAME, ADDRESS = ("models.invalid", 53), ("192.0.2.1", 53)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
WAYS = [
    lambda: socket.create_connection(ADDRESS, timeout=5),
    lambda: socket.getaddrinfo(*NAME),
    lambda: socket.getaddrinfo(host=b"models.invalid", port=53),
    lambda: socket.gethostbyname("models.invalid"),
    lambda: known_by_another_name("models.invalid"),
    lambda: socket.gethostbyname_ex("models.invalid"),
    lambda: socket.gethostbyaddr("192.0.2.1"),
    lambda: socket.getnameinfo(ADDRESS, 0),
    lambda: udp.sendto(b"", ADDRESS),
    lambda: udp.sendto(b"", 0, NAME),
    lambda: udp.sendmsg([b""], [], 0, ADDRESS),
    lambda: udp.connect(NAME),
    lambda: udp.connect_ex(ADDRESS),
]

async def test_outside(recorded_model):
    for way in WAYS:
        with pytest.raises(OSError, match="no network while"):
            way()
    with pytest.raises(OSError, match="no network while"):
        await asyncio.open_connection("models.invalid", 443)

    assert socket.gethostbyname("localhost") == "127.0.0.1"
    assert socket.getaddrinfo("localhost", 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        udp.sendto(b"one", here.getsockname())
        udp.sendmsg([b"two"], [], 0, here.getsockname())
        assert [here.recv(9), here.recv(9)] == [b"one", b"two"]
    udp.close()
"""
    project.makepyfile(test_mine=outside)
    cassette(project, "mine").mkdir(parents=True)
    empty = {"recorded": {"from": {"model": "none", "path": "/v1"}}, "interactions": []}
    cassette(project, "mine/outside.yaml").write_text(yaml.safe_dump(empty))
    run(project).assert_outcomes(passed=1)
    assert model.requests == []


def test_a_marker_names_the_cassette(project: pytest.Pytester, model: ScriptedModel) -> None:
    marked = OWN_AGENT.replace(
        "async def test_my_agent", "@pytest.mark.cassette('Small talk')\nasync def test_my_agent"
    )
    project.makepyfile(test_mine=f"import pytest\nSAID = ANSWERED = 'hello'\n{marked}")
    record(project, model, "--strict-markers").assert_outcomes(passed=1)
    assert cassette(project, "mine/small-talk.yaml").exists()


def test_each_test_has_a_cassette_of_its_own(project: pytest.Pytester, model: ScriptedModel) -> None:
    """Whatever two tests have in common: a name in two classes, parameters that differ in signs, modules of a name."""
    says = "await says(recorded_model, {})"
    head = f"""
import pytest
{OWN_AGENT.split("async def test_")[0]}
async def says(model, text):
    async with AsyncOpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client:
        assert await my_agent(client, model.name, text) == "Done: " + text
"""
    classes = "".join(
        f"class {name}:\n    async def test_x(self, recorded_model):\n        {says.format(repr(name))}\n"
        for name in ("TestA", "TestB", "TestHTTPCalls", "TestOfTwoWords")
    )
    signs = f"""
@pytest.mark.parametrize("name", ["plain", "c++", "c#", pytest.param("long", id="x" * 300)])
async def test_of(recorded_model, name):
    {says.format("name")}

@pytest.mark.cassette("Signs")
@pytest.mark.parametrize("name", ["one", "two"])
async def test_marked(recorded_model, name):
    {says.format("name")}
"""
    project.makepyfile(test_many=head + classes + signs)
    for folder in ("a", "b", "tests", "tests/deeper"):
        (project.path / folder).mkdir()
        same = f"async def test_it(recorded_model):\n    {says.format(repr(folder))}\n"
        (project.path / folder / "test_same.py").write_text(f"{head}\n{same}")
    record(project, model, "--import-mode=importlib").assert_outcomes(passed=14)
    run(project, "--import-mode=importlib").assert_outcomes(passed=14)

    found = sorted(path.relative_to(project.path / "cassettes") for path in project.path.rglob("*.yaml"))
    assert len(found) == 14
    told = {re.sub(r"-[0-9a-f]{6}(?=\.)", "-HASH", path.as_posix()) for path in found}
    assert told == {
        *(f"{folder}same/it.yaml" for folder in ("a/", "b/", "", "deeper/")),
        *(f"many/{name}.x.yaml" for name in ("a", "b", "httpcalls-HASH", "of-two-words")),
        *(f"many/{name}.yaml" for name in ("of-plain", "of-c-HASH", f"of-{'x' * 97}-HASH", "signs-one", "signs-two")),
    }


@pytest.mark.parametrize("options", [(), ("-k", "first"), ("-n", "2")], ids=["all", "one of them", "two processes"])
def test_tests_that_would_share_a_cassette_fail_and_say_so(
    options: tuple[str, ...], project: pytest.Pytester, model: ScriptedModel
) -> None:
    twice = """
@pytest.mark.cassette("small talk")
async def test_{}(recorded_model):
    recorded_model.name
"""
    project.makepyfile(test_mine=f"import pytest\n{twice.format('first')}{twice.format('second')}")
    endpoint = ("--record-conversations", "--record-model", "scripted", "--record-base-url", model.base_url)
    started = project.runpytest_subprocess if "-n" in options else project.runpytest_inprocess
    result = started("-p", "no:cacheprovider", *endpoint, *options)
    result.assert_outcomes(errors=1 if "-k" in options else 2, deselected=1 if "-k" in options else 0)
    result.stdout.fnmatch_lines(
        [
            "*These tests would share one cassette:*",
            "*test_mine.py::test_first*",
            "*test_mine.py::test_second*",
            "*small-talk.yaml*",
            "*pytest.mark.cassette*",
        ]
    )
    assert not (project.path / "cassettes").exists()


def test_without_an_endpoint_the_embedded_model_is_recorded(project: pytest.Pytester) -> None:
    said = """
async def test_it_adds_a_plugin(recorded_conversation):
    async with recorded_conversation(registries=["registry.json"]) as talk:
        turn = await talk.say("install hello and switch it on")
    assert [call.tool for call in turn.calls] == ["install_plugin", "activate_plugin"]
"""
    project.makepyfile(test_agent=said)
    project.runpytest_subprocess("--record-conversations", timeout=SECONDS).assert_outcomes(passed=1)
    told = yaml.safe_load(cassette(project, "agent/it-adds-a-plugin.yaml").read_text())
    assert told["recorded"]["from"]["endpoint"] == "the embedded model, by serve-model"
    run(project).assert_outcomes(passed=1)


def test_what_a_model_answered_stands_in_the_file_as_it_was(project: pytest.Pytester, model: ScriptedModel) -> None:
    odd = "Zwölf “Boxkämpfer”…\n  indented\n\ttabbed, trailing \n\n- list: {not yaml} # nor a comment\n" + "x" * 300
    model.script = lambda _messages: odd
    project.makepyfile(test_mine=f"SAID = 'hi'\nANSWERED = {odd!r}\n{OWN_AGENT.replace('Done: ', '')}")
    record(project, model).assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)


def test_every_pytest_run_pays_next_to_nothing_for_the_plugin() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import dynamic_plugins.testing; "
        "print(set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.strip(" '{}\n") for name in done.stdout.split(",")}
    assert loaded == {"dynamic_plugins", "dynamic_plugins.testing"}
