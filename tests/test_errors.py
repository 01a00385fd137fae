"""Errors: one tree that is as it is drawn, codes that mean one thing, and a text for whoever reads it."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import errors
from dynamic_plugins.errors import ActionError, InputError, NotActiveError, PluginError, UnavailableError
from dynamic_plugins.storage.state import StateStore
from tests.conftest import EXAMPLES, Cli
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dynamic_plugins"
KEEPER = Path(__file__).parent / "plugins" / "keeper"
GROUPS = {"PluginError", "InputError", "UnavailableError", "PluginFaultError"}
DRAWN = re.compile(r"^    ([│ ├└─]*)(\w+Error)\b(?: {1,30}(\w+))?", re.MULTILINE)


EXCEPTION = re.compile(r"(Error|Exception|Exit|Interrupt)$")
# Reading the text is cheap, parsing it is not: of 600 files, one in ten has a class with such a base.
PERHAPS = re.compile(r"^ *class \w+\([^)]*(Error|Exception|Exit|Interrupt)\b", re.MULTILINE)


@cache
def defined() -> tuple[tuple[Path, ast.ClassDef], ...]:
    """Every exception class of the package, by the names of what it derives from."""
    return tuple(
        (path, node)
        for path in PACKAGE.rglob("*.py")
        if PERHAPS.search(text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        if any(isinstance(base, ast.Name) and EXCEPTION.search(base.id) for base in node.bases)
    )


def imported(path: Path, name: str) -> Any:
    dotted = ".".join(("dynamic_plugins", *path.relative_to(PACKAGE).with_suffix("").parts))
    return getattr(importlib.import_module(dotted), name)


@cache
def classes() -> dict[str, type[PluginError]]:
    found = (imported(path, node.name) for path, node in defined() if "child" not in path.parts)
    return {each.__name__: each for each in found if issubclass(each, PluginError)}


def test_every_exception_is_in_the_tree_or_says_why_it_is_not() -> None:
    assert len(defined()) > 80
    for path, node in defined():
        if "child" in path.parts or not issubclass(imported(path, node.name), PluginError):
            assert re.search(r"no PluginError|the tree of errors", ast.get_docstring(node) or ""), node.name


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn, above = {}, [""]
    for branch, name, code in DRAWN.findall(errors.__doc__ or ""):
        depth = len(branch) // 4
        above[depth:] = [name]
        drawn[name] = (above[depth - 1] if depth else "Exception", code or None)
    real = {
        name: (error.__bases__[0].__name__, None if name in GROUPS - {"PluginError"} else error.code)
        for name, error in classes().items()
    }
    assert drawn == real


def test_the_page_lists_every_code_once_and_its_group() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \|$", page, re.MULTILINE)
    codes = {error.code for name, error in classes().items() if name not in GROUPS} | {PluginError.code}
    assert sorted(code for code, _ in listed) == sorted(codes)
    for code, group in listed:
        bases = [error for error in classes().values() if error.code == code]
        assert any(issubclass(each, getattr(errors, group)) for each in bases), code


def test_a_call_of_what_is_off_is_the_callers_and_still_an_action_error() -> None:
    error = NotActiveError("hello", "greet")
    assert isinstance(error, InputError)
    assert isinstance(error, ActionError)
    assert error.code == "action_failed"


def test_state_that_cannot_be_read_is_no_failed_action(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "plugin-management-state.json").write_text("{")
    assert cli("status", code=1).json["error"]["code"] == "state_unavailable"
    with pytest.raises(UnavailableError):
        StateStore(cli.home).read()


def test_a_home_that_is_a_file_is_told_as_a_document_too(cli: Cli) -> None:
    cli.home.write_text("not a folder")
    answer = cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes", code=1).json
    assert (answer["ok"], answer["error"]["code"]) == (False, "state_unavailable")


# ------------------------------------------------------------------------------------------------- two readers


@pytest.fixture(scope="module")
def installed(module_cli: Cli) -> Cli:
    """A home with a plugin that was agreed to and is switched off, and one that waits for its configuration."""
    module_cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    module_cli("install", "--path", str(KEEPER), "--yes")
    module_cli("activate", "hello")
    module_cli("deactivate", "hello")
    return module_cli


def test_a_person_is_told_commands_and_a_program_tools(cli: Cli) -> None:
    words = ("activate", "mcp-server-time")
    assert "dynamic-plugins install mcp-server-time" in cli(*words, code=1, json=False).err
    assert "install_plugin" in cli(*words, code=1).json["error"]["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("activate", "mcp-server-time"), 1),
        (("install", "mcp-server-tme"), 1),
        (("install", "qqqqqqqqqq"), 1),
        (("install", "mcp-server-time"), 4),
        (("call", "hello", "greet"), 1),
        (("activate", "keeper"), 3),
    ],
)
def test_nobody_at_a_terminal_is_spoken_to_as_a_model(installed: Cli, words: tuple[str, ...], code: int) -> None:
    said = installed(*words, code=code, json=False)
    assert re.search(r"dynamic-plugins \w+|Did you mean|with --yes", said.err)
    assert not re.search(r"[a-z]+_plugins?\b|[Tt]he person|[Aa]sk the", said.out + said.err.partition(": ")[2])


def test_what_is_installed_and_not_active_is_told_to_be_off(cli: Cli) -> None:
    hello = str(EXAMPLES / "hello-plugin")
    assert "installed, off." in cli("install", "--path", hello, "--yes", json=False).out
    assert "installed, off" in cli("status", json=False).out
    assert "active, off" not in cli("activate", "hello", "--yes", json=False).out
    assert "inactive, off." in cli("deactivate", "hello", json=False).out
    assert "inactive, off" in cli("status", json=False).out
    assert cli("status").json["plugins"][0]["status"] == "inactive", "a program reads the status alone"


def test_a_search_that_was_cut_says_how_to_see_more(cli: Cli) -> None:
    first = cli("list", "--limit", "2", json=False)
    assert re.search(r"The first 2 of \d+ known plugins\.", first.out)
    assert "--limit" in first.err
    assert "--limit" in cli("list", "time", "--limit", "1", json=False).err
    nothing = cli("list", "qqqqqqqqqq", json=False)
    assert re.search(r"None of \d+ known plugins fits", nothing.out)
    assert "--limit" not in nothing.err


def test_what_a_name_means_says_whether_it_is_one(cli: Cli) -> None:
    exact = cli("resolve", "mcp-server-time").json
    assert (exact["ok"], exact["name"]) == (True, "mcp-server-time")
    unknown = cli("resolve", "mcp-server-tme", code=1).json
    assert (unknown["ok"], unknown["error"]["code"]) == (False, "unknown_plugin")
    assert unknown["error"]["suggestions"] == [each["name"] for each in unknown["candidates"]]


def test_an_empty_result_is_told_as_one(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "empty.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n"
        "@action\ndef find() -> list:\n    'Finds nothing at all.'\n    return []\n"
        "@action\ndef act() -> None:\n    'Acts in silence.'\n"
        "plugin = Plugin('empty', 'Gives nothing', actions=[find, act])\n"
    )
    (folder / "pyproject.toml").write_text('[project]\nname = "empty"\nversion = "1.0"\n')
    cli("install", "--path", str(folder), "--yes")
    cli("activate", "empty")
    assert cli("call", "empty", "find", json=False).out == "[]\n"
    silent = cli("call", "empty", "act", json=False)
    assert (silent.out, silent.err) == ("", "It ran, and gave no result.\n")
    said = cli("ask", "find nothing at all", json=False)
    assert "Nothing came back" in said.out, said
    assert "Done." not in said.out


# ------------------------------------------------------------------------------------------------ how `ask` ends

Steps = list[list[tuple[str, dict[str, Any]]]]
HELLO, KEPT = {"plugin_name": "hello"}, {"plugin_name": "keeper"}


def doing(steps: Steps) -> Callable[[Messages], str | list[tuple[str, dict[str, Any]]]]:
    """A model that wants these calls, one list after the other, and then says so."""
    left = iter(steps)
    return lambda _: next(left, "That is all.")


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([[("list_available_plugins", {"query": "time", "limit": 1})]], 0),
        ([[("install_plugin", {"plugin_name": "mcp-server-time", "version": None})]], 4),
        ([[("activate_plugin", KEPT)]], 3),
        ([[("activate_plugin", {"plugin_name": "mcp-server-time"})]], 1),
        ([[("activate_plugin", {"plugin_name": "helo"})], [("activate_plugin", HELLO)]], 0),
        ([[("activate_plugin", {"plugin": 3, "name": []})], [("activate_plugin", HELLO)]], 0),
        ([[("activate_plugin", KEPT)], [("activate_plugin", HELLO)]], 3),
        ([[("activate_plugin", {"plugin_name": "qqqqqqqq"})], [("list_available_plugins", {"query": "q"})]], 1),
    ],
)
def test_ask_ends_with_the_code_of_what_was_left_undone(installed: Cli, steps: Steps, code: int) -> None:
    installed("deactivate", "hello")
    with ScriptedModel(doing(steps)).serving() as model:
        told = installed("ask", "do it", "--base-url", model.base_url, "--model", "scripted", code=code).json
    assert told["reply"] == "That is all."


def test_ask_that_reaches_no_model_is_a_failure_and_a_document(cli: Cli) -> None:
    told = cli("ask", "do it", "--base-url", "http://127.0.0.1:9/v1", "--model", "none", code=1).json
    assert "cannot be reached" in told["reply"]


def test_the_built_in_model_that_nobody_agreed_with_ends_with_four(cli: Cli) -> None:
    assert cli("ask", "install mcp-server-time", code=4).json["calls"][0]["tool"] == "install_plugin"


def test_the_built_in_model_speaks_to_the_person(installed: Cli) -> None:
    said = installed("ask", "switch keeper on", "--yes", code=3, json=False).out
    assert "dynamic-plugins configure keeper" in said
    assert "The person" not in said
