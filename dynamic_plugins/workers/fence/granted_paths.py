"""Where a granted path leads, by links that the plugin cannot have made itself.

A plugin may write in its own folder and where it was let. What lies there it can replace by a link to anything of the
person's, a path that it was granted as well; at its next start that link would be the grant.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.core.permissions import FileAccess

_MOST_LINKS = 40


def without_links(files: Iterable[FileAccess], folder: str) -> tuple[list[str], list[str]]:
    """Return the paths of *files* that may be read, and those that may be written, each without links.

    A path with a link on its way that lies in *folder*, the plugin's own, or where it may write, is left out. The first
    of those that may be written is *folder*.
    """
    files = list(files)
    own = os.path.realpath(folder)
    writable = [own, *(os.path.realpath(file.path) for file in files if file.access == "write")]
    read, write = [], [own]
    for file in files:
        if (place := _followed(file.path, writable)) is not None:
            read.append(place)
            if file.access == "write":
                write.append(place)
    return read, write


def _followed(path: str, writable: Sequence[str]) -> str | None:
    """Return where the absolute *path* leads; None where a link to be followed lies in one of *writable*."""
    here, ahead, links = os.sep, [*Path(path).parts[:0:-1]], 0
    while ahead:
        part = ahead.pop()
        if part == os.pardir:
            here = os.path.dirname(here)  # noqa: PTH120
            continue
        there = os.path.join(here, part)  # noqa: PTH118 # an absolute link begins with its root: it starts anew
        try:
            leads_to = os.readlink(there)  # noqa: PTH115
        except OSError:  # no link, or nothing
            here = there
            continue
        links += 1
        if links > _MOST_LINKS or any(_lies_in(here, each) for each in writable):
            return None
        ahead += reversed(Path(leads_to).parts)
    return here


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
