"""The refresh of a command that does not wait for it: a process that asks and ends by itself.

Most commands are over before a registry has answered, and what they would need to ask it takes longer to load than they
take in all. So they start a process that asks, and go on; whoever comes next finds what it has read. What runs for long
does the same, so that nothing in it is held up by thousands of entries that are read and indexed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from dynamic_plugins.core.background_process import start_in_background

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

PROGRAM = "dynamic_plugins.cli.registry_refresh"
AT_MOST_EVERY = 60.0
"""Seconds in which the commands on a home start one such process."""


class RefreshProcess:
    """Refreshes what is due on *home*, of *registries* where those are given for this run, in a process of its own.

    One that *outlives* whoever started it is left to itself.
    """

    def __init__(self, home: Path, registries: Sequence[str], *, outlives: bool) -> None:
        self._home, self._outlives = home, outlives
        named = [word for each in registries for word in ("--registry", each)]
        self._words = ["--home", str(home), *named]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless one was started a moment ago. Where none can be, nothing is refreshed, and no error."""
        if not self.goes_on() and _is_my_turn(self._home / "registry"):
            with contextlib.suppress(OSError):
                self._process = start_in_background(PROGRAM, *self._words, folder=self._home)

    def goes_on(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def has_ended(self) -> bool:
        """Return whether it was started here and is over."""
        return self._process is not None and self._process.poll() is not None

    async def close(self) -> None:
        """End it, unless it outlives us; it loses nothing but the page that it is at."""
        if self._process is not None and not self._outlives:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)


def _is_my_turn(folder: Path) -> bool:
    """Return whether no process was started lately, and note that one is now."""
    mark = folder / "refresh-started"
    with contextlib.suppress(OSError):
        if 0 <= time.time() - mark.stat().st_mtime < AT_MOST_EVERY:
            return False
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    except OSError:
        return False  # nothing could be kept there
    return True
