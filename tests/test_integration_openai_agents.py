"""The OpenAI Agents SDK's own runner, with its own scripted model, holds the conversations every integration holds."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.integrations.consent import refusal
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, check, registry

if TYPE_CHECKING:
    from pathlib import Path

    from agents import RunConfig, RunResult
    from agents.testing import ScriptedModel

    from dynamic_plugins.integrations.openai_agents import PluginAgent

pytestmark = pytest.mark.skipif(find_spec("agents") is None, reason="openai-agents is not installed")


def script(steps: tuple[tuple[Call, ...], ...], held: Held) -> ScriptedModel:
    """Return a model that makes the calls of each step, then says that it is done."""
    from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call

    def respond(output: list[Any]) -> ModelStep:
        def responder(call: Any) -> list[Any]:
            held.offered.append(frozenset(tool.name for tool in call.tools))
            return output

        return ModelStep.respond(responder)

    number = iter(range(len(held.results), 1000))
    calls = [
        [function_call(call.tool, json.dumps(call.arguments), call_id=f"call-{next(number)}") for call in step]
        for step in steps
    ]
    return ScriptedModel([respond(step) for step in calls] + [respond([assistant_message("done")])])


def config() -> RunConfig:
    from agents import RunConfig

    return RunConfig(tracing_disabled=True)  # traces would go to a server


async def converse(agent: PluginAgent[None], said: Any, person: Person) -> RunResult:
    """Hold one turn: ask the person when the run is interrupted, and go on with their answers."""
    from agents import Runner

    result = await Runner.run(agent, said, run_config=config(), max_turns=20)
    while result.interruptions:
        state = result.to_state()
        for item in result.interruptions:
            assert agent.plugins is not None
            told = await agent.plugins.approval(item)
            assert told is not None
            if person.agrees(told["question"]):
                state.approve(item)
            else:
                state.reject(item, rejection_message=refusal(told))
        result = await Runner.run(agent, state, run_config=config(), max_turns=20)
    assert result.final_output == "done"
    return result


def results(items: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what the model was given for each call, in the order of the calls."""
    given = {item["call_id"]: item["output"] for item in items if item.get("type") == "function_call_output"}
    calls = [item for item in items if item.get("type") == "function_call"]
    return [(call["name"], json.loads(given[call["call_id"]])) for call in calls]


@EACH
async def test_an_agent_holds_the_conversation(conversation: Conversation, tmp_path: Path) -> None:
    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    held = Held()
    person = Person(conversation, held)
    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        agent = PluginAgent(name="Assistant", instructions="Be brief.", plugins=PluginTools(plugins))
        items: list[Any] = []
        for turn in conversation.turns:
            model = script(turn.steps, held)
            result = await converse(agent.clone(model=model), [*items, {"role": "user", "content": turn.said}], person)
            model.assert_complete()
            items = result.to_input_list()
            held.results = results(items)
            assert "<dynamic_plugins_status>" in (model.calls[0].system_instructions or "")
    await check(held, conversation)
