"""One call of an elizaOS handler: what it is handed, bound by the names of its parameters, and what it gave."""

from __future__ import annotations

import inspect
import re
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .bag import Bag, StateBag, bag, snake, state_of
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z_]\w*")
_ARGUMENTS = {"params", "parameters", "args", "arguments", "input", "inputs", "data", "payload", "body", "request"}
_HANDLER_ORDER = ("runtime", "message", "state", "options", "callback", "responses")

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

    def __init__(self, name: str, arguments: dict[str, Any], agent_id: str, text: str | None = None) -> None:
        self.arguments = bag(dict(arguments))
        self.said_text = text is not None or isinstance(arguments.get("text"), str)
        self.text = text if text is not None else _text(name, arguments)
        self.said: list[str] = []
        self.wanted: list[str] = []
        """What the plugin asked a model for, where there was none to ask."""
        ids = {"entityId": ENTITY, "roomId": ROOM, "worldId": WORLD, "agentId": agent_id}
        content = {**self.arguments, "text": self.text, "source": arguments.get("source", "direct"), "actions": [name]}
        self.message = bag(
            {
                **{key: value for key, value in self.arguments.items() if key not in ("content", "id")},
                **ids,
                "id": _new_id(),
                "userId": ENTITY,
                "content": {**dict.fromkeys(("thought", "attachments", "inReplyTo", "data", "url")), **content},
                "text": self.text,
                "createdAt": 0,
                "metadata": None,
                "embedding": None,
                "options": self.arguments,
            }
        )
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


class Binder:
    """Binds handlers' parameters. *service* finds what a parameter of some types asks for; None where there is none."""

    def __init__(
        self,
        runtime: Callable[[], Any],
        service: Callable[[list[str], inspect.Parameter], Any],
        settings: dict[str, str],
    ) -> None:
        self._runtime = runtime
        self._service = service
        self._settings = settings

    async def run(self, function: Callable[..., Any], call: Call, order: tuple[str, ...] = _HANDLER_ORDER) -> Any:
        """Call *function* with what its parameters' names ask for, and await what it gives."""
        positional, named = await self.bind(function, call, order)
        token = current.set(call)
        try:
            value = function(*positional, **named)
            return await value if inspect.isawaitable(value) else value
        finally:
            current.reset(token)

    async def bind(
        self, function: Callable[..., Any], call: Call, order: tuple[str, ...] = _HANDLER_ORDER
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and the named arguments for *function*."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        used: set[str] = set()
        skipped = False
        for place, parameter in enumerate(_parameters(function)):
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                named.update({key: value for key, value in call.arguments.items() if key not in used})
                continue
            value = await self._value(function, parameter, call, order[place] if place < len(order) else None)
            used.add(parameter.name)
            if value is _NOTHING:
                skipped = True
            elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        return positional, named

    async def _value(self, function: Any, parameter: inspect.Parameter, call: Call, by_place: str | None) -> Any:
        role = role_of(parameter.name)
        if parameter.name in call.arguments and role is None:
            return call.arguments[parameter.name]
        value = await self._role(role, parameter, function, call)
        if value is not _NOTHING:
            return value
        types = type_names(parameter)
        if (service := await self._service(types or ["?"], parameter)) is not None:
            return service
        if isinstance(function, type) and (setting := self._setting(parameter.name)) is not None:
            return setting
        if parameter.default is not parameter.empty:
            return _NOTHING
        if by_place is not None and not types:
            return await self._role(by_place, parameter, function, call)
        if (made := await self._make(function, parameter, call)) is not None:
            return made
        if parameter.kind is parameter.POSITIONAL_ONLY or "None" in str(parameter.annotation):
            return None
        raise TypeError(f"{getattr(function, '__name__', 'it')} needs {parameter.name!r}")

    async def _role(self, role: str | None, parameter: inspect.Parameter, function: Any, call: Call) -> Any:
        if role == "runtime":
            return await self._runtime()
        if role == "message":
            return call.text if type_names(parameter) == ["str"] else call.message
        if role in ("config", "arguments", "context"):
            if (made := await self._make(function, parameter, call)) is not None:
                return made
            if role == "config":
                return _NOTHING if parameter.default is not parameter.empty else Bag(self._settings)
            every = Bag({**call.context, **call.arguments})
            return Bag({**call.arguments, "text": call.text}) if role == "arguments" else every
        if role == "services":
            return await self._service(["*"], parameter)
        found = {"state": call.state, "options": call.options, "callback": call.callback, "responses": []}
        return found.get(role or "", _NOTHING)

    async def _make(self, function: Any, parameter: inspect.Parameter, call: Call) -> Any:
        """Return an instance of the plugin's own data class that *parameter* asks for, or None."""
        for name in type_names(parameter):
            kind = parameter.annotation if isinstance(parameter.annotation, type) else _scope(function).get(name)
            if not isinstance(kind, type) or kind.__module__ in ("builtins", "typing"):
                continue
            if callable(from_env := getattr(kind, "from_env", None)):
                return from_env()
            if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields"):
                ids = {
                    key: call.context[key] for key in ("agent_id", "room_id", "entity_id", "conversation_id", "user_id")
                }
                known = Call("", {**ids, "message": call.message, **call.arguments}, ids["agent_id"], call.text)
                positional, named = await self.bind(kind, known, ())
                return kind(*positional, **named)
        return None

    def _setting(self, name: str) -> str | None:
        """Return the one setting that a constructor's parameter means: ``private_key`` is ``EVM_PRIVATE_KEY``."""
        wanted = name.upper()
        found = [value for key, value in self._settings.items() if key.upper() == wanted or key.endswith(f"_{wanted}")]
        return found[0] if len(found) == 1 else None


_NOTHING = object()


def role_of(name: str) -> str | None:
    """Return what a parameter of this name is for, or None where the name alone does not tell."""
    name = snake(name.lstrip("_"))
    if name in ("runtime", "agent_runtime", "agent"):
        return "runtime"
    if name in ("message", "msg", "memory", "incoming", "message_text"):
        return "message"
    if name in ("state", "current_state"):
        return "state"
    if name in ("options", "opts", "handler_options"):
        return "options"
    if name in ("callback", "cb", "handler_callback"):
        return "callback"
    if name in ("responses", "services", "config"):
        return name
    if name in ("context", "ctx", "action_context"):
        return "context"
    return "arguments" if name in _ARGUMENTS else None


def type_names(parameter: inspect.Parameter) -> list[str]:
    """Return the names in a parameter's annotation, without ``None`` and what holds others."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return []
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None) or str(annotation)
    if not isinstance(annotation, (str, type)):
        text = str(annotation)
    words = [word for part in re.split(r"[|\[\],\s]+", text) for word in _WORD.findall(part.rsplit(".", 1)[-1])]
    return [word for word in words if word not in ("None", "Optional", "Union", "Any", "object", "NoneType")]


def _scope(function: Any) -> dict[str, Any]:
    """Return the names that a function's or a class's annotations may use."""
    if isinstance(function, type):
        return vars(sys.modules[function.__module__])
    found = inspect.unwrap(getattr(function, "__func__", function))
    return getattr(found, "__globals__", {})


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, or a class without a signature
        return []


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
