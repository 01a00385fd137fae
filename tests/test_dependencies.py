"""Plugins that need other plugins: installed with one approval, activated first, and not taken away while needed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import AlreadyActiveError, DeclinedError, InstallError, LoadError, UnknownPluginError
from dynamic_plugins.settings import Settings
from tests.repositories import Repositories

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest


BOUND = 60.0


def folder(root: Path, name: str, *requires: str, version: str = "1") -> Path:
    """Write a native plugin that offers one action, named for itself."""
    path = root / name
    path.mkdir(exist_ok=True)
    (path / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
        f'[project.entry-points."dynamic_plugins.plugins"]\n{name} = "{name}_module:plugin"\n'
        f"[tool.dynamic-plugins]\nrequires = {json.dumps(requires)}\n"
    )
    (path / f"{name}_module.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n"
        f"@action\ndef {name}_does() -> str:\n    'Answers.'\n    return '{name}'\n"
        f"plugin = Plugin('{name}', actions=[{name}_does])\n"
    )
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    entries = [
        {"name": "bottom", "kind": "python", "packages": [{"type": "path", "name": str(folder(tmp_path, "bottom"))}]},
        {
            "name": "middle",
            "kind": "python",
            "packages": [{"type": "path", "name": str(folder(tmp_path, "middle", "bottom"))}],
        },
        {
            "name": "circle",
            "kind": "python",
            "packages": [{"type": "path", "name": str(folder(tmp_path, "circle", "circle"))}],
        },
    ]
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": entries}))
    return Settings.from_environment(home=tmp_path / "home", registries=(str(registry),))


async def test_what_a_plugin_needs_comes_with_it_on_one_approval_and_is_active_before_it(
    settings: Settings, tmp_path: Path
) -> None:
    asked: list[ApprovalRequest] = []

    async def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    async with App(settings, approve=approve) as app:
        await app.service.install_path(folder(tmp_path, "top", "middle"))
        assert [info.name for info in app.service.status()] == ["bottom", "middle", "top"]
        assert [request.verb for request in asked] == ["install"]
        assert "bottom" in asked[0].warnings[0]
        assert "middle" in asked[0].warnings[0]

        await app.service.activate("top")
        assert list(app.components.plugins) == ["bottom", "middle", "top"]
        for verb in (app.service.deactivate, app.service.unload, app.service.uninstall):
            with pytest.raises(AlreadyActiveError, match="needed by middle"):
                await verb("bottom")
        assert await app.service.call("bottom", "bottom_does", {}) == "bottom"
        await app.service.deactivate("top")
        await app.service.deactivate("middle")
        await app.service.uninstall("bottom")


async def test_what_a_plugin_requires_in_its_code_comes_with_it_too(settings: Settings, tmp_path: Path) -> None:
    path = folder(tmp_path, "top")
    module = path / "top_module.py"
    module.write_text(
        module.read_text().replace("plugin = Plugin('top',", "plugin = Plugin('top', requires=['middle'],")
    )
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install_path(path)
        await app.service.activate("top")
        assert list(app.components.plugins) == ["bottom", "middle", "top"]


async def test_what_needs_itself_or_what_nobody_knows_is_not_installed(settings: Settings, tmp_path: Path) -> None:
    async def approve(_request: ApprovalRequest) -> bool:
        return True

    async with App(settings, approve=approve) as app:
        with pytest.raises(InstallError, match="in turn"):
            await app.service.install("circle")
        with pytest.raises(UnknownPluginError):
            await app.service.install_path(folder(tmp_path, "orphan", "there-is-no-such-plugin"))
        assert app.service.status() == []


async def test_plugins_that_come_to_need_one_another_are_refused_with_their_names(
    settings: Settings, tmp_path: Path
) -> None:
    for name in ("aa", "bb"):
        folder(tmp_path, name)
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        for name in ("aa", "bb"):
            await app.service.install_path(tmp_path / name)
        folder(tmp_path, "bb", "aa", version="2")
        assert (await app.service.update("bb")).info.version == "2"
        folder(tmp_path, "aa", "bb", version="2")
        with pytest.raises(InstallError, match="aa needs bb, bb needs aa in turn"):
            await app.service.update("aa")
        assert [info.version for info in app.service.status()] == ["1", "2"]
        await app.service.activate("bb")
        assert list(app.components.plugins) == ["aa", "bb"]


async def test_a_circle_that_is_installed_already_is_refused_and_not_waited_for(
    settings: Settings, tmp_path: Path
) -> None:
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install_path(folder(tmp_path, "aa"))
        await app.service.install_path(folder(tmp_path, "bb", "aa"))
        aa = app.store.read()["aa"].installation
        app.store.change("aa", installation=replace(aa, requires=("bb",)))  # as older versions let it happen
        for name in ("aa", "bb"):
            with pytest.raises(LoadError, match="aa needs bb"):
                await app.service.activate(name)
        assert {info.status for info in app.service.status()} == {"installed"}
        with pytest.raises(InstallError, match="bb needs aa"):
            await app.service.install_path(folder(tmp_path, "cc", "aa"))
        assert len(app.service.status()) == 2

        app.store.change("aa", installation=aa)
        await app.service.activate("bb")
        app.store.change("aa", installation=replace(aa, requires=("bb",)))
        await app.service.deactivate("aa")
        await app.service.uninstall("aa")
        await app.service.deactivate("bb")


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path / "repositories")


@pytest.fixture
def building(settings: Settings, repositories: Repositories, tmp_path: Path) -> Settings:
    """Settings with a registry that knows ``top`` from git: what it needs is known once it is built."""
    known = [{"name": "top", "kind": "python", "packages": [{"type": "git", "name": repositories.address("top")}]}]
    path = tmp_path / "git.json"
    path.write_text(json.dumps({"schema": 1, "plugins": known}))
    registries = (*settings.registries, str(path))
    return replace(settings, registries=registries, environment=repositories.environment(), allow_builds=True)


async def test_what_only_the_package_itself_says_that_it_needs_is_asked_about_and_comes_with_it(
    building: Settings, repositories: Repositories
) -> None:
    asked: list[ApprovalRequest] = []
    answers = [True, False]

    async def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return answers.pop(0) if answers else True

    repositories.commit("top", "1", "middle")
    async with asyncio.timeout(BOUND), App(building, approve=approve) as app:
        with pytest.raises(DeclinedError):
            await app.service.install("top")
        assert app.service.status() == []
        await app.service.install("top")
        assert [request.name for request in asked] == ["top"] * 4
        assert "It needs bottom, middle" in asked[3].warnings[0]
        await app.service.activate("top")
        assert list(app.components.plugins) == ["bottom", "middle", "top"]


async def test_an_update_brings_and_activates_what_the_new_version_needs_or_changes_nothing(
    building: Settings, repositories: Repositories
) -> None:
    agreed = True

    async def approve(request: ApprovalRequest) -> bool:
        return agreed or not any("It needs" in each for each in request.warnings)

    repositories.commit("top", "1")
    async with asyncio.timeout(BOUND), App(building, approve=approve) as app:
        await app.service.install("top")
        await app.service.activate("top")
        repositories.commit("top", "2", "middle")
        agreed = False
        with pytest.raises(DeclinedError):
            await app.service.update("top")
        assert [(info.name, info.version, info.status) for info in app.service.status()] == [("top", "1", "active")]
        assert await app.service.call("top", "tell", {}) == "1"
        agreed = True
        assert (await app.service.update("top")).info.version == "2"
        assert [(info.name, info.status) for info in app.service.status()] == [
            ("bottom", "active"),
            ("middle", "active"),
            ("top", "active"),
        ]
        assert await app.service.call("top", "tell", {}) == "2"


async def test_an_update_that_fails_takes_away_and_switches_off_again_what_came_with_it(
    settings: Settings, tmp_path: Path
) -> None:
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install("bottom")
        await app.service.install_path(folder(tmp_path, "top"))
        await app.service.activate("top")
        (folder(tmp_path, "top", "middle", version="2") / "top_module.py").write_text("raise OSError('broken')")
        with pytest.raises(LoadError, match="broken"):
            await app.service.update("top")
        assert [(info.name, info.version, info.status) for info in app.service.status()] == [
            ("bottom", "1", "installed"),
            ("top", "1", "active"),
        ]
        assert list(app.components.plugins) == ["top"]
