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


def completed(kind: str, value: Any, package: str) -> dict[str, Any] | None:
    """Return the description *value* with the function that does it, or None where its module has none.

    That is the function in the module that holds it whose name says the same, or the only one that it can be.
    """
    pattern, key = (_RUNS, "handler") if kind == "action" else (_GETS, "get")
    for module, holder in _homes(value, package):
        found = [
            (name, each)
            for name, each in vars(module).items()
            if inspect.isfunction(each) and each.__module__ == module.__name__ and pattern.search(name)
        ]
        said = _words(holder) | _words(str(_field(value, "name")))
        alike = max(found, key=lambda each: len(_words(each[0]) & said), default=None)
        if alike is not None and (len(found) == 1 or _words(alike[0]) & said):
            kept = {each: _field(value, each) for each in ("name", "description", "similes", "parameters")}
            return {**kept, key: alike[1]}
    return None


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
