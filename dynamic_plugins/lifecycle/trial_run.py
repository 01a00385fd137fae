"""Trying a new version out beside the one that runs, so that what does not work never takes its place."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dynamic_plugins.errors import LoadError, NeedsConfigurationError, PluginError
from dynamic_plugins.lifecycle import variables as config
from dynamic_plugins.lifecycle.component_registry import AgentRuntime
from dynamic_plugins.workers.components import bind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.plugin_handle import LivePlugin
    from dynamic_plugins.lifecycle.supervisor import Presence
    from dynamic_plugins.storage.state import StoredPlugin
    from dynamic_plugins.workers.components import Offers


class Trials:
    """Tries versions out, always in a worker: in this process the present one's modules are in the way."""

    def __init__(self, presence: Presence, runtime: AgentRuntime, launcher: Launcher) -> None:
        self._presence, self._runtime, self._launcher = presence, runtime, launcher

    async def offers(self, old: StoredPlugin, new: StoredPlugin) -> Offers | None:
        """Return what *new* offers once it has loaded and, where *old* is active, its services have started.

        None where it must be told something first and *old* could not be used either. Raises NeedsConfigurationError
        where only *new* must, and LoadError.
        """
        if missing := self._missing(new):
            if self._missing(old) or old.error_details is not None:
                return None
            raise NeedsConfigurationError(new.name, missing, new.installation.version)
        try:
            return await self._try(old, new)
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
        return config.missing(plugin.installation, self._presence.known(plugin))

    async def _try(self, old: StoredPlugin, new: StoredPlugin) -> Offers:
        connection = await self._launcher.start(new, apart=True)
        try:
            trial = AgentRuntime()
            trial.mount(bind(new.name, connection.offers, connection.call))
            if old.enabled and connection.offers.of("service"):
                async with self._resting(self._presence.get(old.name)):
                    await trial.start_services(new.name)
                    await trial.stop_services(new.name)
            return connection.offers
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def _resting(self, live: LivePlugin) -> AsyncIterator[None]:
        """Keep the services of the version that runs stopped: both may want the same port or file."""
        if not live.running or not live.mounted:
            yield
            return
        await self._runtime.stop_services(live.name)
        try:
            yield
        finally:
            try:
                await self._runtime.start_services(live.name)
            except BaseException as error:
                live.let_go()  # the next call starts it with all of them
                if not isinstance(error, PluginError):
                    raise


def _refusal(old: StoredPlugin, new: StoredPlugin, error: PluginError) -> LoadError:
    reason = f"version {new.installation.version} does not load: {getattr(error, 'reason', error)}."
    return LoadError(new.name, f"{reason} Version {old.installation.version} stays.")
