"""A command that is forked from an interpreter which is ready is what it is where it starts one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ready_interpreter import FORKS, IMPORTED, OURS, ReadyInterpreter, alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli


pytestmark = pytest.mark.skipif(not FORKS, reason="commands are not forked here")


@pytest.fixture(scope="module")
def ready() -> Iterator[ReadyInterpreter]:
    made = ReadyInterpreter(os.environ)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "status"], ""),
        (["list", "time"], ""),
        (["uninstall", "nobody-knows-it"], ""),
        (["no-such-command"], ""),
        (["configure", "nobody-knows-it", "KEY"], "a value\n"),
        (["ask", "what is installed?"], ""),
        (["chat"], "what is installed?\n/quit\n"),
    ],
    ids=" ".join,
)
def test_it_says_the_same_and_ends_alike(words: list[str], said: str, ready: ReadyInterpreter, cli: Cli) -> None:
    env = cli.environment() | {"DYNAMIC_PLUGINS_HOME": str(cli.home)}
    alone = subprocess.run(
        [sys.executable, "-m", "dynamic_plugins", *words], input=said, capture_output=True, text=True, env=env
    )
    forked = ready.run(words, said=said, env=env, seconds=60)
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert alone.stdout or alone.stderr


def test_nothing_that_only_some_commands_want_is_imported_before_one_asks_for_it() -> None:
    code = f"""
import importlib, sys
for names in {(IMPORTED, OURS)!r}:
    for each in names: importlib.import_module(each)
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    others, both = (line.split() for line in done.stdout.splitlines())
    assert "mcp" in others
    assert not [each for each in others if each.split(".")[0] in {"dynamic_plugins", "keyring", "numpy"}]
    assert "dynamic_plugins.cli.commands" in both
    assert not {"keyring", "numpy", "openai", "dynamic_plugins.cli.chat_commands"} & set(both)


@pytest.mark.parametrize("code", [0, 3])
def test_its_end_is_that_of_any_interpreter(code: int) -> None:
    begun = """
import atexit, sys, threading
from tests.forking_process import _end

class Kept:
    def __del__(self): print("released")

def last(): threading.main_thread().join(); print("a thread", file=sys.stderr)

threading.Thread(target=last).start()
atexit.register(print, "registered")
kept = Kept(); kept.kept = kept; del kept
print("printed", end="")
"""
    ends = (f"sys.exit({code})", f"_end({code})")
    done = [subprocess.run([sys.executable, "-c", begun + end], capture_output=True, timeout=60) for end in ends]
    assert done[0].stdout == b"printedregistered\nreleased\n"
    assert done[0].stderr == b"a thread\n"
    assert (done[0].returncode, done[0].stdout, done[0].stderr) == (done[1].returncode, done[1].stdout, done[1].stderr)


def test_what_an_interpreter_is_told_before_it_begins_asks_for_another() -> None:
    assert alike({"HOME": "/there", "DYNAMIC_PLUGINS_POLICY": "p", "npm_config_cache": "c"}, {"HOME": "/here"})
    for name in ("PYTHONPATH", "LC_ALL", "PYTHONUTF8", "OTEL_PROPAGATORS"):
        assert not alike({name: "1"}, {})
        assert not alike({}, {name: "1"})


def test_a_command_that_takes_too_long_is_ended(ready: ReadyInterpreter, cli: Cli) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ready.run(["--home", str(cli.home), "web", "--port", "0"], said="", env=cli.environment(), seconds=0.5)
    again = ready.run(["--home", str(cli.home), "--json", "status"], said="", env=cli.environment(), seconds=60)
    assert again.returncode == 0


def test_one_command_runs_while_another_waits_and_each_ends_as_it_ended(ready: ReadyInterpreter, cli: Cli) -> None:
    (stdin, typed), nowhere = os.pipe(), os.open(os.devnull, os.O_RDWR)
    home = ["--home", str(cli.home)]
    waiting = ready.start(
        [*home, "chat"], env=cli.environment(), folder=cli.home.parent, streams=(stdin, nowhere, nowhere)
    )
    assert ready.run([*home, "no-such-command"], said="", env=cli.environment(), seconds=60).returncode == 2
    assert waiting.poll() is None
    os.close(typed)
    assert waiting.wait(60) == 0
