"""A real elizaOS runtime, with a scripted model handler, holds the conversations that every integration holds."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.sax.saxutils import escape

import pytest

from tests.conftest import workers_of
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, check, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from elizaos.runtime import AgentRuntime

    from dynamic_plugins.approval import ApprovalRequest

pytestmark = pytest.mark.skipif(find_spec("elizaos") is None, reason="elizaos is not installed")


def upper(tool: str) -> str:
    """Return a tool's name as the runtime can deliver it."""
    return re.sub(r"[^A-Z0-9]", "_", tool.upper())


def as_xml(step: Sequence[Call]) -> str:
    """Return arguments as a model writes them in elizaOS's XML: everything is text."""
    blocks = []
    for call in step:
        values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in call.arguments.items()}
        inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items())
        blocks.append(f"<{upper(call.tool)}>{inner}</{upper(call.tool)}>")
    return "".join(blocks)


def as_json(step: Sequence[Call]) -> str:
    """Return arguments as a model writes them as JSON."""
    return escape(json.dumps({upper(call.tool): call.arguments for call in step}))


class Model:
    """The runtime's TEXT_LARGE model: takes the actions of one step, and remembers which actions it was told of."""

    def __init__(self, write: Callable[[Sequence[Call]], str]) -> None:
        self.step: Sequence[Call] = ()
        self.told: frozenset[str] = frozenset()
        self.prompt = ""
        self._write = write

    async def __call__(self, _runtime: Any, params: dict[str, Any]) -> str:
        self.prompt = params["prompt"]
        listed = re.search(r"Possible response actions: (.*)", self.prompt)
        self.told = frozenset(listed.group(1).split(", ")) if listed else frozenset()
        actions = ",".join(upper(call.tool) for call in self.step) or "REPLY"
        params_ = f"<params>{self._write(self.step)}</params>" if self.step else ""
        return f"<response><thought>on it</thought><actions>{actions}</actions><text>ok</text>{params_}</response>"


class Agent:
    """A running elizaOS agent with our plugin, and one room."""

    def __init__(self, runtime: AgentRuntime, model: Model) -> None:
        self.runtime, self.model = runtime, model
        self.said: list[str] = []
        self._room, self._user = str(uuid4()), str(uuid4())

    async def say(self, text: str, step: Sequence[Call] = ()) -> list[dict[str, Any]]:
        """Send a message that the model answers with *step*; return the results of its actions."""
        from elizaos.types import Content, Memory

        async def callback(content: Any) -> list[Memory]:
            self.said.append(content.text)
            return []

        self.model.step = step
        message = Memory(
            id=str(uuid4()),
            entity_id=self._user,
            agent_id=self.runtime.agent_id,
            room_id=self._room,
            content=Content(text=text),
        )
        handled = await self.runtime.message_service.handle_message(self.runtime, message, callback)
        assert handled.did_respond
        return [plain(result.data["result"]) for result in self.runtime.get_action_results(message.id)]


def plain(struct: Any) -> Any:
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(struct)


async def started(
    home: Path, approve: Any = None, write: Callable[[Sequence[Call]], str] = as_json, **more: Any
) -> Agent:
    from elizaos.runtime import AgentRuntime
    from elizaos.types import Character, Plugin

    from dynamic_plugins.integrations.elizaos import dynamic_plugins_plugin

    model = Model(write)
    ours = dynamic_plugins_plugin(home, registries=[registry()], approve=approve, **more)
    brain = Plugin(name="brain", description="The model", models={"TEXT_LARGE": model})
    runtime = AgentRuntime(
        character=Character(name="Eliza", bio=["Helps"]),
        plugins=[brain, ours],
        settings={"VALIDATION_LEVEL": "trusted"},
        check_should_respond=False,
    )
    await runtime.initialize()
    return Agent(runtime, model)


def messages(step: Sequence[Call]) -> list[list[Call]]:
    """Return the steps that the runtime can take: one message delivers the arguments of an action only once."""
    taken: list[list[Call]] = []
    for call in step:
        if not taken or any(call.tool == other.tool for other in taken[-1]):
            taken.append([])
        taken[-1].append(call)
    return taken


@pytest.mark.parametrize("write", [as_json, as_xml])
@EACH
async def test_an_agent_holds_the_conversation(
    conversation: Conversation, write: Callable[[Sequence[Call]], str], tmp_path: Path
) -> None:
    held = Held()
    person = Person(conversation, held)

    async def approve(request: ApprovalRequest) -> bool:
        return person.agrees(request.question)

    names = {upper(name): name for name in (*(call.tool for call in conversation.calls), *conversation.there)}
    agent = await started(tmp_path / "home", approve, write)
    try:
        for turn in conversation.turns:
            for step in (part for whole in turn.steps for part in messages(whole)):
                results = await agent.say(turn.said, step)
                assert {upper(call.tool) for call in step} <= agent.model.told
                held.results += [(call.tool, result) for call, result in zip(step, results, strict=True)]
        await agent.say("thank you")
        held.offered.append(frozenset(names.get(name, name) for name in agent.model.told))
    finally:
        await agent.runtime.stop()
    assert workers_of(tmp_path / "home") == []
    await check(held, conversation)
