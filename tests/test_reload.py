"""A plugin in an editable folder takes up what is changed in it, without being installed again."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import LoadError
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_changed_in_an_editable_folder_counts_after_a_reload(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hello-plugin"
    shutil.copytree(EXAMPLES / "hello-plugin", folder)
    module = folder / "hello_plugin.py"
    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder, editable=True)
        assert not (await app.service.reload("hello")).changed, "what is not loaded has nothing to reload"
        await app.service.activate("hello")
        first = app.service.running()["hello"]

        module.write_text(module.read_text().replace("Hello, ", "Good day, "))
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        await app.service.reload("hello")
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Good day, Ada!"
        assert app.service.running()["hello"] != first

        module.write_text("this is no Python")
        with pytest.raises(LoadError, match="SyntaxError"):
            await app.service.reload("hello")
        (info,) = app.service.status()
        assert info.status == "error"


@pytest.mark.parametrize(("verb", "after"), [("activate", "active"), ("load", "loaded")])
def test_what_failed_is_mended_by_a_reload_and_is_what_it_was_before(
    cli: Cli, tmp_path: Path, verb: str, after: str
) -> None:
    folder = tmp_path / "hello-plugin"
    shutil.copytree(EXAMPLES / "hello-plugin", folder)
    module = folder / "hello_plugin.py"
    good = module.read_text()
    cli("install", "--path", str(folder), "--editable", "--yes")
    cli(verb, "hello")
    for _ in range(2):
        module.write_text("this is no Python")
        for _ in range(2):
            assert "SyntaxError" in cli("reload", "hello", code=1).json["error"]["message"]
        assert cli("status").json["plugins"][0]["status"] == "error"
        module.write_text(good)
        assert cli("reload", "hello").json["status"] == after
    assert cli("status").json["plugins"][0]["status"] == after

    module.write_text("this is no Python")
    cli("reload", "hello", code=1)
    cli("deactivate", "hello")  # the wish is another now
    module.write_text(good)
    assert cli("reload", "hello").json["status"] == "loaded"
