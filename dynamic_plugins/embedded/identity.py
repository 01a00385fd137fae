"""What an answer of the built-in model is known by, in process and over HTTP: the same request gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL = "needle-3"
#: The model keeps no clock: an answer depends on its request only.
CREATED = 0


def fingerprint(request: Mapping[str, Any]) -> str:
    """Return what tells *request* from others, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()


def call_id(seed: str, number: int) -> str:
    """Return the id of an answer's call: the same for the same request."""
    return f"call_{seed[:12]}_{number}"


def pieces(text: str) -> list[str]:
    """Return *text* word by word; together they are the text."""
    words = text.split(" ")
    return [word if index == 0 else f" {word}" for index, word in enumerate(words)] if text else []
