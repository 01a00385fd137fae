"""Finding the components of an elizaOS package, in whichever form it has them (``docs/elizaos.md`` lists the forms).

Packages have a ``Plugin`` object, an object or a dictionary that looks like one, a factory of one, or loose component
classes, objects, functions and dictionaries in the package and its usual submodules. All are taken together, because
some packages have several. A description whose function stands beside it is completed with that function.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import types
from typing import TYPE_CHECKING, Any

from .component_kinds import (
    action_method,
    completed,
    is_startable,
    kind_described,
    kind_of,
    name_of,
    provider_method,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUBMODULES = ("plugin", "actions", "providers", "evaluators", "services", "service", "index", "main")
_PARTS = ("actions", "providers", "services", "evaluators", "models")
_PLUGIN_FACTORY = re.compile(r"^(get|create|make|build)_(\w+_)?plugin$|^(get|create)Plugin$")
_LIST_FACTORY = re.compile(r"^get_(\w+_)?(actions|providers|evaluators)$")
_CLIENT_CLASS = re.compile(r"(Client|Service|Plugin|Api|API)$")
_LIFECYCLE_METHODS = {
    *("start", "stop", "close", "aclose", "init", "initialize"),
    *("connect", "disconnect", "shutdown", "cleanup"),
}


class PackageContents:
    """Plugin objects and loose components of one package, in the order in which they were found."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.plugins: list[Any] = []
        self.actions: list[Any] = []
        self.providers: list[Any] = []
        self.evaluators: list[Any] = []
        self.services: list[Any] = []
        """Those that a plugin lists; and, where no plugin does, those that can be started."""
        self.service_classes: list[Any] = []
        """Service classes that handlers may ask for."""
        self.models: dict[str, Any] = {}
        self.classes: dict[str, type] = {}
        """The package's own classes, which handlers may ask for too."""
        self.factories: dict[str, Any] = {}
        """Functions without required parameters, by the name of the class in their return annotation."""
        self.other_names: list[str] = []
        """Public names that are none of the above, for an error that says what the package has instead."""
        self.errors: list[BaseException] = []
        self.has_completed_descriptions = False
        """Whether some actions are descriptions: the functions beside them often leave the work to a service."""
        self._seen: set[int] = set()

    def clients(self) -> list[type]:
        """Return the classes whose methods are what the package is for."""
        return [
            kind
            for name, kind in self.classes.items()
            if _CLIENT_CLASS.search(name)
            and not inspect.isabstract(kind)
            and not issubclass(kind, (BaseException, dict))
        ]

    def client_methods(self, kind: type) -> list[tuple[str, Any]]:
        """Return the public methods of a client class that an action can stand for."""
        return [
            (name, member)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
            and name not in _LIFECYCLE_METHODS
            and member.__module__.startswith(self.package)
            and not isinstance(inspect.getattr_static(kind, name), (classmethod, staticmethod))
            and not _requires_callback(member)
        ]

    def add_plugin(self, plugin: Any) -> None:
        """Add a plugin object or dictionary with all that it lists."""
        if id(plugin) in self._seen:
            return
        self._seen.add(id(plugin))
        if any(type(known) is type(plugin) and name_of(known) == name_of(plugin) for known in self.plugins):
            return  # a factory's second copy of it, with handlers that nobody would prepare
        self.plugins.append(plugin)
        for part, target in (("actions", self.actions), ("providers", self.providers), ("evaluators", self.evaluators)):
            target.extend(_as_components(_part_of(plugin, part), part))
        self.services.extend(_as_components(_part_of(plugin, "services"), "services"))
        models = _part_of(plugin, "models")
        if isinstance(models, dict):
            self.models.update(models)

    def add_loose(self, name: str, value: Any) -> None:
        """Add *value*, found under *name* in a module, if it is a component or of use to one."""
        if id(value) in self._seen or isinstance(value, types.ModuleType):
            return
        self._seen.add(id(value))
        kind = kind_of(value, self.package)
        if isinstance(value, type) and value.__module__.startswith(self.package):
            self.classes[value.__name__] = value
        if kind == "service":
            self.service_classes.append(value)
        elif kind is not None or (kind := kind_described(name, value)) is not None:
            getattr(self, f"{kind}s").append(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add_loose(name, item)
        elif isinstance(value, (type, types.FunctionType)) and value.__module__.startswith(self.package):
            self.other_names.append(name)
            if not isinstance(value, type):
                self._add_factory(value)

    def _add_factory(self, function: types.FunctionType) -> None:
        returned = function.__annotations__.get("return")
        if returned and not _has_required_parameters(function):
            name = returned if isinstance(returned, str) else getattr(returned, "__name__", "")
            self.factories[name] = function

    def complete_descriptions(self) -> None:
        """Give each component that is only described the function that implements it."""
        for kind, components, method_of in (
            ("action", self.actions, action_method),
            ("provider", self.providers, provider_method),
        ):
            bare = [place for place, component in enumerate(components) if method_of(component) is None]
            for index, whole in completed(kind, [components[place] for place in bare], self.package).items():
                components[bare[index]] = whole
                self.has_completed_descriptions = True


def discover(module: types.ModuleType, attribute: str | None = None) -> PackageContents:
    """Return the components of *module*; *attribute* names its plugin where an entry point does."""
    contents = PackageContents(module.__name__)
    modules = [module, *_import_submodules(module, contents)]
    if attribute:
        contents.add_plugin(getattr(module, attribute))
    for source in modules:
        for value in list(vars(source).values()):
            if _is_plugin(value):
                contents.add_plugin(value)
    for source in modules:
        for name, value in _public_members(source):
            if inspect.isfunction(value) and value.__module__.startswith(contents.package):
                _call_factory(name, value, contents)
    for source in modules:
        for name, value in _public_members(source):
            contents.add_loose(name, value)
    contents.complete_descriptions()
    if not contents.services:
        # No plugin lists its services; those with a service name are meant to run, and those that can be started.
        listed = bool(contents.plugins)
        contents.services += [kind for kind in contents.service_classes if is_startable(kind, listed)]
    return contents


def _public_members(module: types.ModuleType) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(module).items() if not name.startswith("_")]


def _import_submodules(module: types.ModuleType, contents: PackageContents) -> Iterator[types.ModuleType]:
    for name in _SUBMODULES if hasattr(module, "__path__") else ():
        if (submodule := _imported(f"{module.__name__}.{name}", contents)) is not None:
            yield submodule
            # Not every module of actions is named by the package that holds it.
            for entry in pkgutil.iter_modules(getattr(submodule, "__path__", ())) if name in _PARTS else ():
                if (inner := _imported(f"{submodule.__name__}.{entry.name}", contents)) is not None:
                    yield inner


def _imported(name: str, contents: PackageContents) -> types.ModuleType | None:
    try:
        return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
    except Exception as error:  # reported if nothing else is found
        contents.errors.append(error)
        return None


def _call_factory(name: str, function: Any, contents: PackageContents) -> None:
    is_plugin_factory, is_list_factory = _PLUGIN_FACTORY.match(name), _LIST_FACTORY.match(name)
    if not is_plugin_factory and not is_list_factory:
        return
    if _has_required_parameters(function) or inspect.iscoroutinefunction(function):
        return
    try:
        value = function()
    except Exception as error:  # reported if nothing else is found
        contents.errors.append(error)
        return
    if is_plugin_factory and _is_plugin(value):
        contents.add_plugin(value)
    elif is_list_factory and isinstance(value, (list, tuple)):
        for component in value:
            contents.add_loose(name, component)


# Plugin objects


def _is_plugin(value: Any) -> bool:
    """Whether *value* is a plugin object or dictionary: named, and with lists of components."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, str, list, tuple)) or value is None:
        return False
    if isinstance(value, dict):
        return isinstance(value.get("name"), str) and any(part in value for part in _PARTS)
    if not isinstance(getattr(value, "name", None), str) or kind_of(value, "") is not None:
        return False
    return any(hasattr(value, part) or callable(getattr(value, f"get_{part}", None)) for part in _PARTS)


def _part_of(plugin: Any, part: str) -> Any:
    """Return a plugin's *part* (``actions``, …): an item, an attribute, or the result of ``get_actions()``."""
    value = plugin.get(part) if isinstance(plugin, dict) else getattr(plugin, part, None)
    if value is None and callable(getter := getattr(plugin, f"get_{part}", None)):
        value = getter
    if callable(value) and not isinstance(value, type):
        value = value()
    return value


def _as_components(value: Any, part: str) -> list[Any]:
    """Return a plugin's *part* as a list: of a dictionary its values, and bare functions as components."""
    if isinstance(value, dict):
        named = [(str(key), item) for key, item in value.items()]
    else:
        named = [(getattr(item, "__name__", ""), item) for item in value or ()]
    return [_function_as_component(name, item, part) for name, item in named if item is not None]


def _function_as_component(name: str, value: Any, part: str) -> Any:
    """Return a bare function as an action or provider called *name*; anything else as it is."""
    if part not in ("actions", "providers") or not isinstance(value, (types.FunctionType, types.MethodType)):
        return value
    key = "get" if part == "providers" else "handler"
    return {"name": name, "description": summary_of(value), key: value}


def summary_of(function: Any) -> str:
    """Return the first paragraph of a function's docstring on one line; empty where it has none."""
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _has_required_parameters(function: Any) -> bool:
    return any(each.default is each.empty for each in inspect.signature(function).parameters.values())


def _requires_callback(method: Any) -> bool:
    """Whether a method cannot do without a function: it is for programs, such as ``on_message(handler)``."""
    required = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
    return any("Callable" in str(each.annotation) or each.name in ("handler", "callback") for each in required)
