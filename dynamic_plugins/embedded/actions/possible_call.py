"""A call, or several, that a message may ask for, before it is weighed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TRIED = 6
"""So many of the tools that rank first are filled in."""
MOST = 6
"""So many calls are made for one message."""


@dataclass
class Candidate:
    """A proposal before it is weighed; *features* are what its probability is worked out from."""

    calls: tuple[tuple[str, dict[str, Any]], ...]
    missing: tuple[str, ...]
    features: dict[str, float] = field(default_factory=dict)
