"""Another Python of this machine, for what does not run on the one that plugins are usually installed with."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dynamic_plugins.core.deep_folders import remove_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dynamic_plugins.install.command import Finished, Tell
    from dynamic_plugins.install.python_environment import PythonEnvironment

_OF_WORKERS = ">=3.10"
"""The Pythons that what runs in front of a plugin of ours runs on."""


class Pythons(Protocol):
    """What finds the Pythons of this machine, and makes environments of them."""

    async def python_for(self, plugin: str, folder: Path, wanted: str) -> str | None: ...
    async def empty(self, plugin: str, folder: Path, python: str) -> PythonEnvironment: ...


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


async def fitted(
    uv: Pythons,
    plugin: str,
    environment: PythonEnvironment,
    requirement: str,
    tell: Tell,
    fill: Callable[[PythonEnvironment, Callable[[], None]], Awaitable[Finished]],
) -> PythonEnvironment:
    """Return *environment*, or one for the older Pythons that *requirement* is for, where there is such a one.

    *uv* passes over upper limits, which many packages set by guess: where there is no older one, ours is tried. *fill*
    fills an environment. Raises InstallError.
    """
    folder, python = environment.folder, environment.python_version()
    name = re.split(r"[\s=<>@\[;]", requirement, maxsplit=1)[0]
    wanted = await asyncio.to_thread(environment.requires_python, name)
    if not wanted or not python or fits(wanted, python):
        return environment
    if (other := await uv.python_for(plugin, folder.parent, f"{wanted},{_OF_WORKERS}")) is None:
        return environment
    tell("environment", f"with {other}, since it is for Python {wanted}", 0.8)
    old = folder.with_name(f"{folder.name}-old")
    await asyncio.to_thread(folder.rename, old)
    anew = await uv.empty(plugin, folder, other)
    if (await fill(anew, lambda: None)).code != 0:  # something it needs is not for that one
        await asyncio.to_thread(remove_folder, folder)
        await asyncio.to_thread(old.rename, folder)
        return environment
    await asyncio.to_thread(remove_folder, old)
    return anew
