"""What a person sees at a terminal while they are asked for something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

FAKE_KEY = "sk-fake-0123456789abcdefghij"


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
