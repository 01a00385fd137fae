"""No way out: while a conversation is replayed, nothing in this process connects to another machine."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator


class NetworkRefusedError(OSError):
    """Something wanted to connect to another machine while a conversation was replayed."""


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse connections to anything but this machine, and looking up names."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        _check(self.family, address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def checked_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        if host not in (None, "", "localhost") and not _is_local(str(host)):
            raise NetworkRefusedError(f"{host}: there is no network while a conversation is replayed")
        return look_up(host, *rest, **named)

    with (
        patch.object(socket.socket, "connect", checked_connect),
        patch.object(socket.socket, "connect_ex", checked_connect_ex),
        patch.object(socket, "getaddrinfo", checked_look_up),
    ):
        yield


def _check(family: int, address: Any) -> None:
    if family in {socket.AF_INET, socket.AF_INET6} and not _is_local(str(address[0])):
        raise NetworkRefusedError(f"{address[0]}: there is no network while a conversation is replayed")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
