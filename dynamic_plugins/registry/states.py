"""How a source of plugins stands: how many it lists, how old that is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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

    def to_dict(self) -> dict[str, Any]:
        """Return it for a person or a program: times in UTC ISO 8601, no password or query of an address."""
        told = {
            "name": self.source.name,
            "location": self.source.shown,
            "trusted": self.source.trusted,
            "plugins": self.entries,
            "made": self.updated,
            "fetched_at": _iso(self.fetched_at) if self.source.is_remote else "",
            "checked_at": _iso(self.checked_at),
            "problem": self.problem,
            "skipped": self.skipped,
            "why_skipped": list(self.why_skipped),
        }
        always = ("name", "location", "trusted", "plugins")
        return {key: value for key, value in told.items() if key in always or value}


def age(seconds: float) -> str:
    """Return a length of time as people say it: ``5 minutes``, ``3 hours``, ``12 days``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds > 0 else ""
