"""What the handlers of an elizaOS plugin share: its runtime, its services, and the objects that they hold.

Everything is made when a handler first asks for it, kept for later calls, and stopped at the end.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..serialize import describe_error
from .call import Call
from .component_kinds import attribute_of
from .dependency_injection import Injector, is_required
from .runtime import make_runtime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .component_discovery import PackageContents
    from .runtime import AskModel

_STOP_METHODS = ("stop", "close", "aclose", "shutdown", "disconnect", "cleanup")
_START_METHODS = ("start", "initialize", "init")
_CONSTRUCTOR_ORDER = ("runtime", "config")
_START_SECONDS = 15.0
"""How long calls wait for a service that starts; after that they are tried without it, and it goes on starting."""
_STARTED_CLASSES = ("Service", "Provider", "Client", "Manager", "Plugin", "Api", "API")
"""Endings of the names of classes that are started for a handler which requires one."""
_SHARED_CLASSES = ("Registry", "Store", "Storage", "Manager", "Client", "Cache", "Services")
"""Endings of the names of classes that all handlers share one instance of."""


class ElizaService:
    """One service class (or ready instance) of a plugin; made once, when first needed.

    An error is kept in :attr:`failure` rather than raised: elizaOS goes on without a service, and the actions that need
    it report it themselves.
    """

    def __init__(self, thing: Any, injector: Injector, runtime: Callable[[], Awaitable[Any]]) -> None:
        self.thing = thing
        self.failure: str | None = None
        kind = self.kind = thing if isinstance(thing, type) else type(thing)
        self.class_names = {base.__name__ for base in kind.__mro__ if base is not object}
        self.name = _service_name(kind) or kind.__name__
        description = inspect.getattr_static(kind, "capability_description", None)
        self.description = description if isinstance(description, str) else ""  # not where it is a property
        self._injector = injector
        self._runtime = runtime
        self._instance: Any = None
        self._starting: Any = None
        self._registered: list[Any] = []

    async def get(self) -> Any:
        """Return the started service, or None when it cannot be started."""
        if self._instance is None and self.failure is None:
            await self.start()
        return self._instance

    def held(self, class_name: str) -> Any:
        """Return the running service's own instance of the class called *class_name*: its client, its store."""
        attributes = list(getattr(self._instance, "__dict__", {}).values())
        return next((value for value in attributes if type(value).__name__ == class_name), None)

    async def start(self) -> None:
        """Start it, if it is not running."""
        if self._instance is not None:
            return
        import asyncio

        if self._starting is asyncio.current_task() and self._starting is not None:
            return  # one of its own dependencies asks for it while it starts
        if self._starting is None:
            self.failure = None
            self._starting = asyncio.ensure_future(self._begin())
        await asyncio.wait({self._starting}, timeout=_START_SECONDS)
        if self._starting is not None:
            self.failure = f"it has been starting for more than {_START_SECONDS:.0f} s"

    async def _begin(self) -> None:
        try:
            self._instance = await self._make()
            self.failure = None
            await self._register(self._instance)
        except Exception as error:  # whatever it is, it is the service's
            self.failure = describe_error(error, place=False)
        finally:
            self._starting = None

    async def stop(self) -> None:
        """Stop it. Raises what the service raises."""
        if self._starting is not None:
            self._starting.cancel()
        instance, self._instance = self._instance, None
        if instance is None:
            return
        stop = stop_method(instance)
        try:
            if stop is not None:
                await self._injector.call(stop, Call(self.name, {}), ("runtime",))
        finally:
            self._registered[:] = [service for service in self._registered if service is not instance]

    async def _make(self) -> Any:
        """Return the started instance, by whichever of the ways there are to make one the class has."""
        call = Call(self.name, {})
        if isinstance(self.thing, type) and _is_class_method(self.thing, "start"):
            made = await self._injector.call(self.thing.start, call, ("runtime",))  # type: ignore[attr-defined] # just looked for
            if made is None:
                raise RuntimeError(f"{self.thing.__name__}.start() gave nothing")
            return made
        instance = await self._instantiate(call)
        methods = (getattr(instance, name, None) for name in _START_METHODS)
        start = next((method for method in methods if callable(method)), None)
        if start is None:
            return instance
        started = await self._injector.call(start, call, ("runtime",))
        return started if isinstance(started, type(instance)) else instance

    async def _instantiate(self, call: Call) -> Any:
        if not isinstance(self.thing, type):
            return self.thing
        if _is_class_method(self.thing, "from_env") and _has_required_arguments(self.thing):
            made = self.thing.from_env()  # type: ignore[attr-defined] # just looked for
            return await made if inspect.isawaitable(made) else made
        return await self._injector.make(self.thing, call, _CONSTRUCTOR_ORDER)

    async def _register(self, instance: Any) -> None:
        """Register it in the runtime, unless nobody will look for it there: that spares importing elizaOS."""
        if not any(isinstance(getattr(instance, key, None), str) for key in ("service_type", "service_name")):
            return
        runtime = await self._runtime()
        self._registered = runtime._services.setdefault(self.name, [])
        self._registered.append(instance)


class DependencyContainer:
    """The runtime, services, clients and shared objects of one plugin."""

    def __init__(self, contents: PackageContents, settings: dict[str, str], folder: str, ask_model: AskModel) -> None:
        self._contents, self._settings, self._folder, self._ask_model = contents, settings, folder, ask_model
        self.injector = Injector(self.runtime, self._service_for, settings, contents.classes, folder)
        self.services: list[ElizaService] = []
        for thing in _most_derived([*contents.services, *contents.service_classes]):
            self.service_of(thing)
        self._self_preparing = [plugin for plugin in contents.plugins if callable(_member(plugin, "init"))]
        self.made_runtime: Any = None
        """The runtime, once something has asked for it."""
        self._shared: dict[str, Any] = {}
        self._init_failures: list[str] = []

    def service_of(self, thing: Any) -> ElizaService:
        """Return the one service of this class, or of this ready instance."""
        known = next((service for service in self.services if service.thing is thing), None)
        if known is None:
            known = ElizaService(thing, self.injector, self.runtime)
            self.services.append(known)
        return known

    async def prepare(self) -> None:
        """Run the ``init`` of plugins that have one; the others do not even need a runtime."""
        if self._self_preparing:
            await self.runtime()

    async def runtime(self) -> Any:
        """Return the plugin's runtime."""
        if self.made_runtime is None:
            self.made_runtime = await make_runtime(self._settings, self._ask_model, self._folder)
            for plugin in self._contents.plugins:
                await self._register(plugin)
        return self.made_runtime

    async def stop(self) -> None:
        """Stop what was started here, the last first; one that fails does not keep the others."""
        stops = [service.stop for service in self.services]
        if self.made_runtime is not None:
            # A plugin with an `init` and a `stop` is its own service.
            methods = [stop_method(plugin) for plugin in self._self_preparing]
            stops = [method for method in methods if method is not None] + stops
        for stop in reversed(stops):
            try:
                await self.injector.call(stop, Call("stop", {}), ("runtime",))
            except Exception:  # noqa: S112 # the process ends anyway, and nobody is left to read it
                continue

    def failures(self) -> str:
        """Return why services did not start, in brackets: often the reason why an action fails. Empty if all did."""
        reasons = [f"{service.name} did not start: {service.failure}" for service in self.services if service.failure]
        reasons += self._init_failures
        return f" ({'; '.join(reasons)})" if reasons else ""

    async def client(self, wanted: ElizaService) -> Any:
        """Return an instance of a client class: the one that a service made for itself, or one made now."""
        for service in self.services:
            if service is not wanted and any(name.endswith("Service") for name in service.class_names):
                await service.get()
                if (held := service.held(wanted.kind.__name__)) is not None:
                    return held
        return await wanted.get()

    async def _service_for(self, names: list[str], parameter: inspect.Parameter) -> Any:
        """Return the service, client or shared object that *parameter*, of types called *names*, asks for, or None."""
        if names == ["*"]:
            return {service.name: await service.get() for service in self.services}
        for service in self.services:
            if service.class_names & set(names):
                return await service.get()
        for name in names:
            if (shared := await self._shared_instance(name)) is not None:
                return shared
            kind = self._contents.classes.get(name)
            if kind is not None and is_required(parameter) and name.endswith(_STARTED_CLASSES):
                return await self.service_of(kind).get()
        return await self._service_by_name(parameter.name) if is_required(parameter) else None

    async def _service_by_name(self, name: str) -> Any:
        """Return the one service that a parameter called *name* can mean, whose type is missing or a protocol."""
        ending = next((word for word in ("Service", "Client") if name.endswith(word.lower())), "-")
        named = [service for service in self.services if any(known.endswith(ending) for known in service.class_names)]
        return await named[0].get() if len(named) == 1 else None

    async def _shared_instance(self, class_name: str) -> Any:
        """Return the one instance of a class of the package that handlers share: a registry, a store, a client."""
        if class_name not in self._shared:
            self._shared[class_name] = None  # one that depends on itself gets None
            self._shared[class_name] = await self._make_shared(class_name)
        return self._shared[class_name]

    async def _make_shared(self, class_name: str) -> Any:
        for service in self.services:
            if (held := service.held(class_name)) is not None:
                return held
        kind = self._contents.classes.get(class_name)
        factory = self._contents.factories.get(class_name)
        try:
            if factory is not None:
                return factory()
            if kind is None or not class_name.endswith(_SHARED_CLASSES):
                return None
            if callable(from_env := getattr(kind, "from_env", None)):
                return from_env()
            return await self.injector.make(kind, Call(class_name, {}))
        except Exception:  # it depends on what only the plugin knows; its handlers report what is missing
            return None

    async def _register(self, plugin: Any) -> None:
        """Do for *plugin* what elizaOS does when it registers one, except for its services."""
        self.made_runtime.providers.extend(each for each in self._contents.providers if hasattr(each, "position"))
        for name, handler in self._contents.models.items():
            self.made_runtime.register_model(name, handler, "plugin", 1)
        if plugin not in self._self_preparing:
            return
        config = attribute_of(plugin, "config")
        settings = {**(config if isinstance(config, dict) else {}), **self._settings}
        try:
            await Injector(self.runtime, self._service_for, settings).call(
                _member(plugin, "init"), Call("init", {}), ("config", "runtime")
            )
        except Exception as error:  # its actions may work all the same
            self._init_failures.append(f"its init failed: {describe_error(error, place=False)}")


def stop_method(thing: Any) -> Any:
    """Return the method that ends *thing*, or None."""
    methods = (getattr(thing, name, None) for name in _STOP_METHODS)
    return next((method for method in methods if callable(method)), None)


def _service_name(kind: type) -> str | None:
    values = (inspect.getattr_static(kind, name, None) for name in ("service_type", "service_name", "name"))
    return next((value for value in values if isinstance(value, str) and value != "unknown"), None)


def _is_class_method(kind: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(kind, name, None), (classmethod, staticmethod))


def _has_required_arguments(kind: type) -> bool:
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        is_required(parameter) and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        for parameter in parameters
    )


def _member(plugin: Any, name: str) -> Any:
    return plugin.get(name) if isinstance(plugin, dict) else getattr(plugin, name, None)


def _most_derived(things: list[Any]) -> list[Any]:
    """Return each service once: a class, or an instance of it, whichever came first; not those that others extend.

    A factory that is called twice makes the class twice.
    """
    kept: list[Any] = []
    kinds: list[type] = []
    for thing in things:
        kind = thing if isinstance(thing, type) else type(thing)
        known = any(issubclass(other, kind) or other.__qualname__ == kind.__qualname__ for other in kinds)
        if not known and not inspect.isabstract(kind):
            kinds.append(kind)
            kept.append(thing)
    return kept
