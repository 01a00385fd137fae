"""An environment of its own: no file shared with the cache or another plugin, none changed unseen since the install."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import zipfile
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.install.installer import Installer
from dynamic_plugins.install.integrity import RECORD, changed_files
from dynamic_plugins.registry.entry import Entry, Package
from tests.conftest import Cli
from tests.npm_registry import npm_registry

if TYPE_CHECKING:
    from dynamic_plugins.install.installation import Installation

SKY = "def colour():\n    return 'blue'\n"
PLUGIN = """
import sky
from dynamic_plugins.plugin import Plugin, action

@action
def look() -> str:
    "Looks up."
    return sky.colour()

@action
def spoil() -> str:
    "Edits the library that it came with, and hides that."
    import os
    was = os.stat(sky.__file__)
    with open(sky.__file__, "r+") as file:
        text = file.read().replace("blue", "grey")
        file.seek(0)
        file.write(text)
    os.utime(sky.__file__, ns=(was.st_atime_ns, was.st_mtime_ns))
    return "done"

plugin = Plugin("NAME", actions=[look, spoil])
"""
PYPROJECT = """[project]
name = "NAME"
version = "1"
dependencies = ["sky==1.2"]
[project.entry-points."dynamic_plugins.plugins"]
NAME = "NAME_code:plugin"
"""


@pytest.fixture(autouse=True)
def _compiles_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an install compile as it does where nothing of a test's is shared."""
    monkeypatch.setattr("dynamic_plugins.install.bytecode._NOTHING_SHARED", "-")


def found(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def library(folder: Path) -> Path:
    """Write a wheel of a library with one module into *folder*, by hand: no index is needed for it."""
    info = "sky-1.2.dist-info"
    files = {
        "sky/__init__.py": SKY,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: sky\nVersion: 1.2\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "sky-1.2-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return folder


def plugin(folder: Path, name: str) -> Path:
    """Write a plugin that uses the library."""
    folder = folder / name
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT.replace("NAME", name))
    (folder / f"{name}_code.py").write_text(PLUGIN.replace("NAME", name))
    return folder


def offline(folder: Path, mode: str) -> dict[str, str]:
    """Return what uv must be told to install the library from *folder*, with a cache of its own, linking by *mode*."""
    told = {"UV_FIND_LINKS": str(library(folder / "wheels")), "UV_NO_INDEX": "1", "UV_NO_CONFIG": "1"}
    return told | {"UV_CACHE_DIR": str(folder / "cache"), "UV_LINK_MODE": mode}


def shared(installation: Installation) -> list[str]:
    """Return the files of an install that are also somewhere else, or that lead out of it."""
    inside = Path(installation.path)
    files = [path for path in inside.rglob("*") if path.is_file() and not path.name.startswith("python")]
    return [str(path) for path in files if path.stat().st_nlink > 1 or not path.resolve().is_relative_to(inside)]


async def installed(tmp_path: Path, mode: str = "hardlink") -> Installation:
    environ = dict(os.environ) | offline(tmp_path, mode)
    installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ)
    return await installer.install(installer.plan_path(plugin(tmp_path, "painter")))


def code_of(cached: Path) -> bytes:
    """Return the bytecode in a file."""
    return cached.read_bytes()[16:]


def stamp_in(cached: Path) -> bytes:
    """Return the time and the size of the source that a file with bytecode is of."""
    return cached.read_bytes()[8:16]


async def test_installs_at_once_share_the_work_of_compiling_and_no_file(tmp_path: Path) -> None:
    environ = dict(os.environ) | offline(tmp_path, "copy")
    installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ)
    plans = [installer.plan_path(plugin(tmp_path, name)) for name in ("painter", "printer", "potter")]
    done = await asyncio.gather(*map(installer.install, plans))
    made = []
    for each in done:
        assert changed_files(each) == []
        (source,) = found(Path(each.path), "env/lib/python3*/site-packages/sky/__init__.py")
        cached = Path(cache_from_source(str(source)))
        stamp = struct.pack("<II", int(source.stat().st_mtime), source.stat().st_size)
        assert stamp_in(cached) == stamp, "the interpreter would compile it anew"
        made.append(code_of(cached))
    assert len(set(made)) == 1
    assert shared(done[1]) == []
    assert [path.name for path in found(tmp_path / "runtime_plugins", "scratch*")] == []


async def test_what_cannot_be_compiled_is_left_out(tmp_path: Path) -> None:
    environ = dict(os.environ) | offline(tmp_path, "copy")
    installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ)
    names = ("painter", "printer")
    for name in names:
        (plugin(tmp_path, name) / "broken.py").write_text("def (")
        (tmp_path / name / "latin.py").write_bytes(b"word = '\xe9'")
    for each in await asyncio.gather(*(installer.install(installer.plan_path(tmp_path / name)) for name in names)):
        compiled = found(Path(each.path), "source/**/__pycache__/*.pyc")
        assert [path.name.partition(".")[0] for path in compiled] == [f"{each.plugin}_code"]


@pytest.mark.parametrize("mode", ["clone", "hardlink", "symlink"])
async def test_an_environment_shares_no_file_with_the_cache_whatever_uv_is_set_to(tmp_path: Path, mode: str) -> None:
    assert shared(await installed(tmp_path, mode)) == []


async def test_an_npm_package_shares_no_file_with_npm_s_cache(tmp_path: Path) -> None:
    with npm_registry() as registry:
        registry.add("tea-leaf", files={"index.js": ""})
        registry.add("tea-server", dependencies={"tea-leaf": "1.0.0"})
        environ = dict(os.environ) | registry.environment(tmp_path)
        installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ)
        installation = await installer.install(installer.plan(Entry("tea", packages=(Package("npm", "tea-server"),))))
    assert [each.name for each in installation.distributions] == ["tea-leaf", "tea-server"]
    assert shared(installation) == []
    assert changed_files(installation) == []
    (Path(installation.path) / "node_modules" / "tea-leaf" / "index.js").write_text("process.exit(3)")
    (Path(installation.path) / "node_modules" / "tea-server" / "more.js").write_text("")
    (Path(installation.path) / "node_modules" / "tea-server" / "notes.jsonl").write_text("")
    assert changed_files(installation) == ["node_modules/tea-leaf/index.js", "node_modules/tea-server/more.js"]


def test_a_plugin_that_edits_its_library_edits_nobody_else_s_and_is_not_started_again(tmp_path: Path) -> None:
    # Unfenced: where the environment is read-only to the plugin, it cannot do even this.
    env = offline(tmp_path, "hardlink") | {"DYNAMIC_PLUGINS_SANDBOX": "off"}
    cli = Cli(tmp_path / "home", env)
    for name in ("vandal", "victim"):
        cli("install", "--path", str(plugin(tmp_path, name)), "--yes")
        cli("activate", name)
    assert cli("call", "vandal", "spoil").json["result"] == "done"
    assert cli("call", "victim", "look").json["result"] == "blue"
    other = Cli(tmp_path / "other", env)
    other("install", "--path", str(tmp_path / "victim"), "--yes")
    other("activate", "victim")
    assert other("call", "victim", "look").json["result"] == "blue", "the cache was edited"

    error = cli("call", "vandal", "look", code=1).json["error"]
    assert error["code"] == "load_failed"
    assert "its installed files were changed since it was installed: env/lib/python3" in error["message"]
    assert "site-packages/sky/__init__.py" in error["message"]
    assert "dynamic-plugins update vandal --version 1" in error["message"]
    cli("update", "vandal", "--version", "1", "--yes")
    assert cli("call", "vandal", "look").json["result"] == "blue"


async def test_whatever_python_would_load_is_found_when_it_is_changed_added_or_taken_away(tmp_path: Path) -> None:
    installation = await installed(tmp_path)
    folder = Path(installation.path)
    (site,) = found(folder, "env/lib/python3*/site-packages")
    assert changed_files(installation) == []
    (cached,) = (site / "sky" / "__pycache__").glob("*.pyc")
    cached.write_bytes(cached.read_bytes()[:16] + b"another code")
    (site / "sky" / "METADATA.txt").write_text("data may be added")
    (site / "sitecustomize.py").write_text("")
    (site / "sky.pth").write_text("import os")
    (site / "sky-1.2.dist-info" / "WHEEL").unlink()
    (folder / "source" / "json.py").write_text("")
    paths = [path.removeprefix(f"{site.relative_to(folder)}/") for path in changed_files(installation)]
    assert sorted(paths) == [
        "sitecustomize.py",
        "sky-1.2.dist-info/WHEEL",
        "sky.pth",
        f"sky/__pycache__/{cached.name}",
        "source/json.py",
    ]
    (folder / RECORD).write_text("{}")
    assert changed_files(installation) == [RECORD]


async def test_bytecode_that_nobody_vouches_for_is_removed_and_new_times_alone_are_no_change(tmp_path: Path) -> None:
    installation = await installed(tmp_path)
    (module,) = found(Path(installation.path), "env/lib/python3*/site-packages/sky/__init__.py")
    planted = module.parent / "__pycache__" / "planted.cpython-311.pyc"
    planted.write_bytes(b"")
    os.utime(module, (1, 1))
    before = (Path(installation.path) / RECORD).read_bytes()
    assert changed_files(installation) == []
    assert not planted.exists()
    assert (Path(installation.path) / RECORD).read_bytes() != before, "it is not read again at every start"
