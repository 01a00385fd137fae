"""The conversations that every integration holds, and what must come of each, whatever the framework.

A conversation says what a model does, call by call; the framework's own loop runs it with its own scripted model. What
the calls give, what the person is asked and which tools are there must be the same everywhere.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from dynamic_plugins.approval import ApprovalRequest

PLUGINS = Path(__file__).parent.parent / "plugins"

ENTRIES: list[dict[str, Any]] = [
    {
        "name": "hello",
        "kind": "python",
        "description": "Greets people, and remembers what they said",
        "keywords": ["greeting"],
        "packages": [{"type": "path", "name": str(EXAMPLES / "hello-plugin")}],
    },
    {
        "name": "moods",
        "kind": "python",
        "description": "Tells the mood it was told, and weighs things",
        "packages": [{"type": "path", "name": str(PLUGINS / "moods")}],
        "config": [
            {"name": "MOODS_MOOD", "description": "The mood to tell", "required": True},
            {"name": "MOODS_TOKEN", "description": "Not for models", "secret": True},
        ],
    },
    {
        "name": "mcp-server-time",
        "kind": "mcp",
        "description": "The time in any timezone",
        "packages": [{"type": "pypi", "name": "mcp-server-time"}],
    },
]


_folder = tempfile.TemporaryDirectory(prefix="conversations-")


@cache
def registry() -> Path:
    """Return a registry of the plugins that the conversations are about; one place, since questions name it."""
    path = Path(_folder.name) / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": ENTRIES}))
    return path


@dataclass(frozen=True)
class Call:
    """What the model calls, and what its result must have: a dict's keys are looked into, anything else is equal."""

    tool: str
    arguments: dict[str, Any]
    gives: dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """What the person says, and the model's steps: calls of one step are made at once."""

    said: str
    steps: tuple[tuple[Call, ...], ...]


@dataclass(frozen=True)
class Conversation:
    name: str
    turns: tuple[Turn, ...]
    asked: tuple[str, ...] = ()
    """How the questions to the person begin, in order."""
    agrees: tuple[bool, ...] = ()
    """What the person answers to each."""
    there: frozenset[str] = frozenset()
    """Tools that the model has after the last step."""
    gone: frozenset[str] = frozenset()
    """Tools that it does not have any more."""
    index: bool = False

    @property
    def calls(self) -> list[Call]:
        return [call for turn in self.turns for step in turn.steps for call in step]


@dataclass
class Held:
    """What came of a conversation in one framework."""

    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Each call's tool and result, in the order of the calls."""
    questions: list[str] = field(default_factory=list)
    offered: list[frozenset[str]] = field(default_factory=list)
    """The tools that the model had at each request, the last one being after all steps."""


class Person:
    """Somebody who answers as the conversation has it, and remembers what they were asked."""

    def __init__(self, conversation: Conversation, held: Held) -> None:
        self._answers, self._held = list(conversation.agrees), held

    def agrees(self, question: str) -> bool:
        self._held.questions.append(question)
        return self._answers.pop(0)


def one(tool: str, _arguments: dict[str, Any] | None = None, /, **gives: Any) -> tuple[Call, ...]:
    """A step of one call that works and gives *gives*."""
    return (Call(tool, _arguments or {}, {"ok": True, **gives}),)


def fails(tool: str, _arguments: dict[str, Any], /, code: str, **error: Any) -> tuple[Call, ...]:
    """A step of one call that fails with *code*."""
    return (Call(tool, _arguments, {"ok": False, "error": {"code": code, **error}}),)


HELLO = {"plugin_name": "hello"}
MOODS = {"plugin_name": "moods"}
TIME = {"plugin_name": "mcp-server-time"}

CONVERSATIONS = [
    Conversation(
        "a capability is found, added, used, switched off and unloaded",
        (
            Turn(
                "can you greet people?",
                (
                    one(
                        "list_available_plugins",
                        {"query": "greeting", "limit": 1},
                        plugins=[
                            {
                                "name": "hello",
                                "description": "Greets people, and remembers what they said",
                                "installed": False,
                            }
                        ],
                    ),
                ),
            ),
            Turn(
                "install hello and switch it on, then greet Ada",
                (
                    one("install_plugin", HELLO, name="hello", version="1.0.0", status="installed"),
                    one("activate_plugin", HELLO, status="active"),
                    one("hello__greet", {"name": "Ada"}, plugin="hello", action="greet", result="Hello, Ada!"),
                ),
            ),
            Turn(
                "remember two things, then recall them",
                (
                    one("hello__remember", {"note": "1.10"}, result=1),
                    one("hello__remember", {"note": "true"}, result=2),
                    one("hello__recall", result=["1.10", "true"]),
                ),
            ),
            Turn(
                "switch it off and unload it",
                (
                    one("deactivate_plugin", HELLO, status="inactive"),
                    one("unload_plugin", HELLO, status="installed"),
                ),
            ),
        ),
        asked=("Install hello 1.0.0 from ", "Activate hello 1.0.0 from "),
        agrees=(True, True),
        there=frozenset({"install_plugin", "unload_plugin"}),
        gone=frozenset({"hello__greet", "hello__recall"}),
    ),
    Conversation(
        "the person declines, and later agrees",
        (
            Turn("install hello", (fails("install_plugin", HELLO, "declined"),)),
            Turn(
                "do install it",
                (
                    one("install_plugin", HELLO, status="installed"),
                    fails("activate_plugin", HELLO, "declined"),
                    one("install_plugin", HELLO, changed=False),
                ),
            ),
        ),
        asked=("Install hello", "Install hello", "Activate hello"),
        agrees=(False, True, False),
        gone=frozenset({"hello__greet"}),
    ),
    Conversation(
        "a name with a slip is told with what is near, and nothing is installed",
        (
            Turn("install helo", (fails("install_plugin", {"plugin_name": "helo"}, "unknown_plugin"),)),
            Turn("activate hello", (fails("activate_plugin", HELLO, "not_installed"),)),
        ),
    ),
    Conversation(
        "what a plugin must be told is asked for, a secret never taken, and arguments keep their types",
        (
            Turn(
                "install moods and switch it on",
                (
                    one("install_plugin", MOODS, needs=[{"name": "MOODS_MOOD"}]),
                    fails("activate_plugin", MOODS, "needs_configuration", missing=["MOODS_MOOD"]),
                ),
            ),
            Turn(
                "the token is abc; the mood is 1.10",
                (
                    fails(
                        "configure_plugin",
                        {**MOODS, "configuration": [{"name": "MOODS_TOKEN", "value": "abc"}]},
                        "bad_arguments",
                    ),
                    one(
                        "configure_plugin",
                        {**MOODS, "configuration": [{"name": "MOODS_MOOD", "value": "1.10"}]},
                        set=["MOODS_MOOD"],
                        missing=[],
                    ),
                    one("activate_plugin", MOODS, status="active"),
                    one("moods__mood", result="1.10"),
                ),
            ),
            Turn(
                "weigh some things",
                (
                    one(
                        "moods__weigh",
                        {
                            "values": [1, 2, 3],
                            "factor": 2,
                            "config": {"a": [True, None, "x"]},
                            "unit": "kg",
                            "loud": True,
                            "name": "42",
                        },
                        result={
                            "sum": 12,
                            "config": {"a": [True, None, "x"]},
                            "unit": "kg",
                            "loud": True,
                            "name": "42",
                        },
                    ),
                    fails("moods__weigh", {"values": "much"}, "bad_arguments", schema={"required": ["values"]}),
                    fails("moods__weigh", {}, "bad_arguments"),
                    fails("moods__fail", {}, "action_failed", message="moods: fail failed: LookupError: nothing there"),
                ),
            ),
        ),
        asked=("Install moods", "Activate moods"),
        agrees=(True, True),
        there=frozenset({"moods__mood", "moods__weigh", "moods__fail"}),
    ),
    Conversation(
        "calls of one step are made in order where they are about one plugin",
        (
            Turn(
                "install hello, and say so twice",
                (
                    one("install_plugin", HELLO, status="installed"),
                    one("activate_plugin", HELLO, status="active"),
                    (
                        Call("deactivate_plugin", HELLO, {"ok": True, "status": "inactive"}),
                        Call("activate_plugin", HELLO, {"ok": True, "status": "active"}),
                    ),
                    (
                        Call("hello__greet", {"name": "Ada"}, {"ok": True, "result": "Hello, Ada!"}),
                        Call("hello__greet", {"name": "Grace"}, {"ok": True, "result": "Hello, Grace!"}),
                    ),
                ),
            ),
        ),
        asked=("Install hello", "Activate hello"),
        agrees=(True, True),
        there=frozenset({"hello__greet"}),
    ),
    Conversation(
        "a plugin is installed and switched on in one step, whether or not the person agrees",
        (
            Turn(
                "install hello and switch it on",
                (
                    (
                        Call("install_plugin", HELLO, {"ok": False, "error": {"code": "declined"}}),
                        Call("list_available_plugins", {"query": "greeting", "limit": 1}, {"ok": True}),
                    ),
                ),
            ),
            Turn(
                "do install it and switch it on",
                (
                    (
                        Call("install_plugin", HELLO, {"ok": True, "status": "installed"}),
                        Call("activate_plugin", HELLO, {"ok": True, "status": "active"}),
                    ),
                    one("hello__greet", {"name": "Ada"}, result="Hello, Ada!"),
                ),
            ),
        ),
        asked=("Install hello", "Install hello", "Activate hello 1.0.0 from "),
        agrees=(False, True, True),
        there=frozenset({"hello__greet"}),
    ),
    Conversation(
        "an MCP server from the index tells the time",
        (
            Turn(
                "what time is it in Tokyo?",
                (
                    one("install_plugin", TIME, name="mcp-server-time", status="installed"),
                    one("activate_plugin", TIME, actions=[{"name": "get_current_time"}, {"name": "convert_time"}]),
                    one(
                        "mcp-server-time__get_current_time",
                        {"timezone": "Asia/Tokyo"},
                        result={"timezone": "Asia/Tokyo", "is_dst": False},
                    ),
                    one("unload_plugin", TIME, status="installed"),
                ),
            ),
        ),
        asked=("Install mcp-server-time", "Activate mcp-server-time"),
        agrees=(True, True),
        gone=frozenset({"mcp-server-time__get_current_time"}),
        index=True,
    ),
]

EACH = pytest.mark.parametrize(
    "conversation",
    [pytest.param(each, id=each.name, marks=[pytest.mark.index] if each.index else []) for each in CONVERSATIONS],
)


async def by_library(conversation: Conversation) -> Held:
    """Return what comes of *conversation* when the library is called without any framework; it is held only once."""
    if conversation.name in _by_library:
        return _by_library[conversation.name]
    held = Held()
    person = Person(conversation, held)

    async def approve(request: ApprovalRequest) -> bool:
        return person.agrees(request.question)

    with tempfile.TemporaryDirectory() as home:
        async with DynamicPlugins(home, registries=[registry()], approve=approve, confirm_calls="never") as plugins:
            for step in (step for turn in conversation.turns for step in turn.steps):
                held.offered.append(names(plugins))
                results = await asyncio.gather(*(plugins.call(call.tool, json.dumps(call.arguments)) for call in step))
                held.results += [(call.tool, result) for call, result in zip(step, results, strict=True)]
            held.offered.append(names(plugins))
    _by_library[conversation.name] = held
    return held


_by_library: dict[str, Held] = {}


def names(plugins: DynamicPlugins) -> frozenset[str]:
    """Return the names of the tools that there are now."""
    return frozenset(tool["function"]["name"] for tool in plugins.tools("openai"))


async def assert_held(held: Held, conversation: Conversation) -> None:
    """Assert that *held* is what must come of *conversation*, and what comes of it without a framework."""
    assert [tool for tool, _ in held.results] == [call.tool for call in conversation.calls]
    for call, (_, result) in zip(conversation.calls, held.results, strict=True):
        has(result, call.gives, call.tool)
    assert len(held.questions) == len(conversation.asked), held.questions
    for question, beginning in zip(held.questions, conversation.asked, strict=True):
        assert question.startswith(beginning)
        assert question.endswith("?")
    assert conversation.there <= held.offered[-1]
    assert not conversation.gone & held.offered[-1]
    library = await by_library(conversation)
    for ours, theirs in zip(timeless(library.results), timeless(held.results), strict=True):
        assert theirs == ours, f"{theirs!r} is not {ours!r}"
    assert held.questions == library.questions


def timeless(results: list[tuple[str, dict[str, Any]]]) -> Any:
    """Return *results* without the times of day in them."""
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "now", json.dumps(results)))


def has(value: Any, expected: Any, where: str) -> None:
    """Assert that *value* has what *expected* says."""
    if isinstance(expected, dict):
        assert isinstance(value, dict), f"{where}: {value!r}"
        for key, each in expected.items():
            assert key in value, f"{where} has no {key}: {value!r}"
            has(value[key], each, f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(value, list), f"{where}: {value!r}"
        assert len(value) == len(expected), f"{where}: {value!r}"
        for index, (got, each) in enumerate(zip(value, expected, strict=True)):
            has(got, each, f"{where}[{index}]")
    else:
        assert value == expected, f"{where}: {value!r}"
        assert isinstance(value, bool) == isinstance(expected, bool), f"{where}: {value!r}"
