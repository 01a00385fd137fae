"""elizaOS plugins, in all the forms that real packages have."""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..component_set import Component, Offered, Service
from ..error_text import describe
from ..serialize import plain
from .call import Call, FailedError
from .find import Found, action_runner, attribute_of, find, name_of, provider_getter
from .needs import Needs
from .parameters import parameters_of
from .runtime import service_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .services import ElizaService

_PROMPT = {"type": "string", "description": "What the model is asked."}
_PROMPTED = ("TEXT_", "OBJECT_", "REASONING_", "RESEARCH")
_NOT_PROMPTED = ("TEXT_EMBEDDING", "TEXT_TOKENIZER", "TEXT_TO_SPEECH")


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
        settings = {name: os.environ[name] for name in facts["variables"] if name in os.environ}
        folder = facts.get("folder") or os.getcwd()  # noqa: PTH109 # pathlib is slow to import
        self._needs = Needs(found, settings, folder, server.ask_host)
        self._binder = self._needs.binder
        self.offered.closing = self._needs.stop
        for action in found.actions:
            self._add_action(action)
        for name, handler in found.models.items():
            self._add_model(str(getattr(name, "value", name)), handler)
        for kind, many in (("provider", found.providers), ("evaluator", found.evaluators)):
            for each in many:
                self._add_other(kind, each)
        if not self.offered.components or (found.only_said and not found.plugins):
            self._add_clients()
            if self.offered.components:
                return  # the service is there for its methods, and starts with the first of them
        listed = {id(each) for each in found.services}
        for service in self._needs.services:
            if id(service.thing) in listed and not self._is_taken("service:", service.name):
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
                parameters=parameters_of(
                    function, self._found.package, attribute_of(action, "parameters"), self._found.classes
                ),
                similes=[each for each in similes if isinstance(each, str)]
                if isinstance(similes, (list, tuple))
                else (),
            )
        )

    def _add_model(self, name: str, handler: Any) -> None:
        if self._is_taken("", name):
            return
        schema = parameters_of(handler, self._found.package, None, self._found.classes)
        # One whose code does not say what it takes is asked as elizaOS asks it.
        if not schema.get("required") and name.startswith(_PROMPTED) and not name.startswith(_NOT_PROMPTED):
            schema = {**schema, "properties": {**schema["properties"], "prompt": _PROMPT}, "required": ["prompt"]}
        called = self._caller(name, lambda: _ready(handler))
        self.offered.add(
            Component("action", name, called, description="Asks this model.", is_async=True, parameters=schema)
        )

    def _add_other(self, kind: str, thing: Any) -> None:
        method = provider_getter(thing) if kind == "provider" else action_runner(thing)
        name = name_of(thing)
        if method is None or self._is_taken(f"{kind}:", name):
            return

        async def call(arguments: dict[str, Any]) -> Any:
            turn = arguments.get("turn") or {}
            await self._needs.ready()
            made = Call(name, turn, service_call(None, name).message["agentId"], str(turn.get("user", "")))
            value = await self._binder.run(await self._bound(thing, method), made)
            return _provider_text(value) if kind == "provider" else plain(value)

        described = str(attribute_of(thing, "description", ""))
        self.offered.add(Component(kind, name, call, description=described, is_async=True))

    def _add_clients(self) -> None:
        """Offer the methods of the package's client classes: some packages are nothing else."""
        for kind in self._found.clients():
            client = self._needs.of(kind)
            for name, method in self._found.methods(kind):
                if not self._is_taken("", name):
                    called = self._caller(name, lambda client=client, name=name: self._method(client, name))  # type: ignore[misc] # bound now
                    described = (inspect.getdoc(method) or "").partition("\n\n")[0].replace("\n", " ")
                    parameters = parameters_of(method, self._found.package, None, self._found.classes)
                    self.offered.add(
                        Component("action", name, called, description=described, is_async=True, parameters=parameters)
                    )

    async def _method(self, client: ElizaService, name: str) -> Callable[..., Any]:
        instance = await self._needs.client(client)
        if instance is None:
            raise FailedError(f"{client.name} cannot be used")
        found: Callable[..., Any] = getattr(instance, name)
        return found

    def _caller(self, name: str, handler: Callable[[], Any]) -> Callable[[dict[str, Any]], Any]:
        async def call(arguments: dict[str, Any]) -> Any:
            made = Call(name, arguments, service_call(None, name).message["agentId"], asked=True)
            try:
                await self._needs.ready()
                return made.result(await self._binder.run(await handler(), made))
            except FailedError as error:
                raise FailedError(f"{error}{self._needs.why()}") from None
            except Exception as error:  # a stranger's handler may raise anything
                if why := self._needs.why():
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

    def _is_taken(self, prefix: str, name: str) -> bool:
        """Whether a component of this name is there: packages hold an object and the class it was made of."""
        return prefix + name in self.offered.components


async def _ready(handler: Any) -> Any:
    return handler


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
