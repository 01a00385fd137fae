"""Plugins for LangChain: structured tools, and a middleware that keeps an agent's tools up to date as it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.attachments import taking
from dynamic_plugins.errors import NeedsConfirmationError
from dynamic_plugins.integrations.framework_approval import ConsentingCalls, described

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState
    from langchain_core.messages import SystemMessage
    from langchain_core.tools import BaseTool, StructuredTool, ToolException
    from langgraph.types import interrupt
except ImportError as missing:
    raise ImportError("this needs LangChain: pip install 'agent-dynamic-plugins[langchain]'") from missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain.agents.middleware.types import (
        ExtendedModelResponse,
        ModelRequest,
        ModelResponse,
        ToolCallRequest,
    )
    from langchain_core.messages import AIMessage, ToolMessage
    from langgraph.types import Command

    from dynamic_plugins import DynamicPlugins
    from dynamic_plugins.approval import ApprovalRequest

__all__ = ["PluginMiddleware", "PluginTool", "PluginTools"]


class PluginTool(StructuredTool):
    """A structured tool whose arguments reach the plugin as they were given, whatever their names.

    ``StructuredTool`` passes arguments by keyword beside its own ``config`` and ``run_manager``; a plugin may have
    parameters of these names.
    """

    def _to_args_and_kwargs(
        self,
        tool_input: str | dict[str, Any],
        tool_call_id: str | None,  # noqa: ARG002 - the base class's signature
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (tool_input,), {}


class PluginTools:
    """The six actions and the active plugins' own actions as LangChain tools.

    In a LangGraph graph with a checkpointer, what needs a person's consent is an ``interrupt`` in the form of
    LangChain's human-in-the-loop requests; elsewhere the answer is ``needs_confirmation``, unless *plugins* has an
    ``approve`` of its own. Tools are async (``ainvoke``). *plugins* must be open while they are used.
    """

    def __init__(self, plugins: DynamicPlugins) -> None:
        self._plugins = plugins
        self._calls = ConsentingCalls(plugins)

    def now(self) -> list[StructuredTool]:
        """Return what can be called now; ask again before each request to the model."""
        self._calls.begin_step()
        return self.in_step()

    def in_step(self) -> list[StructuredTool]:
        """Return what can be called now, in the middle of a step: what its other calls wait for stays."""
        return [self._tool(each["function"]) for each in self._plugins.tools("openai")]

    async def context(self) -> str:
        """Return how to use plugins and what is installed now, for the system prompt."""
        return await self._plugins.context()

    def _tool(self, function: dict[str, Any]) -> StructuredTool:
        name = function["name"]

        async def call(arguments: str | dict[str, Any]) -> str | list[dict[str, str]]:
            async def ask(request: ApprovalRequest) -> bool:
                return _interrupted(name, arguments, request)

            with taking("image") as pictures:
                result = await self._calls.call(name, arguments, ask)
            text = json.dumps(result, ensure_ascii=False)
            if not result["ok"]:
                raise ToolException(text)  # which makes of it a message with the status "error"
            if not pictures:
                return text
            shown = [{"type": "image", "base64": each.base64, "mime_type": each.mime} for each in pictures]
            return [{"type": "text", "text": text}, *shown]

        return PluginTool(
            name=name,
            description=function["description"],
            args_schema=function["parameters"],
            coroutine=call,
            handle_tool_error=True,
        )


class PluginMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Gives an agent the plugins' tools as they are at each step, and tells it how plugins stand::

        async with DynamicPlugins() as plugins:
            agent = create_agent(model, middleware=[PluginMiddleware(PluginTools(plugins))], checkpointer=saver)
            await agent.ainvoke({"messages": "install mcp-server-time"}, {"configurable": {"thread_id": "1"}})

    A call that needs consent interrupts the run: ``result["__interrupt__"][0].value["action_requests"][0]`` says what
    to show (``description``), and ``Command(resume={"decisions": [{"type": "approve"}]})`` goes on.
    """

    def __init__(self, plugins: PluginTools) -> None:
        super().__init__()
        self._plugins = plugins
        self.tools: list[BaseTool] = []

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any] | AIMessage | ExtendedModelResponse[Any]:
        """Ask the model with the tools and the context of this moment."""
        told = "\n\n".join(part for part in (request.system_prompt, await self._plugins.context()) if part)
        tools = [*request.tools, *self._plugins.now()]
        return await handler(request.override(tools=tools, system_message=SystemMessage(told)))

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Run a plugin's tool, which the graph did not know when it was built."""
        if request.tool is None:
            tool = next((tool for tool in self._plugins.in_step() if tool.name == request.tool_call["name"]), None)
            request = request.override(tool=tool) if tool is not None else request
        return await handler(request)


def _interrupted(name: str, arguments: Any, request: ApprovalRequest) -> bool:
    """Interrupt the graph and return whether the person agreed, once it is resumed."""
    told = described(request)
    action = {"name": name, "args": arguments, "description": told["text"]}
    review = {"action_name": name, "allowed_decisions": ["approve", "reject"]}
    try:
        answer = interrupt({"action_requests": [action], "review_configs": [review], "request": told})
    except (RuntimeError, KeyError):  # not in a graph, or in one that cannot be interrupted
        raise NeedsConfirmationError(request.name, request.question) from None
    decisions = answer.get("decisions") if isinstance(answer, dict) else None
    return answer is True or (isinstance(decisions, list) and [each.get("type") for each in decisions] == ["approve"])
