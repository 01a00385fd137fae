"""The code of a plugin that is made of skills: it is copied to a folder beside them, and needs the standard library
alone.

Each skill is an action with the skill's own name and description; called, it gives the instructions whole, or one of
the files that lie beside them. ``skills.json`` says which there are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dynamic_plugins.plugin import Action, Plugin

LONGEST = 400_000
"""The longest file that is given, in bytes."""
MOST_FILES = 200
_HERE = Path(__file__).parent
_INDEX = _HERE / "skills.json"


def _files(folder: Path) -> list[str]:
    found = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())
    return [each for each in found if each != "SKILL.md" and "__pycache__" not in each][:MOST_FILES]


def _text(folder: Path, name: str) -> str:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"the skill has no file {name!r}. It has: {', '.join(_files(folder)) or 'none'}")
    content = path.read_bytes()
    if len(content) > LONGEST:
        raise ValueError(f"{name} is longer than {LONGEST} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name} is no text") from None


def _action(name: str, description: str, folder: Path) -> Action:

    def read(file: str = "") -> dict[str, Any]:
        if file:
            return {"file": file, "text": _text(folder, file)}
        return {"instructions": _text(folder, "SKILL.md"), "files": _files(folder)}

    about = f"{description} (A skill: gives its instructions, to be read before this is done; or one of its files.)"
    properties = {"file": {"type": "string", "description": "One of the files that the instructions name"}}
    return Action(name, about, read, {"type": "object", "properties": properties}, read_only=True)


def _plugin() -> Plugin:
    nothing: dict[str, Any] = {"source": ".", "name": "skills", "description": "", "skills": []}
    told = json.loads(_INDEX.read_text()) if _INDEX.exists() else nothing
    source = _HERE / told["source"]
    actions = [_action(each["name"], each["description"], source / each["place"]) for each in told["skills"]]
    return Plugin(told["name"], told["description"], actions=actions)


plugin = _plugin()
