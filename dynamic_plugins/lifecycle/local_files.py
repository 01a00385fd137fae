"""Whether what a shared state lists as installed lies on this machine too: its files are of each machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import UnavailableHereError
from dynamic_plugins.install.installation import Installation

if TYPE_CHECKING:
    from dynamic_plugins.settings import Settings

LocalFiles = Callable[[Installation], Awaitable[Installation]]
"""Returns the installation as it lies on this machine, and puts it there first where something can.

Raises UnavailableHereError where it is not here: that is nothing which the plugin did, and no other machine is told of.
"""


async def only_where_it_lies(installation: Installation) -> Installation:
    """Return *installation* where its folder is on this machine; raises UnavailableHereError."""
    if installation.remote is None and not await asyncio.to_thread(Path(installation.path).is_dir):
        raise UnavailableHereError(
            installation.plugin,
            f"it was installed on another machine that shares this state, and {installation.path} is not on this one. "
            "Run it there, or give both machines the same home folder, such as one of a network file system",
        )
    return installation


def presence(settings: Settings) -> LocalFiles | None:
    """Return what looks whether an installation is on this machine; None where the state is of no other."""
    return None if settings.state is None else only_where_it_lies
