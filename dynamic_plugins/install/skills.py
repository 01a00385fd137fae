"""Agent Skills as plugins: a folder with a ``SKILL.md``, or an Agent Plugins bundle with several in ``skills/``.

https://agentskills.io/specification, https://agent-plugins.org (1.0.0). Nothing of a skill is run: a model reads its
name and description in outline, and the instructions whole when it needs them.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.manifest import Manifest
from dynamic_plugins.text.printable import one_line

SCHEMA = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
MODULE = "skills_module"
_TEXTS = ("version", "description", "homepage", "repository", "license")
_FIELDS = ("$schema", "name", *_TEXTS, "author", "keywords", "extensions")
_NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:[.-][a-z0-9]+)*")
_SKILL = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_DESCRIPTION = 1024
MOST = 100
NEEDS_YAML = "reading a skill needs the extra cli: pip install 'agent-dynamic-plugins[cli]'"


@dataclass(frozen=True)
class Skill:
    """One skill: its *name*, its *description*, and the folder that it lies in, within the plugin's."""

    name: str
    description: str
    place: str


@dataclass(frozen=True)
class SkillsManifest(Manifest):
    """What a folder of skills says of itself."""

    skills: tuple[Skill, ...] = ()


def has_skills(folder: Path) -> bool:
    """Return whether *folder* is a skill, or an Agent Plugins bundle."""
    return (folder / "SKILL.md").is_file() or (folder / "plugin.json").is_file()


def read_skills(folder: Path) -> SkillsManifest:
    """Return what a skill's or a bundle's folder says of itself. Raises InstallError where there is no skill in it."""
    try:
        if (folder / "plugin.json").is_file():
            return _bundle(folder)
        return _made([_skill(folder, ".", None)], "", "", ())
    except (OSError, ValueError) as error:
        raise InstallError(folder.name, f"{folder} cannot be read: {error}") from None


def bundle_manifest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the ``plugin.json`` of an Agent Plugins bundle, and what of it is ignored. Raises ValueError, OSError."""
    path = folder / "plugin.json"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("plugin.json leads out of the folder")
    told = parse_json(read_file(path))
    if not isinstance(told, dict) or told.get("$schema") != SCHEMA:
        raise ValueError(f"plugin.json is not of version 1.0.0 of Agent Plugins ({SCHEMA})")
    if not isinstance(told.get("name"), str) or not _NAME.fullmatch(told["name"]):
        raise ValueError("the name in plugin.json is none: small letters, digits, single dashes and dots")
    if wrong := [field for field in _TEXTS if field in told and not isinstance(told[field], str)]:
        raise ValueError(f"{wrong[0]} in plugin.json is no text")
    return told, [f"{field} in plugin.json is not known" for field in told if field not in _FIELDS]


def _bundle(folder: Path) -> SkillsManifest:
    told, notes = bundle_manifest(folder)
    skills: list[Skill] = []
    places = sorted((folder / "skills").iterdir()) if (folder / "skills").is_dir() else []
    for place in places[:MOST]:
        if not (place / "SKILL.md").is_file():
            continue
        try:
            skills.append(_skill(folder, f"skills/{place.name}", place.name))
        except ValueError as error:
            notes.append(f"the skill {place.name} is left out: {error}")
    servers = (folder / "mcp.json").is_file()
    if not skills:
        raise ValueError("it has no skill" + (f". Its servers: dynamic-plugins import {folder}" if servers else ""))
    notes += [f"its servers are not among it; they come with: dynamic-plugins import {folder}"] if servers else []
    return _made(skills, told["name"], told.get("version", ""), tuple(notes), told.get("description", ""))


def _made(
    skills: list[Skill], name: str, version: str, notes: tuple[str, ...], description: str = ""
) -> SkillsManifest:
    return SkillsManifest(
        name=name or skills[0].name,
        version=version or "0",
        description=description or skills[0].description,
        entry_point=f"{MODULE}:plugin",
        permissions=Permissions((), declared=True),
        notes=notes,
        skills=tuple(skills),
    )


def _skill(root: Path, place: str, called: str | None) -> Skill:
    """Return the skill in the folder *place* of *root*, which has to be *called* so. Raises ValueError and OSError."""
    path = root / place / "SKILL.md"
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError("its SKILL.md leads out of the folder")
    found = _FRONT_MATTER.match(read_file(path).decode())
    front = _yaml(found["yaml"]) if found else None
    told = front if isinstance(front, dict) else {}
    if not told:
        raise ValueError("its SKILL.md does not begin with a name and a description between lines of ---")
    name, description = told.get("name"), told.get("description")
    if not isinstance(name, str) or not _SKILL.fullmatch(name) or called not in (None, name):
        raise ValueError("its name is none, or not that of its folder: small letters, digits and single dashes")
    if not isinstance(description, str) or not 0 < len(description.strip()) <= _DESCRIPTION:
        raise ValueError(f"its description is missing, or longer than {_DESCRIPTION} characters")
    return Skill(name, one_line(description), place)


def _yaml(text: str) -> Any:
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError:
        raise ValueError(NEEDS_YAML) from None
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError):
        raise ValueError("what stands between the lines of --- is no YAML") from None


def write_module(told: SkillsManifest, source: Path, folder: Path) -> Path:
    """Put the code that offers the skills in the folder *source* into a new *folder* beside that, and return that.

    Beside, since whatever lies in *source* is a stranger's: a file of it on the search path would be run, and a link of
    it in the place of ours would be written through.
    """
    folder.mkdir()
    code = Path(__file__).with_name(f"{MODULE}.py")
    (folder / f"{MODULE}.py").write_bytes(read_file(code))
    index = {
        "source": os.path.relpath(source, folder),
        "name": told.name,
        "description": told.description,
        "skills": [{"name": each.name, "description": each.description, "place": each.place} for each in told.skills],
    }
    (folder / "skills.json").write_text(json.dumps(index))
    return folder
