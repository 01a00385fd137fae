"""A command that is forked from an interpreter which is ready is what it is where it starts one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ready_interpreter import FORKS, IMPORTED, ReadyInterpreter, alike

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
    assert forked is not None
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert alone.stdout or alone.stderr


def test_nothing_of_ours_is_imported_before_it_is_asked_for() -> None:
    code = f"import importlib, sys; [importlib.import_module(each) for each in {IMPORTED!r}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert "mcp" in names
    assert not [each for each in names if each.split(".")[0] in {"dynamic_plugins", "keyring", "numpy"}]


def test_what_an_interpreter_is_told_before_it_begins_asks_for_another() -> None:
    assert alike({"HOME": "/there", "DYNAMIC_PLUGINS_POLICY": "p", "npm_config_cache": "c"}, {"HOME": "/here"})
    for name in ("PYTHONPATH", "LC_ALL", "PYTHONUTF8", "OTEL_PROPAGATORS"):
        assert not alike({name: "1"}, {})
        assert not alike({}, {name: "1"})


def test_a_command_that_takes_too_long_is_ended(ready: ReadyInterpreter, cli: Cli) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ready.run(["--home", str(cli.home), "web", "--port", "0"], said="", env=cli.environment(), seconds=0.5)
    again = ready.run(["--home", str(cli.home), "--json", "status"], said="", env=cli.environment(), seconds=60)
    assert again is not None
    assert again.returncode == 0
