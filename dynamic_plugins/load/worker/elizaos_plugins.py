"""elizaOS plugins, in all the forms that real packages have."""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .eliza_binding import Binder
from .eliza_call import Call, FailedError
from .eliza_find import Found, action_runner, attribute_of, find, name_of, provider_getter
from .eliza_parameters import TEXT, parameters_of
from .eliza_runtime import make_runtime, service_call
from .eliza_services import ElizaService
from .failures import describe
from .offered import Component, Offered, Service
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

_LIVING = ("Service", "Provider", "Client", "Manager", "Plugin", "Api", "API")
_SHARED = ("Registry", "Store", "Storage", "Manager", "Client", "Cache")
_PROMPT = {
    "type": "object",
    "properties": {"prompt": {"type": "string", "description": "What the model is asked"}, "text": dict(TEXT)},
    "additionalProperties": True,
}


class NothingOfferedError(Exception):
    """The package is there, and nothing in it can be called."""


def load(facts: dict[str, Any], server: Any) -> Offered:
    """Import the package named by ``entry_point`` and return what it offers. Raises what it raises."""
    name, _, attribute = facts["entry_point"].partition(":")
    module = import_module(name)
    if getattr(module, "__file__", None) is None and not hasattr(module, "plugin"):
        _import_namespace(module)
    found = find(module, attribute or None)
    plugin = _ElizaPlugin(found, facts, server)
    if not plugin.offered.components:
        raise found.errors[0] if found.errors else NothingOfferedError(_nothing(found))
    return plugin.offered


class _ElizaPlugin:
    """Puts one package's components on offer; the runtime is made when the first of them asks for it."""

    def __init__(self, found: Found, facts: dict[str, Any], server: Any) -> None:
        self.offered = Offered()
        self._found = found
        self._server = server
        self._settings = {name: os.environ[name] for name in facts["variables"] if name in os.environ}
        self._folder = facts.get("folder") or os.getcwd()  # noqa: PTH109 # pathlib is slow to import
        self._made: Any = None
        self._binder = Binder(self._runtime, self._service, self._settings)
        kinds = _distinct_services([*found.services, *found.helpers])
        self._services = [ElizaService(each, self._binder, self._runtime) for each in kinds]
        self._failures: list[str] = []
        self._helpers: dict[str, Any] = {}
        for action in found.actions:
            self._add_action(action)
        for name, handler in found.models.items():
            self._add_model(str(getattr(name, "value", name)), handler)
        for kind, many in (("provider", found.providers), ("evaluator", found.evaluators)):
            for each in many:
                self._add_other(kind, each)
        if not self.offered.components:
            self._add_clients()
        elif self._services:
            for service in self._services[: len(_distinct_services(found.services))]:
                self.offered.add_service(Service(service.name, service.start, service.stop, service.description))

    def _add_action(self, action: Any) -> None:
        method = action_runner(action)
        if method is None or self._is_taken("", name_of(action)):
            return
        function = action[method] if isinstance(action, dict) else getattr(action, method)
        similes = attribute_of(action, "similes") or ()
        self.offered.add(
            Component(
                "action",
                name_of(action),
                self._caller(name_of(action), lambda: self._bound(action, method)),
                description=str(attribute_of(action, "description", "")),
                is_async=True,
                parameters=parameters_of(function, self._found.package, attribute_of(action, "parameters")),
                similes=[each for each in similes if isinstance(each, str)]
                if isinstance(similes, (list, tuple))
                else (),
            )
        )

    def _add_model(self, name: str, handler: Any) -> None:
        if not self._is_taken("", name):
            called = self._caller(name, lambda: _ready(handler))
            self.offered.add(
                Component("action", name, called, description="Asks this model.", is_async=True, parameters=_PROMPT)
            )

    def _add_other(self, kind: str, thing: Any) -> None:
        method = provider_getter(thing) if kind == "provider" else action_runner(thing)
        name = name_of(thing)
        if method is None or self._is_taken(f"{kind}:", name):
            return

        async def call(arguments: dict[str, Any]) -> Any:
            turn = arguments.get("turn") or {}
            made = Call(name, turn, service_call(None, name).message["agentId"], str(turn.get("user", "")))
            value = await self._binder.run(await self._bound(thing, method), made)
            return _provider_text(value) if kind == "provider" else plain(value)

        described = str(attribute_of(thing, "description", ""))
        self.offered.add(Component(kind, name, call, description=described, is_async=True))

    def _add_clients(self) -> None:
        """Offer the methods of the package's client classes: some packages are nothing else."""
        for kind in self._found.clients():
            client = ElizaService(kind, self._binder, self._runtime)
            self._services.append(client)
            for name, method in self._found.methods(kind):
                if not self._is_taken("", name):
                    called = self._caller(name, lambda client=client, name=name: _method(client, name))  # type: ignore[misc] # bound now
                    described = (inspect.getdoc(method) or "").partition("\n\n")[0].replace("\n", " ")
                    parameters = parameters_of(method, self._found.package)
                    self.offered.add(
                        Component("action", name, called, description=described, is_async=True, parameters=parameters)
                    )

    def _caller(self, name: str, handler: Callable[[], Any]) -> Callable[[dict[str, Any]], Any]:
        async def call(arguments: dict[str, Any]) -> Any:
            made = Call(name, arguments, service_call(None, name).message["agentId"])
            try:
                return made.result(await self._binder.run(await handler(), made))
            except FailedError as error:
                raise FailedError(f"{error}{self._why()}") from None
            except Exception as error:
                if why := self._why():
                    raise FailedError(f"{describe(error, place=False)}{why}") from None
                raise

        return call

    async def _bound(self, thing: Any, method: str) -> Callable[..., Any]:
        """Return the component's function; of a class, bound to an instance made now."""
        if isinstance(thing, dict):
            found: Callable[..., Any] = thing[method]
            return found
        if isinstance(thing, type):
            positional, named = await self._binder.bind(thing, service_call(None, thing.__name__), ("runtime",))
            thing = thing(*positional, **named)
        return getattr(thing, method)  # type: ignore[no-any-return] # it is callable, the finder saw to it

    def _why(self) -> str:
        """Return why services did not start: often the reason why an action fails."""
        reasons = [f"{each.name} did not start: {each.failure}" for each in self._services if each.failure]
        return f" ({'; '.join([*reasons, *self._failures])})" if reasons or self._failures else ""

    async def _service(self, names: list[str], parameter: inspect.Parameter) -> Any:
        """Return the service, client or registry that *parameter*, of types called *names*, asks for."""
        if names == ["*"]:
            return {each.name: await each.get() for each in self._services}
        for service in self._services:
            if service.class_names & set(names):
                return await service.get()
        if names == ["?"]:  # it does not say which
            wanted = parameter.name.endswith(("service", "client")) and len(self._services) == 1
            return await self._services[0].get() if wanted else None
        for name in names:
            if (found := self._helper(name)) is not None:
                return found
            kind = self._found.classes.get(name)
            if kind is not None and parameter.default is parameter.empty and name.endswith(_LIVING):
                self._services.append(ElizaService(kind, self._binder, self._runtime))
                return await self._services[-1].get()
        return None

    def _helper(self, name: str) -> Any:
        """Return the one instance of a class of the package that handlers share: a registry, a store, a client."""
        if name not in self._helpers:
            kind = self._found.classes.get(name)
            make = self._found.factories.get(name)
            if make is None and kind is not None and name.endswith(_SHARED):
                make = getattr(kind, "from_env", None) or kind
            try:
                self._helpers[name] = make() if callable(make) else None
            except Exception:  # it needs what only the plugin knows; its handlers say what is missing
                self._helpers[name] = None
        return self._helpers[name]

    async def _runtime(self) -> Any:
        if self._made is None:
            self._made = await make_runtime(self._settings, self._server.ask_host, self._folder)
            for plugin in self._found.plugins:
                await self._register(plugin)
        return self._made

    async def _register(self, plugin: Any) -> None:
        """Do for *plugin* what the runtime does when it takes one in, except for its services."""
        self._made.providers.extend(each for each in self._found.providers if hasattr(each, "position"))
        for name, handler in self._found.models.items():
            self._made.register_model(name, handler, "plugin", 1)
        config = attribute_of(plugin, "config")
        init = plugin.get("init") if isinstance(plugin, dict) else getattr(plugin, "init", None)
        if callable(init):
            given = {**(config if isinstance(config, dict) else {}), **self._settings}
            try:
                await Binder(self._runtime, self._service, given).run(
                    init, service_call(self._made, "init"), ("config", "runtime")
                )
            except Exception as error:  # its actions may work all the same
                self._failures.append(f"its init failed: {describe(error, place=False)}")

    def _is_taken(self, prefix: str, name: str) -> bool:
        """Whether a component of this name is there: packages hold an object and the class it was made of."""
        return prefix + name in self.offered.components


async def _ready(handler: Any) -> Any:
    return handler


async def _method(client: ElizaService, name: str) -> Callable[..., Any]:
    instance = await client.get()
    if instance is None:
        raise FailedError(f"{client.name} cannot be used")
    found: Callable[..., Any] = getattr(instance, name)
    return found


def _distinct_services(services: list[Any]) -> list[Any]:
    """Return each service once: a class, or an instance of it, whichever came first; not those that others extend."""
    kept: list[Any] = []
    kinds: list[type] = []
    for each in services:
        kind = each if isinstance(each, type) else type(each)
        if inspect.isabstract(kind) or any(issubclass(other, kind) for other in kinds):
            continue
        kinds.append(kind)
        kept.append(each)
    return kept


def _provider_text(value: Any) -> str:
    found = plain(value)
    if isinstance(found, dict) and isinstance(found.get("text"), str):
        return str(found["text"])
    if found is None or isinstance(found, str):
        return found or ""
    import json

    return json.dumps(found)


def _import_namespace(module: Any) -> None:
    """A folder without an ``__init__`` imports as an empty namespace: import what lies in it."""
    import pkgutil

    for each in pkgutil.iter_modules(module.__path__):
        if not each.name.startswith("_") and each.name not in ("tests", "conftest"):
            setattr(module, each.name, import_module(f"{module.__name__}.{each.name}"))
    for name, submodule in list(vars(module).items()):
        if sys.modules.get(f"{module.__name__}.{name}") is submodule:
            for key, value in list(vars(submodule).items()):
                if not key.startswith("_") and not hasattr(module, key):
                    setattr(module, key, value)


def _nothing(found: Found) -> str:
    has = f"; it holds {', '.join(found.names[:8])}" if found.names else ""
    only = "; it only prepares a runtime" if any(callable(getattr(p, "init", None)) for p in found.plugins) else ""
    return f"offers nothing that can be called: no action, provider or evaluator{only}{has}"
