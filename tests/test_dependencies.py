"""Plugins that need other plugins: installed with one approval, activated first, and not taken away while needed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import AlreadyActiveError, InstallError, LoadError, UnknownPluginError
from dynamic_plugins.settings import Settings

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
        assert list(app.runtime.plugins) == ["bottom", "middle", "top"]
        for verb in (app.service.deactivate, app.service.unload, app.service.uninstall):
            with pytest.raises(AlreadyActiveError, match="needed by middle"):
                await verb("bottom")
        assert await app.service.call("bottom", "bottom_does", {}) == "bottom"
        await app.service.deactivate("top")
        await app.service.deactivate("middle")
        await app.service.uninstall("bottom")


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
        assert list(app.runtime.plugins) == ["aa", "bb"]


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
