"""What an elizaOS plugin's handlers ask for: the runtime, its services, and what they share."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..error_text import describe
from .binding import Binder
from .find import attribute_of
from .runtime import make_runtime, service_call
from .services import ElizaService, stopper

if TYPE_CHECKING:
    from .find import Found

_LIVING = ("Service", "Provider", "Client", "Manager", "Plugin", "Api", "API")
_SHARED = ("Registry", "Store", "Storage", "Manager", "Client", "Cache", "Services")


class Needs:
    """Made when first asked for, kept for all later calls, stopped at the end."""

    def __init__(self, found: Found, settings: dict[str, str], folder: str, ask: Any) -> None:
        self._found, self._settings, self._folder, self._ask = found, settings, folder, ask
        self.binder = Binder(self.runtime, self.service, settings, found.classes, folder)
        self.services: list[ElizaService] = []
        for each in _distinct([*found.services, *found.helpers]):
            self.of(each)
        self._inits = [each for each in found.plugins if callable(_member(each, "init"))]
        self._made: Any = None
        self._helpers: dict[str, Any] = {}
        self._failures: list[str] = []

    def of(self, kind: Any) -> ElizaService:
        """Return the one service of this class, or of this ready instance."""
        known = next((each for each in self.services if each.thing is kind), None)
        if known is None:
            known = ElizaService(kind, self.binder, self.runtime)
            self.services.append(known)
        return known

    async def ready(self) -> None:
        """Have plugins that prepare something do so; of the others, not even a runtime is needed."""
        if self._inits:
            await self.runtime()

    async def runtime(self) -> Any:
        if self._made is None:
            self._made = await make_runtime(self._settings, self._ask, self._folder)
            for plugin in self._found.plugins:
                await self._register(plugin)
        return self._made

    async def stop(self) -> None:
        """Stop what was started here, the last first; one that fails does not keep the others."""
        stops = [each.stop for each in self.services]
        if self._made is not None:
            # A plugin with an `init` and a `stop` is its own service.
            stops = [stop for each in self._inits if (stop := stopper(each)) is not None] + stops
        for stop in reversed(stops):
            try:
                await self.binder.run(stop, service_call(None, "stop"), ("runtime",))
            except Exception:  # noqa: S112 # the process ends anyway, and nobody is left to tell
                continue

    def why(self) -> str:
        """Return why services did not start: often the reason why an action fails."""
        reasons = [f"{each.name} did not start: {each.failure}" for each in self.services if each.failure]
        return f" ({'; '.join([*reasons, *self._failures])})" if reasons or self._failures else ""

    async def service(self, names: list[str], parameter: inspect.Parameter) -> Any:
        """Return the service, client or registry that *parameter*, of types called *names*, asks for."""
        if names == ["*"]:
            return {each.name: await each.get() for each in self.services}
        for service in self.services:
            if service.class_names & set(names):
                return await service.get()
        for name in names:
            if (found := await self._helper(name)) is not None:
                return found
            kind = self._found.classes.get(name)
            if kind is not None and parameter.default is parameter.empty and name.endswith(_LIVING):
                return await self.of(kind).get()
        return await self._by_name(parameter.name) if parameter.default is parameter.empty else None

    async def _by_name(self, name: str) -> Any:
        """Return the one service that a parameter called *name* can mean, whose type says nothing or is a protocol."""
        ending = next((word for word in ("Service", "Client") if name.endswith(word.lower())), "-")
        said = [each for each in self.services if any(known.endswith(ending) for known in each.class_names)]
        return await said[0].get() if len(said) == 1 else None

    async def client(self, wanted: ElizaService) -> Any:
        """Return an instance of a client class: the one that a service made for itself, or one made now."""
        for service in self.services:
            if service is not wanted and any(name.endswith("Service") for name in service.class_names):
                await service.get()
                if (held := service.held(wanted.kind.__name__)) is not None:
                    return held
        return await wanted.get()

    async def _helper(self, name: str) -> Any:
        """Return the one instance of a class of the package that handlers share: a registry, a store, a client."""
        if name not in self._helpers:
            self._helpers[name] = None  # what needs itself gets nothing
            self._helpers[name] = await self._shared(name)
        return self._helpers[name]

    async def _shared(self, name: str) -> Any:
        for service in self.services:
            if (held := service.held(name)) is not None:
                return held
        kind = self._found.classes.get(name)
        make = self._found.factories.get(name)
        try:
            if make is not None:
                return make()
            if kind is None or not name.endswith(_SHARED):
                return None
            if callable(from_env := getattr(kind, "from_env", None)):
                return from_env()
            positional, named = await self.binder.bind(kind, service_call(None, name), ())
            return kind(*positional, **named)
        except Exception:  # it needs what only the plugin knows; its handlers say what is missing
            return None

    async def _register(self, plugin: Any) -> None:
        """Do for *plugin* what the runtime does when it takes one in, except for its services."""
        self._made.providers.extend(each for each in self._found.providers if hasattr(each, "position"))
        for name, handler in self._found.models.items():
            self._made.register_model(name, handler, "plugin", 1)
        if plugin not in self._inits:
            return
        config = attribute_of(plugin, "config")
        given = {**(config if isinstance(config, dict) else {}), **self._settings}
        try:
            await Binder(self.runtime, self.service, given).run(
                _member(plugin, "init"), service_call(self._made, "init"), ("config", "runtime")
            )
        except Exception as error:  # its actions may work all the same
            self._failures.append(f"its init failed: {describe(error, place=False)}")


def _member(plugin: Any, name: str) -> Any:
    return plugin.get(name) if isinstance(plugin, dict) else getattr(plugin, name, None)


def _distinct(services: list[Any]) -> list[Any]:
    """Return each service once: a class, or an instance of it, whichever came first; not those that others extend.

    A factory that is called twice makes the class twice.
    """
    kept: list[Any] = []
    kinds: list[type] = []
    for each in services:
        kind = each if isinstance(each, type) else type(each)
        twin = any(issubclass(other, kind) or other.__qualname__ == kind.__qualname__ for other in kinds)
        if not twin and not inspect.isabstract(kind):
            kinds.append(kind)
            kept.append(each)
    return kept
