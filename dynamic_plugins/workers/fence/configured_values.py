"""What a plugin's configuration says about what it may reach: paths and hosts that the person told it.

A value that only its registry entry or its author names counts for nothing: they suggest, and a default could be
anybody's key or a host within the house.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins.core.permissions import FileAccess, Permissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dynamic_plugins.install.installation import Installation

_ADDRESS = re.compile(r"(?:sqlite|file|duckdb)[a-z0-9+]*:(?://)?/*(/.*)", re.DOTALL)
_FLAG = re.compile(r"--?[\w-]+=(.*)", re.DOTALL)
_LONGEST = 4096
# Libraries that do nothing without a program: whoever depends on one is granted that.
_NEEDED_BY = {"gitpython": "git"}
# Nobody who names a file there means to share all of its folder.
_SHARED = ("/etc", "/usr", "/tmp", "/var/tmp", "/opt", "/srv", "/home", "/root", "/Users")  # noqa: S108


class ConfiguredValues:
    """The values of one plugin. *home* is the person's home folder."""

    def __init__(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str], home: str
    ) -> None:
        self._distributions = {each.name.lower() for each in installation.distributions}
        self._values = tuple(_of_the_person(installation, environment, arguments))
        self._defaults = _defaults(installation)
        self._home = home

    def granted(self, permissions: Permissions) -> Permissions:
        """Return *permissions*; where nobody declared any, with each path that a value names, for writing.

        And with the programs that its libraries stand on.
        """
        if permissions.declared:
            return permissions
        files = [FileAccess(path, "write") for path in dict.fromkeys(self._paths())]
        programs = [program for library, program in _NEEDED_BY.items() if library in self._distributions]
        return replace(permissions, files=(*permissions.files, *files), programs=(*permissions.programs, *programs))

    def in_own_folder(self, environment: Mapping[str, str], folder: str) -> dict[str, str]:
        """Return *environment* with ``~/`` at the start of a default as the plugin's own *folder*.

        A path that the person did not set opens nothing: a place in the person's home would be refused.
        """
        return {
            name: expanded(value, folder) if value == self._defaults.get(name) else value
            for name, value in environment.items()
        }

    def hosts_among(self, hosts: Sequence[str]) -> Collection[str]:
        """Return those of *hosts* that stand in a value: the person typed them."""
        typed = {_host(value) for value in self._values} - {None}
        return {host for host in hosts if _host(host) in typed}

    def _paths(self) -> Iterator[str]:
        for value in self._values:
            for path in _named_in(value):
                path = expanded(path.strip(), self._home)
                if os.path.isabs(path) and "\0" not in path:  # noqa: PTH117
                    with suppress(OSError):  # a name that is too long, a folder that we may not look into
                        yield from _to_grant(Path(os.path.normpath(path)), self._home)


def expanded(value: str, home: str) -> str:
    """Return *value* with a leading ``~`` as the person means it: in a worker, home is the plugin's own folder."""
    return home + value[1:] if home and (value == "~" or value.startswith("~/")) else value


def _defaults(installation: Installation) -> dict[str, str | None]:
    return {variable.name: variable.default for variable in installation.variables}


def _of_the_person(
    installation: Installation, environment: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[str]:
    defaults = _defaults(installation)
    suggested = set(defaults.values()).union(*((each.value, each.default) for each in installation.arguments))
    yield from (value for name, value in environment.items() if value != defaults.get(name))
    yield from (word for word in arguments if word not in suggested)


def _named_in(value: str) -> Iterator[str]:
    """Yield what in *value* may be a path: all of it, parts of a list, what follows a flag or a scheme."""
    if len(value) > _LONGEST or "\n" in value:
        return
    if value.startswith("["):
        with suppress(ValueError, RecursionError):
            yield from (each for each in json.loads(value) if isinstance(each, str))
    if match := (_ADDRESS.fullmatch(value) or _FLAG.fullmatch(value)):
        yield match[1]
    elif "://" not in value:
        yield value
        yield from value.split(os.pathsep) if os.pathsep in value else ()


def _to_grant(path: Path, home: str) -> Iterator[str]:
    """Yield *path*, and the folder of a file: programs write journals, locks and new versions beside it."""
    if path.is_dir():
        if path != Path(path.anchor):
            yield str(path)
        return
    if path.exists():
        yield str(path)
    folder = path.parent
    if folder.is_dir() and not is_shared(folder, home):
        yield str(folder)


def is_shared(folder: Path, home: str) -> bool:
    """Return whether *folder* holds more than one thing's files: *home*, one that all users share, or one above."""
    return any(Path(each).is_relative_to(folder) for each in (home, *_SHARED) if each)


def _host(said: str) -> str | None:
    with suppress(ValueError):
        return urlsplit(said if "://" in said else f"//{said}").hostname
    return None
