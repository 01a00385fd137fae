"""Messages as servers write them, read where the protocol's own models read none.

Some leave out ``jsonrpc``, number with fractions, send several messages at once or a result that is no object, write
words before and after, or text that is no UTF-8. What a line holds is taken; a line of a log stays one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import mcp_types as types

if TYPE_CHECKING:
    from collections.abc import Iterator

BARE = "dynamic-plugins/bare-result"
"""The key under which a result lies that is no object; the protocol's models take nothing else."""
_CLIENTS_OWN = (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT)
"""Codes by which the client says that nothing came; to a server the same numbers mean any failure at all."""
_MOST_AT_ONCE = 100
_BEGINS = re.compile(r'\{\s*"jsonrpc"')
_ANSWER_KEYS = frozenset({"id", "result", "error"})
_decoder = json.JSONDecoder(strict=False)


def messages_in(line: bytes) -> list[types.JSONRPCMessage]:
    """Return the messages in *line*, which is one as a rule; none where nothing in it is a message."""
    if (message := _read(line)) is not None:
        return [message]
    try:
        objects = [_in_form(each) for each in _objects(line.decode(json.detect_encoding(line), "replace"))]
        texts = [json.dumps(each, ensure_ascii=False).encode("utf-8", "replace") for each in objects if each]
    except (ValueError, RecursionError):
        return []
    return [message for text in texts if (message := _read(text)) is not None]


def _read(text: bytes) -> types.JSONRPCMessage | None:
    try:
        message = types.jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        return None
    if isinstance(message, types.JSONRPCError) and message.error.code in _CLIENTS_OWN:
        message.error.code = types.INTERNAL_ERROR
    return message


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that stand in *text*, one after another or in a list."""
    place = text.find("{")
    for _ in range(_MOST_AT_ONCE):
        if place < 0:
            return
        try:
            value, end = _decoder.raw_decode(text, place)
        except ValueError:
            if _BEGINS.match(text, place):  # a message that is cut: what lies within it is none
                return
            found = _BEGINS.search(text, place)
            place = found.start() if found else -1
        else:
            yield value
            place = text.find("{", end)


def _in_form(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return *message* in the form of JSON-RPC; None for an object that is something else."""
    if "jsonrpc" not in message and not ("id" in message and message.keys() <= _ANSWER_KEYS):
        return None
    number = message.get("id")
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    message = {**message, "jsonrpc": "2.0"} | ({"id": number} if "id" in message else {})
    if "method" in message:
        return message
    if message.get("error") or ("error" in message and "result" not in message):
        return _error_in_form(message)
    if "result" in message and _says_something(message["result"]):
        message["result"] = {BARE: message["result"]}
    return message


def _says_something(result: object) -> bool:
    """Return whether a *result* that is no object is plain in its meaning: a text, a list of objects, or nothing."""
    return (
        result is None
        or isinstance(result, str)
        or (isinstance(result, list) and all(isinstance(each, dict) for each in result))
    )


def _error_in_form(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return a JSON-RPC error, whatever type its code and its words have."""
    number = message.get("id")
    if isinstance(number, bool):
        return None
    error = message["error"]
    if not isinstance(error, dict):
        error = {"message": error}
    code, words = error.get("code"), error.get("message")
    if not isinstance(words, str) or not words:
        words = json.dumps(words if words else {key: error[key] for key in error if key != "code"})
    if not isinstance(code, int) or isinstance(code, bool):
        words = f"{words} ({code})" if isinstance(code, str) and code not in words else words
        code = types.INTERNAL_ERROR
    data = {"data": error["data"]} if "data" in error else {}
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": words, **data}}
