"""MCP bundles: a server in one file, which is unpacked and started, and told what its manifest asks for."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.mcpb import HERE, read_bundle, unpack
from dynamic_plugins.settings import Settings
from tests.npm_registry import SERVER as NODE_SERVER
from tests.package_index import SERVER as PYTHON_SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

CONFIG = {
    "command": "node",
    "args": ["${__dirname}/server/index.js", "${user_config.folders}", "--level=${user_config.level}", "-v"],
    "env": {"TEA_KEY": "${user_config.key}", "TEA_HOME": "${__dirname}/data"},
}
ASKED: dict[str, Any] = {
    "key": {"type": "string", "title": "Key", "description": "Of the tea house", "required": True, "sensitive": True},
    "folders": {"type": "directory", "title": "Folders", "multiple": True},
    "level": {"type": "number", "title": "Level", "default": 3},
}


def bundle(
    path: Path,
    kind: str = "node",
    config: dict[str, Any] | None = None,
    files: dict[str, str] | None = None,
    **more: Any,
) -> Path:
    told = {
        "manifest_version": "0.3",
        "name": "tea",
        "version": "1.0.0",
        "description": "Brews tea",
        "author": {"name": "Ann"},
        "server": {"type": kind, "entry_point": "server/index.js", "mcp_config": config or CONFIG},
        "user_config": ASKED,
    }
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("manifest.json", json.dumps(told | more))
        for name, text in ({"server/index.js": NODE_SERVER} if files is None else files).items():
            packed.writestr(name, text)
    return path


def settings_at(tmp_path: Path) -> Settings:
    told = dict(os.environ) | {"DYNAMIC_PLUGINS_PASSPHRASE": "open sesame"}
    return Settings.from_environment(told, home=tmp_path / "home", registries=())


def test_what_a_bundle_asks_for_becomes_variables_and_arguments(tmp_path: Path) -> None:
    told = read_bundle(bundle(tmp_path / "tea.mcpb"))
    assert (told.program, told.words) == ("node", (f"{HERE}/server/index.js",))
    assert [each.value or each.variable for each in told.arguments] == ["FOLDERS", "--level", "LEVEL", "-v"]
    folders = told.arguments[0]
    assert (folders.repeated, folders.format, folders.required) == (True, "filepath", False)
    known = {each.name: each for each in told.config}
    assert known["TEA_KEY"].is_secret
    assert known["TEA_KEY"].required
    assert known["TEA_HOME"].default == f"{HERE}/data"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "../x"}, "cannot be a plugin's name"),
        ({"version": ""}, "no version"),
        ({"server": {"type": "uv"}}, "of the type 'uv'"),
        (
            {"server": {"type": "node", "mcp_config": {"command": "sh", "args": ["-c", "x"]}}},
            "starts nothing that is in it",
        ),
        (
            {"server": {"type": "node", "mcp_config": {**CONFIG, "command": "sh"}}},
            "of the type node, and is started by sh",
        ),
        (
            {"server": {"type": "node", "mcp_config": {**CONFIG, "args": ["${__dirname}/../x.js"]}}},
            "nothing that is in it",
        ),
        ({"server": {"type": "binary", "mcp_config": {"command": "/bin/sh"}}}, "is not in it"),
        (
            {"server": {"type": "node", "mcp_config": {**CONFIG, "env": {"NODE_OPTIONS": "x"}}}},
            "none that a plugin may be",
        ),
        (
            {"server": {"type": "node", "mcp_config": {**CONFIG, "env": {"A": "x ${user_config.key}"}}}},
            "only a part of",
        ),
        ({"server": {"type": "node", "mcp_config": {**CONFIG, "env": {"A": "${SECRETS}"}}}}, "nothing here stands for"),
        ({"user_config": {}}, "its user_config has no"),
        ({"user_config": 3}, "is no object"),
    ],
)
def test_a_bundle_that_cannot_be_started_is_refused_with_the_reason(
    tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(InstallError, match=why):
        read_bundle(bundle(tmp_path / "tea.mcpb", **more))


def test_a_bundle_of_another_system_is_not_for_this_one(tmp_path: Path) -> None:
    with pytest.raises(UnavailableHereError, match="it is for amiga"):
        read_bundle(bundle(tmp_path / "tea.mcpb", compatibility={"platforms": ["amiga"]}))
    (tmp_path / "no.mcpb").write_text("no archive")
    with pytest.raises(InstallError, match="no MCP bundle"):
        read_bundle(tmp_path / "no.mcpb")


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out"])
def test_nothing_is_unpacked_outside_its_folder(tmp_path: Path, name: str) -> None:
    path = bundle(tmp_path / "tea.mcpb", files={name: "x"})
    with pytest.raises(InstallError, match="leads elsewhere"):
        unpack(path, tmp_path / "target")
    assert not (tmp_path / "out").exists()


def test_a_link_in_a_bundle_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("server/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "tea.mcpb", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(InstallError, match="leads elsewhere"):
        unpack(tmp_path / "tea.mcpb", tmp_path / "target")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
async def test_a_bundle_for_node_is_installed_told_its_values_and_called(tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []

    async def agree(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    path = bundle(tmp_path / "tea.mcpb")
    async with App(settings_at(tmp_path), approve=agree) as app:
        info = (await app.service.install_path(path)).info
        assert (info.name, info.kind, info.version) == ("tea", "mcp", "1.0.0")
        assert asked[0].digest, "a yes is a yes to this file"
        await app.service.configure("tea", {"TEA_KEY": "tea-5511f0e2a9b84c37"})
        await app.service.activate("tea")
        home = await app.service.call("tea", "tell", {"name": "TEA_HOME"})
        assert home == str(os.path.join(info.path, "source", "data"))  # noqa: PTH118 - as the server says it
        assert await app.service.call("tea", "tell", {"name": "TEA_KEY"}) == "***"
        assert not (await app.service.install_path(path)).changed
        bundle(path, version="1.1.0")
        assert (await app.service.install_path(path)).info.version == "1.1.0"


async def test_a_bundle_for_python_finds_the_packages_that_it_brings(tmp_path: Path) -> None:
    config = {"command": "python3", "args": ["${__dirname}/server/main.py"], "env": {"PYTHONPATH": "${__dirname}/lib"}}
    main = "import brought\nif __name__ == '__main__':\n    brought.main()\n"
    files = {"server/main.py": main, "lib/brought.py": PYTHON_SERVER}
    path = bundle(tmp_path / "tea.mcpb", "python", config, files, user_config={})
    async with App(settings_at(tmp_path), approve=approve_everything) as app:
        await app.service.install_path(path)
        await app.service.activate("tea")
        assert await app.service.call("tea", "brew", {}) == "hot tea"


async def test_a_program_in_a_bundle_stays_one_and_is_what_is_started(tmp_path: Path) -> None:
    config = {"command": "${__dirname}/bin/server", "args": ["--fast"]}
    path = bundle(tmp_path / "tea.mcpb", "binary", config, {}, user_config={})
    program = zipfile.ZipInfo("bin/server")
    program.external_attr = 0o100755 << 16
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(program, "#!/bin/sh\n")
        packed.writestr("bin/notes.txt", "none")
    async with App(settings_at(tmp_path), approve=approve_everything) as app:
        info = (await app.service.install_path(path)).info
        installation = app.store.get("tea").installation
    assert installation.command == (f"{info.path}/source/bin/server",)
    assert [each.value for each in installation.arguments] == ["--fast"]
    assert os.access(installation.command[0], os.X_OK)
    assert not os.access(f"{info.path}/source/bin/notes.txt", os.X_OK)


@pytest.mark.parametrize(
    ("kind", "config", "why"),
    [
        ("node", {"command": "node", "args": ["--require", "/srv/x.js", "${__dirname}/server/index.js"]}, "--require"),
        ("node", {"command": "node", "args": ["--import=data:,x", "${__dirname}/server/index.js"]}, "--import=data:,x"),
        ("python", {"env": {"PYTHONPATH": "/srv:${__dirname}/lib"}}, "PYTHONPATH .* leads out of it"),
        ("python", {"env": {"PYTHONPATH": "${__dirname}/../lib"}}, "PYTHONPATH .* leads out of it"),
    ],
)
def test_code_that_is_not_in_a_bundle_is_not_started(
    tmp_path: Path, kind: str, config: dict[str, Any], why: str
) -> None:
    started = {"command": kind, "args": ["${__dirname}/server/index.js"]} | config
    with pytest.raises(InstallError, match=why):
        read_bundle(bundle(tmp_path / "tea.mcpb", kind, started))


def test_options_that_bring_no_code_stay(tmp_path: Path) -> None:
    words = ["--no-warnings", "--max-old-space-size=4096", "${__dirname}/server/index.js"]
    told = read_bundle(bundle(tmp_path / "tea.mcpb", config={"command": "node", "args": words}))
    assert told.words == ("--no-warnings", "--max-old-space-size=4096", f"{HERE}/server/index.js")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/" * 1500 + "x", "is no name for a file"),
        ("a\x1b[2J", "is no name for a file"),
        ("server/index.js/x", "cannot be unpacked"),
        ("a" * 300, "cannot be unpacked"),
    ],
)
def test_a_member_that_can_be_no_file_is_told(tmp_path: Path, name: str, why: str) -> None:
    path = bundle(tmp_path / "tea.mcpb", files={"server/index.js": "", name: ""})
    with pytest.raises(InstallError, match=why):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 99), (16, 7)])
def test_an_archive_that_is_damaged_or_encrypted_is_told(tmp_path: Path, offset: int, value: int) -> None:
    path = bundle(tmp_path / "tea.mcpb")
    content = bytearray(path.read_bytes())
    # In the directory at the end: the flags, how it is packed, and the checksum, of the second member.
    member = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[member + offset] = value
    path.write_bytes(bytes(content))
    with pytest.raises(InstallError):
        unpack(path, tmp_path / "out")
    content[content.index(b"PK\x01\x02") + offset] = value
    path.write_bytes(bytes(content))
    with pytest.raises(InstallError, match="no MCP bundle that can be read"):
        read_bundle(path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / "tea.mcpb")
    with zipfile.ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate name"):
        packed.writestr("server/index.js", "other")
    with pytest.raises(InstallError, match="two files of one name"):
        unpack(path, tmp_path / "out")
