"""A person's consent to what a plugin would reach for a call: asked before it, or once it was refused on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.approval import Answer
from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.permission_text import as_verbs
from dynamic_plugins.core.permissions import Permissions, asks_more
from dynamic_plugins.errors import (
    AskedOnPageError,
    NeedsConfirmationError,
    NotAllowedError,
    NotRepeatedError,
    PermissionDeniedError,
    ReachDeclinedError,
)
from dynamic_plugins.lifecycle import reach
from dynamic_plugins.lifecycle.approval_gate import reach_command
from dynamic_plugins.lifecycle.reach_limits import host_warnings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.lifecycle.reach_grants import ReachGrants
    from dynamic_plugins.lifecycle.reach_limits import ReachLimits
    from dynamic_plugins.tools.prepared_call import Prepared

NOT_NAMED = "You have not named this yourself: it came up in what a model or a plugin says."
SO_FEW_UNNAMED = 1
"""After so many refusals of what the person did not name, a plugin is not asked for again in this way."""


@dataclass(frozen=True)
class WantedReach:
    """What a call wants its plugin to reach, as the person is asked about it."""

    call: Prepared
    wanted: Permissions
    warnings: tuple[str, ...] = ()
    refused: PermissionDeniedError | None = None
    """What the call ended with, where it has been made."""

    @property
    def plugin(self) -> str:
        return self.call.about

    @property
    def question(self) -> str:
        """One line: ``May mcp-server-git read /srv/project?``"""
        return f"May {self.plugin} {as_verbs(self.wanted)}?"


class ReachConsent:
    """Stands round the calls of plugins' actions for one conversation, the life of this object.

    A path that a call is about and that its plugin may not reach is asked about before the call, where the person named
    it or is not heard here; what a plugin was refused on the way is asked about afterwards, and the call is made once
    more where it only reads. What the person declined is not asked again, and what *limits* are against never is. With
    *in_turns*, what nobody could be asked about is kept in :attr:`open`, for the conversation to ask. *changes* tells
    whether a call may change something.
    """

    def __init__(
        self,
        grants: ReachGrants,
        changes: Callable[[Prepared], bool],
        limits: ReachLimits,
        *,
        in_turns: bool = False,
    ) -> None:
        self._grants, self._changes, self._limits, self._in_turns = grants, changes, limits, in_turns
        self._said: list[str] | None = None
        self._declined: dict[str, list[Permissions]] = {}
        self._unnamed: dict[str, int] = {}
        self._unanswered: dict[str, WantedReach] = {}
        self._once: dict[str, Permissions] = {}
        self.open: list[WantedReach] = []
        """What the conversation has to ask the person."""

    def hear(self, text: str) -> None:
        """Take note of what the person said."""
        self._said = [*(self._said or []), text]

    # ---------------------------------------------------------------- a call

    async def make(self, call: Prepared, make: Callable[[], Awaitable[Any]]) -> Any:
        """Make *call* by *make*, and ask the person about what its plugin may not reach.

        Raises what *make* raises, ReachDeclinedError, and NotRepeatedError where the call is not made a second time.
        """
        await self.check(call)
        try:
            return await make()
        except PermissionDeniedError as refused:
            wanted = self._wanted_after(call, refused)
            await self._settle(wanted, refused)
            if self._changes(call):
                raise NotRepeatedError(refused) from None
            return await make()
        finally:
            if self._once and (granted := self._once.pop(_key(call), None)) is not None:
                # Once is once, also for a call that is cancelled, and cancelled again while its plugin is told so.
                await to_the_end(self._grants.end(call.about, granted))

    async def check(self, call: Prepared) -> None:
        """Ask about what *call* needs to reach before it is made. Raises ReachDeclinedError, and what asking raises."""
        before = self._unanswered.pop(_key(call), None) if self._unanswered else None
        if before is not None and self._is_beyond(before):
            # It was refused, and whoever asks the person makes the same call again with their answer.
            assert before.refused is not None  # noqa: S101 - only such are kept there
            await self._settle(before, before.refused)
            if self._changes(call):
                raise NotRepeatedError(before.refused)
            return
        wanted = self._wanted_before(call)
        if wanted is None:
            return
        try:
            await self._ask(wanted)
        except AskedOnPageError:
            raise  # it is made once they have answered
        except NotAllowedError:
            return  # it is made, and refused
        except NeedsConfirmationError:
            if self._in_turns:
                self.open.append(wanted)
                raise

    async def _settle(self, wanted: WantedReach, refused: PermissionDeniedError) -> None:
        """Return once the person lets *wanted* be reached; raises *refused* where they could not be asked."""
        self._unanswered[_key(wanted.call)] = wanted
        try:
            await self._ask(wanted)
        except NotAllowedError as error:
            self._unanswered.pop(_key(wanted.call), None)
            raise refused.because(error.rule) from None
        except AskedOnPageError as error:
            raise error from None  # the same call made again has the answer
        except NeedsConfirmationError as error:
            if not self._in_turns:
                raise refused from None
            self.open.append(wanted)
            raise error from None
        except ReachDeclinedError:
            self._unanswered.pop(_key(wanted.call), None)
            raise
        self._unanswered.pop(_key(wanted.call), None)

    async def _ask(self, wanted: WantedReach) -> None:
        self._check_declined(wanted)
        call = wanted.call
        arguments = json.dumps(call.arguments, ensure_ascii=False, default=str)
        action = call.tool.action.name if call.tool is not None else call.name
        try:
            answer = await self._grants.ask(
                wanted.plugin, wanted.wanted, action, arguments, wanted.warnings, waits=not self._in_turns
            )
        except ReachDeclinedError:
            self._note_declined(wanted)
            raise
        if answer is Answer.ONCE:
            self._once[_key(call)] = wanted.wanted

    # ---------------------------------------------------------------- what it wants

    def _wanted_before(self, call: Prepared) -> WantedReach | None:
        """Return what *call* names that its plugin may not reach; None where that cannot be told before.

        Only of a plugin that reaches no host: of any other, a path may be one on another machine.
        """
        assert call.tool is not None  # noqa: S101 - an action's
        paths = reach.paths_in(call.arguments, call.tool.action.parameters)
        if self._said is not None:
            paths = [path for path in paths if reach.names_path(self._said, path)]
        if not paths:
            return None
        now, own = self._grants.of(call.about), self._grants.own_folders(call.about)
        if now.now.network != () or not now.enforced.files:
            return None
        wanted = reach.beyond(paths, "write" if self._changes(call) else "read", now.now, own)
        if wanted.is_nothing or any(self._limits.reason_against(file) for file in wanted.files):
            return None
        return WantedReach(call, wanted, self._warnings(wanted, named=True))

    def _wanted_after(self, call: Prepared, refused: PermissionDeniedError) -> WantedReach:
        """Return what *call* was refused. Raises *refused* where the person is not asked about that."""
        wanted = reach.refused(refused)
        if wanted is None or asks_more(self._grants.of(call.about).now, wanted).is_nothing:
            raise refused
        if why := next(filter(None, map(self._limits.reason_against, wanted.files)), ""):
            raise refused.because(why)
        named = self._said is None or reach.is_named(self._said, wanted)
        if not named and self._unnamed.get(call.about, 0) >= SO_FEW_UNNAMED:
            raise refused
        return WantedReach(call, wanted, self._warnings(wanted, named=named), refused)

    def _warnings(self, wanted: Permissions, *, named: bool) -> tuple[str, ...]:
        files = (warning for file in wanted.files for warning in self._limits.warnings(file))
        hosts = (warning for host in wanted.network or () for warning in host_warnings(host))
        return (*(() if named else (NOT_NAMED,)), *files, *hosts)

    def _is_beyond(self, wanted: WantedReach) -> bool:
        return not asks_more(self._grants.of(wanted.plugin).now, wanted.wanted).is_nothing

    # ---------------------------------------------------------------- what the person answered

    def _check_declined(self, wanted: WantedReach) -> None:
        if any(asks_more(each, wanted.wanted).is_nothing for each in self._declined.get(wanted.plugin, ())):
            raise ReachDeclinedError(
                wanted.plugin, as_verbs(wanted.wanted), reach_command(wanted.plugin, wanted.wanted)
            )

    def _note_declined(self, wanted: WantedReach) -> None:
        self._declined.setdefault(wanted.plugin, []).append(wanted.wanted)
        if NOT_NAMED in wanted.warnings:
            self._unnamed[wanted.plugin] = self._unnamed.get(wanted.plugin, 0) + 1

    def take_open(self) -> list[WantedReach]:
        """Return what the conversation asked, and forget it."""
        asked, self.open = self.open, []
        for each in asked:
            self._unanswered.pop(_key(each.call), None)
        return asked

    async def agreed(self, asked: WantedReach, *, always: bool) -> NotRepeatedError | None:
        """Take a person's yes to what the conversation *asked*; return why its call is not made again, if it is not.

        Raises NotAllowedError.
        """
        self._grants.note(asked.plugin, asked.wanted, Answer.ALWAYS if always else Answer.CONVERSATION)
        await self._grants.let(asked.plugin, asked.wanted, always=always)
        if asked.refused is not None and self._changes(asked.call):
            return NotRepeatedError(asked.refused)
        return None

    def declined(self, asked: WantedReach) -> ReachDeclinedError:
        """Take a person's no to what the conversation *asked*, and return what a call of it comes to."""
        self._grants.note(asked.plugin, asked.wanted, Answer.NO)
        self._note_declined(asked)
        return ReachDeclinedError(asked.plugin, as_verbs(asked.wanted), reach_command(asked.plugin, asked.wanted))


def _key(call: Prepared) -> str:
    return json.dumps([call.name, call.arguments], sort_keys=True, default=str)
