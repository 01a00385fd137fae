"""The person's approval of what is installed or first started."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer, ApprovalRequest, approve_everything
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError
from dynamic_plugins.lifecycle.variables import defaults_of
from dynamic_plugins.text.printable import odd_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.storage.state import StoredPlugin


suggested_by: ContextVar[str | None] = ContextVar("suggested_by", default=None)
"""The plugin whose words brought up what is being asked about, where no person is known to have."""
_ALL_OF_IT = "Its settings, its secrets and what it wrote on this machine are removed with it."


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
        defaults = [(f"{one.name}: {name}", value) for one in needed for name, value in _defaults(one)]
        told = tuple(each for each in (warning, more) if each)
        await self._ask(verb, plan, commands, (*defaults, *_defaults(plan)), (" ".join(told),) if told else ())

    @contextlib.asynccontextmanager
    async def agreed(
        self, verb: Verb, plan: InstallPlan, needed: list[InstallPlan], warning: str | None = None
    ) -> AsyncIterator[list[InstallPlan]]:
        """Make the plans of what is *needed* ready, ask as :meth:`ask` does, and give them while the block lasts.

        *plan* is ready itself.
        """
        async with contextlib.AsyncExitStack() as held:
            ready = [await held.enter_async_context(self._installer.ready(one)) for one in needed]
            await self.ask(verb, plan, ready, warning)
            yield ready

    async def ask_to_start(self, plugin: StoredPlugin) -> None:
        """Return when the person agrees to the start of *plugin*, now or earlier."""
        self.admission.check_installed(plugin.installation)
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            await self._ask("activate", plan, (plan.start_command,), _defaults(plan))

    async def ask_to_uninstall(self, plugin: StoredPlugin, *, keep_configuration: bool) -> None:
        """Return when the person agrees that *plugin* goes from this machine."""
        kept = "Its settings and what it wrote are kept." if keep_configuration else _ALL_OF_IT
        await self._ask("uninstall", self._installer.plan_of(plugin.installation), (), (), (kept,))

    async def ask_about_changes(self, verb: Verb, plugin: StoredPlugin, changes: tuple[str, ...]) -> None:
        """Return when the person agrees to what *plugin* has *changes* in since they last agreed to it."""
        plan = self._installer.plan_of(plugin.installation)
        await self._ask(verb, plan, (plan.start_command,), (), changes=changes)

    async def _ask(
        self,
        verb: Verb,
        plan: InstallPlan,
        commands: tuple[tuple[str, ...], ...],
        defaults: tuple[tuple[str, str], ...],
        warnings: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
    ) -> None:
        suspect = suggested_by.get()
        suggested = f"The plugin {suspect} speaks of this; did you ask for it?" if suspect else None
        told = tuple(each for each in (suggested, odd_name(plan.name)) if each)
        request = ApprovalRequest(
            verb,
            plan.name,
            plan.shown_version,
            plan.origin,
            commands,
            (*told, *warnings, *plan.warnings),
            defaults,
            plan.notes,
            plan.digest,
            suspect or "",
            changes,
        )
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
        beforehand = self.is_beforehand
        if self.approve is None or (request.suggested_by and beforehand):
            self._note(request, "nobody could be asked")
            raise NeedsConfirmationError(request.name, request.question)
        answer = await self.approve(request)
        return Answer.BEFOREHAND if answer and beforehand else answer

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


def _defaults(plan: InstallPlan) -> tuple[tuple[str, str], ...]:
    """Return what the plugin of *plan* is told where the person sets nothing, by name."""
    return defaults_of(replace(plan.entry, packages=(plan.package,)).variables)
