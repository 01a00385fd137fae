"""The person's approval of what is installed or first started."""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from dynamic_plugins.approval import Answer, ApprovalRequest, approve_everything, approve_listed
from dynamic_plugins.core.permission_text import as_verbs
from dynamic_plugins.core.permissions import NOTHING, asks_more, both, not_enforced
from dynamic_plugins.errors import (
    DeclinedError,
    NeedsConfirmationError,
    ReachDeclinedError,
    UnlistedError,
    grant_command,
)
from dynamic_plugins.install.remote_address import facts as remote_facts
from dynamic_plugins.lifecycle.permission_values import granted, with_named_paths
from dynamic_plugins.lifecycle.reach_limits import ReachLimits, host_warnings
from dynamic_plugins.lifecycle.shared_approval import PersonAnswer
from dynamic_plugins.lifecycle.variables import defaults_of
from dynamic_plugins.text.printable import odd_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.core.permissions import Enforced, Permissions
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.shared_approval import SharedApproval
    from dynamic_plugins.storage.stored_plugin import StoredPlugin


suggested_by: ContextVar[str | None] = ContextVar("suggested_by", default=None)
"""The plugin whose words brought up what is being asked about, where no person is known to have."""
AgreedUpdates: TypeAlias = "Mapping[str, tuple[str, str | None]]"
agreed_updates: ContextVar[AgreedUpdates] = ContextVar("agreed_updates", default=MappingProxyType({}))
"""The versions, by plugin, that the person was shown in a list and has agreed to update to, together; of a folder or
wheel with its digest.
"""
switched_on_too: ContextVar[bool] = ContextVar("switched_on_too", default=False)
"""Whether what is being installed is to be switched on right after it, so that one question is for both."""
held_to_pins: ContextVar[bool] = ContextVar("held_to_pins", default=False)
"""Whether consent that was given beforehand is not for what a plugin offers otherwise than it was locked to."""
_DETAIL = 1000
"""So many characters of what a sync changes are noted."""
_ON_PAGE = "answered on the page"
_ALL_OF_IT = "Its settings, its secrets and what it wrote on this machine are removed with it."


@dataclass(frozen=True)
class SyncPart:
    """One plugin that a sync installs or exchanges."""

    verb: Verb
    plan: InstallPlan
    permissions: Permissions
    """What it may reach once that is done."""
    starts: bool = False
    """Whether it is also switched on."""
    warnings: tuple[str, ...] = ()


class ApprovalGate:
    """Asks through *approve*; with None there is nobody to ask. All methods raise DeclinedError when the person does
    not agree, and NeedsConfirmationError where nobody can be asked. *enforced* tells what is enforced on this machine;
    *shared* asks on the page of this home as well, where one is open.
    """

    def __init__(
        self,
        installer: Installer,
        approve: Approve | None,
        admission: Admission,
        enforced: Enforced = not_enforced,
        shared: SharedApproval | None = None,
    ) -> None:
        self._installer, self.admission, self._shared = installer, admission, shared
        self.approve, self.enforced = approve, enforced

    @property
    def is_beforehand(self) -> bool:
        """Whether the operator has agreed to whatever would be asked, or to all of it that a registry lists."""
        return self.approve in (approve_everything, approve_listed)

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
        for one in (*needed, plan):
            self.admission.check_install(one)
            self.admission.check_permissions(one.name, _permissions(one))
        commands = tuple(command for one in (*needed, plan) for command in one.commands)
        starts = verb == "install" and switched_on_too.get()
        if starts and plan.start_command:
            commands = (*commands, plan.start_command)
        more = f"It needs {', '.join(one.name for one in needed)}, installed with it." if needed else None
        defaults = [(f"{one.name}: {name}", value) for one in needed for name, value in _defaults(one)]
        told = tuple(each for each in (warning, more) if each)
        request = self._request(verb, plan, commands, (" ".join(told),) if told else ())
        if verb == "install" and (seen := plan.entry.verified) is not None and seen.tokens:
            cost = f"while it is active, its {seen.actions} actions are about {seen.tokens:,} tokens of each request"
            request = replace(request, notes=(*request.notes, f"{cost} to a model"))
        needs = tuple((one.name, _permissions(one)) for one in needed)
        request = replace(request, defaults=(*defaults, *request.defaults), held=held, needs=needs, starts=starts)
        request = replace(request, warnings=(*request.warnings, *self._warnings_of_reach(request)))
        if not self.is_beforehand and (self.approve is not None or self._shared is not None):  # somebody reads it
            attested = await self._installer.attested(plan)
            request = replace(request, notes=(*request.notes, *filter(None, [attested])))
        await self._ask(self._by_itself(request, plan))

    def _warnings_of_reach(self, request: ApprovalRequest) -> Iterator[str]:
        """Yield what is unusual in what a plugin says that it needs to reach, and did not reach before.

        A person reads three lines about each plugin, and a folder with keys is one word among them.
        """
        new = asks_more(request.held or NOTHING, request.permissions)
        if new.elsewhere:  # of an address there are warnings of its own
            return
        for host in new.network or ():
            yield from () if host.startswith("$") else host_warnings(host)
        home = os.path.expanduser("~")  # noqa: PTH111
        limits = ReachLimits(home, self._installer.root.parent)
        for file in new.files:
            found = replace(file, path=os.path.expanduser(file.path))  # noqa: PTH111
            if not file.path.startswith("$") and (reason := limits.reason_against(found)):
                verb = "write to" if file.access == "write" else "read"
                yield f"It would {verb} {file.path}, and {reason}."

    def _by_itself(self, request: ApprovalRequest, plan: InstallPlan) -> ApprovalRequest:
        """Return *request* as one that is agreed to by itself, where no registry lists what it is about."""
        if not plan.is_unlisted:
            return request
        allowed = self.admission.allows_unlisted
        return replace(request, unlisted=plan.named, told=plan.told, by_itself=not allowed)

    def settings_page(self, plugin: str) -> str:
        """Return where the person enters the settings of *plugin* on this home's page; empty where none is open."""
        return self._shared.settings_page(plugin) if self._shared is not None else ""

    def close(self) -> None:
        """Withdraw the questions that are still open on the page."""
        if self._shared is not None:
            self._shared.close()

    @contextlib.asynccontextmanager
    async def agreed(
        self,
        verb: Verb,
        plan: InstallPlan,
        needed: list[InstallPlan],
        warning: str | None = None,
        held: Permissions | None = None,
    ) -> AsyncIterator[list[InstallPlan]]:
        """Make the plans of what is *needed* ready, ask as :meth:`ask` does, and give them while the block lasts.

        *plan* is ready itself.
        """
        async with contextlib.AsyncExitStack() as kept:
            ready = [await kept.enter_async_context(self._installer.ready(one)) for one in needed]
            await self.ask(verb, plan, ready, warning, held)
            yield ready

    async def ask_to_start(self, plugin: StoredPlugin) -> None:
        """Return when the person agrees to the start of *plugin*, now or earlier."""
        self.admission.check_installed(plugin.installation)
        if not plugin.approved:
            plan = self._installer.plan_of(plugin.installation)
            permissions = granted(plugin)
            request = self._request("activate", plan, (plan.start_command,) if plan.start_command else ())
            enforced = self.enforced(plugin.name, permissions)
            await self._ask(replace(request, permissions=permissions, enforced=enforced))

    async def ask_to_adopt(self, plugin: StoredPlugin, needed: Sequence[StoredPlugin], profile: str) -> None:
        """Return when the person agrees to what is installed in this home being used in *profile* as well."""
        for each in (plugin, *needed):
            self.admission.check_installed(each.installation)
        request = self._request("install", self._installer.plan_of(plugin.installation), ())
        permissions = granted(plugin)
        note = f"this home has it installed, and nothing is downloaded; it is put into the profile {profile}"
        enforced = self.enforced(plugin.name, permissions)
        needs = tuple((each.name, granted(each)) for each in needed)
        await self._ask(replace(request, permissions=permissions, enforced=enforced, notes=(note,), needs=needs))

    async def ask_to_uninstall(self, plugin: StoredPlugin, *, keep_configuration: bool, profile: str = "") -> None:
        """Return when the person agrees that *plugin* goes from this machine, or from *profile* alone."""
        kept = "Its settings and what it wrote are kept." if keep_configuration else _ALL_OF_IT
        if profile:
            kept = f"It is taken out of the profile {profile} only, and stays installed in this home."
        request = self._request("uninstall", self._installer.plan_of(plugin.installation), (), (kept,))
        await self._ask(replace(request, defaults=()))

    async def ask_to_sync(self, file: str, parts: list[SyncPart], summary: str, changes: tuple[str, ...]) -> None:
        """Return when the person agrees to make this home as *file* says: to all *parts* of that, and to the other
        *changes*, lines of a difference; in short that is the *summary*.
        """
        requests = []
        for part in parts:
            self.admission.check_install(part.plan)
            self.admission.check_permissions(part.plan.name, part.permissions)
            commands = (*part.plan.commands, *((part.plan.start_command,) if part.starts else ()))
            request = self._request(part.verb, part.plan, tuple(filter(None, commands)), part.warnings)
            enforced = self.enforced(part.plan.name, part.permissions)
            request = replace(request, permissions=part.permissions, enforced=enforced)
            requests.append(self._by_itself(request, part.plan))
        unlisted = ", ".join(each.unlisted for each in requests if each.by_itself)
        await self._ask(
            ApprovalRequest(
                "sync",
                file,
                summary,
                file,
                (),
                changes=changes,
                unlisted=unlisted,
                by_itself=bool(unlisted),
                parts=tuple(requests),
            )
        )

    async def ask_about_changes(self, verb: Verb, plugin: StoredPlugin, changes: tuple[str, ...]) -> None:
        """Return when the person agrees to what *plugin* has *changes* in since they last agreed to it."""
        request = self._request(verb, self._installer.plan_of(plugin.installation), ())
        permissions = granted(plugin)
        enforced = self.enforced(plugin.name, permissions)
        await self._ask(replace(request, permissions=permissions, enforced=enforced, defaults=(), changes=changes))

    def _request(
        self, verb: Verb, plan: InstallPlan, commands: tuple[tuple[str, ...], ...], warnings: tuple[str, ...] = ()
    ) -> ApprovalRequest:
        suspect, permissions = suggested_by.get(), _permissions(plan)
        suggested = f"The plugin {suspect} speaks of this; did you ask for it?" if suspect else None
        told = tuple(each for each in (suggested, odd_name(plan.name)) if each)
        return ApprovalRequest(
            verb,
            plan.name,
            plan.shown_version,
            plan.origin,
            commands,
            (*told, *warnings, *plan.warnings),
            defaults=_defaults(plan),
            notes=plan.notes,
            digest=plan.digest,
            suggested_by=suspect or "",
            permissions=permissions,
            enforced=self.enforced(plan.name, permissions),
            remote=() if plan.remote is None else remote_facts(plan.remote, plan.entry),
        )

    async def _ask(self, request: ApprovalRequest) -> None:
        person = await self._answer(request)
        answer = person.answer
        self._note(request, "no" if not answer else "yes" if answer is True else str(answer), person)
        if not answer:
            raise DeclinedError(request.name, request.verb)

    async def ask_to_call(self, plugin: StoredPlugin, action: str, arguments: str) -> bool | Answer:
        """Return what the person answers to a call of *action*; raises as the others do."""
        plan = self._installer.plan_of(plugin.installation)
        request = ApprovalRequest(
            "call", plan.name, plan.version or "", plan.origin, (), action=action, arguments=arguments
        )
        person = await self._answer(request)
        answer = person.answer
        self._note(request, "no" if not answer else "once" if answer is True else str(answer), person)
        if not answer:
            raise DeclinedError(plan.name, f"call {action} of")
        return answer

    async def ask_to_reach(
        self,
        plugin: StoredPlugin,
        wanted: Permissions,
        action: str,
        arguments: str,
        warnings: tuple[str, ...],
        *,
        waits: bool = True,
    ) -> bool | Answer:
        """Return what the person answers to *plugin* reaching what is *wanted* for a call; raises as the others do.

        Consent beforehand is to what a person asks for; what a plugin would reach besides is not among it. Where nobody
        can be asked here, the page is waited for, unless *waits* is false.
        """
        request = self._request_to_reach(plugin, wanted, action, arguments, warnings)
        if self.is_beforehand:
            raise NeedsConfirmationError(request.name, request.question)
        person = await self._answer(request, waits=waits)
        answer = person.answer
        said = "no" if not answer else "conversation" if answer is True else str(answer)
        self.note_reach(plugin, wanted, said, on_page=person.on_page)
        if not answer:
            raise ReachDeclinedError(plugin.name, as_verbs(wanted), reach_command(plugin.name, wanted))
        return answer

    def note_reach(self, plugin: StoredPlugin, wanted: Permissions, answer: str, *, on_page: bool = False) -> None:
        """Note what the person answered to *plugin* reaching what is *wanted*, and whether on the page."""
        detail = f"to {as_verbs(wanted)}" + (f"; {_ON_PAGE}" if on_page else "")
        self.admission.audit.note("consent to reach", plugin.name, of=plugin.installation, answer=answer, detail=detail)

    def _request_to_reach(
        self, plugin: StoredPlugin, wanted: Permissions, action: str, arguments: str, warnings: tuple[str, ...]
    ) -> ApprovalRequest:
        plan, held = self._installer.plan_of(plugin.installation), granted(plugin)
        permissions = both(held, wanted)
        return ApprovalRequest(
            "reach",
            plan.name,
            plan.version or "",
            plan.origin,
            (),
            warnings,
            permissions=permissions,
            enforced=self.enforced(plan.name, permissions),
            held=held,
            action=action,
            arguments=arguments,
        )

    async def _answer(self, request: ApprovalRequest, *, waits: bool = True) -> PersonAnswer:
        if _is_agreed_update(request):
            return PersonAnswer(True)
        beforehand = self.is_beforehand
        alone = request.by_itself and self.approve is approve_listed
        approve, nobody = self.approve, None
        unseen = bool(request.suggested_by) or (held_to_pins.get() and bool(request.changes))
        if approve is None or alone or (unseen and beforehand):
            needed = UnlistedError if request.by_itself and not request.suggested_by else NeedsConfirmationError
            nobody = needed(request.unlisted or request.name, request.question)
            approve = _raising(nobody)
        try:
            if beforehand or self._shared is None:  # who agreed beforehand is not there to be asked
                answer = await approve(request)
                return PersonAnswer(Answer.BEFOREHAND if answer and beforehand else answer)
            return await self._shared.ask(request, approve, waits=waits)
        except NeedsConfirmationError as error:
            if error is nobody:
                self._note(request, "nobody could be asked")
            raise

    def _note(self, request: ApprovalRequest, answer: str, person: PersonAnswer | None = None) -> None:
        detail = request.action or ("what it offers has changed" if request.changes else "")
        if request.verb == "sync":
            detail = " ".join("; ".join(request.changes).split())[:_DETAIL]
        if person is not None and person.on_page:
            detail = f"{detail}; {_ON_PAGE}" if detail else _ON_PAGE
        self.admission.audit.note(
            f"consent to {request.verb}",
            request.name,
            version=request.version,
            source=request.source,
            answer=answer,
            detail=detail,
        )


def reach_command(plugin: str, wanted: Permissions) -> str:
    """Return the command by which a person lets *plugin* reach the first of what is *wanted*."""
    for file in wanted.files:
        return grant_command(plugin, file.access, file.path)
    for host in wanted.network or ():
        return grant_command(plugin, "network", host)
    return grant_command(plugin, "program", wanted.programs[0])


def _is_agreed_update(request: ApprovalRequest) -> bool:
    """Return whether the person agreed to this update in a list, and it has nothing that the list did not say.

    What asks for more than now, brings others, or is warned of, is asked about by itself.
    """
    if request.verb != "update" or agreed_updates.get().get(request.name) != (request.version, request.digest):
        return False
    more = asks_more(request.held or NOTHING, request.permissions)
    return more.is_nothing and not (
        request.changes or request.needs or request.warnings or request.by_itself or request.suggested_by
    )


def _raising(nobody: NeedsConfirmationError) -> Approve:
    async def approve(_request: ApprovalRequest) -> bool:
        raise nobody

    return approve


def _permissions(plan: InstallPlan) -> Permissions:
    return with_named_paths(plan.entry.permissions, plan.entry.variables)


def _defaults(plan: InstallPlan) -> tuple[tuple[str, str], ...]:
    """Return what the plugin of *plan* is told where the person sets nothing, by name."""
    return defaults_of(replace(plan.entry, packages=(plan.package,)).variables)
