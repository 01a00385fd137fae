"""What a plugin is let reach for a call, besides what it may: the person is asked, and what they grant is kept or ends.

Only their own answer leads here; :mod:`dynamic_plugins.tools.reach_consent` says when they are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer
from dynamic_plugins.core.permission_text import as_verbs
from dynamic_plugins.core.permissions import NOTHING

if TYPE_CHECKING:
    from dynamic_plugins.core.permissions import Permissions
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.approval_gate import ApprovalGate
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.lifecycle.permission_grants import PermissionGrants, PluginPermissions
    from dynamic_plugins.storage.state import HomeState


class ReachGrants:
    """Asks about, grants and takes back what installed plugins reach from within a conversation. Names are canonical.

    Nothing beyond the operator's policy is asked about or granted: that raises NotAllowedError.
    """

    def __init__(
        self,
        store: HomeState,
        approval: ApprovalGate,
        admission: Admission,
        permissions: PermissionGrants,
        launcher: Launcher,
    ) -> None:
        self._store, self._approval, self._admission = store, approval, admission
        self._permissions, self._launcher = permissions, launcher

    def of(self, name: str) -> PluginPermissions:
        """Return what *name* may reach, and where that comes from."""
        return self._permissions.of(name)

    def own_folders(self, name: str) -> list[str]:
        """Return the folders that are *name*'s own."""
        return self._launcher.own_folders(self._store.get(name))

    async def ask(
        self,
        name: str,
        wanted: Permissions,
        action: str,
        arguments: str,
        warnings: tuple[str, ...] = (),
        *,
        waits: bool = True,
    ) -> bool | Answer:
        """Ask the person about what is *wanted* for a call, let *name* reach it where they agree; return the answer.

        An "always" is kept, any other yes holds until this process closes. Where nobody can be asked here, the page of
        this home is waited for, unless *waits* is false. Raises ReachDeclinedError, NeedsConfirmationError where nobody
        can be asked, and NotAllowedError where the operator's policy is against it.
        """
        self._admission.check_permissions(name, wanted)
        plugin = self._store.get(name)
        answer = await self._approval.ask_to_reach(plugin, wanted, action, arguments, warnings, waits=waits)
        await self.let(name, wanted, always=answer is Answer.ALWAYS)
        return answer

    def note(self, name: str, wanted: Permissions, answer: Answer) -> None:
        """Note what the person answered who was asked in a conversation whether *name* may reach what is *wanted*."""
        self._approval.note_reach(self._store.get(name), wanted, str(answer))

    async def let(self, name: str, wanted: Permissions, *, always: bool) -> None:
        """Let *name* reach what is *wanted*, which the person has agreed to: always, or until this process closes."""
        if always:
            await self._permissions.change(name, allow=wanted, deny=NOTHING)
            return
        self._admission.check_permissions(name, wanted)
        await self._permissions.change_for_now(name, wanted)
        self._admission.audit.note("grant", name, answer="conversation", detail=as_verbs(wanted))

    async def end(self, name: str, granted: Permissions) -> None:
        """Take back what was *granted* until this process closes."""
        await self._permissions.change_for_now(name, NOTHING, granted)
        self._admission.audit.note("take back", name, answer="yes", detail=as_verbs(granted))
