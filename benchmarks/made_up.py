"""Registries of any size, made up but always the same, with names and descriptions such as real ones have; plugins."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from dynamic_plugins.registry.entry import Entry, OfferedAction, Package

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MAKERS = (
    "acme globex initech umbra zenlo korvex plinth quarva teslo brimo fendly lumora narvik oztek pyrra quill rastro"
    " sylph tundra ulti vexor wixel yonda zephyr aldor benno cyrix dalton ember fjord gantry heron iskra juno kestrel"
)
_THINGS = (
    "cloud data mail chat graph query stream token chain swap vault node bridge bot alert task note sheet calendar"
    " weather map route photo audio speech video caption search crawl parse queue event log trace metric test build"
    " deploy track order stock crypto bank invoice tax law health food recipe travel hotel flight train car home light"
    " sensor drone game chess quiz school book paper news feed blog forum social ticket music radio design font icon"
)
_DOING = (
    "reads writes lists searches converts sends schedules summarises plots compares watches downloads checks exports"
)
_OBJECTS = (
    "messages files prices reports images tickets accounts documents pages records tables repositories sensors songs"
)
_FORMS = (
    "@elizaos/plugin-{}",
    "@{maker}/plugin-{}",
    "@elizaos/client-{}",
    "io.github.{maker}/{}-mcp",
    "io.github.{maker}/mcp-server-{}",
    "mcp-server-{}",
    "com.{maker}/{}",
)
_PROJECT = """[project]
name = "{name}"
version = "1.0.0"
description = "{description}"

[project.entry-points."dynamic_plugins.plugins"]
{name} = "{name}_plugin:plugin"
"""


def write_plugin(folder: Path, name: str, description: str, code: str) -> Path:
    """Make *folder* the project of a plugin, whose module holds *code*, and return it."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT.format(name=name, description=description))
    (folder / f"{name}_plugin.py").write_text(code)
    return folder


def entries(count: int, seed: int = 1) -> list[Entry]:
    """Return *count* entries with different names."""
    chance = random.Random(seed)  # noqa: S311 - made-up names, no secrets
    makers, things = _MAKERS.split(), _THINGS.split()
    doing, objects = _DOING.split(), _OBJECTS.split()
    found: dict[str, Entry] = {}
    while len(found) < count:
        core = "-".join([*chance.sample(things, chance.choice((1, 2, 2, 3))), str(chance.randrange(10, 99))])
        if chance.random() < 0.5:
            core = chance.choice(makers) + core.rpartition("-")[0].replace("-", "")
        maker = chance.choice(makers)
        name = chance.choice(_FORMS).replace("{maker}", maker).format(core)
        actions = tuple(
            OfferedAction(f"{verb.removesuffix('s')}_{what}", f"{verb} {what} of {core.replace('-', ' ')}")
            for verb, what in zip(chance.sample(doing, 4), chance.sample(objects, 4), strict=True)
        )
        told = " ".join(f"{chance.choice(doing)} {chance.choice(things)} {chance.choice(objects)}" for _ in range(5))
        package = Package("pypi", name.rpartition("/")[2])
        found[name] = Entry(
            name, "mcp", f"{told}.", f"https://github.com/{maker}/{core}", (), (package,), actions=actions
        )
    return list(found.values())


def slips(names: Sequence[str], count: int, seed: int = 2) -> list[str]:
    """Return *count* of the names without scope, each with one letter swapped, doubled or left out."""
    chance = random.Random(seed)  # noqa: S311 - made-up slips, no secrets
    typed = []
    for name in chance.sample(list(names), count):
        bare = name.rpartition("/")[2]
        at = chance.randrange(2, len(bare) - 1)
        typed.append(
            chance.choice(
                (
                    bare[:at] + bare[at + 1 :],
                    bare[: at + 1] + bare[at:],
                    bare[:at] + bare[at + 1] + bare[at] + bare[at + 2 :],
                )
            )
        )
    return typed
