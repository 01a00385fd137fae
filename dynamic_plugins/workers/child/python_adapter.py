"""Native plugins: an object that keeps the contract of ``dynamic_plugins.plugin``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from importlib import abc, import_module, machinery, util
from typing import Any

from .component_set import Component, ComponentSet, Service

_PACKAGE = "dynamic_plugins"


class ContractFinder(abc.MetaPathFinder):
    """Gives plugins ``dynamic_plugins.plugin``, from *file*, in a package that holds nothing else of the host's."""

    def __init__(self, file: str) -> None:
        self._file = file

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> machinery.ModuleSpec | None:  # noqa: ARG002
        if name == _PACKAGE:
            spec = machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        if name == f"{_PACKAGE}.plugin":
            return util.spec_from_file_location(name, self._file)
        return None


def load(facts: dict[str, Any], _host: Any) -> ComponentSet:
    """Import the plugin named by ``entry_point`` and return its components. Raises what the plugin raises."""
    # It goes first: a plugin's environment may hold some version of ours.
    sys.meta_path.insert(0, ContractFinder(facts["contract"]))
    return components_of(plugin_at(facts["entry_point"]))


def components_of(plugin: Any) -> ComponentSet:
    """Return the components of a ``Plugin``. Raises ValueError for one that breaks the contract."""
    components = ComponentSet()
    for action in plugin.actions:
        _check(action, "action", "handler")
        components.add(
            Component(
                "action",
                action.name,
                _with_keywords(action.handler),
                description=action.description,
                is_async=inspect.iscoroutinefunction(action.handler),
                parameters=_schema(action),
                similes=list(action.similes),
            )
        )
    for kind, declared, method in (("provider", plugin.providers, "get"), ("task", plugin.tasks, "run")):
        for component in declared:
            _check(component, kind, method)
            components.add(_without_arguments(kind, component, getattr(component, method)))
    for evaluator in plugin.evaluators:
        _check(evaluator, "evaluator", "evaluate")
        components.add(
            Component(
                "evaluator",
                evaluator.name,
                _with_turn(evaluator.evaluate),
                description=evaluator.description,
                is_async=inspect.iscoroutinefunction(evaluator.evaluate),
            )
        )
    for service in plugin.services:
        _check(service, "service", "start")
        components.add_service(Service(service.name, service.start, service.stop, service.description))
    return components


def _without_arguments(kind: str, component: Any, function: Any) -> Component:
    return Component(
        kind,
        component.name,
        lambda _: function(),
        description=component.description,
        is_async=inspect.iscoroutinefunction(function),
        interval=getattr(component, "interval", None),
    )


def _schema(action: Any) -> dict[str, Any]:
    if not isinstance(action.parameters, Mapping):
        kind = type(action.parameters).__name__
        raise TypeError(f"the parameters of action {action.name!r} are {kind}, not a JSON Schema")
    return dict(action.parameters)


def _with_keywords(handler: Any) -> Any:
    return lambda arguments: handler(**arguments)


def _with_turn(evaluate: Any) -> Any:
    return lambda arguments: evaluate(arguments.get("turn") or {})


def plugin_at(entry_point: str) -> Any:
    """Return the plugin object that ``module:attribute`` names, imported; made, if it is a function."""
    module_name, _, attribute = entry_point.partition(":")
    plugin: Any = import_module(module_name)
    for part in (attribute or "plugin").split("."):
        try:
            plugin = getattr(plugin, part)
        except AttributeError:
            raise TypeError(f"{module_name} has no {attribute or 'plugin'!r}, which should be its Plugin") from None
    if inspect.isfunction(plugin):
        plugin = plugin()
    if not (hasattr(plugin, "actions") and hasattr(plugin, "providers")):
        raise TypeError(f"{entry_point} is no Plugin but {type(plugin).__name__}")
    return plugin


def _check(component: Any, kind: str, method: str) -> None:
    name = getattr(component, "name", None)
    if not isinstance(name, str) or not name:
        raise TypeError(f"one {kind} has no name: {component!r}"[:200])
    if not callable(getattr(component, method, None)):
        raise TypeError(f"{kind} {name!r} has no {method} that can be called")
