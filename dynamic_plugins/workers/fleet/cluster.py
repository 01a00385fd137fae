"""A Ray cluster as this process is connected to it: the only module that speaks to Ray from an agent.

Everything of Ray's that may block happens in threads; answers are awaited on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import platform
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from dynamic_plugins.errors import LoadError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

P = ParamSpec("P")
T = TypeVar("T")

NAMESPACE = "dynamic-plugins"
"""Where our actors have their names on a cluster."""
AUTO = "ray://auto"
"""The address of the cluster that this machine is a node of."""
_MISSING = "workers on a cluster need an extra: pip install 'agent-dynamic-plugins[fleet]'"
_MANY = 1000
"""So many calls, and agents that wait for events, one actor may have at a time."""
_KNOCK_SECONDS = 5.0


class ActorGoneError(Exception):
    """The actor has ended, or its node has; its text says which. It is no PluginError: it becomes one of a call."""


class ActorSilentError(Exception):
    """Nothing is known of what was asked: the actor could not be reached, or its answer was lost.

    It is no PluginError: what was asked is asked again, until the actor is given up.
    """


@dataclass(frozen=True)
class Needs:
    """What a plugin's place must have: parts of a processor, bytes of memory, and resources that nodes declare."""

    cpus: float = 0.1
    memory_bytes: int = 256 * 2**20
    resources: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        own = [f"{amount:g} {name}" for name, amount in self.resources.items()]
        return ", ".join([f"{self.cpus:g} CPU", f"{self.memory_bytes // 2**20} MB of memory", *own])


class RayCluster:
    """The cluster at *address*, ``ray://HOST:PORT`` or ``ray://auto``. See :func:`cluster_at`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._ray: Any = None
        self._client: Any = None
        self._through_client = False
        self._kind: Any = None
        self._connecting = threading.Lock()
        self._actors: dict[str, Any] = {}

    async def connect(self, plugin: str, seconds: float) -> None:
        """Connect this process, unless it is.

        Raises within *seconds* UnreachableError, or LoadError where it is reached and cannot be used.
        """
        if self._is_connected():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._knock(plugin)
                await asyncio.to_thread(self._connect, plugin)
        except TimeoutError:
            reason = f"the cluster at {self.address} has not answered in {seconds:g} s"
            raise UnreachableError(plugin, reason) from None

    async def _knock(self, plugin: str) -> None:
        """Raise UnreachableError where nothing listens: Ray would try for half a minute."""
        if self.address == AUTO:
            return
        where = urlsplit(self.address)
        try:
            async with asyncio.timeout(_KNOCK_SECONDS):
                _, writer = await asyncio.open_connection(where.hostname, where.port)
        except (OSError, TimeoutError) as error:
            why = str(error) or "no answer"
            raise UnreachableError(plugin, f"the cluster at {self.address} cannot be reached: {why}") from None
        writer.close()

    def _connect(self, plugin: str) -> None:
        with self._connecting:
            if self._is_connected():
                return
            try:
                ray = importlib.import_module("ray")
            except ImportError:
                raise LoadError(plugin, _MISSING) from None
            if self._ray is not None:  # it was lost
                ray.shutdown()
                self._actors.clear()
            if not ray.is_initialized():
                self._initialize(ray, plugin)
            self._client = importlib.import_module("ray.util.client").ray
            self._through_client = self._client.is_connected()
            from dynamic_plugins.workers.fleet.ray_actor import PluginActor

            self._kind = ray.remote(PluginActor)
            self._ray = ray

    def _is_connected(self) -> bool:
        """Return whether this process is connected, as far as it knows: nothing is asked for it."""
        if self._ray is None:
            return False
        return bool(self._client.is_connected() if self._through_client else self._ray.is_initialized())

    def _initialize(self, ray: Any, plugin: str) -> None:
        # Told of each time, as it otherwise goes back to what it is by default: a person's terminal is not for it.
        quiet: dict[str, Any] = {"logging_level": logging.ERROR}
        if self.address == AUTO:
            quiet |= {"log_to_driver": False, "configure_logging": False}
            logging.getLogger("ray").setLevel(logging.ERROR)
        where = "auto" if self.address == AUTO else self.address
        for attempt in (1, 2):
            try:
                ray.init(address=where, namespace=NAMESPACE, **quiet)
            except Exception as error:  # what it raises is of many kinds, and none of ours
                # The server of a client is started for it, which sometimes comes to nothing.
                if attempt == 1 and isinstance(error, ConnectionError) and self.address != AUTO:
                    continue
                kind = UnreachableError if isinstance(error, ConnectionError) else LoadError
                raise kind(plugin, f"the cluster at {self.address} cannot be used: {_why(error)}") from None
            return

    # ---------------------------------------------------------------- actors

    async def actor(self, name: str, facts: Mapping[str, Any], needs: Needs) -> Any:
        """Return the actor of this *name*, which is made where there is none, of *facts*, where *needs* are met.

        Raises ActorSilentError.
        """
        if (known := self._actors.get(name)) is None:
            known = self._actors[name] = await _in_thread(self._made, name, facts, needs)
        return known

    def forget(self, name: str) -> None:
        """Look for the actor of this *name* anew when it is wanted next."""
        self._actors.pop(name, None)

    def _made(self, name: str, facts: Mapping[str, Any], needs: Needs) -> Any:
        return self._kind.options(
            name=name,
            namespace=NAMESPACE,
            get_if_exists=True,
            lifetime="detached",
            # Begun anew it would have no values, which nothing of Ray's is told to keep: the next agent opens another.
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=_MANY,
            num_cpus=needs.cpus,
            memory=needs.memory_bytes,
            resources=dict(needs.resources),
            scheduling_strategy="SPREAD",
        ).remote(dict(facts))

    async def named(self, prefix: str) -> list[tuple[str, Any]]:
        """Return our actors whose names begin with *prefix*, by name. Raises ActorSilentError."""

        def find() -> list[tuple[str, Any]]:
            found = []
            for each in self._ray.util.list_named_actors(all_namespaces=True):
                if each["namespace"] == NAMESPACE and each["name"].startswith(prefix):
                    try:
                        found.append((each["name"], self._ray.get_actor(each["name"], namespace=NAMESPACE)))
                    except ValueError:
                        continue  # it has just ended
            return found

        return await _in_thread(find)

    async def ask(self, actor: Any, method: str, *arguments: Any, **named: Any) -> Any:
        """Return what a *method* of *actor* gives. Raises ActorGoneError and ActorSilentError."""
        try:
            return await _answer_to(getattr(actor, method).remote(*arguments, **named))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # Ray's own, and those of its connection
            kinds = self._ray.exceptions
            if isinstance(error, kinds.ActorUnavailableError) or not isinstance(error, kinds.RayActorError):
                raise ActorSilentError(_why(error)) from None
            raise ActorGoneError(_end_of(str(error))) from None

    def tell(self, actor: Any, method: str, *arguments: Any) -> None:
        """Ask an actor for something whose answer nobody waits for; nothing happens where it cannot be reached."""
        with contextlib.suppress(Exception):  # Ray's own, and those of its connection
            getattr(actor, method).remote(*arguments)

    async def nodes(self, needs: Needs) -> tuple[int, int]:
        """Return how many nodes there are, and how many of them are large enough for *needs*, were they empty.

        Raises ActorSilentError.
        """
        wanted = {"CPU": needs.cpus, "memory": needs.memory_bytes, **needs.resources}
        alive = [each.get("Resources", {}) for each in await _in_thread(self._ray.nodes) if each.get("Alive")]
        large = [has for has in alive if all(has.get(name, 0) >= amount for name, amount in wanted.items())]
        return len(alive), len(large)

    async def resources(self) -> set[str]:
        """Return the names of the resources that some node has. Raises ActorSilentError."""
        return set(await _in_thread(self._ray.cluster_resources))

    async def on_every_node(self, function: Callable[..., Any], *arguments: Any, seconds: float) -> None:
        """Call *function* once on each node that lives, for at most *seconds* together. Raises ActorSilentError."""

        def begin() -> list[Any]:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            task = self._ray.remote(function)
            nodes = [each["NodeID"] for each in self._ray.nodes() if each["Alive"]]
            return [
                task.options(
                    num_cpus=0, max_retries=0, scheduling_strategy=NodeAffinitySchedulingStrategy(each, soft=False)
                ).remote(*arguments)
                for each in nodes
            ]

        begun = await _in_thread(begin)
        await asyncio.wait(list(map(_answer_to, begun)), timeout=seconds)


async def _in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what *function*, which asks the cluster, gives. Raises ActorSilentError where it cannot be reached."""
    try:
        return await asyncio.to_thread(function, *arguments, **named)
    except Exception as error:  # Ray's own, and those of its connection
        raise ActorSilentError(_why(error)) from None


def _answer_to(reference: Any) -> asyncio.Future[Any]:
    """Return what stands for the answer on this event loop.

    Ray's own future is never cancelled: its client breaks down on one that is.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Any] = loop.create_future()

    def settle(error: BaseException | None, value: Any) -> None:
        if waiting.done():
            return
        if error is not None:
            waiting.set_exception(error)
        else:
            waiting.set_result(value)

    def answered(future: Future[Any]) -> None:
        error = future.exception()
        with contextlib.suppress(RuntimeError):  # nobody waits any more, not even a loop
            loop.call_soon_threadsafe(settle, error, None if error is not None else future.result())

    reference.future().add_done_callback(answered)
    return waiting


_clusters: dict[str, RayCluster] = {}


def cluster_at(address: str) -> RayCluster:
    """Return the cluster at *address*, one for all of this process: Ray knows one connection of a process."""
    return _clusters.setdefault(address, RayCluster(address))


def _why(error: BaseException) -> str:
    """Return the first lines of an error of Ray's that tell something."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    if "mismatch" in text.lower():
        found = re.search(r"(The cluster was started with.*?)(?:\n\n|$)", text, re.DOTALL)
        told = " ".join((found[1] if found else text).split())
        return f"{told[:400]} (this agent: Python {platform.python_version()}, pid {os.getpid()})"
    if "connection timeout" in text:
        text += ". Where it asks for a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])[:300]}"


def _end_of(told: str) -> str:
    """Return how an actor ended, in a few words of ours, from the many of Ray's."""
    text = told.lower()
    if "node has died" in text or "node died" in text or "node is dead" in text or "node was terminated" in text:
        return "the node that it ran on is gone"
    if "no module named" in text:
        return "its nodes lack agent-dynamic-plugins[fleet], which has to be installed on all of them"
    if "intended" in text or "exit_actor" in text or "all references" in text or "ray.kill" in text:
        return "it was ended"
    return "its process on the cluster ended"
