"""How the installed plugins stand, as the built-in model reasons about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.core.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_plugins.core.status import DynamicPluginInfo

REASON = 200
"""What is kept of an error, in characters."""


@dataclass(frozen=True)
class Installed:
    """What the built-in model knows of one installed plugin."""

    name: str
    version: str = ""
    status: str = "installed"
    missing: tuple[str, ...] = ()
    error: str = ""
    pinned: bool = False

    @property
    def active(self) -> bool:
        return self.status == Status.ACTIVE


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


def standing_from(plugins: Iterable[DynamicPluginInfo]) -> Standing:
    """Return how *plugins*, all that are installed, stand."""
    return Standing({info.name: _installed(info) for info in plugins})


def _installed(info: DynamicPluginInfo) -> Installed:
    return Installed(
        info.name,
        info.version,
        str(info.status),
        tuple(variable.name for variable in info.required_env_vars if not variable.is_set),
        (info.error_details or "")[:REASON],
        info.pinned,
    )
