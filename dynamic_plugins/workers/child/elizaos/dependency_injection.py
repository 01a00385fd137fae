"""Calling elizaOS handlers with what their parameters' names and types ask for.

What the name and the annotation of a parameter mean (its role, its type, its value in Python) is here as well; the JSON
Schema of it is ``parameter_schema``.
"""

from __future__ import annotations

import base64
import binascii
import enum
import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from .call import ActionFailedError, AttributeDict, Call, current_call, snake_case

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

HANDLER_ORDER = ("runtime", "message", "state", "options", "callback", "responses")
"""The roles of an elizaOS handler's positional parameters, for those whose names do not tell."""
_DATA_CLASS_IDS = ("agent_id", "room_id", "entity_id", "conversation_id", "user_id")
_ABSENT = object()

JSON_TYPES = {
    **dict.fromkeys(("str", "Path"), "string"),
    "int": "integer",
    **dict.fromkeys(("float", "Decimal"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "List", "Sequence", "Iterable", "tuple", "set", "Collection"), "array"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "object"),
}
_SCALARS = ("string", "integer", "number", "boolean")
FORMATS = {"UUID": "uuid", "datetime": "date-time", "date": "date"}
BYTES = ("bytes", "bytearray", "BytesIO", "BinaryIO")
BASE64_PREFIX = "base64:"
_CONVERSATION_IDS = ("agent_id", "room_id", "entity_id", "world_id", "user_id", "conversation_id")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_NOT_A_TYPE = ("None", "Optional", "Union", "Any", "object", "NoneType")

_ROLES = {
    **dict.fromkeys(("runtime", "agent_runtime", "agent"), "runtime"),
    **dict.fromkeys(
        ("message", "msg", "memory", "incoming", "message_text", "message_content", "user_message"), "message"
    ),
    **dict.fromkeys(("state", "current_state"), "state"),
    **dict.fromkeys(("options", "opts", "handler_options"), "options"),
    **dict.fromkeys(("callback", "cb", "handler_callback"), "callback"),
    **{name: name for name in ("responses", "services", "config")},
    **dict.fromkeys(("context", "ctx", "action_context"), "context"),
    **dict.fromkeys(
        ("params", "parameters", "args", "arguments", "input", "inputs", "data", "payload", "body", "request"),
        "arguments",
    ),
}
_ALWAYS_THE_PERSONS = ("message_text", "message_content", "user_message", "incoming")


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


# Names


def role_of(name: str) -> str | None:
    """Return what a parameter of this name is for, or None where the name alone does not tell."""
    return _ROLES.get(snake_case(name.lstrip("_")))


def is_conversation_id(name: str) -> bool:
    """Whether a parameter of this name is an id that the conversation has."""
    return name in _CONVERSATION_IDS


def is_conversation_context(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is a conversation's context by its name or its class's, with the ids of that in it."""
    return role_of(parameter.name) == "context" or any(name.endswith("Context") for name in type_names(parameter))


def takes_conversation(function: Any) -> bool:
    """Whether a function is given the conversation, so that ids among its parameters are the conversation's too.

    A ``message`` annotated as a text is the caller's argument, unless its name says that it is the person's message.
    """
    return any(
        role_of(parameter.name) in ("runtime", "message", "state")
        and (snake_case(parameter.name.lstrip("_")) in _ALWAYS_THE_PERSONS or not is_scalar_type(type_names(parameter)))
        for parameter in signature_of(inspect.unwrap(getattr(function, "__func__", function)))
    )


# Annotations


def signature_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return a function's parameters; none of one that has no readable signature."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, or a class without a signature
        return []


def is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


def annotation_scope(function: Any) -> dict[str, Any]:
    """Return the names that a function's or a class's annotations may use."""
    if isinstance(function, type):
        return vars(sys.modules[function.__module__])
    return getattr(inspect.unwrap(getattr(function, "__func__", function)), "__globals__", {})


def type_names(parameter: inspect.Parameter) -> list[str]:
    """Return the names in a parameter's annotation, without ``None``, ``Any`` and unions."""
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return []
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None) or str(annotation)
    if not isinstance(annotation, (str, type)):
        text = str(annotation)
    parts = (part.rsplit(".", 1)[-1] for part in re.split(r"[|\[\],\s]+", text))
    return [name for part in parts for name in _IDENTIFIER.findall(part) if name not in _NOT_A_TYPE]


def is_scalar_type(names: list[str]) -> bool:
    """Whether a type is a text, a number, bytes or the like: then it is a caller's argument, whatever its name."""
    return bool(names) and (names[0] in FORMATS or names[0] in BYTES or JSON_TYPES.get(names[0]) in _SCALARS)


# Values


def convert(
    value: Any, names: list[str], scope: Mapping[str, Any], name: str = "", folders: Collection[str] = ()
) -> Any:
    """Return a caller's JSON *value* as the type with *names* has it: bytes, a date, an enum's member.

    Where the parameter's *name* or type says that it is a file, *value* may be the path of one in the *folders*.
    Raises ActionFailedError for the path of any other file, and for data that is not the base64 it claims to be.
    """
    if names and names[0] in BYTES and isinstance(value, str):
        content = _read_file(value, folders) if is_file(name, names) else None
        return _bytes_of(value, base64_only=is_base64(name)) if content is None else content
    if names and names[0] in (*FORMATS, "Decimal") and isinstance(value, (str, int, float)):
        known = scope.get(names[0])
        make = getattr(known, "fromisoformat", known)  # of dates; a UUID or a Decimal is made of its text
        return make(str(value)) if callable(make) else value
    kind = enum_of(names, scope)
    if kind is not None and not isinstance(value, kind):
        by_spelling = {str(member.value).lower(): member for member in kind}
        by_spelling |= {member.name.lower(): member for member in kind}
        return by_spelling.get(str(value).lower(), value)
    return value


def enum_of(names: list[str], scope: Mapping[str, Any]) -> type[enum.Enum] | None:
    for name in names:
        kind = scope.get(name)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return kind
    return None


def is_file(name: str, names: list[str]) -> bool:
    words = {word for text in (name, *names) for word in snake_case(text).split("_")}
    return bool(words & {"file", "filename", "filepath", "path"})


def is_base64(name: str) -> bool:
    return bool({"base64", "b64"} & set(snake_case(name).split("_")))


def _read_file(path: str, folders: Collection[str]) -> bytes | None:
    """Return what is in the file at *path*; None where there is none. Raises ActionFailedError outside *folders*.

    Whoever fills in an argument may be a model that was talked into it: it must not choose among a person's files.
    """
    if "\0" in path or not os.path.isfile(path):  # noqa: PTH113 # pathlib is slow to import
        return None
    real_path = os.path.realpath(path)
    if not any(_is_inside(real_path, os.path.realpath(folder)) for folder in folders):
        raise ActionFailedError(f"{path} is not read: it is in no folder that this plugin has or was told of")
    with open(real_path, "rb") as file:  # noqa: PTH123
        return file.read()


def _is_inside(path: str, folder: str) -> bool:
    return folder != os.path.dirname(folder) and os.path.commonpath([path, folder]) == folder  # noqa: PTH120


def _bytes_of(text: str, *, base64_only: bool) -> bytes:
    """Return *text* as bytes; decoded where it, or its parameter's name, says that it is base64."""
    head, comma, data = text.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        encoded = data
    elif base64_only or text.startswith(BASE64_PREFIX):
        encoded = text.removeprefix(BASE64_PREFIX)
    else:
        return text.encode()
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ActionFailedError("its data is not base64, as it says") from None
