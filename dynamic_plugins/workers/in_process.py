"""Plugins in the agent's own process: the operator's choice, for hosts that need live objects.

There is no isolation: such a plugin sees and can do all that the agent can, brings its dependencies along for good,
and takes the process with it when it falls. Its own modules leave again when it is closed.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import TOO_DEEP, nested_deeper
from dynamic_plugins.core.schema_checks import name_problem, schema_problem
from dynamic_plugins.errors import ActionError, ContractError, LoadError, PluginTimeoutError, WorkerDiedError
from dynamic_plugins.redaction.scrubber import Scrubber, plugin_scrubber
from dynamic_plugins.workers.child.serialize import describe_error
from dynamic_plugins.workers.components import Component, Host, Offers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.child.component_set import ComponentSet

_STOP_SECONDS = 5.0
_DEEPEST = 200  # as of what comes from a worker


class InProcessLoader:
    """Loads native and elizaOS plugins into this process; has the same ``connect`` as the loader of workers."""

    def __init__(self, *, call_timeout: float, data_dir: Path, environ: MutableMapping[str, str]) -> None:
        """*call_timeout* is in seconds; plugins that store something do so in a folder of their own in *data_dir*.

        *environ* is this process's own environment, where plugins look for their configuration.
        """
        self._call_timeout = call_timeout
        self._data_dir = data_dir
        self._environ = environ

    async def connect(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),  # noqa: ARG002 # for the same shape as the other loader's
        host: Host | None = None,
    ) -> InProcessConnection:
        """Import *installation* and return what it offers, live. Raises LoadError with the plugin's own error.

        Its configuration is set in this process's environment until it is closed, since that is where plugins read it.
        """
        if installation.runs_in_node:
            raise LoadError(installation.plugin, "a plugin in TypeScript has no live objects here: it runs in a worker")
        if installation.kind == "mcp" or not installation.entry_point:
            raise LoadError(installation.plugin, "an MCP server has no live objects: it runs in a worker")
        changes = _ProcessChanges(installation, environment, self._environ)
        scrubber = plugin_scrubber(environment, installation.variables)
        folder = self._data_dir / Path(installation.path).parent.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            live, component_set = await asyncio.to_thread(_load, installation, environment, host or Host(), str(folder))
            offers = _checked(installation.plugin, component_set).scrubbed(scrubber)
        except LoadError:
            changes.end()
            raise
        except BaseException as error:  # a plugin may even raise SystemExit as it is imported
            changes.end()
            if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
                raise
            raise LoadError(installation.plugin, scrubber.text(describe_error(error))) from None
        return InProcessConnection(installation, live, component_set, offers, changes, scrubber, self._call_timeout)


class InProcessConnection:
    """A :class:`~dynamic_plugins.workers.components.Connection` to a plugin in this process."""

    pid = None
    on_offers_changed: Callable[[Offers], None] | None = None  # never: live objects do not change behind our back

    def __init__(
        self,
        installation: Installation,
        live: Any,
        component_set: ComponentSet,
        offers: Offers,
        changes: _ProcessChanges,
        scrubber: Scrubber,
        call_timeout: float,
    ) -> None:
        self.name = installation.plugin
        self.live = live
        """The plugin itself: the ``Plugin`` object, or what was found in an elizaOS package."""
        self.offers = offers
        self._component_set = component_set
        self._changes = changes
        self._scrubber = scrubber
        self._call_timeout = call_timeout
        self.alive = True

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,  # noqa: ARG002 # it has nothing to tell it with
    ) -> Any:
        """Call one component, as every Connection does (``components.py``). The value is the live one."""
        found = self._component_set.by_address.get(component.address or component.name)
        if not self.alive or found is None:
            raise WorkerDiedError(self.name, component.name, "it is not loaded")
        try:
            async with asyncio.timeout(self._call_timeout):
                if component.kind != "service":
                    await self._component_set.start_services()
                value = found.call(arguments) if found.is_async else await asyncio.to_thread(found.call, arguments)
                value = await value if inspect.isawaitable(value) else value
        except TimeoutError:
            raise PluginTimeoutError(self.name, component.name, self._call_timeout) from None
        except Exception as error:  # a stranger's handler may raise anything
            reason = self._scrubber.text(describe_error(error, place=False))
            raise ActionError(self.name, component.name, reason) from error
        if nested_deeper(value, _DEEPEST):
            raise ActionError(self.name, component.name, f"its answer cannot be used: {TOO_DEEP}")
        return value

    async def close(self) -> None:
        """Stop its services and forget its modules. Safe to repeat; never raises."""
        if not self.alive:
            return
        self.alive = False
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._component_set.stop_services()
        except TimeoutError:
            pass  # it does not stop; nothing more can be done about it in this process
        finally:
            self.live = None
            self._component_set.by_address.clear()
            self._component_set.services.clear()
            self._changes.end()


class _ProcessChanges:
    """What a plugin changes of this process while it is there, and how that is taken back."""

    def __init__(
        self, installation: Installation, environment: Mapping[str, str], environ: MutableMapping[str, str]
    ) -> None:
        self._environ = environ
        self._top = (installation.entry_point or "").partition(":")[0].partition(".")[0]
        self._folders = [*installation.search_path, *_packages(installation)]
        self._own = tuple(str(Path(folder).absolute()) + os.sep for folder in installation.search_path)
        self._before = {name: self._environ.get(name) for name in environment}
        self._environ.update(environment)
        sys.path[:0] = self._folders
        importlib.invalidate_caches()

    def end(self) -> None:
        """Take back the variables, the search path and the plugin's own modules; its dependencies stay."""
        for name, value in self._before.items():
            if value is None:
                self._environ.pop(name, None)
            else:
                self._environ[name] = value
        for folder in self._folders:
            if folder in sys.path:
                sys.path.remove(folder)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name.partition(".")[0] == self._top or (self._own and file.startswith(self._own)):
                del sys.modules[name]
        importlib.invalidate_caches()


def _packages(installation: Installation) -> list[str]:
    """Return the folder of the packages that lie in the plugin's environment."""
    if installation.python is None or installation.package_type == "path" or installation.python == sys.executable:
        return []
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(installation.python).parent.parent / "lib" / here / "site-packages"
    if not folder.is_dir():
        raise LoadError(installation.plugin, f"its environment is not one of {here}, which this process runs")
    return [str(folder)]


def _load(
    installation: Installation, environment: Mapping[str, str], host: Host, folder: str
) -> tuple[Any, ComponentSet]:
    from dynamic_plugins.workers.child import python_adapter
    from dynamic_plugins.workers.child.elizaos import adapter

    entry_point = installation.entry_point or ""
    if installation.kind == "python":
        plugin = python_adapter.plugin_at(entry_point)
        return plugin, python_adapter.components_of(plugin)
    facts = {"entry_point": entry_point, "variables": list(environment), "folder": folder}
    return None, adapter.load(facts, _HostBridge(host))


class _HostBridge:
    """The part of the worker's server that an adapter uses, for a plugin in this process."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def ask_host(self, messages: list[dict[str, str]]) -> str | None:
        return await self._host.use_model(messages) if self._host.use_model else None


def _checked(plugin: str, component_set: ComponentSet) -> Offers:
    found = []
    for address, each in component_set.by_address.items():
        action = each.kind == "action"
        if action and (problem := name_problem(each.name) or schema_problem(each.parameters)):
            raise ContractError(plugin, f"{each.name[:60]}: {problem}")
        found.append(
            Component(
                kind=each.kind,  # type: ignore[arg-type] # the loaders make only these kinds
                name=each.name,
                description=each.description,
                parameters=each.parameters if action else None,
                similes=tuple(each.similes),
                interval=each.interval,
                address=address,
            )
        )
    if not found:
        raise LoadError(plugin, "offers nothing that can be called")
    return Offers(tuple(found))
