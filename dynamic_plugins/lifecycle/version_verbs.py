"""What a person does about versions: what is outdated, all updates at once, the way back, and pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.lifecycle.outdated import Outdated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.errors import PluginError
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.outdated import VersionReport
    from dynamic_plugins.lifecycle.rollback import Rollback
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.lifecycle.updates import Updates
    from dynamic_plugins.resolver.catalog import PluginRef
    from dynamic_plugins.storage.state import HomeState


class Versions:
    """The verbs about versions, beside ``update`` of :class:`PluginManagementService`; plugins are named as there."""

    def __init__(
        self,
        *,
        resolve: Callable[[str | PluginRef], Awaitable[PluginRef]],
        store: HomeState,
        installer: Installer,
        supervisor: Supervisor,
        admission: Admission,
        updates: Updates,
        rollback: Rollback,
    ) -> None:
        self._resolve, self._store, self._supervisor = resolve, store, supervisor
        self._updates, self._rollback, self._admission = updates, rollback, admission
        self._outdated = Outdated(store, installer, updates, admission)

    async def outdated(self, plugins: Sequence[str | PluginRef] = ()) -> list[VersionReport]:
        """Return, for each of *plugins* or for all, what is installed and the newest version that an update brings.

        The registries are looked at, and the package indexes are asked for what is installed and whose version no
        registry names; a report says why where that is not told. Raises what naming a plugin raises.
        """
        self._supervisor.sync()
        names = [(await self._resolve(each)).name for each in plugins]
        return await self._outdated.reports(names or None)

    async def update_all(
        self, reports: Sequence[VersionReport], *, agreed: bool = False
    ) -> dict[str, Outcome | PluginError]:
        """Update each plugin of *reports* that is due, each as ``update`` does, and return what came of it, by name.

        One that fails stays as it was and the others go on. With *agreed* the person has seen the reports and said yes
        to all of them; what asks for more than it has now is asked about by itself.
        """
        due = {each.name: (each.newest or "", each.digest) for each in reports if each.is_due}
        return await self._updates.update_all(due, agreed=agreed)

    async def rollback(self, plugin: str | PluginRef) -> Outcome:
        """Put the version before the last update back in place, once it has shown that it loads.

        What was configured and granted stays. The version that is left is kept in its stead, and no update of all
        brings it again. Raises NoVersionBeforeError, PinnedError, NotAllowedError where it is revoked or against the
        policy, and LoadError; the present version goes on then.
        """
        return await self._rollback.rollback((await self._resolve(plugin)).name)

    async def pin(self, plugin: str | PluginRef, version: str | None = None) -> Outcome:
        """Keep the plugin at its version, or at *version*, to which it is updated first; errors as for ``update``.

        What is pinned is neither updated nor rolled back before :meth:`unpin`.
        """
        name = (await self._resolve(plugin)).name
        present = self._store.get(name)
        if version is not None and version.removeprefix("v") != present.installation.version:
            await self._updates.update(name, version, pinned_too=True)
        elif present.pinned:
            return self._supervisor.outcome(name, f"{name} is pinned at {present.installation.version} already.")
        self._pin(name, "pin", pinned=True)
        return self._supervisor.outcome(name)

    async def unpin(self, plugin: str | PluginRef) -> Outcome:
        """Let the plugin be updated again."""
        name = (await self._resolve(plugin)).name
        if not self._store.get(name).pinned:
            return self._supervisor.outcome(name, f"{name} is not pinned.")
        self._pin(name, "unpin", pinned=False)
        return self._supervisor.outcome(name)

    def _pin(self, name: str, verb: str, *, pinned: bool) -> None:
        if (plugin := self._store.change(name, pinned=pinned)) is not None:
            self._admission.audit.note(verb, name, of=plugin.installation)
