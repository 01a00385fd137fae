"""The texts that the model reads; they are files, so that they can be read and changed as texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def folder() -> Path:
    """Return the folder of prompts: inside the package once installed, beside it in a checkout."""
    here = Path(__file__).parent.parent
    return next(path for path in (here / "prompts", here.parent / "prompts") if path.is_dir())


@cache
def text(name: str) -> str:
    """Return the text of one prompt file."""
    return (folder() / name).read_text(encoding="utf-8").strip()


@cache
def table(name: str) -> dict[str, Any]:
    """Return one TOML file of prompts as a dict."""
    import tomllib

    return tomllib.loads(text(name))
