"""One turn of a conversation: what came of a message, and what a caller may watch of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.core.model_protocol import OnText, ToolCall


@dataclass(frozen=True)
class Call:
    """A tool that was called in a turn: as it was asked for, and what came of it."""

    tool: str
    arguments: Any
    result: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"tool": self.tool, "arguments": self.arguments, "result": self.result}


@dataclass(frozen=True)
class Turn:
    """What came of one message. *failed* says that the model gave no answer to it.

    *notices* are for the person: which secrets in the message were kept from the model.
    """

    reply: str
    calls: tuple[Call, ...] = ()
    failed: bool = False
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"reply": self.reply, "calls": [call.to_dict() for call in self.calls]}
        return told | ({"notices": list(self.notices)} if self.notices else {})


@dataclass
class Watch:
    """What a caller wants to see of a turn while it runs; each may be None.

    *on_taken* is called first, with the message as it is kept and sent: a placeholder stands for each secret in it.
    """

    on_taken: Callable[[str], None] | None = None
    on_text: OnText | None = None
    on_call: Callable[[ToolCall], None] | None = None
    on_result: Callable[[ToolCall, dict[str, Any]], None] | None = None
    on_notice: Callable[[str], None] | None = None
