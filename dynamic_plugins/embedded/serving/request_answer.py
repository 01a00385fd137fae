"""The answer to a request of a client: the model's own, kept to what the request says that an answer may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.model import answer_from
from dynamic_plugins.embedded.serving.request_options import check_choice_kept, cut_to_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.embedded.context.request import Request
    from dynamic_plugins.embedded.managing.decide import Answer
    from dynamic_plugins.resolver.catalog import Catalogue


async def answer_to(catalogue: Catalogue, body: Mapping[str, Any], request: Request) -> tuple[Answer, str]:
    """Return the answer to *body*, a Chat Completions request, and the ``finish_reason`` of one that was cut short.

    *request* is *body* taken apart. Raises BadRequestError where the call that it demands is none, and what a registry
    raises.
    """
    answer = await answer_from(catalogue, request)
    if body.get("parallel_tool_calls") is False and not answer.calls and request.now.calls:
        answer = await _next_call(catalogue, request) or answer
    check_choice_kept(request, answer)
    return cut_to_options(body, answer)


async def _next_call(catalogue: Catalogue, request: Request) -> Answer | None:
    """Return the calls that the message asks for beside those that were made; None where there are no others.

    The model makes all of them in one step, and answers once it sees a result: it is asked as if there were none yet.
    """
    first = replace(request.now, calls=[], reply=None)
    answer = await answer_from(catalogue, replace(request, exchanges=(*request.exchanges[:-1], first)))
    made = [(call.name, call.arguments) for call in request.now.calls]
    left = tuple(call for call in answer.calls if (call.tool, call.arguments) not in made)
    return replace(answer, calls=left) if left else None
