"""Turns of phrase of several languages, as parts of regular expressions, from ``turns_of_phrase.toml``."""

from __future__ import annotations

from functools import cache

from dynamic_plugins.core import prompt_files


@cache
def phrases(section: str, name: str) -> str:
    """Return the turns of phrase *name* of *section* as the alternatives of one group."""
    lines = str(prompt_files.table("embedded/turns_of_phrase.toml")[section][name]).split("\n")
    return f"(?:{'|'.join(line.strip() for line in lines if line.strip())})"
