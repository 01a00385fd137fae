"""A plugin in an editable folder takes up what is changed in it, without being installed again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import LoadError
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli


async def test_what_is_changed_in_an_editable_folder_counts_after_a_reload(home: Path, tmp_path: Path) -> None:
    module = copied(tmp_path)
    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(module.parent, editable=True)
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


@pytest.mark.parametrize(("verb", "after"), [("activate", Status.ACTIVE), ("load", Status.LOADED)])
async def test_what_failed_is_mended_by_a_reload_and_is_what_it_was_before(
    home: Path, tmp_path: Path, verb: str, after: Status
) -> None:
    module = copied(tmp_path)
    good = module.read_text()

    async def does(verb: str) -> Status:
        """Do *verb* in an application of its own, which knows of the others what a command would: what is on disk."""
        async with App(Settings(home=home), approve=approve_everything) as app:
            outcome = await getattr(app.service, verb)("hello")
            assert app.service.status() == [outcome.info]
            return Status(outcome.info.status)

    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(module.parent, editable=True)
    await does(verb)
    for _ in range(2):
        module.write_text("this is no Python")
        for _ in range(2):
            with pytest.raises(LoadError, match="SyntaxError"):
                await does("reload")
        assert App(Settings(home=home)).service.status()[0].status is Status.ERROR
        module.write_text(good)
        assert await does("reload") is after
    assert App(Settings(home=home)).service.status()[0].status is after

    module.write_text("this is no Python")
    with pytest.raises(LoadError, match="SyntaxError"):
        await does("reload")
    await does("deactivate")  # the wish is another now
    module.write_text(good)
    assert await does("reload") is Status.LOADED


def test_a_command_mends_what_another_command_found_broken(cli: Cli, tmp_path: Path) -> None:
    module = copied(tmp_path)
    good = module.read_text()
    cli("install", "--path", str(module.parent), "--editable", "--yes")
    cli("activate", "hello")
    module.write_text("this is no Python")
    assert "SyntaxError" in cli("reload", "hello", code=1).json["error"]["message"]
    assert cli("status").json["plugins"][0]["status"] == "error"
    module.write_text(good)
    assert cli("reload", "hello").json["status"] == "active"
    assert cli("status").json["plugins"][0]["status"] == "active"


def copied(tmp_path: Path) -> Path:
    """Copy the example to a folder where it may be changed; its module."""
    return Path(shutil.copytree(EXAMPLES / "hello-plugin", tmp_path / "hello-plugin")) / "hello_plugin.py"
