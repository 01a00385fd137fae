"""The built-in model does at once what the pages show: with the status in the system prompt, and without any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.core.model_protocol import Say
from dynamic_plugins.embedded.model import EmbeddedModel
from tests.integrations.conversations import registry

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 4
SESSION: list[tuple[str, list[str]]] = [
    ("which plugin can greet people?", ["list_available_plugins"]),
    ("install hello", ["install_plugin"]),
    ("switch hello on", ["activate_plugin"]),
    ("greet Ada", ["hello__greet"]),
    ("switch hello off", ["deactivate_plugin"]),
    ("unload hello", ["unload_plugin"]),
    ("turn hello on, then greet Grace", ["activate_plugin", "hello__greet"]),
    ("switch it off and unload it", ["deactivate_plugin", "unload_plugin"]),
]


@pytest.mark.parametrize("told", [True, False], ids=["with the status", "without a system prompt"])
async def test_a_first_session_needs_no_question(tmp_path: Path, told: bool) -> None:
    async def approve(_: object) -> bool:
        return True

    async with DynamicPlugins(tmp_path, registries=[registry()], approve=approve) as plugins:
        model = EmbeddedModel(plugins.app.catalogue)
        messages: list[dict[str, Any]] = []
        for said, wanted in SESSION:
            messages.append({"role": "user", "content": said})
            assert await _called(plugins, model, messages, told=told) == wanted, messages[-1]


async def _called(
    plugins: DynamicPlugins, model: EmbeddedModel, messages: list[dict[str, Any]], *, told: bool
) -> list[str]:
    """Let *model* answer the last message with the tools that there are; the tools that it called."""
    called: list[str] = []
    for _ in range(STEPS):
        system = [{"role": "system", "content": await plugins.context()}] if told else []
        answer = await model.respond([*system, *messages], plugins.tools("openai"))
        if isinstance(answer, Say):
            messages.append({"role": "assistant", "content": answer.text})
            return called
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        for call in answer.calls:
            called.append(call.name)
            result = await plugins.call(call.name, call.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    raise AssertionError(f"it goes on and on: {called}")
