"""A larger model is one step away: found on this machine, chosen, got, and said to be gone when it is."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.chat.local_models import QUICK, look
from dynamic_plugins.settings import MODEL_SERVERS, ModelServer, Settings
from tests.model_servers import LocalServer, closed_port, hanging, ollama, openai_list
from tests.scripted_model import ScriptedModel
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli

SECONDS = 60.0
KEY = "sk-fake-0123456789abcdefghij"
CTRL_C = "\x03"


def servers_at(cli: Cli, **ports: int) -> None:
    """Have *cli* look for model servers on these ports; ``lm_studio`` is lm-studio, ``llama_cpp`` llama.cpp."""
    kinds = {"lm_studio": "lm-studio", "llama_cpp": "llama.cpp"}
    words = [f"{kinds.get(kind, kind)}:{port}" for kind, port in ports.items()]
    cli.env["DYNAMIC_PLUGINS_MODEL_SERVERS"] = " ".join(words)


def port_of(model: ScriptedModel) -> int:
    return int(model.base_url.split(":")[2].split("/")[0])


@contextmanager
def offering(*names: str) -> Iterator[ScriptedModel]:
    """A model that says hello, behind a server that lists *names* as vLLM does."""
    with ScriptedModel(lambda _: "hello from the larger one").serving() as model:
        model.answers["/v1/models"] = openai_list(*names)
        yield model


@contextmanager
def chatting(cli: Cli, folder: Path, *options: str) -> Iterator[Terminal]:
    command = [*cli.command("chat"), *options]
    with Terminal(command, folder, cli.environment() | {"TERM": "xterm-256color"}, columns=200) as terminal:
        yield terminal


def leave(terminal: Terminal) -> None:
    terminal.shows(r"/help(.|\n)*> ")
    terminal.type("/quit")
    terminal.ends()
    assert terminal.code == 0, terminal.seen


# ---------------------------------------------------------------- looking


async def test_all_servers_are_asked_at_once_and_none_delays_the_others() -> None:
    with ExitStack() as stack:
        garbage = stack.enter_context(LocalServer({"/v1/models": b"<html>Hello</html>"}).serving())
        empty = stack.enter_context(LocalServer({"/v1/models": {"object": "list", "data": []}}).serving())
        good = stack.enter_context(ollama("qwen3:8b").serving())
        servers = [
            *(ModelServer("vllm", stack.enter_context(hanging())) for _ in range(3)),
            ModelServer("lm-studio", garbage.port),
            ModelServer("llama.cpp", empty.port),
            ModelServer("vllm", closed_port()),
            ModelServer("ollama", good.port),
        ]
        began = time.monotonic()
        found = await look(servers, 2.0)
        assert time.monotonic() - began < 4.0
    assert [each.server for each in found] == [each for each in servers if each is not servers[5]]
    assert [each.problem for each in found] == [
        *["does not answer in time"] * 3,
        "answers, but not as a model server does",
        "",
        "",
    ]
    assert [model.name for each in found for model in each.models] == ["qwen3:8b"]


async def test_looking_takes_no_longer_than_it_may() -> None:
    with hanging() as first, hanging() as second:
        began = time.monotonic()
        await look([ModelServer("ollama", first), ModelServer("vllm", second)])
        assert QUICK <= time.monotonic() - began < QUICK + 1.0  # the machine may be busy
    assert QUICK == 0.2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'{"data": "all"}',
        b'{"data": [{"id": 7}, null, {"id": "a b"}, {"id": "\\u001b[2J"}, {"id": "' + b"x" * 300 + b'"}]}',
        b"[" * 200_000,
        b"\xff\xfe\x00",
        b'{"data": [' + b'{"id": "x"},' * 200_000,
    ],
    ids=["nothing", "null", "a list", "a text", "no names", "deep", "no text", "endless"],
)
async def test_whatever_a_stranger_answers_is_no_model(content: bytes) -> None:
    with LocalServer({"/v1/models": content, "/api/tags": content}).serving() as server:
        found = await look([ModelServer("vllm", server.port), ModelServer("ollama", server.port)], 5.0)
    assert [each.models for each in found] == [(), ()]


async def test_models_that_cannot_answer_here_are_told_apart() -> None:
    server = ollama("qwen3:8b", **{"gemma3:4b": ["completion", "vision"], "all-minilm:latest": ["embedding"]})
    server.answers["/api/tags"]["models"].append({"name": "big:cloud", "remote_host": "https://ollama.com:443"})
    with server.serving():
        [found] = await look([ModelServer("ollama", server.port)], 5.0)
    told = {model.name: (model.calls_tools, model.remote_host, model.usable) for model in found.models}
    assert told == {
        "qwen3:8b": (True, None, True),
        "gemma3:4b": (False, None, False),
        "big:cloud": (None, "https://ollama.com:443", False),
    }


def test_the_well_known_ports_are_looked_at_and_others_can_be_named(tmp_path: Path) -> None:
    assert {each.title: each.port for each in MODEL_SERVERS} == {
        "Ollama": 11434,
        "LM Studio": 1234,
        "llama.cpp": 8080,
        "vLLM": 8000,
    }
    told = Settings.from_environment({"DYNAMIC_PLUGINS_MODEL_SERVERS": "ollama:1 vllm:2"}, home=tmp_path)
    assert told.model_servers == (ModelServer("ollama", 1), ModelServer("vllm", 2))
    assert Settings.from_environment({"DYNAMIC_PLUGINS_MODEL_SERVERS": "none"}, home=tmp_path).model_servers == ()
    for wrong in ("ollama", "ollama:99999", "mine:80", "none ollama:1"):
        with pytest.raises(ValueError, match="DYNAMIC_PLUGINS_MODEL_SERVERS"):
            Settings.from_environment({"DYNAMIC_PLUGINS_MODEL_SERVERS": wrong}, home=tmp_path)


# ---------------------------------------------------------------- a chat


def test_a_chat_offers_a_model_that_is_there_and_keeps_the_yes(cli: Cli, tmp_path: Path) -> None:
    with offering("qwen3-8b", "other") as model:
        servers_at(cli, ollama=closed_port(), vllm=port_of(model))
        with chatting(cli, tmp_path) as terminal:
            terminal.shows(r"vLLM runs on this machine and has qwen3-8b and 1 more")
            terminal.shows(r"Use qwen3-8b from now on\? \[y/N\]")
            terminal.type("y")
            terminal.shows("qwen3-8b answers, on this machine")
            terminal.shows(r"/help(.|\n)*> ")
            terminal.type("say hello")
            terminal.shows("hello from the larger one(.|\n)*> ")
            terminal.type("/quit")
            terminal.ends()
        cli.env["HTTP_PROXY"] = cli.env["http_proxy"] = f"http://127.0.0.1:{closed_port()}"
        with chatting(cli, tmp_path) as again:
            again.shows("qwen3-8b answers")
            leave(again)
            assert "[y/N]" not in again.seen
        told = cli("ask", "say hello").json
        assert told["reply"] == "hello from the larger one", "and no proxy is asked"
    assert json.loads(model.requests[0])["model"] == "qwen3-8b"


def test_a_no_is_kept_for_these_models_and_no_others(cli: Cli, tmp_path: Path) -> None:
    with ollama("qwen3:8b", "llama3:8b").serving() as server:
        servers_at(cli, ollama=server.port)
        with chatting(cli, tmp_path) as terminal:
            terminal.shows(r"Use qwen3:8b from now on\? \[y/N\]")
            terminal.type("")
            terminal.shows("The built-in model answers. It is for short, plain orders")
            leave(terminal)
        with chatting(cli, tmp_path) as again:
            leave(again)
            assert "[y/N]" not in again.seen
        server.answers["/api/tags"]["models"].append({"name": "new:1b"})
        with chatting(cli, tmp_path) as third:
            third.shows(r"has new:1b\.")
            third.shows(r"Use new:1b from now on\? \[y/N\]")
            third.type("n")
            leave(third)


def test_ctrl_c_at_the_question_is_no_answer(cli: Cli, tmp_path: Path) -> None:
    with ollama("qwen3:8b").serving() as server:
        servers_at(cli, ollama=server.port)
        with chatting(cli, tmp_path) as terminal:
            terminal.shows(r"\[y/N\]")
            terminal.press(CTRL_C)
            terminal.ends()
            assert terminal.code == 130
        with chatting(cli, tmp_path) as again:
            again.shows(r"\[y/N\]")
            again.type("n")
            leave(again)


def test_only_a_person_at_a_terminal_is_asked_and_only_then_it_is_looked(cli: Cli) -> None:
    with ollama("qwen3:8b").serving() as server:
        servers_at(cli, ollama=server.port)
        cli("chat", stdin="hello\n", json=False)
        cli("chat", stdin="hello\n")
        cli("ask", "hello")
    assert server.asked == []


def test_a_chat_starts_where_servers_hang_or_talk_nonsense(cli: Cli, tmp_path: Path) -> None:
    with hanging() as port, LocalServer({"/api/tags": b"<html>"}).serving() as garbage:
        servers_at(cli, vllm=port, ollama=garbage.port)
        with chatting(cli, tmp_path) as terminal:
            terminal.shows("The built-in model answers")
            leave(terminal)
            assert "[y/N]" not in terminal.seen


@pytest.mark.parametrize("how", ["an argument", "a key", "the built-in one"])
def test_where_a_model_is_configured_nothing_is_looked_for(cli: Cli, tmp_path: Path, how: str) -> None:
    options = []
    with ollama("qwen3:8b").serving() as server:
        servers_at(cli, ollama=server.port)
        if how == "an argument":
            options = ["--base-url", "http://127.0.0.1:9/v1"]
        elif how == "a key":
            cli.env["OPENAI_API_KEY"] = KEY
        else:
            cli("model", "use", "built-in")
        with chatting(cli, tmp_path, *options) as terminal:
            leave(terminal)
            assert "[y/N]" not in terminal.seen
    assert server.asked == []


@pytest.mark.parametrize("how", ["the server ended", "the model was removed", "it hangs", "another server is there"])
def test_a_saved_model_that_is_gone_is_said_and_the_built_in_one_answers(cli: Cli, how: str) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(ollama("qwen3:8b").serving())
        servers_at(cli, ollama=server.port)
        cli("model", "use", "qwen3:8b")
        if how == "the model was removed":
            server.answers["/api/tags"] = {"models": None}
        elif how == "another server is there":
            server.answers.clear()
        elif how == "it hangs":
            release = threading.Event()
            stack.callback(release.set)
            server.answers["/api/tags"] = lambda _: release.wait(SECONDS)
        else:
            stack.close()
        ran = cli("chat", stdin="hello\n")
        assert len(ran.err.splitlines()) == 1
        assert ran.err.startswith("The saved model qwen3:8b is gone: ")
        assert "so the built-in model answers" in ran.err
        assert ran.lines[0]["reply"]
        doctor = cli("doctor", code=1).json
    [check] = [each for each in doctor["checks"] if each["name"] == "model"]
    assert (check["ok"], check["remedy"]) == (False, "start its server, or: dynamic-plugins model use built-in")


def test_arguments_go_before_the_environment_and_that_before_the_saved_choice(cli: Cli) -> None:
    def answering(text: str) -> ScriptedModel:
        return ScriptedModel(lambda _: text)

    with ExitStack() as stack:
        saved, env, given = (
            stack.enter_context(answering(text).serving()) for text in ("saved", "environment", "arguments")
        )
        saved.answers["/v1/models"] = openai_list("a-model", "b-model")
        servers_at(cli, vllm=port_of(saved))
        cli("model", "use", "a-model")
        assert cli("ask", "hello").json["reply"] == "saved"
        assert cli("ask", "hello", "--model", "b-model").json["reply"] == "saved"
        assert [json.loads(each)["model"] for each in saved.requests] == ["a-model", "b-model"]
        cli.env["OPENAI_BASE_URL"], cli.env["OPENAI_API_KEY"] = env.base_url, KEY
        assert cli("ask", "hello").json["reply"] == "environment"
        assert cli("ask", "hello", "--base-url", given.base_url).json["reply"] == "arguments"
        assert cli("ask", "list plugins", "--model", "built-in").json["calls"], "and the built-in one by its name"
        assert len(saved.requests) == 2
        assert not any(KEY in head for head in saved.heads)


def test_what_answers_is_said_in_help_too(cli: Cli, tmp_path: Path) -> None:
    with chatting(cli, tmp_path) as terminal:
        terminal.shows("The built-in model answers. It is for short, plain orders")
        terminal.shows(r"does not chat, write or reason\.(.|\n)*/help(.|\n)*> ")
        terminal.type("/help")
        terminal.shows("The built-in model answers. It is for short(.|\n)*model list(.|\n)*/quit")
        assert terminal.seen.count("The built-in model answers") == 2, "at the start, and in the help"
        leave(terminal)


def test_a_saved_file_that_is_damaged_stops_nothing(cli: Cli, home: Path) -> None:
    home.mkdir()
    for damaged in ("{", "[]", '{"chosen": {"name": "x", "server": "elsewhere", "port": 80}, "declined": []}'):
        (home / "model.json").write_text(damaged)
        assert cli("model", "list").json["answers"]["name"] == "built-in"


# ---------------------------------------------------------------- model list, model use


def test_the_list_shows_what_is_here_and_names_a_key_without_showing_it(cli: Cli) -> None:
    with ollama("qwen3:8b", **{"gemma3:4b": ["completion"]}).serving() as server, hanging() as hung:
        servers_at(cli, ollama=server.port, vllm=hung)
        cli.env["OPENAI_API_KEY"] = KEY
        cli.env["OPENAI_BASE_URL"] = "https://me:a-password@models.example/v1"
        ran = cli("model", "list")
        shown = cli("model", "list", json=False)
    base_url = f"http://127.0.0.1:{server.port}/v1"
    assert ran.json["models"] == [
        {"name": "built-in", "server": None, "answers": False},
        *(
            {
                "name": name,
                "server": "ollama",
                "base_url": base_url,
                "size_bytes": 5_200_000_000,
                "calls_tools": tools,
                "remote_host": None,
                "answers": False,
            }
            for name, tools in (("qwen3:8b", True), ("gemma3:4b", False))
        ),
    ]
    assert [each["problem"] for each in ran.json["servers"]] == [None, "does not answer in time"]
    assert ran.json["environment"] == ["OPENAI_BASE_URL", "OPENAI_API_KEY"]
    assert ran.json["answers"] == {
        "name": None,
        "base_url": "https://models.example/v1",
        "source": "environment",
        "problem": None,
    }
    for said in (ran.out + ran.err, shown.out + shown.err):
        assert KEY not in said
        assert "a-password" not in said
    assert "qwen3:8b" in shown.out
    assert "5.2 GB" in shown.out
    assert "calls no tools" in shown.out
    assert "OPENAI_API_KEY" in shown.err


def test_a_choice_is_shown_and_taken_back(cli: Cli) -> None:
    with ollama("qwen3:latest").serving() as server:
        servers_at(cli, ollama=server.port)
        chosen = cli("model", "use", "qwen3").json["chosen"]
        assert chosen == {"name": "qwen3:latest", "server": "ollama", "port": server.port}
        told = cli("model", "list").json
        assert [each["name"] for each in told["models"] if each["answers"]] == ["qwen3:latest"]
        assert told["answers"]["source"] == "saved"
        checks = {each["name"]: each for each in cli("doctor", code=1).json["checks"]}
        assert "qwen3:latest" in checks["model"]["found"]
        said = cli("model", "use", "built-in", json=False).out
        assert "for short, plain orders" in said
        assert cli("model", "list").json["answers"]["name"] == "built-in"
        checks = {each["name"]: each for each in cli("doctor", code=1).json["checks"]}
        assert "qwen3:latest" in checks["model"]["found"], "a larger one that is there is named"


def test_a_model_that_cannot_be_used_is_not_chosen(cli: Cli) -> None:
    with ollama("same", **{"gemma3:4b": ["completion"]}).serving() as first, offering("same") as second:
        servers_at(cli, ollama=first.port, vllm=port_of(second))
        for name, reason in {
            "nothing": "No model nothing was found on this machine; there are: same, gemma3:4b",
            "gemma3:4b": "calls no tools",
            "same": "--server ollama, --server vllm",
        }.items():
            error = cli("model", "use", name, code=1).json["error"]
            assert error["code"] == "model_unavailable"
            assert reason in error["message"]
        assert cli("model", "list").json["answers"]["source"] == "default"
        assert cli("model", "use", "same", "--server", "vllm").json["chosen"]["server"] == "vllm"


def test_wrong_usage_is_said(cli: Cli) -> None:
    for words in (["use"], ["get"], ["list", "qwen3"], ["lose", "qwen3"]):
        assert cli("model", *words, code=2).json["error"]["code"] == "wrong_usage"


# ---------------------------------------------------------------- model get

LAYER = {"digest": "sha256:ab", "total": 4_700_000_000}


def downloading(server: LocalServer, script: Callable[[Callable[[dict[str, Any]], None]], object]) -> LocalServer:
    server.pull = script
    return server


def test_a_model_is_got_with_a_bar(cli: Cli, tmp_path: Path) -> None:
    seen = threading.Event()

    def script(send: Callable[[dict[str, Any]], None]) -> None:
        send({"status": "pulling manifest"})
        send({"status": "pulling ab", **LAYER})
        send({"status": "pulling ab", "completed": 2_350_000_000, **LAYER})
        assert seen.wait(SECONDS)
        send({"status": "pulling ab", "completed": 4_700_000_000, **LAYER})
        send({"status": "verifying sha256 digest"})
        send({"status": "success"})

    with downloading(ollama(), script).serving() as server:
        servers_at(cli, ollama=server.port)
        command = cli.command("model", "get", "qwen3:8b")
        with Terminal(command, tmp_path, cli.environment() | {"TERM": "xterm-256color"}, columns=120) as terminal:
            terminal.shows("2.4 GB of 4.7 GB", SECONDS)
            seen.set()
            terminal.shows(r"qwen3:8b is there\. To use it: dynamic-plugins model use qwen3:8b", SECONDS)
            terminal.ends()
        assert terminal.code == 0
        ran = cli("model", "get", "qwen3:8b")
    assert ran.json == {"ok": True, "name": "qwen3:8b"}
    assert server.bodies[0] == {"model": "qwen3:8b", "stream": True}


def test_ctrl_c_ends_a_download_and_says_how_to_go_on(cli: Cli, tmp_path: Path) -> None:
    def script(send: Callable[[dict[str, Any]], None]) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            send({"status": "pulling ab", "completed": 1_000_000_000, **LAYER})

    with downloading(ollama(), script).serving() as server:
        servers_at(cli, ollama=server.port)
        command = cli.command("model", "get", "qwen3:8b")
        with Terminal(command, tmp_path, cli.environment() | {"TERM": "xterm-256color"}, columns=120) as terminal:
            terminal.shows("1.0 GB of 4.7 GB", SECONDS)
            terminal.press(CTRL_C)
            terminal.shows(r"Stopped\. Ollama keeps what has come of qwen3:8b; the same command goes on from there\.")
            terminal.ends()
        assert terminal.code == 130
        assert server.pull_broken_off.wait(SECONDS)
        # The same of a program that a signal ends: nothing is half said on standard output.
        server.pull_broken_off.clear()
        with subprocess.Popen(
            cli.command("--json", "model", "get", "qwen3:8b"), env=cli.environment(), stdout=subprocess.PIPE
        ) as process:
            end = time.monotonic() + SECONDS
            while len(server.asked) < 2 and time.monotonic() < end:
                threading.Event().wait(0.02)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=SECONDS)
        assert (process.returncode, out) == (130, b"")
        assert server.pull_broken_off.wait(SECONDS)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"error": "pull model manifest: file does not exist"}], "pull model manifest: file does not exist"),
        ([{"status": "pulling ab", **LAYER}, {"error": "no space left on device"}], "no space left on device"),
        ([{"status": "pulling ab", **LAYER}], "ended without saying"),
        ([["pulling"]], "does not answer as Ollama does"),
    ],
    ids=["unknown", "disk full", "broken off", "garbage"],
)
def test_a_download_that_fails_is_said(cli: Cli, rows: list[Any], reason: str) -> None:
    def script(send: Callable[[Any], None]) -> None:
        for row in rows:
            send(row)

    with downloading(ollama(), script).serving() as server:
        servers_at(cli, ollama=server.port)
        error = cli("model", "get", "qwen3:8b", code=1).json["error"]
    assert error["code"] == "model_unavailable"
    assert reason in error["message"]


def test_a_download_that_says_nothing_more_is_given_up(cli: Cli) -> None:
    release = threading.Event()
    with downloading(ollama(), lambda _: release.wait(SECONDS)).serving() as server:
        servers_at(cli, ollama=server.port)
        cli.env["DYNAMIC_PLUGINS_INSTALL_TIMEOUT"] = "1"
        try:
            error = cli("model", "get", "qwen3:8b", code=1).json["error"]
        finally:
            release.set()
    assert "says nothing more of qwen3:8b" in error["message"]


def test_where_no_ollama_runs_getting_says_what_to_do(cli: Cli) -> None:
    port = closed_port()
    servers_at(cli, ollama=port)
    error = cli("model", "get", "qwen3:8b", code=1).json["error"]
    assert f"No Ollama runs at 127.0.0.1:{port}" in error["message"]
    assert "ollama serve" in error["message"]
