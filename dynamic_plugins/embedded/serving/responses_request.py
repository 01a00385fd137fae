"""A request of the Responses API as one of Chat Completions: what is honoured is turned, the rest refused by name.

Source of the shapes: ``openai.types.responses`` of the official SDK, 3.57.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.request import BadRequestError
from dynamic_plugins.embedded.serving.request_options import NO_FORMS, check_options, check_switch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Item = dict[str, Any]

_HONOURED = {
    "input", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "previous_response_id", "store",
    "stream", "text", "tool_choice", "tools",
}  # fmt: skip
_WITHOUT_EFFECT = {
    # Which model: there is one. How it samples, what it caches, how fast and for whom: it does none of that.
    "model", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier",
    "temperature", "top_p", "user",
    # What is never reached here: a limit on built-in tools, an input too long for the model's context.
    "max_tool_calls", "truncation",
    # A stream has no padding; of what may be included there is only what is checked below.
    "include", "stream_options",
}  # fmt: skip
_REFUSED = {
    "background": "an answer is made at once. Leave it out, and wait for the answer.",
    "background_options": "an answer is made at once. Leave them out.",
    "context_management": "nothing is compacted here. Send what is to be read as input.",
    "conversation": "none are kept here. Use previous_response_id, or send the whole conversation as input.",
    "moderation": "nothing is moderated here.",
    "prompt": "no prompts are kept here. Send its text as instructions.",
    "top_logprobs": "this model has none to give.",
}
_MOST_METADATA = 16


def check_parameters(body: Any) -> None:
    """Raise BadRequestError for a parameter of *body* that is unknown, malformed or beyond what the model does."""
    if not isinstance(body, dict):
        raise BadRequestError("The request must be one JSON object.")
    for name in body:
        if name not in _HONOURED | _WITHOUT_EFFECT | _REFUSED.keys() | {"reasoning"}:
            raise BadRequestError.of(name, "this parameter is not known here.", "unknown_parameter")
    for name, why in _REFUSED.items():
        if body.get(name):
            raise BadRequestError.of(name, why, "unsupported_parameter")
    for name in ("parallel_tool_calls", "store", "stream"):
        check_switch(body, name)
    for name in ("instructions", "previous_response_id"):
        if not isinstance(body.get(name), str | None):
            raise BadRequestError.of(name, "must be a text.")
    most = body.get("max_output_tokens")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise BadRequestError.of("max_output_tokens", "must be a whole number from 1.")
    if "message.output_text.logprobs" in (body.get("include") or ()):
        raise BadRequestError.of("include", "this model has no logprobs to give.", "unsupported_value")
    _check_reasoning(_table(body, "reasoning"))
    _check_text(_table(body, "text"))
    _check_metadata(_table(body, "metadata"))


def _table(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict | None):
        raise BadRequestError.of(name, "must be an object.")
    return value or {}


def _check_reasoning(reasoning: Mapping[str, Any]) -> None:
    for name, value in reasoning.items():
        if value not in (None, "none"):
            why = "this model does not reason. Leave it out."
            raise BadRequestError.of(f"reasoning.{name}", why, "unsupported_parameter")


def _check_text(text: Mapping[str, Any]) -> None:
    shape = text.get("format")
    if shape is not None and (not isinstance(shape, dict) or shape.get("type") != "text"):
        raise BadRequestError.of("text.format", NO_FORMS, "unsupported_value")
    if text.get("verbosity") not in (None, "medium"):
        raise BadRequestError.of("text.verbosity", "this model's answers have one length, medium.", "unsupported_value")


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    if len(metadata) > _MOST_METADATA or not all(isinstance(value, str) for value in metadata.values()):
        raise BadRequestError.of("metadata", f"must be up to {_MOST_METADATA} texts by name.")


def chat_body(body: Mapping[str, Any], items: Sequence[Item]) -> dict[str, Any]:
    """Return the Chat Completions request that asks the same: *items* are the whole conversation, by ``items_of``.

    Raises BadRequestError for tools, and a choice among them, that are not functions.
    """
    offered = _tools(body.get("tools"), "tools")
    for item in items:
        offered |= _tools(item.get("tools"), "tools")
    tools, choice = _chosen(offered, body.get("tool_choice"))
    instructions = body.get("instructions")
    system = [{"role": "system", "content": instructions}] if instructions else []
    chat = {
        "messages": [*system, *_messages(items)],
        "tools": tools,
        "tool_choice": choice,
        "stream": body.get("stream"),
        "max_completion_tokens": body.get("max_output_tokens"),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
    }
    check_options(chat)
    return chat


# ---------------------------------------------------------------- tools


def _tools(tools: Any, where: str) -> dict[str, Any]:
    """Return *tools* by name, in the form of Chat Completions."""
    if not isinstance(tools, list | None):
        raise BadRequestError.of(where, "must be a list.")
    read = [_tool(tool, f"{where}[{index}]") for index, tool in enumerate(tools or ())]
    return {tool["function"]["name"]: tool for tool in read}


def _tool(tool: Any, where: str) -> dict[str, Any]:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        why = f"only functions are called here, and this is {kind!r}. Offer a function that does the same."
        raise BadRequestError.of(f"{where}.type", why, "unsupported_value")
    if not isinstance(tool.get("name"), str) or not tool["name"]:
        raise BadRequestError.of(f"{where}.name", "must be a text.")
    if not isinstance(tool.get("parameters"), dict | None):
        raise BadRequestError.of(f"{where}.parameters", "must be a JSON Schema of an object.")
    if tool.get("defer_loading"):
        raise BadRequestError.of(f"{where}.defer_loading", "there is no tool search here.", "unsupported_value")
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def _chosen(offered: Mapping[str, Any], choice: Any) -> tuple[list[Any], Any]:
    """Return which of the tools *offered* may be called, and the choice among them in the form of Chat Completions."""
    tools = list(offered.values())
    if not isinstance(choice, dict):
        return tools, choice
    match choice.get("type"), choice.get("tools"):
        case "function", _:
            return tools, {"type": "function", "function": {"name": choice.get("name")}}
        case "allowed_tools", list(allowed):
            names = [str(each.get("name")) if isinstance(each, dict) else "" for each in allowed]
            if unknown := [name for name in names if name not in offered]:
                raise BadRequestError.of("tool_choice.tools", f"{unknown[0]!r} is not among the tools.")
            return [offered[name] for name in dict.fromkeys(names)], choice.get("mode", "auto")
    why = f"only functions are called here, and {choice.get('type')!r} is none."
    raise BadRequestError.of("tool_choice", why, "unsupported_value")


# ---------------------------------------------------------------- items


def items_of(body: Mapping[str, Any], seed: str, called: Sequence[Item] = ()) -> list[Item]:
    """Return the ``input`` of *body* as items in the API's full form, each with an id that begins with *seed*.

    *called* are the items before them; what was called there may be answered. Raises BadRequestError for items that the
    model cannot read.
    """
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise BadRequestError.of("input", "must be a text, or a list of items.")
    calls = {str(item["call_id"]) for item in called if item["type"] == "function_call"}
    items = []
    for index, item in enumerate(given):
        where = f"input[{index}]"
        read = _reader(item, where)(item, where)
        if read["type"] == "function_call":
            calls.add(read["call_id"])
        elif read["type"] == "function_call_output" and read["call_id"] not in calls:
            why = f"there is no call {read['call_id']!r} before it."
            raise BadRequestError.of(f"{where}.call_id", why)
        items.append({"id": str(item.get("id") or f"item_{seed[:12]}_{index}"), **read})
    return items


def _reader(item: Any, where: str) -> Callable[[Mapping[str, Any], str], Item]:
    if not isinstance(item, dict):
        raise BadRequestError.of(where, "must be an object.")
    kind = item.get("type", "message" if "role" in item else None)
    if kind == "item_reference":
        raise BadRequestError.of(where, "items are not kept by id. Send the item itself, or use previous_response_id.")
    if kind not in _READERS:
        why = f"items of type {kind!r} are not read here; {', '.join(_READERS)} are."
        raise BadRequestError.of(f"{where}.type", why, "unsupported_value")
    return _READERS[kind]


def _message(item: Mapping[str, Any], where: str) -> Item:
    role = item.get("role")
    if role not in {"user", "assistant", "system", "developer"}:
        raise BadRequestError.of(f"{where}.role", f"there is no role {role!r}.")
    content = item.get("content")
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        raise BadRequestError.of(f"{where}.content", "must be a text, or a list of parts.")
    texts = [_text(part, f"{where}.content[{index}]") for index, part in enumerate(parts)]
    said = {"type": "output_text", "annotations": []} if role == "assistant" else {"type": "input_text"}
    return {
        "type": "message",
        "role": role,
        "content": [{**said, "text": text} for text in texts],
        "status": "completed",
    }


def _text(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
    if kind not in {"input_text", "output_text", "refusal"} or not isinstance(text, str):
        raise BadRequestError.of(where, f"this model reads text, and this is {kind!r}.", "unsupported_value")
    return text


def _call(item: Mapping[str, Any], where: str) -> Item:
    for name in ("call_id", "name", "arguments"):
        if not isinstance(item.get(name), str):
            raise BadRequestError.of(f"{where}.{name}", "must be a text.")
    kept = {name: item[name] for name in ("call_id", "name", "arguments")}
    return {"type": "function_call", **kept, "status": "completed"}


def _output(item: Mapping[str, Any], where: str) -> Item:
    output = item.get("output")
    if not isinstance(item.get("call_id"), str):
        raise BadRequestError.of(f"{where}.call_id", "must be a text.")
    if not isinstance(output, str | list):
        raise BadRequestError.of(f"{where}.output", "must be a text, or a list of parts.")
    return {
        "type": "function_call_output",
        "call_id": item["call_id"],
        "output": output if isinstance(output, str) else _texts_of(output),
        "status": "completed",
    }


def _texts_of(parts: Sequence[Any]) -> str:
    """Return what a tool answered in words: the pictures and files beside it must not end the conversation."""
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _thoughts(item: Mapping[str, Any], where: str) -> Item:  # noqa: ARG001 - one of several readers
    return {"type": "reasoning", "summary": []}


def _more_tools(item: Mapping[str, Any], where: str) -> Item:
    """What a client adds to the tools in the middle of a conversation: from its next answer on the model has them."""
    _tools(item.get("tools"), f"{where}.tools")
    return {"type": "additional_tools", "role": "developer", "tools": item.get("tools") or []}


_READERS: dict[Any, Callable[[Mapping[str, Any], str], Item]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
    "additional_tools": _more_tools,
    "reasoning": _thoughts,  # another model's, in a conversation that this one goes on with
}


def _messages(items: Sequence[Item]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for item in items:
        match item["type"]:
            case "message":
                text = "\n".join(part["text"] for part in item["content"])
                messages.append({"role": item["role"], "content": text})
            case "function_call":
                function = {"name": item["name"], "arguments": item["arguments"]}
                call = {"id": item["call_id"], "type": "function", "function": function}
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            case "function_call_output":
                messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
    return messages
