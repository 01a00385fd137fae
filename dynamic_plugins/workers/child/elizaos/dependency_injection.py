"""Calling elizaOS handlers with what their parameters' names and types ask for."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

from .call import ActionFailedError, AttributeDict, Call, current_call
from .parameter_types import (
    annotation_scope,
    convert,
    is_conversation_context,
    is_conversation_id,
    is_required,
    is_scalar_type,
    role_of,
    signature_of,
    takes_conversation,
    type_names,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

HANDLER_ORDER = ("runtime", "message", "state", "options", "callback", "responses")
"""The roles of an elizaOS handler's positional parameters, for those whose names do not tell."""
_DATA_CLASS_IDS = ("agent_id", "room_id", "entity_id", "conversation_id", "user_id")
_ABSENT = object()


class Injector:
    """Calls functions of one plugin with the arguments that their parameters ask for."""

    def __init__(
        self,
        runtime: Callable[[], Awaitable[Any]],
        service: Callable[[list[str], inspect.Parameter], Awaitable[Any]],
        settings: Mapping[str, str],
        classes: Mapping[str, type] | None = None,
        folder: str | None = None,
    ) -> None:
        """*service* finds what a parameter of types with these names asks for, or gives None.

        *classes* are the plugin's own by name, for annotations that only a type checker can look up. Files are read for
        a caller in *folder*, which is the plugin's own, and in folders that are *settings*.
        """
        configured = [os.path.expanduser(value) for value in settings.values()]  # noqa: PTH111 # pathlib is slow to import
        self._folders = [*([folder] if folder else []), *(path for path in configured if os.path.isabs(path))]  # noqa: PTH117
        self._classes = classes or {}
        self._runtime = runtime
        self._service = service
        self._settings = settings

    async def call(self, function: Callable[..., Any], call: Call, order: tuple[str, ...] = HANDLER_ORDER) -> Any:
        """Call *function* with its arguments, and await its result where that is awaitable.

        *order* names the roles of positional parameters whose names and types do not tell. Raises what *function*
        raises; TypeError and ActionFailedError name a parameter that has no value.
        """
        positional, named = await self.arguments_for(function, call, order)
        token = current_call.set(call)
        try:
            value = function(*positional, **named)
            return await value if inspect.isawaitable(value) else value
        finally:
            current_call.reset(token)

    async def make(self, kind: type, call: Call, order: tuple[str, ...] = ()) -> Any:
        """Return a new instance of *kind*, its constructor's arguments found as those of a handler."""
        positional, named = await self.arguments_for(kind, call, order)
        return kind(*positional, **named)

    async def arguments_for(
        self, function: Callable[..., Any], call: Call, order: tuple[str, ...] = HANDLER_ORDER
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and the named arguments for *function*."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        used: set[str] = set()
        skipped = False
        for place, parameter in enumerate(signature_of(function)):
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                named.update({key: value for key, value in call.arguments.items() if key not in used})
                continue
            value = await self._value_for(function, parameter, call, order[place] if place < len(order) else None)
            used.add(parameter.name)
            if value is _ABSENT:
                skipped = True
            elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        return positional, named

    async def _value_for(
        self, function: Any, parameter: inspect.Parameter, call: Call, role_by_position: str | None
    ) -> Any:
        """Return one parameter's value, from the first of the sources that has one."""
        role, types = role_of(parameter.name), type_names(parameter)
        if role != "message" and is_scalar_type(types):
            role = None
        if parameter.name in call.arguments and (role is None or is_scalar_type(types)):
            scope = {**self._classes, **annotation_scope(function)}
            return convert(call.arguments[parameter.name], types, scope, parameter.name, self._folders)
        value = await self._value_by_role(role, parameter, function, call)
        if value is not _ABSENT:
            return value
        if (service := await self._service(types, parameter)) is not None:
            return service
        if isinstance(function, type) and (setting := self._setting(parameter.name)) is not None:
            return setting
        if not is_required(parameter):
            return _ABSENT
        if is_conversation_id(parameter.name) and (not call.by_schema or takes_conversation(function)):
            return call.context[parameter.name]
        if role_by_position is not None and not types and not parameter.name.endswith(("service", "client")):
            return await self._value_by_role(role_by_position, parameter, function, call)
        if (made := await self._data_class(function, parameter, call)) is not None:
            return made
        return _none_or_error(function, parameter)

    async def _value_by_role(self, role: str | None, parameter: inspect.Parameter, function: Any, call: Call) -> Any:
        if role == "runtime":
            return await self._runtime()
        if role == "message":
            return call.text if type_names(parameter) == ["str"] else call.message
        if role in ("config", "arguments", "context"):
            if (made := await self._data_class(function, parameter, call)) is not None:
                return made
            if role == "config":
                return AttributeDict(self._settings) if is_required(parameter) else _ABSENT
            if role == "arguments":
                return AttributeDict({**call.arguments, "text": call.text})
            return AttributeDict({**call.context, **call.arguments})
        if role == "services":
            found = await self._service(type_names(parameter) or ["*"], parameter)
            return found if found is not None else await self._service(["*"], parameter)
        by_role = {"state": call.state, "options": call.options, "callback": call.callback, "responses": []}
        return by_role.get(role or "", _ABSENT)

    async def _data_class(self, function: Any, parameter: inspect.Parameter, call: Call) -> Any:
        """Return an instance of the plugin's own data class that *parameter* asks for, or None."""
        for name in type_names(parameter):
            known = annotation_scope(function).get(name) or self._classes.get(name)
            kind = parameter.annotation if isinstance(parameter.annotation, type) else known
            if not isinstance(kind, type) or kind.__module__ in ("builtins", "typing"):
                continue
            if callable(from_env := getattr(kind, "from_env", None)):
                return from_env()
            if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields"):
                has_conversation = takes_conversation(function) or is_conversation_context(parameter)
                by_schema = call.by_schema and not has_conversation
                ids = {} if by_schema else {name: call.context[name] for name in _DATA_CLASS_IDS}
                values = {**ids, "message": call.message, **call.arguments}
                return await self.make(
                    kind, Call("", values, call.text, agent_id=call.context["agent_id"], by_schema=by_schema)
                )
        return None

    def _setting(self, name: str) -> str | None:
        """Return the one setting that a constructor's parameter means: ``private_key`` is ``EVM_PRIVATE_KEY``."""
        wanted = name.upper()
        found = [value for key, value in self._settings.items() if key.upper() == wanted or key.endswith(f"_{wanted}")]
        return found[0] if len(found) == 1 else None


def _none_or_error(function: Any, parameter: inspect.Parameter) -> None:
    """Return None for a parameter that may be None; otherwise raise the error that names it."""
    if parameter.kind is parameter.POSITIONAL_ONLY or "None" in str(parameter.annotation):
        return
    if parameter.name.endswith(("service", "client")):
        raise ActionFailedError(f"its {parameter.name.replace('_', ' ')} is not available")
    raise TypeError(f"{getattr(function, '__name__', 'it')} needs {parameter.name!r}")
