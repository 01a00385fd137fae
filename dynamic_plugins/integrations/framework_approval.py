"""A person's consent by a framework's own means: asked for when a call turns out to need it, before it did anything."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.core.permissions import permissions_json
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError, NotInstalledError, PluginError
from dynamic_plugins.tools.management import ALIASES, NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.approval import Answer, ApprovalRequest, Approve

REMEMBERED = 256
"""How many questions are kept while their answers are awaited; the oldest is given up first."""

_STARTS_THE_INSTALL = "it starts what the install of the same step puts in place"

_asking: ContextVar[Approve | None] = ContextVar("asking", default=None)


class ConsentNeededError(Exception):
    """The call would need a person's consent; *request* is what they must be shown. Nothing has happened yet.

    A question on its way to the framework, and no failure: no PluginError, so that nothing on the way takes it for one.
    """

    def __init__(self, request: ApprovalRequest) -> None:
        self.request = request
        super().__init__(request.question)


class ConsentingCalls:
    """Calls the tools of *plugins* for a framework that has its own way to ask a person.

    An ``approve`` that was given to *plugins* goes first: then the framework is never asked, and :attr:`by_framework`
    is false. The service asks after everything is resolved and before anything is done, so a framework may end the
    call at the question, with an exception of its own, and make the same call again with the answer.
    """

    def __init__(self, plugins: DynamicPlugins) -> None:
        self.plugins = plugins
        service = plugins.app.service
        if service.approve is None:
            service.approve = _ask_here
        self.by_framework = service.approve is _ask_here
        self._shown: dict[str, list[ApprovalRequest]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._installs_asked: dict[str, ApprovalRequest] = {}
        """The installs of this step that end with their question, by plugin: what the same step wants with the plugin
        has to wait for the answer, too."""

    def begin_step(self) -> None:
        """Forget the questions of the step before: the model is asked anew, so they were answered or given up."""
        self._installs_asked.clear()

    async def call(self, name: str, arguments: Mapping[str, Any] | str | None, ask: Approve | None) -> dict[str, Any]:
        """Call a tool and return its result object; *ask* is how a person is asked (None: nobody can be).

        Management calls about one plugin keep their order, since frameworks start all calls of one step at once. What
        *ask* raises goes through.
        """
        said = _plugin_named(arguments) if ALIASES.get(name, name) in NAMES else ""
        if not said:
            return await self._call(name, arguments, ask)
        async with self._turns.setdefault(said, asyncio.Lock()):
            result = await self._call(name, arguments, ask)
            if ask is None or (install := await self._install_asked(result, said)) is None:
                return result
            return await self._after_install(name, arguments, install, ask)

    async def _after_install(
        self, name: str, arguments: Mapping[str, Any] | str | None, install: ApprovalRequest, ask: Approve
    ) -> dict[str, Any]:
        """Call a tool on a plugin whose *install* waits for the person's answer: this call has to wait with it."""
        if ALIASES.get(name, name) != "activate_plugin":
            waits = NeedsConfirmationError(
                install.name,
                f"Its install waits for you: {install.question}",
                for_model=f"Its install waits for the person: {install.question} "
                f"Call {name} again once they have agreed.",
            )
            return {"ok": False, "error": waits.to_dict()}
        if not await ask(_first_start(install)):
            return {"ok": False, "error": DeclinedError(install.name, "activate").to_dict()}
        return await self._call(name, arguments, ask)

    async def _install_asked(self, result: Mapping[str, Any], said: str) -> ApprovalRequest | None:
        """Return the install that a call on the plugin *said* fails for, where that waits for the person."""
        code = result.get("error", {}).get("code")
        if not self._installs_asked or code not in {"not_installed", "unknown_plugin"}:
            return None
        try:
            return self._installs_asked.get((await self.plugins.app.service.resolve(said)).name)
        except NotInstalledError as error:
            return self._installs_asked.get(error.name)
        except PluginError:
            waiting = self._installs_asked.values()
            return next((each for each in waiting if said in (each.name.lower(), each.unlisted.lower())), None)

    async def request(self, name: str, arguments: Mapping[str, Any] | str | None) -> ApprovalRequest | None:
        """Return what a person must agree to before this call, or None when nothing needs their consent.

        Calls of plugins' actions, and what these would reach, are asked about only where the settings say so
        (``confirm_calls``).

        Nothing is installed or started by asking. Where the answer is None the call may still fail for other reasons.
        """
        tool = ALIASES.get(name, name)
        asked_about = {"install_plugin", "activate_plugin", "unload_plugin"}
        if not self.by_framework or (tool in NAMES and tool not in asked_about):
            return None
        if tool == "unload_plugin" and not _uninstalls(arguments):
            return None
        if tool not in NAMES:
            return await self._about_call(name, arguments)
        said = _plugin_named(arguments)
        async with self._turns.setdefault(said, asyncio.Lock()):
            if tool == "activate_plugin" and await self._is_approved(said):
                missing = {"error": {"code": NotInstalledError.code}}
                install = await self._install_asked(missing, said)
                return None if install is None else _first_start(install)
            try:
                await self._call(name, arguments, _refuse)
            except ConsentNeededError as needed:
                return needed.request
            return None

    def remember(self, call_id: str, request: ApprovalRequest) -> None:
        """Keep what the person is shown for the call *call_id*."""
        self._shown.setdefault(call_id, []).append(request)
        while len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]

    def is_what_was_shown(self, call_id: str, request: ApprovalRequest) -> bool:
        """Whether the person's yes to *call_id* was a yes to exactly *request*.

        A registry may have changed between question and answer. When the question was asked by another process there
        is nothing to compare, and the framework's word is taken.
        """
        shown = self._shown.get(call_id)
        return shown is None or any(_is_in(request, each) for each in shown)

    async def _call(self, name: str, arguments: Mapping[str, Any] | str | None, ask: Approve | None) -> dict[str, Any]:
        token = _asking.set(None if ask is None else self._noting(ask))
        try:
            return await self.plugins.call(name, arguments)
        finally:
            _asking.reset(token)

    def _noting(self, ask: Approve) -> Approve:
        async def noting(request: ApprovalRequest) -> bool | Answer:
            if request.verb != "install":
                return await ask(request)
            self._installs_asked[request.name] = request
            try:
                answer = await ask(request)
            except PluginError:  # nobody can be asked: nothing is to be waited for
                del self._installs_asked[request.name]
                raise
            del self._installs_asked[request.name]
            return answer

        return noting

    async def _about_call(self, name: str, arguments: Mapping[str, Any] | str | None) -> ApprovalRequest | None:
        token = _asking.set(_refuse)
        try:
            await self.plugins.app.toolbox.ask_consent(name, arguments)
        except ConsentNeededError as needed:
            return needed.request
        except PluginError:
            return None  # the call itself says what is wrong with it
        finally:
            _asking.reset(token)
        return None

    async def _is_approved(self, said: str) -> bool:
        """Whether the plugin that *said* names has been started with a person's consent before, or is not installed."""
        try:
            name = (await self.plugins.app.service.resolve(said)).name
        except PluginError:
            return True
        plugin = self.plugins.app.store.read().get(name)
        return plugin is None or (plugin.approved and plugin.withheld is None)


def described(request: ApprovalRequest) -> dict[str, Any]:
    """Return *request* as a JSON-able dict; ``text`` is all that a person must be shown, ready to show."""
    return {
        "question": request.question,
        "verb": request.verb,
        "plugin": request.name,
        "version": request.version,
        "source": request.source,
        "commands": [list(command) for command in request.commands],
        "permissions": permissions_json(request.permissions, request.enforced),
        "warnings": list(request.warnings),
        "changes": list(request.changes),
        "action": request.action,
        "arguments": request.arguments,
        "defaults": dict(request.defaults),
        "notes": list(request.notes),
        "digest": request.digest,
        "text": "\n".join([request.question, *request.facts]),
    }


def refusal(told: Mapping[str, Any]) -> str:
    """Return, as JSON text, what the model gets when the person says no to what :func:`described` told them."""
    return json.dumps({"ok": False, "error": DeclinedError(told["plugin"], told["verb"]).to_dict()})


def _first_start(install: ApprovalRequest) -> ApprovalRequest:
    """Return what a person is asked about the first start of what they are asked to *install* in the same step.

    The command is left open: it is known once the plugin is in place.
    """
    return replace(install, verb="activate", commands=(), notes=(_STARTS_THE_INSTALL,), digest=None, told=(), needs=())


def _is_in(request: ApprovalRequest, shown: ApprovalRequest) -> bool:
    """Whether a yes to what was *shown* is a yes to *request*: the same, or the start of just what was installed."""
    if shown.notes != (_STARTS_THE_INSTALL,):
        return shown == request
    told = set(request.warnings) <= set(shown.warnings) and set(request.defaults) <= set(shown.defaults)
    same = replace(
        shown, commands=request.commands, notes=request.notes, warnings=request.warnings, defaults=request.defaults
    )
    return told and replace(same, unlisted="", by_itself=False) == request


async def _ask_here(request: ApprovalRequest) -> bool | Answer:
    ask = _asking.get()
    if ask is None:
        raise NeedsConfirmationError(request.name, request.question)
    return await ask(request)


async def _refuse(request: ApprovalRequest) -> bool:
    raise ConsentNeededError(request)


def _plugin_named(arguments: Mapping[str, Any] | str | None) -> str:
    given = _parsed(arguments)
    said = given.get("plugin_name") or given.get("pluginName")
    return said.strip().lower() if isinstance(said, str) else ""


def _uninstalls(arguments: Mapping[str, Any] | str | None) -> bool:
    return _parsed(arguments).get("uninstall") is True


def _parsed(arguments: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments or "{}")
        except ValueError:
            return {}
    return arguments if isinstance(arguments, dict) else {}
