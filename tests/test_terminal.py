"""What a person sees at a terminal: asked for something, and in a conversation."""

from __future__ import annotations

import json
import random
import re
import stat
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests import slow_server
from tests.conftest import EXAMPLES, workers_of
from tests.fake_tokens import KINDS
from tests.scripted_model import Messages, ScriptedModel
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli

GITHUB = KINDS["github"](random.Random(1))  # noqa: S311 - a fake
FAKE_KEY = "sk-fake-0123456789abcdefghij"
SECONDS = 60.0
CTRL_C = "\x03"
UP = "\x1b[A"

Wanted = str | list[tuple[str, dict[str, Any]]]


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
def test_a_secret_that_is_typed_is_not_shown(cli: Cli, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "secretive"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "secretive"\n'
        '[[tool.dynamic-plugins.config]]\nname = "SECRETIVE_KEY"\nrequired = true\nsecret = true\n'
    )
    (folder / "secretive.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('secretive')\n")
    cli.env["DYNAMIC_PLUGINS_PASSPHRASE"] = "correct horse battery staple"
    cli("install", "--path", str(folder), "--yes")
    command = cli.command("configure", "secretive")
    with Terminal(command, tmp_path, cli.environment() | {"TERM": kind}) as terminal:
        asked = terminal.prompt(60)
        assert asked is not None
        assert "SECRETIVE_KEY" in asked
        terminal.type(FAKE_KEY)
        assert terminal.prompt(60) is None
    assert terminal.code == 0
    assert FAKE_KEY not in terminal.seen
    assert "secretive is configured" in terminal.seen


# ---------------------------------------------------------------- a conversation


@contextmanager
def talking(
    cli: Cli, model: ScriptedModel, folder: Path, *options: str, columns: int = 80, **env: str
) -> Iterator[Terminal]:
    """Hold a conversation with *model* in a terminal that can do what terminals can; it waits for the first message."""
    command = cli.command(*options, "chat", "--base-url", model.base_url, "--model", "scripted")
    with Terminal(command, folder, cli.environment() | {"TERM": "xterm-256color"} | env, columns) as terminal:
        terminal.shows("/help")
        terminal.shows("> ")
        yield terminal
        terminal.type("/quit")
        terminal.ends()
    assert terminal.code == 0, terminal.seen


def does(**answers: Wanted) -> Callable[[Messages], Wanted]:
    """A script: what the last message begins with says what is answered, and results are followed by "Done."."""

    def script(messages: Messages) -> Wanted:
        if messages[-1]["role"] == "tool":
            return "Done."
        return answers[messages[-1]["content"].split()[0]]

    return script


def hello(cli: Cli) -> None:
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")


INSTALL: Wanted = [("activate_plugin", {"plugin_name": "hello"})]
GREET: Wanted = [("hello__greet", {"name": "Ada"})]


def test_a_reply_is_shown_word_by_word_and_broken_between_words(cli: Cli, tmp_path: Path) -> None:
    reply = "Here are some words, more of them than one line of this narrow terminal can hold. END of it."
    go_on = threading.Event()
    with ScriptedModel(does(talk=reply)).serving() as model:
        model.before_word = lambda word: go_on.wait(SECONDS) if word.startswith("END") else None
        with talking(cli, model, tmp_path, columns=40) as terminal:
            terminal.type("talk")
            terminal.shows(r"terminal\s+can")
            assert "END" not in terminal.seen, "the rest has not been sent yet"
            go_on.set()
            terminal.shows(r"END of it\.\s+> ")
    said = [line for line in terminal.seen.splitlines() if "words" in line or "narrow" in line]
    assert len(said) >= 2
    assert all(len(line) <= 40 for line in said), said


def test_what_a_search_found_is_a_table_and_the_models_own_words_are_all_there(cli: Cli, tmp_path: Path) -> None:
    find: Wanted = [("list_available_plugins", {"query": "time zones", "limit": 3})]
    with ScriptedModel(does(find=find)).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("find something")
        terminal.shows(r"· search: time zones")
        terminal.shows(r"plugin +what it does")
        terminal.shows(r"mcp-server-time +Tells the current")
        terminal.shows(r"of \d+ known plugins")
        terminal.shows(r"Done\.\s+> ")
        assert '{"' not in terminal.seen, "arguments are shown in words"


def test_the_embedded_models_reply_does_not_say_again_what_the_table_has_shown(cli: Cli, tmp_path: Path) -> None:
    command = cli.command("chat")
    with Terminal(command, tmp_path, cli.environment() | {"TERM": "xterm-256color"}) as terminal:
        terminal.shows("> ")
        terminal.type("which plugin can search the web?")
        terminal.shows(r"Which one shall I install\?\s+> ")
        assert terminal.seen.count("duckduckgo-mcp-server") == 1
        terminal.type("/quit")
        terminal.ends()


def test_the_tools_and_the_commands_are_tables_and_a_command_that_is_none_is_not_repeated(
    cli: Cli, tmp_path: Path
) -> None:
    hello(cli)
    cli("activate", "hello")
    with ScriptedModel(does()).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("/tools")
        terminal.shows(r"tool +what it does")
        terminal.shows(r"install_plugin +Install one plugin")
        terminal.shows(r"hello__greet +Greets somebody by name")
        terminal.shows("> ")
        terminal.type("/help")
        terminal.shows(r"/status +installed plugins")
        terminal.shows("> ")
        terminal.press("/st\t")
        terminal.shows("/status")
        terminal.type("")
        terminal.shows(r"hello +\S+ +python +active")
        terminal.shows("> ")
        terminal.type(f"/{FAKE_KEY}")
        terminal.shows(r"no such command\. There are")
        terminal.shows("> ")
        terminal.type("/stauts")
        terminal.shows(r"Did you mean /status\?")
        terminal.shows("> ")
        terminal.type("/exit")
        terminal.shows(r"Did you mean /quit\?")
    assert model.requests == []
    assert FAKE_KEY not in (cli.home / "chat-history").read_text()


@pytest.mark.parametrize("word", ["quit", "Exit"])
def test_whoever_types_quit_or_exit_alone_leaves_and_the_model_is_not_asked(
    cli: Cli, tmp_path: Path, word: str
) -> None:
    with ScriptedModel(does()).serving() as model:
        command = cli.command("chat", "--base-url", model.base_url, "--model", "scripted")
        with Terminal(command, tmp_path, cli.environment() | {"TERM": "xterm-256color"}) as terminal:
            terminal.shows("> ")
            terminal.type("help")
            terminal.shows(r"/quit +leave")
            terminal.shows("> ")
            terminal.type(word)
            terminal.ends()
        assert terminal.code == 0
    assert model.requests == []


def test_ctrl_c_at_a_question_stops_the_turn_and_nothing_is_done(cli: Cli, tmp_path: Path) -> None:
    hello(cli)
    with ScriptedModel(does(on=INSTALL, talk="Here I am.")).serving() as model:
        with talking(cli, model, tmp_path) as terminal:
            terminal.type("on with hello")
            terminal.shows(r"Activate hello .*\[y/N\]")
            terminal.press(CTRL_C)
            terminal.shows(r"Stopped\. This turn is forgotten\.\s+> ")
            terminal.type("talk")
            terminal.shows(r"Here I am\.\s+> ")
        assert [each["content"] for each in json.loads(model.requests[-1])["messages"][1:]] == ["talk"]
    assert "Traceback" not in terminal.seen
    assert cli("status", "hello").json["plugins"][0]["status"] == "installed"


def test_ctrl_c_after_a_question_stops_the_call_that_is_under_way(cli: Cli, tmp_path: Path) -> None:
    registry = str(slow_server.registry(tmp_path))
    cli("--registry", registry, "install", slow_server.NAME, "--yes")
    work: Wanted = [(slow_server.TOOL, {"until": str(tmp_path / "never")})]
    on: Wanted = [("activate_plugin", {"plugin_name": slow_server.NAME})]

    def script(messages: Messages) -> Wanted:
        return work if messages[-1]["role"] == "tool" else does(work=on, talk="Here I am.")(messages)

    with ScriptedModel(script).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("work with slow-server")
        terminal.shows(r"Activate slow-server .*\[y/N\]")
        terminal.type("y")
        terminal.shows("half of it is done")
        terminal.press(CTRL_C)
        terminal.shows(r"Stopped\. This turn is forgotten\. Done before that, and kept: activate\s+slow-server\.")
        terminal.shows("> ")
        terminal.type("talk")
        terminal.shows(r"Here I am\.\s+> ")
    assert workers_of(cli.home) == []


def test_ctrl_c_stops_a_reply_and_the_conversation_goes_on(cli: Cli, tmp_path: Path) -> None:
    go_on = threading.Event()
    with ScriptedModel(does(talk="One two END", again="Here I am.")).serving() as model:
        model.before_word = lambda word: go_on.wait(SECONDS) if word.startswith("END") else None
        with talking(cli, model, tmp_path) as terminal:
            terminal.type("talk")
            terminal.shows("One")
            terminal.press(CTRL_C)
            terminal.shows(r"Stopped\..*\s+> ")
            go_on.set()
            terminal.type("again")
            terminal.shows(r"Here I am\.\s+> ")
        assert "END" not in terminal.seen


def test_what_was_typed_before_a_question_is_no_answer_to_it(cli: Cli, tmp_path: Path) -> None:
    hello(cli)
    go_on, asked = threading.Event(), threading.Event()

    def script(messages: Messages) -> Wanted:
        asked.set()
        assert go_on.wait(SECONDS)
        return does(on=INSTALL)(messages)

    with ScriptedModel(script).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("on with hello")
        assert asked.wait(SECONDS)
        terminal.press("y\r")
        go_on.set()
        terminal.shows(r"\[y/N\]")
        terminal.type("n")
        terminal.shows(r"activate hello: declined")
        terminal.shows(r"Done\.\s+> ")
    assert cli("status", "hello").json["plugins"][0]["status"] == "installed"


def test_a_pasted_token_leaves_the_screen_and_is_not_in_what_is_kept_of_the_conversation(
    cli: Cli, tmp_path: Path
) -> None:
    with ScriptedModel(does(talk="Here I am.")).serving() as model:
        with talking(cli, model, tmp_path) as terminal:
            terminal.press(f"\x1b[200~talk of this:\nkey {GITHUB} it is\nand that\x1b[201~")
            terminal.shows("and that")
            terminal.type("")
            terminal.shows(r"> talk of this:\n  key \[secret:1:GITHUB\] it is\n  and that")
            terminal.shows(r"A secret was kept out of the conversation")
            terminal.shows(r"Here I am\.\s+> ")
            assert GITHUB not in terminal.seen.partition("A secret was kept")[2]
        assert GITHUB.encode() not in b"".join(model.requests)
        sent = [each["content"] for each in json.loads(model.requests[0])["messages"][1:]]
        assert sent == ["talk of this:\nkey [secret:1:GITHUB] it is\nand that"], "lines that are pasted are one message"

        history = cli.home / "chat-history"
        assert stat.S_IMODE(history.stat().st_mode) == 0o600
        assert all(GITHUB not in path.read_text(errors="replace") for path in cli.home.rglob("*") if path.is_file())

        with talking(cli, model, tmp_path) as terminal:
            terminal.press(UP)
            terminal.shows(r"\[secret:1:GITHUB\] it is")
            terminal.press(CTRL_C)


def test_what_strangers_wrote_cannot_control_the_terminal(cli: Cli, tmp_path: Path) -> None:
    codes = r"\x1b]0;pwned\x07\x1b[5;31m\x9b2J"
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "evil.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n"
        "@action()\n"
        f"def speak() -> str:\n    '{codes}[bold]Speaks[/].'\n    return '{codes}Spoken'\n"
        "plugin = Plugin('evil', actions=[speak])\n"
    )
    cli("install", "--path", str(folder), "--yes")
    cli("activate", "evil")
    with Terminal(cli.command("call", "evil", "speak"), tmp_path, cli.environment()) as terminal:
        terminal.ends()
    assert "Spoken" in terminal.seen
    harmless(terminal)
    said = "\x1b]0;pwned\x07 \x1b[5;31m I \x9b2J am \u202e evil."
    with ScriptedModel(does(talk=said)).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("/tools")
        terminal.shows(r"\[bold\]Speaks\[/\]")
        terminal.shows("> ")
        terminal.type("talk")
        terminal.shows(r"evil\.\s+> ")
    harmless(terminal)


def test_a_question_shows_what_cannot_be_seen(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "a\x1b[5;31mplace"
    place.mkdir()
    registry = slow_server.registry(tmp_path).rename(place / "registry.json")
    command = cli.command("--registry", str(registry), "install", slow_server.NAME)
    with Terminal(command, tmp_path, cli.environment(), columns=400) as terminal:
        terminal.shows(r"listed in \S*a\\x1b\[5;31mplace")
        terminal.shows(r"\[y/N\]")
        terminal.type("n")
        terminal.ends()
    assert terminal.code == 4
    harmless(terminal)


def harmless(terminal: Terminal) -> None:
    for code in ("\x1b]", "\x1b[5;31m", "\x9b", "\u202e"):
        assert code not in terminal.raw


def test_a_plugins_long_work_is_shown_as_a_bar_that_goes_away(cli: Cli, tmp_path: Path) -> None:
    registry = str(slow_server.registry(tmp_path))
    cli("--registry", registry, "install", slow_server.NAME, "--yes")
    cli("--registry", registry, "activate", slow_server.NAME)
    until = tmp_path / "until"
    work: Wanted = [(slow_server.TOOL, {"until": str(until)})]
    with ScriptedModel(does(work=work)).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("work")
        terminal.shows(r"slow-server ━+\S* *━+ half of it is done")
        until.touch()
        terminal.shows(r"Done\.\s+> ")
        after = terminal.seen.rpartition("Done.")[2]
        assert "half of it" not in after


def test_an_install_is_shown_as_a_bar_and_told_in_lines_where_a_terminal_cannot_draw(cli: Cli, tmp_path: Path) -> None:
    command = cli.command("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    with Terminal(command, tmp_path, cli.environment() | {"TERM": "xterm-256color"}) as terminal:
        terminal.shows(r"hello ━")
        terminal.ends()
    cli("uninstall", "hello")
    with Terminal(command, tmp_path, cli.environment() | {"TERM": "dumb"}) as terminal:
        terminal.ends()
    assert "  hello: environment\n" in terminal.seen
    assert "━" not in terminal.seen


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
def test_no_text_of_a_plugin_looks_like_a_fact_of_the_question(cli: Cli, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "mimic"
    folder.mkdir()
    told = f'[[tool.dynamic-plugins.config]]\nname = "MIMIC"\ndefault = "{"network  " * 40}"\n'
    (folder / "pyproject.toml").write_text(f'[project]\nname = "mimic"\n{told}')
    (folder / "mimic.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('mimic')\n")
    with Terminal(
        cli.command("install", "--path", str(folder)), tmp_path, cli.environment() | {"TERM": kind}
    ) as terminal:
        terminal.shows(r"Install mimic .*\[y/N\]", SECONDS)
        terminal.type("n")
        terminal.ends()
    assert terminal.seen.count("network") > 30
    assert len(re.findall(r"(?m)^ {2}network", terminal.seen)) == 1


def test_a_limit_is_told_even_when_the_model_has_said_something_before(cli: Cli, tmp_path: Path) -> None:
    def script(_messages: Messages) -> Wanted:
        return [("list_available_plugins", {"query": "time", "limit": 1})]

    with ScriptedModel(script).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("go on")
        told = terminal.shows(r"I stopped after \d+ steps")
        terminal.shows("> ")
        assert told == f"I stopped after {len(model.requests)} steps"


def test_a_model_that_fails_is_told_plainly_and_the_conversation_goes_on(cli: Cli, tmp_path: Path) -> None:
    with ScriptedModel(does(talk="Here I am.")).serving() as model, talking(cli, model, tmp_path) as terminal:
        model.status = 401
        terminal.type("talk")
        terminal.shows(r"! The model's endpoint refused the key")
        terminal.shows("> ")
        model.status = 200
        terminal.type("talk")
        terminal.shows(r"Here I am\.\s+> ")
        assert [len(json.loads(request)["messages"]) for request in model.requests] == [2], "only this turn is kept"


def test_what_a_call_fails_with_is_told_whatever_the_model_says(cli: Cli, tmp_path: Path) -> None:
    with ScriptedModel(does(greet=GREET)).serving() as model, talking(cli, model, tmp_path) as terminal:
        terminal.type("greet")
        terminal.shows(r"! hello greet name: Ada: [^(]*\(bad_arguments\)")
        terminal.shows(r"Done\.\s+> ")
        (result,) = [each for each in json.loads(model.requests[-1])["messages"] if each["role"] == "tool"]
        assert "bad_arguments" in result["content"], "the model is told the same"


def test_there_are_no_colours_with_no_color(cli: Cli, tmp_path: Path) -> None:
    find: Wanted = [("list_available_plugins", {"query": "time zones", "limit": 3})]
    coloured = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-7]|9[0-7]|38;[0-9;]+)m")
    with ScriptedModel(does(find=find)).serving() as model:
        for env, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
            with talking(cli, model, tmp_path, columns=80, **env) as terminal:
                terminal.type("find")
                terminal.shows(r"Done\.\s+> ")
            assert bool(coloured.search(terminal.raw)) is wanted


def test_a_narrow_terminal_gets_a_list_and_a_pipe_a_line_for_each_plugin(cli: Cli, tmp_path: Path) -> None:
    words = ("list", "time", "zones", "--limit", "3")
    with Terminal(cli.command(*words), tmp_path, cli.environment() | {"TERM": "xterm"}, columns=30) as terminal:
        terminal.ends()
    lines = terminal.seen.splitlines()
    assert "mcp-server-time" in lines
    assert all(len(line) <= 40 for line in lines)
    piped = cli(*words, json=False)
    (row,) = [line for line in piped.out.splitlines() if line.startswith("mcp-server-time ")]
    assert row.endswith("converts between time zones")
    assert "\x1b" not in piped.out + piped.err


def test_a_name_that_fits_several_plugins_is_asked_about_with_the_likeliest_first(cli: Cli, tmp_path: Path) -> None:
    folder = str(EXAMPLES / "hello-plugin")
    packages = [{"type": "path", "name": folder}]
    entries = [
        {"name": "@acme/hello-mcp", "description": "Greets in Latin.", "packages": packages},
        {"name": "plugin-hello", "description": "Greets people by name.", "packages": packages},
    ]
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"plugins": entries}), encoding="utf-8")
    command = cli.command("--registry", str(registry), "install", "hello")
    with Terminal(command, tmp_path, cli.environment()) as terminal:
        terminal.shows(r"1  plugin-hello: Greets people by name\.\s+2  @acme/hello-mcp: Greets in Latin\.")
        terminal.shows(r"Which one, 1 to 2 \(return takes 1\):")
        terminal.type("2")
        terminal.shows(r"plugin +@acme/hello-mcp")
        terminal.shows(r"\[y/N\]")
        terminal.type("n")
        terminal.ends()
    refused = cli("--registry", str(registry), "install", "hello", "--yes", code=1)
    assert refused.json["error"]["suggestions"] == ["plugin-hello", "@acme/hello-mcp"]
