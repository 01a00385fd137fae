"""Completion in real shells: somebody types the beginning and presses the tabulator."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.cli import completion_names
from dynamic_plugins.cli.completion_command import SHELLS, script_for
from dynamic_plugins.cli.parser import parse
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli
from tests.remote_server import registry
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = str(EXAMPLES / "hello-plugin")
MOST_SECONDS = 0.2
STRANGE = "plugin-$(touch gone-wrong)"


def names(home: Path, kind: str, begun: str = "", *line: str) -> list[str]:
    """Return what a completion script is told."""
    words = [sys.executable, "-m", "dynamic_plugins", "_complete", kind, begun, *line, "--home", str(home)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.split()


@pytest.fixture(scope="module")
def greeter(module_cli: Cli) -> Cli:
    """A home where ``hello`` is active."""
    module_cli("install", "--path", HELLO, "--yes")
    module_cli("activate", "hello")
    return module_cli


@pytest.fixture
def typing(greeter: Cli, tmp_path: Path) -> Callable[[str], Terminal]:
    """Start a shell that has taken the script in, on a home where ``hello`` is active."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def start(shell: str) -> Terminal:
        if shutil.which(shell) is None:
            if shell == "bash" and os.environ.get("CI") == "true":
                pytest.fail("there is no bash here")
            pytest.skip(f"there is no {shell} here")
        load = {
            "bash": 'eval "$(dynamic-plugins completion bash)"',
            "zsh": 'autoload -Uz compinit; compinit -u -D; eval "$(dynamic-plugins completion zsh)"',
            "fish": "dynamic-plugins completion fish | source",
        }[shell]
        options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}[shell]
        home = {"DYNAMIC_PLUGINS_HOME": str(greeter.home), "HOME": str(folder), "PS1": "> ", "TERM": "xterm"}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        terminal = Terminal([shell, *options], folder, greeter.environment() | home | {"PATH": path}, columns=120)
        terminal.type(f"{load}; echo rea''dy")
        terminal.shows("ready\\s")
        return terminal

    return start


WITH_A_KEY = ("bash", "zsh")


@pytest.mark.parametrize("shell", WITH_A_KEY)
def test_commands_options_and_names_are_completed(typing: Callable[[str], Terminal], shell: str) -> None:
    with typing(shell) as terminal:
        for begun, rest in (
            ("deactivate hel", "lo"),
            ("info @elizaos/plugin-bloo", "io"),
            ("call hello gre", "et"),
            ("install --edit", "able"),
            ("deact", "ivate"),
            ("tools --format openai-r", "esponses"),
        ):
            terminal.press(f"\x15dynamic-plugins {begun}\t")
            assert terminal.shows(f"dynamic-plugins {begun}{rest} ")


def test_fish_completes_the_same(typing: Callable[[str], Terminal], greeter: Cli) -> None:
    with typing("fish"):
        pass
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = greeter.environment() | {"DYNAMIC_PLUGINS_HOME": str(greeter.home), "PATH": path}

    def completed(line: str) -> list[str]:
        code = 'dynamic-plugins completion fish | source; complete -C "$argv[1]"'
        words = ["fish", "--no-config", "-c", code, line]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=env)
        return [each.split("\t")[0] for each in done.stdout.splitlines()]

    assert completed("dynamic-plugins deactivate hel") == ["hello"]
    assert completed("dynamic-plugins info @elizaos/plugin-bloo") == ["@elizaos/plugin-blooio"]
    assert completed("dynamic-plugins call hello gre") == ["greet"]
    assert completed("dynamic-plugins install --edit") == ["--editable"]
    assert completed("dynamic-plugins deact") == ["deactivate"]


def test_what_is_installed_what_is_known_and_what_it_can_do_are_told_apart(cli: Cli) -> None:
    cli("install", "--path", HELLO, "--yes")
    assert names(cli.home, "installed") == ["hello"]
    assert names(cli.home, "actions", "", "dynamic-plugins", "call", "hello") == []
    cli("activate", "hello")
    assert names(cli.home, "actions", "", "dynamic-plugins", "call", "hello") == ["greet", "recall", "remember"]
    assert names(cli.home, "known", "hel") == ["hello"]
    assert "mcp-server-time" in names(cli.home, "known", "mcp-")
    assert names(cli.home, "nothing") == []


def test_the_known_names_are_those_that_the_application_knows(cli: Cli, tmp_path: Path) -> None:
    more = {"kind": "mcp", "description": "is one", "packages": [{"type": "pypi", "name": "one"}]}
    shop = registry(tmp_path, {"name": "one-more", **more}, {"name": STRANGE, **more})
    cli("registry", "add", shop)
    cli("list", "one")
    known = completion_names.found("known", "", ["--home", str(cli.home)])

    async def of_the_application() -> set[str]:
        async with App(Settings.from_environment(cli.environment(), home=cli.home)) as app:
            return {entry.name for entry in await app.registry.entries()}

    assert set(known) == asyncio.run(of_the_application()) - {STRANGE}
    assert "one-more" in known


def test_a_name_that_a_shell_could_take_for_something_else_is_left_to_be_typed(cli: Cli, tmp_path: Path) -> None:
    cli.home.mkdir()
    (cli.home / "registry").mkdir()
    (cli.home / "registry" / "shop.entries").write_text('{"format": 1}\n' + f'["{STRANGE}", 1]\n["plugin-plain", 1]')
    assert names(cli.home, "known", "plugin-") == ["plugin-plain"]


def test_a_state_that_cannot_be_read_completes_nothing_and_says_nothing(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "plugin-management-state.json").write_text("{")
    assert names(cli.home, "installed") == []


def test_names_are_there_before_anybody_waits(cli: Cli) -> None:
    cli.home.mkdir()
    folder = cli.home / "registry"
    folder.mkdir()
    rows = "\n".join(f'["io.github.somebody/server-{number}", "mcp", "{"x" * 400}"]' for number in range(10_000))
    (folder / "official.entries").write_text(f'{{"format": 1}}\n{rows}')

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    taken = []
    for _ in range(3):
        begun = spent()
        assert len(names(cli.home, "known", "io.github.somebody/server-12")) == 111
        taken.append(spent() - begun)
    assert min(taken) < MOST_SECONDS


def positionals() -> Iterator[tuple[str, str]]:
    for command in ("install", "info", "resolve", "status", "activate", "update", "permissions", "login", "audit"):
        yield command, "known" if command in {"install", "info", "resolve"} else "installed"


@pytest.mark.parametrize(("command", "kind"), list(positionals()))
def test_every_command_about_a_plugin_completes_its_name(command: str, kind: str) -> None:
    assert f"_shtab_dynamic_plugins_{command}_pos_0_COMPGEN=_dynamic_plugins_{kind}" in script_for("bash")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_whole(cli: Cli, shell: str) -> None:
    assert cli("completion", shell).json["script"] == script_for(shell)
    assert cli("completion", shell, json=False).out == f"{script_for(shell)}\n"


def test_another_shell_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["completion", "tcsh"])
    assert ended.value.code == 2
