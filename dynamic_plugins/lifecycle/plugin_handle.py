"""One installed plugin as this process has it: its status, its lock, and a worker once one is needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.status import Standing, Status
from dynamic_plugins.errors import (
    ActionError,
    LoadError,
    NeedsConfigurationError,
    PluginError,
    PluginTimeoutError,
    WorkerDiedError,
)
from dynamic_plugins.workers.components import bind

if TYPE_CHECKING:
    from dynamic_plugins.lifecycle.component_registry import AgentRuntime, Unmount
    from dynamic_plugins.workers.components import Component, Connection, Offers

MAX_CRASHES = 3
STOP_SECONDS = 5.0
"""How long a service may take to stop before its worker is ended."""

Connect = Callable[[], Awaitable["Connection"]]
Ended = Callable[[str], None]
Changed = Callable[["Offers"], None]


class LivePlugin:
    """A plugin's standing, and its worker: started by the first call that needs it, ended when idle or unloaded.

    *connect* starts the worker; *broken* is told the reason when it crashed too often to be started again, *changed*
    what it offers when that is not what it was.
    """

    def __init__(self, standing: Standing, connect: Connect, broken: Ended, changed: Changed) -> None:
        self.standing = standing
        self.lock = asyncio.Lock()
        self.connection: Connection | None = None
        self.started_from: object = None
        """What the worker was started from; Presence compares it with what is saved now."""
        self.offers: Offers | None = None
        """What is registered."""
        self.last_used = time.monotonic()
        self.calls_under_way = 0
        self._connect, self._broken, self._changed = connect, broken, changed
        self._starting = asyncio.Lock()
        self._ending: set[asyncio.Future[None]] = set()
        self._unmount: Unmount | None = None
        self._crashes = 0
        self._blamed: Connection | None = None

    @property
    def name(self) -> str:
        return self.standing.name

    @property
    def running(self) -> bool:
        """Whether a worker of it is alive."""
        return self.connection is not None and self.connection.alive

    @property
    def mounted(self) -> bool:
        """Whether what it offers is registered."""
        return self._unmount is not None

    def to(self, status: Status, reason: str | None = None) -> None:
        """Move it to *status*; raises StepError for a step that is not in the table."""
        self.standing = self.standing.to(status, reason)

    def mount(self, runtime: AgentRuntime, offers: Offers) -> None:
        """Register what it offers; calls reach the worker, which is started when there is none."""
        self._unmount = runtime.mount(bind(self.name, offers, self.call))
        self.offers = offers
        self._crashes = 0

    def unmount(self) -> None:
        """Withdraw what it offers; nothing happens when nothing is registered."""
        if self._unmount is not None:
            self._unmount()
            self._unmount = self.offers = None

    async def connected(self, component: Component | None = None) -> Connection:
        """Return its running worker, starting one where there is none. Raises what starting it raises.

        For a call of *component*, raises ActionError where it is not offered any more.
        """
        async with self._starting:
            if component is not None and not self.mounted:  # withdrawn while the call waited
                raise ActionError(self.name, component.name, "the plugin is not active any more")
            if self.connection is not None and self.connection.alive:
                return self.connection
            await self._drop()
            self.connection = await self._connect()
            self.connection.on_offers_changed = self._changed
            if self.standing.status is Status.ACTIVE:
                # It was active before its worker ended or before this process began: so are its services.
                await self._start_services(self.connection)
            return self.connection

    async def _start_services(self, connection: Connection) -> None:
        try:
            for service in connection.offers.of("service"):
                await connection.call(service, {"do": "start"})
        except BaseException:  # cancelled too: some of its services run, and some do not
            await self._drop()
            raise

    async def call(self, component: Component, arguments: dict[str, Any]) -> Any:
        """Call one of its components. A worker that died or got stuck is started anew for the next one, a few times."""
        if component.kind == "service" and arguments.get("do") == "stop":
            return await self._stop_service(component)
        self.calls_under_way += 1
        connection = None
        try:
            connection = await self.connected(component)
            value = await connection.call(component, arguments)
        except (WorkerDiedError, LoadError, PluginTimeoutError) as error:
            if connection is None or not connection.alive:  # one that still answers others is just slow
                self._crashed(connection, error)
            raise
        finally:
            self.calls_under_way -= 1
            self.last_used = time.monotonic()
        self._crashes = 0
        return value

    async def _stop_service(self, service: Component) -> Any:
        """Stop one of its services; one that does not stop ends with its worker, and so do those after it."""
        connection = self.connection
        if connection is None or not connection.alive:
            return None
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await connection.call(service, {"do": "stop"})
        except TimeoutError:
            if connection is self.connection:
                await self.disconnect()
            raise PluginTimeoutError(self.name, f"stopping {service.name}", STOP_SECONDS) from None

    def _crashed(self, connection: Connection | None, error: PluginError) -> None:
        """Count a worker that did not start (None), ended or got stuck: once, however many calls it took along."""
        if connection is not None:
            if connection is not self.connection or connection is self._blamed:
                return
            self._blamed = connection
        self._crashes += 1
        if self._crashes >= MAX_CRASHES and self.standing.status is not Status.ERROR:
            self._broken(f"its process ended {self._crashes} times in a row; the last time: {error}")

    async def disconnect(self) -> None:
        """End its worker, if there is one; what it offers stays registered."""
        async with self._starting:
            await self._drop()

    def let_go(self) -> None:
        """Begin to end its worker; :meth:`disconnect`, or the start of the next one, waits for the end."""
        connection, self.connection, self._blamed = self.connection, None, None
        if connection is not None:
            ending = asyncio.ensure_future(connection.close())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _drop(self) -> None:
        self.let_go()
        if self._ending:
            await asyncio.wait(self._ending)  # cancelled, they go on to their end


def standing_from_facts(
    name: str, *, enabled: bool, rests_as: str, missing: tuple[str, ...], error_details: str | None
) -> Standing:
    """Return where a plugin stands at the start of a process, from what was saved about it."""
    if error_details is not None:
        return Standing(name, Status.ERROR, error_details)
    if missing:
        return Standing(name, Status.NEEDS_CONFIGURATION, str(NeedsConfigurationError(name, missing)))
    return Standing(name, Status.ACTIVE if enabled else Status(rests_as))
