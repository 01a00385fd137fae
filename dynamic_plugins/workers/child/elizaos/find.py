"""Finding what an elizaOS package offers, in whichever of its forms it does.

Packages offer a ``Plugin`` object, an object or a dictionary that looks like one, a factory of one, or just component
classes, objects and dictionaries lying about in the package and its usual submodules. All of them are taken together,
because some have both.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

from .forms import completed, components, described, wants_functions

_SUBMODULES = ("plugin", "actions", "providers", "evaluators", "services", "service", "index", "main")
_PLUGIN_FACTORY = re.compile(r"^(get|create|make|build)_(\w+_)?plugin$|^(get|create)Plugin$")
_LIST_FACTORY = re.compile(r"^get_(\w+_)?(actions|providers|evaluators)$")
_CLIENT = re.compile(r"(Client|Service|Plugin|Api|API)$")
_LIFE = {"start", "stop", "close", "aclose", "init", "initialize", "connect", "disconnect", "shutdown", "cleanup"}
_PARTS = ("actions", "providers", "services", "evaluators", "models")
_RUNS = ("handler", "execute", "handle", "run", "__call__")
_GETS = ("get", "get_context", "provide", "get_documents", "handler")


class Found:
    """Plugin objects and loose components of one package, in the order in which they were met."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.plugins: list[Any] = []
        self.actions: list[Any] = []
        self.providers: list[Any] = []
        self.evaluators: list[Any] = []
        self.services: list[Any] = []
        """Those that a plugin lists; and, where no plugin does, those that can be started."""
        self.helpers: list[Any] = []
        """Service classes that handlers may ask for."""
        self.models: dict[str, Any] = {}
        self.classes: dict[str, type] = {}
        """The package's own classes, which handlers may ask for too."""
        self.factories: dict[str, Any] = {}
        """Functions that need nothing, by the name of the class that they say they give."""
        self.names: list[str] = []
        """Public names that are nothing of the above, for saying what there is instead."""
        self.errors: list[BaseException] = []
        self.only_said = False
        """Whether some actions are descriptions: the functions beside them often leave the work to a service."""
        self._seen: set[int] = set()

    def clients(self) -> list[type]:
        """Return the classes whose methods are what the package is for."""
        return [
            kind
            for name, kind in self.classes.items()
            if _CLIENT.search(name) and not inspect.isabstract(kind) and not issubclass(kind, (BaseException, dict))
        ]

    def methods(self, kind: type) -> list[tuple[str, Any]]:
        """Return the public methods of a client class that do something."""
        return [
            (name, member)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
            and name not in _LIFE
            and member.__module__.startswith(self.package)
            and not isinstance(inspect.getattr_static(kind, name), (classmethod, staticmethod))
            and not wants_functions(member)
        ]

    def add_plugin(self, plugin: Any) -> None:
        """Take a plugin object or dictionary with all it lists."""
        if id(plugin) in self._seen:
            return
        self._seen.add(id(plugin))
        if any(type(each) is type(plugin) and name_of(each) == name_of(plugin) for each in self.plugins):
            return  # a factory's second copy of it, with handlers that nobody would prepare
        self.plugins.append(plugin)
        for part, target in (("actions", self.actions), ("providers", self.providers), ("evaluators", self.evaluators)):
            target.extend(components(part_of(plugin, part), part))
        self.services.extend(components(part_of(plugin, "services"), "services"))
        models = part_of(plugin, "models")
        if isinstance(models, dict):
            self.models.update(models)

    def complete(self) -> None:
        """Give what only describes a component the function that does it."""
        for kind, many, runs in (
            ("action", self.actions, action_runner),
            ("provider", self.providers, provider_getter),
        ):
            bare = [place for place, each in enumerate(many) if runs(each) is None]
            for place, whole in completed(kind, [many[each] for each in bare], self.package).items():
                many[bare[place]] = whole
                self.only_said = True

    def add_loose(self, name: str, value: Any) -> None:
        """Take *value*, found under *name* in a module, if it is a component."""
        if id(value) in self._seen or isinstance(value, types.ModuleType):
            return
        self._seen.add(id(value))
        kind = kind_of(value, self.package)
        if isinstance(value, type) and value.__module__.startswith(self.package):
            self.classes[value.__name__] = value
        if kind == "service":
            self.helpers.append(value)
        elif kind is not None or (kind := described(name, value)) is not None:
            getattr(self, f"{kind}s").append(value)
        elif isinstance(value, (list, tuple)):
            for each in value:
                self.add_loose(name, each)
        elif isinstance(value, (type, types.FunctionType)) and value.__module__.startswith(self.package):
            self.names.append(name)
            if not isinstance(value, type) and not _needs(value) and (given := value.__annotations__.get("return")):
                self.factories[given if isinstance(given, str) else getattr(given, "__name__", "")] = value


def find(module: types.ModuleType, attribute: str | None = None) -> Found:
    """Return what *module* offers; *attribute* names its plugin where an entry point does."""
    found = Found(module.__name__)
    modules = [module, *_submodules(module, found)]
    if attribute:
        found.add_plugin(getattr(module, attribute))
    for each in modules:
        for value in list(vars(each).values()):
            if is_plugin(value):
                found.add_plugin(value)
    for each in modules:
        for name, value in list(vars(each).items()):
            if not name.startswith("_") and inspect.isfunction(value) and value.__module__.startswith(found.package):
                _call_factory(name, value, found)
    for each in modules:
        for name, value in list(vars(each).items()):
            if not name.startswith("_"):
                found.add_loose(name, value)
    found.complete()
    if not found.services:
        # Nobody says which of them live; those that a runtime is asked for by name do, and those that can be started.
        found.services += [each for each in found.helpers if _lives(each, bool(found.plugins))]
    return found


def is_plugin(value: Any) -> bool:
    """Whether *value* is a plugin object or dictionary: named, and with lists of components."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, str, list, tuple)) or value is None:
        return False
    if isinstance(value, dict):
        return isinstance(value.get("name"), str) and any(part in value for part in _PARTS)
    if not isinstance(getattr(value, "name", None), str) or kind_of(value, "") is not None:
        return False
    return any(hasattr(value, part) or callable(getattr(value, f"get_{part}", None)) for part in _PARTS)


def part_of(plugin: Any, part: str) -> Any:
    """Return a plugin's *part* (``actions``, …): an item, an attribute, or what ``get_actions()`` gives."""
    value = plugin.get(part) if isinstance(plugin, dict) else getattr(plugin, part, None)
    if value is None and callable(getter := getattr(plugin, f"get_{part}", None)):
        value = getter
    if callable(value) and not isinstance(value, type):
        value = value()
    return value


def kind_of(value: Any, package: str) -> str | None:
    """Return which kind of component *value* is, or None."""
    if isinstance(value, dict):
        if not isinstance(value.get("name"), str):
            return None
        if callable(value.get("get")):
            return "provider"
        return ("evaluator" if "alwaysRun" in value else "action") if _runner(value) else None
    if isinstance(value, type):
        return _kind_of_class(value, package)
    if callable(value) or isinstance(value, (str, int, float, list, tuple, set)) or value is None:
        return None
    if not isinstance(attribute_of(value, "name"), str):
        return None
    return _kind_by_shape(value, type(value).__name__)


def name_of(value: Any) -> str:
    """Return a component's name, also of a class whose name is a property."""
    if isinstance(value, dict):
        return str(value.get("name"))
    return str(attribute_of(value, "name", getattr(value, "__name__", "")))


def attribute_of(value: Any, name: str, default: Any = None) -> Any:
    """Return what a component says of itself, read without making an instance of a class."""
    if isinstance(value, dict):
        return value.get(name, default)
    found = getattr(value, name, default)
    try:
        if isinstance(found, property) or (isinstance(value, type) and inspect.isfunction(found)):
            ask: Any = found.fget if isinstance(found, property) else found
            found = ask(object.__new__(value)) if ask else default
        elif inspect.ismethod(found):
            found = found()
    except Exception:  # it needs more than an empty instance
        return default
    return default if found is None or inspect.isroutine(found) or inspect.iscoroutine(found) else found


def runner_of(value: Any, names: Iterable[str]) -> str | None:
    """Return which of *names* can be called on a component."""
    for name in names:
        if callable(value.get(name) if isinstance(value, dict) else getattr(value, name, None)):
            return name
    return None


def action_runner(value: Any) -> str | None:
    return runner_of(value, _RUNS if not isinstance(value, type) else _RUNS[:-1])


def provider_getter(value: Any) -> str | None:
    return runner_of(value, _GETS)


def _runner(value: Any) -> str | None:
    return runner_of(value, _RUNS[:-1])


def _kind_of_class(value: type, package: str) -> str | None:
    if not value.__module__.startswith(package) or inspect.isabstract(value) or getattr(value, "_is_protocol", False):
        return None
    if value.__name__.endswith("Service") and value.__name__ not in ("Service", "BaseService"):
        return "service"
    if not isinstance(attribute_of(value, "name"), str):
        return None
    return _kind_by_shape(value, value.__name__)


def _kind_by_shape(value: Any, class_name: str) -> str | None:
    if class_name.endswith("Evaluator") and _runner(value):
        return "evaluator"
    if class_name.endswith("Provider") and provider_getter(value):
        return "provider"
    if _runner(value) and (class_name.endswith("Action") or hasattr(value, "validate") or hasattr(value, "similes")):
        return "action"
    if callable(getattr(value, "get", None)) and not isinstance(value, dict) and hasattr(value, "description"):
        return "provider"
    return None


def _submodules(module: types.ModuleType, found: Found) -> Iterator[types.ModuleType]:
    for name in _SUBMODULES if hasattr(module, "__path__") else ():
        if (each := _imported(f"{module.__name__}.{name}", found)) is not None:
            yield each
            # Not every module of actions is named by the package that holds it.
            for inner in pkgutil.iter_modules(getattr(each, "__path__", ())) if name in _PARTS else ():
                if (deeper := _imported(f"{each.__name__}.{inner.name}", found)) is not None:
                    yield deeper


def _imported(name: str, found: Found) -> types.ModuleType | None:
    try:
        return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
    except Exception as error:  # told if nothing else is found
        found.errors.append(error)
        return None


def _call_factory(name: str, function: Any, found: Found) -> None:
    whole, part = _PLUGIN_FACTORY.match(name), _LIST_FACTORY.match(name)
    if not whole and not part:
        return
    if _needs(function) or inspect.iscoroutinefunction(function):
        return
    try:
        value = function()
    except Exception as error:  # told if nothing else is found
        found.errors.append(error)
        return
    if whole and is_plugin(value):
        found.add_plugin(value)
    elif part and isinstance(value, (list, tuple)):
        for each in value:
            found.add_loose(name, each)


def _lives(service: type, listed: bool) -> bool:
    named = any(isinstance(inspect.getattr_static(service, key, None), str) for key in ("service_type", "service_name"))
    return named or (not listed and callable(getattr(service, "start", None)))


def _needs(function: Any) -> bool:
    return any(each.default is each.empty for each in inspect.signature(function).parameters.values())
