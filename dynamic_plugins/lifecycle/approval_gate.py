"""The person's approval of what is installed or first started."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.core.permissions import not_enforced
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError
from dynamic_plugins.lifecycle.permission_values import granted, with_named_paths

if TYPE_CHECKING:
    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.core.permissions import Enforced, Permissions
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.storage.state import StoredPlugin


_ALL_OF_IT = "Its settings, its secrets and what it wrote on this machine are removed with it."


class ApprovalGate:
    """Asks through *approve*; with None there is nobody to ask. All methods raise DeclinedError when the person does
    not agree, and NeedsConfirmationError where nobody can be asked. *enforced* tells what is enforced on this machine.
    """

    def __init__(self, installer: Installer, approve: Approve | None, enforced: Enforced = not_enforced) -> None:
        self._installer = installer
        self.approve, self.enforced = approve, enforced

    async def ask(
        self,
        verb: Verb,
        plan: InstallPlan,
        needed: list[InstallPlan],
        warning: str | None = None,
        held: Permissions | None = None,
    ) -> None:
        """Return when the person agrees to *plan* and to what is *needed* with it.

        *held* is what it may reach already, of an update.
        """
        commands = tuple(command for one in (*needed, plan) for command in one.commands)
        more = f"It needs {', '.join(one.name for one in needed)}, installed with it." if needed else None
        request = self._request(verb, plan, commands, " ".join(filter(None, (warning, more))) or None)
        needs = tuple((one.name, _permissions(one)) for one in needed)
        await self._ask(replace(request, held=held, needs=needs))

    async def ask_to_start(self, plugin: StoredPlugin) -> None:
        """Return when the person agrees to the start of *plugin*, now or earlier."""
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            permissions = granted(plugin)
            request = self._request("activate", plan, (plan.start_command,))
            enforced = self.enforced(plugin.name, permissions)
            await self._ask(replace(request, permissions=permissions, enforced=enforced))

    async def ask_to_uninstall(self, plugin: StoredPlugin, *, keep_configuration: bool) -> None:
        """Return when the person agrees that *plugin* goes from this machine."""
        kept = "Its settings and what it wrote are kept." if keep_configuration else _ALL_OF_IT
        await self._ask(self._request("uninstall", self._installer.plan_of(plugin.installation), (), kept))

    def _request(
        self, verb: Verb, plan: InstallPlan, commands: tuple[tuple[str, ...], ...], warning: str | None = None
    ) -> ApprovalRequest:
        permissions = _permissions(plan)
        return ApprovalRequest(
            verb,
            plan.name,
            plan.version or "(latest)",
            plan.origin,
            commands,
            (warning, *plan.warnings) if warning else plan.warnings,
            permissions,
            self.enforced(plan.name, permissions),
        )

    async def _ask(self, request: ApprovalRequest) -> None:
        if self.approve is None:
            raise NeedsConfirmationError(request.name, request.question)
        if not await self.approve(request):
            raise DeclinedError(request.name, request.verb)


def _permissions(plan: InstallPlan) -> Permissions:
    return with_named_paths(plan.entry.permissions, plan.entry.variables)
