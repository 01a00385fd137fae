"""Native plugins: an object that keeps the contract of ``dynamic_plugins.plugin``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from . import contract
from .component_set import Component, Offered, Service


def load(facts: dict[str, Any], _server: Any) -> Offered:
    """Import the plugin named by ``entry_point`` and return what it offers. Raises what the plugin raises."""
    contract.install(facts["contract"])
    return offered_by(plugin_at(facts["entry_point"]))


def offered_by(plugin: Any) -> Offered:
    """Return the components of a ``Plugin``. Raises ValueError for one that breaks the contract."""
    offered = Offered()
    for action in plugin.actions:
        _check(action, "action", "handler")
        offered.add(
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
    for kind, many, method in (("provider", plugin.providers, "get"), ("task", plugin.tasks, "run")):
        for each in many:
            _check(each, kind, method)
            offered.add(_plain(kind, each, getattr(each, method)))
    for evaluator in plugin.evaluators:
        _check(evaluator, "evaluator", "evaluate")
        offered.add(
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
        offered.add_service(Service(service.name, service.start, service.stop, service.description))
    return offered


def _plain(kind: str, each: Any, function: Any) -> Component:
    return Component(
        kind,
        each.name,
        lambda _: function(),
        description=each.description,
        is_async=inspect.iscoroutinefunction(function),
        interval=getattr(each, "interval", None),
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
    found: Any = import_module(module_name)
    for part in (attribute or "plugin").split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise TypeError(f"{module_name} has no {attribute or 'plugin'!r}, which should be its Plugin") from None
    if inspect.isfunction(found):
        found = found()
    if not (hasattr(found, "actions") and hasattr(found, "providers")):
        raise TypeError(f"{entry_point} is no Plugin but {type(found).__name__}")
    return found


def _check(component: Any, kind: str, method: str) -> None:
    name = getattr(component, "name", None)
    if not isinstance(name, str) or not name:
        raise TypeError(f"one {kind} has no name: {component!r}"[:200])
    if not callable(getattr(component, method, None)):
        raise TypeError(f"{kind} {name!r} has no {method} that can be called")
