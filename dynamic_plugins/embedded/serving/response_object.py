"""Answers in the form of the Responses API: whole, or as the events of a stream. The same request gives the same bytes.

Source of the shapes: ``openai.types.responses`` of the official SDK, 3.57.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.identity import CREATED, MODEL, call_id, pieces
from dynamic_plugins.embedded.serving.completion import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.managing.decide import Answer


def response_id(seed: str) -> str:
    """Return the id of the response to the request with the fingerprint *seed*."""
    return f"resp_{seed[:32]}"


def response(
    body: Mapping[str, Any], read: Sequence[Mapping[str, Any]], answer: Answer, seed: str, *, cut: bool = False
) -> dict[str, Any]:
    """Return the ``response`` object for *answer*, *cut* short or not; *read* are all the items that it answers."""
    output = _output(answer, seed, "incomplete" if cut else "completed")
    prompt, reply = tokens([body.get("instructions") or "", read]), tokens(output)
    return {
        "id": response_id(seed),
        "object": "response",
        "created_at": CREATED,
        "completed_at": None if cut else CREATED,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": MODEL,
        "output": output,
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "truncation": "disabled",
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": reply,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + reply,
        },
    }


def _output(answer: Answer, seed: str, status: str) -> list[dict[str, Any]]:
    said = {
        "id": f"msg_{seed[:32]}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [_text(answer.text)],
    }
    calls = [
        {
            "id": f"fc_{seed[:32]}_{index}",
            "type": "function_call",
            "status": "completed",
            "call_id": call_id(seed, index),
            "name": call.tool,
            "arguments": json.dumps(call.arguments, ensure_ascii=False),
        }
        for index, call in enumerate(answer.calls)
    ]
    return [said, *calls] if answer.text or not calls else calls


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def response_events(whole: Mapping[str, Any]) -> Iterator[bytes]:
    """Return the response *whole* as server-sent events: its text word by word, the arguments of each call at once."""
    for number, event in enumerate(_events(whole)):
        data = json.dumps({**event, "sequence_number": number}, ensure_ascii=False)
        yield f"event: {event['type']}\ndata: {data}\n\n".encode()


def _events(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None} | dict.fromkeys(
        ("completed_at", "incomplete_details")
    )
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(whole["output"]):
        parts: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        added = {**item, **parts, "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": index, "item": added}
        inside = _message_events if item["type"] == "message" else _call_events
        for event in inside(item):
            yield {"item_id": item["id"], "output_index": index, **event}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{whole['status']}", "response": whole}


def _message_events(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(item["content"]):
        at = {"content_index": index}
        yield {"type": "response.content_part.added", **at, "part": _text("")}
        for piece in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": part}


def _call_events(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "response.function_call_arguments.delta", "delta": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}
