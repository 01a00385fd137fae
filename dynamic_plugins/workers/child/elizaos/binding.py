"""Binding the parameters of elizaOS handlers by their names and types."""

from __future__ import annotations

import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from .bag import Bag, snake
from .call import Call, FailedError, current
from .values import converted, is_id, is_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORD = re.compile(r"[A-Za-z_]\w*")
_ARGUMENTS = {"params", "parameters", "args", "arguments", "input", "inputs", "data", "payload", "body", "request"}
_HANDLER_ORDER = ("runtime", "message", "state", "options", "callback", "responses")


class Binder:
    """Binds handlers' parameters. *service* finds what a parameter of some types asks for; None where there is none."""

    def __init__(
        self,
        runtime: Callable[[], Any],
        service: Callable[[list[str], inspect.Parameter], Any],
        settings: dict[str, str],
        classes: Mapping[str, type] | None = None,
        folder: str | None = None,
    ) -> None:
        """*classes* are the plugin's own by name, for annotations that only a type checker can look up.

        Files are read for a caller in *folder*, which is the plugin's own, and in folders that are *settings*.
        """
        told = [os.path.expanduser(each) for each in settings.values()]  # noqa: PTH111 # pathlib is slow to import
        self._folders = [*([folder] if folder else []), *(each for each in told if os.path.isabs(each))]  # noqa: PTH117
        self._classes = classes or {}
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
        role, types = role_of(parameter.name), type_names(parameter)
        if role != "message" and is_value(types):
            role = None
        if parameter.name in call.arguments and (role is None or is_value(types)):
            scope = {**self._classes, **_scope(function)}
            return converted(call.arguments[parameter.name], types, scope, parameter.name, self._folders)
        value = await self._role(role, parameter, function, call)
        if value is not _NOTHING:
            return value
        if (service := await self._service(types, parameter)) is not None:
            return service
        if isinstance(function, type) and (setting := self._setting(parameter.name)) is not None:
            return setting
        if parameter.default is not parameter.empty:
            return _NOTHING
        if is_id(parameter.name) and (not call.asked or takes_ids(function)):
            return call.context[parameter.name]
        if by_place is not None and not types and not parameter.name.endswith(("service", "client")):
            return await self._role(by_place, parameter, function, call)
        if (made := await self._make(function, parameter, call)) is not None:
            return made
        if parameter.kind is parameter.POSITIONAL_ONLY or "None" in str(parameter.annotation):
            return None
        if parameter.name.endswith(("service", "client")):
            raise FailedError(f"its {parameter.name.replace('_', ' ')} is not available")
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
            whole = await self._service(type_names(parameter) or ["*"], parameter)
            return whole if whole is not None else await self._service(["*"], parameter)
        found = {"state": call.state, "options": call.options, "callback": call.callback, "responses": []}
        return found.get(role or "", _NOTHING)

    async def _make(self, function: Any, parameter: inspect.Parameter, call: Call) -> Any:
        """Return an instance of the plugin's own data class that *parameter* asks for, or None."""
        for name in type_names(parameter):
            known = _scope(function).get(name) or self._classes.get(name)
            kind = parameter.annotation if isinstance(parameter.annotation, type) else known
            if not isinstance(kind, type) or kind.__module__ in ("builtins", "typing"):
                continue
            if callable(from_env := getattr(kind, "from_env", None)):
                return from_env()
            if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields"):
                asked = call.asked and not (takes_ids(function) or is_context(parameter))
                names = () if asked else ("agent_id", "room_id", "entity_id", "conversation_id", "user_id")
                given = {**{key: call.context[key] for key in names}, "message": call.message, **call.arguments}
                made = Call("", given, call.context["agent_id"], call.text, asked=asked)
                positional, named = await self.bind(kind, made, ())
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
    if name in ("message", "msg", "memory", "incoming", "message_text", "message_content", "user_message"):
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


def takes_ids(function: Any) -> bool:
    """Whether a function is told of the conversation, so that ids among its parameters are the conversation's too.

    A ``message`` that is a text is what the caller says, unless its name says that it is what the person said.
    """
    told = ("message_text", "message_content", "user_message", "incoming")
    return any(
        role_of(each.name) in ("runtime", "message", "state")
        and (snake(each.name.lstrip("_")) in told or not is_value(type_names(each)))
        for each in _parameters(inspect.unwrap(getattr(function, "__func__", function)))
    )


def is_context(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is a conversation's context by its name or its class's, with the ids of that in it."""
    return role_of(parameter.name) == "context" or any(each.endswith("Context") for each in type_names(parameter))


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
