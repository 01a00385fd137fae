"""What an elizaOS action can be told.

No action declares parameters. They are read from its code: the keys that it takes from its options, and the fields of
the answers that it asks a language model for. Of these none is required; a function's own parameters are, where they
have no default and the conversation does not tell them. Nothing else is forbidden.
"""

from __future__ import annotations

import dis
import functools
import inspect
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from .binding import is_context, role_of, takes_ids, type_names
from .model import fields_asked_for
from .values import JSON_TYPES, is_id, is_value, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOLDER = (
    r"\b_?(?:options|params|parameters|opts|args|arguments|input_data|parsed|options_dict|state|content"
    r"|(?:context|ctx)(?:\.data)?)"
)
_TAKEN = re.compile(
    rf"""{_HOLDER}\s*\.get\(\s*["'](?P<got>\w+)["']|{_HOLDER}\[["'](?P<item>\w+)["']\]"""
    rf"""|["'](?P<sought>\w+)["']\s+in\s+(?:\w+\.)?{_HOLDER}\b"""
)
_NOT_TOLD = {
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
_TOLD_ANYWAY = {"content", "id", "message", "type"}
_HANDED = ("service", "client", "message_text")
_DEEPEST = 4
_MOST = 20

TEXT = {
    "type": "string",
    "description": "The request in plain words, as a person would say it. Used where the other parameters do not fit.",
}


def parameters_of(
    handler: Any, package: str, declared: Any = None, classes: dict[str, type] | None = None
) -> dict[str, Any]:
    """Return a JSON Schema for *handler*'s arguments; *declared* are its own, where it has any.

    *classes* are the package's by name, for annotations that only a type checker can look up.
    """
    properties: dict[str, Any] = {"text": dict(TEXT)}
    properties.update(_declared(declared))
    try:
        for function in _functions(handler, package, 0, set()):
            for name, schema in [*_taken(function), *_asked(function, package)]:
                if len(properties) < _MOST:
                    properties.setdefault(name, schema)
    except (OSError, SyntaxError, RecursionError):
        pass  # no source: the plain words are left
    required: list[str] = []
    for name, own, needed in _own(handler, package, classes or {}):
        properties.setdefault(name, own)
        required += [name] if needed and name not in required else []
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": True,
    }


def _declared(declared: Any) -> dict[str, Any]:
    """Read parameters as elizaOS declares them: a list of ``{name, description, schema}``."""
    found: dict[str, Any] = {}
    if isinstance(declared, dict):
        properties = declared.get("properties", declared)
        return {name: each for name, each in properties.items() if isinstance(each, dict)}
    for each in declared or () if isinstance(declared, (list, tuple)) else ():
        name = each.get("name") if isinstance(each, dict) else getattr(each, "name", None)
        if isinstance(name, str):
            schema = each.get("schema") if isinstance(each, dict) else getattr(each, "schema", None)
            kind = schema.get("type") if isinstance(schema, dict) else getattr(schema, "type", None)
            described = each.get("description") if isinstance(each, dict) else getattr(each, "description", "")
            found[name] = {
                "type": kind if kind in JSON_TYPES.values() else "string",
                "description": str(described or ""),
            }
    return found


def _own(handler: Any, package: str, classes: dict[str, type]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the parameters that stand for arguments themselves, ``search(query, limit=10)``, and whether they must be.

    One of a class of the package's own stands for the fields of that class.
    """
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return
    scope = {**classes, **getattr(inspect.unwrap(getattr(handler, "__func__", handler)), "__globals__", {})}
    told = takes_ids(handler)
    for each in parameters:
        names = type_names(each)
        if each.kind not in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY) or each.name in ("self", "cls"):
            continue
        needed = each.default is each.empty
        made = next((kind for name in names if (kind := _class_of(name, scope, package)) is not None), None)
        if made is not None:
            for name, schema, must in _fields(made, told or is_context(each)):
                yield name, schema, must and needed
        elif (
            (role_of(each.name) is None or (is_value(names) and role_of(each.name) != "message"))
            and not each.name.startswith("_")
            and not each.name.endswith(_HANDED)
            and (said := schema_of(names, scope, each.name)) is not None
        ):
            yield each.name, said, needed and not (told and is_id(each.name))


def _class_of(name: str, scope: dict[str, Any], package: str) -> type | None:
    found = scope.get(name)
    ours = isinstance(found, type) and found.__module__.startswith(package)
    return found if ours and (hasattr(found, "__dataclass_fields__") or hasattr(found, "model_fields")) else None


def _fields(kind: type, told: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
    names = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", {})
    signature = inspect.signature(kind).parameters
    scope = vars(sys.modules[kind.__module__])
    for name in names:
        if name.endswith(_HANDED) or role_of(name) or (told and is_id(name)):
            continue
        # A pydantic model is made by its fields' aliases, which may be what its signature names.
        parameter = signature.get(name)
        schema = (schema_of(type_names(parameter), scope, name) if parameter is not None else None) or {}
        described = str(getattr(names[name], "description", None) or "")
        needed = parameter is not None and parameter.default is parameter.empty
        if name == "timestamp" and not needed:
            continue
        yield name, {**schema, **({"description": described} if described else {})}, needed


def _functions(handler: Any, package: str, depth: int, seen: set[int]) -> Iterator[types.FunctionType]:
    """Yield *handler* and the functions of its package that it calls."""
    function = inspect.unwrap(getattr(handler, "__func__", handler))
    if isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, types.FunctionType) or id(function) in seen or depth > _DEEPEST:
        return
    if not (function.__module__ or "").startswith(package):
        return
    seen.add(id(function))
    yield function
    names = [*function.__code__.co_names, *_nested_names(function.__code__)]
    near = [function.__globals__.get(name) for name in names]
    near += [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    if (owner := _owner(handler, function)) is not None:
        near += [inspect.getattr_static(owner, name, None) for name in names]
    for each in near:
        if isinstance(each, type):
            for method in ("handler", "execute"):
                yield from _functions(getattr(each, method, None), package, depth + 1, seen)
        else:
            yield from _functions(each, package, depth + 1, seen)


def _owner(handler: Any, function: types.FunctionType) -> type | None:
    """Return the class that a method is of: also of one that is taken from its class, which has no instance."""
    if (instance := getattr(handler, "__self__", None)) is not None:
        return instance if isinstance(instance, type) else type(instance)
    found: Any = function.__globals__.get(function.__qualname__.rpartition(".")[0])
    return found if isinstance(found, type) else None


def _nested_names(code: types.CodeType) -> list[str]:
    return [name for each in code.co_consts if isinstance(each, types.CodeType) for name in each.co_names]


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _taken(function: types.FunctionType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keys that *function* takes from its options: ``options.get("limit")``, ``params["url"]``."""
    for match in _TAKEN.finditer(_source(function)):
        key = match["got"] or match["item"] or match["sought"]
        if key not in _NOT_TOLD or key in _TOLD_ANYWAY:
            yield key, {}


def _source(function: types.FunctionType) -> str:
    """Return the lines of one function. Parsing them would take longer than importing most plugins."""
    code = function.__code__
    lines = _lines(code.co_filename)
    return "".join(lines[code.co_firstlineno - 1 : _last_line(code)])


def _last_line(code: types.CodeType) -> int:
    inner = [_last_line(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return max([code.co_firstlineno, *inner, *(line for _, line in dis.findlinestarts(code) if line)])


@functools.cache
def _lines(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="replace") as source:  # noqa: PTH123 # pathlib is slow to import
        return source.readlines()


def _asked(function: types.FunctionType, package: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fields of the answers that *function*'s prompts ask for."""
    for prompt in _prompts(function, package):
        form, names = fields_asked_for(prompt)
        for name in names:
            if name in _NOT_TOLD - _TOLD_ANYWAY:
                continue
            described = _description(prompt, name)
            schema: dict[str, Any] = {"type": "string"} if form == "xml" else {}
            yield name, {**schema, **({"description": described} if described else {})}


def _prompts(function: types.FunctionType, package: str) -> Iterator[str]:
    code = function.__code__
    constants = [each for each in code.co_consts if isinstance(each, str)]
    named = [function.__globals__.get(name) for name in code.co_names]
    for text in [*constants, *(each for each in named if isinstance(each, str))]:
        if ("<response>" in text or "json" in text.lower()) and len(text) > 60:
            yield text
    # Prompts that a module builds by functions of its own.
    prompts = sys.modules.get(f"{package}.prompts")
    if prompts is not None:
        builders = {name for name in code.co_names if name.startswith("build_")}
        for name in builders:
            template = getattr(prompts, name[len("build_") :].replace("_prompt", "_template").upper(), None)
            if isinstance(template, str):
                yield template


def _description(prompt: str, name: str) -> str:
    spellings = (
        rf"^\s*[-*]\s*{re.escape(name)}\s*:\s*(.+)$",
        rf'"{re.escape(name)}"\s*:\s*"([^"]+)"',
        rf"<{re.escape(name)}>([^<]+)</{re.escape(name)}>",
    )
    for spelling in spellings:
        if match := re.search(spelling, prompt, re.MULTILINE):
            return match.group(1).strip()[:200]
    return ""
