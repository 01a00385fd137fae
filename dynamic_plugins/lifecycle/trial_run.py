"""Trying a new version out beside the one that runs, so that what does not work never takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.errors import LoadError, NeedsConfigurationError, PluginError
from dynamic_plugins.lifecycle import variables
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.workers.binding import bind

if TYPE_CHECKING:
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.plugin_handle import PluginHandle
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.workers.components import Offers


class TrialRun:
    """Tries versions out, always in a worker: in this process the present one's modules are in the way."""

    def __init__(self, supervisor: Supervisor, launcher: Launcher) -> None:
        self._supervisor, self._launcher = supervisor, launcher

    async def offers(self, handle: PluginHandle, old: StoredPlugin, new: StoredPlugin) -> Offers | None:
        """Return what *new* offers once it has loaded and, where *old* is active, its services have started; *handle*
        is the one of *old*.

        None where it must be configured first and *old* could not be used either. Raises NeedsConfigurationError
        where only *new* must, and LoadError.
        """
        if missing := self._missing(new):
            if self._missing(old) or old.error_details is not None:
                return None
            raise NeedsConfigurationError(new.name, missing, new.installation.version)
        try:
            return await self._try(handle, old, new)
        except PluginError as error:
            raise _refusal(old, new, error) from error

    async def offers_here(self, old: StoredPlugin, new: StoredPlugin) -> Offers | None:
        """Return what *new* offers where it will run, once *old* runs no more. Raises LoadError."""
        if new.offers is None or not self._launcher.runs_here(new.name):
            return new.offers
        try:
            connection = await self._launcher.start(new)
        except PluginError as error:
            raise _refusal(old, new, error) from error
        await connection.close()
        return connection.offers

    def _missing(self, plugin: StoredPlugin) -> tuple[str, ...]:
        return variables.missing(plugin.installation, self._supervisor.known(plugin))

    async def _try(self, handle: PluginHandle, old: StoredPlugin, new: StoredPlugin) -> Offers:
        connection = await self._launcher.start(new, apart=True)
        try:
            trial = ComponentRegistry()
            trial.mount(bind(new.name, connection.offers, connection.call))
            if old.enabled and connection.offers.of("service"):
                async with handle.services_paused():
                    await trial.start_services(new.name)
                    await trial.stop_services(new.name)
            return connection.offers
        finally:
            await connection.close()


def _refusal(old: StoredPlugin, new: StoredPlugin, error: PluginError) -> LoadError:
    reason = f"version {new.installation.version} does not load: {getattr(error, 'reason', error)}."
    return LoadError(new.name, f"{reason} Version {old.installation.version} stays.")
