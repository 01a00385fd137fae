"""A turn with a model that misbehaves: retried where that makes sense, told plainly where not; the talk goes on."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.chat.history import WHOLE_TURNS, History
from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.chat.untrusted_text import RESULT_CHARACTERS, fenced
from dynamic_plugins.core.model_protocol import ToolCall
from dynamic_plugins.settings import ModelSettings, Settings, Timeouts
from tests import openai_schema
from tests.conftest import EXAMPLES, Cli
from tests.scripted_model import Messages, Script, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Answer = tuple[int, dict[str, str], bytes]


def completion(message: dict[str, Any]) -> Answer:
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}],
    }
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()


def tool_call(name: str, arguments: str) -> Answer:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return completion({"content": None, "tool_calls": [call]})


HELLO = completion({"content": "hello"})


@asynccontextmanager
async def endpoint(*answers: Answer | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve *answers* one after the other, the last for ever; None breaks the connection. Gives address and bodies."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        seen.append(await reader.readexactly(length))
        answer = answers[min(len(seen), len(answers)) - 1]
        if answer is not None:
            status, headers, body = answer
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", seen


def settings(home: Path, base_url: str, **more: Any) -> Settings:
    return Settings(home=home, model=ModelSettings("m", base_url, "k"), **more)


@pytest.mark.parametrize(
    "trouble",
    [(429, {"retry-after-ms": "1"}, b"{}"), (503, {"retry-after-ms": "1"}, b"busy"), None],
    ids=["too many requests", "overloaded", "broken connection"],
)
async def test_what_may_pass_is_tried_again(home: Path, trouble: Answer | None) -> None:
    async with endpoint(trouble, HELLO) as (url, seen), App(settings(home, url)) as app:
        assert (await app.conversation().respond("hi")).reply == "hello"
        assert len(seen) == 2


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((401, {}, b"{}"), "refused the key"),
        ((404, {}, b"{}"), "knows no model 'm'"),
        ((400, {}, b'{"error": {"message": "too long"}}'), "too long"),
        ((200, {"content-type": "text/html"}, b"<html>Sign in</html>"), "not a chat completion"),
        ((200, {"content-type": "application/json"}, b'{"choices": []}'), "not a chat completion"),
        ((200, {"content-type": "application/json"}, b'{"choi'), "Say it again|not a chat completion"),
    ],
    ids=["key", "model", "request", "a web page", "no choice", "half a json"],
)
async def test_what_will_not_pass_is_told_and_the_conversation_goes_on(home: Path, trouble: Answer, said: str) -> None:
    async with endpoint(trouble, HELLO) as (url, seen), App(settings(home, url)) as app:
        conversation = app.conversation()
        turn = await conversation.respond("hi")
        assert turn.failed
        assert re.search(said, turn.reply)
        assert (await conversation.respond("hi again")).reply == "hello"
        messages = json.loads(seen[-1])["messages"]
        assert [each["content"] for each in messages[1:]] == ["hi again"], "the failed turn does not confuse the next"


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("no_such_tool", "{}", "bad_arguments"),
        ("install_plugin", "{not json", "bad_arguments"),
        ("install_plugin", '{"plugin_name": ["x"]}', "bad_arguments"),
        (
            "install_plugin",
            '{"plugin_name": "no-such-plugin-at-all"}',
            "needs_confirmation",
        ),  # the person named none such
        ("hello__greet", "{}", "bad_arguments"),
    ],
)
async def test_a_call_that_is_wrong_comes_back_to_the_model_as_an_error_to_mend(
    home: Path, name: str, arguments: str, code: str
) -> None:
    async with endpoint(tool_call(name, arguments), HELLO) as (url, seen), App(settings(home, url)) as app:
        turn = await app.conversation().respond("do it")
        assert turn.reply == "hello"
        assert turn.calls[0].result is not None
        assert turn.calls[0].result["error"]["code"] == code
        assert code in json.loads(seen[1])["messages"][-1]["content"]


async def test_a_model_that_never_stops_calling_is_stopped(home: Path) -> None:
    async with (
        endpoint(tool_call("list_available_plugins", "{}")) as (url, seen),
        App(settings(home, url, max_steps=3)) as app,
    ):
        turn = await app.conversation().respond("go on")
        assert "3 steps" in turn.reply
        assert len(seen) == 3


async def test_a_turn_that_takes_too_long_is_stopped_and_says_so(home: Path) -> None:
    waiting = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        waiting.set()
        await reader.read()  # until the client gives up
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with App(settings(home, url, timeouts=Timeouts(turn=0.3))) as app:
            turn = await app.conversation().respond("hi")
            assert "longer than 0.3 s" in turn.reply
            assert waiting.is_set()


async def test_a_turn_that_is_cancelled_leaves_the_conversation_as_it_was(home: Path) -> None:
    def script(messages: Messages) -> str:
        return " ".join(message["content"] for message in messages if message["role"] == "user")

    begun = asyncio.Event()
    with ScriptedModel(script).serving() as model:
        async with App(settings(home, model.base_url)) as app:
            conversation = app.conversation()
            watch = Watch(on_text=lambda _piece: begun.set())
            task = asyncio.create_task(conversation.respond("first", watch))
            async with asyncio.timeout(10):
                await begun.wait()
            if task.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert (await conversation.respond("second")).reply == "second"


async def test_replies_are_streamed_piece_by_piece(home: Path) -> None:
    with ScriptedModel(lambda _messages: "one two three").serving() as model:
        async with App(settings(home, model.base_url)) as app:
            pieces: list[str] = []
            turn = await app.conversation().respond("count", Watch(on_text=pieces.append))
            assert len(pieces) >= 3
            assert "".join(pieces) == turn.reply


def two_calls(first: str, second: str) -> Script:
    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] == "tool":
            return "done"
        return [(first, {"name": "Ada"}), (second, {"name": "Bob"})]

    return script


async def test_calls_of_one_turn_keep_their_order_and_their_results(home: Path) -> None:
    with ScriptedModel(two_calls("hello__greet", "hello__greet")).serving() as model:
        async with App(settings(home, model.base_url), approve=approve_everything) as app:
            await app.service.install_path(EXAMPLES / "hello-plugin")
            await app.service.activate("hello")
            turn = await app.conversation().respond("greet both")
            assert [call.result["result"] for call in turn.calls if call.result] == ["Hello, Ada!", "Hello, Bob!"]


def test_a_long_result_is_cut_for_the_model_with_a_note_of_how_much() -> None:
    text = fenced({"result": "x" * (RESULT_CHARACTERS * 3)})
    assert len(text) < RESULT_CHARACTERS * 1.3
    assert "characters left out" in text
    assert f"of {RESULT_CHARACTERS * 3 + 14}" in text


def test_a_long_conversation_is_trimmed_by_whole_turns() -> None:
    history = History(characters=2000)
    for number in range(30):
        history.begin(f"message {number} " + "x" * 200)
        call = ToolCall(f"c{number}", "t", "{}")
        history.called([call], ["<data>{}</data>"])
        history.replied("done")
    messages = history.messages()
    assert messages[0]["role"] == "user"
    assert messages[-1] == {"role": "assistant", "content": "done"}
    asked = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    answered = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert asked == answered
    assert 2 <= len(asked) < 30


def test_of_older_results_only_the_beginning_is_sent_again() -> None:
    history = History()
    for number in range(5):
        history.begin("look it up")
        history.called([ToolCall(f"c{number}", "t", "{}")], [fenced({"page": "<b>" + "x" * 3000})])
        history.replied("done")
    sent = [message["content"] for message in history.messages() if message["role"] == "tool"]
    assert [len(text) > 3000 for text in sent] == [False] * (5 - WHOLE_TURNS) + [True] * WHOLE_TURNS
    assert "an older result of 30" in sent[0]
    assert all(text.startswith("<data>") and text.endswith("</data>") and text.count("<") == 2 for text in sent)


def test_the_six_tools_make_a_request_that_openais_own_schema_takes(cli: Cli) -> None:
    if not openai_schema.SCHEMA.is_file():
        pytest.skip("OpenAI's schema is not beside the project")
    request = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": cli("tools", "--format", "openai").json,
    }
    openai_schema.check("CreateChatCompletionRequest", request)
    with pytest.raises(AssertionError):
        openai_schema.check("CreateChatCompletionRequest", {"model": "m"})
