"""Plugins from this machine and from git: folders in all their shapes, wheels, repositories; read without being run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.entry_points import node_command
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.install.manifest import read_folder, read_wheel
from dynamic_plugins.registry.entry import Entry, Package
from tests.conftest import EXAMPLES

MODULE = "from dynamic_plugins.plugin import Plugin\nplugin = Plugin('hello')\n"
TRAP = "raise SystemExit('must not run')\nplugin = None\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runtime_plugins"


@pytest.fixture
def installer(root: Path) -> Installer:
    return Installer(root, python=sys.executable, environ=dict(os.environ))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def found(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def imported(python: str | None, search_path: tuple[str, ...], entry_point: str | None) -> str:
    """Import a module as a worker would and return the file that it came from."""
    code = f"import sys; sys.path[:0] = {list(search_path)!r}; import {(entry_point or '').partition(':')[0]} as m"
    command = [python or "", "-I", "-c", f"{code}; print(m.__file__)"]
    return os.path.realpath(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    )


# ---------------------------------------------------------------- what a folder says


def test_a_folder_says_what_it_is_without_being_run(tmp_path: Path) -> None:
    pyproject = """
        [project]
        name = "weather-plugin"
        version = "2.1"
        dependencies = ["six"]
        [project.entry-points."dynamic_plugins.plugins"]
        weather = "weather.main:the_plugin"
        [tool.dynamic-plugins]
        requires = ["hello"]
        config = [{name = "WEATHER_KEY", required = true, secret = true, description = "Key"},
                  {name = "UNITS", choices = ["metric", "imperial"], default = "metric"}]
    """
    told = read_folder(write(tmp_path, {"pyproject.toml": pyproject, "src/weather/main.py": TRAP}))
    assert (told.name, told.version, told.entry_point) == ("weather", "2.1", "weather.main:the_plugin")
    assert (told.dependencies, told.requires, told.root) == (("six",), ("hello",), "src")
    key, units = told.config
    assert (key.name, key.required, key.secret) == ("WEATHER_KEY", True, True)
    assert (units.choices, units.default, units.required) == (("metric", "imperial"), "metric", False)


@pytest.mark.parametrize(
    ("files", "entry_point", "root"),
    [
        ({"plugin.py": TRAP}, "plugin:plugin", "."),
        ({"my_notes.py": TRAP, "other.py": "x = 1"}, "my_notes:plugin", "."),
        ({"my_notes/__init__.py": TRAP}, "my_notes:plugin", "."),
        ({"src/my_notes/__init__.py": TRAP}, "my_notes:plugin", "src"),
        ({"notebook.py": TRAP, "other.py": "x = 1"}, "notebook:plugin", "."),
        ({"notebook.py": "plugin: object = None", "broken.py": "def"}, "notebook:plugin", "."),
        ({"pyproject.toml": "[project]\nname = 'jotter'", "jotter.py": TRAP}, "jotter:plugin", "."),
    ],
)
def test_a_folder_need_not_say_much(tmp_path: Path, files: dict[str, str], entry_point: str, root: str) -> None:
    told = read_folder(write(tmp_path / "my-notes", files))
    assert (told.entry_point, told.root) == (entry_point, root)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"pyproject.toml": "[project"}, "cannot be read"),
        ({"pyproject.toml": "project = 3"}, "cannot be read"),
        ({"pyproject.toml": '[project]\nname = "x"'}, "which plugin it offers"),
        ({"one.py": "plugin = 1", "two.py": "plugin = 2"}, "one, two"),
        ({"plugin.py": "", "pyproject.toml": '[project]\nname = "--index-url=http://x"'}, "cannot be a plugin's name"),
        ({"plugin.py": "", "pyproject.toml": '[project]\ndependencies = ["--index-url=http://x"]'}, "dependency"),
        ({"plugin.py": "", "pyproject.toml": '[tool.dynamic-plugins]\nconfig = [{name = "A B"}]'}, "variable's name"),
        ({"plugin.py": "", "pyproject.toml": '[tool.dynamic-plugins]\nrequires = "hello"'}, "must be a list"),
        ({"plugin.py": "", "pyproject.toml": "[tool.dynamic-plugins]\nconfg = []"}, "confg"),
        ({"plugin.py": "", "pyproject.toml": "[tool]\ndynamic-plugins = 3"}, "the table: must be a table"),
        (
            {
                "plugin.py": "",
                "pyproject.toml": '[tool.dynamic-plugins]\nconfig = ["KEY", {name = "KEY", secrt = true}]',
            },
            r"config\[0\]: must be a table; config\[1\]\.secrt: there is no such key",
        ),
        (
            {"plugin.py": "", "pyproject.toml": '[tool.dynamic-plugins]\nconfig = [{required = "yes"}]'},
            r"config\[0\]\.name: is missing; config\[0\]\.required: must be true or false",
        ),
        (
            {"plugin.py": "", "pyproject.toml": '[tool.dynamic-plugins]\nconfig = [{name = "KEY", format = "date"}]'},
            r"config\[0\]\.format: must be 'string', 'number', 'boolean' or 'filepath'",
        ),
        (
            {"pyproject.toml": '[project.entry-points."dynamic_plugins.plugins"]\nx = "gone:plugin"'},
            "module gone, which is not in",
        ),
    ],
)
def test_a_folder_that_is_no_plugin_is_an_error_that_says_what_is_missing(
    tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    with pytest.raises(InstallError, match=reason):
        read_folder(write(tmp_path, files))
    with pytest.raises(InstallError, match="not a folder"):
        read_folder(tmp_path / "nowhere")


# ---------------------------------------------------------------- folders, installed


async def test_a_folder_is_copied_so_that_what_was_agreed_to_is_what_runs(installer: Installer) -> None:
    installation = await installer.install(installer.plan_path(EXAMPLES / "hello-plugin"))
    (source,) = installation.search_path
    assert (Path(source) / "hello_plugin.py").read_text() == (EXAMPLES / "hello-plugin" / "hello_plugin.py").read_text()
    assert Path(source).is_relative_to(installation.path)
    assert os.access(installation.python or "", os.X_OK)
    assert installation.entry_point == "hello_plugin:plugin"


@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.parametrize("shape", ["plugin.py", "src/sky/__init__.py", "__init__.py"])
async def test_a_folder_of_any_shape_is_found_where_it_lies(
    installer: Installer, tmp_path: Path, shape: str, editable: bool
) -> None:
    folder = write(tmp_path / "sky", {shape: "plugin = 1", ".git/config": "", "beside.txt": ""})
    write(tmp_path, {"stranger.py": "raise SystemExit('lies beside the plugin')"})
    installation = await installer.install(installer.plan_path(folder, editable=editable))
    file = imported(installation.python, installation.search_path, installation.entry_point)
    assert file.startswith(f"{folder}/") == editable
    assert str(tmp_path) not in installation.search_path, "what lies beside it must not be importable"
    assert found(Path(installation.path), "source/**/.git") == [], "its history is not copied"
    installer.remove(installation)
    assert (folder / shape).is_file(), "removing an install leaves the person's own folder alone"


async def test_a_source_folder_that_is_a_link_leads_to_no_code(installer: Installer, tmp_path: Path) -> None:
    write(tmp_path / "home", {"sky/__init__.py": "plugin = 1", ".ssh/id_rsa": "a private key"})
    told = "[project.entry-points.'dynamic_plugins.plugins']\nsky = 'sky:plugin'\n"
    folder = write(tmp_path / "attack", {"pyproject.toml": told, "lib/sky/__init__.py": "plugin = 1"})
    (folder / "src").symlink_to(tmp_path / "home")
    with pytest.raises(InstallError, match="which is not in"):
        read_folder(folder)
    (folder / "pyproject.toml").unlink()
    with pytest.raises(InstallError, match="does not say which plugin"):
        read_folder(folder)
    (folder / "src").unlink()
    (folder / "src").symlink_to("lib")
    installation = await installer.install(installer.plan_path(folder, editable=False))
    assert imported(installation.python, installation.search_path, installation.entry_point).endswith("sky/__init__.py")


async def test_a_folder_for_another_python_is_refused(installer: Installer, root: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"plugin.py": "", "pyproject.toml": "[project]\nrequires-python = '>=3.99'"})
    with pytest.raises(InstallError, match=r"needs Python >=3\.99, and plugins are installed with 3\."):
        await installer.install(installer.plan_path(folder))
    assert found(root, "*/*") == []


@pytest.mark.index
async def test_a_folder_brings_its_dependencies(installer: Installer, tmp_path: Path) -> None:
    files = {"plugin.py": "import six\nplugin = 1", "pyproject.toml": "[project]\ndependencies = ['six>=1.16']"}
    plan = installer.plan_path(write(tmp_path / "x", files))
    assert plan.commands[1][-1] == "six>=1.16"
    installation = await installer.install(plan)
    assert [each.name for each in installation.distributions] == ["six"]
    assert imported(installation.python, installation.search_path, installation.entry_point).endswith("plugin.py")


# ---------------------------------------------------------------- wheels


def wheel(folder: Path, name: str = "sky", **more: str) -> Path:
    """Write a wheel of a native plugin by hand, so that it needs nothing from an index."""
    info = f"{name}-1.2.dist-info"
    files = {
        f"{name}/__init__.py": MODULE,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: Looks up\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    } | more
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


async def test_a_wheel_is_a_plugin_with_its_own_keys(installer: Installer, tmp_path: Path) -> None:
    keys = {
        "sky-1.2.dist-info/entry_points.txt": "[dynamic_plugins.plugins]\nweather = sky:plugin\n",
        "sky/dynamic-plugins.toml": 'requires = ["hello"]\nconfig = [{name = "KEY", required = true}]\n',
    }
    plan = installer.plan_path(wheel(tmp_path, **keys))
    assert (plan.name, plan.version, plan.requires) == ("weather", "1.2", ("hello",))
    installation = await installer.install(plan)
    assert (installation.entry_point, installation.requires) == ("sky:plugin", ("hello",))
    assert [variable.name for variable in installation.variables] == ["KEY"]
    assert [(each.name, each.version) for each in installation.distributions] == [("sky", "1.2")]


async def test_a_wheel_may_say_what_it_requires_in_its_code(installer: Installer, tmp_path: Path) -> None:
    module = "from dynamic_plugins import plugin as p\nplugin: p.Plugin = p.Plugin('sky', requires=('hello', 'tea'))\n"
    keys = {"sky/__init__.py": module, "sky/dynamic-plugins.toml": 'requires = ["hello"]'}
    installation = await installer.install(installer.plan_path(wheel(tmp_path, **keys)))
    assert installation.requires == ("hello", "tea")
    bad = wheel(tmp_path, **{"sky/__init__.py": "plugin = Plugin(requires=['--x'])"})
    with pytest.raises(InstallError, match="cannot be a plugin's name"):
        await installer.install(installer.plan_path(bad))


async def test_a_server_in_a_wheel_is_started_by_the_command_that_is_called_like_it(
    installer: Installer, tmp_path: Path
) -> None:
    scripts = "[console_scripts]\nsky-admin = sky:admin\nsky-mcp = sky:serve\n"
    path = wheel(tmp_path, **{"sky-1.2.dist-info/entry_points.txt": scripts})
    plan = installer.plan(Entry("a/b", "mcp", packages=(Package("path", str(path)),)))
    assert (await installer.install(plan)).entry_point == "sky:serve"

    scripts = "[console_scripts]\nsky-admin = sky:admin\nsky-other = sky:other\n"
    path = wheel(tmp_path, **{"sky-1.2.dist-info/entry_points.txt": scripts})
    with pytest.raises(InstallError, match=r"several commands.*sky-admin, sky-other"):
        await installer.install(installer.plan(Entry("a/b", "mcp", packages=(Package("path", str(path)),))))


@pytest.mark.parametrize(
    ("commands", "server"),
    [
        (["sky", "sky-mcp"], "sky-mcp"),
        (["sky", "mcp-server-sky", "sky-admin"], "mcp-server-sky"),
        (["sky", "sky-admin"], "sky"),
        (["sky-mcp-setup", "sky-mcp-server"], "sky-mcp-server"),
        (["sky-mcp-http", "sky-mcp-stdio", "sky-mcp-auth"], "sky-mcp-stdio"),
        (["sky-mcp-install", "sky-admin", "sky-mcp"], "sky-mcp"),
        (["alpha", "beta-server", "beta-mcp"], "beta-mcp"),
    ],
)
async def test_of_several_commands_the_one_that_is_the_server_is_started(
    commands: list[str], server: str, installer: Installer, tmp_path: Path
) -> None:
    scripts = "[console_scripts]\n" + "".join(f"{each} = sky:{each.replace('-', '_')}\n" for each in commands)
    path = wheel(tmp_path, **{"sky-1.2.dist-info/entry_points.txt": scripts})
    plan = installer.plan(Entry("sky", "mcp", packages=(Package("path", str(path)),)))
    assert (await installer.install(plan)).entry_point == f"sky:{server.replace('-', '_')}"


def test_what_a_package_is_called_says_nothing_of_its_commands(tmp_path: Path) -> None:
    for name in ("auth-mcp", "auth-mcp-setup"):
        (tmp_path / f"{name}.js").touch()
    commands = {"bin": {name: f"{name}.js" for name in ("auth-mcp-setup", "auth-mcp")}}
    assert node_command("x", "auth", commands, tmp_path, "node") == ("node", str(tmp_path / "auth-mcp.js"))


async def test_a_file_that_is_not_the_one_that_was_described_is_refused(
    installer: Installer, root: Path, tmp_path: Path
) -> None:
    path = wheel(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = Entry("sky", "python", packages=(Package("path", str(path), sha256=digest),))
    await installer.install(installer.plan(entry))
    wheel(tmp_path, **{"sky/more.py": ""})
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await installer.install(installer.plan(replace(entry, name="sky2")))
    assert len(found(root, "*/*")) == 1


@pytest.mark.parametrize("content", [b"", b"PK not a zip", b"\0" * 100])
def test_a_file_that_is_no_wheel_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sky-1.2-py3-none-any.whl"
    path.write_bytes(content)
    with pytest.raises(InstallError, match="no wheel"):
        read_wheel(path)
    with pytest.raises(InstallError, match="no wheel"):
        read_wheel(wheel(tmp_path / "bad").rename(tmp_path / "sky.whl"))


# ---------------------------------------------------------------- git


def committed(folder: Path, tag: str) -> Path:
    """Make a git repository of *folder*, with what is in it under *tag*."""
    me = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", tag]):
        subprocess.run(["git", "-C", str(folder), *me, *words], check=True, timeout=60)  # noqa: S607 # git is on PATH
    return folder


@pytest.mark.index  # building it takes a build backend
async def test_a_repository_is_built_when_a_person_allowed_that(root: Path, tmp_path: Path) -> None:
    pyproject = """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "sky"
        version = "1.2"
        [project.entry-points."dynamic_plugins.plugins"]
        weather = "sky:plugin"
    """
    files = {"pyproject.toml": pyproject, "sky/__init__.py": MODULE, "sky/dynamic-plugins.toml": "requires = ['hello']"}
    repository = committed(write(tmp_path / "repository", files), "v1.2")
    # git's own redirection takes the place of a server: the address stays one that a registry may name.
    own = write(
        tmp_path / "own", {".gitconfig": f'[url "file://{repository}"]\ninsteadOf = https://example.invalid/x/sky'}
    )
    environ = dict(os.environ) | {"HOME": str(own), "UV_CACHE_DIR": str(tmp_path / "cache")}
    installer = Installer(root, python=sys.executable, allow_builds=True, environ=environ)

    plan = installer.plan(Entry("weather", "python", packages=(Package("git", "https://example.invalid/x/sky@v1.2"),)))
    assert plan.commands[1][-1] == "git+https://example.invalid/x/sky@v1.2"
    assert "which runs their code at once" in plan.warnings[0]
    installation = await installer.install(plan)
    assert (installation.version, installation.entry_point) == ("1.2", "sky:plugin")
    assert installation.requires == ("hello",)


def test_code_from_git_is_not_built_unless_a_person_allowed_builds(installer: Installer) -> None:
    entry = Entry("x", "python", packages=(Package("git", "https://example.invalid/x/y"),))
    with pytest.raises(InstallError, match="DYNAMIC_PLUGINS_ALLOW_BUILDS"):
        installer.plan(entry)
