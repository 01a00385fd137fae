"""simonw/llm's own chains, with a scripted model, hold the conversations that every integration holds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ALONE, Cli, workers_of
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
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import llm

    from dynamic_plugins.integrations.llm import DynamicPlugins

pytestmark = pytest.mark.skipif(find_spec("llm") is None, reason="llm is not installed")


def script(steps: tuple[tuple[Call, ...], ...], held: Held) -> llm.Model:
    """Return a model that makes the calls of each step, then says that it is done.

    llm reads the tools once for each prompt: what was switched on since then is called as a model would, through
    ``call_plugin_action``.
    """
    import llm

    left = iter(steps)

    class Scripted(llm.Model):
        model_id = "scripted"
        supports_tools = True

        def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:  # noqa: ARG002
            there = {tool.name for tool in prompt.tools}
            held.offered.append(frozenset(there))
            step = next(left, ())
            for number, call in enumerate(step):
                name, arguments = call.tool, call.arguments
                if name not in there:
                    name, arguments = "call_plugin_action", {"action": name, "arguments": json.dumps(arguments)}
                response.add_tool_call(llm.ToolCall(name, arguments, f"{len(held.offered)}-{number}"))
            if not step:
                yield "done"

    return Scripted()


def converse(toolbox: DynamicPlugins, conversation: Conversation, held: Held) -> None:
    """Hold all turns in one of llm's conversations."""
    for turn in conversation.turns:
        model = script(turn.steps, held)

        def after_call(_tool: Any, call: Any, result: Any) -> None:
            tool = call.arguments["action"] if call.name == "call_plugin_action" else call.name
            held.results.append((tool, json.loads(result.output)))

        chain = model.conversation().chain(turn.said, tools=[toolbox], after_call=after_call, chain_limit=20)
        assert chain.text().strip() == "done"
    held.offered.append(frozenset(tool.name for tool in toolbox.tools()))


@EACH
async def test_a_chain_holds_the_conversation(conversation: Conversation, tmp_path: Path) -> None:
    from dynamic_plugins.integrations.llm import DynamicPlugins

    held = Held()
    person = Person(conversation, held)
    toolbox = DynamicPlugins(
        str(tmp_path / "home"), registries=[str(registry())], approve=lambda request: person.agrees(request.question)
    )
    try:
        await asyncio.to_thread(converse, toolbox, conversation, held)
    finally:
        toolbox.close()
    assert workers_of(tmp_path / "home") == []
    await assert_held(held, conversation)


@dataclass
class CommandLine:
    """The ``llm`` command, with the embedded model as its OpenAI-compatible endpoint."""

    folder: Path
    address: str

    def __call__(self, *words: str) -> str:
        (self.folder / "extra-openai-models.yaml").write_text(
            f"- model_id: embedded\n  model_name: needle-3\n  api_base: {self.address}\n  supports_tools: true\n"
        )
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "LLM_", "DYNAMIC_PLUGINS_"))}
        done = subprocess.run(
            [sys.executable, "-m", "llm", *words],
            env=keep | ALONE | {"LLM_USER_PATH": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The embedded model's address, served by a process of its own."""
    command = ["--home", str(tmp_path / "model"), "--registry", str(registry()), "serve-model", "--port", "0"]
    process = subprocess.Popen([sys.executable, "-m", "dynamic_plugins", *command], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/v1", said)
        assert address is not None, said
        yield address.group()
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.skipif(
    not entry_points(group="llm", name="dynamic_plugins"), reason="installed before it had its entry point for llm"
)
def test_the_command_line_finds_the_toolbox_and_holds_a_conversation(tmp_path: Path, served: str) -> None:
    llm = CommandLine(tmp_path, served)
    home = tmp_path / "home"
    refused = f"DynamicPlugins(home={json.dumps(str(home))}, registries={json.dumps([str(registry())])})"
    agreed = refused.replace("home=", "yes=true, home=")
    told = ["-m", "embedded", "--sf", f"dynamic-plugins:{home}"]
    assert "have to agree first" in llm(*told, "-T", refused, "install hello")
    assert "hello is on." in llm(*told, "-T", agreed, "install hello and switch it on")
    assert llm(*told, "-T", refused, "greet Ada").endswith("Hello, Ada!")
    assert workers_of(home) == []


AT_A_TERMINAL = """
import json, sys
from dynamic_plugins.integrations.llm import DynamicPlugins

toolbox = DynamicPlugins(sys.argv[1], registries=[sys.argv[2]])
tools = {tool.name: tool.implementation for tool in toolbox.tools()}
for name in ("install_plugin", "install_plugin", "activate_plugin"):
    print(name, tools[name](plugin_name="moods"))
"""


def test_at_a_terminal_the_person_is_asked_for_consent_and_for_values(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(AT_A_TERMINAL)
    command = [sys.executable, str(script), str(tmp_path / "home"), str(registry())]
    with Terminal(command, tmp_path, dict(os.environ)) as terminal:
        for answer in ("", "y", "glad", "y"):
            assert terminal.prompt(60) is not None
            terminal.type(answer)
        assert terminal.prompt(60) is None, terminal.seen
    assert terminal.code == 0, terminal.seen
    assert '"declined"' in terminal.seen
    assert f"source   this machine ({PLUGINS / 'moods'})" in terminal.seen
    assert "moods needs MOODS_MOOD (The mood to tell): " in terminal.seen
    assert '"status": "active"' in terminal.seen


LEAVES_LATE = """
import time
from dynamic_plugins.plugin import Plugin, Service

def stop():
    time.sleep(0.3)
    open("stopped", "w").close()

plugin = Plugin("late", "Takes its time to stop", services=[Service("late", lambda: None, stop)])
"""
WITHOUT_CLOSING = """
import sys
from dynamic_plugins.integrations.llm import DynamicPlugins

toolbox = DynamicPlugins(sys.argv[1], yes=True)
tools = {tool.name: tool.implementation for tool in toolbox.tools()}
print(tools["activate_plugin"](plugin_name="late"))
"""


def test_a_program_that_ends_without_closing_it_waits_for_its_plugins(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "late.py").write_text(LEAVES_LATE)
    (folder / "pyproject.toml").write_text('[project]\nname = "late"\nversion = "1.0"\n')
    cli("install", "--path", str(folder), "--yes")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLOSING, str(cli.home)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"status": "active"' in done.stdout
    assert list(cli.home.rglob("stopped")), "its service was not stopped"
