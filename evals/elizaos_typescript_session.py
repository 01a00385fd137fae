"""A session with elizaOS plugins in TypeScript, and its transcript: found, installed, used, switched off, unloaded.

usage: python -m evals.elizaos_typescript_session [FILE] [--only NAME…]

Five real plugins of npm, of all generations of elizaOS, in one ``dynamic-plugins chat`` in a terminal, and then in the
Python runtime of elizaOS. Everything is real but the model: a stand-in takes the one step that each sentence asks for,
and reads out what came of it; it also answers what plugins ask their host's model. The transcript is printed, and
written to FILE; the exit code says whether every step succeeded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.scripted_model import Messages, ScriptedModel
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS = 110
SECONDS = 300.0
MAX_SHOWN = 500
INTRODUCTION = """Five plugins of npm as they are, made for elizaOS 1.x, 2.x and 0.x. A stand-in answers in place of a
model: it takes the step that each sentence asks for and reads out what came of it, and plugins that ask for a model get
it, too. This is what `python -m evals.elizaos_typescript_session` prints."""
TEA_TASK = "<name>Buy tea</name><taskType>one-off</taskType><priority>2</priority><urgent>false</urgent>"


@dataclass(frozen=True)
class Use:
    """A call of a plugin's action in a sentence, and a word that its answer must have."""

    said: str
    action: str
    arguments: dict[str, Any]
    answer: str
    of_the_model: str = ""
    """What the host's model answers the plugin, where it asks about this."""


@dataclass(frozen=True)
class Example:
    """A plugin of npm, in the words of elizaOS' registry, and what is done with it."""

    name: str
    """As a person names it: ``npm:…`` where the registry knows one in Python, too."""
    version: str
    generation: str
    description: str
    uses: tuple[Use, ...]
    configuration: dict[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        return self.name.removeprefix("npm:")

    @property
    def registry_entry(self) -> dict[str, Any]:
        """Return what elizaOS' generated registry has of it."""
        owner, _, repository = self.package.partition("/")
        npm = {"repo": self.package, "v0": None, "v1": None, "alpha": None, self.generation: self.version}
        return {
            "git": {"repo": f"{owner.removeprefix('@')}-plugins/{repository}"},
            "npm": npm,
            "description": self.description,
        }


EXAMPLES = (
    Example(
        "@elizaos/plugin-starter",
        "1.7.2",
        "v1",
        "Plugin starter for elizaOS",
        (Use("say hello to the world", "HELLO_WORLD", {"text": "hello"}, "Hello world!"),),
        {"API_KEY": "none"},
    ),
    Example(
        "npm:@elizaos/plugin-eliza-classic",
        "2.0.0-alpha.5",
        "alpha",
        "Classic ELIZA pattern matching, no language model required",
        (Use("tell ELIZA that I am sad", "generate-response", {"text": "I am sad", "input": "I am sad"}, "sad"),),
    ),
    Example(
        "npm:@elizaos/plugin-experience",
        "2.0.0-alpha.11",
        "alpha",
        "Experience learning: records and recalls what an agent has learned",
        (
            Use(
                "remember that tea needs time",
                "RECORD_EXPERIENCE",
                {"text": "Remember that tea needs time"},
                "xperience",
            ),
        ),
    ),
    Example(
        "npm:@elizaos/plugin-todo",
        "2.0.0-alpha.13-milady.0",
        "alpha",
        "Todo list management",
        (
            Use(
                "put buying tea on the list",
                "CREATE_TODO",
                {"text": "Buy tea"},
                "Buy tea",
                f"<response>{TEA_TASK}</response>",
            ),
            Use("what is on the list?", "GET_api_todos", {}, "Buy tea"),
        ),
    ),
    Example(
        "@elizaos/plugin-news",
        "0.25.6-alpha.1",
        "v0",
        "The latest news about a topic",
        (Use("what is new in Madrid?", "CURRENT_NEWS", {"text": "what is new in Madrid?"}, "news", "Madrid"),),
    ),
)

Step = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Turn:
    """A sentence, the tool that it asks for (of a plugin, its action), and what must be in the tool's answer."""

    said: str
    tool: str
    arguments: dict[str, Any]
    answer: str


def turns(example: Example) -> Iterator[Turn]:
    """Give the life of one plugin."""
    by_name = {"plugin_name": example.name}
    short = example.name.rpartition("-")[2]
    yield Turn(
        f"which plugin is there for {short}?", "list_available_plugins", {"query": example.description}, example.package
    )
    yield Turn(f"install {example.name}", "install_plugin", by_name, example.name)
    yield Turn(f"switch {example.name} on", "activate_plugin", by_name, example.name)
    for use in example.uses:
        yield Turn(use.said, use.action, use.arguments, use.answer)
    yield Turn(f"switch {example.name} off", "deactivate_plugin", by_name, example.name)
    yield Turn(f"unload {example.name}", "unload_plugin", by_name, example.name)


def write_registry(folder: Path, examples: Sequence[Example]) -> Path:
    """Write the examples as elizaOS' generated registry lists them."""
    path = folder / "elizaos.json"
    listed = {each.package: each.registry_entry for each in examples}
    path.write_text(json.dumps({"lastUpdatedAt": "2026-01-01T00:00:00Z", "registry": listed}))
    return path


# ---------------------------------------------------------------- in the terminal


class StandIn:
    """Answers in place of a model: one tool for each sentence, then what came of it."""

    def __init__(self, planned: Sequence[Turn], uses: Sequence[Use]) -> None:
        self._uses = uses
        self._planned = {turn.said: turn for turn in planned}
        self.model = ScriptedModel(self.answer)
        self.results: dict[str, str] = {}

    def answer(self, messages: Messages) -> Any:
        said = next((str(each["content"]) for each in reversed(messages) if each["role"] == "user"), "")
        turn = next((turn for text, turn in self._planned.items() if text in said), None)
        tools = [tool["function"]["name"] for tool in json.loads(self.model.requests[-1]).get("tools", ())]
        if turn is None or not tools:
            return self._of_the_model(json.dumps(messages, ensure_ascii=False))
        if messages[-1]["role"] == "tool":
            told = str(messages[-1]["content"])
            self.results[turn.said] = told
            return told if len(told) <= MAX_SHOWN else f"{told[:MAX_SHOWN]} …"
        name = next((each for each in tools if _words(each).endswith(_words(turn.tool))), turn.tool)
        return [(name, turn.arguments)]

    def _of_the_model(self, asked: str) -> str:
        """Return what a plugin is answered that asks the host's model."""
        return next((use.of_the_model for use in self._uses if use.of_the_model and use.arguments["text"] in asked), "")


def _words(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def stand_in_for(examples: Sequence[Example]) -> StandIn:
    return StandIn(
        [turn for example in examples for turn in turns(example)],
        [use for example in examples for use in example.uses],
    )


def in_the_terminal(folder: Path, examples: Sequence[Example]) -> tuple[str, list[str]]:
    """Return what a person sees of the session, and what went wrong in it."""
    planned = [turn for example in examples for turn in turns(example)]
    values = {name: value for example in examples for name, value in example.configuration.items()}
    stand_in = stand_in_for(examples)
    with stand_in.model.serving() as model:
        command = [sys.executable, "-m", "dynamic_plugins", "--home", str(folder / "home")]
        command += ["--registry", str(write_registry(folder, examples))]
        command += ["chat", "--base-url", model.base_url, "--model", "stand-in"]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "DYNAMIC_"))}
        told = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "DYNAMIC_PLUGINS_PASSPHRASE": "session"}
        told |= {"TERM": "dumb"}  # what is written there is the transcript: nothing moves about
        with Terminal(command, folder, kept | told, COLUMNS) as terminal:
            terminal.prompt(SECONDS)
            for turn in planned:
                terminal.type(turn.said)
                while (asked := terminal.prompt(SECONDS) or ">").strip() != ">":
                    terminal.type(next((values[name] for name in values if name in asked), "y"))
            terminal.type("/status")
            terminal.prompt(SECONDS)
            terminal.type("/quit")
            terminal.prompt(SECONDS)
            seen = without_echo(terminal.seen)
    return seen, wrong_in(planned, stand_in.results)


def without_echo(seen: str) -> str:
    """Return what was seen without what the terminal repeats of what was typed, and without paths of this machine."""
    lines = [line.rstrip() for line in seen.splitlines()]
    kept = [line for before, line in zip(["", *lines], lines, strict=False) if before != f"> {line}"]
    return re.sub(r"(?<!\S)/\S*/(?:s-\w+/|bin/(?=node))", "…/", "\n".join(kept))


def wrong_in(planned: Sequence[Turn], results: dict[str, str]) -> list[str]:
    """Return which turns did not give what they must."""
    found = []
    for turn in planned:
        result = results.get(turn.said, "nothing")
        if turn.answer not in result or '"error"' in result:
            found.append(f"{turn.said}: {result[:MAX_SHOWN]}")
    return found


# ---------------------------------------------------------------- in elizaOS' own runtime


def elizaos_agent(home: Path, registry: Path, current: list[Turn]) -> Any:
    """Return a Python elizaOS agent that has our plugin, whose model takes the step of the last turn in *current*."""
    from elizaos.runtime import AgentRuntime
    from elizaos.types import Character, Plugin

    from dynamic_plugins.approval import approve_everything
    from dynamic_plugins.integrations.elizaos import dynamic_plugins_plugin

    async def a_model(_runtime: Any, params: dict[str, Any]) -> str:
        listed = re.search(r"Possible response actions: (.*)", params["prompt"])
        if listed is None:
            return "<response></response>"
        names = listed[1].split(", ")
        action = next((each for each in names if _words(each).endswith(_words(current[-1].tool))), "REPLY")
        arguments = json.dumps({action: current[-1].arguments}).replace("&", "&amp;").replace("<", "&lt;")
        return (
            f"<response><thought>on it</thought><actions>{action}</actions>"
            f"<params>{arguments}</params><text>On it.</text></response>"
        )

    ours = dynamic_plugins_plugin(home, registries=[str(registry)], approve=approve_everything)
    return AgentRuntime(
        character=Character(name="Eliza", bio=["Helps people"]),
        plugins=[
            Plugin(name="model", description="A stand-in", models={"TEXT_LARGE": a_model, "TEXT_SMALL": a_model}),
            ours,
        ],
        settings={"VALIDATION_LEVEL": "trusted"},
        check_should_respond=False,
    )


async def in_elizaos(folder: Path, examples: Sequence[Example]) -> tuple[str, list[str]]:
    """Return what is said in a room of a Python elizaOS agent that has our plugin, and what went wrong there."""
    from elizaos.types import Content, Memory
    from google.protobuf.json_format import MessageToDict

    planned = [turn for example in examples for turn in turns(example)]
    current: list[Turn] = []
    home = folder / "elizaos-home"
    runtime = elizaos_agent(home, write_registry(folder, examples), current)
    await runtime.initialize()
    lines: list[str] = []

    async def say(content: Any) -> list[Memory]:
        lines.append(f"Eliza: {content.text[:MAX_SHOWN]}")
        return []

    person, room = str(uuid4()), str(uuid4())
    results: dict[str, str] = {}
    for turn in planned:
        current.append(turn)
        if turn.tool == "activate_plugin":
            await configure(home, next(each for each in examples if each.name == turn.arguments["plugin_name"]))
        lines.append(f"\nPerson: {turn.said}")
        message = Memory(
            id=str(uuid4()), entity_id=person, agent_id=runtime.agent_id, room_id=room, content=Content(text=turn.said)
        )
        await runtime.message_service.handle_message(runtime, message, say)
        results[turn.said] = json.dumps(
            [MessageToDict(each.data) for each in runtime.get_action_results(message.id)], ensure_ascii=False
        )
    await runtime.stop()
    return "\n".join(lines), wrong_in(planned, results)


async def configure(home: Path, example: Example) -> None:
    """Tell a plugin its settings as a person does beside the room, where secrets have no place."""
    values = [f"{name}={value}" for name, value in example.configuration.items()]
    if values:
        words = ("-m", "dynamic_plugins", "--home", str(home), "configure", example.name, *values)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.DEVNULL)
        await process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="only these plugins")
    arguments = parser.parse_args()
    examples = [each for each in EXAMPLES if not arguments.only or each.name in arguments.only]
    os.environ.setdefault("DYNAMIC_PLUGINS_PASSPHRASE", "session")
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        seen, wrong = in_the_terminal(Path(name), examples)
        with stand_in_for(examples).model.serving() as model:
            # What plugins ask a model for is answered by the one that our settings name.
            os.environ |= {"OPENAI_BASE_URL": model.base_url, "DYNAMIC_PLUGINS_MODEL": "stand-in"}
            heard, wrong_there = asyncio.run(in_elizaos(Path(name), examples))
    parts = {"In a terminal": seen, "In elizaOS' Python runtime": heard}
    told = "\n".join(f"## {title}\n\n```text\n{text.strip()}\n```\n" for title, text in parts.items())
    transcript = f"# elizaOS plugins in TypeScript\n\n{INTRODUCTION}\n\n{told}"
    print(transcript)
    if arguments.file:
        arguments.file.write_text(transcript, encoding="utf-8")
    print("\n".join([*wrong, *wrong_there]) or "every step succeeded")
    return 1 if wrong or wrong_there else 0


if __name__ == "__main__":
    sys.exit(main())
