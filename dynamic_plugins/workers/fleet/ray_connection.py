"""A plugin that runs on a cluster, as an agent sees it: calls go to its actor, and what happens there comes back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import telemetry
from dynamic_plugins.errors import CallNotBegunError, PluginError, WorkerDiedError
from dynamic_plugins.workers.components import Offers, request_for
from dynamic_plugins.workers.fleet.carried_errors import from_wire
from dynamic_plugins.workers.fleet.cluster import ActorGoneError, ActorSilentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.workers.components import Component, Host
    from dynamic_plugins.workers.fleet.cluster import RayCluster

EVENT_SECONDS = 10.0
"""So long is waited for the next event before it is asked for anew."""
SILENT_SECONDS = 45.0
"""An actor that has not been heard of for so long is given up, and every call of it with it."""
_AGAIN_SECONDS = 0.5
_CLOSE_SECONDS = 5.0
_PEER = {"network.transport": "tcp"}
_ENDED = "it was ended on the cluster"


@dataclass(frozen=True)
class OpenedActor:
    """An actor that runs a plugin for this agent: under which *name* and *session*, and which worker of it."""

    cluster: RayCluster
    name: str
    actor: Any
    session: str
    generation: int


class RayConnection:
    """A :class:`~dynamic_plugins.workers.components.Connection` to an actor, which other agents may have as well.

    Each call has a number. Where its answer was lost on the way, the same number is asked for again, and the actor
    gives the answer that it has: no call is made twice. Where the actor has ended in the middle of a call, nobody knows
    how far it came, so it is not made again: the caller is told.
    """

    pid = None

    def __init__(self, plugin: str, opened: OpenedActor, offers: Offers, host: Host) -> None:
        self.name = plugin
        self.on_offers_changed: Callable[[Offers], None] | None = None
        """Called with the new offers when the plugin changes what it offers."""
        self._opened, self._host, self._offers = opened, host, offers
        self._cluster, self._actor = opened.cluster, opened.actor
        self._numbers = itertools.count()
        self._progress: dict[int, Callable[[float | None, str], None]] = {}
        self._why = ""
        self._lost = asyncio.Event()
        self._has_ended = False
        """Whether the plugin runs no more, while its actor may."""
        self._under_way = 0
        self._last_heard = time.monotonic()
        self._asking: set[asyncio.Task[None]] = set()
        self._listening = asyncio.create_task(self._listen(), name=f"events of {plugin}")

    @property
    def offers(self) -> Offers:
        return self._offers

    @property
    def alive(self) -> bool:
        return not self._lost.is_set() and not self._has_ended

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,
    ) -> Any:
        """Call one component; see :meth:`dynamic_plugins.workers.components.Connection.call`.

        Raises CallNotBegunError where the plugin ended before it saw the call.
        """
        if not self.alive:
            raise CallNotBegunError(self.name, component.name, self._why or _ENDED)
        number = next(self._numbers)
        if (listener := progress or self._host.progress) is not None:
            self._progress[number] = listener
        self._under_way += 1
        try:
            with telemetry.plugin_call(self.name, *request_for(component), _PEER, None) as span:
                answer = await self._answer(number, component, arguments)
                if "error" in answer:
                    span.fail(answer["error"]["class"])
        except asyncio.CancelledError:
            self._cluster.tell(self._actor, "stop", self._opened.session, number)
            raise
        finally:
            self._under_way -= 1
            self._progress.pop(number, None)
        return self._value(component, answer)

    def _value(self, component: Component, answer: dict[str, Any]) -> Any:
        if "value" in answer:
            return answer["value"]
        if "error" in answer:
            error = from_wire(answer["error"])
            if isinstance(error, WorkerDiedError):
                self._lose(error.reason)
            raise error
        if "stopped" in answer:
            raise WorkerDiedError(self.name, component.name, "it was given up where it runs")
        self._lose(_ENDED)
        raise CallNotBegunError(self.name, component.name, self._why)

    async def _answer(self, number: int, component: Component, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one call, asked for again where it was lost on its way."""
        opened = self._opened
        while True:
            asking = self._cluster.ask(
                self._actor, "call", opened.session, opened.generation, number, asdict(component), arguments
            )
            try:
                return await self._unless_lost(asking)
            except ActorGoneError as error:
                self._lose(str(error))
            except ActorSilentError:
                await self._until_lost(_AGAIN_SECONDS)
            if self._lost.is_set():
                raise WorkerDiedError(self.name, component.name, self._why)

    async def _unless_lost(self, asking: Any) -> dict[str, Any]:
        """Return what is asked for. Raises ActorGoneError as soon as the actor is known to be lost."""
        asked, lost = asyncio.ensure_future(asking), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait([asked, lost], return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise ActorGoneError(self._why)
            answer: dict[str, Any] = asked.result()
            return answer
        finally:
            asked.cancel()
            lost.cancel()

    async def _until_lost(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lost.wait(), seconds)

    async def close(self) -> None:
        """Leave the plugin to the other agents that have it. Safe to repeat; never raises."""
        is_there = not self._lost.is_set()
        self._lose("the connection was closed")
        self._listening.cancel()
        for each in self._asking:
            each.cancel()
        await asyncio.wait([self._listening])
        if is_there:
            with contextlib.suppress(ActorGoneError, ActorSilentError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._cluster.ask(self._actor, "leave", self._opened.session)

    def _lose(self, why: str) -> None:
        if not self._lost.is_set():
            self._why = why
            self._lost.set()

    # ---------------------------------------------------------------- what happens there

    async def _listen(self) -> None:
        """Take what the actor tells, until it is lost."""
        seen = 0
        while not self._lost.is_set() and (self._under_way or not self._has_ended):
            try:
                async with asyncio.timeout(EVENT_SECONDS + SILENT_SECONDS):
                    runs, events = await self._cluster.ask(
                        self._actor, "events", self._opened.session, self._opened.generation, seen, EVENT_SECONDS
                    )
            except ActorGoneError as error:
                self._cluster.forget(self._opened.name)
                self._lose(str(error))
                return
            except (ActorSilentError, TimeoutError):
                if time.monotonic() - self._last_heard > SILENT_SECONDS:
                    self._lose("nothing was heard of it for long: it, or the way to it, is gone")
                await self._until_lost(_AGAIN_SECONDS)
                continue
            self._last_heard = time.monotonic()
            for number, what, facts in events:
                seen = number
                self._hear(what, facts)
            # Calls under way have their own answers, which are on their way while there is an actor to give them.
            self._has_ended = not runs

    def _hear(self, what: str, facts: Any) -> None:
        if what == "log" and self._host.log is not None:
            self._host.log(self.name, facts)
        elif what == "progress":
            number, fraction, message = facts
            if (listener := self._progress.get(number)) is not None:
                listener(fraction, message)
        elif what == "offers":
            self._change_offers(*facts)
        elif what == "ask_model":
            task = asyncio.create_task(self._ask_model(*facts), name=f"model of {self.name}")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def _change_offers(self, listed: list[dict[str, Any]], left_out: tuple[str, ...]) -> None:
        offers = Offers(Offers.from_list(listed).components, left_out)
        if offers != self._offers:
            self._offers = offers
            if self.on_offers_changed is not None:
                self.on_offers_changed(offers)

    async def _ask_model(self, question: str, messages: list[dict[str, str]]) -> None:
        """Have this agent's model answer what the plugin asks."""
        text = None
        if self._host.use_model is not None:
            with contextlib.suppress(PluginError):
                text = await self._host.use_model(messages)
        with contextlib.suppress(ActorGoneError, ActorSilentError):
            await self._cluster.ask(self._actor, "answer", question, text)
