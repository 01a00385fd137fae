"""Changing several plugins of a home at once: all of them, or none.

What is new is made beside what is there. The state file is written once for all of it, so that every process sees the
home before or the home after. What then does not start takes everything back; only when all is well does the old go.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.cancellation import all_or_none, to_the_end
from dynamic_plugins.core.permissions import UNDECLARED, asks_more
from dynamic_plugins.core.status import now
from dynamic_plugins.errors import InstallError, PluginError, PluginFaultError, StateError, UnreachableError
from dynamic_plugins.events import Event
from dynamic_plugins.install.installation import version_of
from dynamic_plugins.lifecycle import variables
from dynamic_plugins.lifecycle.approval_gate import SyncPart, held_to_pins
from dynamic_plugins.lifecycle.permission_values import with_named_paths
from dynamic_plugins.lifecycle.swap import kept_after
from dynamic_plugins.lifecycle.updates import check_not_pinned
from dynamic_plugins.storage.stored_plugin import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from dynamic_plugins.approval import Verb
    from dynamic_plugins.core.action_choice import ActionChoice
    from dynamic_plugins.core.permissions import Permissions
    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.activation import Activation
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.installs import Installs
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.values import ConfigurationStore
    from dynamic_plugins.workers.components import Offers

AT_ONCE = 6
"""So many are installed, or started, at a time."""


@dataclass(frozen=True)
class PluginTarget:
    """One plugin as a home is to have it; what is None stays as it is."""

    name: str
    plan: InstallPlan | None = None
    """What is installed, in place of what is there."""
    grants: tuple[Permissions, Permissions] | None = None
    """What the person grants it besides what it declares, and what of that they take back."""
    choice: ActionChoice | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """Plain values that it is told, besides those that it has been."""
    active: bool | None = None
    agreed: Offers | None = None
    """Of what is installed: what is agreed to that it offers, where that is known beforehand."""
    check: Callable[[Installation], None] | None = None
    """Raises PluginError where what was installed is not as it must be."""
    permissions: Permissions = UNDECLARED
    """Of what is installed: what it may reach then, as the person is shown it."""
    warnings: tuple[str, ...] = ()
    within: str | None = None
    """The range that its versions are held to; empty for none."""


@dataclass(frozen=True)
class SetRequest:
    """A change of several plugins, as the person is asked about it."""

    file: str
    """What the home is to follow."""
    targets: tuple[PluginTarget, ...]
    removed: tuple[str, ...]
    of: Mapping[str, StoredPlugin]
    """What the home holds now."""
    summary: str = ""
    changes: tuple[str, ...] = ()
    """What changes besides what is installed, as lines of a difference."""


@dataclass(frozen=True)
class SetOutcome:
    """What became of a change: the plugins that are switched on now, and why the others are not that should be."""

    activated: tuple[str, ...] = ()
    failed: Mapping[str, PluginError] = field(default_factory=dict)


class SetChanges:
    """Changes sets of plugins, with one approval for all that a change comes to."""

    def __init__(
        self,
        *,
        installer: Installer,
        store: HomeState,
        supervisor: Supervisor,
        launcher: Launcher,
        configuration: ConfigurationStore,
        installs: Installs,
        activation: Activation,
        approval: ApprovalGate,
        listener: Listener,
    ) -> None:
        self._installer, self._store, self._supervisor = installer, store, supervisor
        self._launcher, self._configuration = launcher, configuration
        self._installs, self._activation = installs, activation
        self._approval, self._listener = approval, listener

    async def apply(self, request: SetRequest) -> SetOutcome:
        """Do what *request* says, once the person has agreed to all of it.

        Raises what installing raises, LoadError and PluginTimeoutError where one does not start, BadArgumentsError for
        a value, StateError where another process has changed the home meanwhile: then nothing was changed.
        """
        async with contextlib.AsyncExitStack() as kept:

            async def ready(target: PluginTarget) -> PluginTarget:
                if target.plan is None:
                    return target
                return replace(target, plan=await kept.enter_async_context(self._installer.ready(target.plan)))

            targets = await all_or_none([partial(ready, each) for each in request.targets], AT_ONCE)
            for target in targets:
                if target.grants is not None:
                    self._approval.admission.check_permissions(target.name, target.permissions)
            parts = [_part(target, target.plan, request.of) for target in targets if target.plan is not None]
            await self._approval.ask_to_sync(request.file, parts, request.summary, request.changes)
            return await self._apply(targets, request.removed, request.of)

    async def _apply(
        self, targets: Sequence[PluginTarget], removed: Sequence[str], of: Mapping[str, StoredPlugin]
    ) -> SetOutcome:
        await self._installs.finish_removals()
        names = sorted({*(each.name for each in targets), *removed})
        async with contextlib.AsyncExitStack() as held:
            for name in names:
                await held.enter_async_context(self._installs.alone(name))
            async with self._made(targets) as made:
                for target in targets:
                    self._check(target, made.get(target.name) or of[target.name].installation)
                outcome = await self._exchanged(targets, removed, made, of)
        await self._clear_away([of[name] for name in made if name in of])
        for name in removed:
            await self._installs.uninstall(name)
            self._approval.admission.audit.note("uninstall", name, of=of[name].installation)
        self._announce(made, of)
        return outcome

    # ---------------------------------------------------------------- beside what is there

    @contextlib.asynccontextmanager
    async def _made(self, targets: Sequence[PluginTarget]) -> AsyncIterator[dict[str, Installation]]:
        """Make what is new of *targets*, and give it by name; it is removed again where the block raises."""
        async with contextlib.AsyncExitStack() as kept:

            async def make(plan: InstallPlan) -> Installation:
                return await kept.enter_async_context(self._installs.made(plan))

            plans = [target.plan for target in targets if target.plan is not None]
            made = await all_or_none([partial(make, plan) for plan in plans], AT_ONCE)
            yield {each.plugin: each for each in made}

    def _check(self, target: PluginTarget, installation: Installation) -> None:
        """Raise PluginError where *installation* is not what was agreed to, or cannot be told what *target* says."""
        if target.plan is not None:
            entry = target.plan.entry
            held = with_named_paths(entry.permissions, entry.variables)
            asked = with_named_paths(installation.permissions, installation.variables)
            if not asks_more(held, asked).is_nothing:
                raise InstallError(target.name, "it declares that it reaches more than was locked. Lock it again")
        if target.check is not None:
            target.check(installation)
        for name, value in target.values.items():
            variables.check_value(target.name, variables.variable_named(installation, name), value)

    # ---------------------------------------------------------------- in its place

    async def _exchanged(
        self,
        targets: Sequence[PluginTarget],
        removed: Sequence[str],
        made: Mapping[str, Installation],
        of: Mapping[str, StoredPlugin],
    ) -> SetOutcome:
        """Put all in place and switch on what is to be on; where that fails, put everything back and raise."""
        of = self._as_it_is(of)
        for target in targets:
            if target.name in of and target.name in made:
                check_not_pinned(of[target.name], made[target.name].version)
        wanted: dict[str, StoredPlugin | None] = {
            target.name: _wanted(target, made.get(target.name), of.get(target.name)) for target in targets
        }
        wanted |= {name: replace(of[name], enabled=False) for name in removed}
        before = {name: of[name] for name in wanted if name in of}
        plain = {target.name: self._configuration.plain(target.name) for target in targets if target.values}
        await self._put(wanted, before)
        try:
            for target in targets:
                if target.values:
                    await asyncio.to_thread(self._configuration.set, target.name, _spelled(target, wanted), {})
            self._supervisor.sync()
            return await self._switched_on(targets)
        except BaseException:  # cancelled too: half of a set is none
            await to_the_end(self._put_back(wanted, before, plain))
            raise

    def _as_it_is(self, of: Mapping[str, StoredPlugin]) -> dict[str, StoredPlugin]:
        """Return *of* with what the person has said of those plugins since: a question may be open for long."""
        now = self._store.everything()
        same = {name for name in of.keys() & now.keys() if now[name].installation == of[name].installation}
        return {name: now[name] if name in same else plugin for name, plugin in of.items()}

    async def _put(self, wanted: Mapping[str, StoredPlugin | None], before: Mapping[str, StoredPlugin]) -> None:
        """Save *wanted* in one step, once no worker of ours runs of what was there. Raises StateError."""
        async with contextlib.AsyncExitStack() as held:
            for name in sorted(before.keys() & self._store.everything().keys()):
                handle = await held.enter_async_context(self._supervisor.hold(name))
                await self._supervisor.stop(handle)
                await handle.disconnect()
            is_saved = self._store.exchange(wanted, before)
            present = self._store.everything()
            for name in before.keys() & present.keys():
                self._supervisor.restore(self._supervisor.get(name), present[name])
        self._supervisor.sync()
        if not is_saved:
            raise StateError("Another process has changed the plugins of this home meanwhile. Nothing was changed.")

    async def _put_back(
        self,
        wanted: Mapping[str, StoredPlugin | None],
        before: Mapping[str, StoredPlugin],
        plain: Mapping[str, dict[str, str]],
    ) -> None:
        present = {name: plugin for name, plugin in self._store.everything().items() if name in wanted}
        with contextlib.suppress(StateError):  # of what another process has changed since, it is the master
            await self._put({name: before.get(name) for name in wanted}, present)
        for name, values in plain.items():
            if name in before:
                await asyncio.to_thread(self._configuration.replace_plain, name, values)
        for name, plugin in present.items():
            if name not in before:
                await asyncio.to_thread(self._configuration.forget, name)
                await self._launcher.remove_data(plugin)

    async def _switched_on(self, targets: Sequence[PluginTarget]) -> SetOutcome:
        """Switch on what is to be on. Raises the plugin's own fault; what waits for a person is told."""
        names = [target.name for target in targets if target.active]
        failed: dict[str, PluginError] = {}

        async def switch_on(name: str) -> None:
            try:
                await self._activation.activate(name)
            except PluginError as error:
                if isinstance(error, PluginFaultError) and not isinstance(error, UnreachableError):
                    raise
                failed[name] = error

        held = held_to_pins.set(True)
        try:
            await all_or_none([partial(switch_on, name) for name in names], AT_ONCE)
        finally:
            held_to_pins.reset(held)
        return SetOutcome(tuple(name for name in names if name not in failed), failed)

    # ---------------------------------------------------------------- afterwards

    async def _clear_away(self, old: Sequence[StoredPlugin]) -> None:
        """Remove what is neither in use nor kept, of the versions that *old* had."""
        present = self._store.everything()
        for plugin in old:
            stay = present[plugin.name].folders if plugin.name in present else ()
            versions = [plugin.installation, *([plugin.kept.installation] if plugin.kept is not None else [])]
            for installation in versions:
                if installation.path not in stay:
                    await asyncio.to_thread(self._installer.remove, installation)

    def _announce(self, made: Mapping[str, Installation], of: Mapping[str, StoredPlugin]) -> None:
        for name, installation in made.items():
            if name in of:
                text = f"{version_of(of[name].installation)} to {version_of(installation)}"
                self._listener(Event(name, "updated", text))
            else:
                self._listener(Event(name, "installed", f"{name} {installation.version}"))


def _part(target: PluginTarget, plan: InstallPlan, of: Mapping[str, StoredPlugin]) -> SyncPart:
    verb: Verb = "update" if target.name in of else "install"
    return SyncPart(verb, plan, target.permissions, bool(target.active), target.warnings)


def _wanted(target: PluginTarget, made: Installation | None, old: StoredPlugin | None) -> StoredPlugin:
    """Return what is saved of *target* once it is in place."""
    facts: dict[str, Any] = {}
    if old is None:
        assert made is not None  # noqa: S101 # what is not there is installed
        old = StoredPlugin(made, installed_at=now())
    elif made is not None:
        facts["kept"] = kept_after(old, made)
    if made is not None:
        facts |= {"installation": made, "installed_at": now(), "offers": None, "withheld": None, "error_details": None}
        facts |= {"agreed": target.agreed, "approved": bool(target.active) or old.approved, "reachable": None}
    if target.grants is not None:
        facts |= {"allowed": target.grants[0], "denied": target.grants[1]}
    if target.choice is not None:
        facts["choice"] = target.choice
    if target.within is not None:
        facts["within"] = target.within
    if target.active:
        facts["approved"] = True  # it is enabled once it has started
    elif target.active is False:
        facts["enabled"] = False
    if target.values or target.grants is not None:
        facts["told"] = secrets.token_hex(4)
    return replace(old, **facts)


def _spelled(target: PluginTarget, wanted: Mapping[str, StoredPlugin | None]) -> dict[str, str]:
    """Return the values of *target* under the names that the plugin itself has for them."""
    plugin = wanted[target.name]
    assert plugin is not None  # noqa: S101 # it is a target
    named = {variables.variable_named(plugin.installation, name): value for name, value in target.values.items()}
    return {each.name: variables.check_value(target.name, each, value) for each, value in named.items()}
