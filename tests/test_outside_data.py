"""What others wrote is read in bounds: no pipe is waited for, and what is too deep or too large is a sentence."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.outside_data import DEEPEST, parse_json, parse_python, parse_toml, read_file
from dynamic_plugins.errors import InstallError, PluginError
from dynamic_plugins.install.manifest import read_folder, read_wheel
from dynamic_plugins.install.npm import Npm
from dynamic_plugins.install.python_environment import parse_entry_points
from dynamic_plugins.settings import Settings
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.conftest import Cli

DEEP = "[" * 200_000 + "]" * 200_000
NESTED = '{"a":' * 500 + "1" + "}" * 500


def test_json_is_as_deep_as_it_may_be_walked_through() -> None:
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)
    assert parse_json(json.dumps(["[" * 500, '\\"[' * 300])) == ["[" * 500, '\\"[' * 300]
    for text in (DEEP, NESTED, NESTED.encode()):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(text)


@pytest.mark.parametrize("source", ["plugin=" + "-" * 200_000 + "1", "a" + ".a" * 100_000, "(" * 5_000])
def test_a_module_that_no_parser_gets_through_is_no_module(source: str) -> None:
    with pytest.raises(ValueError, match=r"too deeply|no Python"):
        parse_python(source.encode())


@pytest.mark.parametrize("text", ["a" + ".a" * 100_000 + "=1", "a=" + "[" * 100_000, "[" + "a." * 100_000 + "a]"])
def test_a_table_that_no_parser_gets_through_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_toml(text)


@pytest.mark.skipif(os.name != "posix", reason="there are no such files elsewhere")
def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 11)
    for path, why in ((tmp_path / "pipe", "regular"), (tmp_path / "large", "larger"), (tmp_path, "directory|regular")):
        with pytest.raises(OSError, match=why):
            read_file(path, 10)


def test_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "endless").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="regular"):
        read_file(tmp_path / "endless")


HOME_FILES = ["plugin-management-state.json", "sources.json", "configuration.json"]


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _deep(path: Path) -> None:
    path.write_text(DEEP)


def _nested(path: Path) -> None:
    path.write_text('{"schema": 1, "sources": ' + NESTED + ', "plugins": ' + NESTED + "}")


@pytest.mark.parametrize("name", HOME_FILES)
@pytest.mark.parametrize("make", [_pipe, _deep, _nested])
def test_a_file_of_the_home_that_is_none_is_told_in_a_sentence(
    cli: Cli, name: str, make: Callable[[Path], None]
) -> None:
    cli.home.mkdir(parents=True, exist_ok=True)
    make(cli.home / name)
    commands = {"sources.json": ("list", "time"), "plugin-management-state.json": ("status",)}
    ran = cli(*commands.get(name, ("status",)), code=None)
    assert "Traceback" not in ran.err
    if name != "configuration.json":  # which nothing asks for where nothing is installed
        assert name in json.dumps(ran.json)


@pytest.mark.parametrize("make", [_pipe, _deep])
def test_a_registry_that_is_no_file_or_too_deep_is_told(cli: Cli, tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "registry.json")
    ran = cli("--registry", str(tmp_path / "registry.json"), "list", "time", code=None)
    assert "Traceback" not in ran.err
    assert "regular file" in json.dumps(ran.json) or "too deeply" in json.dumps(ran.json)


PYPROJECT = '[project]\nname="x"\nversion="1"\n'


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"plugin.py": "plugin=" + "-" * 200_000 + "1"}, None),
        ({"x.py": "plugin=" + "-" * 200_000 + "1"}, "does not say"),
        ({"x.py": "plugin = a" + ".a" * 100_000}, "does not say"),
        ({"x.py": "#" * 2_000_000 + "\nplugin = 1"}, "does not say"),
        ({"pyproject.toml": "a" + ".a" * 100_000 + "=1"}, "cannot be read"),
        ({"pyproject.toml": "a=" + "[" * 100_000}, "cannot be read"),
        ({"pyproject.toml": "#" * 2_000_000}, "cannot be read"),
        ({"pyproject.toml": f'{PYPROJECT}dependencies=["a; {"(" * 5000}"]', "plugin.py": ""}, "cannot be read"),
        ({"pyproject.toml": f'[project]\nname="{"a." * 50_000}"', "plugin.py": ""}, "cannot be"),
        (
            {"pyproject.toml": f'{PYPROJECT}[project.entry-points."dynamic_plugins.plugins"]\nx="{"a." * 5000}a:p"'},
            "entry point|cannot be read",
        ),
        (
            {"pyproject.toml": f'{PYPROJECT}[project.entry-points."dynamic_plugins.plugins"]\nx="{"a" * 5000}:p"'},
            "cannot be read",
        ),
    ],
)
def test_a_folder_that_no_parser_gets_through_is_told_in_a_sentence(
    tmp_path: Path, files: dict[str, str], why: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    if why is None:
        assert read_folder(tmp_path).entry_point == "plugin:plugin"
        return
    with pytest.raises(InstallError, match=why) as error:
        read_folder(tmp_path)
    assert len(str(error.value)) < 2_000


@pytest.mark.parametrize("name", ["plugin=" + "-" * 200 + "1", "a" + ".a" * 120, "-" * 250, "ㅤ" * 80])
async def test_a_folder_of_an_odd_name_is_installed_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "plugin.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('x')\n")
    async with DynamicPlugins(tmp_path / "home", approve=approve_everything) as plugins:
        try:
            await plugins.app.service.install_path(tmp_path / name)
        except PluginError as error:
            assert len(str(error)) < 2_000  # noqa: PT017 # it may as well be installed


@pytest.mark.parametrize("name", ["pyproject.toml", "plugin.py"])
def test_a_folder_with_a_pipe_in_it_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InstallError):
        read_folder(tmp_path)


def test_a_wheel_whose_description_unpacks_without_end_is_no_wheel(tmp_path: Path) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("x-1.dist-info/METADATA", b"\n" * 2**28)
    with pytest.raises(InstallError, match="larger than"):
        read_wheel(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InstallError, match="regular"):
        read_wheel(path)


def test_a_package_json_that_is_too_deep_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules" / "x"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(DEEP)
    assert Npm.manifest(tmp_path, "x") == {}


def test_entry_points_are_read_however_odd(tmp_path: Path) -> None:
    assert parse_entry_points("[" * 100_000, "x") == {}
    assert parse_entry_points("[x]\n" + "a." * 1_000 + "=b", "x") == {"a." * 1_000: "b"}


async def test_arguments_that_are_too_deep_are_bad_arguments(tmp_path: Path) -> None:
    async with DynamicPlugins(tmp_path / "home") as plugins:
        for text in (DEEP, NESTED):
            result = await plugins.call("install_plugin", text)
            assert result["error"]["code"] == "bad_arguments"
            assert "too deeply" in result["error"]["message"]


DEEP_PLUGIN = """
from dynamic_plugins.plugin import Plugin, action
def nest(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value
@action
def down(depth: int) -> list:
    'Goes down.'
    return nest(depth)
@action
def text(depth: int) -> str:
    'Goes down.'
    return '[' * depth + ']' * depth
@action
def round() -> list:
    'Goes round.'
    value = []
    value.append(value)
    return value
plugin = Plugin('deep', actions=[down, text, round])
"""
DEPTHS = (50, 150, 400, 800, 2_000, 50_000, 400_000)
DEEP_CALLS = [*((action, {"depth": depth}) for depth in DEPTHS for action in ("down", "text")), ("round", {})]


@pytest.fixture(params=[False, True], ids=["in a worker", "in this process"])
async def deep(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    """An app with a plugin whose answers are nested, and a model that calls it as it is told."""

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] != "user":
            return "done"
        action, arguments = json.loads(messages[-1]["content"])
        return [(f"deep__{action}", arguments)]

    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "plugin.py").write_text(DEEP_PLUGIN)
    with ScriptedModel(script).serving() as model:
        settings = Settings.from_environment({}, home=tmp_path / "home", base_url=model.base_url, model="scripted")
        settings = replace(settings, in_process=("deep",) if request.param else ())
        async with asyncio.timeout(60), App(settings, approve=approve_everything) as app:
            await app.service.install_path(folder)
            await app.service.activate("deep")
            yield app


async def test_an_answer_that_is_too_deep_is_passed_on_as_text_or_refused(deep: App) -> None:
    for action, arguments in DEEP_CALLS:
        result = await deep.toolbox.call(f"deep__{action}", arguments)
        assert result["ok"] or result["error"]["code"] == "action_failed", (action, arguments)
        assert json.dumps(result)


async def test_a_conversation_goes_on_after_an_answer_that_is_too_deep(deep: App) -> None:
    conversation = deep.conversation()
    for action, arguments in DEEP_CALLS:
        turn = await conversation.respond(json.dumps([action, arguments]))
        assert turn.reply == "done"


def test_a_cassette_that_is_too_deep_or_unfolds_without_end_is_no_cassette() -> None:
    yaml = pytest.importorskip("yaml")
    del yaml
    from dynamic_plugins.testing.cassette_file import CassetteFile

    bomb = "a: &a0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"b{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    for text in ("[" * 100_000, bomb):
        with pytest.raises(ValueError, match=r"too deeply|values"):
            CassetteFile().deserialize(text)
