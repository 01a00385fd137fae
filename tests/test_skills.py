"""Agent Skills and Agent Plugins bundles: skills that a model reads when it needs them, and the servers beside them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.clients.agent_plugins import SCHEMA as SERVERS
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.skills import SCHEMA, SkillsManifest, read_skills
from dynamic_plugins.settings import Settings
from tests.conftest import Cli

if TYPE_CHECKING:
    from pathlib import Path

TEA = """---
name: making-tea
description: >-
  Makes tea as it should be.
  Use when somebody is thirsty.
license: MIT
---
# Tea
Warm the pot. See references/leaves.md.
"""


def skill(folder: Path, text: str = TEA) -> Path:
    (folder / "references").mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)
    (folder / "references" / "leaves.md").write_text("Assam.\n")
    return folder


def bundle(folder: Path, servers: dict[str, Any] | None = None, **more: Any) -> Path:
    skill(folder / "skills" / "making-tea")
    told = {"$schema": SCHEMA, "name": "acme.tea", "version": "1.2.0", "description": "Tea", **more}
    (folder / "plugin.json").write_text(json.dumps(told))
    if servers is not None:
        (folder / "mcp.json").write_text(json.dumps({"$schema": SERVERS, "mcpServers": servers}))
    return folder


def settings_at(tmp_path: Path) -> Settings:
    return Settings.from_environment(dict(os.environ), home=tmp_path / "home", registries=())


def test_a_skill_is_read_without_being_run(tmp_path: Path) -> None:
    told = read_skills(skill(tmp_path / "making-tea"))
    assert isinstance(told, SkillsManifest)
    assert (told.name, told.version) == ("making-tea", "0")
    assert told.description == "Makes tea as it should be. Use when somebody is thirsty."
    assert told.permissions.is_nothing, "it may reach nothing"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# Tea", "does not begin with a name and a description"),
        ("---\nname: tea\n---\n", "its description is missing"),
        ("---\nname: Making Tea\ndescription: x\n---\n", "its name is none"),
        ("---\nname: a--b\ndescription: x\n---\n", "its name is none"),
        (f"---\nname: tea\ndescription: {'x' * 1025}\n---\n", "longer than 1024 characters"),
        ("---\nname: [\n---\n", "is no YAML"),
        ("---\n- tea\n---\n", "does not begin with a name and a description"),
    ],
)
def test_what_is_no_skill_is_told(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InstallError, match=why):
        read_skills(skill(tmp_path / "tea", text))


def test_of_a_bundle_a_bad_skill_is_left_out_and_unknown_fields_are_told(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "tea", hooks={})
    skill(folder / "skills" / "other-name")
    (folder / "skills" / "empty").mkdir()
    told = read_skills(folder)
    assert [each.name for each in told.skills] == ["making-tea"]
    assert told.name == "acme.tea"
    assert told.notes[0] == "hooks in plugin.json is not known"
    assert "the skill other-name is left out" in told.notes[1]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"$schema": "https://agent-plugins.org/schemas/2.0.0/plugin.schema.json"}, "not of version 1.0.0"),
        ({"name": "Acme Tea"}, "the name in plugin.json is none"),
        ({"name": "a..b"}, "the name in plugin.json is none"),
        ({"version": 3}, "version in plugin.json is no text"),
    ],
)
def test_a_bundle_with_a_wrong_manifest_is_refused_as_a_whole(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    with pytest.raises(InstallError, match=why):
        read_skills(bundle(tmp_path / "tea", **more))


def test_what_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "SKILL.md"
    outside.write_text(TEA)
    folder = tmp_path / "making-tea"
    folder.mkdir()
    (folder / "SKILL.md").symlink_to(outside)
    with pytest.raises(InstallError, match="leads out of the folder"):
        read_skills(folder)


async def test_a_skill_is_an_action_in_outline_whose_call_gives_the_instructions_whole(tmp_path: Path) -> None:
    source = skill(tmp_path / "making-tea")
    async with App(settings_at(tmp_path), approve=approve_everything) as app:
        outcome = await app.service.install_path(source)
        assert (outcome.info.name, outcome.info.kind) == ("making-tea", "python")
        await app.service.activate("making-tea")
        (offered,) = app.service.offered("making-tea")
        assert offered["name"] == "making-tea"
        assert offered["description"].startswith("Makes tea as it should be. Use when somebody is thirsty.")
        read = await app.service.call("making-tea", "making-tea", {})
        assert read == {"instructions": TEA, "files": ["references/leaves.md"]}
        leaves = await app.service.call("making-tea", "making-tea", {"file": "references/leaves.md"})
        assert leaves["text"] == "Assam.\n"
        with pytest.raises(Exception, match="has no file"):
            await app.service.call("making-tea", "making-tea", {"file": "../../../../etc/passwd"})
        assert not (await app.service.install_path(source)).changed
        with pytest.raises(InstallError, match="skills are copied"):
            await app.service.install_path(source, editable=True)
    assert sorted(each.name for each in source.iterdir()) == ["SKILL.md", "references"], "the folder itself stays"


def test_the_servers_of_a_bundle_are_imported_with_its_skills_on_one_consent(tmp_path: Path) -> None:
    servers = {
        "docs": {"type": "streamable-http", "url": "http://127.0.0.1:9/docs", "headers": {"X-Tenant": "public"}},
        "own": {"type": "stdio", "command": "./bin/server", "args": ["${PLUGIN_DATA}/x"]},
        "odd": {"type": "stdio", "command": "uvx", "timeout": 3},
        "worse": {"type": "websocket"},
        "root": {"type": "stdio", "command": "uvx", "args": ["x"], "env": {"PLUGIN_ROOT": "/"}},
    }
    folder = bundle(tmp_path / "tea", servers)
    cli = Cli(tmp_path / "home")
    told = cli("import", str(folder), "--dry-run").json["servers"]
    reasons = {each["server"]: each.get("reason", "") for each in told}
    assert reasons.pop("docs") == reasons.pop("skills of acme.tea") == ""
    assert "its program lies in the bundle" in reasons["own"]
    assert "has no timeout" in reasons["odd"]
    assert "its type is 'websocket'" in reasons["worse"]
    assert "not its to set" in reasons["root"]
    done = cli("import", str(folder), "--yes", "--allow-unlisted").json
    assert done["ok"], done
    names = {each["name"] for each in cli("status").json["plugins"]}
    assert names == {"acme.tea", "127.0.0.1-9-docs"}
    error = cli("import", str(tmp_path), code=1).json["error"]
    assert "neither a plugin.json nor a SKILL.md" in error["message"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"$schema": "x", "mcpServers": {}}'])
def test_servers_of_another_version_are_refused(tmp_path: Path, text: str) -> None:
    folder = bundle(tmp_path / "tea")
    (folder / "mcp.json").write_text(text)
    error = Cli(tmp_path / "home")("import", str(folder), "--dry-run", code=1).json["error"]
    assert error["code"] == "bad_arguments"


async def test_nothing_of_a_skill_is_run_and_nothing_is_written_through_its_links(tmp_path: Path) -> None:
    folder, victim = skill(tmp_path / "making-tea"), tmp_path / "victim"
    victim.write_text("precious")
    for name in ("skills.json", "skills_module.py"):
        (folder / name).symlink_to(victim)
    for name in ("json.py", "pathlib.py", "typing.py", "sitecustomize.py", "dynamic_plugins.py"):
        (folder / name).write_text("raise SystemExit('it was run')\n")
    async with App(settings_at(tmp_path), approve=approve_everything) as app:
        await app.service.install_path(folder)
        await app.service.activate("making-tea")
        told = await app.service.call("making-tea", "making-tea", {})
        assert "Warm the pot" in told["instructions"]
        assert "json.py" in told["files"]
    assert victim.read_text() == "precious"


def test_what_a_skill_says_of_itself_holds_nothing_that_controls_a_terminal(tmp_path: Path) -> None:
    text = '---\nname: making-tea\ndescription: "Makes \\e[2J\\u202etea"\n---\n'
    assert read_skills(skill(tmp_path / "making-tea", text)).description == "Makes tea"
