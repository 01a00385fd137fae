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
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUBMODULES = ("plugin", "actions", "providers", "evaluators", "services", "service", "index", "main")
_PARTS = ("actions", "providers", "services", "evaluators", "models")
_PLUGIN_FACTORY = re.compile(r"^(get|create|make|build)_(\w+_)?plugin$|^(get|create)Plugin$")
_LIST_FACTORY = re.compile(r"^get_(\w+_)?(actions|providers|evaluators)$")
_CLIENT_CLASS = re.compile(r"(Client|Service|Plugin|Api|API)$")
_LIFECYCLE_METHODS = {
    *("start", "stop", "close", "aclose", "init", "initialize"),
    *("connect", "disconnect", "shutdown", "cleanup"),
}
_ACTION_METHODS = ("handler", "execute", "handle", "run", "__call__")
_ACTION_METHODS_OF_CLASSES = _ACTION_METHODS[:-1]
_PROVIDER_METHODS = ("get", "get_context", "provide", "get_documents", "handler")

_ACTION_FUNCTION = re.compile(r"^_?(handle|execute|run|perform)(_|$)|(_|^)handler$")
_PROVIDER_FUNCTION = re.compile(r"^_?(get|provide|build)_")
_ACTION_NAME = re.compile(r"(^|_)action(_|$)", re.IGNORECASE)
_PROVIDER_NAME = re.compile(r"(^|_)provider(_|$)", re.IGNORECASE)
_FILLER_WORDS = {"action", "provider", "handle", "handler", "execute", "run", "perform", "get", "meta", "plugin"}


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
        kind = _kind_of(value, self.package)
        if isinstance(value, type) and value.__module__.startswith(self.package):
            self.classes[value.__name__] = value
        if kind == "service":
            self.service_classes.append(value)
        elif kind is not None or (kind := _kind_described(name, value)) is not None:
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
            for index, whole in _completed(kind, [components[place] for place in bare], self.package).items():
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
        contents.services += [kind for kind in contents.service_classes if _is_startable(kind, listed)]
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
    if not isinstance(getattr(value, "name", None), str) or _kind_of(value, "") is not None:
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


# Components


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
    return next((name for name in names if callable(_field(value, name))), None)


def _kind_of(value: Any, package: str) -> str | None:
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


def _is_startable(service: type, listed: bool) -> bool:
    """Whether a service is meant to run by itself; where a plugin object says what it has, only one with a name."""
    named = any(isinstance(inspect.getattr_static(service, key, None), str) for key in ("service_type", "service_name"))
    return named or (not listed and callable(getattr(service, "start", None)))


def _has_required_parameters(function: Any) -> bool:
    return any(each.default is each.empty for each in inspect.signature(function).parameters.values())


def _requires_callback(method: Any) -> bool:
    """Whether a method cannot do without a function: it is for programs, such as ``on_message(handler)``."""
    required = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
    return any("Callable" in str(each.annotation) or each.name in ("handler", "callback") for each in required)


# Descriptions, and the functions beside them


def _kind_described(name: str, value: Any) -> str | None:
    """Return ``action`` or ``provider`` where *value*, held as *name*, only describes one, else None."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, str, int, float, list, tuple)):
        return None
    if not all(isinstance(_field(value, key), str) for key in ("name", "description")):
        return None
    if _ACTION_NAME.search(name) or "similes" in (value if isinstance(value, dict) else dir(value)):
        return "action"
    return "provider" if _PROVIDER_NAME.search(name) else None


def _completed(kind: str, descriptions: list[Any], package: str) -> dict[int, dict[str, Any]]:
    """Return those of *descriptions* that have a function, as whole components, by their index.

    The function is in the module that holds the description: one whose name has the same words, or else one whose name
    has more words, or else the only one there where only one thing is described. No function implements two components.
    """
    pattern, key = (_ACTION_FUNCTION, "handler") if kind == "action" else (_PROVIDER_FUNCTION, "get")
    whole: dict[int, dict[str, Any]] = {}
    used: dict[Any, str] = {}
    for match in (_with_same_words, _with_more_words, _only_one):
        for index, description in enumerate(descriptions):
            name = str(_field(description, "name"))
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
                        part: _field(description, part) for part in ("name", "description", "similes", "parameters")
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
            if any(item is description for description in descriptions) or _kind_described(name, item) == kind:
                names.add(str(_field(item, "name")))
    return len(names)


def _homes(value: Any, package: str) -> Iterator[tuple[types.ModuleType, str]]:
    """Yield the package's modules that hold *value*, and as what: the deepest first, which is where it is written."""
    inside = [module for name, module in sys.modules.items() if name == package or name.startswith(f"{package}.")]
    for module in sorted(inside, key=lambda module: -module.__name__.count(".")):
        for name, held in list(vars(module).items()):
            if held is value:
                yield module, name


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)} - _FILLER_WORDS
