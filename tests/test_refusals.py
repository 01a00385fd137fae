"""What a plugin is refused is told as such, with the command that grants it; other failures stay as they are."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.core.permissions import FileAccess, Permissions
from dynamic_plugins.errors import ActionError, PermissionDeniedError
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.tier import Level
from tests.fence_trial import fenced_loader
from tests.loading import call, native

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.workers.components import Connection

TIERS = ["namespaces", "landlock"]
NONE = Permissions(network=(), declared=True)
PLUGIN = """
import os, socket, subprocess
from pathlib import Path
from dynamic_plugins.plugin import Action, Plugin

def read(path: str) -> str:
    return Path(path).read_text()

def write(path: str) -> str:
    Path(path).write_text("written")
    return "written"

def write_beside() -> str:
    return write(str(Path(__file__).parent / "memory.jsonl"))

def run(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True).stdout

def only_a_path(path: str) -> str:
    raise ValueError(path)

def fetch(url: str) -> str:
    host, port = url.split("/")[2].split(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise RuntimeError(f"could not connect: {error}") from None
    return "fetched"

def fail_otherwise() -> str:
    try:
        socket.getaddrinfo("statistics.internal", 80)
    except OSError:
        pass
    raise ValueError("the number is too large")

def keep() -> str:
    Path(os.environ["KEPT_IN"]).write_text("kept")
    return os.environ["KEPT_IN"]

def author() -> str:
    words = ["git", "config", "--global", "--get-regexp", "."]
    return subprocess.run(words, capture_output=True, text=True).stdout

ACTIONS = (read, write, write_beside, run, only_a_path, fetch, fail_otherwise, keep, author)
plugin = Plugin("wisher", actions=[Action(each.__name__, "", each) for each in ACTIONS])
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the tiers tried here are those of Linux")


@pytest.fixture(params=TIERS)
def level(request: pytest.FixtureRequest) -> str:
    best = probe.best_tier().level
    if best is Level.NONE or (request.param == "namespaces" and best is not Level.NAMESPACES):
        pytest.skip(f"this machine has no tier {request.param}: {probe.best_tier()}")
    return str(request.param)


@asynccontextmanager
async def wisher(
    folder: Path, level: str, permissions: Permissions = NONE, variables: tuple[Variable, ...] = (), **told: str
) -> AsyncIterator[Connection]:
    """Start the plugin in one tier."""
    code = folder / "plugins" / "wisher" / "1"
    code.mkdir(parents=True, exist_ok=True)
    (code / "wisher.py").write_text(PLUGIN)
    installation = replace(native(code, "wisher:plugin"), search_path=(str(code),), variables=variables)
    connection = await fenced_loader(folder, level).connect(installation, told, host=Host(permissions=permissions))
    try:
        yield connection
    finally:
        await connection.close()


async def refused(connection: Connection, action: str, **arguments: Any) -> PermissionDeniedError:
    with pytest.raises(PermissionDeniedError) as error:
        await call(connection, action, **arguments)
    assert error.value.command.startswith("dynamic-plugins permissions wisher --allow-")
    assert error.value.command in str(error.value)
    return error.value


async def test_a_file_that_it_may_not_read_or_write(tmp_path: Path, level: str) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "file").write_text("text")
    async with wisher(tmp_path, level) as connection:
        error = await refused(connection, "read", path=str(there / "file"))
        assert (error.kind, error.what) == ("read", str(there / "file"))
        assert "PermissionError" in str(error), "its own error is told as well"
        error = await refused(connection, "only_a_path", path=str(there))
        assert (error.kind, error.what) == ("read", str(there))
        with pytest.raises(ActionError, match="FileNotFoundError") as missing:
            await call(connection, "read", path=str(tmp_path / "plugin_data" / "wisher" / "missing"))
        assert missing.value.code == "action_failed"


async def test_what_it_may_read_and_not_write(tmp_path: Path, level: str) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "file").write_text("text")
    readable = replace(NONE, files=(FileAccess(str(there)),))
    async with wisher(tmp_path, level, readable) as connection:
        assert await call(connection, "read", path=str(there / "file")) == "text"
        error = await refused(connection, "write", path=str(there / "file"))
        assert (error.kind, error.what) == ("write", str(there / "file"))
        error = await refused(connection, "write", path=str(there / "new"))
        assert (error.kind, error.what) == ("write", str(there)), "what is not there cannot be granted by itself"
    writable = replace(NONE, files=(FileAccess(error.what, "write"),))
    async with wisher(tmp_path, level, writable) as connection:
        assert await call(connection, "write", path=str(there / "new")) == "written"


async def test_beside_its_own_code_nothing_is_granted(tmp_path: Path, level: str) -> None:
    place = Variable("KEPT_IN", format="filepath")
    async with wisher(tmp_path, level, variables=(place,)) as connection:
        with pytest.raises(ActionError, match="beside its own code") as error:
            await call(connection, "write_beside")
    own = tmp_path / "plugin_data" / "wisher"
    assert not isinstance(error.value, PermissionDeniedError)
    assert f"dynamic-plugins configure wisher KEPT_IN={own}/" in str(error.value)


async def test_a_default_in_the_home_lies_in_its_own_folder(tmp_path: Path, level: str) -> None:
    place = Variable("KEPT_IN", default="~/kept", format="filepath")
    own = tmp_path / "plugin_data" / "wisher"
    async with wisher(tmp_path, level, variables=(place,), KEPT_IN="~/kept") as connection:
        assert await call(connection, "keep") == str(own / "kept")
    assert (own / "kept").read_text() == "kept"


async def test_a_program_that_it_may_not_start(tmp_path: Path, level: str) -> None:
    async with wisher(tmp_path, level) as connection:
        error = await refused(connection, "run", program="git")
        assert (error.kind, error.what) == ("program", "git")
        with pytest.raises(ActionError, match="FileNotFoundError") as missing:
            await call(connection, "run", program="no-such-program-here")
        assert missing.value.code == "action_failed", "what this machine does not have cannot be granted"


async def test_a_host_that_it_may_not_reach(tmp_path: Path, level: str) -> None:
    async with wisher(tmp_path, level) as connection:
        error = await refused(connection, "fetch", url="https://far.internal:8443/page")
        assert (error.kind, error.what) == ("network", "far.internal:8443")
        with pytest.raises(ActionError, match="too large") as own:
            await call(connection, "fail_otherwise")
        assert own.value.code == "action_failed"


async def test_of_a_list_of_hosts_the_refused_one_is_named(tmp_path: Path) -> None:
    if probe.best_tier().level is not Level.NAMESPACES:
        pytest.skip("a list of hosts is enforced with namespaces only")
    hosts = Permissions(network=("near.internal:8443",), declared=True)
    async with wisher(tmp_path, "namespaces", hosts) as connection:
        error = await refused(connection, "fetch", url="https://far.internal:8443/page")
        assert (error.kind, error.what.partition(":")[0]) == ("network", "far.internal")
        with pytest.raises(ActionError, match="too large") as own:
            await call(connection, "fail_otherwise")
        assert own.value.code == "action_failed", "that it also asked for another host is not why it failed"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
async def test_who_the_person_is_to_git_and_nothing_else_of_the_settings(
    tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    name = 'Ann "the \\ quick" O\'Hara'
    (home / ".gitconfig").write_text(
        '[user]\n\tname = Ann \\"the \\\\ quick\\" O\'Hara\n\temail = ann@example.org\n[http]\n\tproxy = a secret\n'
    )
    monkeypatch.setenv("HOME", str(home))
    own = tmp_path / "plugin_data" / "wisher" / ".gitconfig"
    async with wisher(tmp_path, level) as connection:
        await refused(connection, "run", program="git")
    assert not own.exists(), "it starts no git"
    git = replace(NONE, programs=("git",))
    async with wisher(tmp_path, level, git) as connection:
        assert (await call(connection, "author")).splitlines() == [f"user.name {name}", "user.email ann@example.org"]
    precious = tmp_path / "precious"
    precious.write_text("precious")
    own.unlink()
    own.symlink_to(precious)
    async with wisher(tmp_path, level, git):
        assert precious.read_text() == "precious", "what a plugin laid there is left alone"


def test_the_bundled_memory_server_keeps_its_memory_in_its_own_folder() -> None:
    snapshot = Path(__file__).parent.parent / "dynamic_plugins" / "registry" / "snapshot.json"
    entries = {each["name"]: each for each in json.loads(snapshot.read_text())["plugins"]}
    (place,) = entries["@modelcontextprotocol/server-memory"]["config"]
    assert place["default"].startswith("~/")
