"""pydantic-ai's own agent, with its own function model, holds the conversations that every integration holds."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.integrations.framework_approval import refusal
from tests.conftest import EXAMPLES
from tests.integrations.conversations import (
    EACH,
    PLUGINS,
    Call,
    Conversation,
    Held,
    Person,
    assert_held,
    registry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_ai import Agent, AgentRunResult
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models.function import AgentInfo

    from dynamic_plugins.approval import ApprovalRequest

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
    await assert_held(held, conversation)


INSTALL = ((Call("install_plugin", {"plugin_name": "hello"}, {}),),)


async def test_an_approve_of_the_plugins_own_goes_first_and_no_run_is_ended(tmp_path: Path) -> None:
    script, asked = Script(Held()), []

    async def approve(request: ApprovalRequest) -> bool:
        asked.append(request.question)
        return True

    async with DynamicPlugins(tmp_path / "home", registries=[registry()], approve=approve) as plugins:
        script.begin(INSTALL)
        result = await agent(plugins, script).run("install hello")
    assert result.output == "done"
    assert len(asked) == 1


async def test_the_person_is_shown_everything_and_agrees_to_exactly_that(tmp_path: Path) -> None:
    """A registry that changes between the question and the answer does not change what was agreed to."""
    from pydantic_ai import DeferredToolResults

    own = tmp_path / "registry.json"
    own.write_text(registry().read_text())
    script = Script(Held())
    async with DynamicPlugins(tmp_path / "home", registries=[own]) as plugins:
        script.begin(INSTALL)
        assistant = agent(plugins, script)
        first = await assistant.run("install hello")
        (call,) = first.output.approvals
        told = first.output.metadata[call.tool_call_id]
        assert told["text"].startswith(told["question"])
        assert all(part in told["text"] for part in ("hello 1.0.0", str(EXAMPLES / "hello-plugin"), "uv venv"))
        own.write_text(own.read_text().replace(str(EXAMPLES / "hello-plugin"), str(PLUGINS / "moods")))
        yes = DeferredToolResults(approvals={call.tool_call_id: True})
        again = await assistant.run(message_history=first.all_messages(), deferred_tool_results=yes)
        (call,) = again.output.approvals
        assert str(PLUGINS / "moods") in again.output.metadata[call.tool_call_id]["text"]
        assert plugins.status() == []


async def test_past_thirty_actions_the_agent_gets_a_search_and_a_call(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    functions = "".join(f"@action\ndef number_{n}() -> int:\n    'Gives {n}.'\n    return {n}\n" for n in range(31))
    listed = ", ".join(f"number_{n}" for n in range(31))
    source = (
        f"from dynamic_plugins.plugin import Plugin, action\n{functions}plugin = Plugin('many', actions=[{listed}])\n"
    )
    (folder / "many.py").write_text(source)
    own = tmp_path / "registry.json"
    entry = {"name": "many", "kind": "python", "packages": [{"type": "path", "name": str(folder)}]}
    own.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    held = Held()
    script = Script(held)
    many = {"plugin_name": "many"}
    async with DynamicPlugins(tmp_path / "home", registries=[own], approve=approve_everything) as plugins:
        script.begin(
            (
                (Call("install_plugin", many, {}),),
                (Call("activate_plugin", many, {}),),
                (Call("search_plugin_actions", {"query": "number 17"}, {}),),
                (Call("call_plugin_action", {"action": "many__number_17", "arguments": "{}"}, {}),),
            )
        )
        result = await agent(plugins, script).run("what is number 17?")
    found = dict(results(result.all_messages()))
    assert found["search_plugin_actions"]["actions"][0]["action"] == "many__number_17"
    assert found["call_plugin_action"]["result"] == 17
    assert {"search_plugin_actions", "call_plugin_action"} <= held.offered[-1]
    assert len(held.offered[-1]) == 8
