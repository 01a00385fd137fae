"""Packages for another Python than ours: one of this machine is used where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.install.python_finder import finding_all_pythons, fits, wanted_python
from dynamic_plugins.install.uv import Uv
from dynamic_plugins.settings import Settings
from tests.package_index import package_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG_AGO = "2020-01-01"
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
NEWER = f">=3.{sys.version_info.minor + 1}"
OLDER = f"<3.{sys.version_info.minor}"


def newer_python() -> str:
    """Return a Python of this machine that is newer than ours; empty where there is none."""
    return found_python(NEWER)


def found_python(wanted: str) -> str:
    """Return a Python of this machine that is *wanted* and that workers of ours run on; empty where there is none."""
    command = [Uv.binary(), "python", "find", "--no-project", "--system", "--no-python-downloads", f"{wanted},>=3.10"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=finding_all_pythons(os.environ))
    return found.stdout.strip()


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Return what makes settings for a home whose index has ``tea``, which does not run on our Python."""
    with package_index() as index:
        index.add("tea", "1.0", LONG_AGO, python=NEWER)
        registry = tmp_path / "registry.json"
        registry.write_text(
            '{"schema": 1, "plugins": [{"name": "tea", "kind": "python", "description": "Tells",'
            ' "packages": [{"type": "pypi", "name": "tea", "version": "1.0"}]}]}'
        )

        def settings(**environ: str) -> Settings:
            environment = dict(os.environ) | index.environment(tmp_path) | environ
            return Settings.from_environment(environment, home=tmp_path / "home", registries=(str(registry),))

        yield settings


@pytest.mark.skipif(not newer_python(), reason="this machine has no newer Python")
async def test_what_does_not_run_on_our_python_gets_another_of_this_machine(home: Callable[..., Settings]) -> None:
    async with App(home(), approve=approve_everything) as app:
        await app.service.install("tea")
        python = app.store.get("tea").installation.python
        assert python is not None
        assert not PythonEnvironment(Path(python).parent.parent).python_version().startswith(f"{OURS}.")
        await app.service.activate("tea")
        assert await app.service.call("tea", "tell", {}) == "1.0"


async def test_what_is_for_older_pythons_gets_one_that_our_workers_run_on(
    home: Callable[..., Settings], tmp_path: Path
) -> None:
    if not found_python(OLDER):
        pytest.skip("this machine has no older Python")
    with package_index() as index:
        index.add("tea", "1.0", LONG_AGO, python=OLDER)
        index.add("milk", "1.0", LONG_AGO, python="<3.10")
        uv = Uv(python=sys.executable, allow_builds=False, environ=dict(os.environ) | index.environment(tmp_path))
        made = await uv.create("tea", tmp_path / "env", ["tea==1.0"], lambda *_: None)
        assert fits(OLDER, made.python_version())
        assert made.dist_info("tea") is not None
        ours = await uv.create("milk", tmp_path / "other", ["milk==1.0"], lambda *_: None)
        assert ours.python_version().startswith(f"{OURS}."), "uv would have it, and none that will do is there"
    assert names_in(tmp_path) == ["env", "other", "registry.json", "uv-cache"]


async def test_where_there_is_no_other_it_is_told_which_it_needs(home: Callable[..., Settings], tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "UV_PYTHON_INSTALL_DIR": str(tmp_path)}
    told = r"tea needs Python .*: no .*that would do was found. To get one: uv python install '>=3"
    async with App(home(**nowhere), approve=approve_everything) as app:
        with pytest.raises(InstallError, match=told):
            await app.service.install("tea")


async def test_the_version_that_is_asked_about_is_found_with_the_other_python_too(tmp_path: Path) -> None:
    if not newer_python():
        pytest.skip("this machine has no newer Python")
    with package_index() as index:
        index.add("tea", "1.0", LONG_AGO, python=NEWER)
        uv = Uv(python=sys.executable, allow_builds=False, environ=dict(os.environ) | index.environment(tmp_path))
        folder = tmp_path / "scratch"
        folder.mkdir()
        assert (await uv.resolve("tea", folder, ["tea"], None)).version == "1.0"
        other = tmp_path / "other"
        other.mkdir()
        assert [each.version for each in await uv.lock("tea", other, ["tea"], None)] == ["1.0"]


def test_only_a_python_that_does_not_fit_is_looked_for_anew() -> None:
    assert (
        wanted_python("Because the current Python version (3.11.7) does not\n  satisfy Python>=3.12 and x") == ">=3.12"
    )
    assert wanted_python("Because tea was not found in the package registry") is None
