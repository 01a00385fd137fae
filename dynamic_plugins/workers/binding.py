"""The plugin that a host sees of one that runs elsewhere: each component calls its like over the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.plugin import Action, Evaluator, Plugin, Provider, Service, Task

if TYPE_CHECKING:
    from dynamic_plugins.workers.components import Component, Offers


class Caller(Protocol):
    """Calls a component wherever the plugin runs, starting it where it does not (the service's lazy connection)."""

    async def __call__(self, component: Component, arguments: dict[str, Any]) -> Any: ...


def bind(name: str, offers: Offers, call: Caller) -> Plugin:
    """Return a :class:`Plugin` whose components reach the running plugin through *call*."""
    return Plugin(
        name=name,
        actions=tuple(_action(each, call) for each in offers.of("action")),
        providers=tuple(_provider(each, call) for each in offers.of("provider")),
        services=tuple(_service(each, call) for each in offers.of("service")),
        evaluators=tuple(_evaluator(each, call) for each in offers.of("evaluator")),
        tasks=tuple(_task(each, call) for each in offers.of("task")),
    )


def _action(component: Component, call: Caller) -> Action:
    async def handler(**arguments: Any) -> Any:
        return await call(component, arguments)

    return Action(
        component.name,
        component.description,
        handler,
        component.parameters or {"type": "object", "properties": {}},
        component.similes,
        component.read_only,
    )


def _provider(component: Component, call: Caller) -> Provider:
    async def get() -> str:
        return str(await call(component, {}))

    return Provider(component.name, component.description, get)


def _service(component: Component, call: Caller) -> Service:
    async def start() -> None:
        await call(component, {"do": "start"})

    async def stop() -> None:
        await call(component, {"do": "stop"})

    return Service(component.name, start, stop, component.description)


def _evaluator(component: Component, call: Caller) -> Evaluator:
    async def evaluate(turn: dict[str, Any]) -> Any:
        return await call(component, {"turn": turn})

    return Evaluator(component.name, component.description, evaluate)


def _task(component: Component, call: Caller) -> Task:
    async def run() -> Any:
        return await call(component, {})

    return Task(component.name, component.description, run, component.interval)
