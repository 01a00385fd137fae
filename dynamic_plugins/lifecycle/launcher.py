"""Starting an installed plugin where it runs: with what it was told, and with what it may ask of its host."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from dynamic_plugins.errors import NeedsConfigurationError
from dynamic_plugins.events import Event
from dynamic_plugins.lifecycle import variables as config
from dynamic_plugins.workers.host_callbacks import Host

if TYPE_CHECKING:
    from dynamic_plugins.events import Listener
    from dynamic_plugins.storage.secrets import ConfigurationStore
    from dynamic_plugins.storage.state import StoredPlugin
    from dynamic_plugins.workers.components import Connection
    from dynamic_plugins.workers.host_callbacks import UseModel
    from dynamic_plugins.workers.loader_selector import ChosenLoader


class Launcher:
    """Starts plugins. *listener* hears of their progress; *use_model* answers one that asks for the host's model."""

    def __init__(
        self,
        loader: ChosenLoader,
        configuration: ConfigurationStore,
        listener: Listener,
        use_model: UseModel | None = None,
    ) -> None:
        self._loader, self._configuration = loader, configuration
        self._listener, self._use_model = listener, use_model

    def runs_here(self, name: str) -> bool:
        """Return whether the plugin of this name runs in this process, as the operator has chosen."""
        return self._loader.runs_here(name)

    async def start(self, plugin: StoredPlugin, *, apart: bool = False) -> Connection:
        """Start *plugin* where it runs, or, *apart*, in a worker in any case.

        Raises NeedsConfigurationError, LoadError or PluginTimeoutError.
        """
        values = await asyncio.to_thread(self._configuration.values, plugin.name)
        if missing := config.missing(plugin.installation, values):
            raise NeedsConfigurationError(plugin.name, missing)
        folder = self._loader.folder(plugin.installation)
        return await (self._loader.workers if apart else self._loader).connect(
            plugin.installation,
            config.environment(plugin.installation, values),
            config.command_line(plugin.installation, values),
            self._host_for(plugin.name, config.roots(plugin.installation, values, folder)),
        )

    def _host_for(self, name: str, roots: tuple[str, ...]) -> Host:
        """Return what *name* gets from us: the model and *roots* if it asks, and an ear for its progress."""

        def progress(fraction: float | None, message: str) -> None:
            self._listener(Event(name, "progress", message, fraction))

        return Host(use_model=self._use_model, roots=roots, progress=progress)

    async def remove_data(self, plugin: StoredPlugin) -> None:
        """Remove what *plugin* wrote in its own folder."""
        await asyncio.to_thread(shutil.rmtree, self._loader.folder(plugin.installation), ignore_errors=True)
