"""The model behind the `openai` SDK: any OpenAI-compatible endpoint, or the embedded model, on one code path."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import openai

OnText = Callable[[str], None]


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants called; *arguments* is the text it wrote, JSON or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Say:
    """The model answered the person."""

    text: str


@dataclass(frozen=True)
class Use:
    """The model wants tools called before it answers."""

    calls: tuple[ToolCall, ...]
    text: str = ""


class ModelError(Exception):
    """The model could not be reached or gave no usable answer; the text says what to do. The conversation goes on."""


class Model:
    """One model at one endpoint. *client* is the SDK's client; retries of rate limits and time-outs are its own."""

    def __init__(self, client: openai.AsyncOpenAI, name: str) -> None:
        self._client, self.name = client, name

    async def respond(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], on_text: OnText | None = None
    ) -> Say | Use:
        """Return what the model says to *messages*, or which of *tools* it wants called.

        With *on_text* the answer is streamed: it is called with each piece of text as it comes. Raises ModelError.
        """
        import httpx2
        import openai

        request: dict[str, Any] = {"model": self.name, "messages": list(messages)}
        if tools:
            request["tools"] = list(tools)
        try:
            if on_text is None:
                completion = await self._client.chat.completions.create(**request)
                return _read(completion)
            return await self._stream(request, on_text)
        except openai.APIError as error:
            raise ModelError(_explain(error, self)) from error
        except (httpx2.HTTPError, json.JSONDecodeError) as error:
            raise ModelError(
                f"The model's answer broke off ({type(error).__name__}). Say it again to try anew."
            ) from error

    async def _stream(self, request: dict[str, Any], on_text: OnText) -> Say | Use:
        collected = _Collected()
        async with await self._client.chat.completions.create(**request, stream=True) as stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    collected.add(choice.delta, on_text)
        return collected.answer()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass
class _Collected:
    """A streamed answer as it grows."""

    text: str = ""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, delta: Any, on_text: OnText) -> None:
        if delta.content:
            self.text += delta.content
            on_text(delta.content)
        for piece in delta.tool_calls or ():
            call = self.calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
            call["id"] = piece.id or call["id"]
            if piece.function is not None:
                call["name"] += piece.function.name or ""
                call["arguments"] += piece.function.arguments or ""

    def answer(self) -> Say | Use:
        calls = tuple(
            ToolCall(each["id"] or f"call_{index}", each["name"], each["arguments"])
            for index, each in sorted(self.calls.items())
            if each["name"]
        )
        return Use(calls, self.text) if calls else Say(self.text)


def _read(completion: Any) -> Say | Use:
    if not getattr(completion, "choices", None):
        raise ModelError("The endpoint's answer is not a chat completion. Check --base-url.")
    message = completion.choices[0].message
    calls = tuple(
        ToolCall(call.id or f"call_{index}", call.function.name, call.function.arguments or "")
        for index, call in enumerate(message.tool_calls or ())
        if getattr(call, "function", None) is not None
    )
    return Use(calls, message.content or "") if calls else Say(message.content or "")


def _explain(error: openai.APIError, model: Model) -> str:
    import openai

    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "The model's endpoint refused the key. Set OPENAI_API_KEY, or unset it to use the embedded model."
        case openai.NotFoundError():
            return f"The endpoint knows no model {model.name!r}. Name one with --model."
        case openai.RateLimitError():
            return "The model's endpoint says: too many requests. Wait a little and say it again."
        case openai.APITimeoutError():
            return "The model did not answer in time. Say it again, or choose a faster one with --model."
        case openai.APIConnectionError():
            return "The model's endpoint cannot be reached. Check --base-url and the network."
        case openai.BadRequestError():
            return f"The endpoint did not accept the request: {error.message}"
        case _:
            return f"The model's endpoint failed ({type(error).__name__}). Say it again to try anew."
