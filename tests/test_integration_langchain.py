"""LangChain's own agent loop, with a scripted chat model, holds the conversations that every integration holds."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, assert_held, registry

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AnyMessage

pytestmark = pytest.mark.skipif(find_spec("langchain") is None, reason="langchain is not installed")


def script(steps: tuple[tuple[Call, ...], ...], held: Held) -> BaseChatModel:
    """Return LangChain's fake model, which makes the calls of each step and then says that it is done."""
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    class Scripted(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **_kwargs: Any) -> Any:
            held.offered.append(frozenset(tool.name for tool in tools))
            return self

    said = [
        AIMessage("", tool_calls=[{"name": c.tool, "args": c.arguments, "id": f"{n}-{i}"} for i, c in enumerate(step)])
        for n, step in enumerate(steps, len(held.offered))
    ]
    return Scripted(messages=iter([*said, AIMessage("done")]))


async def converse(agent: Any, said: str, person: Person) -> list[AnyMessage]:
    """Hold one turn: ask the person at each interrupt, and resume with their answers."""
    from langgraph.types import Command

    thread = {"configurable": {"thread_id": "1"}}
    result = await agent.ainvoke({"messages": [{"role": "user", "content": said}]}, thread)
    while interrupts := result.get("__interrupt__"):
        answers = {}
        for each in interrupts:
            (action,) = each.value["action_requests"]
            question = each.value["request"]["question"]
            assert action["description"].startswith(question)
            decision = "approve" if person.agrees(question) else "reject"
            answers[each.id] = {"decisions": [{"type": decision}]}
        result = await agent.ainvoke(Command(resume=answers), thread)
    assert result["messages"][-1].content == "done"
    return result["messages"]  # type: ignore[no-any-return]


def results(messages: list[AnyMessage]) -> list[tuple[str, dict[str, Any]]]:
    """Return what the model was given for each call, in the order of the calls."""
    from langchain_core.messages import AIMessage, ToolMessage

    given = {message.tool_call_id: message.content for message in messages if isinstance(message, ToolMessage)}
    calls = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return [(call["name"], json.loads(str(given[call["id"] or ""]))) for call in calls]


@EACH
async def test_an_agent_holds_the_conversation(conversation: Conversation, tmp_path: Path) -> None:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from dynamic_plugins.integrations.langchain import PluginMiddleware, PluginTools

    held = Held()
    person, memory = Person(conversation, held), InMemorySaver()
    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        middleware = PluginMiddleware(PluginTools(plugins))
        for turn in conversation.turns:
            agent: Any = create_agent(script(turn.steps, held), middleware=[middleware], checkpointer=memory)
            held.results = results(await converse(agent, turn.said, person))
    await assert_held(held, conversation)


async def test_outside_a_graph_nobody_is_asked_and_nothing_is_installed(tmp_path: Path) -> None:
    from dynamic_plugins.integrations.langchain import PluginTools

    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        tools = {tool.name: tool for tool in PluginTools(plugins).now()}
        refused = json.loads(await tools["install_plugin"].ainvoke({"plugin_name": "hello"}))
        assert refused["error"]["code"] == "needs_confirmation"
        call = {"name": "install_plugin", "args": {"plugin_name": "hello"}, "id": "1", "type": "tool_call"}
        message = await tools["install_plugin"].ainvoke(call)
        assert message.status == "error", "middleware that tries again goes by that"
        assert plugins.status() == []


async def test_tools_serve_a_loop_of_ones_own(tmp_path: Path) -> None:
    from langchain_core.messages import ToolMessage

    from dynamic_plugins.integrations.langchain import PluginTools

    async with DynamicPlugins(tmp_path / "home", registries=[registry()], approve=approve_everything) as plugins:
        tools = PluginTools(plugins)
        said = []
        for name, arguments in [
            ("install_plugin", {"plugin_name": "hello"}),
            ("activate_plugin", {"plugin_name": "hello"}),
            ("hello__greet", {"name": "Ada"}),
        ]:
            (tool,) = [each for each in tools.now() if each.name == name]
            call = {"name": name, "args": arguments, "id": name, "type": "tool_call"}
            message = await tool.ainvoke(call)
            assert isinstance(message, ToolMessage)
            said.append(json.loads(str(message.content)))
        assert said[-1] == {"ok": True, "plugin": "hello", "action": "greet", "result": "Hello, Ada!"}
        assert "<dynamic_plugins_status>" in await tools.context()


async def test_an_answer_that_is_no_yes_is_a_no(tmp_path: Path) -> None:
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    from dynamic_plugins.integrations.langchain import PluginMiddleware, PluginTools

    async with DynamicPlugins(tmp_path / "home", registries=[registry()]) as plugins:
        for number, answer in enumerate(["yes", {"decisions": []}, {"decisions": [{"type": "edit"}]}, False, 1]):
            model = script(((Call("install_plugin", {"plugin_name": "hello"}, {}),),), Held())
            middleware = [PluginMiddleware(PluginTools(plugins))]
            agent: Any = create_agent(model, middleware=middleware, checkpointer=InMemorySaver())
            thread = {"configurable": {"thread_id": str(number)}}
            await agent.ainvoke({"messages": [{"role": "user", "content": "install hello"}]}, thread)
            result = await agent.ainvoke(Command(resume=answer), thread)
            ((_, given),) = results(result["messages"])
            assert given["error"]["code"] == "declined", answer
        assert plugins.status() == []
