"""The components of one plugin, ready to be called."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ANY_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


class Component:
    """One component. *call* gets the arguments as a dict and gives a value, or a coroutine where *is_async*."""

    __slots__ = ("call", "description", "interval", "is_async", "kind", "name", "parameters", "similes")

    def __init__(
        self,
        kind: str,
        name: str,
        call: Callable[[dict[str, Any]], Any],
        *,
        description: str = "",
        is_async: bool = False,
        parameters: dict[str, Any] | None = None,
        similes: Sequence[str] = (),
        interval: float | None = None,
    ) -> None:
        self.kind, self.name, self.call = kind, name, call
        self.description, self.is_async = description, is_async
        self.parameters = ANY_ARGUMENTS if parameters is None else parameters
        self.similes, self.interval = similes, interval


class Service:
    """A service's life: started on request, or before the first call if nobody requested anything."""

    def __init__(self, name: str, start: Callable[[], Any], stop: Callable[[], Any], description: str = "") -> None:
        self.name, self.description = name, description
        self._start, self._stop = start, stop
        self.settled = False
        """Whether its start or stop has been requested, and is done."""
        self.running = False
        self._lock: Any = None

    async def do(self, request: str) -> None:
        """``start`` or ``stop`` it; either is safe to repeat, and waits for the other."""
        import asyncio

        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            self.settled = False
            if request == "start" and not self.running:
                await _run(self._start)
                self.running = True
            elif request == "stop" and self.running:
                self.running = False
                await _run(self._stop)
            self.settled = True

    def component(self) -> Component:
        return Component(
            "service",
            self.name,
            lambda arguments: self.do(str(arguments.get("do"))),
            description=self.description,
            is_async=True,
        )


class ComponentSet:
    """All components of one plugin."""

    def __init__(self) -> None:
        self.by_address: dict[str, Component] = {}
        """Actions by their names, others by ``kind:name``."""
        self.services: list[Service] = []
        self.closing: Callable[[], Any] | None = None
        """A coroutine function that ends what the adapter started besides the services."""

    def add(self, component: Component) -> None:
        """Add one component. Raises ValueError where the name is taken."""
        address = component.name if component.kind == "action" else f"{component.kind}:{component.name}"
        if address in self.by_address:
            raise ValueError(f"offers two {component.kind}s called {component.name!r}")
        self.by_address[address] = component

    def add_service(self, service: Service) -> None:
        self.add(service.component())
        self.services.append(service)

    async def start_services(self) -> None:
        """Start the services without a request, and wait for those that are starting: a call may need them."""
        for service in self.services:
            if not service.settled:
                await service.do("start")

    async def stop_services(self) -> None:
        """Stop what runs, the last first; one that fails does not keep the others."""
        for service in reversed(self.services):
            try:
                await service.do("stop")
            except Exception:  # noqa: S112 # the process ends anyway, and nobody is left to read it
                continue
        if self.closing is not None:
            await self.closing()


async def _run(function: Callable[[], Any]) -> None:
    """Call what may be a coroutine function, a plain function that blocks, or one that gives an awaitable."""
    if inspect.iscoroutinefunction(function):
        await function()
        return
    import asyncio

    value = await asyncio.get_running_loop().run_in_executor(None, function)
    if inspect.isawaitable(value):
        await value
