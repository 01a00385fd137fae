"""Answers in the form of the Chat Completions API: whole, or in pieces. The same request gives the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.identity import CREATED, MODEL, call_id, fingerprint, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.embedded.managing.decide import Answer


def completion(request: Mapping[str, Any], answer: Answer, ends: str = "") -> dict[str, Any]:
    """Return the ``chat.completion`` object for *answer*; *ends* is its ``finish_reason`` where it was cut short."""
    seed = fingerprint(request)
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": call_id(seed, index),
                "type": "function",
                "function": {"name": call.tool, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for index, call in enumerate(answer.calls)
        ]
    elif message["content"] is None:
        message["content"] = ""
    prompt, reply = tokens(request.get("messages")), tokens(message)
    return {
        "id": f"chatcmpl-{seed[:24]}",
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": ends or ("tool_calls" if answer.calls else "stop"),
            }
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply},
    }


def tokens(value: Any) -> int:
    """Return about how many tokens *value* is as JSON: four bytes make one."""
    return (len(json.dumps(value, ensure_ascii=False).encode()) + 3) // 4


def chunks(whole: Mapping[str, Any], *, usage: bool = False) -> Iterator[dict[str, Any]]:
    """Return *whole* as ``chat.completion.chunk`` objects: the text word by word, each call at once."""
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": whole["model"]}
    choice = whole["choices"][0]
    message = choice["message"]

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": "" if message["content"] is not None else None})
    for piece in pieces(message["content"] or ""):
        yield chunk({"content": piece})
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    yield chunk({}, choice["finish_reason"])
    if usage:
        yield head | {"choices": [], "usage": whole["usage"]}


def events(whole: Mapping[str, Any], *, usage: bool = False) -> Iterator[bytes]:
    """Return *whole* as server-sent events."""
    for chunk in chunks(whole, usage=usage):
        yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def failure(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return an error in OpenAI's form; *param* is the parameter that it is about."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
