"""The addresses of this machine: a public one is one of its own, too, and leads past what keeps the internet out."""

from __future__ import annotations

import socket

_ANY_PORT = 9


def is_own_machine(address: str) -> bool:
    """Return whether a connection to the IP *address* ends on this machine. Nothing is sent.

    A system that speaks to itself does so from the address that it speaks to.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as end:
            end.connect((address, _ANY_PORT))
            return bool(end.getsockname()[0] == address)
    except OSError:
        return False  # nothing leads there
