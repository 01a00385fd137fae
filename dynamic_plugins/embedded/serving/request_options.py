"""What a request asks of an answer besides its messages: honoured, or refused with the reason, never passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.request import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.embedded.context.request import Request
    from dynamic_plugins.embedded.managing.decide import Answer

BYTES_PER_TOKEN = 4
"""About how long a token is; the usage that is reported is counted so as well."""
NO_FORMS = (
    "this model answers in words or calls tools; it writes no JSON of a given form. To have values in a form, offer a "
    "tool with that schema."
)
_MOST_STOPS = 4
_CHOICES = {"none", "auto", "required"}


def check_options(body: Any) -> None:
    """Raise BadRequestError for what the model cannot do, and for tools and choices that are none."""
    if not isinstance(body, dict):
        raise BadRequestError("The request must be one JSON object.")
    if body.get("n") not in (None, 1):
        raise BadRequestError.of("n", "the same request gives the same answer, so there is only one. Leave n out.")
    shape = body.get("response_format") or {}
    if not isinstance(shape, dict) or shape.get("type", "text") != "text":
        raise BadRequestError.of("response_format", NO_FORMS)
    for name, instead in {"functions": "tools", "function_call": "tool_choice"}.items():
        if body.get(name) is not None:
            raise BadRequestError.of(name, f"not supported. Use {instead}.")
    if body.get("logprobs") or body.get("top_logprobs"):
        raise BadRequestError.of("logprobs", "this model has none to give.")
    check_switch(body, "parallel_tool_calls")
    _stops(body)
    _most_tokens(body)
    _check_choice(body.get("tool_choice"), _check_tools(body.get("tools")))


def check_switch(body: Mapping[str, Any], name: str) -> None:
    """Raise BadRequestError where the parameter *name* of *body* is given and neither true nor false."""
    if not isinstance(body.get(name), bool | None):
        raise BadRequestError.of(name, "must be true or false.")


def _check_tools(tools: Any) -> set[str]:
    if tools is None:
        return set()
    if not isinstance(tools, list):
        raise BadRequestError.of("tools", "must be a list.")
    return {_name_of(tool, f"tools[{index}]") for index, tool in enumerate(tools)}


def _name_of(tool: Any, where: str) -> str:
    function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
    if not isinstance(function, dict):
        raise BadRequestError.of(where, 'must be {"type": "function", "function": {…}}.')
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequestError.of(f"{where}.function.name", "must be a text.")
    if not isinstance(function.get("parameters", {}), dict | None):
        raise BadRequestError.of(f"{where}.function.parameters", "must be a JSON Schema of an object.")
    return name


def _check_choice(choice: Any, offered: set[str]) -> None:
    if choice is None or (isinstance(choice, str) and choice in _CHOICES):
        if choice == "required" and not offered:
            raise BadRequestError.of("tool_choice", "a call is required, and no tools are offered.")
        return
    function = choice.get("function") if isinstance(choice, dict) and choice.get("type") == "function" else None
    if not isinstance(function, dict):
        raise BadRequestError.of("tool_choice", 'must be "none", "auto", "required" or one function.')
    if function.get("name") not in offered:
        raise BadRequestError.of("tool_choice", f"{function.get('name')!r} is not among the tools.")


def check_choice_kept(request: Request, answer: Answer) -> None:
    """Raise BadRequestError where *answer* does not make the call that the request's ``tool_choice`` demands."""
    if request.choice in (None, "none"):
        return
    called = {call.tool for call in answer.calls}
    said = f" It would answer: {answer.text}" if answer.text else ""
    if not called:
        raise BadRequestError.of(
            "tool_choice", f"the message does not say enough for a call, and this model makes up nothing.{said}"
        )
    if request.choice != "required" and called != {request.choice}:
        raise BadRequestError.of(
            "tool_choice", f"the message does not fit {request.choice!r}; this model would call {', '.join(called)}."
        )


def cut_to_options(body: Mapping[str, Any], answer: Answer) -> tuple[Answer, str]:
    """Return *answer* with its text cut where the request's ``stop`` or limit of tokens say, and the calls it may make.

    With it comes the ``finish_reason`` of a text that was cut short by that limit, else an empty one. Of several calls
    that may not be made at once it has the first.
    """
    if body.get("parallel_tool_calls") is False:
        answer = replace(answer, calls=answer.calls[:1])
    text = answer.text
    found = [at for stop in _stops(body) if (at := text.find(stop)) >= 0]
    text = text[: min(found)] if found else text
    most = _most_tokens(body)
    if most is not None and len(text.encode()) > most * BYTES_PER_TOKEN:
        text = text.encode()[: most * BYTES_PER_TOKEN].decode(errors="ignore")
        return replace(answer, text=text), "" if answer.calls else "length"
    return replace(answer, text=text), ""


def _stops(body: Mapping[str, Any]) -> list[str]:
    stop = body.get("stop")
    stops = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or len(stops) > _MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise BadRequestError.of("stop", f"must be a text, or a list of up to {_MOST_STOPS} texts.")
    return stops


def _most_tokens(body: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        if (most := body.get(name)) is not None:
            if not isinstance(most, int) or isinstance(most, bool) or most < 1:
                raise BadRequestError.of(name, "must be a whole number from 1.")
            return most
    return None
