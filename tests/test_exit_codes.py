"""Exit codes: each of them by the command that a script would run, and the page that lists them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.cli import exit_codes
from tests.conftest import EXAMPLES, Cli
from tests.scripted_model import Messages, ScriptedModel
from tests.terminal import Terminal
from tests.test_errors import doing

if TYPE_CHECKING:
    from collections.abc import Sequence

HELLO = str(EXAMPLES / "hello-plugin")
KEEPER = str(Path(__file__).parent / "plugins" / "keeper")
PAGE = EXAMPLES.parent / "docs" / "terminal.md"
SECONDS = 60
WAITING = """
import time
from dynamic_plugins.plugin import Plugin, action

@action
def wait() -> None:
    "Waits for long."
    time.sleep(60)

@action
def fail() -> None:
    "Fails."
    raise RuntimeError("it is broken")

plugin = Plugin("waiting", "Waits", actions=[wait, fail])
"""


@pytest.fixture(scope="module")
def waiting(module_cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A home where a plugin is active that waits and fails, and one is installed that is not configured."""
    cli, folder = module_cli, tmp_path_factory.mktemp("waiting")
    (folder / "waiting.py").write_text(WAITING)
    (folder / "pyproject.toml").write_text('[project]\nname = "waiting"\nversion = "1.0"\n')
    cli("install", "--path", str(folder), "--yes")
    cli("activate", "waiting")
    cli("install", "--path", KEEPER, "--yes")
    return cli


def test_the_page_lists_the_codes_that_there_are() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)]
    assert listed == sorted(value for name, value in vars(exit_codes).items() if name.isupper() and name[0] != "_")


ENDS: list[tuple[tuple[str, ...], int]] = [
    (("call", "hello", "recall"), 0),
    (("list", "qqqqqqqqqq"), 0),
    (("call", "waiting", "fail"), 1),
    (("call", "hello", "greet", "--args", '{"name": 3}'), 1),
    (("call", "hello", "nothing"), 1),
    (("call", "nobody", "greet"), 1),
    (("install", "mcp-server-tme", "--yes"), 1),
    (("resolve", "mcp-server-tme"), 1),
    (("call", "hello"), 2),
    (("call", "hello", "recall", "--loud"), 2),
    (("install",), 2),
    (("no-such-command",), 2),
    (("activate", "keeper"), 3),
    (("activate", "hello", "keeper"), 3),
    (("install", "mcp-server-time"), 4),
]


def test_a_command_ends_with_the_code_of_what_came_of_it(waiting: Cli) -> None:
    waiting("install", "--path", HELLO, "--yes")
    waiting("activate", "hello")
    for words, code in ENDS:
        assert "Traceback" not in waiting(*words, code=code, json=False).err
        told = waiting(*words, code=code).json
        assert told.get("ok", True) is (code == 0) or "results" in told


def test_a_refusal_at_the_terminal_is_no_failure_of_the_plugin(cli: Cli, tmp_path: Path) -> None:
    with Terminal(
        cli.command("install", "mcp-server-time"), tmp_path, cli.environment() | {"TERM": "dumb"}
    ) as terminal:
        assert terminal.prompt(SECONDS)
        terminal.type("n")
        terminal.ends()
    assert terminal.code == 4


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([[("waiting__fail", {})]], 1),
        ([[("activate_plugin", {"plugin_name": "keeper"})]], 3),
        ([[("install_plugin", {"plugin_name": "mcp-server-time", "version": None})]], 4),
    ],
)
def test_ask_and_a_chat_that_is_piped_end_alike(waiting: Cli, steps: list[Any], code: int) -> None:
    for words, typed in ((("ask", "do it"), ""), (("chat",), "do it\n")):
        with ScriptedModel(doing(steps)).serving() as model:
            told = waiting(*words, "--base-url", model.base_url, "--model", "scripted", stdin=typed, code=code)
        assert told.json["reply"] == "That is all."


def interrupted(cli: Cli, *words: str, when: str, number: signal.Signals = signal.SIGINT) -> int:
    """Run a command, send it a signal once a process of it or its output says *when*, and return how it ended."""
    with subprocess.Popen(
        cli.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment()
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if when in line:
                break
        process.send_signal(number)
        rest = process.communicate(timeout=SECONDS)[1]
    assert "Traceback" not in rest
    return process.returncode


def test_one_that_is_interrupted_says_so(waiting: Cli, tmp_path: Path) -> None:
    def script(messages: Messages) -> list[tuple[str, dict[str, Any]]]:
        return [("waiting__wait", {})]

    with Terminal(waiting.command("call", "waiting", "wait"), tmp_path, waiting.environment()) as terminal:
        until_it_runs(waiting)
        terminal.press("\x03")
        terminal.ends()
    assert terminal.code == 130
    with ScriptedModel(script).serving() as model:
        words = ("ask", "wait", "--base-url", model.base_url, "--model", "scripted")
        assert interrupted(waiting, *words, when="waiting") == 130


def until_it_runs(cli: Cli) -> None:
    """Wait until a worker of the home runs."""
    import time

    from tests.conftest import workers_of

    end = time.monotonic() + SECONDS
    while not workers_of(cli.home):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("mcp", "--http", "--port", "0"), signal.SIGINT),
        (("serve-model", "--port", "0"), signal.SIGINT),
        (("serve-model", "--port", "0"), signal.SIGTERM),
        (("web", "--port", "0"), signal.SIGINT),
        (("web", "--port", "0"), signal.SIGTERM),
    ],
)
def test_what_only_a_signal_ends_ends_well(cli: Cli, command: tuple[str, ...], number: signal.Signals) -> None:
    assert interrupted(cli, *command, when="(Ctrl-C ends", number=number) == 0


@pytest.mark.parametrize("words", [("list",), ("--json", "list"), ("tools",), ("status",), ("doctor",)])
def test_a_reader_who_goes_away_is_told_apart_from_a_failure(cli: Cli, words: Sequence[str]) -> None:
    with subprocess.Popen(
        cli.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        process.wait(SECONDS)
    assert process.returncode == 141
    assert "Error" not in told
    assert "Exception" not in told
