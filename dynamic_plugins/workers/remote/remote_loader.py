"""Connects to plugins that run elsewhere, with address and headers filled in from the person's values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp.shared.exceptions import MCPError

from dynamic_plugins.errors import LoadError, UnreachableError
from dynamic_plugins.install.remote_address import RemoteAddressError, filled, headers_of
from dynamic_plugins.redaction.scrubber import plugin_scrubber
from dynamic_plugins.workers.remote.address_guard import AddressGuard
from dynamic_plugins.workers.remote.http_client import RemoteHttpClient
from dynamic_plugins.workers.remote.remote_connection import RemoteConnection
from dynamic_plugins.workers.remote.remote_session import RemoteSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.oauth.plugin_auth import PluginAuth
    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.registry.entry import Remote, Transport
    from dynamic_plugins.settings import Limits
    from dynamic_plugins.workers.components import Host
    from dynamic_plugins.workers.remote.http_client import Failure

AuthFactory = Callable[[str, str], "PluginAuth | None"]
"""Called with a plugin's name and the address of its server; gives what signs in there, or None."""
_READ_SECONDS = 300.0
"""How long a stream may be silent; calls have bounds of their own."""
_PERHAPS_OLDER = (400, 404, 405)
"""How a server of the older transport answers to the newer one."""


class RemoteLoader:
    """Opens a connection to each remote server. *environment* is the host's own, which may name a proxy.

    *log* gets a plugin's name and one line, without its secrets. *auth_for* gives what signs in, to servers without
    headers of their own.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        start_timeout: float,
        call_timeout: float,
        log: Callable[[str, str], None],
        environment: Mapping[str, str],
        auth_for: AuthFactory | None = None,
    ) -> None:
        self._limits, self._log, self._environment = limits, log, environment
        self._start_timeout, self._call_timeout = start_timeout, call_timeout
        self._auth_for = auth_for

    async def connect(self, installation: Installation, values: Mapping[str, str], host: Host) -> RemoteConnection:
        """Connect to where *installation* runs and wait until its components are known.

        Raises UnreachableError, LoadError with the server's own error, ContractError or ComponentClashError for a
        broken component, and PermissionDeniedError for an address that may not be reached.
        """
        name, remote = installation.plugin, installation.remote
        if remote is None:
            raise LoadError(name, "its install names no address")
        try:
            address, headers = filled(remote, values), headers_of(remote, values)
        except RemoteAddressError as error:
            raise LoadError(name, f"{error}. Set it anew with: dynamic-plugins configure {name}") from None
        if host.log is None:
            host = replace(host, log=self._log)
        scrubber = plugin_scrubber(values, installation.variables, [])
        # Without its own headers: an entry rarely says that one has to sign in.
        auth = self._auth_for(name, address) if self._auth_for is not None and remote.auth != "headers" else None
        if auth is not None:
            scrubber = auth.with_tokens(scrubber)
        sessions = _Sessions(
            name,
            address,
            remote.transport,
            headers,
            auth,
            host,
            scrubber,
            refused=_remedy(name, remote),
            longest=self._limits.result_bytes,
            start_timeout=self._start_timeout,
            call_timeout=self._call_timeout,
            environment=self._environment,
            reached=_on_change(host.reached),
        )
        session = await sessions.first()
        if not session.offers.components:
            await session.close()
            raise LoadError(name, ": ".join(["offers nothing that can be called", *session.offers.left_out[:3]]))
        return RemoteConnection(name, session, sessions.open)


@dataclass
class _Sessions:
    """All that it takes to begin a session with one server, again and again."""

    name: str
    address: str
    transport: Transport
    headers: Mapping[str, str]
    auth: PluginAuth | None
    host: Host
    scrubber: Scrubber
    refused: str
    longest: int
    start_timeout: float
    call_timeout: float
    environment: Mapping[str, str]
    reached: Callable[[str], None]

    async def first(self) -> RemoteSession:
        """Begin a session; over the older transport where the server does not take what the newer one sends, as the
        protocol advises (2025-11-25, backwards compatibility).
        """
        try:
            return await self.open()
        except UnreachableError as error:
            if self.transport == "sse" or error.status not in _PERHAPS_OLDER:
                raise
            self.transport = "sse"
            try:
                return await self.open()
            except LoadError:
                raise error from None  # it is neither; what was expected of it is told

    async def open(self, *, modern: bool = False) -> RemoteSession:
        """Begin a session. Raises LoadError."""
        session = RemoteSession(
            self.name,
            self.address,
            self.transport,
            self._client,
            self.host,
            self.scrubber,
            call_timeout=self.call_timeout,
            longest=self.longest,
            modern=modern,
        )
        try:
            await session.open(self.start_timeout)
        except MCPError as error:
            if modern:
                raise LoadError(self.name, self.scrubber.text(str(error))) from None
            return await self.open(modern=True)  # it knows only the protocol of 2026
        return session

    def _client(self, on_failure: Callable[[Failure], None]) -> RemoteHttpClient:
        guard = AddressGuard(
            self.name,
            self.address,
            network=self.host.permissions.network or (),
            named=self.host.named,
            environment=self.environment,
        )
        return RemoteHttpClient(
            guard,
            self.headers,
            self.auth,
            longest=self.longest,
            read_seconds=max(_READ_SECONDS, self.call_timeout),
            refused=self.refused,
            reached=self.reached,
            on_failure=on_failure,
        )


def _on_change(tell: Callable[[str], None] | None) -> Callable[[str], None]:
    """Return what tells *tell* only what is news."""
    last: list[str] = []

    def reached(problem: str) -> None:
        if tell is not None and last != [problem]:
            last[:] = [problem]
            tell(problem)

    return reached


def _remedy(name: str, remote: Remote) -> str:
    wanted = " ".join(dict.fromkeys(f"{header.variable}=VALUE" for header in remote.headers if header.variable))
    if wanted:
        command = f"dynamic-plugins configure {name} {wanted}"
        return f"What it was told may be wrong or have expired; set it anew with: {command}"
    return "It wants to know who calls"
