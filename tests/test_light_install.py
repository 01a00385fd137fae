"""What an install without the extra ``cli`` can do, which is what a user of the library has."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import EXAMPLES
from tests.terminal import Terminal

if TYPE_CHECKING:
    from tests.conftest import Cli

HELLO = str(EXAMPLES / "hello-plugin")
PACKAGE = Path(__file__).parent.parent / "dynamic_plugins"


@pytest.fixture
def light(cli: Cli, tmp_path: Path) -> Cli:
    """The command line where the extra's packages are not installed; Python itself is told that there are none."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules.update(rich=None, prompt_toolkit=None)\n")
    cli.env["PYTHONPATH"] = str(folder)
    return cli


@pytest.mark.parametrize("words", [("status",), ("chat",), ("install", "--path", HELLO, "--yes")])
def test_a_command_for_people_says_in_a_sentence_what_to_install_and_does_nothing(light: Cli, words: list[str]) -> None:
    ran = light(*words, code=1, json=False)
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert "pip install 'agent-dynamic-plugins[cli]'" in ran.err
    assert not light.home.exists()


def test_programs_need_no_terminal(light: Cli) -> None:
    assert light("status").json == {"ok": True, "plugins": []}
    assert light("list", "weather forecast").json["plugins"]
    assert light("resolve", "mcp-server-time").json["kind"] == "exact"
    assert {tool["function"]["name"] for tool in light("tools", json=False).json} >= {"install_plugin"}
    turn = light("chat", stdin="what is installed?\n").json
    assert turn["reply"]


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
def test_at_a_terminal_it_asks_nobody_and_installs_nothing(light: Cli, tmp_path: Path, kind: str) -> None:
    command = light.command("--json", "install", "--path", HELLO)
    with Terminal(command, tmp_path, light.environment() | {"TERM": kind}) as terminal:
        terminal.ends()
    assert terminal.code == 4
    assert '"needs_confirmation"' in terminal.seen
    assert light("status").json["plugins"] == []


def test_only_the_command_line_imports_what_the_extra_brings() -> None:
    users = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if {name.split(".")[0] for name in names} & {"rich", "prompt_toolkit"}:
                users.add(path.relative_to(PACKAGE).parts[0])
    assert users == {"cli"}
