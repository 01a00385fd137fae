"""The operator may load a plugin into the agent's own process; nobody else can."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings
from dynamic_plugins.workers.in_process import InProcessConnection
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_plugin_the_operator_names_has_live_objects_here_and_leaves_no_module(home: Path) -> None:
    async with App(Settings(home=home, in_process=("hello",)), approve=approve_everything) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Hello, Ada!"
        assert app.service.running() == {}
        connection = app.service.connection("hello")
        assert isinstance(connection, InProcessConnection)
        assert "hello_plugin" in sys.modules
        await app.service.unload("hello")
        assert "hello_plugin" not in sys.modules


async def test_any_other_plugin_runs_in_a_process_of_its_own(home: Path) -> None:
    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        assert list(app.service.running()) == ["hello"]
        assert "hello_plugin" not in sys.modules
