"""One call of an elizaOS handler: the arguments in the shapes that handlers want, and what came of it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ..serialize import plain
from .bag import Bag, StateBag, bag, state_of

ROOM = "6aee8177-4ba4-58e6-a842-e9fd1ee4bde3"
ENTITY = "bceaeaf0-3d9f-5fc6-914b-055af133ce74"
WORLD = "5c425425-f270-57de-a092-24ba2b8be242"
"""Always the same: what a plugin stores under them is found again after a restart."""

current: ContextVar[Call | None] = ContextVar("current", default=None)
"""The call that is being made; the runtime's model looks here for what the caller has said already."""


class FailedError(Exception):
    """An action answered that it failed; the text is its own."""


class Call:
    """The arguments of one call in all the shapes in which plugins look for them."""

    def __init__(
        self, name: str, arguments: dict[str, Any], agent_id: str, text: str | None = None, *, asked: bool = False
    ) -> None:
        """*asked* is a call whose caller was asked for what the conversation does not tell: see ``takes_ids``."""
        self.asked = asked
        self.arguments = bag(dict(arguments))
        self.said_text = text is not None or isinstance(arguments.get("text"), str)
        self.text = text if text is not None else _text(name, arguments)
        self.said: list[str] = []
        self.wanted: list[str] = []
        """What the plugin asked a model for, where there was none to ask."""
        ids = {"entityId": ENTITY, "roomId": ROOM, "worldId": WORLD, "agentId": agent_id}
        self.message = self._message(name, ids)
        self.state: StateBag = state_of({**arguments, "agentName": "agent", "senderName": "user"})
        self.options = Bag({**self.arguments, "parameters": self.arguments})
        self.context = Bag(
            {
                "conversationId": ROOM,
                "userId": ENTITY,
                **self.arguments,
                **ids,
                "message": self.message,
                "state": self.state,
                "options": self.options,
            }
        )

    def _message(self, name: str, ids: dict[str, str]) -> Bag:
        """Return what the person said, with every field that a handler may look for there."""
        empty = dict.fromkeys(("thought", "attachments", "inReplyTo", "data", "url"))
        content = {**empty, "source": "direct", **self.arguments, "text": self.text, "actions": [name]}
        message = {key: value for key, value in self.arguments.items() if key not in ("content", "id")}
        message.update(ids, id=_new_id(), userId=ENTITY, content=content, text=self.text, options=self.arguments)
        return Bag(bag({**message, "createdAt": 0, "metadata": None, "embedding": None}))

    def callback(self, content: Any = None, *_: Any) -> Any:
        """Take what a handler says on its way; may be awaited or not."""
        text = content if isinstance(content, str) else _field(content, "text")
        if isinstance(text, str) and text.strip():
            self.said.append(text.strip())
        return _Done()

    def result(self, value: Any) -> Any:
        """Return a handler's result as a JSON value. Raises :class:`FailedError` where it says that it failed."""
        found = plain(value)
        data = found if isinstance(found, dict) else {}
        failed = found is False or data.get("success") is False or data.get("status") == "error"
        texts = [*self.said, *(each for each in (data.get("text"), data.get("message")) if isinstance(each, str))]
        if failed:
            reason = "\n".join(_distinct([*texts, str(data.get("error") or "")])) or "it gave no reason"
            raise FailedError(reason + self._hint())
        if isinstance(found, bool) or found is None or isinstance(found, str):
            return "\n".join(_distinct([*texts, found if isinstance(found, str) else ""])) or found
        if "success" not in data or not ({"text", "data"} & data.keys()):
            return {**data, "said": self.said} if self.said and data else found
        rest = {key: value for key, value in (data.get("data") or {}).items() if key != "actionName"}
        said = "\n".join(_distinct(texts))
        return {"text": said, "data": rest} if rest else said

    def _hint(self) -> str:
        if not self.wanted:
            return ""
        return f" (It asked a language model for {', '.join(self.wanted)}, and got none; give these as arguments.)"


def _new_id() -> str:
    import uuid  # slow to import, and not needed before the first call

    return str(uuid.uuid4())


def _text(name: str, arguments: dict[str, Any]) -> str:
    """Return the words a person would have said: given as such, or made of the arguments."""
    if isinstance(text := arguments.get("text"), str) and text:
        return text
    given = {key: value for key, value in arguments.items() if isinstance(value, (str, int, float))}
    if not given:
        return name.replace("_", " ").replace("-", " ").lower()
    if len(given) == 1:
        return str(next(iter(given.values())))
    return ", ".join(f"{key}: {value}" for key, value in given.items())


def _field(content: Any, name: str) -> Any:
    return content.get(name) if isinstance(content, dict) else getattr(content, name, None)


def _distinct(texts: list[str]) -> list[str]:
    """Return the texts without empty ones and those that another contains."""
    kept: list[str] = []
    for text in (each.strip() for each in texts):
        if text and not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return kept


class _Done:
    """What a callback gives: a list of no memories, for those who await it and those who do not."""

    def __await__(self) -> Any:
        yield from ()
        return []
