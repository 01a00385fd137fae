"""Descriptions of components, and the functions beside them that do what they say."""

from __future__ import annotations

import inspect
import re
import sys
from typing import TYPE_CHECKING, Any

from .component_kinds import field, kind_described

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator

_ACTION_FUNCTION = re.compile(r"^_?(handle|execute|run|perform)(_|$)|(_|^)handler$")
_PROVIDER_FUNCTION = re.compile(r"^_?(get|provide|build)_")
_FILLER_WORDS = {"action", "provider", "handle", "handler", "execute", "run", "perform", "get", "meta", "plugin"}


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
