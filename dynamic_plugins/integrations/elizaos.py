"""Plugins for an elizaOS agent: a real elizaOS plugin, which brings the plugins it manages into the agent's runtime.

``AgentRuntime(character=…, plugins=[dynamic_plugins_plugin()])``
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_plugins.chat.embedded.replies import reply_to
from dynamic_plugins.chat.embedded.request import Made
from dynamic_plugins.chat.turn import fenced

try:
    from elizaos.types import Action, ActionResult, Content, Evaluator, Plugin, Provider, ProviderResult
    from elizaos.types.service import Service
except ImportError as missing:
    raise ImportError("this needs elizaos: pip install 'agent-dynamic-plugins[elizaos]'") from missing

from dynamic_plugins.integrations.elizaos_arguments import configuration, declared, delivered, fitted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from elizaos.types import HandlerCallback, IAgentRuntime, Memory, State

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins import plugin as native
    from dynamic_plugins.approval import Approve, AskValues
    from dynamic_plugins.tools import Tool

    Open = Callable[[], DynamicPlugins]

log = logging.getLogger(__name__)

SERVICE = "plugin_management"
MAX_COUNTED = 64
PROVIDER_SECONDS = 5.0
PROVIDER_CHARACTERS = 2000


def dynamic_plugins_plugin(
    home: str | Path | None = None,
    *,
    registries: Sequence[str | Path] = (),
    approve: Approve | None = None,
    ask_values: AskValues | None = None,
) -> Plugin:
    """Return the plugin: six actions, two providers, and the service that holds what they manage.

    The runtime opens the plugins when it registers this one and closes them when it stops. Arguments are those of
    :class:`dynamic_plugins.DynamicPlugins`; without *approve*, installing answers ``needs_confirmation``.
    """
    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.actions import NAMES

    def opened() -> DynamicPlugins:
        return DynamicPlugins(home, registries=registries, approve=approve, ask_values=ask_values)

    service = type("PluginManagementService", (PluginManagementService,), {"opened": staticmethod(opened)})
    return Plugin(
        name="dynamic-plugins",
        description="Finds, installs, configures, uses and unloads plugins while the agent runs",
        actions=[_management_action(name) for name in NAMES],
        providers=[_management_provider(name) for name in ("available_plugins", "dynamic_plugins_status")],
        services=[service],
        events={"MESSAGE_SENT": [_after_message]},
    )


def __getattr__(name: str) -> Any:
    """Give ``plugin``, which elizaOS looks for in a module that it loads by name: the plugin with its settings from
    the environment, and nobody to ask."""
    if name == "plugin":
        return dynamic_plugins_plugin()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class PluginManagementService(Service):
    """Holds the managed plugins of one runtime, and keeps what they offer registered there.

    ``runtime.get_service("plugin_management").plugins`` is the library's :class:`dynamic_plugins.DynamicPlugins`.
    """

    service_type: ClassVar[str] = SERVICE
    opened: ClassVar[Open]

    def __init__(self, runtime: IAgentRuntime, plugins: DynamicPlugins) -> None:
        super().__init__(runtime)
        self.plugins = plugins
        self._guests: dict[str, tuple[native.Plugin, _Guest]] = {}
        self._occurrences: dict[tuple[str, str], int] = {}

    @property
    def capability_description(self) -> str:
        return "Installs, configures, activates, deactivates and unloads plugins while the agent runs"

    @classmethod
    async def start(cls, runtime: IAgentRuntime) -> PluginManagementService:
        """Open the plugins and register what the enabled ones offer."""
        plugins = cls.opened()
        await plugins.__aenter__()
        service = cls(runtime, plugins)
        service.keep_step()
        return service

    async def stop(self) -> None:
        """Withdraw everything from the runtime and end the plugins' processes."""
        for name in list(self._guests):
            self._withdraw(name)
        await self.plugins.__aexit__(None, None, None)

    def keep_step(self) -> None:
        """Bring the runtime to what is active now: withdraw what is not any more, register what is new."""
        self.plugins.app.service.sync()
        mounted = self.plugins.app.runtime.plugins
        for name, (plugin, _) in list(self._guests.items()):
            if mounted.get(name) is not plugin:
                self._withdraw(name)
        tools = self.plugins.app.toolbox.plugin_tools()
        for name, plugin in mounted.items():
            if name not in self._guests:
                guest = _Guest(self, plugin, [tool for tool in tools if tool.plugin == name])
                guest.enter(self.runtime)
                self._guests[name] = (plugin, guest)

    def _withdraw(self, name: str) -> None:
        _, guest = self._guests.pop(name)
        guest.leave(self.runtime)

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool, then bring the runtime into step with what that changed."""
        before = self.plugins.app.store.read()
        try:
            return await self.plugins.call(tool, arguments)
        finally:
            self.keep_step()
            if before != self.plugins.app.store.read():
                self.runtime.state_cache.clear()  # it holds the old status for ever

    def occurrence(self, message: Memory, action: str) -> int:
        """Return how many times *action* was called for *message* before, and count this one."""
        key = (str(message.id), action)
        count = self._occurrences.pop(key, 0)
        self._occurrences[key] = count + 1
        while len(self._occurrences) > MAX_COUNTED:
            del self._occurrences[next(iter(self._occurrences))]
        return count


class _Guest:
    """What one managed plugin has in the runtime: the very objects, so that exactly they leave again."""

    def __init__(self, service: PluginManagementService, plugin: native.Plugin, tools: Sequence[Tool]) -> None:
        taken = {action.name for action in service.runtime.actions}
        self.actions = [_plugin_action(tool, taken) for tool in tools]
        self.providers = [_plugin_provider(service, plugin, provider) for provider in plugin.providers]
        self.evaluators = [_plugin_evaluator(plugin, evaluator) for evaluator in plugin.evaluators]

    def enter(self, runtime: IAgentRuntime) -> None:
        for action in self.actions:
            runtime.register_action(action)
        for provider in self.providers:
            runtime.register_provider(provider)
        for evaluator in self.evaluators:
            runtime.register_evaluator(evaluator)
        runtime.state_cache.clear()  # a room's state is kept for ever: without this nobody would see the new actions

    def leave(self, runtime: Any) -> None:
        # The runtime has no way to take something back. New lists in place of the old ones are safe, where removing
        # in place would make a loop that is under way skip the next component.
        for attribute, mine in (
            ("_actions", self.actions),
            ("_providers", self.providers),
            ("_evaluators", self.evaluators),
        ):
            kept = [each for each in getattr(runtime, attribute) if not any(each is own for own in mine)]
            setattr(runtime, attribute, kept)
        runtime.state_cache.clear()


async def _always(_runtime: IAgentRuntime, _message: Memory, _state: State | None) -> bool:
    return True


def _management_action(name: str) -> Action:
    from dynamic_plugins import prompts
    from dynamic_plugins.actions import schema

    told, shape = prompts.table("actions.toml")[name], schema(name)
    offered = dict(shape["properties"])
    if "configuration" in offered:
        described = f"{told['parameters']['configuration']} Written as NAME=value, several separated by semicolons."
        offered["configuration"] = {"type": ["string", "null"], "description": described}
    return _action(name.upper(), name, told["description"], {**shape, "properties": offered}, told["similes"])


def _plugin_action(tool: Tool, taken: set[str]) -> Action:
    upper = re.sub(r"[^A-Z0-9]", "_", tool.name.upper())
    # Two tools may differ in nothing but case or a dash, and the runtime takes the first of a name.
    name, count = upper, Counter[str]()
    while name in taken:
        count[upper] += 1
        name = f"{upper}_{count[upper] + 1}"
    taken.add(name)
    return _action(name, tool.name, tool.action.description, tool.action.parameters, tool.action.similes)


def _action(name: str, tool: str, description: str, schema: Any, similes: Sequence[str]) -> Action:
    async def handler(
        runtime: IAgentRuntime,
        message: Memory,
        _state: State | None = None,
        options: Any = None,
        callback: HandlerCallback | None = None,
        responses: list[Memory] | None = None,
    ) -> ActionResult:
        result = await _result(runtime, message, options, responses)
        text = reply_to([Made(tool, {}, result)])
        if callback is not None:
            await callback(Content(text=text, actions=[name], source="dynamic-plugins"))
        outcome = ActionResult(success=result["ok"], text=text)
        outcome.data.update({"actionName": name, "result": result})
        if not result["ok"]:
            outcome.error = result["error"]["message"]
        return outcome

    async def _result(
        runtime: IAgentRuntime, message: Memory, options: Any, responses: list[Memory] | None
    ) -> dict[str, Any]:
        try:
            service = _service(runtime)
            said = delivered(name, service.occurrence(message, name), options, responses)
            arguments = fitted(said, schema)
            if tool == "configure_plugin":
                arguments["configuration"] = configuration(arguments.get("configuration"))
            return await service.call(tool, arguments)
        except Exception as error:  # what a handler raises ends the runtime's whole message
            log.exception("%s failed", name)
            return {"ok": False, "error": {"code": "action_failed", "message": f"{type(error).__name__}: {error}"}}

    return Action(
        name, description, handler, _always, similes=[str(each) for each in similes], parameters=declared(schema)
    )


def _management_provider(name: str) -> Provider:
    async def get(runtime: IAgentRuntime, _message: Memory, _state: State) -> ProviderResult:
        async def said() -> str:
            service = _service(runtime)
            service.keep_step()
            (provider,) = [each for each in service.plugins.app.providers if each.name == name]
            text = provider.get()
            return f"# {provider.description}\n{text if isinstance(text, str) else await text}"

        return await _provided(name, said)

    return Provider(name.upper(), get, description=f"What the agent knows of its plugins: {name}", dynamic=True)


def _plugin_provider(service: PluginManagementService, plugin: native.Plugin, provider: native.Provider) -> Provider:
    name = f"{plugin.name}/{provider.name}"

    async def get(_runtime: IAgentRuntime, _message: Memory, _state: State) -> ProviderResult:
        async def said() -> str:
            if plugin.name not in service.plugins.app.service.running():
                return ""  # composing a state must not start processes
            text = provider.get()
            said = text if isinstance(text, str) else await asyncio.wait_for(text, PROVIDER_SECONDS)
            return fenced(said[:PROVIDER_CHARACTERS], name) if said else ""

        return await _provided(name, said)

    return Provider(name, get, description=provider.description, dynamic=True)


async def _provided(name: str, said: Callable[[], Awaitable[str]]) -> ProviderResult:
    try:
        return ProviderResult(text=await said())
    except Exception as error:  # one provider that fails would end the runtime's whole message
        log.warning("%s: %s: %s", name, type(error).__name__, error)
        return ProviderResult(text="")


def _plugin_evaluator(plugin: native.Plugin, evaluator: native.Evaluator) -> Evaluator:
    async def handler(
        _runtime: IAgentRuntime,
        message: Memory,
        _state: State | None = None,
        _options: Any = None,
        _callback: HandlerCallback | None = None,
        responses: list[Memory] | None = None,
    ) -> ActionResult | None:
        reply = "\n".join(response.content.text for response in responses or ())
        value = evaluator.evaluate({"user": message.content.text, "reply": reply})
        if inspect.isawaitable(value):
            value = await value
        if value is None:
            return None
        outcome = ActionResult(success=True)
        outcome.data.update({"result": value})
        return outcome

    return Evaluator(f"{plugin.name}/{evaluator.name}", evaluator.description, handler, _always)


async def _after_message(told: Any) -> None:
    """Take over what another process changed, before the next message."""
    try:
        _service(told["runtime"]).keep_step()
    except Exception as error:  # the runtime's message goes on whatever happens here
        log.warning("plugins could not be brought into step: %s: %s", type(error).__name__, error)


def _service(runtime: IAgentRuntime) -> PluginManagementService:
    service = runtime.get_service(SERVICE)
    if isinstance(service, PluginManagementService):
        return service
    raise LookupError("the plugin management service is not running")
