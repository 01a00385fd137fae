"""The texts of a body: each string of a JSON document; of a stream of events, what its pieces say together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.testing.scrub_rules import Hidden, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

# Random by design, and needed to tell calls apart.
_IDS = frozenset({"id", "tool_call_id", "system_fingerprint", "item_id", "call_id"})
# What is streamed piece by piece: everything in a delta but what is said whole, and these.
_WHOLE = _IDS | {"role", "type", "name"}
_PIECES = frozenset({"content", "text", "response"})
# How an event says to which text its piece belongs.
_BELONGS = ("type", "item_id", "index", "output_index", "content_index")
_SPELLED = "logprobs"

Path = tuple[Any, ...]


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
