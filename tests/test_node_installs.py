"""What a node makes of a plugin that is built from git, without a cluster: the commit that was agreed to."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import InstallError
from dynamic_plugins.settings import Settings
from dynamic_plugins.workers.fleet.node_installs import NodeInstalls
from tests.package_index import package_index
from tests.repositories import Repositories

if TYPE_CHECKING:
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.recipe import Recipe


def node(folder: Path, environment: dict[str, str], *, may_build: bool = True) -> NodeInstalls:
    settings = Settings(folder / "node", environment=environment, allow_builds=may_build)
    return NodeInstalls(settings, "owner", str(folder / "plugin_data"))


def elsewhere(installation: Installation) -> Installation:
    """Return *installation* as a machine has it that does not see its folder."""
    return replace(installation, path=f"{installation.path}-not-here")


async def test_a_node_builds_what_comes_from_git_at_the_commit_that_was_agreed_to(tmp_path: Path) -> None:
    repositories = Repositories(tmp_path / "repositories")
    repositories.commit("pot", "1.0")
    entry = {"name": "pot", "kind": "python", "packages": [{"type": "git", "name": repositories.address("pot")}]}
    (tmp_path / "listed.json").write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    with package_index() as index:
        environment = dict(os.environ) | repositories.environment() | index.environment(tmp_path)
        listed = (str(tmp_path / "listed.json"),)
        settings = Settings(tmp_path / "home", registries=listed, environment=environment, allow_builds=True)
        async with App(settings, approve=approve_everything) as app:
            await app.service.install("pot")
            agreed = app.store.get("pot").installation
            recipe = await app.installer.recipe(agreed)
        repositories.commit("pot", "2.0")
        made = await node(tmp_path, environment).make(elsewhere(agreed), recipe, 60)
        assert (made.version, made.package) == (agreed.version, agreed.package)
        (code,) = await asyncio.to_thread(lambda: list(Path(made.path).rglob("pot/__init__.py")))
        assert "'1.0'" in code.read_text()
        assert await node(tmp_path, environment).find(elsewhere(agreed)) == made, "it is there for the next one"
        await refused(tmp_path, environment, elsewhere(agreed), recipe)


async def refused(tmp_path: Path, environment: dict[str, str], agreed: Installation, recipe: Recipe) -> None:
    """See that a node builds nothing where its operator has not allowed it, and nothing of which no commit is known."""
    with pytest.raises(InstallError, match="DYNAMIC_PLUGINS_ALLOW_BUILDS=1 allows it"):
        await node(tmp_path / "other", environment, may_build=False).make(agreed, recipe, 60)
    older = replace(agreed, package=agreed.package.partition("@")[0])
    with pytest.raises(InstallError, match="which commit of its repository was agreed to is not known"):
        await node(tmp_path / "other", environment).make(older, recipe, 60)
