"""What kind of component something is, by its shape: an action, a provider, an evaluator, a service, or none."""

from __future__ import annotations

import inspect
import re
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ACTION_METHODS = ("handler", "execute", "handle", "run", "__call__")
_ACTION_METHODS_OF_CLASSES = _ACTION_METHODS[:-1]
_PROVIDER_METHODS = ("get", "get_context", "provide", "get_documents", "handler")
_ACTION_NAME = re.compile(r"(^|_)action(_|$)", re.IGNORECASE)
_PROVIDER_NAME = re.compile(r"(^|_)provider(_|$)", re.IGNORECASE)


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
