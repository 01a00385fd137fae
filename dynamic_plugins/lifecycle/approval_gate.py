"""The person's approval of what is installed or first started."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from dynamic_plugins.approval import ApprovalRequest, approve_everything
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError
from dynamic_plugins.text.printable import odd_name

if TYPE_CHECKING:
    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.storage.state import StoredPlugin


suggested_by: ContextVar[str | None] = ContextVar("suggested_by", default=None)
"""The plugin whose words brought up what is being asked about, where no person is known to have."""
_ALL_OF_IT = "Its settings, its secrets and what it wrote on this machine are removed with it."


class ApprovalGate:
    """Asks through *approve*; with None there is nobody to ask. All methods raise DeclinedError when the person does
    not agree, and NeedsConfirmationError where nobody can be asked.
    """

    def __init__(self, installer: Installer, approve: Approve | None) -> None:
        self._installer = installer
        self.approve = approve

    async def ask(self, verb: Verb, plan: InstallPlan, needed: list[InstallPlan], warning: str | None = None) -> None:
        """Return when the person agrees to *plan* and to what is *needed* with it."""
        commands = tuple(command for one in (*needed, plan) for command in one.commands)
        more = f"It needs {', '.join(one.name for one in needed)}, installed with it." if needed else None
        await self._ask(verb, plan, commands, " ".join(filter(None, (warning, more))) or None)

    async def ask_to_start(self, plugin: StoredPlugin) -> None:
        """Return when the person agrees to the start of *plugin*, now or earlier."""
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            await self._ask("activate", plan, (plan.start_command,))

    async def ask_to_uninstall(self, plugin: StoredPlugin, *, keep_configuration: bool) -> None:
        """Return when the person agrees that *plugin* goes from this machine."""
        kept = "Its settings and what it wrote are kept." if keep_configuration else _ALL_OF_IT
        await self._ask("uninstall", self._installer.plan_of(plugin.installation), (), kept)

    async def _ask(
        self, verb: Verb, plan: InstallPlan, commands: tuple[tuple[str, ...], ...], warning: str | None = None
    ) -> None:
        suspect = suggested_by.get()
        suggested = f"The plugin {suspect} speaks of this; did you ask for it?" if suspect else None
        warnings = tuple(each for each in (suggested, odd_name(plan.name), warning, *plan.warnings) if each)
        version = plan.version or "(latest)"
        request = ApprovalRequest(verb, plan.name, version, plan.origin, commands, warnings, suspect or "")
        if self.approve is None or (suspect and self.approve is approve_everything):
            raise NeedsConfirmationError(plan.name, request.question)
        if not await self.approve(request):
            raise DeclinedError(plan.name, verb)
