"""The messages of a conversation, kept short enough to send and never cut between a call and its result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.untrusted_text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.core.model_protocol import ToolCall

Message = dict[str, Any]

WHOLE_TURNS = 3
"""So many of the newest turns, the present one included, are sent with all that their tools gave."""
OLD_RESULT_CHARACTERS = 400
TURN_CHARACTERS = 64_000
"""What one turn may take; beyond it the first of its results are shortened, since the last are being worked with."""


class History:
    """What was said, as Chat Completions messages; *characters* bounds what of it is sent."""

    def __init__(self, characters: int = 24_000) -> None:
        self._characters = characters
        self._turns: list[list[Message]] = []

    def __len__(self) -> int:
        """Return how many turns it holds."""
        return len(self._turns)

    def begin(self, text: str) -> None:
        """Begin a turn with what the person said."""
        self._turns.append([{"role": "user", "content": text}])

    def called(self, calls: Sequence[ToolCall], results: Sequence[str], text: str = "") -> None:
        """Add the model's calls and their results, one message each."""
        self._turns[-1].append(
            {
                "role": "assistant",
                "content": text or None,
                "tool_calls": [
                    {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                    for c in calls
                ],
            }
        )
        for call, result in zip(calls, results, strict=True):
            self._turns[-1].append({"role": "tool", "tool_call_id": call.id, "content": result})

    def replied(self, text: str) -> None:
        """End the turn with the reply."""
        self._turns[-1].append({"role": "assistant", "content": text})

    def drop_turn(self) -> None:
        """Take the last turn back: it was cut short and must not confuse the next."""
        self._turns.pop()

    def messages(self) -> list[Message]:
        """Return the newest whole turns that fit, oldest first; the current turn is always there."""
        kept: list[list[Message]] = []
        room = self._characters
        for age, whole in enumerate(reversed(self._turns)):
            turn = whole if age < WHOLE_TURNS else [_shortened(message) for message in whole]
            turn, size = _fitted(turn)
            room -= size
            if kept and room < 0:
                break
            kept.append(turn)
        return [message for turn in reversed(kept) for message in turn]


def _fitted(turn: list[Message]) -> tuple[list[Message], int]:
    """Return *turn* with its first results shortened until it fits, and how many characters it takes."""
    sizes = [len(json.dumps(message, ensure_ascii=False)) for message in turn]
    fitted, size = list(turn), sum(sizes)
    for index, message in enumerate(turn):
        if size <= TURN_CHARACTERS:
            break
        fitted[index] = _shortened(message)
        size += len(json.dumps(fitted[index], ensure_ascii=False)) - sizes[index]
    return fitted, size


def _shortened(message: Message) -> Message:
    """Return *message* without most of a long result: what was made of it stands in the reply."""
    if message["role"] != "tool":
        return message
    return {**message, "content": shortened(message["content"], OLD_RESULT_CHARACTERS)}
