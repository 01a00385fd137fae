"""The way out of a worker that may reach some hosts only: its names and its connections go through here to the host.

The worker's network is empty, and every address in it is this machine's own. The relay answers what names of allowed
hosts stand for with their real addresses, and takes what connects to those. For each connection the host (the other
end of the *uplink*) decides again, connects, and hands over the connected socket; what is inside, such as TLS, is not
opened.

A message on the uplink is a question with one end of a socket pair, on which the answer comes: ``?NAME`` is answered
with addresses, ``NAME PORT`` with ``+`` and a connected socket, or with ``-``.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from . import domain_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 65_536
_MOST_AT_ONCE = 128
_RESET = struct.pack("ii", 1, 0)
"""Lingering for no time at all: the other end sees that the connection was broken off, not that all was said."""


class Relay:
    """Listens on *ports*. *addresses* are those that stand for a host without being looked up: address to name."""

    def __init__(self, uplink: int, ports: Sequence[int], addresses: Mapping[str, str]) -> None:
        self._uplink = socket.socket(fileno=uplink)
        self._hosts = {address: [name] for address, name in addresses.items()}
        self._names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._names.bind(("127.0.0.1", 53))
        self._doors = [(socket.create_server(("0.0.0.0", port)), port) for port in ports]  # noqa: S104 # a network of its own
        self._room = threading.Semaphore(_MOST_AT_ONCE)

    def close(self) -> None:
        """Let go of everything, in the process that becomes the worker."""
        for each in (self._uplink, self._names, *(door for door, _ in self._doors)):
            each.close()

    def serve(self) -> None:
        """Answer from now on, in threads."""
        threading.Thread(target=self._answer_names, daemon=True).start()
        for door, port in self._doors:
            threading.Thread(target=self._take, args=(door, port), daemon=True).start()

    def _answer_names(self) -> None:
        while True:
            question, sender = self._names.recvfrom(2048)
            threading.Thread(target=self._answer_name, args=(question, sender), daemon=True).start()

    def _answer_name(self, question: bytes, sender: tuple[str, int]) -> None:
        try:
            name, wants_ipv4 = domain_names.asked(question)
            answer, _ = self._ask(f"?{name}")
        except (OSError, ValueError):
            return
        found = answer.split() if wants_ipv4 else []
        for address in found:  # several names may share one, with other ports each
            known = self._hosts.setdefault(address, [])
            if name not in known:
                known.append(name)
        self._names.sendto(domain_names.answer(question, found, exists=bool(answer)), sender)

    def _take(self, door: socket.socket, port: int) -> None:
        while True:
            self._room.acquire()
            connection, _ = door.accept()
            threading.Thread(target=self._carry, args=(connection, port), daemon=True).start()

    def _carry(self, near: socket.socket, port: int) -> None:
        try:
            far = self._connected(near.getsockname()[0], port)
            if far is None:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()
            far.close()
        except OSError:
            pass  # one end has gone
        finally:
            near.close()
            self._room.release()

    def _connected(self, address: str, port: int) -> socket.socket | None:
        answers = (self._ask(f"{name} {port}")[1] for name in list(self._hosts.get(address, ())))
        return next((far for far in answers if far is not None), None)

    def _ask(self, question: str) -> tuple[str, socket.socket | None]:
        mine, theirs = socket.socketpair()
        with mine:
            with theirs:
                socket.send_fds(self._uplink, [question.encode()], [theirs.fileno()])
            said, descriptors, _, _ = socket.recv_fds(mine, _CHUNK, 1)
        far = socket.socket(fileno=descriptors[0]) if descriptors else None
        return said.decode("ascii", "replace"), far


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry what comes from *source* to *sink* until its end, and tell both that it has come."""
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    except OSError:
        pass  # the other direction ends as well
    for each, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            each.shutdown(how)
        except OSError:
            continue
