"""No way out: while a conversation is replayed, nothing in this process reaches another machine or looks one up."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, contextmanager
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

_replaying = 0
# What Python tells its audit hooks before it does it, by whichever name it was called.
_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_SENDING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class NetworkRefusedError(OSError):
    """Something wanted to reach another machine while a conversation was replayed.

    Clients must take it for a network that fails: an OSError, and no PluginError.
    """


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse to connect or send to anything but this machine, and to look up names."""
    global _replaying  # a hook cannot be taken out again, so it asks whether it is wanted
    _listen()
    with ExitStack() as stack:
        # Python tells about these when it has looked up the name already.
        for method in ("connect", "connect_ex", "sendto", "sendmsg"):
            if hasattr(socket.socket, method):
                stack.enter_context(patch.object(socket.socket, method, _checked(method)))
        _replaying += 1
        try:
            yield
        finally:
            _replaying -= 1


@cache
def _listen() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, told: tuple[Any, ...]) -> None:
    if not _replaying:
        return
    if event in _LOOK_UPS:
        host = told[0][0] if event == "socket.getnameinfo" else told[0]
        if host not in (None, "", b""):
            _refuse_unless_local(host)
    elif event in _SENDING:
        _check(*told[:2])


def _checked(method: str) -> Any:
    real = getattr(socket.socket, method)

    def checked(self: socket.socket, *arguments: Any) -> Any:
        if method == "sendmsg":
            _check(self, arguments[3] if len(arguments) > 3 else None)
        elif arguments:
            _check(self, arguments[-1])
        return real(self, *arguments)

    return checked


def _check(sender: socket.socket, address: Any) -> None:
    if sender.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple) and address:
        _refuse_unless_local(address[0])


def _refuse_unless_local(host: Any) -> None:
    name = host.decode(errors="replace") if isinstance(host, bytes | bytearray) else str(host)
    if not _is_local(name):
        raise NetworkRefusedError(f"{name}: there is no network while a conversation is replayed")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
