"""What every verb of a plugin's life works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.dependencies import Dependencies
    from dynamic_plugins.lifecycle.supervisor import Presence
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.state import StateStore


@dataclass(frozen=True, slots=True)
class Means:
    """Made once by the service and handed to those that do its verbs; what only one of them needs, it gets besides."""

    catalogue: Catalogue
    installer: Installer
    store: StateStore
    dependencies: Dependencies
    presence: Presence
    listener: Listener
    """Hears of progress and of what was done."""
