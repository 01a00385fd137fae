"""pydantic-ai's own agent, with its own function model, holds the conversations that every integration holds."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.integrations.consent import refusal
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, check, registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_ai import Agent, AgentRunResult
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models.function import AgentInfo

pytestmark = pytest.mark.skipif(find_spec("pydantic_ai") is None, reason="pydantic-ai is not installed")


class Script:
    """The model: makes the calls of each step, then says that it is done."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._steps: Iterator[tuple[Call, ...]] = iter(())

    def begin(self, steps: tuple[tuple[Call, ...], ...]) -> None:
        self._steps = iter(steps)

    def __call__(self, _messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

        self._held.offered.append(frozenset(tool.name for tool in info.function_tools))
        step = next(self._steps, None)
        if step is None:
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart(call.tool, json.dumps(call.arguments)) for call in step])


def agent(plugins: DynamicPlugins, model: Any) -> Agent[None, Any]:
    from pydantic_ai import Agent, DeferredToolRequests
    from pydantic_ai.models.function import FunctionModel

    from dynamic_plugins.integrations.pydantic_ai import PluginToolset

    return Agent(FunctionModel(model), toolsets=[PluginToolset(plugins)], output_type=[str, DeferredToolRequests])


async def converse(
    agent: Agent[None, Any], said: str, before: list[ModelMessage], person: Person
) -> list[ModelMessage]:
    """Hold one turn: ask the person when the run stops for them, and go on with their answers."""
    from pydantic_ai import DeferredToolRequests, DeferredToolResults, ToolDenied

    result: AgentRunResult[Any] = await agent.run(said, message_history=before)
    while isinstance(result.output, DeferredToolRequests):
        answers = DeferredToolResults()
        for call in result.output.approvals:
            told = result.output.metadata[call.tool_call_id]
            agreed = person.agrees(told["question"])
            answers.approvals[call.tool_call_id] = True if agreed else ToolDenied(refusal(told))
        result = await agent.run(message_history=result.all_messages(), deferred_tool_results=answers)
    assert result.output == "done"
    return result.all_messages()


def results(messages: list[ModelMessage]) -> list[tuple[str, dict[str, Any]]]:
    """Return what the model was given for each call, in the order of the calls."""
    from pydantic_ai.messages import ModelResponse, ToolCallPart, ToolReturnPart

    parts = [part for message in messages for part in message.parts]
    given = {part.tool_call_id: part.content for part in parts if isinstance(part, ToolReturnPart)}
    calls = [
        part for m in messages if isinstance(m, ModelResponse) for part in m.parts if isinstance(part, ToolCallPart)
    ]
    found = []
    for call in calls:
        content: Any = given[call.tool_call_id]
        found.append((call.tool_name, json.loads(content) if isinstance(content, str) else content))
    return found


@EACH
async def test_an_agent_holds_the_conversation(conversation: Conversation, tmp_path: Path) -> None:
    held = Held()
    script, person = Script(held), Person(conversation, held)
    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        messages: list[ModelMessage] = []
        for turn in conversation.turns:
            script.begin(turn.steps)
            messages = await converse(agent(plugins, script), turn.said, messages, person)
    held.results = results(messages)
    await check(held, conversation)
