"""Updates: what does not work never takes the place of what does, and what is said of them is true."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import LoadError, NeedsConfigurationError
from dynamic_plugins.settings import Settings
from tests.conftest import workers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BOUND = 60.0

SOURCE = """
import socket
from dynamic_plugins.plugin import Plugin, Provider, Service, action

state = []

@action
def tell() -> dict[str, object]:
    "Tells what it is."
    return {"version": "VERSION", "started": len(state)}

def start() -> None:
    state.append(socket.create_server(("127.0.0.1", PORT)))

def stop() -> None:
    state.pop().close()

plugin = Plugin(
    "probe",
    actions=[tell],
    providers=[Provider("mood", "How it is", lambda: "VERSION")],
    services=[Service("engine", start, stop)],
)
"""


def write(folder: Path, version: str, source: str = SOURCE, config: tuple[dict[str, Any], ...] = ()) -> Path:
    """Write the plugin's folder, in some version."""
    folder.mkdir(exist_ok=True)
    declared = ", ".join(f"{{name = {json.dumps(each['name'])}, required = true}}" for each in config)
    (folder / "probe_plugin.py").write_text(source.replace("VERSION", version))
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "probe"\nversion = "{version}"\n'
        '[project.entry-points."dynamic_plugins.plugins"]\nprobe = "probe_plugin:plugin"\n'
        f"[tool.dynamic-plugins]\nconfig = [{declared}]\n"
    )
    return folder


@pytest.fixture
def source(unused_tcp_port: int) -> str:
    """The plugin's source, whose service listens where only one can."""
    return SOURCE.replace("PORT", str(unused_tcp_port))


@pytest.fixture
def folder(tmp_path: Path, source: str) -> Path:
    return write(tmp_path / "probe", "1.0", source)


@pytest.fixture(params=[(), ("probe",)], ids=["in a worker", "in this process"])
async def app(home: Path, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[App]:
    """An application with the plugin active; when it ends, no process may be left."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings = Settings(home=home, environment=environment, in_process=request.param)
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        yield app
    assert workers_of(home) == []


async def told(app: App) -> tuple[str, str, int, str]:
    """Return the version that is told and the one that answers, how often its service runs, and what it provides."""
    (info,) = app.service.status()
    value = await app.service.call("probe", "tell", {})
    context = await app.service.context() or {"probe/mood": await app.runtime.plugins["probe"].providers[0].get()}
    assert info.status == "active"
    return info.version, value["version"], value["started"], context["probe/mood"]


@pytest.mark.parametrize(
    "broken", ["raise RuntimeError('it is broken')", "plugin = 3", "import probe_plugin_that_is_not_there"]
)
async def test_a_version_that_does_not_load_leaves_the_present_one_as_it_was(
    app: App, folder: Path, source: str, broken: str
) -> None:
    write(folder, "2.0", broken)
    with pytest.raises(LoadError, match=r"2\.0 does not load: .*Version 1\.0 stays"):
        await app.service.update("probe")
    assert await told(app) == ("1.0", "1.0", 1, "1.0")
    write(folder, "3.0", source)
    await app.service.update("probe")
    assert await told(app) == ("3.0", "3.0", 1, "3.0")


async def test_a_version_whose_service_does_not_start_leaves_the_present_one_with_its_own(
    app: App, folder: Path, source: str
) -> None:
    write(folder, "2.0", source.replace("def start() -> None:", "def start() -> None:\n    raise OSError('no engine')"))
    with pytest.raises(LoadError, match=r"2\.0 does not load: .*no engine.* 1\.0 stays"):
        await app.service.update("probe")
    assert await told(app) == ("1.0", "1.0", 1, "1.0")


async def test_a_version_that_must_be_told_something_new_waits_until_it_is_told(
    app: App, folder: Path, source: str
) -> None:
    new = ({"name": "NEW_WORD"},)
    write(folder, "2.0", "raise RuntimeError('it is broken')", new)
    with pytest.raises(NeedsConfigurationError, match=r"2\.0 needs NEW_WORD first.*configure probe NEW_WORD=VALUE"):
        await app.service.update("probe")
    assert await told(app) == ("1.0", "1.0", 1, "1.0")
    await app.service.configure("probe", {"NEW_WORD": "x"})
    with pytest.raises(LoadError, match="it is broken"):
        await app.service.update("probe")
    assert await told(app) == ("1.0", "1.0", 1, "1.0")
    write(folder, "3.0", source, new)
    await app.service.update("probe")
    assert await told(app) == ("3.0", "3.0", 1, "3.0")


async def test_what_could_not_be_used_is_updated_to_what_cannot_yet_be_either(
    home: Path, folder: Path, source: str
) -> None:
    write(folder, "1.0", source, ({"name": "KEY"},))
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder)
        write(folder, "2.0", source, ({"name": "OTHER_WORD"},))
        updated = await app.service.update("probe")
        assert (updated.info.version, updated.info.status) == ("2.0", "needs_configuration")
