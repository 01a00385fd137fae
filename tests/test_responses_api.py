"""The Responses API of ``serve-model``, a process of its own, through the official SDK and what is built on it."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import openai
import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.embedded.serving import response_store
from dynamic_plugins.embedded.serving.response_store import ResponseStore, StoredResponse
from dynamic_plugins.testing.endpoint import embedded_model
from tests.fake_tokens import KINDS
from tests.integrations.conversations import registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from openai.types.responses import Response

MODEL = "needle-3"
TIME: Any = {
    "type": "function",
    "name": "mcp-server-time__get_current_time",
    "description": "Get current time in a specific timezone",
    "parameters": {
        "type": "object",
        "properties": {"timezone": {"type": "string", "description": "IANA timezone name"}},
        "required": ["timezone"],
    },
    "strict": False,
}
TOKYO: Any = {"model": MODEL, "input": "what time is it in Tokyo?", "tools": [TIME]}
GREETING: Any = {"model": MODEL, "input": "good morning"}
WITHOUT: list[Any] = ["none", {"type": "allowed_tools", "mode": "auto", "tools": []}]
RESULT = json.dumps({"ok": True, "result": {"timezone": "Asia/Tokyo", "datetime": "2026-11-29T21:00:00+09:00"}})


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_model(tmp_path_factory.mktemp("model"), [str(registry())], None) as settings:
        assert settings.base_url is not None
        yield settings.base_url


@pytest.fixture
async def client(address: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=60) as client:
        yield client


def calls_in(response: Response) -> list[tuple[str, Any]]:
    return [(item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"]


async def test_a_text_is_answered_in_words(client: openai.AsyncOpenAI) -> None:
    answer = await client.responses.create(**GREETING)
    assert answer.output_text
    assert (answer.status, answer.error, answer.usage and answer.usage.output_tokens > 0) == ("completed", None, True)
    assert await client.responses.create(**GREETING) == answer, "the same request gets the same answer"


@pytest.mark.parametrize("kept", [True, False])
async def test_a_call_is_made_and_its_result_told(client: openai.AsyncOpenAI, kept: bool) -> None:
    asked = await client.responses.create(**TOKYO, store=kept)
    ((name, arguments),) = calls_in(asked)
    assert (name, arguments) == (TIME["name"], {"timezone": "Asia/Tokyo"})
    (call,) = [item for item in asked.output if item.type == "function_call"]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
    if kept:
        more: Any = {"previous_response_id": asked.id, "input": [output]}
    else:
        more = {"input": [{"role": "user", "content": TOKYO["input"]}, call.model_dump(exclude_none=True), output]}
    told = await client.responses.create(model=MODEL, tools=[TIME], **more)
    assert "Asia/Tokyo" in told.output_text
    again = await client.responses.create(
        model=MODEL, tools=[TIME], previous_response_id=told.id, input="and in Paris?"
    )
    assert calls_in(again) == [(TIME["name"], {"timezone": "Europe/Paris"})]


async def test_a_stream_is_the_same_in_pieces_as_the_sdk_reads_it(client: openai.AsyncOpenAI) -> None:
    for request in (GREETING, TOKYO):
        whole = await client.responses.create(**request)
        async with client.responses.stream(**request) as stream:
            seen = [event async for event in stream]
            final = await stream.get_final_response()
        assert [event.sequence_number for event in seen] == list(range(len(seen)))
        assert [seen[0].type, seen[1].type] == ["response.created", "response.in_progress"]
        assert seen[-1].type == "response.completed"
        deltas = "".join(event.delta for event in seen if event.type == "response.output_text.delta")
        assert (deltas, final.output_text) == (whole.output_text, whole.output_text)
        arguments = [event.arguments for event in seen if event.type == "response.function_call_arguments.done"]
        assert [json.loads(each) for each in arguments] == [each for _, each in calls_in(whole)]


async def test_raw_events_of_a_stream_are_all_known_to_the_sdk(client: openai.AsyncOpenAI) -> None:
    known: dict[str, Any] = {
        "response.created": ["response"],
        "response.output_item.added": ["item", "output_index"],
        "response.content_part.added": ["item_id", "part", "content_index"],
        "response.output_text.delta": ["item_id", "delta", "logprobs"],
        "response.output_text.done": ["item_id", "text", "logprobs"],
        "response.content_part.done": ["item_id", "part"],
        "response.output_item.done": ["item"],
        "response.completed": ["response"],
    }
    seen = [event async for event in await client.responses.create(**GREETING, stream=True)]
    assert list(dict.fromkeys(event.type for event in seen if event.type != "response.in_progress")) == list(known)
    for event in seen:
        assert all(getattr(event, field) is not None for field in known.get(event.type, ()))
        assert not event.model_extra, event


async def test_a_choice_of_tools_is_kept_or_refused(client: openai.AsyncOpenAI) -> None:
    function: Any = {"type": "function", "name": TIME["name"]}
    allowed: Any = {"type": "allowed_tools", "mode": "required", "tools": [function]}
    demands: tuple[Any, ...] = ("required", function, allowed)
    for choice in demands:
        assert calls_in(await client.responses.create(**TOKYO, tool_choice=choice))
        with pytest.raises(openai.BadRequestError, match="tool_choice: ") as refused:
            await client.responses.create(**TOKYO | {"input": "good morning"}, tool_choice=choice)
        assert refused.value.param == "tool_choice"
    for choice in WITHOUT:
        assert calls_in(await client.responses.create(**TOKYO, tool_choice=choice)) == []


async def test_calls_that_may_not_be_made_at_once_are_made_one_after_another(client: openai.AsyncOpenAI) -> None:
    request: Any = TOKYO | {"input": "what time is it in Tokyo and in Paris?"}
    both = calls_in(await client.responses.create(**request))
    assert len(both) == 2
    first = await client.responses.create(**request, parallel_tool_calls=False)
    assert calls_in(first) == both[:1]
    (call,) = [item for item in first.output if item.type == "function_call"]
    second = await client.responses.create(
        model=MODEL,
        tools=[TIME],
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": RESULT}],
        parallel_tool_calls=False,
    )
    assert calls_in(second) == both[1:]
    (call,) = [item for item in second.output if item.type == "function_call"]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT.replace("Asia/Tokyo", "Paris")}
    last: Any = {"previous_response_id": second.id, "input": [output], "parallel_tool_calls": False}
    told = await client.responses.create(model=MODEL, tools=[TIME], **last)
    assert (calls_in(told), "Tokyo" in told.output_text, "Paris" in told.output_text) == ([], True, True)


async def test_an_answer_that_is_too_long_is_incomplete(client: openai.AsyncOpenAI) -> None:
    whole = (await client.responses.create(**GREETING)).output_text
    short = await client.responses.create(**GREETING, max_output_tokens=1)
    assert (short.output_text, short.status) == (whole[:4], "incomplete")
    assert short.incomplete_details is not None
    assert short.incomplete_details.reason == "max_output_tokens"
    *_, last = [event async for event in await client.responses.create(**GREETING, max_output_tokens=1, stream=True)]
    assert last.type == "response.incomplete"
    assert (last.response.output_text, last.response.status) == (short.output_text, short.status)


USER = {"role": "user", "content": "hello"}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "x", "parameters": []}]}, "tools[0].parameters"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "no_such_tool"}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "x"}]}}, "tool_choice.tools"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"reasoning": {"effort": "none", "summary": "auto"}}, "reasoning.summary"),
        ({"reasoning": "low"}, "reasoning"),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {}}}}, "text.format"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"metadata": {"x": 1}}, "metadata"),
        ({"stream": "yes"}, "stream"),
        ({"instructions": ["x"]}, "instructions"),
        ({"no_such_parameter": None}, "no_such_parameter"),
        ({"input": 1}, "input"),
        ({"input": [1]}, "input[0]"),
        ({"input": [USER, {"type": "computer_call"}]}, "input[1].type"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"role": "nobody", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "shell"}]}]}, "input[0].tools[0].type"),
        ({"input": [USER, {"type": "function_call", "call_id": "c", "name": "n"}]}, "input[1].arguments"),
        ({"input": [USER, {"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[1].call_id"),
        ({"previous_response_id": "resp_never"}, "previous_response_id"),
        ({"previous_response_id": 1}, "previous_response_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_cannot_be_honoured_is_refused_by_name(
    client: openai.AsyncOpenAI, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(**GREETING, extra_body=options)
    assert refused.value.param == param
    assert param in refused.value.message
    assert refused.value.type == "invalid_request_error"


async def test_what_has_no_effect_here_is_taken(client: openai.AsyncOpenAI) -> None:
    options: Any = {
        "temperature": 0.2,
        "top_p": 0.9,
        "service_tier": "flex",
        "truncation": "auto",
        "user": "me",
        "prompt_cache_key": "x",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "none"},
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "background": False,
        "metadata": {"ticket": "12"},
    }
    answer = await client.responses.create(**GREETING, **options)
    assert answer.output_text == (await client.responses.create(**GREETING)).output_text
    assert (answer.service_tier, answer.metadata) == ("default", {"ticket": "12"})


# ---------------------------------------------------------------- what is kept


async def test_a_response_is_kept_until_it_is_deleted(client: openai.AsyncOpenAI) -> None:
    items: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "good evening"}]
    made = await client.responses.create(model=MODEL, input=items, instructions="You help.")
    assert await client.responses.retrieve(made.id) == made
    page = await client.responses.input_items.list(made.id, limit=1)
    assert page.has_next_page()
    listed = [item async for item in client.responses.input_items.list(made.id, order="asc", limit=1)]
    assert [item.role for item in listed if item.type == "message"] == ["developer", "user"]
    with pytest.raises(openai.BadRequestError) as streamed:
        await client.responses.retrieve(made.id, stream=True)
    assert streamed.value.param == "stream"
    with pytest.raises(openai.BadRequestError, match="background"):
        await client.responses.cancel(made.id)
    await client.responses.delete(made.id)
    for gone in (client.responses.retrieve(made.id), client.responses.delete(made.id)):
        with pytest.raises(openai.NotFoundError, match="in memory"):
            await gone


async def test_what_is_not_to_be_stored_is_not(client: openai.AsyncOpenAI) -> None:
    made = await client.responses.create(model=MODEL, input="good night", store=False)
    assert made.store is False  # type: ignore[attr-defined]  # the SDK has no field for it
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="store: false") as refused:
        await client.responses.create(model=MODEL, input="and now?", previous_response_id=made.id)
    assert refused.value.code == "previous_response_not_found"


async def test_no_secret_is_in_what_is_kept(client: openai.AsyncOpenAI) -> None:
    token = KINDS["github"](random.Random(7))  # noqa: S311 - a fake
    made = await client.responses.create(
        model=MODEL,
        instructions=f"GITHUB_TOKEN={token}",
        input=[
            {"role": "user", "content": f"my token is {token}, configure github with it"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": json.dumps({"token": token})},
            {"type": "function_call_output", "call_id": "c", "output": json.dumps({"echo": token})},
        ],
        metadata={"note": token, "name": token},
    )
    kept = await client.responses.retrieve(made.id)
    listed = [item async for item in client.responses.input_items.list(made.id, order="asc")]
    shown = kept.model_dump_json() + "".join(item.model_dump_json() for item in listed)
    assert token not in shown
    assert "***" in shown
    assert [item.type for item in listed] == ["message", "function_call", "function_call_output"]


def test_the_newest_responses_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResponseStore()

    def put(name: str, size: int = 10) -> None:
        store.put(StoredResponse({"id": name}, (), ({"type": "message", "text": "x" * size},)))

    monkeypatch.setattr(response_store, "MOST_RESPONSES", 3)
    for name in "abcd":
        put(name)
    put("b")  # again: it is the newest now
    put("e")
    assert [name for name in "abcde" if store.get(name)] == ["b", "d", "e"]
    monkeypatch.setattr(response_store, "MOST_BYTES", 1000)
    put("f", 800)
    put("g", 800)
    assert [name for name in "abcdefg" if store.get(name)] == ["g"]
    put("h", 2000)
    assert not any(store.get(name) for name in "abcdefgh")


async def test_a_path_that_is_none_names_those_there_are(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="POST /v1/responses"):
        await client.responses.compact(model=MODEL, input="x")


# ---------------------------------------------------------------- what is built on it


@pytest.mark.skipif(find_spec("agents") is None, reason="openai-agents is not installed")
async def test_the_agents_sdk_speaks_to_it_by_its_default(client: openai.AsyncOpenAI, tmp_path: Path) -> None:
    from agents import OpenAIResponsesModel, RunConfig, Runner

    from dynamic_plugins.integrations.openai_agents import PluginAgent, PluginTools

    config = RunConfig(tracing_disabled=True)
    async with DynamicPlugins(tmp_path, registries=[registry()], approve=approve_everything) as plugins:
        agent: Any = PluginAgent(
            name="A", model=OpenAIResponsesModel(MODEL, openai_client=client), plugins=PluginTools(plugins)
        )
        result = await Runner.run(agent, "install hello and switch it on", run_config=config)
        assert "hello is on" in result.final_output
        items: list[Any] = [*result.to_input_list(), {"role": "user", "content": "greet Ada"}]
        streamed = Runner.run_streamed(agent, items, run_config=config)
        async for _ in streamed.stream_events():
            pass
        assert "Hello, Ada!" in streamed.final_output
        result = await Runner.run(agent, "greet Ada", run_config=config, auto_previous_response_id=True)
        assert "Hello, Ada!" in result.final_output


@pytest.mark.skipif(find_spec("pydantic_ai") is None, reason="pydantic-ai is not installed")
async def test_pydantic_ai_speaks_to_it_by_its_default(client: openai.AsyncOpenAI, tmp_path: Path) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from dynamic_plugins.integrations.pydantic_ai import PluginToolset

    async with DynamicPlugins(tmp_path, registries=[registry()], approve=approve_everything) as plugins:
        model = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=client))
        agent = Agent(model, toolsets=[PluginToolset(plugins)])
        first = await agent.run("install hello and switch it on")
        assert "hello is on" in first.output
        async with agent.run_stream("greet Ada", message_history=first.all_messages()) as streamed:
            assert "Hello, Ada!" in await streamed.get_output()
