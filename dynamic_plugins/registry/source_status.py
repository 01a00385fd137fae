"""How a source of plugins stands: how many it lists, how old that is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamic_plugins.registry.sources import Source


@dataclass(frozen=True)
class SourceState:
    """How one source stands. Times are seconds since 1970, 0 where there was none; *problem* is empty when it works."""

    source: Source
    entries: int = 0
    fetched_at: float = 0.0
    """When what is shown was read."""
    checked_at: float = 0.0
    """When the source last said that it is still so; only addresses are asked."""
    problem: str = ""
    skipped: int = 0
    why_skipped: tuple[str, ...] = ()
    """Why, for the first few."""
    updated: str = ""
    """When the registry says that it was made."""


def age(seconds: float) -> str:
    """Return a length of time as people say it: ``5 minutes``, ``3 hours``, ``12 days``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
