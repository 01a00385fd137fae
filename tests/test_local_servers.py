"""Servers of a client's file that are files of this machine: they become plugins as a copy, on the same consent."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.clients.launch_command import CannotImportError
from dynamic_plugins.clients.local_server import read_server
from tests.npm_registry import SERVER as NODE_SERVER
from tests.package_index import SERVER, package_index
from tests.test_skills import bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


def client_file(tmp_path: Path, **servers: Any) -> Path:
    path = tmp_path / "claude_desktop_config.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def taken(cli: Cli, path: Path, *more: str, code: int | None = 0) -> dict[str, Any]:
    """Import a client's file, and return what became of its one server."""
    (server,) = cli("import", str(path), *more, code=code).json["servers"]
    return dict(server)


@pytest.fixture
def python_server(tmp_path: Path) -> Path:
    """The file of a server in Python, with what it needs of an index beside it."""
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "server.py").write_text(f"import sys\nimport leaf\n{SERVER}\nmain()\n")
    (folder / "requirements.txt").write_text("# what it needs\nleaf>=1\n")
    (folder / ".env").write_text("WEATHER_KEY=lies-beside-it\n")
    return folder / "server.py"


def test_a_server_in_python_becomes_a_plugin_with_what_it_needs(cli: Cli, tmp_path: Path, python_server: Path) -> None:
    key = "sk-live-5b1f0e2a9b84c37d61aa"
    said = {"command": sys.executable, "args": [str(python_server), "--unit", "C"], "env": {"WEATHER_KEY": key}}
    path = client_file(tmp_path, weather=said)
    with package_index() as index:
        index.add_wheel("leaf", "1.0", "2020-01-01", "NOTE = 1\n", "")
        cli.env |= index.environment(tmp_path) | {"DYNAMIC_PLUGINS_PASSPHRASE": "open sesame"}
        planned = taken(cli, path, "--dry-run")
        assert (planned["state"], planned["source"], planned["listed"]) == ("new", str(python_server), False)
        assert not (cli.home / "imports").exists()
        refused = taken(cli, path, "--yes", code=None)
        assert refused["error"]["code"] == "needs_confirmation"
        done = taken(cli, path, "--yes", "--allow-unlisted", "--activate")
        assert (done["plugin"], done["status"], done["secrets"]) == ("weather", "active", ["WEATHER_KEY"])
        (bundle,) = (cli.home / "imports").iterdir()
        with zipfile.ZipFile(bundle) as packed:
            assert sorted(packed.namelist()) == ["manifest.json", "requirements.txt", "server.py"]
        written = [each.read_bytes() for each in cli.home.rglob("*") if each.is_file()]
        assert not any(key.encode() in each or b"lies-beside-it" in each for each in written)
        # The same again changes nothing; what was changed in the file comes with the next import.
        assert taken(cli, path, "--yes", "--allow-unlisted")["changed"] is False
        python_server.write_text(python_server.read_text() + "# newer\n")
        again = taken(cli, path, "--yes", "--allow-unlisted")
        assert (again["ok"], again["changed"]) == (True, True)


def test_a_server_in_node_becomes_a_plugin_with_its_packages(cli: Cli, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js")
    folder = tmp_path / "teapot"
    (folder / "build").mkdir(parents=True)
    (folder / "node_modules" / "pot").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "teapot", "version": "1.2.3", "dependencies": {"pot": "1"}}')
    (folder / "node_modules" / "pot" / "index.js").write_text("module.exports = 'pot'\n")
    (folder / "build" / "index.js").write_text(f"require('pot')\n{NODE_SERVER.partition(chr(10))[2]}")
    said = {"command": "node", "args": [str(folder / "build" / "index.js"), str(tmp_path)], "env": {"TEA": "green"}}
    done = taken(cli, client_file(tmp_path, teapot=said), "--yes", "--allow-unlisted", "--activate")
    assert (done["status"], done["version"]) == ("active", "1.2.3")
    assert done["values"] == ["PATH_ARGUMENT", "TEA"]
    told = cli("call", "teapot", "tell", "--args", '{"name": "TEA"}').json
    assert "green" in str(told)


def test_a_server_that_lies_in_a_bundle_is_started_from_a_copy_of_it(cli: Cli, tmp_path: Path) -> None:
    own = {"type": "stdio", "command": "python3", "args": ["${PLUGIN_ROOT}/servers/tea.py", "${PLUGIN_DATA}"]}
    folder = bundle(tmp_path / "tea", {"kettle": own})
    (folder / "servers").mkdir()
    (folder / "servers" / "tea.py").write_text(f"import sys\n{SERVER}\nmain()\n")
    done = cli("import", str(folder), "--yes", "--allow-unlisted", "--activate").json["servers"]
    assert {each["plugin"]: each["status"] for each in done} == {"kettle": "active", "acme.tea": "active"}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"server.py": "import fastmcp\n"}, "it imports fastmcp, and nothing beside it says of which packages"),
        ({"server.py": "", "requirements.txt": "-r other.txt\n"}, "only names of packages are taken"),
        ({"server.py": "", "requirements.txt": "git+https://example.org/x\n"}, "only names of packages are taken"),
        ({"server.py": "", "pyproject.toml": "no toml"}, "is not TOML"),
        ({"server.py": "import ("}, "cannot be read: it is no Python"),
        ({"server.js": "", "package.json": '{"dependencies": {"x": "1"}}'}, "run npm install in"),
        ({}, "which is not there"),
    ],
)
def test_what_cannot_be_packed_is_said_with_what_to_do(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    is_node = "server.js" in files
    with pytest.raises(CannotImportError, match=why):
        read_server("node" if is_node else "python", tmp_path / ("server.js" if is_node else "server.py"))


def test_a_server_consists_of_its_project_or_of_the_modules_beside_it(tmp_path: Path) -> None:
    for name in (
        "server.py",
        "helper.py",
        "parts/__init__.py",
        "parts/one.py",
        "letters/mail.txt",
        ".ssh/key",
        "x.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("import os, helper, parts\ntry:\n    import orjson\nexcept ImportError: ...\n")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    alone = read_server("python", tmp_path / "server.py")
    assert alone.files == ("helper.py", "server.py", "parts/__init__.py", "parts/one.py")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "3.1"\ndependencies = ["leaf>=1"]\n')
    whole = read_server("python", tmp_path / "parts" / "one.py")
    assert (whole.root, whole.script, whole.version, whole.needs) == (tmp_path, "parts/one.py", "3.1", ("leaf>=1",))
    assert whole.files == (
        *("helper.py", "pyproject.toml", "server.py", "x.txt", "letters/mail.txt"),
        *("parts/__init__.py", "parts/one.py"),
    )
    script = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["tea"]\n# ///\nimport tea\n'
    (tmp_path / "server.py").write_text(script)
    assert read_server("python", tmp_path / "server.py").needs == ("tea",)
