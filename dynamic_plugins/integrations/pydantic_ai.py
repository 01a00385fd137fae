"""Plugins as a pydantic-ai toolset: its tools change between the steps of a run, and the agent's approval is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.attachments import taking
from dynamic_plugins.integrations.framework_approval import ConsentingCalls, described, refusal

try:
    from pydantic_ai.exceptions import ApprovalRequired
    from pydantic_ai.messages import BinaryContent, ToolReturn
    from pydantic_ai.tools import AgentDepsT, RunContext, ToolDefinition
    from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
    from pydantic_core import SchemaValidator, core_schema
except ImportError as missing:
    raise ImportError("this needs pydantic-ai: pip install 'agent-dynamic-plugins[pydantic-ai]'") from missing

if TYPE_CHECKING:
    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.approval import ApprovalRequest

__all__ = ["PluginToolset", "refusal"]

#: Arguments are mended and checked where they are used, so that every framework gives the same answer to wrong ones.
_ANYTHING = SchemaValidator(core_schema.any_schema())


class PluginToolset(AbstractToolset[AgentDepsT]):
    """The six actions and the active plugins' own actions, as they are at each step of a run::

        async with DynamicPlugins() as plugins:
            agent = Agent(model, toolsets=[PluginToolset(plugins)], output_type=[str, DeferredToolRequests])

    What needs a person's consent ends the run with ``DeferredToolRequests``; ``metadata[call_id]["text"]`` is what to
    show. With an ``approve`` of its own, *plugins* asks the person itself and no run is ended. The toolset opens and
    closes nothing: *plugins* must be open while it is used.
    """

    def __init__(self, plugins: DynamicPlugins, *, id: str | None = "dynamic-plugins") -> None:  # noqa: A002 - theirs
        self._plugins, self._id = plugins, id
        self._calls = ConsentingCalls(plugins)

    @property
    def id(self) -> str | None:
        return self._id

    async def get_instructions(self, ctx: RunContext[AgentDepsT]) -> str:  # noqa: ARG002 - the base class's signature
        """Return how to use plugins and what is installed now, for the agent's instructions."""
        return await self._plugins.context()

    async def get_tools(self, ctx: RunContext[AgentDepsT]) -> dict[str, ToolsetTool[AgentDepsT]]:  # noqa: ARG002
        """Return what can be called in this step."""
        self._calls.begin_step()
        functions = (each["function"] for each in self._plugins.tools("openai"))
        return {function["name"]: self._tool(function) for function in functions}

    def _tool(self, function: dict[str, Any]) -> ToolsetTool[AgentDepsT]:
        definition = ToolDefinition(
            name=function["name"],
            description=function["description"],
            parameters_json_schema=function["parameters"],
            strict=function["strict"],
        )
        return ToolsetTool(toolset=self, tool_def=definition, max_retries=1, args_validator=_ANYTHING)

    async def call_tool(
        self,
        name: str,
        tool_args: dict[str, Any],
        ctx: RunContext[AgentDepsT],
        tool: ToolsetTool[AgentDepsT],  # noqa: ARG002
    ) -> dict[str, Any] | ToolReturn:
        """Call a tool and return its result object, with the pictures that it brings.

        Raises ApprovalRequired where the person has to agree first.
        """

        async def ask(request: ApprovalRequest) -> bool:
            call_id = ctx.tool_call_id or ""
            if ctx.tool_call_approved and self._calls.is_what_was_shown(call_id, request):
                return True
            self._calls.remember(call_id, request)
            raise ApprovalRequired(metadata=described(request))

        with taking("image") as pictures:
            result = await self._calls.call(name, tool_args, ask)
        if not pictures:
            return result
        content = [BinaryContent(each.data, media_type=each.mime) for each in pictures]
        return ToolReturn(return_value=result, content=content)
