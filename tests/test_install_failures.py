"""Installs that cannot be: the reason in a sentence, nothing left behind; cut short, killed, and cleaned up after."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from filelock import UnixFileLock

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import InstallError, PluginTimeoutError, UnavailableHereError
from dynamic_plugins.install import layout
from dynamic_plugins.install.command import child_environment, run, short
from dynamic_plugins.install.entry_points import node_command
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.install.layout import PluginFolders, slug
from dynamic_plugins.install.npm import instant
from dynamic_plugins.install.npm_reasons import nearest
from dynamic_plugins.registry.entry import Entry, Package
from tests.conftest import EXAMPLES, Cli
from tests.loading import children

if TYPE_CHECKING:
    from pathlib import Path

TIME = Package("pypi", "mcp-server-time", "2026.10.19")
SERVER = "@modelcontextprotocol/server-everything"
WRONG = "0" * 64
COLLIDING = [f"tea-server-with-a-name-of-forty-characte-{number}" for number in (863317, 1310264)]
"""Found in a second among names of one beginning: their SHA-256 has the same first 40 bits."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runtime_plugins"


def make(root: Path, environ: dict[str, str] | None = None, **more: Any) -> Installer:
    return Installer(root, python=sys.executable, environ=dict(os.environ) | (environ or {}), **more)


async def install(installer: Installer, package: Package, version: str | None = None) -> None:
    await installer.install(installer.plan(Entry("x", "mcp", packages=(package,)), version))


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("*")) if root.exists() else []


# ---------------------------------------------------------------- what the indexes do not have


@pytest.mark.index
@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (Package("pypi", "mcp-server-time", "2025.8.5"), r"no version 2025\.8\.5 .* 2025\.8\.4, 2025\.9\.\d+ and 20"),
        (Package("pypi", "mcp-server-there-is-no-such-package"), "the package index has no package mcp-server-there"),
        (Package("pypi", "docopt", "0.6.2"), "docopt is only published as source.*DYNAMIC_PLUGINS_ALLOW_BUILDS"),
        (Package("pypi", "pywin32", "312"), "pywin32 is not published for this system"),
        (Package("npm", "@modelcontextprotocol/server-there-is-no-such-package"), "npm has no package @model"),
        (Package("npm", SERVER, "2026.1.15"), r"no version 2026\.1\.15 of .* 2026\.1\.14, 2026\.1\.26 and 20"),
        (Package("npm", "left-pad", "1.3.0"), "no command that could be started"),
        (Package("pypi", "mcp-server-time", "2026.10.19", sha256=WRONG), "SHA-256 differs"),
        (Package("npm", "left-pad", "1.3.0", sha256=WRONG), "SHA-256 differs"),
    ],
    ids=lambda each: f"{each.type} {each.name}" if isinstance(each, Package) else "",
)
async def test_what_cannot_be_had_is_told_and_nothing_stays(root: Path, package: Package, reason: str) -> None:
    with pytest.raises(InstallError, match=reason):
        await install(make(root), package)
    assert left_in(root) == []


@pytest.mark.index
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="ipython 9.12 runs on this Python")
async def test_a_package_for_a_newer_python_says_which(root: Path) -> None:
    nowhere = {"PATH": str(root), "UV_PYTHON_INSTALL_DIR": str(root)}
    with pytest.raises(InstallError, match=r"ipython needs Python >=3\.12, and plugins are installed with Python 3"):
        await install(make(root, nowhere), Package("pypi", "ipython", "9.12.0"))


@pytest.mark.index
@pytest.mark.parametrize("package", [Package("pypi", "mcp-server-time"), Package("npm", "left-pad")])
async def test_what_was_published_too_recently_is_not_installed(root: Path, package: Package) -> None:
    with pytest.raises(InstallError, match="published too recently"):
        await install(make(root, exclude_newer="2014-01-01"), package)


def test_a_cutoff_that_npm_would_pass_over_in_silence_is_refused(root: Path) -> None:
    assert instant("2026-01-31") == "2026-01-31"
    assert instant("P2W") < instant("3 days")
    with pytest.raises(InstallError, match="DYNAMIC_PLUGINS_EXCLUDE_NEWER"):
        make(root, exclude_newer="last tuesday").plan(Entry("x", packages=(Package("npm", "left-pad"),)))


@pytest.mark.index
async def test_a_digest_that_fits_is_no_hindrance_and_counts_only_for_its_own_version(root: Path) -> None:
    installer = make(root)
    digest = "5c099a001c6ca78260bda419f2e9b2aabee1adc4fe6ca56d8959871ad8da58a1"
    entry = Entry("x", packages=(Package("pypi", "mcp-server-time", "2026.10.19", sha256=digest),))
    assert f"--hash=sha256:{digest}" in " ".join(installer.plan(entry).commands[1])
    assert (await installer.install(installer.plan(entry))).version == "2026.10.19"
    assert "--hash" not in " ".join(installer.plan(entry, "2025.8.4").commands[1])
    with pytest.raises(InstallError, match="of no version"):
        installer.plan(Entry("x", packages=(Package("pypi", "mcp-server-time", sha256=digest),)))


def test_the_nearest_versions_are_the_ones_around_it_and_the_newest() -> None:
    versions = ["1.2.0", "1.9.0", "1.10.0", "2.0.0-rc.1", "3.0.0"]
    assert nearest("1.9.5", versions) == ["1.9.0", "1.10.0", "3.0.0"]
    assert nearest("4.0.0", versions) == ["3.0.0", "3.0.0"]
    assert nearest("1.0.0", ["2.0.0-rc.1"]) == ["2.0.0-rc.1", "2.0.0-rc.1"]


# ---------------------------------------------------------------- what this machine does not have


@pytest.mark.parametrize("package", [TIME, Package("npm", SERVER)], ids=["pypi", "npm"])
async def test_an_index_that_cannot_be_reached_is_told_and_nothing_stays(root: Path, package: Package) -> None:
    nowhere = "http://somebody:hunter2@127.0.0.1:9"
    environ = {"UV_DEFAULT_INDEX": f"{nowhere}/simple", "UV_NO_CONFIG": "1", "UV_HTTP_RETRIES": "0"}
    environ |= {"npm_config_registry": nowhere, "npm_config_fetch_retries": "0"}
    environ |= {"UV_CACHE_DIR": str(root.parent / "uv"), "npm_config_cache": str(root.parent / "npm")}
    with pytest.raises(InstallError, match="cannot be reached") as caught:
        await install(make(root, environ), package)
    assert "hunter2" not in str(caught.value)
    assert left_in(root) == []


def test_an_index_s_password_is_in_no_reason() -> None:
    assert short("failed: https://me:hunter2@index.invalid/x\n and more") == "failed: https://index.invalid/x and more"
    assert len(short("x" * 10_000)) < 500


def test_a_package_manager_gets_no_secret_of_ours() -> None:
    given = {"PATH": "/bin", "OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "UV_DEFAULT_INDEX": "i", "https_proxy": "p"}
    assert set(child_environment(given)) == {"PATH", "UV_DEFAULT_INDEX", "https_proxy"}


async def test_a_node_that_is_too_old_says_so(root: Path, tmp_path: Path) -> None:
    for name, text in (("node", "echo v16.20.2"), ("npm", "exit 1")):  # stand-ins: no old Node.js can be had here
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(UnavailableHereError, match=r"Node\.js 18 or newer, and .*node is v16\.20\.2"):
        await install(make(root, {"PATH": f"{tmp_path}:/usr/bin:/bin"}), Package("npm", SERVER))
    assert left_in(root) == []


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("#!/usr/bin/env node", ["node", "x.js"]),
        ("console.log(1)", ["node", "x.js"]),
        ("#!/usr/bin/env -S node --no-warnings", ["node", "--no-warnings", "x.js"]),
        ("#!/usr/bin/env python3", ["x.js"]),
    ],
)
def test_an_npm_command_is_run_by_what_its_first_line_names(tmp_path: Path, line: str, command: list[str]) -> None:
    (tmp_path / "x.js").write_text(line + "\n")
    found = node_command("x", "@a/x", {"bin": {"x": "x.js", "y": "y.js"}}, tmp_path, "node")
    assert [word.removeprefix(f"{tmp_path}/") for word in found] == command
    with pytest.raises(InstallError, match="not in it"):
        node_command("y", "@a/y", {"bin": {"x": "x.js", "y": "y.js"}}, tmp_path, "node")


@pytest.fixture
def no_folder(root: Path) -> Path:
    root.write_text("a file where the folder should be")
    return root


async def test_a_place_that_cannot_be_written_is_an_error_of_ours(no_folder: Path) -> None:
    with pytest.raises(InstallError, match="cannot be written"):
        await make(no_folder).install(make(no_folder).plan_path(EXAMPLES / "hello-plugin"))


# ---------------------------------------------------------------- cut short


async def test_an_install_that_takes_too_long_is_stopped_and_nothing_stays(root: Path) -> None:
    with pytest.raises(PluginTimeoutError):
        await make(root, timeout_seconds=0.001).install(make(root).plan_path(EXAMPLES / "hello-plugin"))
    assert (left_in(root), children()) == ([], [])


@pytest.mark.index
@pytest.mark.parametrize("stage", ["environment", "download", "install", "verify"])
async def test_a_cancelled_install_leaves_nothing_running_and_nothing_behind(root: Path, stage: str) -> None:
    begun = asyncio.Event()
    installer = make(root, {"UV_CACHE_DIR": str(root.parent / "cache")})
    plan = installer.plan(Entry("x", packages=(TIME,)))
    task = asyncio.create_task(installer.install(plan, lambda event: begun.set() if event.stage == stage else None))
    async with asyncio.timeout(60):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (left_in(root), children()) == ([], [])


def of(home: Path) -> list[psutil.Process]:
    """Return the living processes that work in *home*."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(str(home) in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


async def test_what_a_package_manager_has_left_running_ends_too_when_the_install_is_cancelled(tmp_path: Path) -> None:
    left = f"while kill -0 $$ 2>/dev/null; do :; done; echo alone >&2; sleep 600; : {tmp_path}"  # $$ is who leaves it
    alone = asyncio.Event()
    leave = run("x", ["sh", "-c", f"({left}) &"], cwd=tmp_path, environ=os.environ, heard=lambda _: alone.set())
    task = asyncio.create_task(leave)
    async with asyncio.timeout(60):
        await alone.wait()
    assert of(tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert of(tmp_path) == []


@pytest.mark.index
def test_a_host_killed_in_the_middle_of_an_install_leaves_no_plugin_and_the_next_start_cleans_up(cli: Cli) -> None:
    host = subprocess.Popen(
        cli.command("--json", "install", "mcp-server-time", "--yes"),
        env=cli.environment() | {"UV_CACHE_DIR": str(cli.home.parent / "empty-cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    staged = cli.home / "runtime_plugins"
    while not list(staged.glob("*/.staging-*/env/bin/python")):
        assert time.monotonic() < deadline
        assert host.poll() is None, "it finished before it could be killed"
        os.sched_yield()
    host.send_signal(signal.SIGKILL)
    host.wait(10)
    assert psutil.wait_procs(of(cli.home), timeout=10)[1] == [], "what it had started works on in a folder of nobody's"

    assert cli("status").json["plugins"] == []
    assert cli("install", "mcp-server-time", "--yes").json["status"] == "installed"
    assert [path.name for path in staged.glob("*/.staging-*")] == []
    assert cli("activate", "mcp-server-time").json["status"] == "active"


# ---------------------------------------------------------------- cleaning up


@pytest.mark.parametrize("times", [1, 2])
async def test_a_scratch_folder_that_is_cancelled_as_it_goes_is_gone_with_its_lock(
    root: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    going, may_go = threading.Event(), threading.Event()

    def remove_later(folder: Path) -> None:
        going.set()
        assert may_go.wait(60)
        remove_folder(folder)

    async def work() -> None:
        async with PluginFolders(root).scratch() as folder:
            (folder / "file").touch()

    monkeypatch.setattr(layout, "remove_folder", remove_later)
    task = asyncio.create_task(work())
    assert await asyncio.to_thread(going.wait, 60)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    may_go.set()
    await asyncio.wait([task], timeout=60)
    assert task.cancelled()
    assert left_in(root) == []


async def test_a_scratch_folder_that_is_cancelled_before_it_is_there_leaves_no_lock(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock's file is made in a thread, which goes on."""
    making, may_make, lock = threading.Event(), threading.Event(), UnixFileLock._acquire

    def lock_later(self: UnixFileLock) -> None:
        making.set()
        assert may_make.wait(60)
        lock(self)

    async def work() -> None:
        async with PluginFolders(root).scratch():
            pass

    monkeypatch.setattr(UnixFileLock, "_acquire", lock_later)
    task = asyncio.create_task(work())
    assert await asyncio.to_thread(making.wait, 60)
    task.cancel()
    await asyncio.sleep(0)
    may_make.set()
    await asyncio.wait([task], timeout=60)
    assert task.cancelled()
    assert left_in(root) == []


async def test_sweeping_keeps_what_is_known_and_what_somebody_is_working_on(root: Path) -> None:
    folders, others = PluginFolders(root), PluginFolders(root)
    known = root / "a-1" / "0123"
    for left in (known, root / "a-1" / ".trash-9", root / "b-2" / "4567", root / "b-2" / ".staging-8"):
        left.mkdir(parents=True)
    async with others.lock("c", 5), others.staging("c") as working:
        removed = folders.sweep(lambda: {known})
        assert working in list(working.parent.iterdir())
    assert sorted(path.name for path in removed) == [".staging-8", ".trash-9", "4567"]
    assert [path.name for path in known.parent.iterdir()] == ["0123"]


@pytest.mark.parametrize("when", [1, 2])
def test_sweeping_goes_on_where_another_process_takes_a_folder_away_meanwhile(root: Path, when: int) -> None:
    (root / "a-1" / ".trash-9").mkdir(parents=True)
    (root / "b-2" / ".trash-9").mkdir(parents=True)
    asked: list[int] = []

    def keep() -> set[Path]:  # asked before and after the lock of a folder is taken, each time just before a look
        asked.append(1)
        if len(asked) == when:
            shutil.rmtree(root / "a-1")
        return set()

    assert PluginFolders(root).sweep(keep) == [root / "b-2" / ".trash-9"]
    assert left_in(root) == []


def test_a_home_that_is_reached_through_a_link_is_the_same_home(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root.parent, target_is_directory=True)
    known, gone = root / "a-1" / "0123", root / "a-1" / "4567"
    for each in (known, gone):
        each.mkdir(parents=True)
    assert PluginFolders(link / root.name).sweep(lambda: {known, gone}) == []
    PluginFolders(link / root.name).remove(gone)
    assert list(known.parent.iterdir()) == [known]
    PluginFolders(root).remove(tmp_path)
    assert tmp_path.exists(), "only what lies in a plugin's own folder is ever removed"


async def test_nothing_is_left_of_a_plugin_that_is_gone_not_even_its_lock(root: Path) -> None:
    installer = make(root)
    async with installer.lock("hello", 5):
        installation = await installer.install(installer.plan_path(EXAMPLES / "hello-plugin"))
    assert len(left_in(root)) == 2
    async with installer.lock("hello", 5):
        installer.remove(installation)
    assert left_in(root) == []


async def test_one_plugin_is_worked_on_by_one_at_a_time_even_while_its_lock_goes_and_comes(root: Path) -> None:
    inside: list[int] = []

    async def work() -> None:
        folders = PluginFolders(root)
        async with folders.lock("x", 60):
            inside.append(1)
            assert len(inside) == 1
            async with folders.staging("x"):
                await asyncio.sleep(0)
            inside.pop()

    await asyncio.gather(*(work() for _ in range(20)))
    assert left_in(root) == []


# ---------------------------------------------------------------- folders of their own


def old_slug(name: str) -> str:
    """Return the folder that older versions gave a plugin."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def test_two_names_that_shared_a_folder_have_one_each() -> None:
    assert old_slug(COLLIDING[0]) == old_slug(COLLIDING[1])
    assert slug(COLLIDING[0]) != slug(COLLIDING[1])
    assert all(len(slug(name).rpartition("-")[2]) * 4 == 128 for name in COLLIDING)


def test_an_older_home_keeps_its_folders_and_what_lies_in_them(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    shutil.copytree(EXAMPLES / "hello-plugin", folder)
    cli("install", "--path", str(folder), "--yes")
    cli("activate", "hello")
    state = cli.home / "plugin-management-state.json"
    state.write_text(state.read_text().replace(slug("hello"), old_slug("hello")))
    for place in ("runtime_plugins", "plugin_data"):
        (cli.home / place / slug("hello")).rename(cli.home / place / old_slug("hello"))
    kept = cli.home / "plugin_data" / old_slug("hello") / "kept"
    kept.write_text("")

    cli("call", "hello", "greet", "--args", '{"name": "Ada"}')
    (folder / "hello_plugin.py").write_text((folder / "hello_plugin.py").read_text() + "# new\n")
    assert cli("update", "hello", "--yes").json["status"] == "active"
    cli("call", "hello", "greet", "--args", '{"name": "Ada"}')
    assert [path.name for path in (cli.home / "runtime_plugins").iterdir() if path.is_dir()] == [old_slug("hello")]
    assert kept.exists()
    cli("uninstall", "hello")
    cli("install", "--path", str(folder), "--yes")
    assert [path.name for path in (cli.home / "runtime_plugins").iterdir() if path.is_dir()] == [slug("hello")]
    assert not kept.exists()
