"""Questions and answers of the domain name system, as far as a relay needs them (RFC 1035, section 4)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = 12
_IPV4, _INTERNET = 1, 1
_SECONDS = 30
_NO_SUCH_NAME = 3


def asked(message: bytes) -> tuple[str, bool]:
    """Return the name that *message* asks for, and whether for IPv4 addresses. Raises ValueError for no question."""
    name, end = _name(message)
    if len(message) < end + 4:
        raise ValueError("a question that was cut off")
    kind, family = struct.unpack_from(">HH", message, end)
    return name, (kind, family) == (_IPV4, _INTERNET)


def answer(message: bytes, addresses: Sequence[str], *, exists: bool) -> bytes:
    """Return the answer to *message* with *addresses*; of a name that does not *exist*, that it does not."""
    end = _name(message)[1] + 4
    flags = 0x8180 | (0 if exists else _NO_SUCH_NAME)
    header = message[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0)
    # Each record begins with where the name stands: in the question.
    records = (struct.pack(">HHHIH", 0xC000 | _HEADER, _IPV4, _INTERNET, _SECONDS, 4) + _packed(a) for a in addresses)
    return header + message[_HEADER:end] + b"".join(records)


def _name(message: bytes) -> tuple[str, int]:
    """Return the first name in *message* and where it ends."""
    labels, at = [], _HEADER
    while at < len(message) and (length := message[at]):
        if length > 63:
            raise ValueError("a name that points elsewhere")
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels).lower(), at + 1


def _packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))
