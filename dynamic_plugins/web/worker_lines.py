"""What plugins printed: the last lines of each, in memory."""

from __future__ import annotations

from collections import defaultdict, deque

from dynamic_plugins.core.status import now

LINES = 200
"""So many of the last lines of each plugin are kept."""
LONGEST = 2000
"""A longer line is cut."""


class WorkerLines:
    """What the workers of this process printed last, in memory; their plugins' secrets are taken out of it before."""

    def __init__(self) -> None:
        self._lines: defaultdict[str, deque[tuple[str, str]]] = defaultdict(lambda: deque(maxlen=LINES))

    def add(self, plugin: str, line: str) -> None:
        """Keep a line that *plugin* printed."""
        self._lines[plugin].append((now(), line[:LONGEST]))

    def of(self, plugin: str) -> list[tuple[str, str]]:
        """Return the lines of *plugin* with their times, the oldest first."""
        return list(self._lines[plugin]) if plugin in self._lines else []
