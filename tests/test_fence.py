"""What a plugin's process can reach behind the fence, in each tier, as root and as an ordinary user, by trying."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import uv

from dynamic_plugins.core.permissions import FileAccess, Permissions
from dynamic_plugins.errors import ActionError, LoadError
from dynamic_plugins.settings import Limits, Settings
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fence import fence, probe
from dynamic_plugins.workers.fence.fence import Fence
from dynamic_plugins.workers.fence.tier import Level, Tier
from tests.fence_trial import MARK, fenced_loader
from tests.loading import call, children, native, server, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.install.installation import Installation
    from tests.conftest import Cli

ROOT = Path(__file__).parent.parent
NOBODY = 65534
TIERS = ["namespaces", "landlock"]
NONE = Permissions(network=(), declared=True)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the tiers tried here are those of Linux")

# What the documentation says that a tier does not hold back.
SHARED_MEMORY = {"share_more_memory_than_its_share"}
HELD_BY_NAMESPACES = {"change_a_mode", "change_a_time", "see_the_hosts_command_line", "fork_without_end"}
HELD_BY_NOTHING = {"namespaces": SHARED_MEMORY, "landlock": SHARED_MEMORY | HELD_BY_NAMESPACES}
# What works only for root, or for nobody, without any fence.
NEEDS_ROOT = {
    "read_the_password_file",
    "change_the_system_settings",
    "send_raw_packets",
    "mount_something",
    "change_its_root",
    "have_capabilities",
    "load_a_program_into_the_kernel",
}


def needs(level: str) -> None:
    """Skip where this machine has no such tier."""
    best = probe.best_tier().level
    if best is Level.NONE or (level == "namespaces" and best is not Level.NAMESPACES):
        pytest.skip(f"this machine has no tier {level}: {probe.best_tier()}")


@pytest.fixture(params=TIERS)
def level(request: pytest.FixtureRequest) -> str:
    needs(request.param)
    return str(request.param)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may use: those of pytest are its own user's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def burglar(path: Path) -> Installation:
    path.mkdir(parents=True, exist_ok=True)
    return native(path, "burglar:plugin", "burglar")


@asynccontextmanager
async def let_loose(
    folder: Path, level: str, permissions: Permissions = NONE, **environment: str
) -> AsyncIterator[Any]:
    """Start the plugin ``burglar`` in one tier; on leaving, see that no process is left."""
    loader = fenced_loader(folder, level)
    installation = burglar(folder / "plugins" / "burglar" / "1")
    connection = await loader.connect(installation, environment, host=Host(permissions=permissions))
    try:
        yield connection
    finally:
        await connection.close()
    assert children() == []


# ---------------------------------------------------------------- attacks


def attacks() -> set[str]:
    text = (ROOT / "tests" / "plugins" / "burglar" / "burglar.py").read_text()
    return {line[4:-13] for line in text.splitlines() if line.startswith("def ") and line.endswith("() -> object:")}


def raid(level: str, folder: Path, python: str = sys.executable, **options: Any) -> set[str]:
    """Return the names of the attacks that worked, tried by a host of its own."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "OF_THE_HOST": "a secret"}
    command = [python, "-m", f"tests.{MARK}", level, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, **options)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.skipif(os.getuid() != 0, reason="some of the attacks take root")
def test_the_attacks_are_real_ones_where_there_is_no_fence(open_folder: Path) -> None:
    assert len(attacks()) > 50
    assert raid("none", open_folder) == attacks() - {"take_more_memory_than_its_share"}


def test_what_a_hostile_plugin_gets_away_with_is_what_the_documentation_says(open_folder: Path, level: str) -> None:
    assert raid(level, open_folder) == HELD_BY_NOTHING[level]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("level", ["none", *TIERS])
def test_it_is_the_same_for_an_ordinary_user(open_folder: Path, level: str) -> None:
    needs("landlock" if level == "none" else level)
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    try:
        subprocess.run([python, "-c", "import typing_extensions"], check=False, capture_output=True, **nobody)
    except OSError:
        pytest.skip("there is no interpreter that an ordinary user may run")
    worked = raid(level, open_folder, python, **nobody)
    if level == "none":  # what they are worth
        assert worked >= attacks() - NEEDS_ROOT - _REFUSED_TO_ORDINARY_USERS - {"take_more_memory_than_its_share"}
    else:
        assert worked == HELD_BY_NOTHING[level]


# As this kernel is set up: user namespaces, tracing and key handles may be refused to them.
_REFUSED_TO_ORDINARY_USERS = {
    "make_namespaces",
    "trace_the_host",
    "copy_the_hosts_memory",
    "take_a_descriptor_of_the_host",
    "read_the_hosts_memory",
    "use_io_uring",
    "open_by_handle",
}


def test_nothing_of_a_plugins_environment_runs_before_the_fence(tmp_path: Path, level: str) -> None:
    environment, key = tmp_path / "install" / "env", tmp_path / "key"
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, str(environment)], check=True)
    key.write_text("a private key")
    packages = next((environment / "lib").glob("python3*/site-packages"))
    code = (
        "import resource, pathlib\n"
        "try:\n    found = pathlib.Path({key!r}).read_text()\n"
        "except OSError as error:\n    found = type(error).__name__\n"
        "line = f'{{resource.getrlimit(resource.RLIMIT_DATA)[0]}} {{found}}\\n'\n"
        "pathlib.Path('{name}').write_text(line)\n"
    )
    (packages / "first.pth").write_text("import first_of_all\n")
    (packages / "first_of_all.py").write_text(code.format(key=str(key), name="pth"))
    (packages / "sitecustomize.py").write_text(code.format(key=str(key), name="sitecustomize"))
    installation = replace(burglar(tmp_path / "install"), python=str(environment / "bin" / "python"))
    loader = fenced_loader(tmp_path, level)

    async def start() -> None:
        connection = await loader.connect(installation, {}, host=Host(permissions=NONE))
        await connection.close()

    asyncio.run(start())
    # Debian's Python has a sitecustomize of its own, which no environment's can stand before.
    own = Path(os.__file__).with_name("sitecustomize.py").exists()
    for name in ("pth",) if own else ("pth", "sitecustomize"):
        assert (loader.folder(installation) / name).read_text() == f"{256 * 2**20} PermissionError\n"


async def test_a_link_in_what_was_copied_makes_nothing_its_code(tmp_path: Path, level: str) -> None:
    (tmp_path / "home" / "keys").mkdir(parents=True)
    (tmp_path / "home" / "keys" / "first").write_text("there")
    installation = burglar(tmp_path / "install")
    (tmp_path / "install" / "src").symlink_to(tmp_path / "home")
    shutil.copytree(installation.search_path[0], tmp_path / "install" / "source")
    places = (str(tmp_path / "install" / "source"), str(tmp_path / "install" / "src"))
    installation = replace(installation, search_path=places, digest="0" * 64)
    connection = await fenced_loader(tmp_path, level).connect(installation, {}, host=Host(permissions=NONE))
    try:
        with pytest.raises(ActionError, match="PermissionError"):
            await call(connection, "read", path=str(tmp_path / "home" / "keys" / "first"))
    finally:
        await connection.close()


# ---------------------------------------------------------------- its end


def sleepers(folder: Path) -> list[int]:
    return [
        each.pid
        for each in psutil.process_iter(["cmdline", "status"])
        if str(folder) in (each.info["cmdline"] or []) and each.info["status"] != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(params=[*TIERS, "none"])
def any_level(request: pytest.FixtureRequest) -> str:
    if request.param != "none":
        needs(request.param)
    return str(request.param)


async def test_what_it_started_ends_when_it_is_unloaded(tmp_path: Path, any_level: str) -> None:
    async with let_loose(tmp_path, any_level) as connection:
        await call(connection, "stay", folder=str(tmp_path))
        await until(lambda: len(sleepers(tmp_path)) == 1)
    assert sleepers(tmp_path) == []


async def test_what_it_started_ends_when_it_dies_by_itself(tmp_path: Path, any_level: str) -> None:
    async with let_loose(tmp_path, any_level) as connection:
        await call(connection, "stay", folder=str(tmp_path))
        await until(lambda: len(sleepers(tmp_path)) == 1)
        with pytest.raises(ActionError, match="exit status 3"):
            await call(connection, "die")
        await until(lambda: sleepers(tmp_path) == [])


async def test_what_starts_the_next_and_leaves_again_and_again_ends_too(tmp_path: Path, any_level: str) -> None:
    file = tmp_path / "plugin_data" / "burglar" / "held"
    async with let_loose(tmp_path, any_level) as connection:
        await call(connection, "hop", file=str(file))
        assert not _is_free(file)
    await until(lambda: _is_free(file))


def _is_free(file: Path) -> bool:
    with file.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_what_it_started_ends_with_a_host_that_is_killed(tmp_path: Path, any_level: str, number: int) -> None:
    script = f"""
import asyncio, os, pathlib
from dynamic_plugins.workers.components import Host
from tests.test_fence import NONE, burglar, fenced_loader, sleepers
from tests.loading import call, until
async def main():
    folder = pathlib.Path({str(tmp_path)!r})
    loader = fenced_loader(folder, {any_level!r})
    connection = await loader.connect(burglar(folder / "1"), {{}}, host=Host(permissions=NONE))
    await call(connection, "stay", folder=str(folder))
    await until(lambda: len(sleepers(folder)) == 1)
    os.kill(os.getpid(), {int(number)})
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -number
    asyncio.run(until(lambda: sleepers(tmp_path) == []))


# ---------------------------------------------------------------- what it is granted


async def test_its_home_is_its_own_folder_and_no_program_is_found(tmp_path: Path, level: str) -> None:
    async with let_loose(tmp_path, level) as connection:
        seen = await call(connection, "look_around")
    own = str(tmp_path / "plugin_data" / "burglar")
    assert (seen["HOME"], seen["TMPDIR"], seen["cwd"]) == (own, own, own)
    assert shutil.which("sh", path=seen["PATH"]) is None
    assert seen["processes"] == 2 or level == "landlock"


async def test_a_program_that_is_granted_is_found_and_runs(tmp_path: Path, level: str) -> None:
    script = (
        "import subprocess\nfrom dynamic_plugins.plugin import Action, Plugin\n"
        "def go() -> str:\n    return subprocess.run(['git', '--version'], capture_output=True, text=True).stdout\n"
        "plugin = Plugin('x', actions=[Action('go', '', go)])\n"
    )
    (tmp_path / "install").mkdir()
    (tmp_path / "install" / "runs_git.py").write_text(script)
    path = str(tmp_path / "install")
    installation = replace(native(tmp_path / "install", "runs_git:plugin"), search_path=(path,))
    loader = fenced_loader(tmp_path, level)
    for programs, outcome in ((("git",), "git version"), ((), None)):
        permissions = Permissions(network=(), programs=programs, declared=True)
        connection = await loader.connect(installation, {}, host=Host(permissions=permissions))
        try:
            if outcome is None:
                with pytest.raises(ActionError, match="FileNotFoundError"):
                    await call(connection, "go")
            else:
                assert outcome in await call(connection, "go")
        finally:
            await connection.close()


async def test_files_are_read_and_written_as_they_are_granted(tmp_path: Path, level: str) -> None:
    for name in ("read", "write"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("there")
    files = (FileAccess(str(tmp_path / "read")), FileAccess(str(tmp_path / "write"), "write"))
    read, write = str(tmp_path / "read" / "file"), str(tmp_path / "write")
    async with let_loose(tmp_path, level, Permissions(network=(), files=files, declared=True)) as connection:
        told = {"key": read, "home": write, "other_code": str(tmp_path / "read"), "spare3": read}
        worked = await call(connection, "raid", told=_nowhere(tmp_path) | told)
    assert {"read_a_key", "write_into_the_home"} <= worked.keys()
    refused = {"truncate_a_file", "empty_a_file_while_reading", "write_into_another_plugins_environment"}
    assert not refused & worked.keys()


def _nowhere(folder: Path) -> dict[str, Any]:
    paths = ("home", "key", "other_data", "other_code", "own_code", "spare", "spare2", "spare3", "unix", "loader")
    nowhere: dict[str, Any] = {name: str(folder / "nowhere" / name) for name in paths}
    numbers = {"host": os.getpid(), "address": 4096, "port": 9, "memory": 2**20, "processes": 1, "segment": -1}
    names = ("abstract", "abstract_datagrams", "datagrams", "mark")
    return nowhere | numbers | dict.fromkeys(names, "nothing")


async def test_what_became_a_link_since_it_was_looked_at_is_opened_in_no_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("namespaces")
    notes, keys = tmp_path / "notes", tmp_path / "keys"
    keys.mkdir()
    (keys / "first").write_text("there")
    notes.symlink_to(keys)
    monkeypatch.setattr(fence, "without_links", lambda _, folder: ([str(notes)], [folder, str(notes)]))
    async with let_loose(tmp_path, "namespaces") as connection:
        with pytest.raises(ActionError, match="PermissionError"):
            await call(connection, "read", path=str(keys / "first"))
        with pytest.raises(ActionError, match="Read-only file system"):  # its modes and times are out of reach as well
            await call(connection, "write", path=str(keys / "first"))


async def test_what_was_granted_cannot_be_changed_by_who_may_write_above_it(tmp_path: Path) -> None:
    needs("namespaces")
    home = tmp_path / "person" / ".local" / "home"
    home.mkdir(parents=True)
    (home / "state.json").write_text("granted: little")
    permissions = Permissions(network=(), files=(FileAccess(str(tmp_path), "write"),), declared=True)
    async with let_loose(home, "namespaces", permissions) as connection:
        for place in (home / "state.json", home / "plugins" / "burglar" / "1" / "added.py"):
            with pytest.raises(ActionError, match="Read-only file system"):
                await call(connection, "write", path=str(place))
        for place in (home, home.parent, home.parent.parent):
            with pytest.raises(ActionError, match="busy"):
                await call(connection, "replace_by_a_link", path=str(place), target=str(tmp_path))
        for place in (tmp_path / "letter", home.parent / "letter", home / "plugin_data" / "burglar" / "letter"):
            await call(connection, "write", path=str(place))
            assert place.read_text() == "written"
    assert (home / "state.json").read_text() == "granted: little"


async def test_until_somebody_declares_permissions_the_paths_it_is_told_are_granted(tmp_path: Path, level: str) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "first").write_text("to do")
    told = _nowhere(tmp_path) | {"home": str(tmp_path / "notes"), "key": str(tmp_path / "notes" / "first")}
    async with let_loose(tmp_path, level, Permissions(), NOTES=str(tmp_path / "notes")) as connection:
        worked = await call(connection, "raid", told=told)
    assert {"write_into_the_home", "read_a_key"} <= worked.keys()
    assert "run_a_shell" not in worked


@pytest.mark.parametrize("declared", [True, False])
async def test_a_link_in_place_of_what_it_was_granted_opens_nothing(tmp_path: Path, level: str, declared: bool) -> None:
    notes, keys = tmp_path / "notes", tmp_path / "home" / "keys"
    for folder in (notes / "old", keys):
        folder.mkdir(parents=True)
        (folder / "first").write_text("there")
    (notes / "db").write_text("rows")
    files = tuple(FileAccess(str(notes / name), access) for name, access in _IN_NOTES) if declared else ()
    permissions = Permissions(network=(), files=files, declared=declared)
    told = {} if declared else {"DB": str(notes / "db"), "OLD": str(notes / "old")}
    async with let_loose(tmp_path, level, permissions, **told) as connection:
        assert await call(connection, "read", path=str(notes / "old" / "first")) == "there"
        await call(connection, "replace_by_a_link", path=str(notes / "db"), target=str(keys / "first"))
        await call(connection, "replace_by_a_link", path=str(notes / "old"), target=str(keys))
    async with let_loose(tmp_path, level, permissions, **told) as connection:
        refused = f"may not .* {keys}/first" if declared else "Permission|Read-only"
        for attempt in ("read", "write"):
            for path in (notes / "db", notes / "old" / "first"):
                with pytest.raises(ActionError, match=refused):
                    await call(connection, attempt, path=str(path))
        await call(connection, "write", path=str(notes / "new"))
    assert (keys / "first").read_text() == "there"


_IN_NOTES: tuple[tuple[str, Any], ...] = ((".", "write"), ("db", "write"), ("old", "read"))


async def test_a_link_of_the_persons_own_is_followed(tmp_path: Path, level: str) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "first").write_text("there")
    (tmp_path / "notes").symlink_to(tmp_path / "disk")
    files = (FileAccess(str(tmp_path / "notes"), "write"),)
    async with let_loose(tmp_path, level, Permissions(network=(), files=files, declared=True)) as connection:
        assert await call(connection, "read", path=str(tmp_path / "notes" / "first")) == "there"
        await call(connection, "write", path=str(tmp_path / "notes" / "second"))
    assert (tmp_path / "disk" / "second").read_text() == "written"


async def test_whatever_it_puts_where_its_programs_are_linked_it_starts_and_nothing_else_is_touched(
    tmp_path: Path,
) -> None:
    needs("landlock")
    programs, others = tmp_path / "plugin_data" / "burglar" / ".programs", tmp_path / "others"
    others.mkdir()
    (others / "kept").write_text("kept")
    programs.parent.mkdir(parents=True)
    for put in (
        lambda: programs.symlink_to(others),
        lambda: programs.symlink_to(tmp_path / "nowhere"),
        lambda: programs.write_text("a file"),
        lambda: os.mkfifo(programs),
    ):
        put()
        async with let_loose(tmp_path, "landlock", Permissions((), programs=("git",), declared=True)) as connection:
            assert str(programs) in (await call(connection, "look_around"))["PATH"]
        assert [each.name for each in programs.iterdir()] == ["git"]
        shutil.rmtree(programs)
    assert [each.name for each in others.iterdir()] == ["kept"]


# ---------------------------------------------------------------- hosts


@pytest.fixture
def greeter() -> Iterator[int]:
    """The port of a server on the loopback device that says hello."""
    import threading

    door = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                visitor, _ = door.accept()
            except OSError:
                return
            with visitor:
                visitor.sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    yield door.getsockname()[1]
    door.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names that stand for an address here; the rest is looked up as ever."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        return real(known.get(host, host), port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


async def test_of_a_list_of_hosts_those_are_reached_and_no_others(
    tmp_path: Path, greeter: int, names: dict[str, str]
) -> None:
    needs("namespaces")
    names |= {"wanted.internal": "127.0.0.1", "other.internal": "127.0.0.1", "a.many.internal": "127.0.0.1"}
    hosts = (f"wanted.internal:{greeter}", f"*.many.internal:{greeter}")
    async with let_loose(tmp_path, "namespaces", Permissions(network=hosts, declared=True)) as connection:
        assert await call(connection, "visit", host="wanted.internal", port=greeter) == "hello"
        assert await call(connection, "visit", host="a.many.internal", port=greeter) == "hello"
        for host, port in (("other.internal", greeter), ("wanted.internal", 22), ("10.1.2.3", greeter)):
            with pytest.raises(ActionError, match=r"gaierror|ConnectionRefused|ConnectionReset"):
                await call(connection, "visit", host=host, port=port)


async def test_a_name_that_leads_to_this_machine_is_not_followed(
    tmp_path: Path, greeter: int, names: dict[str, str]
) -> None:
    needs("namespaces")
    names |= {"attacker.example.org": "127.0.0.1"}
    hosts = Permissions(network=(f"attacker.example.org:{greeter}",), declared=True)
    async with let_loose(tmp_path, "namespaces", hosts) as connection:
        with pytest.raises(ActionError, match="gaierror"):
            await call(connection, "visit", host="attacker.example.org", port=greeter)


async def test_a_host_that_the_person_typed_may_be_near(tmp_path: Path, greeter: int, names: dict[str, str]) -> None:
    needs("namespaces")
    names |= {"gitlab.example.org": "127.0.0.1"}
    host = f"gitlab.example.org:{greeter}"
    hosts = Permissions(network=(host,), declared=True)
    async with let_loose(tmp_path, "namespaces", hosts, BASE_URL=f"http://{host}/api") as connection:
        assert await call(connection, "visit", host="gitlab.example.org", port=greeter) == "hello"


async def test_any_host_is_any_host(tmp_path: Path, greeter: int, level: str) -> None:
    async with let_loose(tmp_path, level, Permissions()) as connection:
        assert await call(connection, "visit", host="localhost", port=greeter) == "hello"


# ---------------------------------------------------------------- the setting


async def test_required_means_that_nothing_starts_that_cannot_be_fenced(tmp_path: Path) -> None:
    hosts = Permissions(network=("api.example.org",), declared=True)
    loader = fenced_loader(tmp_path, "none")
    for tier, permissions, lacking in (
        (Tier(Level.NONE, "no Landlock"), NONE, "network, files, programs"),
        (Tier(Level.LANDLOCK, "no namespaces"), hosts, "network"),
    ):
        loader.fence = Fence("require", Limits(), tier)
        with pytest.raises(LoadError, match=rf"permissions \({lacking}\) cannot be enforced here.*; no "):
            await loader.connect(burglar(tmp_path / "1"), {}, host=Host(permissions=permissions))
    assert children() == []


async def test_switched_off_it_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    loader = fenced_loader(tmp_path, "none")
    loader.fence = Fence("off", Limits())
    connection = await loader.connect(burglar(tmp_path / "1"), {}, host=Host(permissions=NONE))
    try:
        seen = await call(connection, "look_around")
    finally:
        await connection.close()
    assert (seen["PATH"], "Switched" in str(loader.fence.tier)) == (os.environ["PATH"], False)
    assert "switched off" in str(loader.fence.tier)


def test_the_setting_is_one_of_three() -> None:
    assert Settings.from_environment({}, home="/nowhere").sandbox == "auto"
    assert Settings.from_environment({"DYNAMIC_PLUGINS_SANDBOX": "Require"}, home="/nowhere").sandbox == "require"
    with pytest.raises(ValueError, match="must be require, auto or off, not 'yes'"):
        Settings.from_environment({"DYNAMIC_PLUGINS_SANDBOX": "yes"}, home="/nowhere")


def test_doctor_says_what_is_enforced(cli: Cli) -> None:
    found = {each["name"]: each for each in cli("doctor", code=None).json["checks"]}["sandbox"]
    assert found["ok"] is (probe.best_tier().level is not Level.NONE)
    assert found["found"] == str(probe.best_tier())
    cli.env["DYNAMIC_PLUGINS_SANDBOX"] = "off"
    found = {each["name"]: each for each in cli("doctor", code=None).json["checks"]}["sandbox"]
    assert (found["ok"], "switched off" in found["found"]) == (False, True)


# ---------------------------------------------------------------- real servers


@pytest.mark.index
async def test_a_server_from_pypi_works_without_a_network(tmp_path: Path, level: str) -> None:
    environment = tmp_path / "install" / "env"
    python = str(environment / "bin" / "python")
    for words in (["venv", "-q", str(environment)], ["pip", "install", "-q", "-p", python, "mcp-server-time"]):
        await asyncio.to_thread(subprocess.run, [uv.find_uv_bin(), *words], check=True, timeout=300)
    installation = replace(
        server(tmp_path / "install", str(environment / "bin" / "mcp-server-time"), name="time"),
        python=python,
        entry_point="mcp_server_time:main",
    )
    connection = await fenced_loader(tmp_path, level).connect(installation, {}, host=Host(permissions=NONE))
    try:
        assert (await call(connection, "get_current_time", timezone="Asia/Tokyo"))["timezone"] == "Asia/Tokyo"
    finally:
        await connection.close()


@pytest.mark.index
async def test_a_server_from_npm_reads_one_folder_and_no_other(tmp_path: Path, level: str) -> None:
    package = "@modelcontextprotocol/server-filesystem"
    install, shared, hidden = tmp_path / "install", tmp_path / "shared", tmp_path / "hidden"
    words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(install), package]
    await asyncio.to_thread(subprocess.run, words, check=True, timeout=300, capture_output=True)
    for folder in (shared, hidden):
        folder.mkdir()
        (folder / "note").write_text("read me")
    script = str(install / "node_modules" / package / "dist" / "index.js")
    # The server itself would allow both.
    installation = server(install, "node", script, str(shared), str(hidden), name="filesystem")
    permissions = Permissions(network=(), files=(FileAccess(str(shared), "write"),), declared=True)
    loader = fenced_loader(tmp_path, level)
    loader._limits = replace(loader._limits, memory_bytes=None)
    loader.fence = Fence("auto", loader._limits, Tier(Level(level)))
    connection = await loader.connect(installation, {}, host=Host(permissions=permissions))
    try:
        assert "read me" in str(await call(connection, "read_text_file", path=str(shared / "note")))
        with pytest.raises(ActionError, match="EACCES"):
            await call(connection, "read_text_file", path=str(hidden / "note"))
    finally:
        await connection.close()
