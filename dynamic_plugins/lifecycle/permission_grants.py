"""What a plugin may reach, shown to the person and changed by them. No tool of a model's leads here."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.permission_text import in_a_sentence
from dynamic_plugins.core.permissions import (
    ANY,
    NOTHING,
    Permissions,
    asks_more,
    both,
    permissions_json,
    within,
)
from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.events import Event
from dynamic_plugins.install.remote_address import RemoteAddressError, permissions_of
from dynamic_plugins.lifecycle.permission_values import resolved, with_named_paths
from dynamic_plugins.lifecycle.session_grants import left_of

if TYPE_CHECKING:
    from dynamic_plugins.core.permissions import Enforced, Enforcement
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.session_grants import SessionGrants
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore

T = TypeVar("T")


@dataclass(frozen=True)
class PluginPermissions:
    """What one installed plugin may reach, and where that comes from."""

    plugin: str
    now: Permissions
    """With the person's values in it; what depends on one that is not set, or is a secret, is there as ``$NAME``."""
    declared: Permissions
    allowed: Permissions
    """What the person granted besides."""
    denied: Permissions
    """What the person took back."""
    enforced: Enforcement
    changed: bool = False
    session_grants: Permissions = NOTHING
    """What of :attr:`now` the person granted until this process closes."""

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict; ``permissions`` is what holds."""
        return {
            "name": self.plugin,
            "permissions": permissions_json(self.now, self.enforced),
            "declared": self.declared.to_table(),
            "allowed": _given(self.allowed),
            "denied": _given(self.denied),
            "changed": self.changed,
        }


def _given(permissions: Permissions) -> dict[str, Any]:
    return {key: value for key, value in replace(permissions, declared=True).to_table().items() if value}


class PermissionGrants:
    """Shows and changes what the person lets installed plugins reach. Names are canonical here."""

    def __init__(
        self,
        store: HomeState,
        supervisor: Supervisor,
        configuration: ConfigurationStore,
        admission: Admission,
        enforced: Enforced,
        listener: Listener,
        session_grants: SessionGrants,
    ) -> None:
        self._store, self._supervisor, self._configuration = store, supervisor, configuration
        self._admission, self._enforced, self._listener = admission, enforced, listener
        self._session_grants = session_grants

    def of(self, name: str, *, changed: bool = False) -> PluginPermissions:
        """Return what *name* may reach. Raises NotInstalledError."""
        plugin = self._store.get(name)
        session_grants = self._session_grants.of(plugin)
        now = both(self._now(plugin), session_grants)
        enforced = self._enforced(name, now)
        declared = plugin.installation.permissions
        return PluginPermissions(name, now, declared, plugin.allowed, plugin.denied, enforced, changed, session_grants)

    def declared(self, entry: Entry) -> tuple[Permissions, Enforcement]:
        """Return what *entry* would be let reach, were it installed now, and what of that is enforced here."""
        permissions = with_named_paths(entry.permissions, entry.variables)
        if entry.remote is not None and not entry.packages:
            with contextlib.suppress(RemoteAddressError):  # it is refused when it is to be installed
                permissions = permissions_of(entry.remote)
        return permissions, self._enforced(entry.name, permissions)

    async def change(self, name: str, allow: Permissions, deny: Permissions) -> PluginPermissions:
        """Grant what *allow* holds and take back what *deny* holds, each time the last word; a running worker ends, and
        the next one is started with it.

        Raises BadArgumentsError where something would stay within reach that *deny* names, NotAllowedError where the
        operator's policy is against what *allow* holds, and NotInstalledError.
        """
        self._admission.check_permissions(name, allow)
        changed = await self._change(name, allow, deny)
        for verb, permissions in (("grant", allow), ("take back", deny)):
            if not permissions.is_nothing:
                self._admission.audit.note(verb, name, answer="yes", detail=in_a_sentence(permissions))
        return changed

    async def _change(self, name: str, allow: Permissions, deny: Permissions) -> PluginPermissions:
        async with self._supervisor.hold(name) as handle:
            stored = self._store.get(name)
            changed = self._changed(stored, allow, deny)
            self._session_grants.take_back(stored, deny)
            if changed == stored:
                return self.of(name)
            saved = self._supervisor.save_configuration_mark(stored, allowed=changed.allowed, denied=changed.denied)
            await to_the_end(handle.disconnect())  # the next call starts it with what it may reach now
            if handle.state.status in {Status.ERROR, Status.NEEDS_CONFIGURATION}:
                self._supervisor.restore(handle, saved)
        self._listener(Event(name, "permissions_changed"))
        return self.of(name, changed=True)

    def _changed(self, stored: StoredPlugin, allow: Permissions, deny: Permissions) -> StoredPlugin:
        """Return *stored* as :meth:`change` would leave it. Raises BadArgumentsError."""
        if stored.installation.remote is not None and (allow.files or allow.programs or allow.network is None):
            reason = "it runs elsewhere: only hosts can be named for it, and it reaches nothing of this machine"
            raise BadArgumentsError(stored.name, reason)
        allowed = both(left_of(stored.allowed, deny), allow)
        changed = replace(stored, allowed=allowed, denied=_denied(_lifted(stored.denied, allow), deny))
        self._check_taken_back(changed, deny)
        return changed

    def preview(self, name: str, allow: Permissions, deny: Permissions) -> PluginPermissions:
        """Return what *name* may reach once :meth:`change` is made, which is not; its errors as there."""
        self._admission.check_permissions(name, allow)
        stored = self._store.get(name)
        changed = self._changed(stored, allow, deny)
        now = both(self._now(changed), left_of(self._session_grants.of(stored), deny))
        declared = stored.installation.permissions
        differs = changed != stored
        return PluginPermissions(
            name, now, declared, changed.allowed, changed.denied, self._enforced(name, now), differs
        )

    async def change_for_now(self, name: str, allow: Permissions, deny: Permissions = NOTHING) -> None:
        """Grant *allow* until this process closes, or take that back; a running worker ends, as for :meth:`change`."""
        async with self._supervisor.hold(name) as handle:
            plugin = self._store.get(name)
            self._session_grants.add(plugin, allow)
            self._session_grants.take_back(plugin, deny)
            await to_the_end(handle.disconnect())  # none goes on with more, also where this is cancelled
        self._listener(Event(name, "permissions_changed"))

    def _now(self, plugin: StoredPlugin) -> Permissions:
        return resolved(plugin, self._configuration.plain(plugin.name), keep_unset=True)

    def _check_taken_back(self, plugin: StoredPlugin, deny: Permissions) -> None:
        """Raise BadArgumentsError where *plugin* may still reach what *deny* names, by way of something larger."""
        now = self._now(plugin)
        left = within(now, deny)
        hosts = [("network", f"reach {host}", Permissions((host,))) for host in left.network or ()]
        files = [(file.access, f"{file.access} {file.path}", Permissions((), (file,))) for file in left.files]
        for kind, what, wanted in (*hosts, *files):
            held = _holder(now, wanted)
            said = "any host" if held == ANY else held
            command = shlex.join(["dynamic-plugins", "permissions", plugin.name, f"--deny-{kind}", held])
            reason = f"it could still {what}, since it may reach {said}. Take that back: {command}"
            raise BadArgumentsError(plugin.name, reason)


def _holder(now: Permissions, wanted: Permissions) -> str:
    """Return what in *now* takes in all that is *wanted*."""
    if wanted.network and now.network is None:
        return ANY
    for host in now.network or ():
        if asks_more(Permissions((host,)), wanted).is_nothing:
            return host
    return next(file.path for file in now.files if asks_more(Permissions((), (file,)), wanted).is_nothing)


def _lifted(denied: Permissions, allow: Permissions) -> Permissions:
    """Return what stays denied once *allow* was granted: what is granted goes before it in any case."""
    network = denied.network
    if allow.network is None:
        network = ()
    elif network is not None:
        network = tuple(host for host in network if host not in allow.network)
    written = {file.path for file in allow.files if file.access == "write"}
    files = tuple(file for file in denied.files if file.path not in written)
    return Permissions(network, files, tuple(each for each in denied.programs if each not in allow.programs))


def _denied(one: Permissions, other: Permissions) -> Permissions:
    """Return what is denied by either."""
    network = None if one.network is None or other.network is None else _joined(one.network, other.network)
    return Permissions(network, _joined(one.files, other.files), _joined(one.programs, other.programs))


def _joined(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*one, *other)))
