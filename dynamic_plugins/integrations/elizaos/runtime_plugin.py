"""Plugins for an elizaOS agent: a real elizaOS plugin, which brings the plugins it manages into the agent's runtime.

``AgentRuntime(character=…, plugins=[dynamic_plugins_plugin()])``
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

try:
    from elizaos.types import Action, Plugin
    from elizaos.types.service import Service
except ImportError as missing:
    raise ImportError("this needs elizaos: pip install 'agent-dynamic-plugins[elizaos]'") from missing

from dynamic_plugins.integrations.elizaos.runtime_components import SERVICE, Guest, action, management_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from elizaos.types import IAgentRuntime, Memory

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.approval import Approve, AskValues

    Open = Callable[[], DynamicPlugins]

log = logging.getLogger(__name__)

MAX_COUNTED = 64
"""For how many actions of messages it is remembered how often they were called; a message is over soon."""


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
    from dynamic_plugins.tools.management import NAMES

    def opened() -> DynamicPlugins:
        # As other frameworks: an agent that did not stop for a call before does not begin to, unless it is told so.
        return DynamicPlugins(
            home, registries=registries, approve=approve, ask_values=ask_values, confirm_calls="never"
        )

    service = type("PluginManagementService", (PluginManagementService,), {"opened": staticmethod(opened)})
    return Plugin(
        name="dynamic-plugins",
        description="Finds, installs, configures, uses and unloads plugins while the agent runs",
        actions=[_management_action(name) for name in NAMES],
        providers=[management_provider(name) for name in ("available_plugins", "dynamic_plugins_status")],
        services=[service],
        events={"MESSAGE_SENT": [_after_message]},
    )


class PluginManagementService(Service):
    """Holds the managed plugins of one runtime, and keeps what they offer registered there.

    ``runtime.get_service("dynamic_plugins").plugins`` is the library's :class:`dynamic_plugins.DynamicPlugins`.
    """

    service_type: ClassVar[str] = SERVICE
    opened: ClassVar[Open]

    def __init__(self, runtime: IAgentRuntime, plugins: DynamicPlugins) -> None:
        super().__init__(runtime)
        self.plugins = plugins
        self._guests: dict[str, Guest] = {}
        self._occurrences: dict[tuple[str, str], int] = {}
        self._rooms_up_to_date: set[str] = set()

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
        while self._guests:
            self._guests.popitem()[1].leave()
        self._forget_states()
        await self.plugins.__aexit__(None, None, None)

    def keep_step(self) -> None:
        """Bring the runtime to what is active now: withdraw what is not any more, register what is new."""
        app = self.plugins.app
        app.service.sync()
        mounted = app.components.plugins
        gone = [name for name, guest in self._guests.items() if mounted.get(name) is not guest.plugin]
        for name in gone:
            self._guests.pop(name).leave()
        new = [name for name in mounted if name not in self._guests]
        tools = app.toolbox.plugin_tools()
        for name in new:
            self._guests[name] = Guest(self.runtime, mounted[name], [tool for tool in tools if tool.plugin == name])
            self._guests[name].enter()
        if gone or new:
            self._forget_states()

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool, then bring the runtime into step with what that changed."""
        before = self.plugins.app.store.read()
        try:
            return await self.plugins.call(tool, arguments)
        finally:
            self.keep_step()
            if before != self.plugins.app.store.read():
                self._forget_states()

    def after_message(self, room: str) -> None:
        """Take over what another process changed, before the next message in *room*."""
        self.keep_step()
        if room not in self._rooms_up_to_date:
            # What was composed while something changed was kept after the change had made all states be forgotten.
            self.runtime.state_cache.pop(room, None)
            self._rooms_up_to_date.add(room)

    def _forget_states(self) -> None:
        """Have every room's state composed anew: the runtime would keep what it told a room once for ever."""
        self.runtime.state_cache.clear()
        self._rooms_up_to_date.clear()

    def occurrence(self, message: Memory, action: str) -> int:
        """Return how many times *action* was called for *message* before, and count this one."""
        key = (str(message.id), action)
        count = self._occurrences.pop(key, 0)
        self._occurrences[key] = count + 1
        while len(self._occurrences) > MAX_COUNTED:
            del self._occurrences[next(iter(self._occurrences))]
        return count


def _management_action(name: str) -> Action:
    from dynamic_plugins.core import prompt_files
    from dynamic_plugins.tools.management import schema

    told, shape = prompt_files.table("actions.toml")[name], schema(name)
    offered, said = dict(shape["properties"]), ""
    if "configuration" in offered:
        said = "configuration"
        described = f"{told['parameters'][said]} Written as NAME=value, several separated by semicolons."
        offered[said] = {"type": ["string", "null"], "description": described}
    return action(name.upper(), name, told["description"], {**shape, "properties": offered}, told["similes"], said)


async def _after_message(told: Any) -> None:
    try:
        service = told["runtime"].get_service(SERVICE)
        if isinstance(service, PluginManagementService):
            service.after_message(str(told["message"].room_id))
    except Exception as error:  # the runtime's message goes on whatever happens here
        log.warning("plugins could not be brought into step: %s: %s", type(error).__name__, error)
