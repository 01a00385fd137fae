"""simonw/llm's own chains, with a scripted model, hold the conversations that every integration holds."""

from __future__ import annotations

import asyncio
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import workers_of
from tests.integrations.conversations import EACH, Call, Conversation, Held, Person, check, registry

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
    await check(held, conversation)
