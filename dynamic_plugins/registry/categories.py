"""The categories of the catalogue: a closed list, so that two words never stand for one shelf."""

from __future__ import annotations

CATEGORIES = (
    "browser",
    "cloud",
    "code",
    "communication",
    "data",
    "developer",
    "files",
    "finance",
    "home",
    "knowledge",
    "media",
    "memory",
    "models",
    "office",
    "search",
    "social",
    "time",
    "travel",
)
"""What an entry of the bundled catalogue may be filed under; others' registries may say what they like."""
