"""Plugins for the OpenAI Agents SDK: function tools that need approval, and an agent whose tools change as it runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.attachments import taking
from dynamic_plugins.errors import NeedsConfirmationError
from dynamic_plugins.integrations.framework_approval import ConsentingCalls, described, refusal

try:
    from agents import Agent, FunctionTool, RunContextWrapper, TContext, Tool, ToolOutputImage, ToolOutputText
except ImportError as missing:
    raise ImportError("this needs the Agents SDK: pip install 'agent-dynamic-plugins[openai-agents]'") from missing

if TYPE_CHECKING:
    from agents.items import ToolApprovalItem
    from agents.tool_context import ToolContext

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.approval import ApprovalRequest

__all__ = ["PluginAgent", "PluginTools", "refusal"]


class PluginTools:
    """The six actions and the active plugins' own actions as function tools.

    Installing, and activating something for the first time, needs the SDK's approval: the run is interrupted, and
    :meth:`approval` tells what to show the person. With an ``approve`` of its own, *plugins* asks the person itself.
    *plugins* must be open while the tools are used.
    """

    def __init__(self, plugins: DynamicPlugins) -> None:
        self._plugins = plugins
        self._calls = ConsentingCalls(plugins)
        self._made: dict[str, tuple[dict[str, Any], FunctionTool]] = {}

    def now(self) -> list[Tool]:
        """Return what can be called now; a tool that did not change is the same object as the last time."""
        functions = [each["function"] for each in self._plugins.tools("openai")]
        self._made = {function["name"]: self._kept_or_made(function) for function in functions}
        return [tool for _, tool in self._made.values()]

    async def context(self) -> str:
        """Return how to use plugins and what is installed now, for the agent's instructions."""
        return await self._plugins.context()

    async def approval(self, item: ToolApprovalItem) -> dict[str, Any] | None:
        """Return what an interruption asks of the person (``text``, ``question``, ``commands``, …).

        None when it is not about a tool of ours, or when nothing needs consent any more. To say no, use
        ``state.reject(item, rejection_message=refusal(approval))``.
        """
        arguments = item.arguments
        request = await self._calls.request(item.tool_name or "", arguments)
        if request is not None and item.call_id:
            self._calls.remember(item.call_id, request)
        return described(request) if request else None

    def _kept_or_made(self, function: dict[str, Any]) -> tuple[dict[str, Any], FunctionTool]:
        kept = self._made.get(function["name"])
        return kept if kept and kept[0] == function else (function, self._tool(function))

    def _tool(self, function: dict[str, Any]) -> FunctionTool:
        name = function["name"]

        async def needs_approval(context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:  # noqa: ARG001
            request = await self._calls.request(name, arguments)
            if request is not None:
                self._calls.remember(call_id, request)
            return request is not None

        async def invoke(context: ToolContext[Any], arguments: str) -> str | list[ToolOutputText | ToolOutputImage]:
            async def ask(request: ApprovalRequest) -> bool:
                call_id = context.tool_call_id
                if context.is_tool_approved(name, call_id) and self._calls.is_what_was_shown(call_id, request):
                    return True
                raise NeedsConfirmationError(request.name, request.question)  # nobody agreed to exactly this

            with taking("image") as pictures:
                text = json.dumps(await self._calls.call(name, arguments, ask), ensure_ascii=False)
            if not pictures:
                return text
            return [ToolOutputText(text=text), *(ToolOutputImage(image_url=each.address) for each in pictures)]

        return FunctionTool(
            name=name,
            description=function["description"],
            params_json_schema=function["parameters"],
            on_invoke_tool=invoke,
            strict_json_schema=function["strict"],
            needs_approval=needs_approval,
        )


@dataclass
class PluginAgent(Agent[TContext]):
    """An agent that has *plugins*' tools beside its own, as they are at each turn of a run::

    async with DynamicPlugins() as plugins:
        agent = PluginAgent(name="Assistant", plugins=PluginTools(plugins))
        result = await Runner.run(agent, "Install mcp-server-time and switch it on")
    """

    plugins: PluginTools | None = field(default=None, kw_only=True)

    async def get_all_tools(self, run_context: RunContextWrapper[TContext]) -> list[Tool]:
        """Return the agent's own tools and those of the plugins now."""
        own = await super().get_all_tools(run_context)
        return [*own, *self.plugins.now()] if self.plugins else own

    async def get_system_prompt(self, run_context: RunContextWrapper[TContext]) -> str | None:
        """Return the agent's instructions, and how plugins stand now."""
        own = await super().get_system_prompt(run_context)
        if self.plugins is None:
            return own
        return "\n\n".join(part for part in (own, await self.plugins.context()) if part)
