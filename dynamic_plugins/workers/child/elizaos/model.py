"""The model behind ``runtime.use_model``: first what the caller has said already, then the host's."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from .bag import camel, snake
from .call import Call, current

Ask = Callable[[list[dict[str, str]]], Awaitable["str | None"]]
"""Asks the host's model; None where it has none."""

_RESPONSE = re.compile(r"<response>(.*?)</response>", re.DOTALL)
_TAG = re.compile(r"<(\w+)>")
_KEY = re.compile(r'"(\w+)"\s*:')


def fields_asked_for(prompt: str) -> tuple[str, list[str]]:
    """Return how *prompt* wants its answer, ``xml``, ``json`` or ``text``, and the names of the fields it asks for."""
    blocks = _RESPONSE.findall(prompt)
    if blocks:
        return "xml", list(dict.fromkeys(_TAG.findall(blocks[-1])))
    if "json" in prompt.lower() and (keys := _KEY.findall(prompt)):
        return "json", list(dict.fromkeys(keys))
    return "text", []


def said_already(prompt: str, arguments: dict[str, Any]) -> str | None:
    """Return the answer to *prompt* where the action's arguments hold what it asks for, else None.

    Plugins ask a model to pick values out of the person's words; a caller that filled in the action's parameters has
    picked them out already.
    """
    form, names = fields_asked_for(prompt)
    found = {name: value for name in names if (value := _named(arguments, name)) is not None}
    if not found:
        return None
    if form == "json":
        return json.dumps(found, default=str)
    lines = (f"<{name}>{_inline(value)}</{name}>" for name, value in found.items())
    return "<response>\n" + "\n".join(lines) + "\n</response>"


async def answer(ask: Ask, params: Any, *, as_object: bool = False) -> Any:
    """Answer one ``use_model``: a string, or an object where *as_object*; an empty string where nobody can answer."""
    prompt, messages = _prompt(params)
    call = current.get()
    if call is not None and (said := said_already(prompt, call.arguments)) is not None and _complete(call, prompt):
        return _object(said) if as_object else said
    text = await ask(messages)
    if text is None and call is not None:
        text = said_already(prompt, call.arguments)
        if text is None:
            call.wanted = fields_asked_for(prompt)[1] or ["an answer"]
    return _object(text or "") if as_object else text or ""


def _complete(call: Call, prompt: str) -> bool:
    """Whether the arguments are all there is to know: all that is asked for is given, or no other words came along."""
    names = fields_asked_for(prompt)[1]
    return not call.said_text or all(_named(call.arguments, name) is not None for name in names)


def _prompt(params: Any) -> tuple[str, list[dict[str, str]]]:
    if isinstance(params, str):
        params = {"prompt": params}
    messages = [
        {"role": str(each.get("role", "user")), "content": str(each.get("content", ""))}
        for each in params.get("messages") or ()
        if isinstance(each, dict)
    ]
    if params.get("prompt"):
        messages.append({"role": "user", "content": str(params["prompt"])})
    if params.get("system"):
        messages.insert(0, {"role": "system", "content": str(params["system"])})
    return "\n".join(each["content"] for each in messages), messages


def _named(arguments: dict[str, Any], name: str) -> Any:
    for spelling in (name, snake(name), camel(name)):
        if spelling in arguments:
            return arguments[spelling]
    return None


def _inline(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _object(text: str) -> Any:
    start, end = text.find("{"), text.rfind("}")
    try:
        return json.loads(text[start : end + 1]) if start >= 0 else {}
    except ValueError:
        return {}
