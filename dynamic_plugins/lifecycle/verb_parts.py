"""What the verbs that change a plugin are made of: installing, exchanging, switching on and off, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.lifecycle.activation import Activation
from dynamic_plugins.lifecycle.dependencies import Dependencies
from dynamic_plugins.lifecycle.installs import Installs
from dynamic_plugins.lifecycle.swap import Swap
from dynamic_plugins.lifecycle.trial_run import TrialRun
from dynamic_plugins.lifecycle.updates import Updates

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.set_changes import SetChanges
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.lifecycle.version_verbs import Versions
    from dynamic_plugins.resolver.catalog import Catalogue, PluginRef
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.usage_log import Journal
    from dynamic_plugins.storage.values import ConfigurationStore


class Verbs:
    """Puts plugins in place, exchanges them, and switches them on and off; what few ask for is made when they do."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        store: HomeState,
        supervisor: Supervisor,
        approval: ApprovalGate,
        launcher: Launcher,
        configuration: ConfigurationStore,
        journal: Journal,
        listener: Listener,
    ) -> None:
        self._installer, self._store, self._supervisor = installer, store, supervisor
        self._approval, self._launcher, self._configuration = approval, launcher, configuration
        self._listener = listener
        self._dependencies = dependencies = Dependencies(catalogue, installer, store)
        self.activation = Activation(store, supervisor, dependencies, listener)
        self.installs = Installs(
            installer=installer,
            store=store,
            supervisor=supervisor,
            dependencies=dependencies,
            approval=approval,
            launcher=launcher,
            configuration=configuration,
            journal=journal,
            listener=listener,
        )
        self._swap = Swap(
            store=store,
            installer=installer,
            supervisor=supervisor,
            dependencies=dependencies,
            activation=self.activation,
            trial_run=TrialRun(supervisor, launcher),
        )
        self.updates = Updates(
            catalogue=catalogue,
            installer=installer,
            store=store,
            supervisor=supervisor,
            dependencies=dependencies,
            approval=approval,
            installs=self.installs,
            swap=self._swap,
            listener=listener,
        )

    def set_changes(self) -> SetChanges:
        """Return what changes several plugins at once, or none of them."""
        from dynamic_plugins.lifecycle.set_changes import SetChanges

        return SetChanges(
            installer=self._installer,
            store=self._store,
            supervisor=self._supervisor,
            launcher=self._launcher,
            configuration=self._configuration,
            installs=self.installs,
            activation=self.activation,
            approval=self._approval,
            listener=self._listener,
        )

    def versions(self, resolve: Callable[[str | PluginRef], Awaitable[PluginRef]], admission: Admission) -> Versions:
        """Return what a person does about versions."""
        from dynamic_plugins.lifecycle.rollback import Rollback
        from dynamic_plugins.lifecycle.version_verbs import Versions

        rollback = Rollback(
            installer=self._installer,
            store=self._store,
            supervisor=self._supervisor,
            dependencies=self._dependencies,
            approval=self._approval,
            installs=self.installs,
            swap=self._swap,
            listener=self._listener,
        )
        return Versions(
            resolve=resolve,
            store=self._store,
            installer=self._installer,
            supervisor=self._supervisor,
            admission=admission,
            updates=self.updates,
            rollback=rollback,
        )
