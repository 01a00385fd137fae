"""How much of a plugin's permissions this machine can enforce."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import Enforcement

if TYPE_CHECKING:
    from dynamic_plugins.core.permissions import Permissions


class Level(StrEnum):
    """What stands in front of a worker."""

    NAMESPACES = "namespaces"
    """Linux: processes, network and mounts of its own, Landlock and a seccomp filter."""
    LANDLOCK = "landlock"
    """Linux where namespaces are refused, as in many containers: Landlock and a seccomp filter."""
    SEATBELT = "seatbelt"
    """macOS."""
    NONE = "none"


_WORDS = {
    Level.NAMESPACES: "network, files and programs are enforced (namespaces, Landlock, seccomp)",
    Level.LANDLOCK: "files and programs are enforced, and no network at all, but no list of hosts (Landlock, seccomp)",
    Level.SEATBELT: "files and programs are enforced, and no network at all, but no list of hosts (Seatbelt)",
    Level.NONE: "nothing is enforced: plugins can do all that you can",
}


@dataclass(frozen=True, slots=True)
class Tier:
    """What is enforced here, and why no more is."""

    level: Level
    reason: str = ""

    def enforcement(self, permissions: Permissions) -> Enforcement:
        """Return which of *permissions* are enforced in front of a worker on this machine."""
        if self.level is Level.NONE:
            return Enforcement()
        # With any host allowed there is nothing to enforce, and a refusal of all is one rule.
        return Enforcement(self.level is Level.NAMESPACES or not permissions.network, files=True, programs=True)

    def __str__(self) -> str:
        return _WORDS[self.level] + (f"; {self.reason}" if self.reason else "")
