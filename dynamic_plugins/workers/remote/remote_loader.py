"""Connects to plugins that run elsewhere, with address and headers filled in from the person's values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp import MCPError

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
    from dynamic_plugins.registry.entry import Remote
    from dynamic_plugins.settings import Limits
    from dynamic_plugins.workers.components import Host
    from dynamic_plugins.workers.remote.http_client import Failure

AuthFactory = Callable[[str, str], "PluginAuth | None"]
"""Called with a plugin's name and the address of its server; gives what signs in there, or None."""
_READ_SECONDS = 300.0
"""How long a stream may be silent; calls have bounds of their own."""


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
        reached = _on_change(host.reached)

        def make_client(on_failure: Callable[[Failure], None]) -> RemoteHttpClient:
            guard = AddressGuard(
                name,
                address,
                network=host.permissions.network or (),
                named=host.named,
                environment=self._environment,
            )
            return RemoteHttpClient(
                guard,
                headers,
                auth,
                longest=self._limits.result_bytes,
                read_seconds=max(_READ_SECONDS, self._call_timeout),
                refused=_remedy(name, remote),
                reached=reached,
                on_failure=on_failure,
            )

        async def open_session(*, modern: bool = False) -> RemoteSession:
            return await self._session(name, address, remote, make_client, host, scrubber, modern)

        session = await open_session()
        if not session.offers.components:
            await session.close()
            raise LoadError(name, "offers nothing that can be called")
        return RemoteConnection(name, session, open_session)

    async def _session(
        self,
        name: str,
        address: str,
        remote: Remote,
        make_client: Callable[[Callable[[Failure], None]], RemoteHttpClient],
        host: Host,
        scrubber: Scrubber,
        modern: bool,
    ) -> RemoteSession:
        how: dict[str, Any] = {"call_timeout": self._call_timeout, "longest": self._limits.result_bytes}
        session = RemoteSession(name, address, remote.transport, make_client, host, scrubber, **how, modern=modern)
        try:
            await session.open(self._start_timeout)
        except UnreachableError as error:
            if host.reached is not None:
                host.reached(error.reason)
            raise
        except MCPError as error:
            if modern:
                raise LoadError(name, scrubber.text(str(error))) from None
            # It knows only the protocol of 2026.
            return await self._session(name, address, remote, make_client, host, scrubber, modern=True)
        except asyncio.CancelledError:
            await session.close()
            raise
        return session


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
