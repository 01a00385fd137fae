"""The management service: every step of a plugin's life, from a name that somebody said to a worker that ended."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.status import DynamicPluginInfo, Outcome, Status
from dynamic_plugins.errors import PluginError
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.lifecycle import variables as config
from dynamic_plugins.lifecycle.activation import Switches
from dynamic_plugins.lifecycle.approval_gate import Consent
from dynamic_plugins.lifecycle.dependencies import Dependencies
from dynamic_plugins.lifecycle.installs import Installs
from dynamic_plugins.lifecycle.launcher import Launcher
from dynamic_plugins.lifecycle.means import Means
from dynamic_plugins.lifecycle.scheduler import Schedule
from dynamic_plugins.lifecycle.supervisor import Presence
from dynamic_plugins.lifecycle.trial_run import Trials
from dynamic_plugins.lifecycle.updates import Updates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.approval import Approve, AskValues
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.component_registry import AgentRuntime
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.secrets import ConfigurationStore
    from dynamic_plugins.storage.state import StateStore, StoredPlugin
    from dynamic_plugins.storage.usage_log import Journal
    from dynamic_plugins.workers.components import Connection
    from dynamic_plugins.workers.host_callbacks import UseModel
    from dynamic_plugins.workers.loader_selector import ChosenLoader


class PluginManagementService:
    """Installs, configures, loads, activates, deactivates, unloads and removes plugins.

    Names may be said as people say them; what they mean is decided by :class:`Catalogue`. Every verb is safe to
    repeat and raises a :class:`PluginError` that says what happened and what to do next. *approve* asks a person;
    without it, what needs a person's consent raises NeedsConfirmationError. *ask_values* asks a person for what a
    plugin must be told; *use_model* answers plugins that ask for the host's model.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        loader: ChosenLoader,
        runtime: AgentRuntime,
        store: StateStore,
        configuration: ConfigurationStore,
        journal: Journal,
        approve: Approve | None = None,
        ask_values: AskValues | None = None,
        listener: Listener = ignore,
        use_model: UseModel | None = None,
    ) -> None:
        self.catalogue, self.runtime = catalogue, runtime
        self.ask_values, self.listener = ask_values, listener
        self._store, self._configuration = store, configuration
        self.journal = journal
        self._consent = Consent(approve)
        launcher = Launcher(loader, configuration, self._heard, use_model)
        self._presence = Presence(store, configuration, launcher, runtime, self._heard, journal.forget_unwritten)
        needs = Dependencies(catalogue, installer, store)
        means = Means(catalogue, installer, store, needs, self._presence, self._heard)
        self._switches = Switches(means, self._consent, runtime)
        self._installs = Installs(means, self._consent, configuration, launcher, journal)
        self._updates = Updates(means, self._installs, self._switches, Trials(self._presence, runtime, launcher))
        self._schedule = Schedule(runtime, journal, self._heard)

    @property
    def approve(self) -> Approve | None:
        """Who is asked for consent; None where nobody can be."""
        return self._consent.approve

    @approve.setter
    def approve(self, approve: Approve | None) -> None:
        self._consent.approve = approve

    # ---------------------------------------------------------------- what is there

    def sync(self) -> None:
        """Take over what the state file says now: what another process installed, removed, enabled or disabled."""
        self._presence.sync()

    def status(self) -> list[DynamicPluginInfo]:
        """Return what is installed, by name."""
        return [self._presence.info(name) for name in self._store.read()]

    async def info(self, said: str) -> DynamicPluginInfo:
        """Return one installed plugin. Raises NotInstalledError, UnknownPluginError or AmbiguousNameError."""
        return self._presence.info(await self.catalogue.installed(said))

    def running(self) -> dict[str, int]:
        """Return the process id of each plugin that has a worker now."""
        return self._presence.running()

    def connection(self, name: str) -> Connection | None:
        """Return what the plugin of exactly this name runs as now, or None; in this process, its live objects."""
        return self._presence.connection(name)

    async def context(self) -> dict[str, str]:
        """Return what the running plugins' providers say now, by ``plugin/provider``.

        Only workers that run already are asked, and MCP resources are left for when somebody asks for them: a turn
        must not start processes.
        """
        plugins = self._store.read()
        asked = [name for name in self.running() if name in plugins and plugins[name].installation.kind != "mcp"]
        return await self.runtime.context(asked)

    # ---------------------------------------------------------------- install, update, uninstall

    async def install(self, said: str, version: str | None = None) -> Outcome:
        """Install the plugin that *said* names. One that is installed already is left as it is, and said so.

        Raises UnknownPluginError, AmbiguousNameError, UntrustedSourceError, UnavailableHereError, DeclinedError,
        NeedsConfirmationError, InstallError or PluginTimeoutError.
        """
        return await self._installs.install(said, version)

    async def install_path(self, path: Path, *, editable: bool = False) -> Outcome:
        """Install the plugin in a folder or wheel on this machine; errors as for :meth:`install`.

        An *editable* folder is used where it lies: what is changed in it counts from the next :meth:`reload`.
        """
        return await self._updates.install_path(path, editable=editable)

    async def update(self, said: str, version: str | None = None) -> Outcome:
        """Install another version beside the present one, load it, and only then swap; the newest when None.

        When the new one does not install or load, the present one stays as it was and the error says why. Errors as
        for :meth:`install`, and LoadError.
        """
        return await self._updates.update(said, version)

    async def uninstall(self, said: str, *, keep_configuration: bool = False) -> str:
        """Unload the plugin, remove it, what it was told and what it wrote (unless kept), and return its name."""
        return await self._installs.uninstall(said, keep_configuration=keep_configuration)

    # ---------------------------------------------------------------- configure

    async def configure(self, said: str, values: Mapping[str, str]) -> Outcome:
        """Keep *values* for the plugin; a running one is started anew with them.

        Raises BadArgumentsError for a name or value that cannot be, SecretStoreError where a secret cannot be kept.
        """
        name = await self.catalogue.installed(said)
        async with self._presence.get(name).lock:
            plugin, live = self._presence.stored(name), self._presence.get(name)
            plain: dict[str, str] = {}
            secret: dict[str, str] = {}
            for key, value in values.items():
                variable = config.variable_named(plugin.installation, key)
                kept = secret if variable.secret or isinstance(value, config.Pasted) else plain
                kept[variable.name] = config.check_value(name, variable, value)
            if values:
                plugin = await to_the_end(self._keep(plugin, plain, secret))
                await live.disconnect()  # the next call starts it with the new values
            if live.standing.status in {Status.ERROR, Status.NEEDS_CONFIGURATION}:
                self._presence.restore(live, plugin)
        self._tell(name, "configured", ", ".join(sorted(plain.keys() | secret.keys())))
        return self._switches.outcome(name)

    async def _keep(self, plugin: StoredPlugin, plain: dict[str, str], secret: dict[str, str]) -> StoredPlugin:
        await asyncio.to_thread(self._configuration.set, plugin.name, plain, secret)
        enabled = plugin.enabled and plugin.error_details is None  # what failed is not active before it has loaded
        told = secrets.token_hex(4)
        return self._store.change(plugin.name, enabled=enabled, error_details=None, told=told) or plugin

    async def ask_for_missing(self, said: str) -> bool:
        """Ask the person for the required values that are missing, and keep them; False when nobody could be asked."""
        unset = [variable for variable, is_set in await self.variables(said) if not is_set]
        needed = [variable for variable in unset if variable.required and variable.default is None]
        if self.ask_values is None or not needed:
            return False
        values = await self.ask_values(await self.catalogue.installed(said), needed)
        if values:
            await self.configure(said, values)
        return bool(values)

    async def variables(self, said: str) -> list[tuple[Variable, bool]]:
        """Return every variable of an installed plugin, and whether it is set."""
        plugin = self._presence.stored(await self.catalogue.installed(said))
        known = self._configuration.names(plugin.name)
        return [(variable, variable.name in known) for variable in plugin.installation.variables]

    # ---------------------------------------------------------------- load, activate, deactivate, unload

    async def load(self, said: str) -> Outcome:
        """Start the plugin's worker and learn what it offers, without offering it yet.

        Raises NeedsConfigurationError, DeclinedError, NeedsConfirmationError, LoadError (status ``error``) or
        PluginTimeoutError.
        """
        return await self._switches.load(said)

    async def activate(self, said: str) -> Outcome:
        """Load the plugin if need be, start its services and offer its components; it stays enabled after a restart.

        What it needs is activated before it. Errors as for :meth:`load`.
        """
        return await self._switches.activate(said)

    async def reload(self, said: str) -> Outcome:
        """Start the plugin's code anew: what changed in an editable folder counts from now on. It stays on or off.

        One that failed is loaded, and activated where it was active before. Errors as for :meth:`load`; when it does
        not load any more its status is ``error``.
        """
        return await self._switches.reload(said)

    async def deactivate(self, said: str) -> Outcome:
        """Stop the plugin's services and withdraw what it offers; it stays loaded, and off after a restart."""
        return await self._switches.deactivate(said)

    async def unload(self, said: str) -> Outcome:
        """Deactivate the plugin and end its worker; it stays installed. This also clears the status ``error``."""
        return await self._switches.unload(said)

    # ---------------------------------------------------------------- use, end

    async def call(self, said: str, action: str, arguments: Mapping[str, Any]) -> Any:
        """Call one action of an active plugin and return its JSON value.

        Raises ActionError, BadArgumentsError or PluginTimeoutError, and what naming a plugin raises.
        """
        self.sync()  # first: a plugin that another process removed has no name any more, and its worker must end
        return await self.use(await self.catalogue.installed(said), action, arguments)

    async def use(self, plugin: str, action: str, arguments: Mapping[str, Any]) -> Any:
        """Call an action by the plugin's own name, and count it where there is one; errors as for :meth:`call`."""
        self.runtime.action(plugin, action)
        with self.journal.timed(plugin, action):
            return await self.runtime.execute_action(plugin, action, arguments)

    async def evaluate(self, turn: dict[str, Any]) -> dict[str, Any]:
        """Show a finished turn to the active plugins' evaluators, starting those that have to be.

        Returns what they said, by ``plugin/evaluator``; one that fails or takes too long is left out.
        """
        await self._presence.wake_evaluators()
        return await self.runtime.evaluate(turn)

    async def run_tasks(self) -> None:
        """Run the active plugins' tasks whenever they are due, until cancelled."""
        await self._schedule.run()

    async def close_idle(self, seconds: float) -> None:
        """End the workers that nobody has called for *seconds*; the next call starts them again."""
        with contextlib.suppress(PluginError):  # a state file that cannot be read keeps no worker from ending
            self.sync()
        await self._presence.close_idle(seconds)
        with contextlib.suppress(OSError):  # counts are worth less than the program going on
            await asyncio.to_thread(self.journal.flush)

    async def close(self) -> None:
        """End every worker. What is enabled stays enabled for the next start."""
        await self._presence.close()
        with contextlib.suppress(OSError):
            self.journal.flush()

    # ---------------------------------------------------------------- within

    def _tell(self, name: str, stage: str, message: str = "") -> None:
        self._heard(Event(name, stage, message))

    def _heard(self, event: Event) -> None:
        if event.stage not in {"progress", "task_done"}:
            self.journal.note(event)
        self.listener(event)
