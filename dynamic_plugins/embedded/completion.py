"""Answers in the form of the Chat Completions API: whole, or in pieces. The same request gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.embedded.decide import Answer

MODEL = "needle-3"
#: The model keeps no clock: an answer depends on its request only.
CREATED = 0


def fingerprint(request: Mapping[str, Any]) -> str:
    """Return what tells *request* from others, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()


def call_id(seed: str, number: int) -> str:
    """Return the id of an answer's call: the same for the same request."""
    return f"call_{seed[:12]}_{number}"


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


def pieces(text: str) -> list[str]:
    """Return *text* word by word; together they are the text."""
    words = text.split(" ")
    return [word if index == 0 else f" {word}" for index, word in enumerate(words)] if text else []


def events(whole: Mapping[str, Any], *, usage: bool = False) -> Iterator[bytes]:
    """Return *whole* as server-sent events."""
    for chunk in chunks(whole, usage=usage):
        yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def failure(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return an error in OpenAI's form; *param* is the parameter that it is about."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
