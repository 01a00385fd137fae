"""Installing: planned in full, made out of sight, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import BadArgumentsError, InstallError, UnavailableHereError
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.entry import Entry, Package, Variable

if TYPE_CHECKING:
    from dynamic_plugins.events import Event

TIME = Entry("mcp-server-time", "mcp", packages=(Package("pypi", "mcp-server-time", "2026.10.19"),), source="test")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runtime_plugins"


@pytest.fixture
def installer(root: Path) -> Installer:
    return make(root)


def make(root: Path, **more: object) -> Installer:
    return Installer(root, python=sys.executable, environ=dict(os.environ), **more)  # type: ignore[arg-type]


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("*/*")) if root.exists() else []


# ---------------------------------------------------------------- plans


def test_a_plan_says_everything_before_anything_happens(installer: Installer, root: Path) -> None:
    plan = installer.plan(TIME)
    assert (plan.name, plan.version, plan.origin) == (
        "mcp-server-time",
        "2026.10.19",
        "PyPI (mcp-server-time), listed in test",
    )
    assert plan.commands[1][-1] == "mcp-server-time==2026.10.19"
    assert "--only-binary" in plan.commands[1]
    assert not root.exists()


@pytest.mark.parametrize("version", ["--pre", "1.0 --index-url x", "1.0;ls", "../x", "1.0\n2.0", "@1", "https://x/y"])
def test_a_version_cannot_smuggle_in_an_option(installer: Installer, version: str) -> None:
    with pytest.raises(BadArgumentsError, match="exact version"):
        installer.plan(TIME, version)


@pytest.mark.parametrize("kind", ["pypi", "npm", "git"])
@pytest.mark.parametrize("name", ["--index-url=http://x", "x y", "x;y", "../x", "http://x/y.whl", "x[extra]; ", ""])
def test_a_registry_entry_cannot_smuggle_in_an_option(root: Path, kind: str, name: str) -> None:
    entry = Entry("x", "mcp", packages=(Package(kind, name),))  # type: ignore[arg-type]
    with pytest.raises((InstallError, UnavailableHereError)):
        make(root, allow_builds=True).plan(entry)


def test_what_cannot_run_here_says_why(root: Path) -> None:
    with pytest.raises(UnavailableHereError, match="no package"):
        make(root).plan(Entry("@elizaos/plugin-x", "elizaos"))
    with pytest.raises(UnavailableHereError, match="no package"):
        make(root).plan(Entry("x", "mcp"))
    bare = Installer(root, python=sys.executable, environ={"PATH": ""})
    with pytest.raises(UnavailableHereError, match=r"Node\.js"):
        bare.plan(Entry("x", "mcp", packages=(Package("npm", "x"),)))


# ---------------------------------------------------------------- real packages


@pytest.mark.index
async def test_a_package_is_installed_whole_with_its_exact_versions(installer: Installer, root: Path) -> None:
    installation = await installer.install(installer.plan(TIME))
    assert installation.version == "2026.10.19"
    assert installation.entry_point == "mcp_server_time:main"
    found = {each.name: each for each in installation.distributions}
    assert found["mcp-server-time"].version == "2026.10.19"
    assert all(each.digest and each.digest.startswith("sha256:") for each in installation.distributions)
    assert left_in(root) == [Path(installation.path).name]
    installer.remove(installation)
    installer.remove(installation)
    assert left_in(root) == []


@pytest.mark.index
async def test_a_server_written_for_an_older_mcp_gets_that_one(installer: Installer) -> None:
    entry = Entry("sqlite", "mcp", packages=(Package("pypi", "mcp-server-sqlite", "2025.4.25"),))
    installation = await installer.install(installer.plan(entry))
    (mcp,) = [each for each in installation.distributions if each.name == "mcp"]
    assert mcp.version.startswith("1."), "it needs mcp>=1.6 and names no upper bound; with 2.x it does not start"


@pytest.mark.index
async def test_changing_a_library_back_leaves_nothing_of_the_newer_one(installer: Installer) -> None:
    entry = Entry("modeling", "mcp", packages=(Package("pypi", "mcp-neo4j-data-modeling", "0.8.2"),))
    installation = await installer.install(installer.plan(entry))
    names = {each.name: each.version for each in installation.distributions}
    assert names["fastmcp"].startswith("2."), "it names fastmcp>=2.0.0 and no upper bound"
    assert "fastmcp-slim" not in names, "which owns the same folder in fastmcp 4"


@pytest.mark.index
async def test_an_elizaos_plugin_gets_the_elizaos_that_there_is(installer: Installer) -> None:
    entry = Entry("nostr", "elizaos", packages=(Package("pypi", "elizaos-plugin-nostr"),))
    installation = await installer.install(installer.plan(entry))
    assert "elizaos" in {each.name for each in installation.distributions}, "it asks for elizaos>=2.0.0"


@pytest.mark.index
async def test_what_an_elizaos_plugin_reads_of_its_environment_can_be_told_and_need_not(installer: Installer) -> None:
    declared = Variable("SCRATCHPAD_MAX_FILE_SIZE", "Most bytes of a note", format="number")
    packages = (Package("pypi", "elizaos-plugin-scratchpad"),)
    entry = Entry("scratchpad", "elizaos", packages=packages, config=(declared,))
    installation = await installer.install(installer.plan(entry))
    names = [each.name for each in installation.variables]
    assert names == ["SCRATCHPAD_MAX_FILE_SIZE", "SCRATCHPAD_ALLOWED_EXTENSIONS", "SCRATCHPAD_BASE_PATH"]
    assert installation.variables[0] == declared
    assert not any(each.required for each in installation.variables)


@pytest.mark.index
async def test_an_npm_package_is_installed_without_running_its_scripts(installer: Installer, root: Path) -> None:
    plan = installer.plan(Entry("semver", "mcp", packages=(Package("npm", "semver", "7.7.2"),)))
    assert "--ignore-scripts" in plan.commands[0]
    installation = await installer.install(plan)
    assert installation.version == "7.7.2"
    node, script = installation.command
    assert (Path(node).name, Path(script).is_relative_to(installation.path)) == ("node", True)
    done = await asyncio.create_subprocess_exec(node, script, "1.2.3", stdout=asyncio.subprocess.PIPE)
    assert (await asyncio.wait_for(done.communicate(), 30))[0] == b"1.2.3\n"
    assert all((each.digest or "").startswith("sha512-") for each in installation.distributions)
    installer.remove(installation)
    assert left_in(root) == []


@pytest.mark.index
async def test_a_person_s_own_npm_settings_do_not_move_the_packages(root: Path) -> None:
    settings = {"npm_config_global": "true", "npm_config_package_lock": "false", "npm_config_ignore_scripts": "false"}
    installer = Installer(root, python=sys.executable, environ=dict(os.environ) | settings)
    installation = await installer.install(installer.plan(Entry("x", packages=(Package("npm", "semver", "7.7.2"),))))
    assert [each.name for each in installation.distributions] == ["semver"]


@pytest.mark.index
async def test_several_installs_run_at_once_and_each_tells_how_far_it_is(installer: Installer) -> None:
    heard: list[Event] = []
    entries = [Entry(f"copy-{index}", "mcp", packages=TIME.packages) for index in range(4)]
    done = await asyncio.gather(*(installer.install(installer.plan(entry), heard.append) for entry in entries))
    assert len({each.path for each in done}) == 4
    for entry in entries:
        mine = [event for event in heard if event.plugin == entry.name]
        assert list(dict.fromkeys(event.stage for event in mine))[:2] == ["environment", "download"]
        assert [event.stage for event in mine[-2:]] == ["verify", "publish"]
        assert [event.fraction for event in mine] == sorted(event.fraction or 0 for event in mine)


@pytest.mark.index
async def test_what_several_installs_share_is_fetched_once_into_an_empty_cache(root: Path) -> None:
    installer = Installer(root, python=sys.executable, environ=dict(os.environ) | {"UV_CACHE_DIR": str(root / "cache")})
    heard: list[Event] = []
    entries = [Entry(f"copy-{index}", "mcp", packages=TIME.packages) for index in range(3)]
    await asyncio.gather(*(installer.install(installer.plan(entry), heard.append) for entry in entries))
    fetched = [event.plugin for event in heard if event.stage == "install"]
    resolved = [event.plugin for event in heard if event.message.startswith("downloading")]
    assert (len(fetched), len(resolved)) == (1, 3)


@pytest.mark.index
async def test_the_others_go_on_when_the_first_into_an_empty_cache_fails(root: Path) -> None:
    installer = Installer(root, python=sys.executable, environ=dict(os.environ) | {"UV_CACHE_DIR": str(root / "cache")})
    broken = Entry("broken", "mcp", packages=(Package("pypi", "mcp-server-time", "0.0.999"),))
    first, second = await asyncio.gather(
        *(installer.install(installer.plan(entry)) for entry in (broken, TIME)), return_exceptions=True
    )
    assert isinstance(first, InstallError)
    assert not isinstance(second, BaseException)
    assert second.version == "2026.10.19"
