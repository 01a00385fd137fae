"""Answers as endpoints really send them: odd, cut, filtered, glued together; read where they can be, told where not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.chat.conversation import MOST_CALLS
from dynamic_plugins.chat.history import TURN_CHARACTERS, History
from dynamic_plugins.chat.turn import Turn, Watch
from dynamic_plugins.core.model_protocol import ToolCall
from tests.conftest import EXAMPLES
from tests.test_turn import HELLO, completion, endpoint, settings, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.test_turn import Answer

LIST = {"name": "list_available_plugins", "arguments": '{"query": "time", "limit": 1}'}


def choice(**more: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": None, **more}


def streamed(*choices: dict[str, Any] | None) -> Answer:
    """A stream of chunks with one choice each; None is a chunk without any."""
    base = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    lines = [f"data: {json.dumps({**base, 'choices': each and [each]})}\n\n" for each in choices]
    return 200, {"content-type": "text/event-stream"}, "".join([*lines, "data: [DONE]\n\n"]).encode()


def whole(**more: Any) -> Answer:
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice(**more)]}
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()


END = choice(delta={}, finish_reason="stop")
CALLS_END = choice(delta={}, finish_reason="tool_calls")


def said(text: Any) -> dict[str, Any]:
    return choice(delta={"content": text})


def called(index: int | None, **more: Any) -> dict[str, Any]:
    return choice(delta={"tool_calls": [({} if index is None else {"index": index}) | more]})


async def turn_of(home: Path, *answers: Answer, stream: bool) -> tuple[Turn, str]:
    """Return the turn of one message, and what was streamed; another message is answered after it."""
    pieces: list[str] = []
    async with endpoint(*answers, HELLO) as (url, _), App(settings(home, url), approve=approve_everything) as app:
        conversation = app.conversation()
        turn = await conversation.respond("hi", Watch(on_text=pieces.append) if stream else None)
        assert (await conversation.respond("and now?")).reply == "hello"
    return turn, "".join(pieces)


@pytest.mark.parametrize(
    ("answer", "stream"),
    [
        (whole(), False),
        (whole(message=None), False),
        ((200, {"content-type": "application/json"}, b'{"choices": null}'), False),
        ((200, {"content-type": "application/json"}, b'{"choices": [3]}'), False),
        (HELLO, True),
        (streamed(None), True),
        (streamed(), True),
        ((200, {"content-type": "text/event-stream"}, b'data: {"choices": [3]}\n\n'), True),
    ],
    ids=[
        "no message",
        "null message",
        "no choices",
        "a number",
        "no stream",
        "an empty chunk",
        "only the end",
        "3 in it",
    ],
)
async def test_an_answer_that_is_none_is_told_and_the_conversation_goes_on(
    home: Path, answer: Answer, stream: bool
) -> None:
    turn, _ = await turn_of(home, answer, stream=stream)
    assert turn.failed
    assert "not a chat completion" in turn.reply


@pytest.mark.parametrize(
    ("answer", "stream"),
    [
        (whole(message={"role": "assistant", "content": [{"type": "text", "text": "hello"}]}), False),
        (whole(message={"role": "assistant", "content": None, "refusal": "hello"}), False),
        (streamed(choice(delta=None), said([{"type": "text", "text": "hel"}]), said("lo"), END), True),
        (streamed(choice(delta={"refusal": "hello"}), END), True),
        (streamed(said("hello"), None, END), True),
        (streamed(said("hello"), choice(finish_reason="stop")), True),
    ],
    ids=["parts", "a refusal", "streamed parts", "a streamed refusal", "an empty chunk", "an end without a piece"],
)
async def test_what_is_said_in_an_unusual_form_is_read_all_the_same(home: Path, answer: Answer, stream: bool) -> None:
    turn, pieces = await turn_of(home, answer, stream=stream)
    assert (turn.reply, turn.failed) == ("hello", False)
    assert not stream or pieces == "hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_empty_answer_is_told_to_be_one(home: Path, stream: bool) -> None:
    turn, _ = await turn_of(home, streamed(END) if stream else completion({"content": ""}), stream=stream)
    assert (turn.reply, turn.failed) == ("The model gave no answer. Say it again, or in other words.", True)


@pytest.mark.parametrize(("reason", "note"), [("length", "cut off"), ("content_filter", "content filter")])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_cut_says_so(home: Path, reason: str, note: str, stream: bool) -> None:
    message = {"role": "assistant", "content": "The first of"}
    parts = (said("The first of"), choice(delta={}, finish_reason=reason))
    answer = streamed(*parts) if stream else whole(message=message, finish_reason=reason)
    turn, pieces = await turn_of(home, answer, stream=stream)
    assert turn.reply.startswith("The first of\n\n[")
    assert note in turn.reply
    assert not stream or pieces == turn.reply


@pytest.mark.parametrize(
    "parts",
    [
        (said("The answer is forty"),),
        (called(0, id="a", function=LIST),),
        (called(0, id="a", function=LIST), choice(delta={}, finish_reason="length")),
    ],
    ids=["a sentence", "a call", "a call that was too long"],
)
async def test_what_breaks_off_is_neither_an_answer_nor_a_call(home: Path, parts: tuple[dict[str, Any], ...]) -> None:
    turn, _ = await turn_of(home, streamed(*parts), stream=True)
    assert turn.failed
    assert "broke off" in turn.reply
    assert turn.calls == ()


@pytest.mark.parametrize(
    "parts",
    [
        (called(0, id="a", function=LIST), called(1, id="b", function=LIST)),
        (called(0, id="a", function=LIST), called(0, id="b", function=LIST)),
        (called(None, id="a", function=LIST), called(None, id="b", function=LIST)),
        (called(0, function=LIST), called(0, function=LIST)),
        (
            called(0, id="a", function={"name": LIST["name"], "arguments": ""}),
            called(0, function={"arguments": LIST["arguments"][:9]}),
            called(0, function={"arguments": LIST["arguments"][9:]}),
            called(1, id="b", function={"name": LIST["name"], "arguments": LIST["arguments"]}),
        ),
        (
            called(0, id="a", function={"name": LIST["name"], "arguments": LIST["arguments"][:9]}),
            called(0, id="a", function={"name": LIST["name"], "arguments": LIST["arguments"][9:]}),
            called(1, id="b", function={"name": LIST["name"], "arguments": json.loads(LIST["arguments"])}),
        ),
    ],
    ids=["as documented", "one index", "no index", "no id", "in pieces", "the name again, and an object"],
)
async def test_two_calls_are_two_calls_however_they_are_numbered(home: Path, parts: tuple[dict[str, Any], ...]) -> None:
    turn, _ = await turn_of(home, streamed(*parts, CALLS_END), streamed(said("done"), END), stream=True)
    assert turn.reply == "done"
    assert [call.arguments for call in turn.calls] == [{"query": "time", "limit": 1}] * 2
    assert all(call.result is not None and call.result["ok"] for call in turn.calls)


async def test_when_the_model_fails_after_a_call_what_was_done_is_told_and_remembered(home: Path) -> None:
    off = tool_call("deactivate_plugin", '{"plugin_name": "hello"}')
    refused: Answer = (400, {}, b'{"error": {"message": "no"}}')
    async with (
        endpoint(off, refused, HELLO) as (url, seen),
        App(settings(home, url), approve=approve_everything) as app,
    ):
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        conversation = app.conversation()
        turn = await conversation.respond("turn hello off")
        assert turn.failed
        assert turn.reply.endswith("Done before that, and kept: deactivate_plugin.")
        await conversation.respond("hi again")
        told = json.loads(seen[-1])["messages"]
        assert [each["role"] for each in told[1:]] == ["user", "assistant", "tool", "assistant", "user"]


async def test_more_calls_at_once_than_there_may_be_come_back_as_errors(home: Path) -> None:
    calls = [{"id": f"c{number}", "type": "function", "function": LIST} for number in range(MOST_CALLS + 2)]
    turn, _ = await turn_of(home, completion({"content": None, "tool_calls": calls}), HELLO, stream=False)
    codes = [(call.result or {}).get("error", {}).get("code") for call in turn.calls]
    assert codes == [None] * MOST_CALLS + ["bad_arguments"] * 2


def test_of_a_turn_that_grows_too_long_the_first_results_are_shortened() -> None:
    history = History()
    history.begin("read everything")
    for number in range(40):
        history.called([ToolCall(f"c{number}", "read", "{}")], [f"<data>{number} {'x' * 5_000}</data>"])
    sent = history.messages()
    assert len(json.dumps(sent)) < TURN_CHARACTERS * 1.1
    results = [each["content"] for each in sent if each["role"] == "tool"]
    assert len(results) == 40
    assert len(results[0]) < 1_000
    assert len(results[-1]) > 5_000
