"""Which user of this machine is at the other end of a connection: Linux tells, of each socket (``sock_diag(7)``)."""

from __future__ import annotations

import functools
import os
import socket
import struct
import sys
from ipaddress import ip_address

Address = tuple[str, int]
"""An IP address and a port."""

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
"""``NETLINK_SOCK_DIAG``, ``SOCK_DIAG_BY_FAMILY`` and ``NLM_F_REQUEST`` of the kernel's headers."""
_HEADER = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBBI")
_PORTS = struct.Struct("!HH")
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_OWNER = struct.Struct("=II")
_OWNER_AT = _HEADER.size + 4 + 48 + 12
"""Where ``idiag_uid`` and ``idiag_inode`` stand: behind four bytes of state, the socket's id, and three numbers."""
_SECONDS = 2.0


def owner_of(peer: Address, here: Address) -> int | None:
    """Return the id of the user whose process holds the socket at *peer* that is connected to *here*.

    None where no process of this machine holds one any more, or never did.
    """
    if sys.platform != "linux":
        return None
    try:
        answer = _asked(peer, here)
    except (OSError, ValueError):
        return None
    if len(answer) < _OWNER_AT + _OWNER.size or _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    user, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    # A socket that nobody holds any more is shown as root's.
    return int(user) if inode else None


if sys.platform == "linux":

    def _asked(peer: Address, here: Address) -> bytes:
        family = socket.AF_INET6 if ip_address(peer[0]).version == 6 else socket.AF_INET
        addresses = b"".join(ip_address(each[0]).packed.ljust(16, b"\0") for each in (peer, here))
        asked = _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
        asked += _PORTS.pack(peer[1], here[1]) + addresses + _ANY_COOKIE
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
            kernel.settimeout(_SECONDS)
            kernel.sendto(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked, (0, 0))
            return kernel.recv(4096)


@functools.cache
def owners_are_told() -> bool:
    """Return whether this machine tells whose a connection is: tried once, on a connection of our own."""
    if sys.platform != "linux":
        return False
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            here = listening.getsockname()
            with socket.create_connection(here, timeout=_SECONDS) as ours:
                return owner_of(ours.getsockname(), here) == os.geteuid()
    except OSError:
        return False
