"""Requests to addresses that a stranger named: where a remote server may send us, and how much is read from there.

What a server says of itself and of who signs people in is a stranger's word. It must not lead us to this machine or
into the local network, to a plain connection, or through endless documents and redirects.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from dynamic_plugins import __version__
from dynamic_plugins.core.own_addresses import is_own_machine
from dynamic_plugins.core.pinned_connections import PinnedConnections, look_up
from dynamic_plugins.install.remote_address import is_public

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_BYTES = 256 * 1024
"""The longest document that is read: metadata, a registration or a token."""
SECONDS = 15.0
"""How long one request may take."""
_LONGEST_ADDRESS = 8_000
# What RFC 3986 allows in an address, less the quotation mark that programs which open one might misread.
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+")


class UnsafeAddressError(Exception):
    """An address, or what lies there, is not followed; the text says why and names the host at most.

    It never leaves this folder, whose flows name the plugin: no PluginError.
    """


class Reach:
    """Where *server*, a plugin's own address, may send us.

    To public hosts over https; one on this machine's loopback also to loopback, over plain http too; one in the local
    network also to hosts of that network.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._here = is_loopback(self._server.hostname or "")
        self._near: bool | None = None

    def check(self, address: str, what: str) -> None:
        """Raise UnsafeAddressError where *address*, which is to be *what*, cannot be followed whatever it leads to."""
        if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise UnsafeAddressError(f"{what} is no plain web address")
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise UnsafeAddressError(f"{what} is no plain web address") from None
        if not host or parts.username is not None or parts.fragment:
            raise UnsafeAddressError(f"{what} is no plain web address")
        loopback = is_loopback(host)
        if loopback and not self._here:
            raise UnsafeAddressError(f"{what} leads to this machine ({host})")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise UnsafeAddressError(f"{what} is not an https address ({parts.scheme}://{host})")

    def check_origin(self, address: str, what: str) -> None:
        """Raise UnsafeAddressError where *address* is not on the server's own host and port."""
        self.check(address, what)
        there = urlsplit(address)
        if (there.scheme, there.netloc.lower()) != (self._server.scheme, self._server.netloc.lower()):
            raise UnsafeAddressError(f"{what} lies on another host ({there.netloc}) than the server")

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of *host*, looked up once for one request. Raises UnsafeAddressError."""
        found = await _looked_up(host, port)
        for each in found:
            if not await self._may_reach(each):
                raise UnsafeAddressError(f"{host} leads to this machine or into the local network ({each})")
        return [str(each) for each in found]

    async def _may_reach(self, address: Address) -> bool:
        if address.is_loopback:
            return self._here
        if is_public(str(address)):
            return self._here or not is_own_machine(str(address)) or await self._is_on_this_machine()
        return _is_private(address) and (self._here or await self._is_near())

    async def _is_near(self) -> bool:
        """Return whether the server itself is in the local network, as a company's own is."""
        if self._near is None:
            host = self._server.hostname or ""
            self._near = all(map(_is_private, await _looked_up(host, self._server.port or 443)))
        return self._near

    async def _is_on_this_machine(self) -> bool:
        """Return whether the server itself has a public address of this machine."""
        found = await _looked_up(self._server.hostname or "", self._server.port or 443)
        return all(is_own_machine(str(each)) for each in found)


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine by its own words: ``localhost``, ``127.0.0.1``, ``::1``."""
    name = host.lower().removesuffix(".")
    address = _literal(name)
    return address.is_loopback if address is not None else name == "localhost" or name.endswith(".localhost")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_private(address: Address) -> bool:
    """Return whether *address* is of a local network; not one that clouds keep their machines' secrets under."""
    return address.is_private and not (address.is_link_local or address.is_loopback or address.is_unspecified)


async def _looked_up(host: str, port: int) -> list[Address]:
    try:
        return list(dict.fromkeys(_plain(ipaddress.ip_address(each)) for each in await look_up(host, port)))
    except httpx2.ConnectError:
        raise UnsafeAddressError(f"{host} is not known") from None


def _plain(address: Address) -> Address:
    """Return *address*, or the IPv4 one that it stands for."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class _PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to addresses that were looked up and checked, so that a name cannot mean another a moment later."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._connections = PinnedConnections()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._reach.check(str(request.url), "an address that the server named")
        host, scheme = request.url.host, request.url.scheme
        if not is_loopback(host) and (proxy := getproxies().get(scheme)) and not proxy_bypass(host):
            # There the proxy looks the name up; what it lets through is the business of whoever runs it.
            return await self._connections.send_through(proxy, request)
        port = request.url.port or (443 if scheme == "https" else 80)
        return await self._connections.send(request, await self._reach.addresses(host, port))

    async def aclose(self) -> None:
        await self._connections.aclose()


class GuardedClient:
    """Sends requests within *reach*: one at a time bounded in time and size, redirects followed by nobody."""

    def __init__(self, reach: Reach) -> None:
        self._client = httpx2.AsyncClient(
            transport=_PinnedTransport(reach),
            timeout=SECONDS,
            follow_redirects=False,
            headers={"User-Agent": f"agent-dynamic-plugins/{__version__}"},
        )

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to *request*, read whole.

        Raises UnsafeAddressError for what is not followed or read, and where nothing answers.
        """
        return await self._send(request, _read)

    async def head_of(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to *request* without its content, which may never end; errors as for :meth:`send`."""
        return await self._send(request, _only_head)

    async def _send(
        self, request: httpx2.Request, read: Callable[[httpx2.Response, str], Awaitable[httpx2.Response]]
    ) -> httpx2.Response:
        # What is not compressed is no longer than it is said to be.
        request.headers["Accept-Encoding"] = "identity"
        request.headers.setdefault("User-Agent", self._client.headers["User-Agent"])
        host = request.url.host
        try:
            async with asyncio.timeout(SECONDS):
                response = await self._client.send(request, stream=True)
                try:
                    return await read(response, host)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise UnsafeAddressError(f"{host} does not answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            why = "does not answer in time" if isinstance(error, httpx2.TimeoutException) else "cannot be reached"
            raise UnsafeAddressError(f"{host} {why} ({type(error).__name__})") from None

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()


async def _only_head(response: httpx2.Response, _host: str) -> httpx2.Response:
    return httpx2.Response(response.status_code, headers=_kept(response.headers), request=response.request)


async def _read(response: httpx2.Response, host: str) -> httpx2.Response:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsafeAddressError(f"{host} answers compressed, which it was not asked to")
    content = b""
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > MOST_BYTES:
            raise UnsafeAddressError(f"{host} answers with more than {MOST_BYTES // 1024} KB")
    whole = httpx2.Response(
        response.status_code, headers=_kept(response.headers), content=content, request=response.request
    )
    whole.next_request = response.next_request
    return whole


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    framing = {"transfer-encoding", "content-length"}
    return {name: value for name, value in headers.items() if name.lower() not in framing}
