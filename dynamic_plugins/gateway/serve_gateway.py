"""Serving a gateway's application over HTTP, with little patience for connections on which nothing is asked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dynamic_plugins.gateway.gateway_app import GatewayApp
from dynamic_plugins.gateway.served_tenants import watching
from dynamic_plugins.integrations.http_middleware import EndedAnswers, own_hosts
from dynamic_plugins.integrations.secret_form import QuietServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from dynamic_plugins.gateway.served_tenants import ServedTenants

_PATIENCE_SECONDS = 10.0
"""How long a connection may take until its request's headers are there."""
_MOST_WAITING = 256
"""So many connections may be without a request; of more the one that has waited longest goes."""
_HEADER_BYTES = 16 * 1024


class PatientProtocol(H11Protocol):
    """A connection that is closed where no request comes in time; there, uvicorn itself waits without end.

    Whoever opens many and says nothing takes the place of their own older ones, and keeps nobody out.
    """

    _waiting: OrderedDict[PatientProtocol, asyncio.TimerHandle] = OrderedDict()  # noqa: RUF012 # shared, on purpose

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self not in self._waiting:  # a part of the next request's headers
            self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._wait()

    def _wait(self) -> None:
        self._wait_no_more()
        self._waiting[self] = self.loop.call_later(_PATIENCE_SECONDS, self._give_up)
        if len(self._waiting) > _MOST_WAITING:
            next(iter(self._waiting))._give_up()

    def _wait_no_more(self) -> None:
        if (timer := self._waiting.pop(self, None)) is not None:
            timer.cancel()

    def _give_up(self) -> None:
        self._wait_no_more()
        self.transport.abort()


async def serve_gateway(
    served: ServedTenants,
    listening: socket.socket,
    stop: asyncio.Event,
    *,
    public_hosts: Sequence[str],
    tell: Callable[[str, str], None],
    announce: Callable[[], None],
) -> None:
    """Serve the tenants in *served* on *listening* until *stop* is set; *announce* is called once they can come.

    *public_hosts* are the names under which a proxy that encrypts hands requests on, besides this machine's own.
    """
    own = own_hosts(listening)
    origins = [*(f"http://{host}" for host in own), *(f"https://{host}" for host in public_hosts)]
    ended = asyncio.Event()
    hosts = [*own, *(host.lower() for host in public_hosts)]
    app: Any = EndedAnswers(GatewayApp(served, hosts=hosts, origins=origins, tell=tell), ended)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_graceful_shutdown=2,
    )
    serving = QuietServer(config)
    ending = asyncio.create_task(_end(serving, stop, ended))
    asyncio.get_running_loop().set_exception_handler(_unless_it_was_late)
    async with watching(served):
        announce()
        try:
            await serving.serve([listening])
        finally:
            ending.cancel()


async def _end(serving: QuietServer, stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()
    serving.should_exit = True


def _unless_it_was_late(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody caught, but for a wait on a unix socket that was given up in the moment in which data came.

    There anyio sets the result of a future that is done already; nobody waits for it any more.
    """
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)
