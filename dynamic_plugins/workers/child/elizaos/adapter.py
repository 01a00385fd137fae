"""elizaOS plugins as component sets, whatever form their packages have (``docs/elizaos.md`` lists the forms)."""

from __future__ import annotations

import inspect
import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..component_set import Component, ComponentSet, Service
from ..serialize import describe_error, plain
from .call import ActionFailedError, AttributeDict, Call
from .component_discovery import PackageContents, discover, summary_of
from .component_kinds import action_method, attribute_of, name_of, provider_method
from .parameter_schema import parameter_schema
from .services import DependencyContainer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .services import ElizaService

    Lookup = Callable[[], Awaitable[Callable[..., Any]]]
    """Gives the function that a component calls, found when it is called."""

_PROMPT_SCHEMA = {"type": "string", "description": "What the model is asked."}
_PROMPTED_MODELS = ("TEXT_", "OBJECT_", "REASONING_", "RESEARCH")
_UNPROMPTED_MODELS = ("TEXT_EMBEDDING", "TEXT_TOKENIZER", "TEXT_TO_SPEECH")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 120
_REPEATED = "repeat"
"""The tag of a queued task that is run again and again."""


class NoComponentsError(Exception):
    """The package can be imported, and has nothing that can be called.

    It crosses to the host as text: the tree of errors there is not importable in a plugin's process.
    """


def load(facts: dict[str, Any], host: Any) -> ComponentSet:
    """Import the package named by ``entry_point`` and return its components.

    *host* has the ``ask_host`` and the ``tools_changed`` of the server. Raises what the import raises, and
    NoComponentsError.
    """
    name, _, attribute = facts["entry_point"].partition(":")
    module = import_module(name)
    if getattr(module, "__file__", None) is None and not hasattr(module, "plugin"):
        _import_namespace(module)
    contents = discover(module, attribute or None)
    components = _Adapter(contents, facts, host).components
    if not components.by_address:
        raise contents.errors[0] if contents.errors else NoComponentsError(_nothing_found(contents))
    return components


class _Adapter:
    """Makes the component set of one package; its runtime is made when a component first asks for it."""

    def __init__(self, contents: PackageContents, facts: dict[str, Any], host: Any) -> None:
        self.components = ComponentSet()
        self._contents = contents
        settings = {name: os.environ[name] for name in facts["variables"] if name in os.environ}
        folder = facts.get("folder") or os.getcwd()  # noqa: PTH109 # pathlib is slow to import
        self._container = DependencyContainer(contents, settings, folder, host.ask_host)
        self._tasks = _Tasks(self._container, self.components, host.tools_changed)
        self.components.closing = self._container.stop
        for action in contents.actions:
            self._add_action(action)
        for name, handler in contents.models.items():
            self._add_model(str(getattr(name, "value", name)), handler)
        for provider in contents.providers:
            self._add_context("provider", provider, provider_method(provider))
        for evaluator in contents.evaluators:
            self._add_context("evaluator", evaluator, action_method(evaluator))
        had_components = bool(self.components.by_address)
        if not had_components or (contents.has_completed_descriptions and not contents.plugins):
            self._add_clients()
            if self.components.by_address:
                return  # the service is there for its methods, and starts with the first of them
        self._add_services()

    def _add_action(self, action: Any) -> None:
        name, method = name_of(action), action_method(action)
        if method is None or self._is_taken("", name):
            return
        function = action[method] if isinstance(action, dict) else getattr(action, method)
        similes = attribute_of(action, "similes") or ()
        self._add_callable(
            name,
            function,
            lambda: self._bound_method(action, method),
            str(attribute_of(action, "description", "")),
            declared=attribute_of(action, "parameters"),
            similes=[text for text in similes if isinstance(text, str)] if isinstance(similes, (list, tuple)) else [],
        )

    def _add_model(self, name: str, handler: Any) -> None:
        if self._is_taken("", name):
            return

        async def lookup() -> Any:
            return handler

        schema = self._schema(handler)
        # One whose code does not show its parameters is asked as elizaOS asks it.
        if not schema.get("required") and name.startswith(_PROMPTED_MODELS) and not name.startswith(_UNPROMPTED_MODELS):
            properties = {**schema["properties"], "prompt": _PROMPT_SCHEMA}
            schema = {**schema, "properties": properties, "required": ["prompt"]}
        self._add_callable(name, handler, lookup, "Asks this model.", schema=schema)

    def _add_clients(self) -> None:
        """Add the methods of the package's client classes as actions: some packages have nothing else."""
        for kind in self._contents.clients():
            client = self._container.service_of(kind)
            for name, method in self._contents.client_methods(kind):
                if not self._is_taken("", name):
                    lookup = self._client_lookup(client, name)
                    self._add_callable(name, method, lookup, summary_of(method))

    def _add_services(self) -> None:
        """Add the services that the plugin lists; those that only its handlers ask for start with the first call."""
        listed = {id(thing) for thing in self._contents.services}
        for service in self._container.services:
            if id(service.thing) in listed and not self._is_taken("service:", service.name):
                start = self._service_start(service)
                self.components.add_service(Service(service.name, start, service.stop, service.description))

    def _service_start(self, service: ElizaService) -> Callable[[], Awaitable[None]]:
        async def start() -> None:
            await service.start()
            await self._tasks.add()

        return start

    def _add_callable(
        self,
        name: str,
        function: Callable[..., Any],
        lookup: Lookup,
        description: str,
        *,
        declared: Any = None,
        similes: list[str] | None = None,
        schema: dict[str, Any] | None = None,
    ) -> None:
        """Add one action; *function* is where its parameters are read, unless *schema* has them."""
        self.components.add(
            Component(
                "action",
                name,
                self._caller(name, lookup),
                description=description,
                is_async=True,
                parameters=self._schema(function, declared) if schema is None else schema,
                similes=similes or (),
            )
        )

    def _add_context(self, kind: str, thing: Any, method: str | None) -> None:
        """Add a provider or an evaluator: it takes a turn, not arguments of its own."""
        name = name_of(thing)
        if method is None or self._is_taken(f"{kind}:", name):
            return

        async def call(arguments: dict[str, Any]) -> Any:
            turn = arguments.get("turn") or {}
            await self._prepare()
            made = Call(name, turn, str(turn.get("user", "")))
            value = await self._container.injector.call(await self._bound_method(thing, method), made)
            await self._tasks.add()
            return _provider_text(value) if kind == "provider" else plain(value)

        description = str(attribute_of(thing, "description", ""))
        self.components.add(Component(kind, name, call, description=description, is_async=True))

    def _schema(self, function: Any, declared: Any = None) -> dict[str, Any]:
        return parameter_schema(function, self._contents.package, declared, self._contents.classes)

    def _caller(self, name: str, lookup: Lookup) -> Callable[[dict[str, Any]], Any]:
        async def call(arguments: dict[str, Any]) -> Any:
            made = Call(name, arguments, by_schema=True)
            try:
                await self._prepare()
                value = await self._container.injector.call(await lookup(), made)
                await self._tasks.add()  # of a service that was started for the call, too
                return made.result(value)
            except ActionFailedError as error:
                raise ActionFailedError(f"{error}{self._container.failures()}") from None
            except Exception as error:  # a stranger's handler may raise anything
                if failures := self._container.failures():
                    raise ActionFailedError(f"{describe_error(error, place=False)}{failures}") from None
                raise

        return call

    async def _prepare(self) -> None:
        await self._container.prepare()
        await self._tasks.add()

    def _client_lookup(self, client: ElizaService, method: str) -> Lookup:
        async def lookup() -> Callable[..., Any]:
            instance = await self._container.client(client)
            if instance is None:
                raise ActionFailedError(f"{client.name} cannot be used")
            found: Callable[..., Any] = getattr(instance, method)
            return found

        return lookup

    async def _bound_method(self, thing: Any, method: str) -> Callable[..., Any]:
        """Return the component's function; of a class, bound to an instance made now."""
        if isinstance(thing, dict):
            found: Callable[..., Any] = thing[method]
            return found
        if isinstance(thing, type):
            thing = await self._container.injector.make(thing, Call(thing.__name__, {}), ("runtime",))
        return getattr(thing, method)  # type: ignore[no-any-return] # it is callable, discovery saw to it

    def _is_taken(self, prefix: str, name: str) -> bool:
        """Whether a component of this name is there: packages hold an object and the class it was made of."""
        return prefix + name in self.components.by_address


def _provider_text(value: Any) -> str:
    result = plain(value)
    if isinstance(result, dict) and isinstance(result.get("text"), str):
        return str(result["text"])
    if result is None or isinstance(result, str):
        return result or ""
    import json

    return json.dumps(result)


def _import_namespace(module: Any) -> None:
    """A folder without an ``__init__`` imports as an empty namespace: import the modules in it, with their names."""
    import pkgutil

    for entry in pkgutil.iter_modules(module.__path__):
        if not entry.name.startswith("_") and entry.name not in ("tests", "conftest"):
            setattr(module, entry.name, import_module(f"{module.__name__}.{entry.name}"))
    for name, submodule in list(vars(module).items()):
        if sys.modules.get(f"{module.__name__}.{name}") is submodule:
            for key, value in list(vars(submodule).items()):
                if not key.startswith("_") and not hasattr(module, key):
                    setattr(module, key, value)


def _nothing_found(contents: PackageContents) -> str:
    has = f"; it holds {', '.join(contents.other_names[:8])}" if contents.other_names else ""
    prepares = any(callable(getattr(plugin, "init", None)) for plugin in contents.plugins)
    only = "; it only prepares a runtime" if prepares else ""
    return f"offers nothing that can be called: no action, provider or evaluator{only}{has}"


class _Tasks:
    """Offers in *components* the task workers that the plugin of *container* has registered in its runtime.

    A plugin registers them in its ``init``, or in a service that starts, so they are known some time after it was
    loaded; *changed* tells the host of new ones. elizaOS' own scheduler is not started: the host runs what is due.
    """

    def __init__(self, container: DependencyContainer, components: ComponentSet, changed: Callable[[], object]) -> None:
        self._container, self._components, self._changed = container, components, changed

    async def add(self) -> None:
        """Offer what has been registered since the last time, and how often it is queued to run now."""
        runtime = self._container.made_runtime
        workers = getattr(runtime, "_task_workers", None)
        if not isinstance(workers, dict):
            return
        found = False
        for name, worker in list(workers.items()):
            if _function(worker) is not None:
                found = await self._offer(runtime, str(name)) or found
        if found:
            self._changed()

    async def _offer(self, runtime: Any, name: str) -> bool:
        """Offer one task; return whether it is new, or queued to run otherwise than before."""
        plain_name = _NOT_IN_NAMES.sub("_", name).strip("_")[:_LONGEST_NAME] or "unnamed"
        interval = _interval(await _queued(runtime, name))
        known = self._components.by_address.get(f"task:{plain_name}")
        if known is not None:
            changed, known.interval = known.interval != interval, interval
            return changed

        async def run(_arguments: dict[str, Any]) -> Any:
            return await self._run(name)

        self._components.add(Component("task", plain_name, run, is_async=True, interval=interval))
        return True

    async def _run(self, name: str) -> Any:
        """Run one task where its worker says that it is due."""
        runtime = await self._container.runtime()
        worker = runtime._task_workers[name]
        validate = _member(worker, "validate")
        if callable(validate) and not await self._container.injector.call(validate, Call(name, {})):
            return None
        task = await _queued(runtime, name)
        function = _function(worker)
        assert function is not None  # noqa: S101 # only such are offered
        value = function(runtime, task.get("metadata") or AttributeDict(), task)
        return plain(await value if inspect.isawaitable(value) else value)


async def _queued(runtime: Any, name: str) -> AttributeDict:
    """Return the plugin's own record of a task; one that is not repeated where it has queued none."""
    queued = await runtime.get_tasks_by_name(name)
    return queued[0] if queued else AttributeDict({"name": name, "tags": [], "metadata": AttributeDict()})


def _function(worker: Any) -> Any:
    """Return what runs a task: ``execute``, or the worker itself; elizaOS has both forms. None where it has neither."""
    execute = _member(worker, "execute")
    return execute if callable(execute) else worker if callable(worker) else None


def _member(worker: Any, name: str) -> Any:
    return worker.get(name) if isinstance(worker, dict) else getattr(worker, name, None)


def _interval(task: AttributeDict) -> float | None:
    """Return how often a task is repeated, in seconds; None for one that is not."""
    if _REPEATED not in (task.get("tags") or ()):
        return None
    try:
        milliseconds = float((task.get("metadata") or {}).get("update_interval") or 0)
    except (TypeError, ValueError, AttributeError):
        return None
    return milliseconds / 1000 if 0 < milliseconds < float("inf") else None
