"""Components that are no objects of their own: bare functions, and descriptions whose function stands beside them."""

from __future__ import annotations

import inspect
import re
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS = re.compile(r"^_?(handle|execute|run|perform)(_|$)|(_|^)handler$")
_GETS = re.compile(r"^_?(get|provide|build)_")
_IS_ACTION = re.compile(r"(^|_)action(_|$)", re.IGNORECASE)
_IS_PROVIDER = re.compile(r"(^|_)provider(_|$)", re.IGNORECASE)
_NOTHING_SAID = {"action", "provider", "handle", "handler", "execute", "run", "perform", "get", "meta", "plugin"}


def components(value: Any, part: str) -> list[Any]:
    """Return a plugin's *part* as a list: of a dictionary its values, and functions as what they stand for."""
    if isinstance(value, dict):
        return [of_function(str(key), each, part) for key, each in value.items() if each is not None]
    return [of_function(getattr(each, "__name__", ""), each, part) for each in value or () if each is not None]


def of_function(name: str, value: Any, part: str) -> Any:
    """Return a bare function as an action or provider called *name*; anything else as it is."""
    if part not in ("actions", "providers") or not isinstance(value, (types.FunctionType, types.MethodType)):
        return value
    told = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
    return {"name": name, "description": told, "get" if part == "providers" else "handler": value}


def described(name: str, value: Any) -> str | None:
    """Return ``action`` or ``provider`` where *value*, held as *name*, only describes one, else None."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, str, int, float, list, tuple)):
        return None
    if not all(isinstance(_field(value, key), str) for key in ("name", "description")):
        return None
    if _IS_ACTION.search(name) or "similes" in (value if isinstance(value, dict) else dir(value)):
        return "action"
    return "provider" if _IS_PROVIDER.search(name) else None


def completed(kind: str, values: list[Any], package: str) -> dict[int, dict[str, Any]]:
    """Return those of the descriptions *values* that have a function that does it, whole, by their places.

    That is a function in the module that holds the description: one whose name says the same, or else one whose name
    says more, or else the only one there where only one thing is described. None does two things.
    """
    pattern, key = (_RUNS, "handler") if kind == "action" else (_GETS, "get")
    whole: dict[int, dict[str, Any]] = {}
    used: dict[Any, str] = {}
    for alike in (_same, _more, _alone):
        for place, value in enumerate(values):
            name = str(_field(value, "name"))
            for module, holder in _homes(value, package) if place not in whole else ():
                said = [_words(holder), _words(name), _words(name) - _words(package)]
                free = [
                    (called, each)
                    for called, each in vars(module).items()
                    if inspect.isfunction(each)
                    and each.__module__ == module.__name__
                    and pattern.search(called)
                    and used.get(each, name) == name
                ]
                found = alike(free, [each for each in said if each], _described_in(module, kind, values) == 1)
                if found is not None:
                    used[found] = name
                    kept = {each: _field(value, each) for each in ("name", "description", "similes", "parameters")}
                    whole[place] = {**kept, key: found}
                    break
    return whole


def _same(functions: list[tuple[str, Any]], said: list[set[str]], _: bool) -> Any:
    return next((each for called, each in functions if _words(called) in said), None)


def _more(functions: list[tuple[str, Any]], said: list[set[str]], _: bool) -> Any:
    """Return the function whose name says all that is *said* and the least besides; None where two do."""
    extra: dict[Any, int] = {}
    for called, each in functions:
        more = [len(_words(called) - words) for words in said if words <= _words(called)]
        if more:
            extra[each] = min(more)
    closest = [each for each, more in extra.items() if more == min(extra.values())]
    return closest[0] if len(closest) == 1 else None


def _alone(functions: list[tuple[str, Any]], _: list[set[str]], alone: bool) -> Any:
    return functions[0][1] if alone and len({id(each) for _, each in functions}) == 1 else None


def _described_in(module: types.ModuleType, kind: str, values: list[Any]) -> int:
    """Return how many components of *kind* a module describes, by themselves or in a list."""
    held: dict[int, Any] = {}
    for name, each in list(vars(module).items()):
        several = each.values() if isinstance(each, dict) else each if isinstance(each, (list, tuple)) else ()
        for one in (each, *several):
            if any(one is value for value in values) or described(name, one) == kind:
                held[id(one)] = one
    return len({str(_field(each, "name")) for each in held.values()})


def wants_functions(method: Any) -> bool:
    """Whether a method cannot do without a function: it is for programs, such as ``on_message(handler)``."""
    needed = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
    return any("Callable" in str(each.annotation) or each.name in ("handler", "callback") for each in needed)


def _homes(value: Any, package: str) -> Iterator[tuple[types.ModuleType, str]]:
    """Yield the package's modules that hold *value*, and as what: the deepest first, which is where it is written."""
    inside = [each for name, each in sys.modules.items() if name == package or name.startswith(f"{package}.")]
    for module in sorted(inside, key=lambda each: -each.__name__.count(".")):
        for name, each in list(vars(module).items()):
            if each is value:
                yield module, name


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)} - _NOTHING_SAID
