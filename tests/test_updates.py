"""Updates: what does not work never takes the place of what does, and what is said of them is true."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import BadArgumentsError, LoadError, NeedsConfigurationError
from dynamic_plugins.install.layout import slug
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.state import StateStore
from dynamic_plugins.workers.components import Offers
from tests.conftest import EXAMPLES, Cli, workers_of
from tests.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dynamic_plugins.workers.components import Connection

BOUND = 60.0

SOURCE = """
import fcntl, os
from dynamic_plugins.plugin import Plugin, Provider, Service, action

state = []

@action
def tell() -> dict[str, object]:
    "Tells what it is."
    return {"version": "VERSION", "started": len(state)}

def start() -> None:
    file = os.open(ENGINE, os.O_WRONLY | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    state.append(file)

def stop() -> None:
    os.close(state.pop())

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
def source(home: Path) -> str:
    """The plugin's source, whose service holds what only one can, in the folder that all versions share."""
    own = home / "plugin_data" / slug("probe")
    own.mkdir(parents=True)
    return SOURCE.replace("ENGINE", repr(str(own / "engine")))


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
    context = await app.service.context()
    if not context:
        mood: Any = app.components.plugins["probe"].providers[0].get()
        context = {"probe/mood": await mood}
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


# ---------------------------------------------------------------- what is said


async def test_a_call_that_starts_what_another_process_replaces_meanwhile_is_answered_by_the_new_version(
    home: Path, folder: Path, source: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        await app.service.close_idle(0)
        connect = app.loader.connect

        async def connect_late(*arguments: Any) -> Connection:
            monkeypatch.undo()
            await asyncio.to_thread(cli, "update", "probe", "--yes")
            return await connect(*arguments)

        write(folder, "2.0", source)
        monkeypatch.setattr(app.loader, "connect", connect_late)
        assert (await app.service.call("probe", "tell", {}))["version"] == "2.0"
        assert await told(app) == ("2.0", "2.0", 1, "2.0")


async def test_what_a_replaced_version_says_that_it_offers_is_not_said_of_the_new_one(app: App) -> None:
    store, connection = StateStore(app.settings.state_file), app.service.connection("probe")
    assert connection is not None
    assert connection.on_offers_changed is not None
    before = store.read()["probe"]
    store.change("probe", installation=replace(before.installation, path="/another/version"))
    connection.on_offers_changed(Offers())
    assert store.read()["probe"].offers == before.offers
    store.put(before)


async def test_another_commit_of_the_same_version_is_another_one(home: Path, tmp_path: Path) -> None:
    repositories = Repositories(tmp_path / "repositories")
    for word in ("one", "two"):
        repositories.commit("sky", "1.0", said=word, tag=word)
    registry = tmp_path / "registry.json"
    package = {"type": "git", "name": f"{repositories.address('sky')}@one"}
    registry.write_text(
        json.dumps({"schema": 1, "plugins": [{"name": "sky", "kind": "python", "packages": [package]}]})
    )
    settings = Settings(
        home=home, registries=(str(registry),), environment=repositories.environment(), allow_builds=True
    )
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install("sky")
        await app.service.activate("sky")
        same = await app.service.update("sky")
        assert (same.changed, await app.service.call("sky", "tell", {})) == (False, "one")
        assert "1.0 (commit " in same.note
        assert (await app.service.update("sky", "two")).changed
        assert await app.service.call("sky", "tell", {}) == "two"
        package["name"] = repositories.address("sky")
        known = [{"name": "sky", "kind": "python", "packages": [package]}]
        registry.write_text(json.dumps({"schema": 1, "plugins": known}))
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        repositories.commit("sky", "1.0", said="three")
        assert (await app.service.update("sky")).changed
        assert await app.service.call("sky", "tell", {}) == "three"
        assert not (await app.service.update("sky")).changed


def test_a_folder_has_the_version_that_it_has(cli: Cli, folder: Path) -> None:
    cli("install", "--path", str(folder), "--yes")
    error = cli("update", "probe", "--version", "9.9.9", "--yes", code=1).json["error"]
    assert (error["code"], "holds 1.0" in error["message"]) == ("bad_arguments", True)
    assert cli("update", "probe", "--version", "1.0", "--yes").json["changed"] is False


async def test_a_wheel_of_another_version_is_an_update_that_is_asked_about(cli: Cli, tmp_path: Path) -> None:
    wheels = {version: wheel(tmp_path, version) for version in ("1.0", "2.0")}
    async with asyncio.timeout(BOUND), App(Settings(home=cli.home), approve=approve_everything) as app:
        await app.service.install_path(wheels["1.0"])
        await app.service.activate("sky")
    refused = cli("install", "--path", str(wheels["2.0"]), code=4).json["error"]
    assert "Update sky 2.0" in refused["message"]
    updated = cli("install", "--path", str(wheels["2.0"]), "--yes").json
    assert (updated["version"], updated["status"], updated["changed"]) == ("2.0", "active", True)
    async with asyncio.timeout(BOUND), App(Settings(home=cli.home), approve=approve_everything) as app:
        assert await app.service.call("sky", "tell", {}) == "2.0"
    again = cli("install", "--path", str(wheels["2.0"]), "--yes").json
    assert (again["changed"], "2.0 is installed already" in again["note"]) == (False, True)


async def test_what_is_changed_in_a_copied_folder_is_an_update_even_without_a_new_version(
    app: App, folder: Path, source: str
) -> None:
    again = await app.service.install_path(folder)
    assert (again.changed, "1.0 is installed already" in again.note) == (False, True)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "left.pyc").write_bytes(b"no code of the plugin's")
    assert not (await app.service.update("probe")).changed

    write(folder, "1.0", source.replace("VERSION", "mended"))
    assert (await app.service.install_path(folder)).changed
    assert await told(app) == ("1.0", "mended", 1, "mended")
    (folder / "more.py").write_text("")
    assert (await app.service.update("probe")).changed
    assert not (await app.service.install_path(folder)).changed


def wheel(folder: Path, version: str) -> Path:
    """Write a wheel of a native plugin by hand, so that it needs nothing from an index."""
    info = f"sky-{version}.dist-info"
    code = "from dynamic_plugins.plugin import Plugin, action\n@action\ndef tell() -> str:\n"
    files = {
        "sky/__init__.py": f"{code}    'Tells.'\n    return '{version}'\nplugin = Plugin('sky', actions=[tell])\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: sky\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    path = folder / f"sky-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


async def test_what_comes_from_a_registry_is_not_replaced_by_a_folder_that_is_called_like_it(
    home: Path, folder: Path, tmp_path: Path
) -> None:
    registry = tmp_path / "registry.json"
    packages = [{"type": "path", "name": str(folder)}]
    registry.write_text(
        json.dumps({"schema": 1, "plugins": [{"name": "probe", "kind": "python", "packages": packages}]})
    )
    settings = Settings(home=home, registries=(str(registry),))
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install("probe")
        other = write(tmp_path / "other", "2.0")
        outcome = await app.service.install_path(other)
        assert (outcome.changed, outcome.info.version) == (False, "1.0")
        assert f"listed in {registry}" in outcome.note
        assert "dynamic-plugins uninstall probe" in outcome.note
        with pytest.raises(BadArgumentsError, match=r"holds 1\.0"):
            await app.service.update("probe", "2.0")


async def test_an_editable_folder_stays_editable_through_an_update(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hello-plugin"
    shutil.copytree(EXAMPLES / "hello-plugin", folder)
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder, editable=True)
        await app.service.activate("hello")
        project, module = folder / "pyproject.toml", folder / "hello_plugin.py"
        (before,) = app.service.status()
        project.write_text(project.read_text().replace(f'version = "{before.version}"', 'version = "77.0"'))
        assert (await app.service.update("hello")).info.version == "77.0"
        module.write_text(module.read_text().replace("Hello, ", "Good day, "))
        await app.service.reload("hello")
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Good day, Ada!"
        assert not (await app.service.update("hello")).changed
        assert (await app.service.install_path(folder)).changed, "a copy now"
        module.write_text("this is no Python")
        await app.service.reload("hello")
        assert await app.service.call("hello", "greet", {"name": "Ada"}) == "Good day, Ada!"
