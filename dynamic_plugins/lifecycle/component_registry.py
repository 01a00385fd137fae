"""What is registered now: the components of the mounted plugins, and nothing else."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.core.schema_checks import json_problem
from dynamic_plugins.errors import (
    ActionError,
    ComponentClashError,
    ContractError,
    NotActiveError,
    PluginError,
    UnknownActionError,
)
from dynamic_plugins.plugin import Action, Evaluator, Plugin, Provider, Service, Task

log = logging.getLogger(__name__)

Unmount = Callable[[], None]
C = TypeVar("C", Action, Provider, Service, Evaluator, Task)


class ComponentRegistry:
    """The agent's components by plugin: actions, providers, services, evaluators, tasks.

    :meth:`mount` registers a plugin whole or not at all and hands back its own undo. Names are unique within
    a plugin and a kind; two plugins may use the same name, since a component is addressed by both.
    """

    def __init__(self) -> None:
        self._plugins: dict[str, Plugin] = {}
        self._actions: dict[str, dict[str, Action]] = {}
        self.generation = 0
        """Another number after each change of what is mounted: what is made of it can be kept as long as it stays."""

    @property
    def plugins(self) -> Mapping[str, Plugin]:
        """The mounted plugins by name, in the order they came."""
        return dict(self._plugins)

    def mount(self, plugin: Plugin) -> Unmount:
        """Offer *plugin*'s components: all of them, or none. Call the result to withdraw them; repeating is safe.

        Raises :class:`ComponentClashError` for a plugin that is mounted already or a name used twice, and
        :class:`ContractError` for a component that breaks the contract.
        """
        if plugin.name in self._plugins:
            raise ComponentClashError(plugin.name, [plugin.name])
        check(plugin)
        self._plugins[plugin.name] = plugin
        self._actions[plugin.name] = {action.name: action for action in plugin.actions}
        self.generation += 1

        def unmount() -> None:
            # By identity: a plugin mounted anew under the same name is not this one's to withdraw.
            if self._plugins.get(plugin.name) is plugin:
                del self._plugins[plugin.name], self._actions[plugin.name]
                self.generation += 1

        return unmount

    def action(self, plugin: str, name: str) -> Action:
        """Return one action. Raises :class:`NotActiveError`, or :class:`UnknownActionError` with what there is."""
        if (actions := self._actions.get(plugin)) is None:
            raise NotActiveError(plugin, name)
        if (action := actions.get(name)) is None:
            raise UnknownActionError(plugin, name, list(actions))
        return action

    async def execute_action(self, plugin: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Check *arguments* against the action's schema, run it, and return its JSON value.

        Raises :class:`BadArgumentsError` with the schema, :class:`ActionError` with the plugin's own error, or
        :class:`PluginTimeoutError`.
        """
        action = self.action(plugin, name)
        check_arguments(f"{plugin}: {name}", arguments, dict(action.parameters))
        try:
            return await _awaited(action.handler, **arguments)
        except PluginError:
            raise
        except Exception as error:  # a stranger's handler may raise anything: it is that call's error, not ours
            raise ActionError(plugin, name, f"{type(error).__name__}: {error}") from error

    async def start_services(self, plugin: str) -> None:
        """Start *plugin*'s services in order; when one fails those before it are stopped and its error is raised."""
        started: list[Service] = []
        try:
            for service in self._plugins[plugin].services:
                await _awaited(service.start)
                started.append(service)
        except BaseException:  # all of them or none, cancelled too
            await self._stop(plugin, reversed(started))
            raise

    async def stop_services(self, plugin: str) -> None:
        """Stop *plugin*'s services, last first; one that fails does not keep the others."""
        if plugin in self._plugins:
            await self._stop(plugin, reversed(self._plugins[plugin].services))

    async def _stop(self, plugin: str, services: Iterable[Service]) -> None:
        for service in services:
            try:
                await _awaited(service.stop)
            except Exception as error:  # undo goes on: the rest must be stopped all the same
                log.warning("%s: service %s did not stop: %s", plugin, service.name, type(error).__name__)

    async def context(
        self, plugins: Iterable[str] | None = None, *, seconds: float = 5.0, characters: int = 2000
    ) -> dict[str, str]:
        """Return the texts of the providers of *plugins* (all that are mounted, when None) now, by ``plugin/provider``.

        Each may take *seconds* and give *characters*; one that fails or is slow is left out.
        """
        names = self._plugins.keys() if plugins is None else self._plugins.keys() & set(plugins)
        providers = [(name, provider) for name in sorted(names) for provider in self._plugins[name].providers]
        texts = await asyncio.gather(
            *(asyncio.wait_for(_awaited(provider.get), seconds) for _, provider in providers), return_exceptions=True
        )
        return {
            f"{name}/{provider.name}": text[:characters]
            for (name, provider), text in zip(providers, texts, strict=True)
            if isinstance(text, str) and text
        }

    async def evaluate(self, turn: dict[str, Any], *, seconds: float = 5.0) -> dict[str, Any]:
        """Show a finished turn to every evaluator; return their remarks by ``plugin/evaluator``, failures left out."""
        evaluators = [(name, evaluator) for name, plugin in self._plugins.items() for evaluator in plugin.evaluators]
        remarks = await asyncio.gather(
            *(asyncio.wait_for(_awaited(evaluator.evaluate, turn), seconds) for _, evaluator in evaluators),
            return_exceptions=True,
        )
        return {
            f"{name}/{evaluator.name}": value
            for (name, evaluator), value in zip(evaluators, remarks, strict=True)
            if value is not None and not isinstance(value, BaseException)
        }


def check(plugin: Plugin) -> None:
    """Raise :class:`ContractError` or :class:`ComponentClashError` for a plugin that cannot be mounted whole."""
    if not plugin.name:
        raise ContractError("(unnamed)", "a plugin needs a name")
    for kind in ("actions", "providers", "services", "evaluators", "tasks"):
        names = [component.name for component in getattr(plugin, kind)]
        if any(not isinstance(name, str) or not name.strip() for name in names):
            raise ContractError(plugin.name, f"one of its {kind} has no name")
        if clashes := {name for name in names if names.count(name) > 1}:
            raise ComponentClashError(plugin.name, clashes)
    for action in plugin.actions:
        _check_schema(plugin.name, action)
    for task in plugin.tasks:
        _check_interval(plugin.name, task)


def _check_schema(plugin: str, action: Action) -> None:
    schema = action.parameters
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise ContractError(plugin, f"the parameters of {action.name} are not a JSON Schema of type object")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or not all(isinstance(each, Mapping | bool) for each in properties.values()):
        raise ContractError(plugin, f"the parameters of {action.name} are not a JSON Schema")
    if problem := json_problem(schema):
        raise ContractError(plugin, f"{action.name}: {problem}")


def _check_interval(plugin: str, task: Task) -> None:
    interval: object = task.interval  # a stranger's may be anything
    if interval is None:
        return
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise ContractError(plugin, f"the interval of task {task.name} is {interval!r}, not a number of seconds")


async def _awaited(function: Callable[..., Any], /, *values: Any, **named: Any) -> Any:
    """Call *function* and return what it gives, awaiting it where it wants that."""
    value = function(*values, **named)
    return await value if inspect.isawaitable(value) else value
