"""Which backend keeps the state of a home, as the settings say; the one that is not used is not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.storage.state_backend import StateFolder

if TYPE_CHECKING:
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.storage.state_backend import StateBackend


def open_backend(settings: Settings, seconds: float | None = None) -> StateBackend:
    """Return what keeps the state of the home that *settings* name.

    What is not in the folder is not asked before it is needed, and then for at most *seconds*, where that is given.
    """
    if settings.state is None:
        return StateFolder(settings.home)
    from dynamic_plugins.storage.postgres_state import open_postgres

    return open_postgres(settings.state, settings.home, seconds)
