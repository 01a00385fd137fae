"""``configure``: what is typed is checked, and what is asked for is kept as it is answered."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

CTRL_C = "\x03"
DUMB = {"TERM": "dumb"}
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def variable(name: str, *more: str) -> str:
    return "\n".join(["[[tool.dynamic-plugins.config]]", f'name = "{name}"', *more, ""])


def installed(cli: Cli, folder: Path, *variables: str) -> Cli:
    """Install ``keeper``, which declares *variables*."""
    folder = folder / "keeper"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "keeper"\n' + "".join(variables))
    (folder / "keeper.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('keeper')\n")
    cli("install", "--path", str(folder), "--yes")
    return cli


REQUIRED, SECRET = "required = true", "secret = true"
DB_PATH = variable("DB_PATH", 'format = "filepath"')


def test_a_slip_in_a_name_is_refused_and_nothing_is_kept(cli: Cli, tmp_path: Path) -> None:
    keeper = installed(cli, tmp_path, DB_PATH, variable("LIMIT"))
    failed = keeper("configure", "keeper", "LIMIT=3", f"DB_PTAH={tmp_path}/x", code=1).json
    assert failed["error"]["code"] == "bad_arguments"
    assert "Did you mean DB_PATH?" in failed["error"]["message"]
    assert "There are: DB_PATH, LIMIT" in keeper("configure", "keeper", "COLOUR=red", code=1).json["error"]["message"]
    assert keeper("configure", "keeper").json["set"] == []
    set_all_the_same = keeper("configure", "keeper", "COLOUR=red", "db-path=x", "--undeclared").json
    assert "DB_PATH" in set_all_the_same["set"]


def test_a_plugin_that_declares_nothing_may_be_told_anything(cli: Cli, tmp_path: Path) -> None:
    assert installed(cli, tmp_path)("configure", "keeper", "COLOUR=red").json["ok"]


def test_a_path_that_leads_nowhere_is_refused(cli: Cli, tmp_path: Path) -> None:
    keeper = installed(cli, tmp_path, DB_PATH)
    failed = keeper("configure", "keeper", f"DB_PATH={tmp_path}/no/such.db", code=1).json
    assert f"there is no folder {tmp_path}/no" in failed["error"]["message"]
    (tmp_path / "rows").mkdir()
    for fits in (f"{tmp_path}/rows/new.db", f"{tmp_path}/rows", "in-its-own-folder/x.db"):
        told = keeper("configure", "keeper", f"DB_PATH={fits}")
        assert (told.json["set"], "within its reach" in told.err) == (["DB_PATH"], False)
    assert "keys and passwords lie in it as well" in keeper("configure", "keeper", "db-path=~").err


def test_without_a_place_for_a_secret_nothing_is_asked(cli: Cli, tmp_path: Path) -> None:
    keeper = installed(cli, tmp_path, variable("PLACE", REQUIRED), variable("KEEPER_TOKEN", REQUIRED, SECRET))
    with Terminal(
        keeper.command("configure", "keeper"), tmp_path, keeper.environment() | DUMB | NO_KEYRING
    ) as terminal:
        assert terminal.prompt(60) is None
    assert terminal.code == 1
    assert "secrets_unavailable" in terminal.seen
    assert "PLACE" not in terminal.seen


def test_what_was_answered_before_ctrl_c_is_kept(cli: Cli, tmp_path: Path) -> None:
    keeper = installed(cli, tmp_path, variable("PLACE", REQUIRED), variable("SIZE", REQUIRED))
    with Terminal(keeper.command("configure", "keeper"), tmp_path, keeper.environment() | DUMB) as terminal:
        assert "PLACE" in (terminal.prompt(60) or "")
        terminal.type("under the stairs")
        assert "SIZE" in (terminal.prompt(60) or "")
        terminal.press(CTRL_C)
        terminal.ends()
    assert terminal.code != 0
    assert keeper("configure", "keeper", "SIZE=1").json["set"] == ["PLACE", "SIZE"]


@pytest.mark.parametrize("wanted", ["y", "n"])
def test_what_is_optional_is_asked_for_on_request_only(cli: Cli, tmp_path: Path, wanted: str) -> None:
    limit = variable("LIMIT", 'format = "number"')
    keeper = installed(cli, tmp_path, variable("PLACE", REQUIRED), limit)
    with Terminal(keeper.command("configure", "keeper"), tmp_path, keeper.environment() | DUMB) as terminal:
        assert "PLACE" in (terminal.prompt(60) or "")
        terminal.type("here")
        assert "1 more can be set: LIMIT" in (terminal.prompt(60) or "")
        terminal.type(wanted)
        if wanted == "y":
            assert "LIMIT" in (terminal.prompt(60) or "")
            terminal.type("many")
            assert "LIMIT" in (terminal.prompt(60) or ""), "what is no number is asked for again"
            terminal.type("3")
        assert terminal.prompt(60) is None
    assert terminal.code == 0
    assert keeper("configure", "keeper").json["set"] == (["PLACE", "LIMIT"] if wanted == "y" else ["PLACE"])


def test_a_registry_that_does_not_answer_is_not_left_behind(cli: Cli) -> None:
    cli.env["DYNAMIC_PLUGINS_OFFLINE"] = "0"
    before = [source["name"] for source in cli("registry", "list").json["sources"]]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen: whoever connects is refused
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/registry.json"
        failed = cli("registry", "add", address, "mine", code=1).json
        assert failed["ok"] is False
        assert failed["sources"][0]["problem"]
        assert "not added" in cli("registry", "add", address, "mine", code=1, json=False).err
    assert [source["name"] for source in cli("registry", "list").json["sources"]] == before
