"""The texts that the model reads; they are files, so that they can be read and changed as texts."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


@cache
def folder() -> Path:
    """Return the folder of prompts: inside the package once installed, beside it in a checkout."""
    inside = Path(str(files("dynamic_plugins"))) / "prompts"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "prompts"


@cache
def text(name: str) -> str:
    """Return the text of one prompt file."""
    return (folder() / name).read_text(encoding="utf-8").strip()


@cache
def table(name: str) -> dict[str, Any]:
    """Return one TOML file of prompts as a dict."""
    return tomllib.loads(text(name))
