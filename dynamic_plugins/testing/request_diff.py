"""How a request differs from the recorded one, told so that a person sees it at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 6
AROUND = 60
"""Characters that are shown before and after the place where two texts part."""


def differences(recorded: bytes | None, sent: bytes | None) -> list[str]:
    """Return the places where two JSON bodies differ, as lines; at most a handful."""
    try:
        found = list(_walk(json.loads(recorded or b"null"), json.loads(sent or b"null"), "body"))
    except ValueError:
        return ["body: not JSON, and not the same"]
    more = [f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [*found[:SHOWN], *more]


def _walk(recorded: Any, sent: Any, place: str) -> Iterator[str]:
    if recorded == sent:
        return
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in [*recorded, *(key for key in sent if key not in recorded)]:
            if key not in recorded or key not in sent:
                yield f"{place}.{key}: {'not sent' if key in recorded else 'not recorded'}"
            else:
                yield from _walk(recorded[key], sent[key], f"{place}.{key}")
    elif isinstance(recorded, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip(recorded, sent, strict=False)):
            yield from _walk(one, other, f"{place}[{index}]")
        if len(recorded) != len(sent):
            yield f"{place}: {len(recorded)} recorded, {len(sent)} sent"
    else:
        yield f"{place}:\n  recorded {_part(recorded, sent)}\n  sent     {_part(sent, recorded)}"


def _part(value: Any, other: Any) -> str:
    """Return *value*, or the part of a long text where it parts from *other*."""
    text, against = (each if isinstance(each, str) else json.dumps(each) for each in (value, other))
    same = next(
        (i for i, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), min(len(text), len(against))
    )
    start, end = max(0, same - AROUND), same + AROUND
    return f"{'…' if start else ''}{text[start:end]!r}{'…' if end < len(text) else ''}"
