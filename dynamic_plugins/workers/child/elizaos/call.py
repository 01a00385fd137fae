"""One call of an elizaOS handler: its arguments in the shapes that handlers read, and its result.

Handlers read dictionaries as items or as attributes, in snake_case or in camelCase: an :class:`AttributeDict` serves
them all.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from ..serialize import plain

AGENT_ID = "00000000-0000-4000-8000-64796e616d69"
ROOM_ID = "6aee8177-4ba4-58e6-a842-e9fd1ee4bde3"
ENTITY_ID = "bceaeaf0-3d9f-5fc6-914b-055af133ce74"
WORLD_ID = "5c425425-f270-57de-a092-24ba2b8be242"
"""Always the same: what a plugin stores under them is found again after a restart."""

current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""The call that is being made; the runtime's model looks here for values that the caller has given already."""

_CAPITAL_AFTER_SMALL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class AttributeDict(dict):  # type: ignore[type-arg] # it holds whatever a plugin looks for
    """``d.room_id``, ``d["roomId"]`` and ``d.get("room_id")`` give the same item; an unknown name is an error."""

    def __getitem__(self, name: Any) -> Any:
        return dict.__getitem__(self, self._key(name))

    def __contains__(self, name: Any) -> bool:
        return dict.__contains__(self, self._key(name))

    def get(self, name: Any, default: Any = None) -> Any:
        return dict.get(self, self._key(name), default)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Return a plain dictionary, as a pydantic model does."""
        return dict(self)

    def _key(self, name: Any) -> Any:
        """Return the spelling of *name* that is a key here, or *name* itself where none is."""
        if not isinstance(name, str) or dict.__contains__(self, name):
            return name
        for spelling in (snake_case(name), camel_case(name)):
            if dict.__contains__(self, spelling):
                return spelling
        return name


class _StateValues(AttributeDict):
    """A state's ``values``: an item for those who read it, and callable for those who mean ``dict.values()``."""

    def __call__(self) -> Any:
        return dict.values(self)


class StateDict(AttributeDict):
    """An elizaOS state. Its ``values`` is the item of that name; calling it still gives the dictionary's values."""

    @property
    def values(self) -> Any:
        return self["values"]


def with_attributes(value: Any) -> Any:
    """Return *value* with every dictionary in it as an :class:`AttributeDict`."""
    if isinstance(value, AttributeDict):
        return value
    if isinstance(value, dict):
        return AttributeDict({key: with_attributes(item) for key, item in value.items()})
    if isinstance(value, list):
        return [with_attributes(item) for item in value]
    return value


def make_state(arguments: dict[str, Any], text: str = "") -> StateDict:
    """Return a state that holds *arguments* in every place where a handler may look for them."""
    values, data = _StateValues(with_attributes(arguments)), with_attributes(dict(arguments))
    return StateDict({**with_attributes(arguments), "values": values, "data": data, "text": text})


def snake_case(name: str) -> str:
    return _CAPITAL_AFTER_SMALL.sub(r"_\1", name).lower()


def camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


class ActionFailedError(Exception):
    """An action reported a failure, or cannot be called; the text is the whole reason.

    It crosses to the host as text: the tree of errors there is not importable in a plugin's process.
    """


class Call:
    """The arguments of one call in all the shapes in which plugins look for them."""

    def __init__(
        self,
        name: str,
        arguments: dict[str, Any],
        text: str | None = None,
        *,
        agent_id: str = AGENT_ID,
        by_schema: bool = False,
    ) -> None:
        """*text* is what the person wrote; without it, it is made of *arguments*.

        *by_schema* is a call whose caller had the action's schema to fill in: an id that the schema asks for is the
        caller's to give, and is not taken from the conversation (see ``takes_conversation``).
        """
        self.by_schema = by_schema
        self.arguments = with_attributes(dict(arguments))
        self.has_text = text is not None or isinstance(arguments.get("text"), str)
        self.text = text if text is not None else _text_of(name, arguments)
        self.replies: list[str] = []
        """What the handler sent through its callback."""
        self.attachments: list[Any] = []
        """The pictures and files that it sent."""
        self.unanswered_fields: list[str] = []
        """What the plugin asked a model for, where there was none to ask."""
        ids = {"entityId": ENTITY_ID, "roomId": ROOM_ID, "worldId": WORLD_ID, "agentId": agent_id}
        self.message = self._make_message(name, ids)
        self.state: StateDict = make_state({**arguments, "agentName": "agent", "senderName": "user"})
        self.options = AttributeDict({**self.arguments, "parameters": self.arguments})
        self.context = AttributeDict(
            {
                "conversationId": ROOM_ID,
                "userId": ENTITY_ID,
                **self.arguments,
                **ids,
                "message": self.message,
                "state": self.state,
                "options": self.options,
            }
        )

    def _make_message(self, name: str, ids: dict[str, str]) -> AttributeDict:
        """Return the person's message, with every field that a handler may look for there."""
        empty = dict.fromkeys(("thought", "attachments", "inReplyTo", "data", "url"))
        content = {**empty, "source": "direct", **self.arguments, "text": self.text, "actions": [name]}
        message = {key: value for key, value in self.arguments.items() if key not in ("content", "id")}
        message.update(ids, id=_new_id(), userId=ENTITY_ID, content=content, text=self.text, options=self.arguments)
        return AttributeDict(with_attributes({**message, "createdAt": 0, "metadata": None, "embedding": None}))

    def callback(self, content: Any = None, *_: Any) -> Any:
        """Keep a text that a handler sends before it returns. The result may be awaited or not."""
        text = content if isinstance(content, str) else _field(content, "text")
        if isinstance(text, str) and text.strip():
            self.replies.append(text.strip())
        sent = _field(content, "attachments")
        self.attachments += sent if isinstance(sent, list) else []
        return _NoMemories()

    def result(self, value: Any) -> Any:
        """Return a handler's result as a JSON value. Raises ActionFailedError where the result reports a failure."""
        result = plain(value)
        data = result if isinstance(result, dict) else {}
        failed = result is False or data.get("success") is False or data.get("status") == "error"
        texts = [*self.replies, *(text for text in (data.get("text"), data.get("message")) if isinstance(text, str))]
        if failed:
            reason = "\n".join(_without_repeats([*texts, str(data.get("error") or "")])) or "it gave no reason"
            raise ActionFailedError(reason + self._missing_model_hint())
        return self._with_attachments(self._given(result, data, texts))

    def _given(self, result: Any, data: dict[str, Any], texts: list[str]) -> Any:
        """Return the text, ``{text, data}`` where there is data, or the plugin's own value."""
        if isinstance(result, bool) or result is None or isinstance(result, str):
            return "\n".join(_without_repeats([*texts, result if isinstance(result, str) else ""])) or result
        if "success" not in data or not ({"text", "data"} & data.keys()):
            return {**data, "said": self.replies} if self.replies and data else result
        rest = data.get("data") or {}
        if isinstance(rest, dict):
            rest = {key: item for key, item in rest.items() if key != "actionName"}
        text = "\n".join(_without_repeats(texts))
        return {"text": text, "data": rest} if rest else text

    def _with_attachments(self, given: Any) -> Any:
        if not self.attachments:
            return given
        attachments = plain(self.attachments)
        if isinstance(given, dict):
            return {**given, "attachments": attachments}
        named = {"text": given} if isinstance(given, str) else {"data": given} if isinstance(given, list) else {}
        return {**named, "attachments": attachments}

    def _missing_model_hint(self) -> str:
        if not self.unanswered_fields:
            return ""
        fields = ", ".join(self.unanswered_fields)
        return f" (It asked a language model for {fields}, and got none; give these as arguments.)"


def _new_id() -> str:
    import uuid  # slow to import, and not needed before the first call

    return str(uuid.uuid4())


def _text_of(name: str, arguments: dict[str, Any]) -> str:
    """Return what a person would have written: given as such, or made of the arguments."""
    if isinstance(text := arguments.get("text"), str) and text:
        return text
    values = {key: value for key, value in arguments.items() if isinstance(value, (str, int, float))}
    if not values:
        return name.replace("_", " ").replace("-", " ").lower()
    if len(values) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{key}: {value}" for key, value in values.items())


def _field(content: Any, name: str) -> Any:
    return content.get(name) if isinstance(content, dict) else getattr(content, name, None)


def _without_repeats(texts: list[str]) -> list[str]:
    """Return the texts without empty ones and those that another contains."""
    kept: list[str] = []
    for text in (text.strip() for text in texts):
        if text and not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return kept


class _NoMemories:
    """A callback's result: for those who await it, an empty list of memories."""

    def __await__(self) -> Any:
        yield from ()
        return []
