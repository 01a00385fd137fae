"""The composition root: everything is made here, once, and handed what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.app import parts
from dynamic_plugins.app.upkeep import Upkeep
from dynamic_plugins.core import atomic_file, telemetry
from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.core.permissions import ENFORCED, NOT_ENFORCED
from dynamic_plugins.errors import PluginError, UnavailableHereError
from dynamic_plugins.events import Listener, ignore
from dynamic_plugins.lifecycle.admission import Admission
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.lifecycle.local_files import presence
from dynamic_plugins.lifecycle.service import PluginManagementService
from dynamic_plugins.lifecycle.shared_approval import SharedApproval
from dynamic_plugins.oauth.sign_ins import SignIns
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.storage.audit import AuditLog
from dynamic_plugins.storage.backend_choice import open_backend
from dynamic_plugins.storage.call_log import FILE as CALLS_FILE
from dynamic_plugins.storage.call_log import CallLog
from dynamic_plugins.storage.usage_log import Journal
from dynamic_plugins.workers.loader_choice import open_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from dynamic_plugins.approval import Approve, AskSignIn, AskValues
    from dynamic_plugins.chat.conversation import Conversation
    from dynamic_plugins.chat.plugin_reader import PluginReader
    from dynamic_plugins.chat.redaction_setup import ScrubbedLogs
    from dynamic_plugins.core.model_protocol import Model
    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.plugin import Provider
    from dynamic_plugins.project.project_set import ProjectSets
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.action_search import ActionSearch
    from dynamic_plugins.settings import ConfirmCalls, Settings
    from dynamic_plugins.tools.injection_guard import InjectionGuard
    from dynamic_plugins.tools.management import PastedSecrets
    from dynamic_plugins.tools.prepared_call import Prepared
    from dynamic_plugins.tools.program_tool import ProgramTool
    from dynamic_plugins.tools.reach_consent import ReachConsent
    from dynamic_plugins.tools.toolbox import Toolbox


log = logging.getLogger(__name__)


def _log_worker_line(plugin: str, line: str) -> None:
    """Log what a plugin's worker printed; the loader has taken its secrets out."""
    log.info("%s: %s", plugin, line)


def _changes(call: Prepared) -> bool:
    """Return whether *call* may change something; asked only where calls are asked about."""
    from dynamic_plugins.chat.change_guard import changes

    return changes(call)


class App:
    """The whole application on one home folder; ``async with App(settings) as app``.

    Leaving the block ends every worker; what is enabled is enabled again in the next one. *door* is what the audit log
    and the operator's policy call whoever opens it; *confirm_calls* says which calls that are not a person's own order
    are asked about, where the settings do not. One that *ends_soon*, as every command at a terminal does, lets a
    refresh of the registries outlive it. Where nobody can be asked here and this home's page is open, its answer is
    waited for; one that *answers_later* ends the call at once, and the same call made again has the answer. *log_line*
    gets each line that a plugin's worker prints, without its secrets.
    """

    _model: Model | None = None
    _conversations: weakref.WeakSet[Conversation]
    _logs: ScrubbedLogs | None = None

    def __init__(
        self,
        settings: Settings,
        *,
        approve: Approve | None = None,
        ask_values: AskValues | None = None,
        ask_sign_in: AskSignIn | None = None,
        listener: Listener = ignore,
        door: str = "library",
        confirm_calls: ConfirmCalls = "never",
        asks_about_reach: bool = True,
        ends_soon: bool = False,
        answers_later: bool = False,
        log_line: Callable[[str, str], None] = _log_worker_line,
    ) -> None:
        self.settings, self._asks_about_reach = settings, asks_about_reach
        self._confirm_calls: ConfirmCalls = settings.confirm_calls or confirm_calls
        self.registry = parts.registry(settings, ends_soon=ends_soon or door == "terminal")
        self.backend = backend = open_backend(settings)
        self.store, self.components = parts.saved_state(settings, backend), ComponentRegistry()
        self.catalogue = self._make_catalogue()
        installed, budget = backend.state().read, parts.budget(settings)  # threads read the state by themselves
        self.configuration = parts.configuration(settings, backend, installed)
        self.sign_ins = SignIns(self.configuration.sign_ins, self.configuration.values)
        self.installer = parts.installer(settings, self._installed_path, backend.recipes(), budget)
        self.loader = open_loader(settings, backend.identity, self.installer, self.sign_ins, log_line)
        self.audit, self.policy = AuditLog(settings.audit_file, door, settings.profile or ""), parts.policy(settings)
        self.service = PluginManagementService(
            catalogue=self.catalogue,
            installer=self.installer,
            loader=self.loader,
            components=self.components,
            store=self.store,
            configuration=self.configuration,
            journal=Journal(settings.home / "journal.json", installed),
            calls=CallLog(settings.home / CALLS_FILE, door),
            admission=Admission(self.policy, self.registry, self.audit, settings.revoked, settings.most_plugins),
            approve=approve,
            shared=self._shared_approval(door, listener, later=answers_later),
            ask_values=ask_values,
            sign_ins=self.sign_ins,
            ask_sign_in=ask_sign_in,
            listener=listener,
            use_model=None if settings.model.embedded else self._use_model,
            enforced=self._enforced,
            local_files=presence(settings),
            budget=budget,
        )
        self._upkeep = Upkeep(self.service, self.registry, settings.timeouts.idle)
        self._telemetry = telemetry.started(settings.telemetry)
        self._conversations = weakref.WeakSet()

    def _make_catalogue(self) -> Catalogue:
        home, meaning = self.settings.home, self.settings.meaning
        catalogue = Catalogue(
            self.registry, self._installed_entries, home / "registry", meaning=meaning, runs_here=self.runs_here
        )
        self.registry.watch(before_new_copy=catalogue.prepare)
        return catalogue

    def _enforced(self, name: str, permissions: Permissions) -> Enforcement:
        """Return what the fence enforces of *permissions*; one in this process has none, one elsewhere needs none."""
        if permissions.elsewhere:
            return ENFORCED
        return NOT_ENFORCED if self.loader.runs_here(name) else self.loader.workers.enforcement(permissions)

    def _shared_approval(self, door: str, listener: Listener, *, later: bool) -> SharedApproval:
        """Return what asks on the page of this home as well."""
        home, seconds = self.settings.home, self.settings.timeouts.person
        scrub = self._without_secrets
        return SharedApproval(home, door, later=later, scrub=scrub, listener=listener, seconds=seconds)

    def _without_secrets(self, text: str) -> str:
        """Return *text* without secrets; it may block."""
        from dynamic_plugins.redaction.blanked_text import blanked

        return blanked(text, self.configuration.secrets())

    def _without_kept_secrets(self, text: str) -> str:
        """Return *text* without the secrets of any plugin; it may block."""
        from dynamic_plugins.redaction.scrubber import BLANK, Scrubber

        return Scrubber(dict.fromkeys(self.configuration.secrets(), BLANK)).text(text)

    def runs_here(self, entry: Entry) -> bool:
        """Return whether this machine can run a plugin, as far as its entry tells."""
        try:
            self.installer.plan(entry)
        except UnavailableHereError:
            return False
        except PluginError:
            return True  # what stands in its way is not this machine
        return True

    def _installed_entries(self) -> dict[str, Entry]:
        return {name: plugin.installation.entry for name, plugin in self.store.read().items()}

    def _installed_path(self, name: str) -> str | None:
        plugin = self.store.everything().get(name) or self.store.leaving().get(name)
        return plugin.installation.path if plugin is not None else None

    # Made at first use: a command such as status needs neither, and reading the prompts takes time.
    @cached_property
    def toolbox(self) -> Toolbox:
        """The tools: the six actions, and those of the active plugins, with a guard in front of them."""
        from dynamic_plugins.tools.injection_guard import InjectionGuard

        reach = self.reach_consent() if self._asks_about_reach else None
        return self._tools(None, reach, InjectionGuard(self.reader))

    @cached_property
    def reader(self) -> PluginReader:
        """What knows names for the guards."""
        from dynamic_plugins.chat.plugin_reader import PluginReader

        return PluginReader(self.catalogue, self.store.read, lambda: self.toolbox.plugin_tools())

    def _tools(
        self, pasted: PastedSecrets | None, reach: ReachConsent | None, guard: InjectionGuard | None = None
    ) -> Toolbox:
        from dynamic_plugins.tools.call_consent import CallConsent
        from dynamic_plugins.tools.management import management_actions
        from dynamic_plugins.tools.toolbox import Toolbox

        actions = management_actions(self.service, self.installer, pasted)
        consent = CallConsent(self.service, _changes, self._mode(pasted))
        return Toolbox(
            actions,
            self.components,
            self.service.use,
            guard,
            withheld=self.service.withheld,
            consent=consent.check,
            search=self._action_search,
            reach=reach,
            wait_for=self.service.pending.wait_for,
            choices=self.service.action_choices,
            programs=self._programs if self.settings.code_mode else None,
            characters=self.settings.result_characters,
        )

    @cached_property
    def _programs(self) -> ProgramTool:
        from dynamic_plugins.tools.program_tool import ProgramTool
        from dynamic_plugins.workers.program_process import ProgramRunner

        return ProgramTool(ProgramRunner(self.settings.sandbox), _changes, self._without_kept_secrets)

    @cached_property
    def _action_search(self) -> ActionSearch:
        from dynamic_plugins.resolver.action_search import ActionSearch

        return ActionSearch(meaning=self.settings.meaning, cache=self.settings.home / "registry")

    def reach_consent(self, *, in_turns: bool = False) -> ReachConsent:
        """Return what asks the person about what plugins may not reach, for one conversation."""
        from dynamic_plugins.lifecycle.reach_limits import ReachLimits
        from dynamic_plugins.tools.reach_consent import ReachConsent

        limits = ReachLimits(os.path.expanduser("~"), self.settings.home)  # noqa: PTH111
        return ReachConsent(self.service.reach, _changes, limits, in_turns=in_turns)

    async def call_for_person(self, name: str, action: str, arguments: dict[str, Any]) -> Any:
        """Return what an action gives that a person calls themselves; what it may not reach is asked about."""
        from dynamic_plugins.tools.prepared_call import Prepared
        from dynamic_plugins.tools.tool_formats import Tool

        self.service.sync()
        call = Prepared(action, arguments, Tool(action, self.components.action(name, action), name))
        return await self.reach_consent().make(call, lambda: self.service.call(name, action, arguments))

    def _mode(self, pasted: PastedSecrets | None) -> ConfirmCalls:
        """Return which calls are asked about: in the chat, whose guard knows what the person ordered, none unasked."""
        return self._confirm_calls if pasted is None else self.settings.confirm_calls or "never"

    @cached_property
    def providers(self) -> list[Provider]:
        """The two providers."""
        from dynamic_plugins.tools.system_prompt import management_providers

        return management_providers(self.service)

    async def __aenter__(self) -> Self:
        atomic_file.keep_private(self.settings.home)
        self.service.sync()
        self._upkeep.begin()
        await self._telemetry.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._close())  # whoever is cancelled meanwhile, and again, leaves no worker behind

    async def _close(self) -> None:
        async with contextlib.AsyncExitStack() as ending:  # from the end; what fails does not stop the rest
            ending.push_async_callback(self._telemetry.__aexit__, None, None, None)
            if self._model is not None:
                ending.push_async_callback(self._model.close)
            ending.callback(self.backend.close)
            if self._logs is not None:
                ending.callback(self._logs.stop)
            ending.push_async_callback(self.service.close)
            ending.push_async_callback(self.sign_ins.close)
            ending.push_async_callback(self._upkeep.end)
            await asyncio.gather(*(conversation.settle() for conversation in self._conversations))

    def project_sets(self) -> ProjectSets:
        """Return what makes this home follow the ``plugins.toml`` of a project."""
        from dynamic_plugins.project.project_set import ProjectSets

        return ProjectSets(
            catalogue=self.catalogue,
            installer=self.installer,
            store=self.store,
            configuration=self.configuration,
            service=self.service,
            listener=self.service.listener,
        )

    def sweep(self) -> None:
        """Remove what an install or removal that was cut short has left behind."""

        def known() -> set[str]:
            self.store.refresh()  # what another process has just put in place is no leftover
            return {path for plugin in self.store.everything().values() for path in plugin.folders}

        self.installer.sweep(known)
        for folder in (self.settings.home, self.settings.home / "registry"):
            atomic_file.sweep(folder)

    def model(self) -> Model:
        """Return the model that the settings name; made at first use."""
        if self._model is None:
            from dynamic_plugins.chat.model_factory import open_model

            self._model = open_model(self.settings, self.catalogue)
        return self._model

    async def _use_model(self, messages: Sequence[dict[str, str]]) -> str | None:
        """Answer a plugin that asks for a model; the embedded one only calls tools, so it is not offered."""
        from dynamic_plugins.core.model_protocol import Say
        from dynamic_plugins.errors import ModelError

        try:
            answer = await self.model().respond(messages, [])
        except ModelError:
            return None
        return answer.text if isinstance(answer, Say) else None

    def conversation(self, *, one_turn: bool = False) -> Conversation:
        """Return a new conversation with the model, which can use and manage the plugins of this home.

        With *one_turn* it asks nothing that only a second turn could answer.
        """
        from dynamic_plugins.chat.conversation import Conversation
        from dynamic_plugins.chat.redaction_setup import ScrubbedLogs, open_session_vault

        vault = open_session_vault(self.catalogue, self.store, self.configuration)
        self._logs = self._logs or ScrubbedLogs()
        self._logs.add(vault)
        reach = self.reach_consent(in_turns=not one_turn)
        conversation = Conversation(
            self.model(),
            self._tools(vault, reach),
            self.providers,
            vault=vault,
            reach=reach,
            reader=self.reader,
            context=self.service.context,
            plugins=self.service.status,
            evaluate=self.service.evaluate,
            max_steps=self.settings.max_steps,
            turn_seconds=self.settings.timeouts.turn,
        )
        self._conversations.add(conversation)
        return conversation
