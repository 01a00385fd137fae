"""The person's approval of what is installed or first started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer, ApprovalRequest, approve_everything
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError

if TYPE_CHECKING:
    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.storage.state import StoredPlugin


class ApprovalGate:
    """Asks through *approve*; with None there is nobody to ask. All methods raise DeclinedError when the person does
    not agree, and NeedsConfirmationError where nobody can be asked.
    """

    def __init__(self, installer: Installer, approve: Approve | None, admission: Admission) -> None:
        self._installer, self.admission = installer, admission
        self.approve = approve

    @property
    def is_beforehand(self) -> bool:
        """Whether the operator has agreed to whatever would be asked."""
        return self.approve is approve_everything

    async def ask(self, verb: Verb, plan: InstallPlan, needed: list[InstallPlan], warning: str | None = None) -> None:
        """Return when the person agrees to *plan* and to what is *needed* with it."""
        for one in (*needed, plan):
            self.admission.check_install(one)
        commands = tuple(command for one in (*needed, plan) for command in one.commands)
        more = f"It needs {', '.join(one.name for one in needed)}, installed with it." if needed else None
        await self._ask(verb, plan, commands, " ".join(filter(None, (warning, more))) or None)

    async def ask_to_start(self, plugin: StoredPlugin) -> None:
        """Return when the person agrees to the start of *plugin*, now or earlier."""
        self.admission.check_installed(plugin.installation)
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            await self._ask("activate", plan, (plan.start_command,))

    async def ask_about_changes(self, verb: Verb, plugin: StoredPlugin, changes: tuple[str, ...]) -> None:
        """Return when the person agrees to what *plugin* has *changes* in since they last agreed to it."""
        plan = self._installer.plan_of(plugin.installation)
        await self._ask(verb, plan, (plan.start_command,), changes=changes)

    async def _ask(
        self,
        verb: Verb,
        plan: InstallPlan,
        commands: tuple[tuple[str, ...], ...],
        warning: str | None = None,
        changes: tuple[str, ...] = (),
    ) -> None:
        warnings = (warning, *plan.warnings) if warning else plan.warnings
        request = ApprovalRequest(verb, plan.name, plan.version or "(latest)", plan.origin, commands, warnings, changes)
        answer = await self._answer(request)
        self._note(request, "no" if not answer else "yes" if answer is True else str(answer))
        if not answer:
            raise DeclinedError(plan.name, verb)

    async def ask_to_call(self, plugin: StoredPlugin, action: str, arguments: str) -> bool | Answer:
        """Return what the person answers to a call of *action*; raises as the others do."""
        plan = self._installer.plan_of(plugin.installation)
        request = ApprovalRequest(
            "call", plan.name, plan.version or "", plan.origin, (), action=action, arguments=arguments
        )
        answer = await self._answer(request)
        self._note(request, "no" if not answer else "once" if answer is True else str(answer))
        if not answer:
            raise DeclinedError(plan.name, f"call {action} of")
        return answer

    async def _answer(self, request: ApprovalRequest) -> bool | Answer:
        if self.is_beforehand:
            return Answer.BEFOREHAND
        if self.approve is None:
            self._note(request, "nobody could be asked")
            raise NeedsConfirmationError(request.name, request.question)
        return await self.approve(request)

    def _note(self, request: ApprovalRequest, answer: str) -> None:
        detail = request.action or ("what it offers has changed" if request.changes else "")
        self.admission.audit.note(
            f"consent to {request.verb}",
            request.name,
            version=request.version,
            source=request.source,
            answer=answer,
            detail=detail,
        )
