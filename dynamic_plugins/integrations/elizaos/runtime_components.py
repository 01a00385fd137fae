"""Our components as an elizaOS runtime takes them, and what a managed plugin has in the runtime while it is active."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from typing import TYPE_CHECKING, Any, Protocol

from elizaos.types import Action, ActionResult, Content, Evaluator, Provider, ProviderResult

from dynamic_plugins.chat.untrusted_text import fenced
from dynamic_plugins.embedded.context.request import Made
from dynamic_plugins.embedded.replies.answers import answer_to
from dynamic_plugins.integrations.elizaos.runtime_arguments import configuration, declared, delivered, fitted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from elizaos.types import HandlerCallback, IAgentRuntime, Memory, State

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins import plugin as native
    from dynamic_plugins.tools.tool_formats import Tool

log = logging.getLogger(__name__)

SERVICE = "dynamic_plugins"
PROVIDER_SECONDS = 5.0
PROVIDER_CHARACTERS = 2000


class Host(Protocol):
    """The service of one runtime that holds the managed plugins."""

    plugins: DynamicPlugins

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]: ...

    def occurrence(self, message: Memory, action: str) -> int:
        """Return how many times *action* was called for *message* before, and count this one."""


def host(runtime: IAgentRuntime) -> Host:
    """Return the runtime's service. Raises LookupError where it is not running."""
    service: Any = runtime.get_service(SERVICE)
    if service is None:
        raise LookupError("the plugin management service is not running")
    return service  # type: ignore[no-any-return]


class Guest:
    """What one managed plugin has in the runtime: the very objects, so that exactly they leave again."""

    def __init__(self, runtime: IAgentRuntime, plugin: native.Plugin, tools: Sequence[Tool]) -> None:
        self.plugin, self._runtime = plugin, runtime
        taken = {action.name for action in runtime.actions}
        self._actions = [_plugin_action(tool, taken) for tool in tools]
        self._providers = [_plugin_provider(plugin, provider) for provider in plugin.providers]
        self._evaluators = [_plugin_evaluator(plugin, evaluator) for evaluator in plugin.evaluators]

    def enter(self) -> None:
        """Register everything."""
        for action in self._actions:
            self._runtime.register_action(action)
        for provider in self._providers:
            self._runtime.register_provider(provider)
        for evaluator in self._evaluators:
            self._runtime.register_evaluator(evaluator)

    def leave(self) -> None:
        """Withdraw everything. A new list in each place: removing in place would make a loop that is under way skip
        the next component, and the runtime has no way of its own to take something back."""
        mine: dict[str, Sequence[Any]] = {
            "_actions": self._actions,
            "_providers": self._providers,
            "_evaluators": self._evaluators,
        }
        for attribute, own in mine.items():
            kept = [each for each in getattr(self._runtime, attribute) if not any(each is one for one in own)]
            setattr(self._runtime, attribute, kept)


def action(
    name: str, tool: str, description: str, schema: Mapping[str, Any], similes: Sequence[str], said: str = ""
) -> Action:
    """Return the action *name* of the runtime, which calls *tool* with arguments that fit *schema*.

    *said* is the name of the one argument that is configuration, which models write in their own ways.
    """

    async def result_of(
        runtime: IAgentRuntime, message: Memory, options: Any, responses: list[Memory] | None
    ) -> dict[str, Any]:
        try:
            service = host(runtime)
            arguments = fitted(delivered(name, service.occurrence(message, name), options, responses), schema)
            if said:
                arguments[said] = configuration(arguments.get(said))
            return await service.call(tool, arguments)
        except Exception as error:  # what a handler raises ends the runtime's whole message
            log.exception("%s failed", name)
            return {"ok": False, "error": {"code": "action_failed", "message": f"{type(error).__name__}: {error}"}}

    async def handler(
        runtime: IAgentRuntime,
        message: Memory,
        _state: State | None = None,
        options: Any = None,
        callback: HandlerCallback | None = None,
        responses: list[Memory] | None = None,
    ) -> ActionResult:
        result = await result_of(runtime, message, options, responses)
        text = answer_to([Made(tool, {}, result)])
        if callback is not None:
            await callback(Content(text=text, actions=[name], source="dynamic-plugins"))
        outcome = ActionResult(success=result["ok"], text=text)
        outcome.data.update({"actionName": name, "result": result})
        if not result["ok"]:
            outcome.error = result["error"]["message"]
        return outcome

    return Action(name, description, handler, _always, similes=list(similes), parameters=declared(schema))


def management_provider(name: str) -> Provider:
    """Return one of the two providers, under its name in capitals."""

    async def get(runtime: IAgentRuntime, _message: Memory, _state: State) -> ProviderResult:
        async def provided_text() -> str:
            # The runtime is not brought into step here: what is being composed would be kept as it was before.
            (provider,) = [each for each in host(runtime).plugins.app.providers if each.name == name]
            text = provider.get()
            return f"# {provider.description}\n{text if isinstance(text, str) else await text}"

        return await _provided(name, provided_text)

    return Provider(name.upper(), get, description=f"What the agent knows of its plugins: {name}", dynamic=True)


async def _always(_runtime: IAgentRuntime, _message: Memory, _state: State | None) -> bool:
    return True


def _plugin_action(tool: Tool, taken: set[str]) -> Action:
    upper = re.sub(r"[^A-Z0-9]", "_", tool.name.upper())
    # Two tools may differ in nothing but case or a dash, and the runtime takes the first of a name.
    name, count = upper, 1
    while name in taken:
        count += 1
        name = f"{upper}_{count}"
    taken.add(name)
    return action(name, tool.name, tool.action.description, tool.action.parameters, tool.action.similes)


def _plugin_provider(plugin: native.Plugin, provider: native.Provider) -> Provider:
    name = f"{plugin.name}/{provider.name}"

    async def get(runtime: IAgentRuntime, _message: Memory, _state: State) -> ProviderResult:
        async def provided_text() -> str:
            if not _runs(runtime, plugin):
                return ""  # composing a state must not start processes
            text = provider.get()
            said = text if isinstance(text, str) else await asyncio.wait_for(text, PROVIDER_SECONDS)
            return fenced(said[:PROVIDER_CHARACTERS], name) if said else ""

        return await _provided(name, provided_text)

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

    async def validate(runtime: IAgentRuntime, _message: Memory, _state: State | None) -> bool:
        return _runs(runtime, plugin)  # a message must not start processes

    return Evaluator(f"{plugin.name}/{evaluator.name}", evaluator.description, handler, validate)


def _runs(runtime: IAgentRuntime, plugin: native.Plugin) -> bool:
    return plugin.name in host(runtime).plugins.app.service.running()
