"""Another Python of this machine, for what does not run on the one that plugins are usually installed with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where the index tells it, and where only the package itself does.
_DOES_NOT_FIT = re.compile(
    r"Python version \([\d.]+\S*\) does not satisfy Python(?P<told>[<>=!~]\S+)|requires Python (?P<read>[<>=!~]\S+)"
)


def wanted_python(words: str) -> str | None:
    """Return which Python a package wants, ``>=3.12``, where uv's *words* say that ours is none of these."""
    found = _DOES_NOT_FIT.search(" ".join(words.split()))
    return (found["told"] or found["read"]).rstrip(",.;") if found else None


def fits(wanted: str, version: str) -> bool:
    """Return whether the Python of this *version* is one that a package says it runs on: ``>=3.8,<3.11``."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True  # what cannot be read limits nothing


def finding_all_pythons(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with a ``PATH`` on which uv finds the Pythons of pyenv themselves.

    pyenv's own programs fail for a version that is there and not switched on, and end uv's search with that.
    """
    folders: list[str] = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(folder).name == "shims":
            folders += sorted(str(each) for each in (Path(folder).parent / "versions").glob("*/bin"))
        else:
            folders.append(folder)
    return {**environ, "PATH": os.pathsep.join(folders)}
