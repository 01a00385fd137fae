"""Installing: planned in full, made out of sight, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dynamic_plugins.errors import BadArgumentsError, InstallError, PluginTimeoutError, UnavailableHereError
from dynamic_plugins.install.folders import PluginFolders
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.entry import Entry, Package
from tests.conftest import EXAMPLES, Cli

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
    only_npm = Package("npm", "@elizaos/plugin-x")
    with pytest.raises(UnavailableHereError, match="TypeScript"):
        make(root).plan(Entry("@elizaos/plugin-x", "elizaos", packages=(only_npm,)))
    with pytest.raises(UnavailableHereError, match="no package"):
        make(root).plan(Entry("x", "mcp"))
    bare = Installer(root, python=sys.executable, environ={"PATH": ""})
    with pytest.raises(UnavailableHereError, match=r"Node\.js"):
        bare.plan(Entry("x", "mcp", packages=(Package("npm", "x"),)))


# ---------------------------------------------------------------- real packages


@pytest.mark.index
async def test_a_package_is_installed_whole_with_its_exact_versions(installer: Installer, root: Path) -> None:
    stages: list[Any] = []
    installation = await installer.install(installer.plan(TIME), stages.append)
    assert installation.version == "2026.10.19"
    assert installation.entry_point == "mcp_server_time:main"
    found = {each.name: each for each in installation.distributions}
    assert found["mcp-server-time"].version == "2026.10.19"
    assert all(each.digest and each.digest.startswith("sha256:") for each in installation.distributions)
    assert [event.fraction for event in stages] == sorted(event.fraction or 0 for event in stages)
    assert stages[-1].stage == "publish"
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
async def test_an_npm_package_is_installed_without_running_its_scripts(installer: Installer) -> None:
    package = Package("npm", "@modelcontextprotocol/server-sequential-thinking")
    entry = Entry("thinking", "mcp", packages=(package,))
    plan = installer.plan(entry)
    assert "--ignore-scripts" in plan.commands[0]
    installation = await installer.install(plan)
    assert Path(installation.command[0]).name == "node"
    assert os.access(installation.command[1], os.R_OK)
    assert all((each.digest or "").startswith("sha512-") for each in installation.distributions)


@pytest.mark.index
@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (Package("pypi", "mcp-server-time", "0.0.999"), r"no version 0\.0\.999"),
        (Package("pypi", "mcp-server-there-is-no-such-package"), "no package"),
        (Package("npm", "@modelcontextprotocol/server-there-is-no-such-package"), "npm has no package"),
        (Package("npm", "@modelcontextprotocol/server-everything", "0.0.999"), r"no version 0\.0\.999"),
    ],
    ids=["pypi version", "pypi name", "npm name", "npm version"],
)
async def test_what_the_index_does_not_have_is_told_and_nothing_stays(
    installer: Installer, root: Path, package: Package, reason: str
) -> None:
    with pytest.raises(InstallError, match=reason):
        await installer.install(installer.plan(Entry("x", "mcp", packages=(package,))))
    assert left_in(root) == []


async def test_an_index_that_cannot_be_reached_is_told_and_nothing_stays(root: Path) -> None:
    environ = dict(os.environ) | {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_NO_CONFIG": "1",
        "UV_HTTP_RETRIES": "0",
        "UV_CACHE_DIR": str(root.parent / "cache"),
    }
    installer = Installer(root, python=sys.executable, environ=environ)
    with pytest.raises(InstallError, match="cannot be reached"):
        await installer.install(installer.plan(TIME))
    assert left_in(root) == []


async def test_an_install_that_takes_too_long_is_stopped_and_nothing_stays(root: Path) -> None:
    installer = make(root, timeout_seconds=0.001)
    with pytest.raises(PluginTimeoutError):
        await installer.install(installer.plan_path(EXAMPLES / "hello-plugin"))
    assert left_in(root) == []


@pytest.mark.index
async def test_a_cancelled_install_leaves_nothing_running_and_nothing_behind(installer: Installer, root: Path) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(installer.install(installer.plan(TIME), lambda _: begun.set()))
    async with asyncio.timeout(30):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(root) == []


@pytest.mark.index
async def test_several_installs_run_at_once(installer: Installer) -> None:
    entries = [Entry(f"copy-{index}", "mcp", packages=TIME.packages) for index in range(4)]
    done = await asyncio.gather(*(installer.install(installer.plan(entry)) for entry in entries))
    assert len({each.path for each in done}) == 4


# ---------------------------------------------------------------- crashes


@pytest.mark.index
def test_a_host_killed_in_the_middle_of_an_install_leaves_no_plugin_and_the_next_start_cleans_up(cli: Cli) -> None:
    process = subprocess.Popen(
        cli.command("--json", "install", "mcp-server-time", "--yes"),
        env=cli.environment() | {"UV_CACHE_DIR": str(cli.home.parent / "empty-cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    staged = cli.home / "runtime_plugins"
    while not list(staged.glob("*/.staging-*/env")):
        assert time.monotonic() < deadline
        assert process.poll() is None, "it finished before it could be killed"
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait(10)

    assert cli("status").json["plugins"] == []
    assert cli("install", "mcp-server-time", "--yes").json["status"] == "installed"
    assert [path.name for path in staged.glob("*/.staging-*")] == []
    assert cli("activate", "mcp-server-time").json["status"] == "active"


async def test_sweeping_keeps_what_is_known_and_what_somebody_is_working_on(root: Path) -> None:
    folders, others = PluginFolders(root), PluginFolders(root)
    known = root / "a-1" / "0123"
    for left in (known, root / "a-1" / ".trash-9", root / "b-2" / "4567", root / "b-2" / ".staging-8"):
        left.mkdir(parents=True)
    async with others.lock("c", 5), others.staging("c") as working:
        removed = folders.sweep(lambda: {known})
        assert working in list(working.parent.iterdir())
    assert sorted(path.name for path in removed) == [".staging-8", ".trash-9", "4567"]
    assert left_in(root) == ["0123"]
