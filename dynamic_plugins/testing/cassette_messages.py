"""What a cassette keeps of a request and an answer: bodies without secrets, and no headers but the kind of content."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from dynamic_plugins.redaction.scrubber import BLANK
from dynamic_plugins.testing.scrub_rules import Hidden, Text
from dynamic_plugins.text.secret_names import looks_credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOWHERE = "http://recorded.invalid"
"""Stands for the endpoint, and is where requests are sent while replaying: a name that no network knows."""
# Random by design, and needed to tell calls apart.
_IDS = frozenset({"id", "tool_call_id", "system_fingerprint", "item_id", "call_id"})
# What is streamed piece by piece: everything in a delta but what is said whole, and these.
_WHOLE = _IDS | {"role", "type", "name"}
_PIECES = frozenset({"content", "text", "response"})
# How an event says to which text its piece belongs.
_BELONGS = ("type", "item_id", "index", "output_index", "content_index")
_SPELLED = "logprobs"
Path = tuple[Any, ...]


def scrubbed_request(request: Any, hidden: Hidden) -> Any:
    """Return vcrpy's *request* as it is kept and compared."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    hidden.add(credentials_of(request.uri))
    hidden.add(_credentials_in(headers))
    request.uri = NOWHERE + scrubbed_path(request.uri, hidden)
    kind = headers.get("content-type")
    request.headers = {"content-type": kind} if kind else {}
    if request.body is not None:
        request.body = scrubbed_body(request.body, hidden, remember=True)
    return request


def scrubbed_response(response: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """Return vcrpy's *response* as it is kept."""
    headers = {key.lower(): value for key, value in response["headers"].items()}
    kept = {key: value for key, value in headers.items() if key in {"content-type", "retry-after"}}
    body = response["body"].get("string")
    return response | {"headers": kept, "body": {"string": scrubbed_body(body, hidden) if body else body}}


def scrubbed_path(address: str, hidden: Hidden) -> str:
    """Return an address's path without secrets, and with the names in its query, but none of the values."""
    parts = urlsplit(address)
    path = "/".join(_scrubbed_part(part, hidden) for part in parts.path.split("/"))
    pairs = [each.partition("=") for each in parts.query.split("&") if each]
    return path + ("?" + "&".join(f"{name}={BLANK}" if is_ else BLANK for name, is_, _ in pairs) if pairs else "")


def credentials_of(address: str) -> Iterator[str]:
    """Yield the user information of *address*, and what its query says under the name of a secret."""
    parts = urlsplit(address)
    user = parts.netloc.rpartition("@")[0]
    if user:
        yield from (each for part in user.split(":", 1) for each in (part, unquote(part)))
        yield base64.b64encode(unquote(user).encode()).decode()
    yield from (value for name, value in parse_qsl(parts.query) if looks_credential(name))


def _credentials_in(headers: Mapping[str, Any]) -> Iterator[str]:
    for name, value in headers.items():
        if looks_credential(name):
            for each in value if isinstance(value, list) else [value]:
                text = each.decode() if isinstance(each, bytes) else str(each)
                yield text.rpartition(" ")[2]  # without the scheme


def _scrubbed_part(part: str, hidden: Hidden) -> str:
    plain = unquote(part)
    scrubbed = hidden.text(plain)
    return part if scrubbed == plain else quote(scrubbed, safe="*<>")


def scrubbed_body(body: Any, hidden: Hidden, *, remember: bool = False) -> bytes:
    """Return *body* without secrets; with *remember* they are hidden in later ones, too."""
    text = body.decode() if isinstance(body, bytes | bytearray) else str(body)
    whole = _json(text)
    lines = [text] if whole else text.split("\n")
    said = whole or {index: [event] for index, line in enumerate(lines) if (event := _event(line)) is not None}
    texts = [Text([(lines, index)]) for index in range(len(lines)) if index not in said]
    streamed: dict[Path, Text] = {}
    spelled = []
    for event in said.values():
        for container, key, path in _strings(event, 0, ()):
            if key == _SPELLED:
                spelled.append((container, key))
            elif not whole and _is_piece(path):
                belongs = tuple(str(event[0].get(each)) for each in _BELONGS)
                streamed.setdefault((*belongs, *path), Text()).places.append((container, key))
            else:
                texts.append(Text([(container, key)], identifier=key in _IDS))
    texts += streamed.values()
    if hidden.scrub(texts, remember=remember):
        for container, key in spelled:  # the text once more, token by token and as bytes
            container[key] = None
    for index, event in said.items():
        prefix = "data: " if lines[index].startswith("data:") else ""
        lines[index] = prefix + json.dumps(event[0], ensure_ascii=False)
    return "\n".join(lines).encode()


def _json(text: str) -> dict[int, Any]:
    try:
        return {0: [json.loads(text)]}
    except ValueError:
        return {}


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line.removeprefix("data:"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _is_piece(path: Path) -> bool:
    return path[-1] in _PIECES or ("delta" in path and path[-1] not in _WHOLE)


def _strings(container: Any, key: Any, path: Path) -> Iterator[tuple[Any, Any, Path]]:
    """Yield where each string is; its path names an element of a list as it names itself, by its index."""
    value = container[key]
    if isinstance(value, str) or (key == _SPELLED and value):
        yield container, key, path
    elif isinstance(value, dict):
        for name in value:
            yield from _strings(value, name, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            index = each.get("index", place) if isinstance(each, dict) else place
            yield from _strings(value, place, (*path, str(index)))
