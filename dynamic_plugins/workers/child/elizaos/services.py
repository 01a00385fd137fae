"""Starting and stopping elizaOS services, in each of the ways they have."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..error_text import describe
from .runtime import service_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .binding import Binder

_STOPS = ("stop", "close", "aclose", "shutdown", "disconnect", "cleanup")
_INIT_ORDER = ("runtime", "config")
_PATIENCE = 15.0
"""Seconds a service may take to start before actions are tried without it; it goes on starting."""


class ElizaService:
    """One service class (or ready instance) of a plugin; made once, when first needed.

    What goes wrong is kept in :attr:`failure` rather than raised: elizaOS goes on without a service, and the actions
    that need it say so themselves.
    """

    def __init__(self, thing: Any, binder: Binder, runtime: Callable[[], Any]) -> None:
        self.thing = thing
        self._binder = binder
        self._runtime = runtime
        self._instance: Any = None
        self._starting: Any = None
        self._registered: list[Any] = []
        self.failure: str | None = None
        kind = self.kind = thing if isinstance(thing, type) else type(thing)
        self.class_names = {each.__name__ for each in kind.__mro__ if each is not object}
        self.name = next(
            (
                value
                for key in ("service_type", "service_name", "name")
                if isinstance(value := inspect.getattr_static(kind, key, None), str) and value != "unknown"
            ),
            kind.__name__,
        )
        self.description = str(inspect.getattr_static(kind, "capability_description", "") or "")
        if self.description.startswith("<"):  # a property
            self.description = ""

    async def get(self) -> Any:
        """Return the started service, or None when it cannot be started."""
        if self._instance is None and self.failure is None:
            await self.start()
        return self._instance

    def held(self, name: str) -> Any:
        """Return what the running service keeps of the class called *name*: its client, its store."""
        kept = list(getattr(self._instance, "__dict__", {}).values())
        return next((each for each in kept if type(each).__name__ == name), None)

    async def start(self) -> None:
        """Start it, if it is not running."""
        if self._instance is not None:
            return
        import asyncio

        if self._starting is asyncio.current_task() and self._starting is not None:
            return  # what it asks for while it starts asks for it
        if self._starting is None:
            self.failure = None
            self._starting = asyncio.ensure_future(self._begin())
        await asyncio.wait({self._starting}, timeout=_PATIENCE)
        if self._starting is not None:
            self.failure = f"it has been starting for more than {_PATIENCE:.0f} s"

    async def _begin(self) -> None:
        try:
            self._instance = await self._make()
            self.failure = None
            await self._register(self._instance)
        except Exception as error:  # whatever it is, it is the service's
            self.failure = describe(error, place=False)
        finally:
            self._starting = None

    async def stop(self) -> None:
        """Stop it. Raises what the service raises."""
        if self._starting is not None:
            self._starting.cancel()
        instance, self._instance = self._instance, None
        if instance is None:
            return
        stop = stopper(instance)
        try:
            if stop is not None:
                await self._binder.run(stop, service_call(None, self.name), ("runtime",))
        finally:
            self._registered[:] = [each for each in self._registered if each is not instance]

    async def _make(self) -> Any:
        thing = self.thing
        call = service_call(None, self.name)
        if not isinstance(thing, type):
            instance = thing
        elif _is_class_method(thing, "start"):
            made = await self._binder.run(thing.start, call, ("runtime",))  # type: ignore[attr-defined] # just looked for
            if made is None:
                raise RuntimeError(f"{thing.__name__}.start() gave nothing")
            return made
        elif _is_class_method(thing, "from_env") and _needs(thing):
            made = thing.from_env()  # type: ignore[attr-defined] # just looked for
            instance = await made if inspect.isawaitable(made) else made
        else:
            positional, named = await self._binder.bind(thing, call, _INIT_ORDER)
            instance = thing(*positional, **named)
        start = next(
            (found for name in ("start", "initialize", "init") if callable(found := getattr(instance, name, None))),
            None,
        )
        if start is not None:
            given = await self._binder.run(start, call, ("runtime",))
            if isinstance(given, type(instance)):
                instance = given
        return instance

    async def _register(self, instance: Any) -> None:
        if _wants_no_runtime(instance):
            return
        runtime = await self._runtime()
        self._registered = runtime._services.setdefault(self.name, [])
        self._registered.append(instance)


def stopper(thing: Any) -> Any:
    """Return the method that ends *thing*, or None."""
    return next((found for name in _STOPS if callable(found := getattr(thing, name, None))), None)


def _is_class_method(kind: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(kind, name, None), (classmethod, staticmethod))


def _needs(kind: type) -> bool:
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        each.default is each.empty and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        for each in parameters
    )


def _wants_no_runtime(instance: Any) -> bool:
    """Whether nobody will look for it in a runtime: it has no service name. Spares importing elizaOS."""
    return not any(isinstance(getattr(instance, key, None), str) for key in ("service_type", "service_name"))
