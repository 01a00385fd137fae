"""The way out to a remote server: to the hosts that were agreed to, and to no machine nearby that nobody has named.

A name may lead anywhere, and to another place each time it is looked up: it is looked up here, what it leads to is
checked, and the connection goes to exactly that address. The certificate is checked against the name as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from dynamic_plugins.core.own_addresses import is_own_machine
from dynamic_plugins.core.pinned_connections import PinnedConnections, look_up
from dynamic_plugins.errors import permission_denied
from dynamic_plugins.install.remote_address import host_and_port, is_loopback, is_near, is_public
from dynamic_plugins.workers.fence.allowed_hosts import AllowedHosts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Origin = tuple[str, str, int]
_MOST_ADDRESSES = 4
_PROXIES = {"https": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "http": ("http_proxy", "all_proxy")}


class AddressGuard(httpx2.AsyncBaseTransport):
    """Connects for *plugin* to the origin of *endpoint* and to no other: where one signs in has a client of its own.

    *network* are the hosts that were agreed to, *named* those that the person or the operator has named themselves:
    only these may lie on this machine or in its own network. *environment* is the host's own, which may name a proxy; a
    proxy looks names up itself, so only what a name says is checked then.
    """

    def __init__(
        self,
        plugin: str,
        endpoint: str,
        *,
        network: Collection[str],
        named: Collection[str],
        environment: Mapping[str, str],
    ) -> None:
        self._plugin = plugin
        self._endpoint = origin_of(httpx2.URL(endpoint))
        self._agreed, self._named = AllowedHosts(network), AllowedHosts(named)
        self._environment = environment
        self._connections = PinnedConnections()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request*. Raises PermissionDeniedError for a host that may not be reached, and httpx2's own errors."""
        origin = origin_of(request.url)
        self._check(origin)
        proxy = proxy_for(origin, self._environment)
        if proxy:
            self._check_near(origin, [])
            return await self._connections.send_through(proxy, request)
        addresses = (await look_up(*origin[1:]))[:_MOST_ADDRESSES]
        self._check_near(origin, addresses)
        return await self._connections.send(request, addresses)

    async def aclose(self) -> None:
        await self._connections.aclose()

    def _check(self, origin: Origin) -> None:
        scheme, host, port = origin
        if scheme != "https" and not is_loopback(host):
            raise self._refused(origin, "it is not https")
        if origin != self._endpoint:
            raise self._refused(origin, "it is another place than was agreed to")
        if self._agreed.rule(host, port) is None:
            raise self._refused(origin)

    def _check_near(self, origin: Origin, addresses: list[str]) -> None:
        _, host, port = origin
        if self._named.rule(host, port) is not None:
            return
        near = [address for address in addresses if not is_public(address) or is_own_machine(address)]
        if near or is_near(host):
            raise self._refused(origin, "it lies on this machine or in your own network")

    def _refused(self, origin: Origin, why: str = "") -> Exception:
        _, host, port = origin
        return permission_denied(
            self._plugin, "network", f"[{host}]:{port}" if ":" in host else f"{host}:{port}", "", why
        )


def origin_of(url: httpx2.URL) -> Origin:
    """Return the scheme, host and port of *url*."""
    host, port = host_and_port(str(url))
    return url.scheme, host, port


def proxy_for(origin: Origin, environment: Mapping[str, str]) -> str:
    """Return the proxy that *environment* names for *origin*; empty for none, and for this machine."""
    scheme, host, _ = origin
    if is_loopback(host):
        return ""
    kept_out = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    for word in filter(None, (each.strip().lower().lstrip(".") for each in kept_out.split(","))):
        if word == "*" or host == word or host.endswith(f".{word}"):
            return ""
    return next((environment[name] for name in _PROXIES[scheme] if environment.get(name)), "")
