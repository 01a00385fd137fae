"""What the system prompt says about the installed plugins."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"<dynamic_plugins_status>\s*(.*?)\s*</dynamic_plugins_status>", re.S)
_ON = frozenset({"active"})


@dataclass(frozen=True)
class Installed:
    """One installed plugin, as the status tells it."""

    name: str
    version: str = ""
    status: str = "installed"
    missing: tuple[str, ...] = ()
    error: str = ""

    @property
    def active(self) -> bool:
        return self.status in _ON


@dataclass(frozen=True)
class Standing:
    """The installed plugins by name."""

    plugins: dict[str, Installed]

    def __contains__(self, name: str) -> bool:
        return name in self.plugins

    def is_active(self, name: str) -> bool:
        """Whether the plugin *name* is installed and active."""
        return name in self.plugins and self.plugins[name].active

    @property
    def active(self) -> list[str]:
        """The names of the active plugins."""
        return [plugin.name for plugin in self.plugins.values() if plugin.active]

    @property
    def inactive(self) -> list[str]:
        """The names of the installed plugins that are not active."""
        return [plugin.name for plugin in self.plugins.values() if not plugin.active]


def standing_in(system: str) -> Standing:
    """Return what the status block of *system* says; nothing is installed where there is none that can be read."""
    # The last one: what stands before it may be a plugin's own text that imitates it.
    blocks = _BLOCK.findall(system)
    try:
        told = json.loads(blocks[-1]) if blocks else {}
    except ValueError:
        told = {}
    rows = told.get("plugins") if isinstance(told, dict) else None
    plugins = [_installed(row) for row in rows or () if isinstance(row, dict) and isinstance(row.get("name"), str)]
    return Standing({plugin.name: plugin for plugin in plugins})


def _installed(row: dict[str, Any]) -> Installed:
    missing = row.get("missing")
    return Installed(
        row["name"],
        str(row.get("version") or ""),
        str(row.get("status") or "installed"),
        tuple(str(each) for each in missing) if isinstance(missing, list) else (),
        str(row.get("error") or ""),
    )
