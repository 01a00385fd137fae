"""One installed plugin as this process has it: its state, its lock, and a worker once one is needed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core import telemetry
from dynamic_plugins.core.status import PluginState, Status
from dynamic_plugins.errors import (
    CallNotBegunError,
    LoadError,
    NeedsConfigurationError,
    NotActiveError,
    PluginError,
    PluginTimeoutError,
    UnreachableError,
    WithheldError,
    WorkerDiedError,
)
from dynamic_plugins.workers.binding import bind
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry, Unmount
    from dynamic_plugins.lifecycle.launcher import Launcher
    from dynamic_plugins.storage.stored_plugin import Source
    from dynamic_plugins.workers.components import Component, Connection

log = logging.getLogger(__name__)

MAX_CRASHES = 3
STOP_SECONDS = 5.0
"""How long a service may take to stop before its worker is ended."""


class HandleObserver(Protocol):
    """Who a handle reports to. Both methods are called on the event loop and must not block."""

    def crashed_too_often(self, handle: PluginHandle, reason: str) -> None:
        """Take note that *handle*'s worker is not to be started again."""

    def offers_changed(self, handle: PluginHandle, offers: Offers) -> None:
        """Take note that *handle*'s worker offers *offers* now."""


@dataclass(eq=False, slots=True)
class Worker:
    """A plugin that runs, and what is known of this run of it."""

    connection: Connection
    serving: bool = False
    """Whether all its services run. Belongs to the worker: the plugin's status says nothing of one just started."""
    crash_counted: bool = False
    """However many calls its end takes along, it is one crash."""

    @property
    def alive(self) -> bool:
        return self.connection.alive


class PluginHandle:
    """A plugin's state, and its worker: started by the first call that needs it, ended when idle or unloaded.

    What is mounted is served: a call never reaches a worker whose services do not all run. Tasks that start, stop or
    end the worker wait for one another, whatever verb or call they belong to.
    """

    def __init__(self, state: PluginState, launcher: Launcher, observer: HandleObserver) -> None:
        self.state = state
        self.lock = asyncio.Lock()
        """Held by the verb that changes the plugin."""
        self.source: Source | None = None
        """What its worker was started from last, or was tried to be; compared with what is saved now."""
        self.offers: Offers | None = None
        """What is registered."""
        self.withheld = Offers()
        """What it offers and is not registered, since nobody has agreed to it."""
        self.last_used = time.monotonic()
        self.calls_in_progress = 0
        self._launcher, self._observer = launcher, observer
        self._worker: Worker | None = None
        self._worker_lock = asyncio.Lock()
        self._pause_lock = asyncio.Lock()
        """Held while its services are paused. Taken before the other; who ends the worker takes the other alone."""
        self._ending: set[asyncio.Future[None]] = set()
        self._unmount: Unmount | None = None
        self._crashes = 0

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def running(self) -> bool:
        """Whether a worker of it is alive."""
        return self._worker is not None and self._worker.alive

    @property
    def connection(self) -> Connection | None:
        """The connection to its worker, or None where none is alive."""
        return self._worker.connection if self._worker is not None and self._worker.alive else None

    @property
    def at_rest(self) -> bool:
        """Whether it has no worker, and none is being started or ended."""
        return self._worker is None and not self._worker_lock.locked()

    @property
    def mounted(self) -> bool:
        """Whether what it offers is registered."""
        return self._unmount is not None

    def to(self, status: Status, reason: str | None = None) -> None:
        """Move it to *status*; raises StepError for a step that is not in the table."""
        self.state = self.state.to(status, reason)

    def mount(self, registry: ComponentRegistry, offers: Offers) -> None:
        """Register what it offers; calls reach the worker, which is started when there is none."""
        self._unmount = registry.mount(bind(self.name, offers, self.call))
        self.offers = offers

    def forget_crashes(self) -> None:
        """Begin to count anew: somebody has switched it on, or it is taken up where it was."""
        self._crashes = 0

    def unmount(self) -> None:
        """Withdraw what it offers; nothing happens when nothing is registered."""
        if self._unmount is not None:
            self._unmount()
            self._unmount = self.offers = None

    # ---------------------------------------------------------------- calls

    async def call(self, component: Component, arguments: dict[str, Any]) -> Any:
        """Call one of its components. A worker that died or got stuck is started anew for the next one, a few times."""
        if component.kind == "service":  # they run all or none
            await (self.stop_services() if arguments.get("do") == "stop" else self.start_services())
            return None
        self.calls_in_progress += 1
        worker = None
        try:
            worker = await self._serving_worker(component.name)
            self.check_agreed(component.kind, component.name)  # it may have changed while its worker was started
            try:
                value = await worker.connection.call(component, arguments)
            except CallNotBegunError:  # it ended before anybody here could know: another takes the call, once
                worker = await self._serving_worker(component.name)
                self.check_agreed(component.kind, component.name)
                value = await worker.connection.call(component, arguments)
        except UnreachableError:  # an outage elsewhere is no crash: it is over when it is over
            raise
        except (WorkerDiedError, LoadError, PluginTimeoutError) as error:
            if worker is None or not worker.alive:  # one that still answers others is just slow
                self._count_crash(worker, error)
            raise
        finally:
            self.calls_in_progress -= 1
            self.last_used = time.monotonic()
        self._crashes = 0
        return value

    def _count_crash(self, worker: Worker | None, error: PluginError) -> None:
        """Count a worker that did not start (None), ended or got stuck."""
        if worker is not None:
            if worker is not self._worker or worker.crash_counted:
                return
            worker.crash_counted = True
        self._crashes += 1
        if self._crashes >= MAX_CRASHES and self.state.status is not Status.ERROR:
            reason = f"its process ended {self._crashes} times in a row; the last time: {error}"
            self._observer.crashed_too_often(self, reason)

    # ---------------------------------------------------------------- its worker

    async def connected(self) -> Connection:
        """Return its running worker, starting one where there is none. Raises what starting it raises."""
        async with self._worker_lock:
            return (await self._running_worker()).connection

    async def start_services(self) -> None:
        """Make sure that it runs, with all its services; it must be mounted. Raises what starting them raises."""
        await self._serving_worker("its services")

    async def stop_services(self) -> None:
        """Stop its services, the last first; its worker stays. One that does not stop in time ends with its worker."""
        async with self._worker_lock:
            await self._stop_services()

    @contextlib.asynccontextmanager
    async def services_paused(self) -> AsyncIterator[None]:
        """Keep its services stopped in this block, for another version that may want the same port or file.

        Calls wait meanwhile. Afterwards those that ran run again, or its worker ends and the next call starts both.
        """
        async with self._pause_lock:
            async with self._worker_lock:
                worker = self._worker if self._worker is not None and self._worker.serving else None
                await self._stop_services()
            try:
                yield
            finally:
                try:
                    async with self._worker_lock:
                        if worker is not None and worker is self._worker and worker.alive and self.mounted:
                            with contextlib.suppress(PluginError):
                                await self._start_services(worker)
                except BaseException:  # cancelled while another task was at the worker, or held the lock
                    if worker is not None and worker is self._worker and not worker.serving:
                        self.release_worker()
                    raise

    async def disconnect(self) -> None:
        """End its worker, if there is one; what it offers stays registered."""
        async with self._worker_lock:
            await self._end_worker()

    def release_worker(self) -> None:
        """Begin to end its worker; :meth:`disconnect`, or the start of the next one, waits for the end."""
        worker, self._worker = self._worker, None
        if worker is not None:
            ending = asyncio.ensure_future(worker.connection.close())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _serving_worker(self, purpose: str) -> Worker:
        """Return its worker with all its services started. Raises ActionError where it is not mounted any more."""
        async with self._pause_lock, self._worker_lock:
            self._check_mounted(purpose)
            worker = await self._running_worker()
            if not self.mounted:  # switched off while its worker started, for which nobody has a use now
                await self._end_worker()
            self._check_mounted(purpose)
            await self._start_services(worker)
            return worker

    def check_agreed(self, kind: str, name: str) -> None:
        """Raise NeedsConfirmationError where a component has changed, or come, since the person agreed."""
        if (kind, name) in {(each.kind, each.name) for each in self.withheld.components}:
            raise WithheldError(self.name, f"{kind} {name}")

    def _check_mounted(self, purpose: str) -> None:
        if not self.mounted:
            raise NotActiveError(self.name, purpose)

    # What follows is called with the worker's lock held.

    async def _running_worker(self) -> Worker:
        """Return its worker; where there is none, start what is installed, and anew where that changes meanwhile."""
        if self._worker is not None and self._worker.alive:
            return self._worker
        await self._end_worker()
        while True:
            plugin = self._launcher.installed(self.name)
            self.source = plugin.source
            try:
                with telemetry.plugin_start(self.name):
                    connection = await self._launcher.start(plugin)
            except LoadError:
                if self._launcher.is_current(plugin):
                    raise
                continue  # what was being started has been taken away
            if self._launcher.is_current(plugin):
                break
            await connection.close()
        connection.on_offers_changed = partial(self._observer.offers_changed, self)
        self._worker = Worker(connection)
        if self.mounted and connection.offers != self.offers:
            self._observer.offers_changed(self, connection.offers)
        return self._worker

    async def _start_services(self, worker: Worker) -> None:
        if worker.serving:
            return
        try:
            for service in worker.connection.offers.of("service"):
                await worker.connection.call(service, {"do": "start"})
        except BaseException:  # cancelled too: some of them run, and some do not
            await self._end_worker()
            raise
        worker.serving = True

    async def _stop_services(self) -> None:
        worker = self._worker
        if worker is None or not worker.serving:
            return
        worker.serving = False
        try:
            for service in reversed(worker.connection.offers.of("service")):
                if worker.alive:
                    await self._stop_service(worker, service)
        except BaseException:  # some of them are stopped: the next call starts a worker with all of them
            self.release_worker()
            raise

    async def _stop_service(self, worker: Worker, service: Component) -> None:
        """Stop one service: one that fails does not keep the others, and one that takes too long ends with them."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await worker.connection.call(service, {"do": "stop"})
        except TimeoutError:
            log.warning("%s: service %s did not stop in %g s", self.name, service.name, STOP_SECONDS)
            await self._end_worker()
        except PluginError as error:
            log.warning("%s: service %s did not stop: %s", self.name, service.name, type(error).__name__)

    async def _end_worker(self) -> None:
        self.release_worker()
        if self._ending:
            await asyncio.wait(self._ending)  # cancelled, they go on to their end


def state_from_facts(
    name: str, *, enabled: bool, rests_as: str, missing: tuple[str, ...], error_details: str | None
) -> PluginState:
    """Return the state of a plugin at the start of a process, from what was saved about it."""
    if error_details is not None:
        return PluginState(name, Status.ERROR, error_details)
    if missing:
        return PluginState(name, Status.NEEDS_CONFIGURATION, str(NeedsConfigurationError(name, missing)))
    return PluginState(name, Status.ACTIVE if enabled else Status(rests_as))
