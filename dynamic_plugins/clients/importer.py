"""Importing what was planned: one consent for all of it, then the installs, the values, and what is switched on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from dynamic_plugins.errors import InstallError, PluginError, UnlistedError
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.lifecycle.variables import Pasted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.approval import Answer, ApprovalRequest, Approve
    from dynamic_plugins.clients.candidate import Candidate
    from dynamic_plugins.clients.local_server import LocalServer
    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.lifecycle.service import PluginManagementService


class OneConsent:
    """Asks once about everything that several installs ask about, when all of them have come so far.

    An install that ends without a question, or is answered elsewhere, is not waited for. What an install asks beside
    its first question is asked by itself.
    """

    def __init__(
        self, ask_all: Callable[[Sequence[ApprovalRequest]], Awaitable[bool | Answer]], alone: Approve, expected: int
    ) -> None:
        self._ask_all, self._alone, self._expected = ask_all, alone, expected
        self._waiting: dict[str, ApprovalRequest] = {}
        self._seen: set[str] = set()
        self.asked: frozenset[str] = frozenset()
        """The plugins that the question for all was about."""
        self._answer: asyncio.Future[bool | Answer] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, request: ApprovalRequest) -> bool | Answer:
        """Return the person's answer to *request*: the one that they give to all."""
        if request.name in self._seen or request.verb != "install":
            return await self._alone(request)
        self._seen.add(request.name)
        self._waiting[request.name] = request
        self._answer = self._answer or asyncio.get_running_loop().create_future()
        self._arrived()
        try:
            return await asyncio.shield(self._answer)
        except asyncio.CancelledError:
            self._waiting.pop(request.name, None)
            raise

    def ended(self, name: str) -> None:
        """Note that the install of *name* has ended; it will ask no more."""
        if name not in self._seen:
            self._seen.add(name)
            self._arrived()

    def _arrived(self) -> None:
        self._expected -= 1
        if self._expected <= 0 and self._waiting and self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        assert self._answer is not None  # noqa: S101 # somebody waits for it
        self.asked = frozenset(self._waiting)
        try:
            answer = await self._ask_all(tuple(self._waiting.values()))
        except BaseException as error:  # whoever waits has to hear of it: Ctrl-C too
            if not self._answer.done():
                self._answer.set_exception(error)
            self._answer.exception()  # several wait for it, or nobody does any more
        else:
            if not self._answer.done():
                self._answer.set_result(answer)

    async def close(self) -> None:
        """End a question that nobody waits for any more."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)


@dataclass(frozen=True)
class Imported:
    """What came of one candidate: the plugin as it stands, or the *error*."""

    candidate: Candidate
    outcome: Outcome | None = None
    error: PluginError | None = None

    def to_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = self.candidate.to_dict() | {"ok": self.error is None}
        if self.outcome is not None:
            told |= {"status": str(self.outcome.info.status), "version": self.outcome.info.version}
            told["changed"] = self.outcome.changed
        return told | ({"error": self.error.to_dict()} if self.error is not None else {})


MayTell: TypeAlias = "Callable[[Candidate, Mapping[str, str]], Awaitable[None]]"
"""Returns where the person agrees that what is installed already is told these values; else it raises PluginError."""


class Importer:
    """Installs candidates with *service*, and tells them their values; with *activate* they are switched on as well.

    A yes to an install is one to its values, which are shown with it; *may_tell* asks about those of what is there.
    Servers that are files of this machine are packed in *folder*; with *listed_only* nobody agrees to those.
    """

    def __init__(
        self,
        service: PluginManagementService,
        may_tell: MayTell,
        folder: Path,
        *,
        activate: bool = False,
        listed_only: bool = False,
    ) -> None:
        self._service, self._may_tell, self._activate = service, may_tell, activate
        self._folder, self._listed_only = folder, listed_only

    async def run(self, candidates: Sequence[Candidate], consent: OneConsent | None) -> list[Imported]:
        """Import *candidates*, several at once; what fails leaves the others alone."""
        done = await asyncio.gather(*(self._one(each, consent) for each in candidates), return_exceptions=True)
        if consent is not None:
            await consent.close()
        results = []
        for candidate, result in zip(candidates, done, strict=True):
            if isinstance(result, PluginError):
                results.append(Imported(candidate, error=result))
            elif isinstance(result, BaseException):
                raise result
            else:
                results.append(result)
        return results

    async def _one(self, candidate: Candidate, consent: OneConsent | None) -> Imported:
        assert candidate.found is not None  # noqa: S101 # only what becomes a plugin is imported
        try:
            outcome = await self._install(candidate)
        finally:
            if consent is not None:
                consent.ended(candidate.plugin)
        name = outcome.info.name
        if values := await self._values(name, candidate, changed=outcome.changed):
            if not outcome.changed:
                await self._may_tell(candidate, values)
            await self._service.configure(name, values)
        if outcome.changed and candidate.choice is not None:
            await self._service.choose_actions(name, candidate.choice)
        info = await self._service.info(name)
        if self._activate and all(each.is_set for each in info.required_env_vars):
            info = (await self._service.activate(name)).info
        return Imported(candidate, replace(outcome, info=info))

    async def _install(self, candidate: Candidate) -> Outcome:
        if candidate.local is not None:
            return await self._install_local(candidate, candidate.local)
        if candidate.folder is not None:
            return await self._service.install_path(candidate.folder)
        assert candidate.found is not None  # noqa: S101 # the caller has looked
        return await self._service.install_found(candidate.found, candidate.version, remote=candidate.remote)

    async def _install_local(self, candidate: Candidate, local: LocalServer) -> Outcome:
        assert candidate.found is not None  # noqa: S101 # the caller has looked
        entry = candidate.found.entry
        if self._listed_only:
            raise UnlistedError(entry.name, f"It is {candidate.origin} of this machine.")
        (package,) = entry.packages
        try:
            made = await in_thread(local.pack, entry.name, self._folder, package.arguments, entry.config)
        except OSError as error:
            raise InstallError(entry.name, f"its files cannot be packed: {error.strerror or error}") from None
        return await self._service.install_path(made)

    async def _values(self, name: str, candidate: Candidate, *, changed: bool) -> dict[str, str]:
        """Return what to tell the plugin: everything, or only what it does not know where it was there already."""
        told: dict[str, str] = dict(candidate.told.plain)
        told |= {key: Pasted(value) for key, value in candidate.told.secrets.items()}
        if changed:
            return told
        unset = {variable.name for variable, is_set in await self._service.variables(name) if not is_set}
        return {key: value for key, value in told.items() if key in unset}
