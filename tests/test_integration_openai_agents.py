"""The OpenAI Agents SDK's own runner, with its own scripted model, holds the conversations every integration holds."""

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
        agent: Any = PluginAgent(name="Assistant", instructions="Be brief.", plugins=PluginTools(plugins))
        items: list[Any] = []
        for turn in conversation.turns:
            model = script(turn.steps, held)
            result = await converse(agent.clone(model=model), [*items, {"role": "user", "content": turn.said}], person)
            model.assert_complete()
            items = result.to_input_list()
            held.results = results(items)
            assert "<dynamic_plugins_status>" in (model.calls[0].system_instructions or "")
    await assert_held(held, conversation)


INSTALL = ((Call("install_plugin", {"plugin_name": "hello"}, {}),),)


async def test_a_run_that_waits_for_the_person_goes_on_in_another_process(tmp_path: Path) -> None:
    from agents import Agent, Runner, RunState

    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    held = Held()
    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        agent: Agent[None] = PluginAgent(name="A", model=script(INSTALL, held), plugins=PluginTools(plugins))
        result = await Runner.run(agent, "install hello", run_config=config())
        kept = result.to_state().to_string()
        assert plugins.status() == []
    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        agent = PluginAgent(name="A", model=script((), held), plugins=PluginTools(plugins))
        state = await RunState.from_string(agent, kept)
        for item in state.get_interruptions():
            state.approve(item)
        result = await Runner.run(agent, state, run_config=config())
        assert result.final_output == "done"
        assert [plugin.name for plugin in plugins.status()] == ["hello"]


async def test_a_yes_counts_for_exactly_what_was_shown(tmp_path: Path) -> None:
    from agents import Runner

    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    own = tmp_path / "registry.json"
    own.write_text(registry().read_text())
    async with DynamicPlugins(tmp_path / "home", registries=[own]) as plugins:
        agent: Any = PluginAgent(name="A", model=script(INSTALL, Held()), plugins=PluginTools(plugins))
        result = await Runner.run(agent, "install hello", run_config=config())
        (item,) = result.interruptions
        told = await agent.plugins.approval(item)
        assert all(part in told["text"] for part in ("hello 1.0.0", str(EXAMPLES / "hello-plugin"), "uv venv"))
        own.write_text(own.read_text().replace(str(EXAMPLES / "hello-plugin"), str(PLUGINS / "moods")))
        state = result.to_state()
        state.approve(item)
        result = await Runner.run(agent, state, run_config=config())
        ((_, given),) = results(result.to_input_list())
        assert given["error"]["code"] == "needs_confirmation"
        assert str(PLUGINS / "moods") in given["error"]["message"]
        assert plugins.status() == []


async def test_an_approve_of_the_plugins_own_goes_first_and_no_run_is_interrupted(tmp_path: Path) -> None:
    from agents import Runner

    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    async with DynamicPlugins(tmp_path / "home", registries=[registry()], approve=approve_everything) as plugins:
        agent: Any = PluginAgent(name="A", model=script(INSTALL, Held()), plugins=PluginTools(plugins))
        result = await Runner.run(agent, "install hello", run_config=config())
        assert not result.interruptions
        assert [plugin.name for plugin in plugins.status()] == ["hello"]


async def test_an_agents_own_tools_stay_beside_the_plugins(tmp_path: Path) -> None:
    from agents import Runner, function_tool

    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    @function_tool
    def lucky_number() -> int:
        "Gives the lucky number."
        return 7

    held = Held()
    steps = (*INSTALL, (Call("lucky_number", {}, {}), Call("activate_plugin", {"plugin_name": "hello"}, {})))
    async with DynamicPlugins(tmp_path / "home", registries=[registry()], approve=approve_everything) as plugins:
        agent: Any = PluginAgent(
            name="A", model=script(steps, held), tools=[lucky_number], plugins=PluginTools(plugins)
        )
        await Runner.run(agent, "install hello", run_config=config())
    assert {"lucky_number", "install_plugin", "hello__greet"} <= held.offered[-1]
    assert "hello__greet" not in held.offered[0]
