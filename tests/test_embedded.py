"""The embedded model behind the `openai` SDK and as an endpoint, and what it makes of active plugins' actions."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.request import Offered
from dynamic_plugins.embedded.serving.completion import chunks
from dynamic_plugins.embedded.serving.http_endpoint import MAX_REQUEST_BYTES, serve
from dynamic_plugins.embedded.values.places import zone
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.tools.management import NAMES, schema
from tests.openai_schema import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

STARTS = 60.0
PLAIN, DOUBTFUL = "please install discord", "instal dicsord"
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": schema(name), "strict": True}}
    for name in NAMES
]
TIME: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "mcp-server-time__get_current_time",
            "description": "Get current time in a specific timezone",
            "parameters": {
                "type": "object",
                "properties": {"timezone": {"type": "string", "description": "IANA timezone name"}},
                "required": ["timezone"],
            },
        },
    }
]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(Registry(tmp_path, official={}))


@pytest.fixture
async def client(catalogue: Catalogue) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        served(catalogue) as http,
        openai.AsyncOpenAI(base_url=str(http.base_url), api_key="none", max_retries=0) as client,
    ):
        yield client


def asked(text: str, tools: Sequence[Any] = TOOLS) -> dict[str, Any]:
    return {"model": "needle-3", "messages": [{"role": "user", "content": text}], "tools": list(tools)}


async def test_the_sdk_gets_a_tool_call_that_openais_schema_allows(client: openai.AsyncOpenAI) -> None:
    request = asked("install mcp-server-time and switch it on")
    check("CreateChatCompletionRequest", request)
    answer = await client.chat.completions.create(**request)
    check("CreateChatCompletionResponse", json.loads(answer.model_dump_json(exclude_unset=True)))
    calls = answer.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == ["install_plugin", "activate_plugin"]
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_the_same_request_gets_the_same_answer(client: openai.AsyncOpenAI) -> None:
    first = await client.chat.completions.create(**asked(DOUBTFUL))
    again = await client.chat.completions.create(**asked(DOUBTFUL))
    assert first == again
    assert first.choices[0].message.content == "Install @elizaos/plugin-discord?"


async def test_a_streamed_answer_is_the_same_in_pieces(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(**asked(DOUBTFUL))
    for chunk in chunks(json.loads(whole.model_dump_json(exclude_unset=True)), usage=True):
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"  # "nullable" is no word of JSON Schema's
        check("CreateChatCompletionStreamResponse", chunk)
    text, usage = "", None
    stream = await client.chat.completions.create(
        **asked(DOUBTFUL), stream=True, stream_options={"include_usage": True}
    )
    async for piece in stream:
        text += "".join(choice.delta.content or "" for choice in piece.choices)
        usage = piece.usage or usage
    assert text == whole.choices[0].message.content
    assert usage == whole.usage


async def test_streamed_calls_come_whole(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(**asked(PLAIN), stream=True)
    calls = [call async for piece in stream for choice in piece.choices for call in choice.delta.tool_calls or ()]
    assert [call.function.name for call in calls if call.function] == ["install_plugin"]


async def test_results_become_sentences(client: openai.AsyncOpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "install_plugin", "arguments": "{}"}}
    failed = {"ok": False, "error": {"code": "unknown_plugin", "message": "there is no x", "suggestions": ["y", "z"]}}
    request = asked("install x")
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": f"<data>{json.dumps(failed)}</data>"},
    ]
    answer = await client.chat.completions.create(**request)
    assert answer.choices[0].message.content == "That did not work: there is no x. Did you mean y or z?"


async def test_models_are_listed_and_wrong_requests_told_in_openais_form(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["needle-3"]
    with pytest.raises(openai.BadRequestError, match="no message of the user"):
        await client.chat.completions.create(model="needle-3", messages=[{"role": "system", "content": "x"}])
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="needle-3", input="x")


async def test_a_plugins_action_is_called_with_what_its_schema_demands(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**asked("what time is it in Tokyo?", [*TOOLS, *TIME]))
    calls = answer.choices[0].message.tool_calls or []
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls if call.type == "function"] == [
        ("mcp-server-time__get_current_time", {"timezone": "Asia/Tokyo"})
    ]


async def test_choosing_no_tool_is_respected(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**asked("what time is it in Tokyo?", TIME), tool_choice="none")
    assert answer.choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n": 2}, "^n: "),
        ({"response_format": {"type": "json_object"}}, "^response_format: "),
        ({"stop": [1]}, "^stop: "),
        ({"parallel_tool_calls": "no"}, "^parallel_tool_calls: "),
        ({"max_tokens": 0}, "^max_tokens: "),
        ({"logprobs": True}, "^logprobs: "),
        ({"tools": [{"name": "x"}]}, r"^tools\[0\]: "),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, r"^tools\[0\].function.name: "),
        ({"tools": {}}, "^tools: "),
        ({"tool_choice": "any"}, "^tool_choice: "),
        ({"tool_choice": {"type": "function", "function": {"name": "no_such_tool"}}}, "^tool_choice: 'no_such_tool'"),
        ({"tool_choice": "required", "tools": []}, "^tool_choice: a call is required"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_reason(
    catalogue: Catalogue, options: dict[str, Any], reason: str
) -> None:
    async with served(catalogue) as http:
        body = asked("what time is it in Tokyo?", TIME) | options
        refused = await http.post("/chat/completions", json=body, headers={"X-Malformed": "on purpose"})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert re.search(reason, error["message"])
    assert error["message"].startswith(f"{error['param']}: ")


async def test_an_action_goes_before_the_prompt_of_the_same_purpose(client: openai.AsyncOpenAI) -> None:
    address = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    fetch, prompt = (
        {"type": "function", "function": {"name": f"web__{name}", "description": about, "parameters": address}}
        for name, about in [
            ("fetch", "Fetches a URL from the internet and gives its contents as markdown"),
            ("prompt_fetch", "Gives the text of a prompt, with its blanks filled in. Fetch a URL as markdown"),
        ]
    )
    for tools in ([prompt, fetch], [fetch, prompt]):
        answer = await client.chat.completions.create(**asked("fetch https://example.org/a", tools))
        calls = answer.choices[0].message.tool_calls or []
        assert [call.function.name for call in calls if call.type == "function"] == ["web__fetch"]


async def test_a_call_that_is_demanded_is_made_or_refused(client: openai.AsyncOpenAI) -> None:
    time: Any = {"type": "function", "function": {"name": "mcp-server-time__get_current_time"}}
    choices: tuple[Any, ...] = ("required", time)
    for choice in choices:
        answer = await client.chat.completions.create(**asked("what time is it in Tokyo?", TIME), tool_choice=choice)
        assert answer.choices[0].finish_reason == "tool_calls"
    for choice in choices:
        with pytest.raises(openai.BadRequestError, match="tool_choice: "):
            await client.chat.completions.create(**asked("good morning", TIME), tool_choice=choice)


async def test_calls_that_may_not_be_made_at_once_are_made_one_after_another(client: openai.AsyncOpenAI) -> None:
    request = asked("what time is it in Tokyo and in Paris?", TIME) | {"parallel_tool_calls": False}
    zones = []
    for result in ("21:00", "13:00"):
        message = (await client.chat.completions.create(**request)).choices[0].message
        (call,) = message.tool_calls or []
        assert call.type == "function"
        zones.append(json.loads(call.function.arguments)["timezone"])
        request["messages"] += [message, {"role": "tool", "tool_call_id": call.id, "content": result}]
    assert zones == ["Asia/Tokyo", "Europe/Paris"]
    last = (await client.chat.completions.create(**request)).choices[0].message
    assert (last.tool_calls, "21:00" in str(last.content), "13:00" in str(last.content)) == (None, True, True)


async def test_a_text_ends_where_the_request_says(client: openai.AsyncOpenAI) -> None:
    request = asked("good morning", [])
    whole = (await client.chat.completions.create(**request)).choices[0].message.content or ""
    word = whole.split()[1]
    stopped = (await client.chat.completions.create(**request, stop=[word])).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == (whole[: whole.index(word)], "stop")
    short = (await client.chat.completions.create(**request, max_tokens=1)).choices[0]
    assert (short.message.content, short.finish_reason) == (whole[:4], "length")


def _tool(tool: str, description: str, required: Sequence[str], **properties: dict[str, Any]) -> Offered:
    return Offered(tool, description, {"type": "object", "properties": properties, "required": list(required)})


MANY = [
    _tool("hello__greet", "Greets somebody by name", ["name"], name={"type": "string"}),
    _tool("everything__echo", "Echoes back the input string", ["message"], message={"type": "string"}),
    _tool(
        "everything__get-sum",
        "Returns the sum of two numbers",
        ["a", "b"],
        a={"type": "number", "description": "First number"},
        b={"type": "number", "description": "Second number"},
    ),
    _tool(
        "time__get_current_time",
        "Get current time in a timezone",
        ["timezone"],
        timezone={"type": "string", "description": "IANA timezone name"},
    ),
    _tool(
        "time__convert_time",
        "Convert time between timezones",
        ["source_timezone", "time", "target_timezone"],
        source_timezone={"type": "string", "description": "Source IANA timezone name"},
        time={"type": "string", "description": "Time to convert in 24-hour format (HH:MM)"},
        target_timezone={"type": "string", "description": "Target IANA timezone name"},
    ),
    *(_tool(f"other__action_{n}", f"Does thing number {n}", ["x"], x={"type": "string"}) for n in range(24)),
]


def used(said: str, tools: Sequence[Offered] = tuple(MANY)) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls that are made at once for *said*."""
    best = next(iter(propose(said, [], tools)), None)
    return list(best.calls) if best is not None and best.acts else []


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("time in nyc?", "time__get_current_time", {"timezone": "America/New_York"}),
        (
            "convert 3pm from London to San Francisco time",
            "time__convert_time",
            {"source_timezone": "Europe/London", "time": "15:00", "target_timezone": "America/Los_Angeles"},
        ),
        ("now tell me the time in Lima", "time__get_current_time", {"timezone": "America/Lima"}),
    ],
)
def test_the_right_action_is_found_among_many(said: str, name: str, arguments: dict[str, Any]) -> None:
    assert used(said) == [(name, arguments)]


def test_two_numbers_are_added_whichever_is_first() -> None:
    ((name, arguments),) = used("what's 17 plus 4")
    assert name == "everything__get-sum"
    assert sorted(arguments.values()) == [4, 17]


async def test_the_time_in_a_place_that_nobody_knows_is_not_told(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**asked("what time is it in Rivendell", [*TOOLS, *TIME]))
    assert answer.choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("and in Madrid?", ["Europe/Madrid"]),
        ("what about Lima and Oslo", ["America/Lima", "Europe/Oslo"]),
        ("und in Tokio?", ["Asia/Tokyo"]),
    ],
)
async def test_what_goes_on_from_a_call_is_the_same_call_with_something_else(
    client: openai.AsyncOpenAI, said: str, places: list[str]
) -> None:
    call = {"name": "mcp-server-time__get_current_time", "arguments": '{"timezone": "Europe/Rome"}'}
    request = asked("what time is it in Rome?", [*TOOLS, *TIME])
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "c1", "content": '<data>{"ok": true, "result": "noon"}</data>'},
        {"role": "assistant", "content": "noon"},
        {"role": "user", "content": said},
    ]
    answer = await client.chat.completions.create(**request)
    calls = answer.choices[0].message.tool_calls or []
    assert [json.loads(each.function.arguments)["timezone"] for each in calls if each.type == "function"] == places


def test_several_places_are_several_calls() -> None:
    calls = used("what's the time in London and in Paris?")
    assert [arguments["timezone"] for _, arguments in calls] == ["Europe/London", "Europe/Paris"]


@pytest.mark.parametrize("said", ["what's the capital of France?", "good morning!", "tell me a joke"])
async def test_no_action_is_called_for_what_none_does(client: openai.AsyncOpenAI, said: str) -> None:
    tools = [
        {
            "type": "function",
            "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
        }
        for each in MANY
    ]
    answer = await client.chat.completions.create(**asked(said, [*TOOLS, *tools]))
    assert answer.choices[0].message.tool_calls is None


def as_it_is(result: dict[str, Any]) -> str:
    return json.dumps(result)


def as_google_adk_hands_it_on(result: dict[str, Any]) -> str:
    content = [{"type": "text", "text": json.dumps(result)}]
    return json.dumps({"content": content, "structuredContent": result, "isError": not result["ok"]})


def as_llamaindex_hands_it_on(result: dict[str, Any]) -> str:
    text = repr(json.dumps(result))
    return (
        f"meta=None content=[TextContent(type='text', text={text}, annotations=None, meta=None)] "
        f"structured_content={result!r} is_error={not result['ok']} result_type='complete'"
    )


HANDED_ON = pytest.mark.parametrize("handed_on", [as_it_is, as_google_adk_hands_it_on, as_llamaindex_hands_it_on])


@HANDED_ON
async def test_what_our_tools_answer_is_read_as_an_mcp_client_hands_it_on(
    client: openai.AsyncOpenAI, handed_on: Callable[[dict[str, Any]], str]
) -> None:
    arguments = {"type": "object", "properties": {"arguments": {"type": "object"}}}
    pair = [
        {"type": "function", "function": {"name": "search_plugin_actions", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "call_plugin_action", "parameters": arguments}},
    ]
    request = asked("install mcp-server-time and switch it on", [*TOOLS, *pair])

    async def answered(*results: dict[str, Any]) -> str:
        """Return what is said once the calls have *results*; what is called is kept in the request."""
        message = (await client.chat.completions.create(**request)).choices[0].message
        calls = message.tool_calls or []
        given = [
            {"role": "tool", "tool_call_id": call.id, "content": handed_on(result)}
            for call, result in zip(calls, results, strict=True)
        ]
        request["messages"] += [message.model_dump(exclude_none=True), *given]
        return str(message.content or calls[0].model_dump_json())

    plugin = {"ok": True, "name": "mcp-server-time", "version": "1.0"}
    action = {"name": "get_current_time", "description": "Get current time in a specific timezone"}
    await answered(plugin | {"status": "installed"}, plugin | {"status": "active", "actions": [action]})
    said = await answered()
    assert said.startswith("mcp-server-time 1.0 is installed and on.")
    request["messages"].append({"role": "user", "content": "what time is it in Tokyo?"})
    found = {"action": TIME[0]["function"]["name"], **action, "parameters": TIME[0]["function"]["parameters"]}
    assert "search_plugin_actions" in await answered({"ok": True, "actions": [found]})
    wanted = json.loads(
        json.loads(await answered({"ok": False, "error": {"code": "x", "message": "no such clock"}}))["function"][
            "arguments"
        ]
    )
    assert wanted == {"action": found["action"], "arguments": {"timezone": "Asia/Tokyo"}}
    assert "no such clock" in await answered()


async def test_past_the_list_actions_are_searched_and_called_by_name(client: openai.AsyncOpenAI) -> None:
    pair = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
        for name in ("search_plugin_actions", "call_plugin_action")
    ]
    request = asked("what's 17 plus 4", [*TOOLS, *pair])
    status = {"plugins": [{"name": "everything", "version": "1.0", "status": "active"}]}
    content = f"<dynamic_plugins_status>\n{json.dumps(status)}\n</dynamic_plugins_status>"
    request["messages"].insert(0, {"role": "system", "content": content})
    first = (await client.chat.completions.create(**request)).choices[0].message
    assert first.tool_calls
    assert first.tool_calls[0].type == "function"
    assert first.tool_calls[0].function.name == "search_plugin_actions"
    found = {"actions": [{"action": t.name, "description": t.description, "parameters": t.parameters} for t in MANY]}
    request["messages"] += [
        first.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": f"<data>{json.dumps(found)}</data>"},
    ]
    then = (await client.chat.completions.create(**request)).choices[0].message
    assert then.tool_calls
    assert then.tool_calls[0].type == "function"
    assert then.tool_calls[0].function.name == "call_plugin_action"
    arguments = json.loads(then.tool_calls[0].function.arguments)
    assert arguments["action"] == "everything__get-sum"
    assert sorted(json.loads(arguments["arguments"]).values()) == [4, 17]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("europe/berlin", "Europe/Berlin"),
        ("Munich", "Europe/Berlin"),
        ("Japan", "Asia/Tokyo"),
        ("UTC+2", "Etc/GMT-2"),
        ("Pacific time", "America/Los_Angeles"),
        ("Atlantis", None),
    ],
)
def test_places_are_time_zones(said: str, meant: str | None) -> None:
    assert zone(said) == meant


SILENT = """
import os, sys
touched = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        touched.append((event, str(arguments)))
sys.addaudithook(hook)
from evals.needle import engine
tool = {"name": "greet", "description": "Greet somebody", "parameters": {"type": "object", "properties": {}}}
engine().guesses("greet them", [tool])
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
assert "needle" in sys.modules
assert touched == [], touched
assert not os.path.exists(os.path.expanduser("~/.cactus_needle")), "telemetry left an id"
print("silent")
"""


def test_the_engine_never_uses_the_network_and_leaves_no_id(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"NEEDLE_TELEMETRY", "DO_NOT_TRACK", "CI"}}
    done = subprocess.run(
        [sys.executable, "-c", SILENT],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout.strip() == "silent", done.stderr


def test_without_the_engine_the_remedy_is_told() -> None:
    code = (
        "import sys; sys.modules['needle'] = None\n"
        "from evals.needle import engine\n"
        "from dynamic_plugins.errors import ModelError\n"
        "try: engine().check()\n"
        "except ModelError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert "pip install 'agent-dynamic-plugins[dev]'" in done.stdout, done.stderr


@asynccontextmanager
async def served(catalogue: Catalogue) -> AsyncIterator[httpx2.AsyncClient]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve(catalogue, listener))
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", timeout=STARTS) as http:
            yield http
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        listener.close()


async def test_the_endpoint_answers_streams_and_refuses(catalogue: Catalogue) -> None:
    async with served(catalogue) as http:
        answer = await http.post("/chat/completions", json=asked(PLAIN))
        assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
        streamed = await http.post("/chat/completions", json=asked(PLAIN) | {"stream": True})
        assert streamed.headers["content-type"].startswith("text/event-stream")
        assert streamed.text.rstrip().endswith("data: [DONE]")
        assert (await http.get("/nothing")).status_code == 404
        assert (await http.delete("/models")).status_code == 405
        broken = await http.post("/chat/completions", content=b"{")
        assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
        long = await http.post("/chat/completions", content=b" " * (MAX_REQUEST_BYTES + 1))
        assert long.status_code == 413
        page = await http.post("/chat/completions", json=asked("x"), headers={"origin": "https://page.example"})
        assert page.status_code == 403
