"""What kind of component something is, by its shape: an action, a provider, an evaluator, a service, or none.

What only describes a component is completed with the function beside it that does what it says.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ACTION_METHODS = ("handler", "execute", "handle", "run", "__call__")
_ACTION_METHODS_OF_CLASSES = _ACTION_METHODS[:-1]
_PROVIDER_METHODS = ("get", "get_context", "provide", "get_documents", "handler")
_ACTION_NAME = re.compile(r"(^|_)action(_|$)", re.IGNORECASE)
_PROVIDER_NAME = re.compile(r"(^|_)provider(_|$)", re.IGNORECASE)
_ACTION_FUNCTION = re.compile(r"^_?(handle|execute|run|perform)(_|$)|(_|^)handler$")
_PROVIDER_FUNCTION = re.compile(r"^_?(get|provide|build)_")
_FILLER_WORDS = {"action", "provider", "handle", "handler", "execute", "run", "perform", "get", "meta", "plugin"}


def name_of(value: Any) -> str:
    """Return a component's name, also of a class whose name is a property."""
    if isinstance(value, dict):
        return str(value.get("name"))
    return str(attribute_of(value, "name", getattr(value, "__name__", "")))


def attribute_of(value: Any, name: str, default: Any = None) -> Any:
    """Return an item of a component or an attribute, read without making an instance of a class."""
    if isinstance(value, dict):
        return value.get(name, default)
    found = getattr(value, name, default)
    try:
        if isinstance(found, property) or (isinstance(value, type) and inspect.isfunction(found)):
            getter: Any = found.fget if isinstance(found, property) else found
            found = getter(object.__new__(value)) if getter else default
        elif inspect.ismethod(found):
            found = found()
    except Exception:  # it needs more than an empty instance
        return default
    return default if found is None or inspect.isroutine(found) or inspect.iscoroutine(found) else found


def action_method(value: Any) -> str | None:
    """Return the name of the method that runs an action or evaluator, or None."""
    return _callable_member(value, _ACTION_METHODS_OF_CLASSES if isinstance(value, type) else _ACTION_METHODS)


def provider_method(value: Any) -> str | None:
    """Return the name of the method that gives a provider's text, or None."""
    return _callable_member(value, _PROVIDER_METHODS)


def _callable_member(value: Any, names: Iterable[str]) -> str | None:
    return next((name for name in names if callable(field(value, name))), None)


def kind_of(value: Any, package: str) -> str | None:
    """Return which kind of component *value* is, or None."""
    if isinstance(value, dict):
        if not isinstance(value.get("name"), str):
            return None
        if callable(value.get("get")):
            return "provider"
        if _callable_member(value, _ACTION_METHODS_OF_CLASSES) is None:
            return None
        return "evaluator" if "alwaysRun" in value else "action"
    if isinstance(value, type):
        return _kind_of_class(value, package)
    if callable(value) or isinstance(value, (str, int, float, list, tuple, set)) or value is None:
        return None
    if not isinstance(attribute_of(value, "name"), str):
        return None
    return _kind_by_shape(value, type(value).__name__)


def _kind_of_class(value: type, package: str) -> str | None:
    if not value.__module__.startswith(package) or inspect.isabstract(value) or getattr(value, "_is_protocol", False):
        return None
    if value.__name__.endswith("Service") and value.__name__ not in ("Service", "BaseService"):
        return "service"
    if not isinstance(attribute_of(value, "name"), str):
        return None
    return _kind_by_shape(value, value.__name__)


def _kind_by_shape(value: Any, class_name: str) -> str | None:
    if class_name.endswith("TaskWorker"):
        return None  # it looks like an action, and is known once the plugin has registered it
    runs = _callable_member(value, _ACTION_METHODS_OF_CLASSES) is not None
    if class_name.endswith("Evaluator") and runs:
        return "evaluator"
    if class_name.endswith("Provider") and provider_method(value):
        return "provider"
    if runs and (class_name.endswith("Action") or hasattr(value, "validate") or hasattr(value, "similes")):
        return "action"
    if callable(getattr(value, "get", None)) and not isinstance(value, dict) and hasattr(value, "description"):
        return "provider"
    return None


def is_startable(service: type, listed: bool) -> bool:
    """Whether a service is meant to run by itself; where a plugin object says what it has, only one with a name."""
    named = any(isinstance(inspect.getattr_static(service, key, None), str) for key in ("service_type", "service_name"))
    return named or (not listed and callable(getattr(service, "start", None)))


def kind_described(name: str, value: Any) -> str | None:
    """Return ``action`` or ``provider`` where *value*, held as *name*, only describes one, else None."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, str, int, float, list, tuple)):
        return None
    if not all(isinstance(field(value, key), str) for key in ("name", "description")):
        return None
    if _ACTION_NAME.search(name) or "similes" in (value if isinstance(value, dict) else dir(value)):
        return "action"
    return "provider" if _PROVIDER_NAME.search(name) else None


def field(value: Any, name: str) -> Any:
    """Return an item of a description or an attribute as it is; see :func:`attribute_of`."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


# Descriptions and their functions


def completed(kind: str, descriptions: list[Any], package: str) -> dict[int, dict[str, Any]]:
    """Return those of *descriptions* that have a function, as whole components, by their index.

    The function is in the module that holds the description: one whose name has the same words, or else one whose name
    has more words, or else the only one there where only one thing is described. No function implements two components.
    """
    pattern, key = (_ACTION_FUNCTION, "handler") if kind == "action" else (_PROVIDER_FUNCTION, "get")
    whole: dict[int, dict[str, Any]] = {}
    used: dict[Any, str] = {}
    for match in (_with_same_words, _with_more_words, _only_one):
        for index, description in enumerate(descriptions):
            name = str(field(description, "name"))
            for module, variable in _homes(description, package) if index not in whole else ():
                wordings = [_words(variable), _words(name), _words(name) - _words(package)]
                functions = [
                    (function_name, function)
                    for function_name, function in _own_functions(module, pattern)
                    if used.get(function, name) == name
                ]
                is_alone = _count_described(module, kind, descriptions) == 1
                function = match(functions, [words for words in wordings if words], is_alone)
                if function is not None:
                    used[function] = name
                    facts = {
                        part: field(description, part) for part in ("name", "description", "similes", "parameters")
                    }
                    whole[index] = {**facts, key: function}
                    break
    return whole


def _own_functions(module: types.ModuleType, pattern: re.Pattern[str]) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and pattern.search(name)
    ]


def _with_same_words(functions: list[tuple[str, Any]], wordings: list[set[str]], _: bool) -> Any:
    return next((function for name, function in functions if _words(name) in wordings), None)


def _with_more_words(functions: list[tuple[str, Any]], wordings: list[set[str]], _: bool) -> Any:
    """Return the function whose name has all words of a wording and the fewest besides; None where two do."""
    extra: dict[Any, int] = {}
    for name, function in functions:
        counts = [len(_words(name) - words) for words in wordings if words <= _words(name)]
        if counts:
            extra[function] = min(counts)
    closest = [function for function, count in extra.items() if count == min(extra.values())]
    return closest[0] if len(closest) == 1 else None


def _only_one(functions: list[tuple[str, Any]], _: list[set[str]], is_alone: bool) -> Any:
    return functions[0][1] if is_alone and len({id(function) for _, function in functions}) == 1 else None


def _count_described(module: types.ModuleType, kind: str, descriptions: list[Any]) -> int:
    """Return how many components of *kind* a module describes, by themselves or in a list."""
    names: set[str] = set()
    for name, value in list(vars(module).items()):
        held = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        for item in (value, *held):
            if any(item is description for description in descriptions) or kind_described(name, item) == kind:
                names.add(str(field(item, "name")))
    return len(names)


def _homes(value: Any, package: str) -> Iterator[tuple[types.ModuleType, str]]:
    """Yield the package's modules that hold *value*, and as what: the deepest first, which is where it is written."""
    inside = [module for name, module in sys.modules.items() if name == package or name.startswith(f"{package}.")]
    for module in sorted(inside, key=lambda module: -module.__name__.count(".")):
        for name, held in list(vars(module).items()):
            if held is value:
                yield module, name


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)} - _FILLER_WORDS
