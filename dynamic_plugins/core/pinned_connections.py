"""HTTP connections to addresses that were looked up and checked: a name cannot mean another place a moment later."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Sequence


class PinnedConnections:
    """Sends requests to IP addresses, or through a proxy. The certificate is still checked against the URL's name."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, bytes, int | None, str], httpx2.AsyncHTTPTransport] = {}

    async def send(self, request: httpx2.Request, addresses: Sequence[str]) -> httpx2.Response:
        """Send *request* to the first of *addresses* that takes the connection. Raises httpx2's errors."""
        pool = self._pool(request.url)
        for index, address in enumerate(addresses):
            try:
                return await pool.handle_async_request(_to_address(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):  # nothing has been sent yet
                if index == len(addresses) - 1:
                    raise
        raise httpx2.ConnectError("there is no such host", request=request)

    async def send_through(self, proxy: str, request: httpx2.Request) -> httpx2.Response:
        """Send *request* through *proxy*, which looks the name up itself. Raises httpx2's errors."""
        return await self._pool(request.url, proxy).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, url: httpx2.URL, proxy: str = "") -> httpx2.AsyncHTTPTransport:
        # One for each origin: in a common one all names that lead to an address would share its connections, and with
        # them the certificate that was checked for the first.
        key = (url.scheme, url.raw_host, url.port, proxy)
        if key not in self._pools:
            self._pools[key] = httpx2.AsyncHTTPTransport(proxy=proxy or None)
        return self._pools[key]


def _to_address(request: httpx2.Request, address: str) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode().removesuffix(".")},
    )


async def look_up(host: str, port: int) -> list[str]:
    """Return the IP addresses of *host*, each once. Raises httpx2.ConnectError for a host that is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter for what cannot be a name
        raise httpx2.ConnectError(f"{host} is not known") from error
    return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))
