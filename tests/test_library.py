"""The library with the SDKs that people use: their own types, their own clients, one loop each.

Each SDK takes as long to import as many of the tests here take; it is imported by those that need it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import ApprovalRequest, approve_everything
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES
from tests.integrations.conversations import registry
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from dynamic_plugins.events import Event
    from dynamic_plugins.registry.entry import Variable

FAKE_KEY = "sk-fake-0123456789abcdefghij"


@pytest.fixture
async def plugins(home: Path) -> AsyncIterator[DynamicPlugins]:
    async with DynamicPlugins(home, registries=[registry()], approve=approve_everything) as plugins:
        yield plugins


async def switched_on(plugins: DynamicPlugins, name: str) -> None:
    for tool in ("install_plugin", "activate_plugin"):
        assert (await plugins.call(tool, {"plugin_name": name}))["ok"]


# ---------------------------------------------------------------- the forms


async def test_each_form_is_what_its_sdk_takes(plugins: DynamicPlugins) -> None:
    from anthropic.types import ToolParam
    from google.genai.types import FunctionDeclaration
    from mcp_types import Tool
    from openai.types.chat import ChatCompletionFunctionToolParam
    from openai.types.responses import FunctionToolParam
    from pydantic import TypeAdapter

    await plugins.call("install_plugin", {"plugin_name": "moods"})
    await plugins.call("configure_plugin", {"plugin_name": "moods", "configuration": {"MOODS_MOOD": "fine"}})
    assert (await plugins.call("activate_plugin", {"plugin_name": "moods"}))["ok"]
    kinds: dict[Any, Any] = {"openai": ChatCompletionFunctionToolParam, "openai-responses": FunctionToolParam}
    kinds |= {"anthropic": ToolParam, "gemini": FunctionDeclaration, "mcp": Tool}
    for form, kind in kinds.items():
        tools = plugins.tools(form)
        assert len(tools) == 6 + 4, form
        adapter = TypeAdapter(kind)
        for tool in tools:
            # What the SDK's type does not know it would drop: nothing may be lost.
            taken = adapter.dump_python(adapter.validate_python(tool), mode="json", by_alias=True, exclude_unset=True)
            assert taken == tool, form


async def test_names_begin_with_a_letter_or_an_underscore(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "3d"
    folder.mkdir()
    (folder / "plugin.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n"
        '@action\ndef turn() -> None:\n    "Turns."\nplugin = Plugin("3d", actions=[turn])\n'
    )
    async with DynamicPlugins(home, approve=approve_everything) as plugins:
        await plugins.app.service.install_path(folder)
        assert (await plugins.call("activate_plugin", {"plugin_name": "3d"}))["ok"]
        name = plugins.tools("gemini")[-1]["name"]
        assert name == "_3d__turn"
        assert (await plugins.call(name))["ok"]


async def test_a_fixed_list_stays_as_it_is_whatever_is_on(home: Path) -> None:
    async with DynamicPlugins(home, registries=[registry()], approve=approve_everything) as plugins:
        before = plugins.tools("mcp", fixed=True)
        assert (await plugins.call("install_plugin", {"plugin_name": "hello"}))["ok"]
        assert (await plugins.call("activate_plugin", {"plugin_name": "hello"}))["ok"]
        assert plugins.tools("mcp", fixed=True) == before
        assert [tool["name"] for tool in before[-2:]] == ["search_plugin_actions", "call_plugin_action"]
        arguments = {"action": "hello__greet", "arguments": {"name": "Ada"}}
        assert "Ada" in str(await plugins.call("call_plugin_action", arguments))


# ---------------------------------------------------------------- the loops


class Endpoint:
    """A stand-in for a vendor's API on loopback: it gives the replies of a script and keeps what it was sent."""

    def __init__(self, replies: Sequence[dict[str, Any]]) -> None:
        self.requests: list[dict[str, Any]] = []
        left = list(replies)
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                content = json.dumps(left.pop(0)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[Endpoint]:
        with serving(self._server):
            yield self


SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("install_plugin", {"plugin_name": "hello", "version": None}),
    ("activate_plugin", {"plugin_name": "hello"}),
    ("hello__greet", {"name": "Ada"}),
]
"""What the scripted model wants called, one step each; then it says something."""


async def test_the_openai_sdk_adds_and_uses_a_plugin(plugins: DynamicPlugins) -> None:
    from openai import AsyncOpenAI

    def completion(message: dict[str, Any]) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None, **message}}
        return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}

    def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        function = {"name": name, "arguments": json.dumps(arguments)}
        return completion({"tool_calls": [{"id": name, "type": "function", "function": function}]})

    endpoint = Endpoint([*(called(*each) for each in SCRIPT), completion({"content": "Done."})])
    messages: list[Any] = [{"role": "user", "content": "greet Ada"}]
    with endpoint.serving():
        async with AsyncOpenAI(api_key="none", base_url=endpoint.url) as client:
            while True:
                tools: Any = plugins.tools("openai")
                answer = await client.chat.completions.create(model="m", messages=messages, tools=tools)
                message = answer.choices[0].message
                if not message.tool_calls:
                    break
                messages.append(message)
                for call in message.tool_calls:
                    assert call.type == "function"
                    result = await plugins.call(call.function.name, call.function.arguments)
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    assert message.content == "Done."
    came_back(endpoint, [each["content"] for each in endpoint.requests[-1]["messages"] if each["role"] == "tool"])
    offered(endpoint, lambda request: [tool["function"]["name"] for tool in request["tools"]])


async def test_openais_responses_api_adds_and_uses_a_plugin(plugins: DynamicPlugins) -> None:
    from openai import AsyncOpenAI

    def response(item: dict[str, Any]) -> dict[str, Any]:
        more = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
        return {"id": "r", "object": "response", "created_at": 0, "model": "m", "output": [item], **more}

    def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return response(
            {"type": "function_call", "call_id": name, "name": name, "arguments": json.dumps(arguments), "id": name}
        )

    text = {"type": "output_text", "text": "Done.", "annotations": []}
    said = response({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]})
    endpoint = Endpoint([*(called(*each) for each in SCRIPT), said])
    items: list[Any] = [{"role": "user", "content": "greet Ada"}]
    with endpoint.serving():
        async with AsyncOpenAI(api_key="none", base_url=endpoint.url) as client:
            while True:
                tools: Any = plugins.tools("openai-responses")
                answer = await client.responses.create(model="m", input=items, tools=tools)
                calls = [item for item in answer.output if item.type == "function_call"]
                if not calls:
                    break
                items += answer.output
                for call in calls:
                    result = await plugins.call(call.name, call.arguments)
                    items.append(
                        {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(result)}
                    )
    assert answer.output_text == "Done."
    outputs = [item["output"] for item in endpoint.requests[-1]["input"] if item.get("type") == "function_call_output"]
    came_back(endpoint, outputs)
    offered(endpoint, lambda request: [tool["name"] for tool in request["tools"]])


async def test_the_anthropic_sdk_adds_and_uses_a_plugin(plugins: DynamicPlugins) -> None:
    from anthropic import AsyncAnthropic

    def message(block: dict[str, Any]) -> dict[str, Any]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        more = {"model": "m", "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
        return {"id": "m", "type": "message", "role": "assistant", "content": [block], **more}

    endpoint = Endpoint(
        [
            *(message({"type": "tool_use", "id": name, "name": name, "input": given}) for name, given in SCRIPT),
            message({"type": "text", "text": "Done."}),
        ]
    )
    messages: list[Any] = [{"role": "user", "content": "greet Ada"}]
    with endpoint.serving():
        async with AsyncAnthropic(api_key="none", base_url=endpoint.url) as client:
            while True:
                tools: Any = plugins.tools("anthropic")
                answer = await client.messages.create(model="m", max_tokens=1000, messages=messages, tools=tools)
                messages.append({"role": "assistant", "content": answer.content})
                results = [
                    {
                        "type": "tool_result",
                        "tool_use_id": block.id,
                        "content": json.dumps(await plugins.call(block.name, block.input)),
                    }
                    for block in answer.content
                    if block.type == "tool_use"
                ]
                if not results:
                    break
                messages.append({"role": "user", "content": results})
    assert [block.text for block in answer.content if block.type == "text"] == ["Done."]
    contents = [each["content"] for each in endpoint.requests[-1]["messages"] if each["role"] == "user"][1:]
    came_back(endpoint, [block["content"] for content in contents for block in content])
    offered(endpoint, lambda request: [tool["name"] for tool in request["tools"]])


# google-genai prepares for aiohttp wherever that is installed, in a way that aiohttp warns of.
@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
async def test_the_gemini_sdk_adds_and_uses_a_plugin(plugins: DynamicPlugins) -> None:
    from google import genai
    from google.genai import types as gemini

    def content(part: dict[str, Any]) -> dict[str, Any]:
        return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}

    endpoint = Endpoint(
        [
            *(content({"functionCall": {"name": name, "args": given}}) for name, given in SCRIPT),
            content({"text": "Done."}),
        ]
    )
    contents: list[Any] = [gemini.UserContent("greet Ada")]
    with endpoint.serving():
        client = genai.Client(api_key="none", http_options=gemini.HttpOptions(base_url=endpoint.url))
        async with client.aio as api:
            while True:
                declared = [gemini.FunctionDeclaration(**each) for each in plugins.tools("gemini")]
                answer = await api.models.generate_content(
                    model="m",
                    contents=contents,
                    config=gemini.GenerateContentConfig(tools=[gemini.Tool(function_declarations=declared)]),
                )
                if not answer.function_calls:
                    break
                assert answer.candidates
                contents.append(answer.candidates[0].content)
                for call in answer.function_calls:
                    assert call.name
                    result = await plugins.call(call.name, call.args)
                    contents.append(gemini.Part.from_function_response(name=call.name, response=result))
    assert answer.text == "Done."
    parts = [part for each in endpoint.requests[-1]["contents"] for part in each["parts"]]
    came_back(
        endpoint, [json.dumps(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]
    )
    offered(
        endpoint,
        lambda request: [each["name"] for tool in request["tools"] for each in tool["functionDeclarations"]],
    )


def came_back(endpoint: Endpoint, texts: list[str]) -> None:
    """The model was given each call's result."""
    results = [json.loads(text) for text in texts]
    assert [result["ok"] for result in results] == [True, True, True]
    assert results[-1]["result"] == "Hello, Ada!"
    assert len(endpoint.requests) == len(SCRIPT) + 1


def offered(endpoint: Endpoint, names: Any) -> None:
    """The plugin's actions became tools in the step after it was switched on, and not before."""
    has_it = ["hello__greet" in names(request) for request in endpoint.requests]
    assert has_it == [False, False, True, True]


# ---------------------------------------------------------------- the person


async def test_without_a_person_nothing_is_installed(home: Path) -> None:
    async with DynamicPlugins(home, registries=[registry()]) as plugins:
        refused = await plugins.call("install_plugin", {"plugin_name": "hello"})
        assert refused["error"]["code"] == "needs_confirmation"
        assert plugins.status() == []


async def test_the_person_is_shown_everything_and_their_answer_counts(home: Path) -> None:
    asked: list[ApprovalRequest] = []

    async def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return request.verb == "install"

    async with DynamicPlugins(home, registries=[registry()], approve=approve) as plugins:
        assert (await plugins.call("install_plugin", {"plugin_name": "hello"}))["ok"]
        refused = await plugins.call("activate_plugin", {"plugin_name": "hello"})
        assert refused["error"]["code"] == "declined"
        assert [str(each.status) for each in plugins.status()] == ["installed"]
    assert [each.verb for each in asked] == ["install", "activate"]
    assert any(str(EXAMPLES / "hello-plugin") in line for line in asked[0].facts)


async def test_a_secret_is_asked_of_the_person_and_kept_from_every_result(home: Path, tmp_path: Path) -> None:
    entry = {
        "name": "hello",
        "kind": "python",
        "packages": [{"type": "path", "name": str(EXAMPLES / "hello-plugin")}],
        "config": [{"name": "HELLO_KEY", "required": True, "secret": True}],
    }
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    asked: list[str] = []

    async def ask_values(plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
        asked.append(f"{plugin}: {', '.join(variable.name for variable in variables)}")
        return {"HELLO_KEY": FAKE_KEY}

    environment = {
        "DYNAMIC_PLUGINS_PASSPHRASE": "correct horse",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    settings = Settings.from_environment(environment, home=home, registries=(str(mine),))
    async with DynamicPlugins(settings=settings, approve=approve_everything, ask_values=ask_values) as plugins:
        seen = [
            await plugins.call("install_plugin", {"plugin_name": "hello"}),
            await plugins.call("activate_plugin", {"plugin_name": "hello"}),
            await plugins.call("configure_plugin", {"plugin_name": "hello"}),
        ]
        said = json.dumps(seen) + await plugins.context()
    assert asked == ["hello: HELLO_KEY"]
    assert seen[1]["status"] == "active"
    assert seen[2]["set"] == ["HELLO_KEY"]
    assert FAKE_KEY not in said


async def test_progress_is_told_while_it_happens(home: Path) -> None:
    events: list[Event] = []
    async with DynamicPlugins(
        home, registries=[registry()], approve=approve_everything, listener=events.append
    ) as plugins:
        await switched_on(plugins, "hello")
    assert {event.plugin for event in events} == {"hello"}
    stages = [event.stage for event in events]
    assert stages[-2:] == ["installed", "activated"]


# ---------------------------------------------------------------- one home


async def test_the_context_says_how_to_use_plugins_and_what_is_installed(plugins: DynamicPlugins) -> None:
    await switched_on(plugins, "hello")
    context = await plugins.context()
    assert "list_available_plugins" in context
    assert '{"name": "hello", "version": "1.0.0", "status": "active"}' in context


async def test_what_was_switched_on_is_on_again_and_others_on_the_home_see_it(home: Path) -> None:
    async with (
        DynamicPlugins(home, registries=[registry()], approve=approve_everything) as first,
        DynamicPlugins(home, registries=[registry()]) as second,
    ):
        assert len(second.tools()) == 6
        await switched_on(first, "hello")
        assert len(second.tools()) == 9
        assert (await second.call("hello__greet", '{"name": "Ada"}'))["result"] == "Hello, Ada!"
    async with DynamicPlugins(home, registries=[registry()]) as later:
        assert (await later.call("hello__greet", {"name": "Grace"}))["result"] == "Hello, Grace!"


async def test_a_state_that_cannot_be_read_is_a_result_too(plugins: DynamicPlugins, home: Path) -> None:
    await plugins.call("install_plugin", {"plugin_name": "hello"})
    (home / "plugin-management-state.json").write_text("{")
    result = await plugins.call("activate_plugin", {"plugin_name": "hello"})
    assert result["ok"] is False
    assert "plugin-management-state.json" in result["error"]["message"]
