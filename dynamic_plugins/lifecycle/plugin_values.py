"""The values that a person sets for an installed plugin: checked, kept, and what a running one is started anew with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.status import Status
from dynamic_plugins.events import Event
from dynamic_plugins.lifecycle import variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore


class PluginValues:
    """Sets and shows the values of installed plugins. Names are canonical here."""

    def __init__(
        self, store: HomeState, supervisor: Supervisor, configuration: ConfigurationStore, listener: Listener
    ) -> None:
        self._store, self._supervisor = store, supervisor
        self._configuration, self._listener = configuration, listener

    def of(self, name: str) -> list[tuple[Variable, bool]]:
        """Return every variable of a plugin, and whether it is set. Raises NotInstalledError."""
        stored, known = self._store.get(name), self._configuration.names(name)
        return [(variable, variable.name in known) for variable in stored.installation.variables]

    async def set(self, name: str, values: Mapping[str, str]) -> None:
        """Keep *values* for a plugin; a running one is ended, and the next call starts it with them.

        Raises BadArgumentsError for a name or value that cannot be, SecretStoreError where a secret cannot be kept, and
        NotInstalledError.
        """
        async with self._supervisor.hold(name) as handle:
            stored = self._store.get(name)
            plain: dict[str, str] = {}
            secret: dict[str, str] = {}
            for key, value in values.items():
                variable = variables.variable_named(stored.installation, key)
                kept = secret if variable.is_secret or isinstance(value, variables.Pasted) else plain
                kept[variable.name] = variables.check_value(name, variable, value)
            if values:
                stored = await to_the_end(self._keep(stored, plain, secret))
                await handle.disconnect()  # the next call starts it with the new values
            if handle.state.status in {Status.ERROR, Status.NEEDS_CONFIGURATION}:
                self._supervisor.restore(handle, stored)
        self._listener(Event(name, "configured", ", ".join(sorted(plain.keys() | secret.keys()))))

    async def _keep(self, plugin: StoredPlugin, plain: dict[str, str], secret: dict[str, str]) -> StoredPlugin:
        await asyncio.to_thread(self._configuration.set, plugin.name, plain, secret)
        return self._supervisor.save_configuration_mark(plugin)
