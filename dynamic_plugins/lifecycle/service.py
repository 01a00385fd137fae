"""The management service: every verb of a plugin's life, each on a name that is resolved here and nowhere after."""

from __future__ import annotations

import asyncio
import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from dynamic_plugins.approval import Answer
from dynamic_plugins.core.action_choice import ALL
from dynamic_plugins.core.permissions import NOTHING, Permissions, not_enforced
from dynamic_plugins.errors import NotInstalledError, PluginError, UnknownActionError, UnknownPluginError
from dynamic_plugins.events import Event, Listener, ignore
from dynamic_plugins.lifecycle import offer_pins
from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
from dynamic_plugins.lifecycle.launcher import Launcher
from dynamic_plugins.lifecycle.pending_operations import PendingOperations
from dynamic_plugins.lifecycle.permission_grants import PermissionGrants
from dynamic_plugins.lifecycle.plugin_values import PluginValues
from dynamic_plugins.lifecycle.reach_grants import ReachGrants
from dynamic_plugins.lifecycle.remote_sign_in import RemoteSignIn
from dynamic_plugins.lifecycle.revoked_plugins import RevokedPlugins
from dynamic_plugins.lifecycle.scheduler import Scheduler
from dynamic_plugins.lifecycle.session_grants import SessionGrants
from dynamic_plugins.lifecycle.supervisor import Supervisor
from dynamic_plugins.lifecycle.verb_parts import Verbs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dynamic_plugins.approval import Approve, AskSignIn, AskValues
    from dynamic_plugins.core.action_choice import ActionChoice
    from dynamic_plugins.core.permissions import Enforced, Enforcement
    from dynamic_plugins.core.status import DynamicPluginInfo, Outcome, Status
    from dynamic_plugins.install.disk_budget import DiskBudget
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
    from dynamic_plugins.lifecycle.local_files import LocalFiles
    from dynamic_plugins.lifecycle.permission_grants import PluginPermissions
    from dynamic_plugins.lifecycle.set_changes import SetChanges
    from dynamic_plugins.lifecycle.shared_approval import SharedApproval
    from dynamic_plugins.lifecycle.version_verbs import Versions
    from dynamic_plugins.oauth.sign_ins import SignIns
    from dynamic_plugins.registry.entry import Entry, Variable
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.resolver.catalog import Catalogue, Found, PluginRef
    from dynamic_plugins.storage.call_log import CallLog
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.usage_log import Journal, Refusal
    from dynamic_plugins.storage.values import ConfigurationStore
    from dynamic_plugins.workers.components import Connection, UseModel
    from dynamic_plugins.workers.loader_selector import LoaderSelector

    Named: TypeAlias = str | PluginRef
    """A plugin as somebody names it, or as :meth:`PluginManagementService.resolve` gave it."""


_NOTED = {
    "installed": "install",
    "updated": "update",
    "rolled_back": "rollback",
    "activated": "activate",
    "deactivated": "deactivate",
    "withheld": "change",
}
"""Steps of a plugin's life that the audit log has, under its own words."""


class PluginManagementService:
    """Installs, configures, loads, activates, deactivates, unloads and removes plugins.

    A plugin may be named as people name it, which :class:`Catalogue` resolves, or by a reference from :meth:`resolve`.
    Every verb is safe to repeat and raises a :class:`PluginError` that says what happened and what to do next, that of
    an unknown, ambiguous or missing name among them. *approve* asks a person; without it, what needs a person's
    approval raises NeedsConfirmationError; *shared* asks them on the page of this home as well. *ask_values* asks a
    person for the required values of a plugin; *ask_sign_in* has them sign in at the server of a remote one;
    *use_model* answers plugins that ask for the host's model; *enforced* tells which permissions this machine holds
    them to; *local_files* has on this machine what another one that shares the state has installed; *budget* is what
    the home may take of the disk.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        loader: LoaderSelector,
        components: ComponentRegistry,
        store: HomeState,
        configuration: ConfigurationStore,
        journal: Journal,
        calls: CallLog,
        admission: Admission,
        approve: Approve | None = None,
        shared: SharedApproval | None = None,
        ask_values: AskValues | None = None,
        sign_ins: SignIns,
        ask_sign_in: AskSignIn | None = None,
        listener: Listener = ignore,
        use_model: UseModel | None = None,
        enforced: Enforced = not_enforced,
        local_files: LocalFiles | None = None,
        budget: DiskBudget | None = None,
    ) -> None:
        self._budget = budget
        self.catalogue, self.components, self.journal, self.calls = catalogue, components, journal, calls
        self.ask_values, self.ask_sign_in, self.listener = ask_values, ask_sign_in, listener
        self._installer = installer
        self._store, self.admission = store, admission
        self.pending = PendingOperations()
        self._approval = ApprovalGate(installer, approve, admission, enforced, shared)
        session_grants = SessionGrants()
        launcher = Launcher(
            loader, store, configuration, self._on_event, admission, session_grants, use_model, ask_values, local_files
        )
        self._supervisor = supervisor = Supervisor(
            store, configuration, self._approval, launcher, components, self._on_event, journal.forget_unwritten
        )
        self._values = PluginValues(store, supervisor, configuration, self._on_event)
        self._sign_in = RemoteSignIn(sign_ins, store, configuration, supervisor, admission.audit, self._on_event)
        self._permissions = PermissionGrants(
            store, supervisor, configuration, admission, enforced, self._on_event, session_grants
        )
        self.reach = ReachGrants(store, self._approval, admission, self._permissions, launcher)
        self._revoked = RevokedPlugins(store, supervisor, admission, self._on_event)
        self._scheduler = Scheduler(components, journal, calls, self._on_event)
        self._verbs = Verbs(
            catalogue=catalogue,
            installer=installer,
            store=store,
            supervisor=supervisor,
            approval=self._approval,
            launcher=launcher,
            configuration=configuration,
            journal=journal,
            listener=self._on_event,
        )

    def set_changes(self) -> SetChanges:
        """Return what changes several plugins at once, or none of them."""
        return self._verbs.set_changes()

    @cached_property
    def versions(self) -> Versions:
        """What a person does about versions: outdated, all updates at once, rollback, pins."""
        return self._verbs.versions(self.resolve, self.admission)

    @property
    def approve(self) -> Approve | None:
        """Who is asked for approval; None where nobody can be."""
        return self._approval.approve

    @approve.setter
    def approve(self, approve: Approve | None) -> None:
        self._approval.approve = approve

    @property
    def profile(self) -> str:
        """The profile whose plugins are seen; empty where all are."""
        return self._store.profile

    # ---------------------------------------------------------------- what is there

    async def resolve(self, plugin: Named) -> PluginRef:
        """Return the installed plugin of that name, for any of the methods below: it is not resolved again.

        One whose install is under way is waited for. Raises NotInstalledError, UnknownPluginError or
        AmbiguousNameError.
        """
        try:
            return await self.catalogue.installed(plugin)
        except (NotInstalledError, UnknownPluginError) as error:
            name = error.name if isinstance(error, NotInstalledError) else str(plugin)
            if not await self.pending.wait_for_install(name):
                if isinstance(plugin, str) and (hidden := self._found_hidden(plugin)) is not None:
                    raise NotInstalledError(hidden.entry.name) from None  # in this profile
                raise
        return await self.catalogue.installed(plugin)

    def sync(self) -> None:
        """Take over what the state file says now: what another process installed, removed, enabled or disabled."""
        self._supervisor.sync()

    def status(self) -> list[DynamicPluginInfo]:
        """Return what is installed, by name."""
        return [self._supervisor.info(name) for name in self._store.read()]

    async def info(self, plugin: Named) -> DynamicPluginInfo:
        """Return one installed plugin."""
        return self._supervisor.info((await self.resolve(plugin)).name)

    def action_choices(self) -> dict[str, ActionChoice]:
        """Return what the person has chosen among the actions of plugins, by plugin; of the others all are offered."""
        return {name: plugin.choice for name, plugin in self._store.read().items() if plugin.choice is not ALL}

    async def choose_actions(self, plugin: Named, choice: ActionChoice) -> ActionChoice:
        """Offer models of *plugin* what *choice* says, from now on and in every process of this home.

        Raises UnknownActionError for an action that it does not have, as far as that is known.
        """
        name = (await self.resolve(plugin)).name
        stored = self._store.get(name)
        known = [action.name for action in stored.offers.of("action")] if stored.offers is not None else []
        if known and (strange := sorted(choice.names - set(known))):
            raise UnknownActionError(name, strange[0], known)
        self._store.change(name, choice=choice)
        return choice

    def installations(self) -> dict[str, Installation]:
        """Return the facts of everything that is installed, by name."""
        return {name: plugin.installation for name, plugin in self._store.read().items()}

    def info_of(self, name: str) -> DynamicPluginInfo | None:
        """Return the installed plugin of exactly this name; None where there is none."""
        return self._supervisor.info(name) if name in self._store.read() else None

    def statuses(self) -> dict[str, Status]:
        """Return where each installed plugin stands, by name: quick, however many there are."""
        return self._supervisor.statuses()

    def status_of(self, name: str) -> Status:
        """Return where the installed plugin of exactly this name stands. Raises NotInstalledError."""
        return self._supervisor.get(name).state.status

    def running(self) -> dict[str, int]:
        """Return the process id of each plugin that has a worker now."""
        return self._supervisor.running()

    def connection(self, name: str) -> Connection | None:
        """Return what the plugin of exactly this name runs as now, or None; in this process, its live objects."""
        return self._supervisor.connection(name)

    async def context(self) -> dict[str, str]:
        """Return the texts of the running plugins' providers now, by ``plugin/provider``.

        Only workers that run already are asked, and MCP resources are left for when somebody asks for them: a turn
        must not start processes.
        """
        plugins = self._store.read()
        asked = [name for name in self.running() if name in plugins and plugins[name].installation.kind != "mcp"]
        return await self.components.context(asked)

    # ---------------------------------------------------------------- install, update, uninstall

    async def install(self, plugin: str, version: str | None = None, *, remote: bool = False) -> Outcome:
        """Install the plugin of that name. One that is installed already is left as it is, with a note.

        One that can be installed here is also used where it runs, with *remote*. What no registry lists may be named
        as ``npm:NAME``, ``pypi:NAME``, a package's bare name or an https address; the person agrees to it by itself.

        Raises UnlistedError where they cannot be asked, UnknownPluginError, AmbiguousNameError, BadArgumentsError,
        UntrustedSourceError, UnavailableHereError, DeclinedError, NeedsConfirmationError, InstallError or
        PluginTimeoutError.
        """
        with self.pending.begin("install", plugin) as operation:
            found = await self.find(plugin)
            operation.is_about(found.entry.name)
            # The person is asked once, not once by each of several calls that want the same.
            await self.pending.wait_for_install(found.entry.name, before=operation)
            return await self._verbs.installs.install(found, version, remote=remote)

    async def find(self, plugin: str) -> Found:
        """Return what :meth:`install` would install under this name; errors of names as there."""
        from dynamic_plugins.resolver.unlisted_names import UnlistedNames

        names = UnlistedNames(self.catalogue, self._installer.indexes)
        return self._found_hidden(plugin) or await names.find(plugin)

    def plan(self, found: Found, version: str | None = None, *, remote: bool = False) -> InstallPlan:
        """Return what :meth:`install_found` would do, without asking any index or person; its errors as there."""
        return self._installer.plan(found.entry, version or found.version, remote=remote)

    async def install_found(self, found: Found, version: str | None = None, *, remote: bool = False) -> Outcome:
        """Install what was found already; otherwise as :meth:`install`."""
        with self.pending.begin("install", found.entry.name) as operation:
            operation.is_about(found.entry.name)
            await self.pending.wait_for_install(found.entry.name, before=operation)
            return await self._verbs.installs.install(found, version, remote=remote)

    def _found_hidden(self, said: str) -> Found | None:
        """Return what *said* names among what this home has installed and its profile does not show."""
        hidden = {name: plugin.installation.entry for name, plugin in self._store.hidden().items()}
        if not hidden:
            return None
        from dynamic_plugins.resolver.catalog import Found
        from dynamic_plugins.resolver.resolver import Resolver

        resolution = Resolver(list(hidden.values())).resolve(said)
        name = resolution.name if resolution.kind == "exact" else None
        return Found(hidden[name], resolution.version) if name else None

    async def install_path(self, path: Path, *, editable: bool = False) -> Outcome:
        """Install the plugin in a folder or wheel on this machine; errors as for :meth:`install`.

        Other code than was installed from this machine is an update, with the same version too. An *editable* folder is
        used where it lies: what is changed in it counts from the next :meth:`reload`.
        """
        return await self._verbs.updates.install_path(path, editable=editable)

    async def update(self, plugin: Named, version: str | None = None) -> Outcome:
        """Install another version beside the present one, load it, and only then swap; the newest when None.

        What it needs comes and is activated with it. When the new one does not install or load, all stays as it was
        and the error says why. The present one is kept on the disk for ``versions.rollback``. Errors as for
        :meth:`install`, PinnedError and LoadError.
        """
        return await self._verbs.updates.update((await self.resolve(plugin)).name, version)

    async def uninstall(self, plugin: Named, *, keep_configuration: bool = False, ask: bool = False) -> str:
        """Unload the plugin, remove it, its values and what it wrote (unless kept), and return its name.

        In a profile it is taken out of that and stays installed, with all it has.

        With *ask* the person has to agree first, as they must where a model wants it. Raises NotInstalledError, and
        with *ask* DeclinedError or NeedsConfirmationError.
        """
        await self._verbs.installs.finish_removals()
        name, profile = (await self.resolve(plugin)).name, self._store.profile
        present = self._store.get(name)
        if ask:
            await self._approval.ask_to_uninstall(present, keep_configuration=keep_configuration, profile=profile)
        if profile:
            await self._verbs.installs.take_out(name)
        else:
            await self._verbs.installs.uninstall(name, keep_configuration=keep_configuration)
        detail = f"from the profile {profile}" if profile else ""
        self.admission.audit.note("uninstall", name, of=present.installation, detail=detail)
        return name

    # ---------------------------------------------------------------- configure

    async def configure(self, plugin: Named, values: Mapping[str, str]) -> Outcome:
        """Keep *values* for the plugin; a running one is started anew with them.

        Raises BadArgumentsError for a name or value that cannot be, SecretStoreError where a secret cannot be kept.
        """
        name = (await self.resolve(plugin)).name
        await self._check_room(name)
        await self._values.set(name, values)
        return self._supervisor.outcome(name)

    async def ask_for_missing(self, plugin: Named) -> bool:
        """Ask the person for the required values that are missing, and keep them; False when nobody could be asked."""
        ref = await self.resolve(plugin)
        unset = [variable for variable, is_set in await self.variables(ref) if not is_set]
        needed = [variable for variable in unset if variable.required and variable.default is None]
        if self.ask_values is None or not needed:
            return False
        values = await self.ask_values(ref.name, needed)
        if values:
            await self.configure(ref, values)
        return bool(values)

    def settings_page(self, name: str) -> str:
        """Return where the person enters the settings of this plugin on the page of this home, an address without any
        token; empty where no page is open.
        """
        return self._approval.settings_page(name)

    async def variables(self, plugin: Named) -> list[tuple[Variable, bool]]:
        """Return every variable of an installed plugin, and whether it is set."""
        return self._values.of((await self.resolve(plugin)).name)

    # ---------------------------------------------------------------- sign in

    async def sign_in(self, plugin: Named, ask: AskSignIn | None = None) -> bool:
        """Have the person sign in at the server of a remote plugin; return False where it wants no sign-in.

        *ask* goes before the service's own. Raises NeedsSignInError where nobody can be asked, SignInError,
        DeclinedError, SecretStoreError, and BadArgumentsError for a plugin that runs on this machine.
        """
        return await self._sign_in.sign_in((await self.resolve(plugin)).name, ask or self.ask_sign_in)

    async def sign_out(self, plugin: Named) -> bool:
        """Forget what a remote plugin is signed in to, here and at the server; return False where that is nothing."""
        return await self._sign_in.sign_out((await self.resolve(plugin)).name)

    # ---------------------------------------------------------------- permissions

    async def permissions(self, plugin: Named) -> PluginPermissions:
        """Return what an installed plugin may reach, and where that comes from."""
        return self._permissions.of((await self.resolve(plugin)).name)

    def declared_permissions(self, entry: Entry) -> tuple[Permissions, Enforcement]:
        """Return what *entry* would be let reach, were it installed now, and what of that is enforced here."""
        return self._permissions.declared(entry)

    async def change_permissions(
        self, plugin: Named, *, allow: Permissions = NOTHING, deny: Permissions = NOTHING
    ) -> PluginPermissions:
        """Grant and take back what an installed plugin may reach: the person's to say, never a model's.

        It outlasts updates. A running worker is ended, and the next call starts one that is held to it. Raises
        BadArgumentsError where what *deny* names would stay within reach.
        """
        return await self._permissions.change((await self.resolve(plugin)).name, allow, deny)

    async def preview_permissions(
        self, plugin: Named, *, allow: Permissions = NOTHING, deny: Permissions = NOTHING
    ) -> PluginPermissions:
        """Return what :meth:`change_permissions` would come to, with its errors, and change nothing."""
        return self._permissions.preview((await self.resolve(plugin)).name, allow, deny)

    def refused(self, name: str) -> list[tuple[Refusal, Permissions]]:
        """Return what calls of a plugin were refused and it still may not reach, with what would have to be granted."""
        from dynamic_plugins.lifecycle.reach import still_refused

        return still_refused(name, self.journal.refusals(name), self._permissions.of(name).now)

    # ---------------------------------------------------------------- load, activate, deactivate, unload

    async def load(self, plugin: Named) -> Outcome:
        """Start the plugin's worker and learn what it offers, without registering it yet.

        Raises NeedsConfigurationError, DeclinedError, NeedsConfirmationError, LoadError (status ``error``) or
        PluginTimeoutError.
        """
        name = (await self.resolve(plugin)).name
        return await self._sign_in.signed_in(name, self.ask_sign_in, lambda: self._verbs.activation.load(name))

    async def activate(self, plugin: Named) -> Outcome:
        """Load the plugin if need be, start its services and register its components; it stays enabled after a restart.

        What it needs is activated before it. Errors as for :meth:`load`.
        """
        name = (await self.resolve(plugin)).name
        await self._check_room(name)
        with self.pending.begin("activate", name):
            return await self._sign_in.signed_in(name, self.ask_sign_in, lambda: self._verbs.activation.activate(name))

    async def reload(self, plugin: Named) -> Outcome:
        """Start the plugin's code anew: what changed in an editable folder counts from now on. It stays on or off.

        One that failed is loaded, and activated where it was active before. Errors as for :meth:`load`; when it does
        not load any more its status is ``error``.
        """
        return await self._verbs.activation.reload((await self.resolve(plugin)).name)

    async def deactivate(self, plugin: Named) -> Outcome:
        """Stop the plugin's services and withdraw its components; it stays loaded, and off after a restart."""
        return await self._verbs.activation.deactivate((await self.resolve(plugin)).name)

    async def unload(self, plugin: Named) -> Outcome:
        """Deactivate the plugin and end its worker; it stays installed. This also clears the status ``error``."""
        return await self._verbs.activation.unload((await self.resolve(plugin)).name)

    # ---------------------------------------------------------------- use, end

    async def call(self, plugin: Named, action: str, arguments: Mapping[str, Any]) -> Any:
        """Call one action of an active plugin and return its JSON value.

        Raises ActionError, BadArgumentsError or PluginTimeoutError, and what naming a plugin raises.
        """
        self.sync()  # first: a plugin that another process removed has no name any more, and its worker must end
        return await self.use((await self.resolve(plugin)).name, action, arguments)

    def withheld(self, name: str) -> list[str]:
        """Return what a plugin of this name offers and may not be used before the person agrees: ``action add``.

        It is new, or has changed since they agreed; :meth:`activate` asks them, showing the difference.
        """
        plugin = self._store.read().get(name)
        return [] if plugin is None else offer_pins.names(plugin.withheld)

    def offered(self, name: str) -> list[dict[str, Any]]:
        """Return the actions that an installed plugin offered when it was last loaded: name, description, parameters.

        Empty where it was never loaded.
        """
        plugin = self._store.read().get(name)
        offers = plugin.offers if plugin is not None else None
        components = [] if offers is None else offers.of("action")
        return [
            {"name": each.name, "description": each.description, "parameters": each.parameters or {}}
            for each in components
        ]

    def instructions(self, name: str) -> str:
        """Return what an installed MCP server says of how its actions are used, as far as the person has agreed."""
        plugin = self._store.read().get(name)
        return "" if plugin is None or plugin.offers is None else plugin.offers.instructions

    async def _check_room(self, name: str) -> None:
        """Raise DiskLimitError where the home takes more of the disk than it may."""
        if self._budget is not None:
            await self._budget.check(name)

    def check_agreed(self, name: str, action: str) -> None:
        """Raise NeedsConfirmationError where an action of an active plugin has changed since the person agreed."""
        self._supervisor.check_agreed(name, action)

    async def use(self, name: str, action: str, arguments: Mapping[str, Any]) -> Any:
        """Call an action by the plugin's canonical name, and count the call; errors as for :meth:`call`."""
        self.check_agreed(name, action)
        called = self.components.action(name, action)
        if self._budget is not None:
            await self._budget.check_call(name, reads=called.read_only is True)
        with self.calls.timed(name, action) as meter, self.journal.timed(name, action):
            value = await self._sign_in.signed_in(
                name, self.ask_sign_in, lambda: self.components.execute_action(name, action, arguments)
            )
            meter.gives(value)
            return value

    async def evaluate(self, turn: dict[str, Any]) -> dict[str, Any]:
        """Show a finished turn to the active plugins' evaluators, starting those that have to be.

        Returns their remarks, by ``plugin/evaluator``; one that fails or takes too long is left out.
        """
        await self._supervisor.wake_evaluators()
        return await self.components.evaluate(turn)

    async def run_tasks(self) -> None:
        """Run the active plugins' tasks whenever they are due, until cancelled."""
        await self._scheduler.run()

    def may_always_call(self, name: str, action: str) -> bool:
        """Return whether the person has said that an action may always be called, as it is described now."""
        plugin = self._store.read().get(name)
        return plugin is not None and plugin.allowed_calls.get(action, "") == offer_pins.action_digest(plugin, action)

    async def ask_to_call(self, name: str, action: str, arguments: str) -> bool | Answer:
        """Ask the person about a call of an action with *arguments* (JSON) and return the answer; an "always" is kept.

        Raises DeclinedError, or NeedsConfirmationError where nobody can be asked.
        """
        plugin = self._store.get(name)
        answer = await self._approval.ask_to_call(plugin, action, arguments)
        if answer is Answer.ALWAYS:
            allowed = {**self._store.get(name).allowed_calls, action: offer_pins.action_digest(plugin, action)}
            self._store.change(name, plugin.installation, allowed_calls=allowed)
        return answer

    def revocation(self, name: str) -> Revocation | None:
        """Return who has revoked an installed plugin, and why; None where nobody has, or it is not installed."""
        return self._revoked.revocation(name)

    def revocations(self, names: Iterable[str]) -> dict[str, Revocation]:
        """Return who has revoked which of *names*, and why, by name; without those that nobody has."""
        return self._revoked.revocations(names)

    async def end_revoked(self) -> None:
        """End the running plugins that are revoked, where the operator wants that; else warn of them once."""
        self.sync()
        await self._revoked.end()

    async def close_idle(self, seconds: float) -> None:
        """End the workers that nobody has called for *seconds*; the next call starts them again."""
        with contextlib.suppress(PluginError):  # a state file that cannot be read keeps no worker from ending
            self.sync()
        await self._supervisor.close_idle(seconds)
        with contextlib.suppress(OSError):  # counts are worth less than the program going on
            await asyncio.to_thread(self.journal.flush)

    async def close(self) -> None:
        """End every worker. What is enabled stays enabled for the next start."""
        self._approval.close()
        await self._supervisor.close()
        self.calls.close()
        with contextlib.suppress(OSError):
            self.journal.flush()

    def _on_event(self, event: Event) -> None:
        if (done := _NOTED.get(event.stage)) is not None:
            plugin = self._store.read().get(event.plugin)
            self.admission.audit.note(done, event.plugin, of=plugin.installation if plugin else None)
        if event.stage not in {"progress", "task_done"}:
            self.journal.note(event)
        self.listener(event)
