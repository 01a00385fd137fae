"""Files: what a worker may read, run and write, enforced by Landlock (Linux 5.13 and newer).

The numbers are those of ``linux/landlock.h``; https://docs.kernel.org/userspace-api/landlock.html says which version
("ABI") brought what. Landlock does not look at modes, owners and times: read-only mounts do, where there are
namespaces.
"""

from __future__ import annotations

import os
import stat
import struct

from .libc import call, set_no_new_privileges

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_ABI_VERSION = 1  # a flag: create nothing, tell the version

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = ((REFER, 2), (TRUNCATE, 3), (IOCTL_DEV, 5))
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPED = 0b11  # abstract unix sockets, signals

_READ = READ_FILE | READ_DIR
_RUN = _READ | EXECUTE
_WRITE = (_FIRST_RIGHTS & ~EXECUTE & ~(1 << 6) & ~(1 << 11)) | REFER | TRUNCATE  # no device nodes
_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))


def version() -> int:
    """Return which version of Landlock the kernel has; 0 where it has none or it is switched off."""
    try:
        return call("syscall", _CREATE_RULESET, None, 0, _ABI_VERSION)
    except OSError:
        return 0


def restrict(order: dict[str, Any]) -> int:
    """Keep this process, and all that it starts, to the paths of *order*; return Landlock's version.

    Raises OSError where that cannot be done. Paths that are not there are passed over.
    """
    abi = version()
    handled = (
        _FIRST_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    )
    # With a network of its own the relay decides; without one, ports are all that can be told apart.
    alone = order["tier"] == "namespaces"
    ports = order["ports"] if order["network"] == "hosts" and abi >= 4 and not alone else None
    ruleset = _ruleset(abi, handled, 0 if ports is None else _CONNECT_TCP)
    _allow(ruleset, order["read"], _READ & handled)
    _allow(ruleset, order["execute"], _RUN & handled)
    _allow(ruleset, order["given"], _READ & handled, links=False)
    _allow(ruleset, order["write"], _WRITE & handled, links=False)
    _allow(ruleset, _DEVICES, (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV) & handled)
    for port in ports or ():
        call("syscall", _ADD_RULE, ruleset, _RULE_NET_PORT, struct.pack("QQ", _CONNECT_TCP, port), 0)
    set_no_new_privileges()
    call("syscall", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return abi


def _ruleset(abi: int, files: int, network: int) -> int:
    attributes = struct.pack("QQQ", files, network, _SCOPED if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    return call("syscall", _CREATE_RULESET, attributes[:size], size, 0)


def _allow(ruleset: int, paths: Iterable[str], rights: int, *, links: bool = True) -> None:
    """Allow *rights* at *paths*. Without *links*, one that leads elsewhere by now is passed over."""
    for path in paths:
        try:
            there = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if not links and os.readlink(f"/proc/self/fd/{there}") != path:  # noqa: PTH115
                continue
            may = rights if stat.S_ISDIR(os.fstat(there).st_mode) else rights & _OF_A_FILE
            call("syscall", _ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", may, there), 0)
        finally:
            os.close(there)
