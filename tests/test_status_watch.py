"""``status --watch``: what another process changes is shown, at a terminal and elsewhere, and Ctrl-C is no failure."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import EXAMPLES, Cli
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = str(EXAMPLES / "hello-plugin")
SECONDS = 30


class Watching:
    """A watching command whose output is read line by line."""

    def __init__(self, cli: Cli, *words: str) -> None:
        command = cli.command(*words)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=cli.environment())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)


@contextlib.contextmanager
def watching(cli: Cli, *words: str) -> Iterator[Watching]:
    started = Watching(cli, *words)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


@pytest.mark.timeout(60)
def test_each_change_is_a_line_where_nobody_looks_at_a_terminal(cli: Cli) -> None:
    cli("install", "--path", HELLO, "--yes")
    with watching(cli, "status", "--watch") as shown:
        assert shown.line().endswith("hello  1.0.0  installed, off")
        cli("activate", "hello")
        assert shown.line().endswith("hello  1.0.0  active")
        cli("uninstall", "hello")
        assert shown.line().endswith("No plugin is installed.")
        assert shown.line().endswith("hello  uninstalled")
        assert shown.interrupt() == 0


@pytest.mark.timeout(60)
def test_each_change_is_a_document_for_a_program(cli: Cli) -> None:
    cli("install", "--path", HELLO, "--yes")
    with watching(cli, "--json", "status", "hello", "--watch") as shown:
        assert json.loads(shown.line())["plugins"][0]["status"] == "installed"
        cli("activate", "hello")
        assert json.loads(shown.line())["plugins"][0]["status"] == "active"
        assert shown.interrupt() == 0


@pytest.mark.timeout(60)
def test_one_that_is_watched_and_goes_away_ends_the_watch_with_the_reason(cli: Cli) -> None:
    cli("install", "--path", HELLO, "--yes")
    with watching(cli, "--json", "status", "hello", "--watch") as shown:
        shown.line()
        cli("uninstall", "hello")
        assert json.loads(shown.line())["error"]["code"] in {"not_installed", "unknown_plugin"}
        assert shown.process.wait(SECONDS) == 1


def test_at_a_terminal_it_is_drawn_again_in_its_place(cli: Cli, tmp_path: Path) -> None:
    cli("install", "--path", HELLO, "--yes")
    env = cli.environment() | {"TERM": "xterm-256color"}
    with Terminal(cli.command("status", "--watch"), tmp_path, env) as terminal:
        terminal.shows("hello .* installed, off")
        assert "Ctrl-C ends it" in terminal.shows("as of [0-9:]+; Ctrl-C ends it")
        cli("activate", "hello")
        terminal.shows("hello .* active")
        assert "\x1b[1A" in terminal.raw, "it goes back to where it began"
        terminal.press("\x03")
        terminal.ends()
    assert terminal.code == 0
    assert "Traceback" not in terminal.seen
    assert "\x1b[?25h" in terminal.raw, "the cursor is shown again"


def test_a_dumb_terminal_gets_lines(cli: Cli, tmp_path: Path) -> None:
    cli("install", "--path", HELLO, "--yes")
    with Terminal(cli.command("status", "--watch"), tmp_path, cli.environment() | {"TERM": "dumb"}) as terminal:
        terminal.shows("[0-9:]+  hello  1.0.0  installed, off")
        terminal.press("\x03")
        terminal.ends()
    assert terminal.code == 0
    assert "\x1b" not in terminal.raw
