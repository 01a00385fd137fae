"""What a cassette keeps of a request and an answer: bodies without secrets, and no headers but the kind of content."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from dynamic_plugins.chat.redaction.finding import find

INSTEAD = "***"
NOWHERE = "http://recorded.invalid"
"""Stands for the endpoint, and is where requests are sent while replaying: a name that no network knows."""
# Random by design, and needed to tell calls apart.
_IDS = frozenset({"id", "tool_call_id", "system_fingerprint"})


def scrubbed_request(request: Any, hidden: dict[str, str]) -> Any:
    """Return vcrpy's *request* as it is kept and compared."""
    kind = {key.lower(): value for key, value in request.headers.items()}.get("content-type")
    address = urlsplit(request.uri)
    request.uri = f"{NOWHERE}{address.path}" + (f"?{address.query}" if address.query else "")
    request.headers = {"content-type": kind} if kind else {}
    if request.body is not None:
        request.body = _body(request.body, hidden)
    return request


def scrubbed_response(response: dict[str, Any], hidden: dict[str, str]) -> dict[str, Any]:
    """Return vcrpy's *response* as it is kept."""
    headers = {key.lower(): value for key, value in response["headers"].items()}
    kept = {key: value for key, value in headers.items() if key in {"content-type", "retry-after"}}
    body = response["body"].get("string")
    return response | {"headers": kept, "body": {"string": _body(body, hidden) if body else body}}


def _body(body: Any, hidden: dict[str, str]) -> bytes:
    text = body.decode() if isinstance(body, bytes | bytearray) else str(body)
    if text.startswith("data:"):
        return "\n".join(_event(line, hidden) for line in text.split("\n")).encode()
    return _json(text, hidden).encode()


def _event(line: str, hidden: dict[str, str]) -> str:
    return f"data: {_json(line[5:].strip(), hidden)}" if line.startswith("data:") else line


def _json(text: str, hidden: dict[str, str]) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return _text(text, hidden)
    return json.dumps(_scrubbed(value, hidden), ensure_ascii=False)


def _scrubbed(value: Any, hidden: dict[str, str], key: str = "") -> Any:
    if isinstance(value, str):
        return value if key in _IDS else _text(value, hidden)
    if isinstance(value, list):
        return [_scrubbed(each, hidden) for each in value]
    if isinstance(value, dict):
        return {name: _scrubbed(each, hidden, name) for name, each in value.items()}
    return value


def _text(text: str, hidden: dict[str, str]) -> str:
    for value, instead in sorted(hidden.items(), key=lambda each: -len(each[0])):
        text = text.replace(value, instead)
    for found in reversed(find(text)):
        text = f"{text[: found.start]}{INSTEAD}{text[found.end :]}"
    return text
