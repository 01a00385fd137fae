"""The JSON Schema of an elizaOS action's arguments, read from its code.

No action declares parameters. They are the keys that its code takes from its options, and the fields of the answers
that it asks a language model for. None of these is required; a function's own parameters are, where they have no
default and the conversation does not have them. Additional properties are allowed.
"""

from __future__ import annotations

import dis
import functools
import inspect
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from .dependency_injection import (
    BASE64_PREFIX,
    BYTES,
    FORMATS,
    JSON_TYPES,
    annotation_scope,
    enum_of,
    is_base64,
    is_conversation_context,
    is_conversation_id,
    is_file,
    is_required,
    is_scalar_type,
    role_of,
    signature_of,
    takes_conversation,
    type_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOLDER = (
    r"\b_?(?:options|params|parameters|opts|args|arguments|input_data|parsed|options_dict|state|content"
    r"|(?:context|ctx)(?:\.data)?)"
)
_KEY_READ = re.compile(
    rf"""{_HOLDER}\s*\.get\(\s*["'](?P<got>\w+)["']|{_HOLDER}\[["'](?P<item>\w+)["']\]"""
    rf"""|["'](?P<tested>\w+)["']\s+in\s+(?:\w+\.)?{_HOLDER}\b"""
)
_COMMON_KEYS = {
    "text",
    "source",
    "content",
    "message",
    "error",
    "success",
    "type",
    "id",
    "parameters",
    "thought",
    "actions",
    # What every state has.
    "values",
    "data",
    "agentName",
    "senderName",
    "recentMessages",
    "providers",
}
"""Keys of messages, results and states: most code that reads them does not mean an argument."""
_COMMON_KEYS_THAT_ARE_ARGUMENTS = {"content", "id", "message", "type"}
_INJECTED = ("service", "client", "message_text")
_MAX_CALL_DEPTH = 4
_MAX_PROPERTIES = 20
_MIN_PROMPT_LENGTH = 60

_TEXT_PROPERTY = {
    "type": "string",
    "description": "The request in plain words, as a person would say it. Used where the other parameters do not fit.",
}

_XML_RESPONSE = re.compile(r"<response>(.*?)</response>", re.DOTALL)
_XML_TAG = re.compile(r"<(\w+)>")
_JSON_KEY = re.compile(r'"(\w+)"\s*:')


def parameter_schema(
    handler: Any, package: str, declared: Any = None, classes: dict[str, type] | None = None
) -> dict[str, Any]:
    """Return a JSON Schema for *handler*'s arguments; *declared* are its own declarations, where it has any.

    *classes* are the package's by name, for annotations that only a type checker can look up.
    """
    properties: dict[str, Any] = {"text": dict(_TEXT_PROPERTY)}
    properties.update(_declared(declared))
    try:
        for function in _functions_called(handler, package, 0, set()):
            for name, schema in [*_keys_read(function), *_fields_requested(function, package)]:
                if len(properties) < _MAX_PROPERTIES:
                    properties.setdefault(name, schema)
    except (OSError, SyntaxError, RecursionError):
        pass  # no source: "text" is left
    required: list[str] = []
    for name, schema, is_needed in _own_parameters(handler, package, classes or {}):
        properties.setdefault(name, schema)
        required += [name] if is_needed and name not in required else []
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": True,
    }


def requested_fields(prompt: str) -> tuple[str, list[str]]:
    """Return how *prompt* wants its answer, ``xml``, ``json`` or ``text``, and the names of the fields it asks for."""
    examples = _XML_RESPONSE.findall(prompt)
    if examples:
        return "xml", list(dict.fromkeys(_XML_TAG.findall(examples[-1])))
    if "json" in prompt.lower() and (keys := _JSON_KEY.findall(prompt)):
        return "json", list(dict.fromkeys(keys))
    return "text", []


# Declarations and signatures


def _declared(declared: Any) -> dict[str, Any]:
    """Read parameters as elizaOS declares them: a list of ``{name, description, schema}``."""
    if isinstance(declared, dict):
        properties = declared.get("properties", declared)
        return {name: schema for name, schema in properties.items() if isinstance(schema, dict)}
    found: dict[str, Any] = {}
    for parameter in declared or () if isinstance(declared, (list, tuple)) else ():
        name = _field(parameter, "name")
        if isinstance(name, str):
            kind = _field(_field(parameter, "schema"), "type")
            found[name] = {
                "type": kind if kind in JSON_TYPES.values() else "string",
                "description": str(_field(parameter, "description") or ""),
            }
    return found


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _own_parameters(handler: Any, package: str, classes: dict[str, type]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the parameters that are arguments themselves, ``search(query, limit=10)``, and whether they are required.

    One of a data class of the package's own stands for the fields of that class.
    """
    scope = {**classes, **getattr(inspect.unwrap(getattr(handler, "__func__", handler)), "__globals__", {})}
    has_conversation = takes_conversation(handler)
    for parameter in signature_of(handler):
        names = type_names(parameter)
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            continue
        if parameter.name in ("self", "cls"):
            continue
        data_class = next((kind for name in names if (kind := _data_class(name, scope, package)) is not None), None)
        if data_class is not None:
            ids_known = has_conversation or is_conversation_context(parameter)
            for name, field_schema, is_needed in _data_class_fields(data_class, ids_known):
                yield name, field_schema, is_needed and is_required(parameter)
        elif _is_argument(parameter) and (schema := _json_schema_of(names, scope, parameter.name)) is not None:
            ids_known = has_conversation and is_conversation_id(parameter.name)
            yield parameter.name, schema, is_required(parameter) and not ids_known


def _is_argument(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is the caller's to give: neither the runtime's, nor a service, nor private."""
    role = role_of(parameter.name)
    if role is not None and (role == "message" or not is_scalar_type(type_names(parameter))):
        return False
    return not parameter.name.startswith("_") and not parameter.name.endswith(_INJECTED)


def _data_class(name: str, scope: dict[str, Any], package: str) -> type | None:
    found = scope.get(name)
    if not isinstance(found, type) or not found.__module__.startswith(package):
        return None
    return found if hasattr(found, "__dataclass_fields__") or hasattr(found, "model_fields") else None


def _data_class_fields(kind: type, ids_known: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
    fields = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", {})
    signature = inspect.signature(kind).parameters
    scope = annotation_scope(kind)
    for name in fields:
        if name.endswith(_INJECTED) or role_of(name) or (ids_known and is_conversation_id(name)):
            continue
        # A pydantic model is made by its fields' aliases, which may be what its signature names.
        parameter = signature.get(name)
        schema = (_json_schema_of(type_names(parameter), scope, name) if parameter is not None else None) or {}
        description = str(getattr(fields[name], "description", None) or "")
        is_needed = parameter is not None and is_required(parameter)
        if name == "timestamp" and not is_needed:
            continue
        yield name, {**schema, **({"description": description} if description else {})}, is_needed


def _json_schema_of(names: list[str], scope: Mapping[str, Any], name: str = "") -> dict[str, Any] | None:
    """Return the JSON Schema of parameter *name* whose annotation holds *names*; None where JSON has no such value."""
    if not names:
        return {}
    if names[0] in JSON_TYPES:
        return {"type": JSON_TYPES[names[0]]}
    if names[0] in BYTES:
        return {"type": "string", "description": _bytes_description(name, names)}
    if names[0] == "Literal":
        return {"type": "string", "enum": names[1:]}
    if names[0] in FORMATS:
        return {"type": "string", "format": FORMATS[names[0]]}
    members = enum_of(names, scope)
    if members is not None:
        return {"enum": [member.value for member in members]}
    alias = scope.get(names[0])
    if alias is None or isinstance(alias, type):
        return None
    # A name for Literal[…] or for a union of what JSON has.
    is_literal = str(getattr(alias, "__origin__", "")) == "typing.Literal"
    return {"enum": list(alias.__args__)} if is_literal else {}


def _bytes_description(name: str, names: list[str]) -> str:
    data = "the data in base64" if is_base64(name) else f"text as it is, or {BASE64_PREFIX} and the data in base64"
    text = f"the path of a file in the plugin's own folder, or {data}" if is_file(name, names) else data
    return f"{text[0].upper()}{text[1:]}."


# Code


def _functions_called(handler: Any, package: str, depth: int, seen: set[int]) -> Iterator[types.FunctionType]:
    """Yield *handler* and the functions of its package that it calls."""
    function = inspect.unwrap(getattr(handler, "__func__", handler))
    if isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, types.FunctionType) or id(function) in seen or depth > _MAX_CALL_DEPTH:
        return
    if not (function.__module__ or "").startswith(package):
        return
    seen.add(id(function))
    yield function
    for value in _values_used(handler, function):
        if isinstance(value, type):
            for method in ("handler", "execute"):
                yield from _functions_called(getattr(value, method, None), package, depth + 1, seen)
        else:
            yield from _functions_called(value, package, depth + 1, seen)


def _values_used(handler: Any, function: types.FunctionType) -> list[Any]:
    """Return what the names in a function's code stand for: globals, variables around it, members of its class."""
    names = [*function.__code__.co_names, *_nested_names(function.__code__)]
    values = [function.__globals__.get(name) for name in names]
    values += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    if (owner := _owner(handler, function)) is not None:
        values += [inspect.getattr_static(owner, name, None) for name in names]
    return values


def _owner(handler: Any, function: types.FunctionType) -> type | None:
    """Return the class that a method is of: also of one that is taken from its class, which has no instance."""
    if (instance := getattr(handler, "__self__", None)) is not None:
        return instance if isinstance(instance, type) else type(instance)
    found: Any = function.__globals__.get(function.__qualname__.rpartition(".")[0])
    return found if isinstance(found, type) else None


def _nested_names(code: types.CodeType) -> list[str]:
    return [name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in constant.co_names]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _keys_read(function: types.FunctionType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keys that *function* takes from its options: ``options.get("limit")``, ``params["url"]``."""
    for match in _KEY_READ.finditer(_source(function)):
        key = match["got"] or match["item"] or match["tested"]
        if key not in _COMMON_KEYS or key in _COMMON_KEYS_THAT_ARE_ARGUMENTS:
            yield key, {}


def _source(function: types.FunctionType) -> str:
    """Return the lines of one function. Parsing them would take longer than importing most plugins."""
    code = function.__code__
    lines = _lines_of(code.co_filename)
    return "".join(lines[code.co_firstlineno - 1 : _last_line(code)])


def _last_line(code: types.CodeType) -> int:
    nested = [_last_line(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return max([code.co_firstlineno, *nested, *(line for _, line in dis.findlinestarts(code) if line)])


@functools.cache
def _lines_of(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="replace") as source:  # noqa: PTH123 # pathlib is slow to import
        return source.readlines()


# Prompts


def _fields_requested(function: types.FunctionType, package: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fields of the answers that *function*'s prompts ask for."""
    for prompt in _prompts(function, package):
        form, names = requested_fields(prompt)
        for name in names:
            if name in _COMMON_KEYS - _COMMON_KEYS_THAT_ARE_ARGUMENTS:
                continue
            description = _field_description(prompt, name)
            schema: dict[str, Any] = {"type": "string"} if form == "xml" else {}
            yield name, {**schema, **({"description": description} if description else {})}


def _prompts(function: types.FunctionType, package: str) -> Iterator[str]:
    code = function.__code__
    texts = [constant for constant in code.co_consts if isinstance(constant, str)]
    named = [function.__globals__.get(name) for name in code.co_names]
    for text in [*texts, *(value for value in named if isinstance(value, str))]:
        if ("<response>" in text or "json" in text.lower()) and len(text) > _MIN_PROMPT_LENGTH:
            yield text
    # Prompts that a module builds by functions of its own.
    prompts = sys.modules.get(f"{package}.prompts")
    if prompts is not None:
        for name in {name for name in code.co_names if name.startswith("build_")}:
            template = getattr(prompts, name[len("build_") :].replace("_prompt", "_template").upper(), None)
            if isinstance(template, str):
                yield template


def _field_description(prompt: str, name: str) -> str:
    spellings = (
        rf"^\s*[-*]\s*{re.escape(name)}\s*:\s*(.+)$",
        rf'"{re.escape(name)}"\s*:\s*"([^"]+)"',
        rf"<{re.escape(name)}>([^<]+)</{re.escape(name)}>",
    )
    for spelling in spellings:
        if match := re.search(spelling, prompt, re.MULTILINE):
            return match.group(1).strip()[:200]
    return ""
