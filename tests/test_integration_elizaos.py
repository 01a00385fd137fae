"""A real elizaOS runtime, with a scripted model handler, holds the conversations that every integration holds."""

from __future__ import annotations

import asyncio
import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.sax.saxutils import escape

import pytest

from dynamic_plugins.approval import approve_everything
from tests.conftest import Cli, workers_of
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, assert_held, registry

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


@pytest.mark.parametrize(
    ("conversation", "write"),
    [
        pytest.param(*each.values, write, id=f"{each.id} ({write.__name__})", marks=each.marks)
        for each in EACH.args[1]
        for write in (as_json, as_xml)
        if not (each.marks and write is as_xml)  # once is enough for what comes from the index
    ],
)
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
    await assert_held(held, conversation)


INSTALL, ACTIVATE, UNLOAD, GREET = (
    Call("install_plugin", {"plugin_name": "hello"}, {}),
    Call("activate_plugin", {"plugin_name": "hello"}, {}),
    Call("unload_plugin", {"plugin_name": "hello"}, {}),
    Call("hello__greet", {"name": "Ada"}, {}),
)


def components(runtime: AgentRuntime) -> list[Any]:
    return [*runtime.actions, *runtime.providers, *runtime.evaluators]


def same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether both hold the same objects; the runtime sorts its lists as it goes."""
    return sorted(map(id, some)) == sorted(map(id, others))


async def with_moods(home: Path) -> Agent:
    """Return an agent whose plugin moods is active."""
    agent = await started(home, approve_everything)
    moods = {"plugin_name": "moods"}
    await agent.say("add moods", [Call("install_plugin", moods, {})])
    await agent.say("it is glad", [Call("configure_plugin", {**moods, "configuration": "MOODS_MOOD=glad"}, {})])
    await agent.say("switch it on", [Call("activate_plugin", moods, {})])
    return agent


async def test_what_a_plugin_brought_leaves_by_identity_and_nothing_else_does(tmp_path: Path) -> None:
    from elizaos.types import Action

    agent = await started(tmp_path / "home", approve_everything)
    before = components(agent.runtime)
    await agent.say("add hello", [INSTALL, ACTIVATE])
    assert len(components(agent.runtime)) == len(before) + 3

    async def nothing(*_: Any) -> None:
        return None

    async def never(*_: Any) -> bool:
        return False

    look_alike = Action("HELLO__GREET", "Somebody else's", nothing, never)
    agent.runtime.register_action(look_alike)
    await agent.say("unload it", [UNLOAD])
    assert same(components(agent.runtime), [*before, look_alike])

    # The name is somebody else's now, and the runtime would take the first that has it.
    await agent.say("switch it on again", [ACTIVATE])
    (greeted,) = await agent.say("greet Ada", [Call("hello__greet_2", {"name": "Ada"}, {})])
    assert greeted["result"] == "Hello, Ada!"
    await agent.runtime.stop()
    assert same(components(agent.runtime), [*before, look_alike])


async def test_providers_and_evaluators_leave_too(tmp_path: Path) -> None:
    agent = await with_moods(tmp_path / "home")
    with_it = components(agent.runtime)
    await agent.say("unload it", [Call("unload_plugin", {"plugin_name": "moods"}, {})])
    gone = [type(each).__name__ for each in with_it if not any(each is one for one in components(agent.runtime))]
    assert gone == [*["ActionDefinition"] * 4, "ProviderDefinition", "EvaluatorDefinition"]
    await agent.runtime.stop()


async def test_the_person_reads_sentences_and_the_agent_keeps_the_result(tmp_path: Path) -> None:
    agent = await started(tmp_path / "home", approve_everything)
    await agent.say("add hello", [INSTALL, ACTIVATE])
    await agent.say("greet Ada", [GREET])
    assert agent.said == [
        'hello 1.0.0 is installed, and still off. Say "switch it on" to use it.',
        "hello is on. It can: greet, remember and recall.",
        "Hello, Ada!",
    ]
    await agent.runtime.stop()


async def test_without_anybody_to_ask_the_message_goes_on_and_nothing_is_installed(tmp_path: Path) -> None:
    agent = await started(tmp_path / "home")
    search = Call("list_available_plugins", {"query": "hello", "limit": 1}, {})
    refused, found = await agent.say("add hello", [INSTALL, search])
    assert refused["error"]["code"] == "needs_confirmation"
    assert found["plugins"][0]["installed"] is False
    await agent.runtime.stop()


async def test_a_plugins_provider_tells_fenced_text_and_its_evaluator_reads_the_turns(tmp_path: Path) -> None:
    agent = await with_moods(tmp_path / "home")
    (mood,) = await agent.say("how is the mood?", [Call("moods__mood", {}, {})])
    assert mood["result"] == "glad"
    assert 'from="moods/weather">"The mood is glad. \\u003c/data>"</data>' in agent.model.prompt
    assert '"status": "active"' in agent.model.prompt
    (seen,) = await agent.say("what did you see?", [Call("moods__seen", {}, {})])
    assert {"user": "how is the mood?", "reply": "ok"} in seen["result"]
    await agent.runtime.stop()


@pytest.mark.parametrize("told_of_it", [True, False])
async def test_what_another_process_switches_off_is_gone_with_the_next_message(cli: Cli, told_of_it: bool) -> None:
    agent = await started(cli.home, approve_everything)
    await agent.say("add hello", [INSTALL, ACTIVATE])
    if told_of_it:  # else the next message composes the room's state while the change is found
        await agent.say("greet Ada", [GREET])
        assert "HELLO__GREET" in agent.model.told
    await asyncio.to_thread(cli, "deactivate", "hello")
    await agent.say("thank you")
    await agent.say("bye")
    assert "HELLO__GREET" not in agent.model.told
    await agent.runtime.stop()


async def test_elizaos_loads_the_plugin_by_the_modules_name() -> None:
    from elizaos.plugin import load_plugin

    plugin = load_plugin("dynamic_plugins.integrations.elizaos")
    assert [action.name for action in plugin.actions or ()] == [
        "LIST_AVAILABLE_PLUGINS",
        "INSTALL_PLUGIN",
        "CONFIGURE_PLUGIN",
        "ACTIVATE_PLUGIN",
        "DEACTIVATE_PLUGIN",
        "UNLOAD_PLUGIN",
    ]
    assert not any(parameter.required for action in plugin.actions or () for parameter in action.parameters or ())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("A=1; B = two words\nC=x=y", [("A", "1"), ("B", "two words"), ("C", "x=y")]),
        ('{"A": 1, "B": true}', [("A", "1"), ("B", "true")]),
        ('[{"name": "A", "value": "1.10"}]', [("A", "1.10")]),
        ([{"name": "A", "value": 3.0}], [("A", "3")]),
        ("", None),
        ("nothing of the kind", None),
    ],
)
def test_configuration_is_read_as_models_write_it(said: Any, told: list[tuple[str, str]] | None) -> None:
    from dynamic_plugins.integrations.elizaos.runtime_arguments import configuration

    read = configuration(said)
    assert (None if read is None else [(each["name"], each["value"]) for each in read]) == told


@pytest.mark.parametrize(
    ("schema", "said", "fits"),
    [
        ({"type": "integer"}, "7", 7),
        ({"type": "integer"}, 7.0, 7),
        ({"type": "integer"}, "seven", "seven"),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "string"}, 1.1, "1.1"),
        ({"type": "string"}, 3.0, "3"),
        ({"type": "string"}, "1.10", "1.10"),
        ({"type": "string"}, True, "true"),
        ({"type": ["boolean", "null"]}, "yes", True),
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, [1.0, "2"], [1, 2]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"A": "1"}', {"a": 1}),
        ({"anyOf": [{"type": "object"}, {"type": "null"}]}, '{"a": [true, null]}', {"a": [True, None]}),
        ({"enum": [1, 2]}, "2", 2),
        ({"enum": ["1", "2"]}, "2", "2"),
        ({}, "7", "7"),
        (True, "7", "7"),
    ],
)
def test_values_take_the_type_that_the_schema_says(schema: Any, said: Any, fits: Any) -> None:
    from dynamic_plugins.integrations.elizaos.runtime_arguments import fitted

    (fitted_value,) = fitted({"X": said}, {"properties": {"x": schema}, "required": ["x"]}).values()
    assert fitted_value == fits
    assert type(fitted_value) is type(fits)
