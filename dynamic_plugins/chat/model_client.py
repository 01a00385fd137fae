"""A model behind the `openai` SDK: any OpenAI-compatible endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.completions import NO_COMPLETION, Collected, read
from dynamic_plugins.core import telemetry
from dynamic_plugins.core.spans import ModelAnswer
from dynamic_plugins.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import openai

    from dynamic_plugins.core.model_protocol import OnText, Say, TurnContext, Use
    from dynamic_plugins.core.spans import Span

_LONGEST_WORD = 100


class EndpointModel:
    """A model at an OpenAI-compatible endpoint. *client* is the SDK's client.

    Retries of rate limits and time-outs are its own.
    """

    reads_every_tool = False

    def __init__(self, client: openai.AsyncOpenAI, name: str) -> None:
        self._client, self.name = client, name

    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        on_text: OnText | None = None,
        context: TurnContext | None = None,  # noqa: ARG002 - an endpoint reads the same in the messages
    ) -> Say | Use:
        """Return what the model says to *messages*, or which of *tools* it wants called.

        With *on_text* the answer is streamed: it is called with each piece of text as it comes. Raises ModelError.
        """
        address = str(self._client.base_url)
        with telemetry.model_request(self.name, address, streamed=on_text is not None) as span:
            return await self._answer(messages, tools, on_text, span)

    async def _answer(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        on_text: OnText | None,
        span: Span,
    ) -> Say | Use:
        import httpx2
        import openai

        request: dict[str, Any] = {"model": self.name, "messages": list(messages)}
        if tools:
            request["tools"] = list(tools)
        try:
            if on_text is not None:
                return await self._stream(request, on_text, span)
            completion = await self._client.chat.completions.create(**request)
            _tell(span, completion)
            return read(completion)
        except openai.APIError as error:
            span.fail(_type_of(error))
            raise ModelError(_explain(error, self)) from error
        except (httpx2.HTTPError, json.JSONDecodeError) as error:
            raise ModelError(
                f"The model's answer broke off ({type(error).__name__}). Say it again to try anew."
            ) from error
        except (AttributeError, TypeError, KeyError) as error:  # the SDK hands on whatever an endpoint sends
            raise ModelError(NO_COMPLETION) from error

    async def _stream(self, request: dict[str, Any], on_text: OnText, span: Span) -> Say | Use:
        collected = Collected()
        async with await self._client.chat.completions.create(**request, stream=True) as stream:
            async for chunk in stream:
                if span.recording:
                    span.first_piece()
                    _tell(span, chunk)
                for choice in chunk.choices or ():
                    collected.add(choice.delta, choice.finish_reason, on_text)
        collected.end(on_text)
        return collected.answer()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _tell(span: Span, answer: Any) -> None:
    """Tell of *answer*, whole or a piece, what an endpoint says of it beside what the model said."""
    choices = getattr(answer, "choices", None) or ()
    reasons = (_word(getattr(choice, "finish_reason", None)) for choice in choices)
    used = getattr(answer, "usage", None)
    counts = tuple(getattr(used, name, None) for name in ("prompt_tokens", "completion_tokens"))
    span.answered(
        ModelAnswer(
            model=_word(getattr(answer, "model", None)),
            id=_word(getattr(answer, "id", None)),
            reasons=[reason for reason in reasons if reason is not None],
            tokens=counts if all(isinstance(count, int) for count in counts) else None,  # type: ignore[arg-type]
        )
    )


def _word(said: Any) -> str | None:
    """Return what an endpoint *said* where it is a short text, as its names and numbers are."""
    return said if isinstance(said, str) and len(said) <= _LONGEST_WORD else None


def _type_of(error: openai.APIError) -> str:
    """Return the status of an endpoint's answer, or the name of the error where there was none."""
    status = getattr(error, "status_code", None)
    return str(status) if isinstance(status, int) else type(error).__name__


def _explain(error: openai.APIError, model: EndpointModel) -> str:
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
