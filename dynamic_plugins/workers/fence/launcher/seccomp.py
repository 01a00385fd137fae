"""System calls that no worker needs and that lead out of a fence are refused, by a seccomp filter.

A filter is a program of classic BPF: each instruction is an operation, where to jump if it holds and if not (counted
from the next), and a number (https://docs.kernel.org/userspace-api/seccomp_filter.html).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from .libc import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, PR_SET_SECCOMP, call, set_no_new_privileges

Instruction = tuple[int, int, int, int]

_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # where they lie in what the filter looks at
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_FILTER_MODE = 2

_NEW_NAMESPACES = 0x7E020080
_X32 = 0x40000000
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_ACCESS_MODE, _TRUNCATING = 0o3, 0o1000

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# name: number on x86_64, number on aarch64 (None: it has no such call)
_REFUSED: dict[str, tuple[int, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "iopl": (172, None),
    "ioperm": (173, None),
}
_SOCKET, _CLONE, _CLONE3, _PRCTL = (41, 198), (56, 220), (435, 435), (157, 167)
_FORK, _VFORK = (57, None), (58, None)
_TRUNCATE, _OPEN, _OPENAT, _OPENAT2 = (76, 45), (2, None), (257, 56), (437, 437)


def is_supported() -> bool:
    """Return whether the numbers of this machine's system calls are known here."""
    return os.uname().machine in _MACHINES


def restrict(*, network: str, unix_sockets: bool, truncation: bool, alone: bool = False) -> None:
    """Refuse the calls for this process and all that it starts. Raises OSError.

    *network* is ``any``, ``hosts`` or ``none``; *truncation* says that files are to be kept from being emptied, which
    the first versions of Landlock do not do. One that is *alone* starts no process and no thread.
    """
    program = _program(os.uname().machine, network, unix_sockets, truncation, alone)
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    held = ctypes.create_string_buffer(code)
    described = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(held))
    set_no_new_privileges()
    call("prctl", PR_SET_SECCOMP, _FILTER_MODE, described, 0, 0)


def _program(
    machine: str, network: str, unix_sockets: bool, truncation: bool, alone: bool = False
) -> list[Instruction]:
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUALS, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),  # calls of another machine, such as those of 32 bits, have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.EPERM)]
    which = 0 if machine == "x86_64" else 1

    def on(numbers: tuple[int | None, int | None], *body: Instruction) -> None:
        if (number := numbers[which]) is not None:
            program.extend([(_EQUALS, 0, len(body) + 1, number), *body, (_LOAD, 0, 0, _NUMBER)])

    for numbers in _REFUSED.values():
        on(numbers, _refuse(errno.EPERM))
    if alone:
        for numbers in (_CLONE, _CLONE3, _FORK, _VFORK):
            on(numbers, _refuse(errno.EPERM))
    # The flags of clone3 lie in memory, where a filter cannot look: the C library falls back on clone.
    on(_CLONE3, _refuse(errno.ENOSYS))
    on(_CLONE, _argument(0), (_HAS_BITS, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM))
    on(_PRCTL, _argument(0), *_refuse_if_equal(PR_SET_CHILD_SUBREAPER), *_refuse_if_equal(PR_SET_PDEATHSIG))
    on(_SOCKET, *_only_families(network, unix_sockets))
    if truncation:
        on(_TRUNCATE, _refuse(errno.EACCES))
        on(_OPENAT2, _refuse(errno.ENOSYS))
        on(_OPEN, *_refuse_emptying(1))
        on(_OPENAT, *_refuse_emptying(2))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _refuse(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument: all that the kernel reads of flags and options."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _refuse_if_equal(value: int) -> list[Instruction]:
    return [(_EQUALS, 0, 1, value), _refuse(errno.EPERM)]


def _only_families(network: str, unix_sockets: bool) -> list[Instruction]:
    families = [] if network == "none" else [_INET, _INET6, _NETLINK]
    families += [_UNIX] if unix_sockets else []
    allowed = [(_EQUALS, len(families) - index, 0, family) for index, family in enumerate(families)]
    return [_argument(0), *allowed, _refuse(errno.EACCES)]


def _refuse_emptying(flags: int) -> list[Instruction]:
    """Refuse to open for reading and empty at once, which counts as reading."""
    return [
        _argument(flags),
        (_AND, 0, 0, _ACCESS_MODE | _TRUNCATING),
        (_EQUALS, 0, 1, _TRUNCATING),
        _refuse(errno.EACCES),
    ]
