"""What a model answered, read from a chat completion whole or streamed, as endpoints really send them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.model_protocol import Say, ToolCall, Use
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import ModelError

if TYPE_CHECKING:
    from dynamic_plugins.core.model_protocol import OnText

NO_COMPLETION = "The endpoint's answer is not a chat completion. Check --base-url."
BROKE_OFF = "The model's answer broke off before its end. Say it again to try anew."
_CUT = "[The answer was cut off here: it was longer than the model may write at once.]"
_FILTERED = "[The answer ends here: the endpoint's content filter stopped it.]"


def read(completion: Any) -> Say | Use:
    """Return what a whole completion says. Raises ModelError."""
    collected = Collected()
    for choice in (getattr(completion, "choices", None) or ())[:1]:
        if choice.message is not None:
            collected.add(choice.message, choice.finish_reason or "stop")
    collected.end()
    return collected.answer()


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Collected:
    """An answer as it grows, piece by piece; a whole one is a single piece."""

    text: str = ""
    reason: str = ""
    _calls: list[_Call] = field(default_factory=list)
    _by_index: dict[int, _Call] = field(default_factory=dict)
    _began: bool = False

    def add(self, delta: Any, reason: str | None, on_text: OnText | None = None) -> None:
        """Take up one piece: a message, or what of it has come; *on_text* is called with its text."""
        self._began = True
        self.reason = reason or self.reason
        if delta is None:
            return
        if said := _text(getattr(delta, "content", None)) or _text(getattr(delta, "refusal", None)):
            self._say(said, on_text)
        for piece in getattr(delta, "tool_calls", None) or ():
            if (function := getattr(piece, "function", None)) is not None:
                self._extend(self._slot(piece, function), piece, function)

    def end(self, on_text: OnText | None = None) -> None:
        """Say why an answer ended that the model has not ended itself. Raises ModelError for one that broke off."""
        if not self._began:
            raise ModelError(NO_COMPLETION)
        if not self.reason:
            raise ModelError(BROKE_OFF)
        if note := self._note():
            self._say(note, on_text)

    def answer(self) -> Say | Use:
        """Return what was said. Raises ModelError for calls that were cut in the middle."""
        calls = tuple(
            ToolCall(each.id or f"call_{number}", each.name, each.arguments)
            for number, each in enumerate(self._calls)
            if each.name
        )
        if not calls:
            return Say(self.text)
        if self.reason == "length":
            raise ModelError(BROKE_OFF)
        return Use(calls, self.text)

    def _say(self, said: str, on_text: OnText | None) -> None:
        self.text += said
        if on_text is not None:
            on_text(said)

    def _note(self) -> str:
        note = {"length": _CUT, "content_filter": _FILTERED}.get(self.reason, "")
        if not note or self._calls:
            return ""
        return f"\n\n{note}" if self.text else note

    def _slot(self, piece: Any, function: Any) -> _Call:
        """Return the call that *piece* belongs to. Some endpoints give every call the index 0, or none."""
        index, said = getattr(piece, "index", None), getattr(piece, "id", None)
        if said and (same := next((each for each in self._calls if each.id == said), None)) is not None:
            return same
        last = self._calls[-1] if self._calls else None
        present = self._by_index.get(index) if index is not None else last
        another = said and present is not None and present.id
        if present is None or another or (getattr(function, "name", None) and _is_whole(present)):
            present = _Call()
            self._calls.append(present)
            if index is not None:
                self._by_index[index] = present
        return present

    @staticmethod
    def _extend(call: _Call, piece: Any, function: Any) -> None:
        call.id = getattr(piece, "id", None) or call.id
        name, arguments = getattr(function, "name", None) or "", getattr(function, "arguments", None)
        if not call.arguments and name != call.name:  # some repeat the name with every piece
            call.name += name
        if arguments is not None:
            call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)


def _is_whole(call: _Call) -> bool:
    try:
        parse_json(call.arguments)
    except ValueError:
        return False
    return bool(call.name)


def _text(content: Any) -> str:
    """Return what is said in *content*: a text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = (part.get("text") if isinstance(part, dict) else getattr(part, "text", None) for part in parts)
    return "".join(text for text in texts if isinstance(text, str))
