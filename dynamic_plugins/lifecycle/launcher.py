"""Starting an installed plugin where it runs: with its values, and with what it may ask of its host."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import Permissions, both
from dynamic_plugins.core.status import Reachable, now
from dynamic_plugins.errors import ChangedFilesError, ClosingError, LoadError, NeedsConfigurationError
from dynamic_plugins.events import Event
from dynamic_plugins.install.remote_address import RemoteAddressError, filled
from dynamic_plugins.lifecycle import variables
from dynamic_plugins.lifecycle.permission_values import named_by_person, resolved
from dynamic_plugins.workers.components import Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.approval import AskValues
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.local_files import LocalFiles
    from dynamic_plugins.lifecycle.session_grants import SessionGrants
    from dynamic_plugins.registry.entry import Remote
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore
    from dynamic_plugins.workers.components import Connection, UseModel
    from dynamic_plugins.workers.loader_selector import LoaderSelector


class Launcher:
    """Starts what *store* says is installed. *listener* gets the plugins' progress; *use_model* answers one that asks
    for the host's model, *ask_values* has the person answer one that asks them something.
    *session_grants* is what plugins may reach in this process besides; *local_files* has an installation on this
    machine, where the state is shared with others.
    """

    def __init__(
        self,
        loader: LoaderSelector,
        store: HomeState,
        configuration: ConfigurationStore,
        listener: Listener,
        admission: Admission,
        session_grants: SessionGrants,
        use_model: UseModel | None = None,
        ask_values: AskValues | None = None,
        local_files: LocalFiles | None = None,
    ) -> None:
        self._admission, self._session_grants, self._local_files = admission, session_grants, local_files
        self._loader, self._store, self._configuration = loader, store, configuration
        self._listener, self._use_model, self._ask_values = listener, use_model, ask_values
        self._closed = False

    def runs_here(self, name: str) -> bool:
        """Return whether the plugin of this name runs in this process, as the operator has chosen."""
        return self._loader.runs_here(name)

    def installed(self, name: str) -> StoredPlugin:
        """Return what would be started now. Raises NotInstalledError."""
        return self._store.get(name)

    def is_current(self, plugin: StoredPlugin) -> bool:
        """Return whether a worker that was started from *plugin* is what would be started now."""
        present = self._store.read().get(plugin.name)
        return present is not None and present.source == plugin.source

    async def start(self, plugin: StoredPlugin, *, apart: bool = False) -> Connection:
        """Start *plugin* where it runs, or, *apart*, in a worker in any case.

        Raises NeedsConfigurationError, NotAllowedError, LoadError or PluginTimeoutError, UnavailableHereError for what
        another machine has and this one has not, and PluginError once :meth:`close` was called.
        """
        if self._closed:
            raise ClosingError(plugin.name)
        self._admission.check_start(plugin.installation)
        if not self._loader.checks_files(plugin.installation):
            if self._local_files is not None:
                plugin = replace(plugin, installation=await self._local_files(plugin.installation))
            await self.check_files(plugin)
        values = await asyncio.to_thread(self._configuration.values, plugin.name)
        if missing := variables.missing(plugin.installation, values):
            raise NeedsConfigurationError(plugin.name, missing)
        if plugin.installation.remote is not None:
            return await self._connect(plugin, plugin.installation.remote, values)
        folder = self._loader.folder(plugin.installation)
        host = replace(
            self._host_for(plugin, variables.roots(plugin.installation, values, folder)),
            permissions=both(resolved(plugin, values), self._session_grants.of(plugin)),
            own_network=self._admission.allows_own_network(plugin.name),
        )
        environment = variables.environment(plugin.installation, values)
        arguments = variables.command_line(plugin.installation, values)
        if self._admission.limits_files(plugin.name):
            await asyncio.to_thread(self._check_files, plugin, environment, arguments, host.permissions)
        loader = self._loader.workers if apart else self._loader
        return await loader.connect(plugin.installation, environment, arguments, host)

    def _check_files(
        self, plugin: StoredPlugin, environment: Mapping[str, str], arguments: Sequence[str], permissions: Permissions
    ) -> None:
        """Raise NotAllowedError where a value names a path above the policy's ceiling: of a plugin that declares
        nothing, each path among its values is granted to it.
        """
        reached = self._loader.workers.granted(plugin.installation, environment, arguments, permissions)
        own = [Path(folder).resolve() for folder in self.own_folders(plugin)]
        outside = [file for file in reached.files if not any(_lies_in(file.path, folder) for folder in own)]
        self._admission.check_permissions(plugin.name, Permissions((), tuple(outside)))

    async def _connect(self, plugin: StoredPlugin, remote: Remote, values: Mapping[str, str]) -> Connection:
        """Connect to *plugin* where it runs. It is told of no folder of this machine."""
        told = variables.environment(plugin.installation, values)
        try:
            self._admission.check_address(plugin.name, filled(remote, told))
        except RemoteAddressError as error:
            raise LoadError(plugin.name, f"{error}. Set it with: dynamic-plugins configure {plugin.name}") from None
        now_besides = self._session_grants.of(plugin)
        named = self._admission.named_hosts(plugin.name)
        if self._admission.allows_own_network(plugin.name):
            named += (*named_by_person(plugin, values), *(now_besides.network or ()))
        host = replace(
            self._host_for(plugin, ()),
            permissions=both(resolved(plugin, told), now_besides),
            named=named,
            reached=partial(self._reached, plugin),
        )
        return await self._loader.connect(plugin.installation, told, (), host)

    def _reached(self, plugin: StoredPlugin, problem: str) -> None:
        """Keep since when *plugin*'s server can be reached, or why it cannot be."""
        present = self._store.read().get(plugin.name)
        if present is None or (present.reachable is not None and present.reachable.problem == problem):
            return
        self._store.change(plugin.name, plugin.installation, reachable=Reachable(now(), problem))
        if problem or present.reachable is not None:
            self._listener(Event(plugin.name, "unreachable" if problem else "reachable", problem))

    async def check_files(self, plugin: StoredPlugin) -> None:
        """Raise ChangedFilesError where the files of *plugin* are not as they were installed."""
        from dynamic_plugins.install.integrity import changed_files  # a command such as status starts nothing

        if paths := await asyncio.to_thread(changed_files, plugin.installation):
            raise ChangedFilesError(plugin.name, plugin.installation.version, paths)

    def _host_for(self, plugin: StoredPlugin, roots: tuple[str, ...]) -> Host:
        """Return what *plugin* gets from us: the model and *roots* if it asks, an ear for its progress, and a place
        for the files that it gives.
        """

        def progress(fraction: float | None, message: str) -> None:
            self._listener(Event(plugin.name, "progress", message, fraction))

        folder = self._loader.folder(plugin.installation)
        return Host(
            use_model=self._use_model, roots=roots, progress=progress, folder=folder, ask_values=self._ask_values
        )

    async def remove_data(self, plugin: StoredPlugin) -> None:
        """Remove what *plugin* wrote in its own folder."""
        await self._loader.workers.remove_data(plugin.installation)

    def own_folders(self, plugin: StoredPlugin) -> list[str]:
        """Return the folders that are *plugin*'s: its code, and where it writes."""
        installation = plugin.installation
        return [str(self._loader.folder(installation)), installation.path, *installation.search_path]

    def close(self) -> None:
        """Start nothing any more."""
        self._closed = True


def _lies_in(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder)
