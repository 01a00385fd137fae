"""What a call would reach that its plugin may not: seen in its arguments before it is made, or in what refused it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.permissions import (
    FileAccess,
    Permissions,
    asks_more,
    parse_host,
    parse_path,
    parse_program,
)
from dynamic_plugins.errors import PermissionDeniedError
from dynamic_plugins.text.addresses import says
from dynamic_plugins.workers.fence import system_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dynamic_plugins.core.permissions import Access
    from dynamic_plugins.storage.usage_log import Refusal

_NAMES_A_PATH = re.compile(
    r"(?:^|[_\W])(?:path|paths|file|files|filename|filepath|dir|directory|directories|folder|folders|repo|repository"
    r"|root|workspace|cwd|source|destination|database|db)s?(?:$|[_\W])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FORMATS = frozenset({"path", "file-path", "filepath", "directory-path"})
_MOST = 8
"""About so many paths of one call a person is asked at most; a call with more is made, and refused."""


def paths_in(arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    """Return the paths among *arguments*, absolute and there on this machine, of a call with these *parameters*."""
    described = parameters.get("properties") or {}
    found = [
        path
        for name, value in arguments.items()
        if _is_for_paths(name, described.get(name))
        for each in (value if isinstance(value, list) else [value])
        if (path := _existing(each)) is not None
    ]
    return list(dict.fromkeys(found)) if len(found) <= _MOST else []


def _is_for_paths(name: str, described: Any) -> bool:
    """Return whether a parameter is for paths, by its format, its name or its description."""
    shape = described if isinstance(described, dict) else {}
    if shape.get("format") in _FORMATS:
        return True
    text = str(shape.get("description") or "")[:200]
    return bool(_NAMES_A_PATH.search(_CAMEL.sub("_", name)) or _NAMES_A_PATH.search(text))


def _existing(value: Any) -> str | None:
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:  # noqa: PTH117
        return None
    try:
        return os.path.normpath(value) if Path(value).exists() else None
    except OSError:  # a name that is too long, a folder that we may not look into
        return None


def beyond(paths: Iterable[str], access: Access, held: Permissions, own: Iterable[str]) -> Permissions:
    """Return those of *paths* that a plugin may not reach for *access*: *held* is granted, and *own* are its folders.

    They are told as what they lead to, since that is what is granted.
    """
    granted = (each.path for each in held.files if access == "read" or each.access == "write")
    reached = [*own, *(path for path in granted if os.path.isabs(path))]  # noqa: PTH117
    reached += system_paths.readable() if access == "read" else []
    folders = {*reached, *map(os.path.realpath, reached)}
    real = dict.fromkeys(map(os.path.realpath, paths))
    return Permissions((), tuple(FileAccess(each, access) for each in real if not _lies_in(each, folders)))


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def refused(error: PermissionDeniedError) -> Permissions | None:
    """Return what would have to be granted for a call not to end with *error*; None where that cannot be told.

    What was refused stands in it in the plugin's own words, so that it may be cut short, or be nothing at all.
    """
    try:
        if error.kind == "network":
            return Permissions((parse_host(error.what),))
        if error.kind == "program":
            return Permissions((), (), (parse_program(error.what),))
        path = os.path.realpath(parse_path(error.what))
        if not os.path.isabs(error.what) or not Path(path).exists():  # noqa: PTH117
            return None
        return Permissions((), (FileAccess(path, error.kind),))
    except (ValueError, OSError):
        return None


def still_refused(plugin: str, refusals: Iterable[Refusal], now: Permissions) -> list[tuple[Refusal, Permissions]]:
    """Return those of *refusals* that *plugin*, which may reach *now*, would meet again, with what is to be granted."""
    found = []
    for refusal in refusals:
        wanted = refused(PermissionDeniedError(plugin, refusal.kind, refusal.what))
        if wanted is not None and not asks_more(now, wanted).is_nothing:
            found.append((refusal, wanted))
    return found


def is_named(said: Iterable[str], wanted: Permissions) -> bool:
    """Return whether all that is *wanted* was named in what somebody *said*."""
    hosts = [host.rpartition(":")[0] or host for host in wanted.network or ()]
    words = [*hosts, *wanted.programs]
    return all(names_path(said, file.path) for file in wanted.files) and all(
        any(says(text, word) for text in said) for word in words
    )


def names_path(said: Iterable[str], path: str) -> bool:
    """Return whether somebody named *path* in what they *said*."""
    return any(_stands_in(spelling, text) for spelling in _spellings(path) for text in said)


def _spellings(path: str) -> Iterator[str]:
    """Yield how people write *path*."""
    yield path
    home = os.path.expanduser("~")  # noqa: PTH111
    for base in {home, os.path.realpath(home)}:
        if path.startswith(base + os.sep):
            yield "~" + path[len(base) :]


def _stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w/.~-]){re.escape(word)}/?(?![\w/-]|\.\w)", text, re.IGNORECASE) is not None
