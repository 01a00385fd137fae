"""A plugin called ``probe`` in a folder of its own, in whichever version and with whatever source a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
[project]
name = "probe"
version = "VERSION"

[project.entry-points."dynamic_plugins.plugins"]
probe = "probe_plugin:plugin"

[tool.dynamic-plugins]
config = [{ name = "PROBE_WORD", description = "A word" }]
"""


def write(folder: Path, version: str, source: str) -> Path:
    """Write the plugin's folder; the word VERSION in *source* becomes *version*."""
    folder.mkdir(exist_ok=True)
    for name, text in (("probe_plugin.py", source), ("pyproject.toml", PROJECT)):
        (folder / name).write_text(text.replace("VERSION", version))
    return folder
