"""The host's end of a worker's network: looks up and connects to allowed hosts only, and hands the connection over.

``launcher/relay.py`` has the other end, and says what goes over it. Both ends know the rules, and only this one counts:
the other lies in a process that works for a stranger.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from dynamic_plugins.workers.fence.allowed_hosts import may_lead_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.workers.fence.allowed_hosts import AllowedHosts, HostRule

_SECONDS = 15.0
_LONGEST_QUESTION = 512
_MOST_AT_ONCE = 128


class Uplink:
    """The way out for one worker. *refused* is called with each host that it asked for and may not reach."""

    def __init__(self, hosts: AllowedHosts, refused: Callable[[str], None] = lambda _host: None) -> None:
        self._hosts, self._refused = hosts, refused
        self._mine, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mine.setblocking(False)
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def descriptor(self) -> int:
        """The end for the worker's launcher to inherit, until :meth:`serve`."""
        return self._theirs.fileno()

    def serve(self) -> None:
        """Answer from now on, in the running event loop."""
        self._theirs.close()
        asyncio.get_running_loop().add_reader(self._mine, self._read)

    def close(self) -> None:
        """Answer nothing any more. Connections that were handed over go on."""
        if self._mine.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._mine)
        for task in self._answering:
            task.cancel()
        self._mine.close()
        self._theirs.close()

    def _read(self) -> None:
        try:
            question, descriptors, _, _ = socket.recv_fds(self._mine, _LONGEST_QUESTION, 4)
        except BlockingIOError:
            return
        except OSError:
            question, descriptors = b"", []
        ends = [socket.socket(fileno=each) for each in descriptors]
        if not question:
            self.close()
        elif len(ends) == 1 and len(self._answering) < _MOST_AT_ONCE:
            task = asyncio.create_task(self._answer(question.decode("ascii", "replace"), ends.pop()))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        for end in ends:
            end.close()

    async def _answer(self, question: str, end: socket.socket) -> None:
        with end:
            end.setblocking(False)
            try:
                async with asyncio.timeout(_SECONDS):
                    if question.startswith("?"):
                        end.send(" ".join(await self._addresses(question[1:])).encode())
                    elif (connected := await self._connected(*question.split())) is not None:
                        with connected:
                            socket.send_fds(end, [b"+"], [connected.fileno()])
                    else:
                        end.send(b"-")
            except (OSError, TimeoutError, TypeError, ValueError):
                return  # nothing comes back: the worker sees a connection that ends

    async def _addresses(self, host: str) -> list[str]:
        if (rule := self._hosts.rule(host)) is None:
            self._refused(host)
            return []
        return await _lookup(rule, host, 0)

    async def _connected(self, host: str, port: str) -> socket.socket | None:
        """Return a socket that is connected to *host*. Its name is looked up again: the worker is not believed."""
        if (rule := self._hosts.rule(host, int(port))) is None:
            self._refused(f"{host}:{port}")
            return None
        for address in await _lookup(rule, host, int(port)):
            connection = socket.socket()
            connection.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(connection, (address, int(port)))
            except BaseException as error:  # cancelled, too: nobody else knows of the socket
                connection.close()
                if not isinstance(error, OSError):
                    raise
            else:
                connection.setblocking(True)
                return connection
        return None


async def _lookup(rule: HostRule, host: str, port: int) -> list[str]:
    """Return the IPv4 addresses of *host* that *rule* may lead to."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    addresses = (str(each[-1][0]) for each in found)
    return [address for address in addresses if may_lead_to(rule, address)][:8]
