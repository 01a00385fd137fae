"""A Chat Completions request as the embedded model reads it: who said what, what was called, what came of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.result_unwrapping import our_result
from dynamic_plugins.embedded.language.spoken_punctuation import with_punctuation
from dynamic_plugins.embedded.language.spoken_text import without_marker
from dynamic_plugins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CUT_FAILURE = re.compile(r"\A\s*(?:<data[^>]*>)?\s*\{\s*\"ok\":\s*false\b")
_CODE = re.compile(r"\"code\":\s*\"(\w+)\"")
_FENCE = re.compile(r"\A\s*<data[^>]*>(.*)</data>\s*\Z", re.S)


class BadRequestError(InputError):
    """What a request asks for is wrong, or more than the model can do; the text says what.

    ``param`` is the parameter that it is about, and ``kind`` OpenAI's code for it, where there are any.
    """

    code = "bad_arguments"

    def __init__(self, text: str, param: str | None = None, kind: str | None = None) -> None:
        self.param, self.kind = param, kind
        super().__init__(text)

    @classmethod
    def of(cls, param: str, why: str, kind: str | None = None) -> BadRequestError:
        """Return the error that names *param* and says *why* it is refused."""
        return cls(f"{param}: {why}", param, kind)


@dataclass(frozen=True)
class Offered:
    """A tool that may be called."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    annotations: Mapping[str, Any] = field(default_factory=dict)
    """What an MCP server says of it (``readOnlyHint`` …), where the tool's form carries it."""


@dataclass(frozen=True)
class Made:
    """A call that was made, and its result once there is one."""

    name: str
    arguments: dict[str, Any]
    result: Any = None


@dataclass
class Exchange:
    """What the person said once, the calls it led to, and the last reply to it."""

    said: str
    calls: list[Made] = field(default_factory=list)
    reply: str | None = None


@dataclass(frozen=True)
class Request:
    """A request taken apart. *exchanges* end with the one to be answered now."""

    system: str
    exchanges: tuple[Exchange, ...]
    tools: tuple[Offered, ...]
    choice: str | None = None
    """``none``, ``required``, or the name of the tool that must be called; None leaves it open."""
    stream: bool = False
    usage_in_stream: bool = False

    @property
    def now(self) -> Exchange:
        return self.exchanges[-1]


def turn_before(exchanges: Sequence[Exchange]) -> Exchange | None:
    """Return the exchange before the last of *exchanges*; None in the first turn."""
    return exchanges[-2] if len(exchanges) > 1 else None


def reply_before(exchanges: Sequence[Exchange]) -> str:
    """Return what was replied before the last message; empty where nothing was."""
    before = turn_before(exchanges)
    return before.reply or "" if before is not None else ""


def read_request(body: Any) -> Request:
    """Return *body* taken apart. Raises BadRequestError."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        raise BadRequestError("messages must be a list with at least one message")
    system, exchanges = _exchanges(messages)
    if not exchanges:
        raise BadRequestError("there is no message of the user to answer")
    options = body.get("stream_options")
    return Request(
        system,
        tuple(exchanges),
        tuple(_tools(body.get("tools") or ())),
        _choice(body.get("tool_choice")),
        bool(body.get("stream")),
        isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _exchanges(messages: Sequence[Any]) -> tuple[str, list[Exchange]]:
    system: list[str] = []
    exchanges: list[Exchange] = []
    open_calls: dict[str, tuple[Exchange, int]] = {}
    for message in messages:
        if not isinstance(message, dict):
            raise BadRequestError("every message must be an object")
        text = _text(message.get("content"))
        match message.get("role"):
            case "system" | "developer":
                system.append(text)
            case "user":
                exchanges.append(Exchange(with_punctuation(without_marker(text))))
            case "assistant" if exchanges:
                exchanges[-1].reply = text or exchanges[-1].reply
                for call in message.get("tool_calls") or ():
                    exchanges[-1].calls.append(_made(call))
                    open_calls[str(call.get("id"))] = (exchanges[-1], len(exchanges[-1].calls) - 1)
            case "tool" if (place := open_calls.get(str(message.get("tool_call_id")))) is not None:
                exchange, index = place
                made = exchange.calls[index]
                exchange.calls[index] = Made(made.name, made.arguments, result_in(text))
            case "assistant" | "tool":
                pass
            case other:
                raise BadRequestError(f"a message has the unknown role {other!r}")
    return "\n\n".join(system), exchanges


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def _made(call: Any) -> Made:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return Made("", {})
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except ValueError:
        arguments = {}
    return Made(str(function.get("name")), arguments if isinstance(arguments, dict) else {})


def result_in(text: str) -> Any:
    """Return a tool message's result: JSON taken out of its fence, or the text itself."""
    fenced = _FENCE.match(text)
    inner = fenced[1] if fenced else text
    if (ours := our_result(inner)) is not None:
        return ours
    try:
        return json.loads(inner)
    except ValueError:
        # An old result is sent cut short, and one that was a failure still is.
        if not _CUT_FAILURE.match(text):
            return inner
        code = {"code": found[1]} if (found := _CODE.search(inner)) else {}
        return {"ok": False, "error": code | {"message": inner}}


def _tools(tools: Sequence[Any]) -> list[Offered]:
    offered = []
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            parameters, annotations = function.get("parameters"), function.get("annotations") or tool.get("annotations")
            offered.append(
                Offered(
                    function["name"],
                    str(function.get("description") or ""),
                    parameters if isinstance(parameters, dict) else {"type": "object", "properties": {}},
                    annotations if isinstance(annotations, dict) else {},
                )
            )
    return offered


def _choice(choice: Any) -> str | None:
    if isinstance(choice, str):
        return None if choice == "auto" else choice
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return str(choice["function"].get("name"))
    return None
