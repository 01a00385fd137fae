"""A model behind the `openai` SDK: any OpenAI-compatible endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.completions import NO_COMPLETION, Collected, read
from dynamic_plugins.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import openai

    from dynamic_plugins.core.model_protocol import OnText, Say, TurnContext, Use


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
        import httpx2
        import openai

        request: dict[str, Any] = {"model": self.name, "messages": list(messages)}
        if tools:
            request["tools"] = list(tools)
        try:
            if on_text is None:
                return read(await self._client.chat.completions.create(**request))
            return await self._stream(request, on_text)
        except openai.APIError as error:
            raise ModelError(_explain(error, self)) from error
        except (httpx2.HTTPError, json.JSONDecodeError) as error:
            raise ModelError(
                f"The model's answer broke off ({type(error).__name__}). Say it again to try anew."
            ) from error
        except (AttributeError, TypeError, KeyError) as error:  # the SDK hands on whatever an endpoint sends
            raise ModelError(NO_COMPLETION) from error

    async def _stream(self, request: dict[str, Any], on_text: OnText) -> Say | Use:
        collected = Collected()
        async with await self._client.chat.completions.create(**request, stream=True) as stream:
            async for chunk in stream:
                for choice in chunk.choices or ():
                    collected.add(choice.delta, choice.finish_reason, on_text)
        collected.end(on_text)
        return collected.answer()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


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
