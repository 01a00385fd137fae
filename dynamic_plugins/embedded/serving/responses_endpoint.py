"""The Responses API for the built-in model: answers, which are kept in memory unless the request says otherwise."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.request import BadRequestError, read_request
from dynamic_plugins.embedded.identity import fingerprint
from dynamic_plugins.embedded.serving.completion import failure
from dynamic_plugins.embedded.serving.request_answer import answer_to
from dynamic_plugins.embedded.serving.response_object import response, response_events
from dynamic_plugins.embedded.serving.response_store import ResponseStore, StoredResponse
from dynamic_plugins.embedded.serving.responses_request import chat_body, check_parameters, items_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.resolver.catalog import Catalogue

    Reply = tuple[int, dict[str, Any] | bytes]

PATHS = "POST /v1/responses, GET and DELETE /v1/responses/{id}, GET /v1/responses/{id}/input_items"
"""What there is of the API."""
_LISTED, _MOST_LISTED = 20, 100


class ResponsesEndpoint:
    """Answers requests of the Responses API with what *catalogue* knows, and keeps the answers in memory."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue, self._store = catalogue, ResponseStore()

    async def create(self, body: Any, most_bytes: int) -> Reply:
        """Return the response to *body*, whole or as a stream's bytes.

        Raises BadRequestError, and what a registry raises.
        A conversation that goes on from a kept response may be *most_bytes* long, as one that is sent whole.
        """
        check_parameters(body)
        before = self._before(body)
        seed = fingerprint(body)
        read = items_of(body, seed, before.conversation if before else ())
        everything = [*(before.conversation if before else ()), *read]
        chat = chat_body(body, everything)
        if before and len(str(everything).encode()) > most_bytes:
            why = f"the conversation is longer than {most_bytes} bytes by now. Begin a new one."
            raise BadRequestError.of("previous_response_id", why, "context_length_exceeded")
        request = read_request(chat)
        answer, cut = await answer_to(self._catalogue, chat, request)
        whole = response(body, everything, answer, seed, cut=bool(cut))
        if whole["store"]:
            self._store.put(await asyncio.to_thread(self._store.without_secrets, whole, read, before))
        return 200, b"".join(response_events(whole)) if request.stream else whole

    def _before(self, body: Mapping[str, Any]) -> StoredResponse | None:
        name = body.get("previous_response_id")
        if name is None:
            return None
        if (stored := self._store.get(name)) is None:
            raise BadRequestError.of("previous_response_id", _gone(name), "previous_response_not_found")
        return stored

    def about(self, method: str, path: list[str], query: Mapping[str, str]) -> Reply | None:
        """Return the answer to a request about a kept response; None where *path*, below ``responses``, is nothing.

        Raises BadRequestError for a parameter of *query* that cannot be honoured.
        """
        match method, path:
            case "GET", [name]:
                if query.get("stream") == "true":
                    why = "a kept response is given whole. Leave it out."
                    raise BadRequestError.of("stream", why, "unsupported_value")
                stored = self._store.get(name)
                return (200, stored.response) if stored else _missing(name)
            case "DELETE", [name]:
                gone = {"id": name, "object": "response.deleted", "deleted": True}
                return (200, gone) if self._store.remove(name) else _missing(name)
            case "GET", [name, "input_items"]:
                stored = self._store.get(name)
                return (200, _page(stored, query)) if stored else _missing(name)
            case "POST", [name, "cancel"]:
                return 400, failure(f"{name} did not run in the background: nothing to cancel", "invalid_request_error")
        return None


def _gone(name: str) -> str:
    return (
        f"no response {name!r} is kept. They are kept in memory, the newest of them, until the server ends, and not at "
        "all with store: false. Send the whole conversation as input."
    )


def _missing(name: str) -> Reply:
    return 404, failure(f"Response with id '{name}' not found: {_gone(name)}", "invalid_request_error", "not_found")


def _page(stored: StoredResponse, query: Mapping[str, str]) -> dict[str, Any]:
    limit = query.get("limit", str(_LISTED))
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_LISTED:
        raise BadRequestError.of("limit", f"must be a number from 1 to {_MOST_LISTED}.")
    items = list(stored.input if query.get("order") == "asc" else reversed(stored.input))
    names = [item["id"] for item in items]
    if (after := query.get("after")) is not None:
        if after not in names:
            raise BadRequestError.of("after", f"{after!r} is not among the items.")
        items = items[names.index(after) + 1 :]
    page = items[: int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return {"object": "list", "data": page, "has_more": len(items) > len(page), **ends}
