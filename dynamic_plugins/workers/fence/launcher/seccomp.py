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

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

Instruction = tuple[int, int, int, int]
Numbers = tuple[int | None, int | None]
"""The number of a call on x86_64 and on aarch64; None: it has no such call."""

_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # where they lie in what the filter looks at
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_FILTER_MODE = 2

_NEW_NAMESPACES = 0x7E020080
_X32 = 0x40000000
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _PACKETS, _KIND = 1, 5, 0xF
_ACCESS_MODE, _TRUNCATING = 0o3, 0o1000

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED: dict[str, Numbers] = {
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
# Memory, semaphores and messages that all programs of a user share: those of a machine, where there is no namespace.
_SHARED: dict[str, Numbers] = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}
# What changes any process of the user, by its number; 0 is the one that calls.
_OF_A_PROCESS: dict[str, Numbers] = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
# The same, of a process, a group or a user: the first argument, and which value of it is a process.
_OF_PROCESSES: dict[str, tuple[Numbers, int]] = {
    "setpriority": ((141, 140), 0),
    "ioprio_set": ((251, 30), 1),
}
_SOCKET, _SOCKETPAIR, _CLONE, _CLONE3, _PRCTL = (41, 198), (53, 199), (56, 220), (435, 435), (157, 167)
_FORK, _VFORK = (57, None), (58, None)
_TRUNCATE, _OPEN, _OPENAT, _OPENAT2 = (76, 45), (2, None), (257, 56), (437, 437)
_WATCH = (254, 27)


def is_supported() -> bool:
    """Return whether the numbers of this machine's system calls are known here."""
    return os.uname().machine in _MACHINES


def restrict(order: dict[str, Any], *, truncation: bool) -> None:
    """Refuse for this process, and all that it starts, the calls that *order* does not allow. Raises OSError.

    *truncation* says that files are to be kept from being emptied, which the first versions of Landlock do not do.
    """
    program = _program(os.uname().machine, order, truncation)
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    held = ctypes.create_string_buffer(code)
    described = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(held))
    set_no_new_privileges()
    call("prctl", PR_SET_SECCOMP, _FILTER_MODE, described, 0, 0)


def _program(machine: str, order: dict[str, Any], truncation: bool) -> list[Instruction]:
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUALS, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),  # calls of another machine, such as those of 32 bits, have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.EPERM)]
    for numbers, body in (*_always(order), *_by_order(order, truncation)):
        if (number := numbers[0 if machine == "x86_64" else 1]) is not None:
            program += [(_EQUALS, 0, len(body) + 1, number), *body, (_LOAD, 0, 0, _NUMBER)]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _always(order: dict[str, Any]) -> Iterator[tuple[Numbers, list[Instruction]]]:
    """Yield what is done about calls whatever is allowed: the numbers of each, and instructions."""
    for numbers in _REFUSED.values():
        yield numbers, [_refuse(errno.EPERM)]
    # The flags of clone3 lie in memory, where a filter cannot look: the C library falls back on clone.
    yield _CLONE3, [_refuse(errno.EPERM if order["alone"] else errno.ENOSYS)]
    yield _CLONE, [_argument(0), (_HAS_BITS, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM)]
    yield _PRCTL, [_argument(0), *_refuse_if_equal(PR_SET_CHILD_SUBREAPER), *_refuse_if_equal(PR_SET_PDEATHSIG)]
    yield _SOCKET, _only_families(order["network"], order["unix_sockets"])


def _by_order(order: dict[str, Any], truncation: bool) -> Iterator[tuple[Numbers, list[Instruction]]]:
    numbers: Numbers
    if order["alone"]:
        for numbers in (_CLONE, _FORK, _VFORK):
            yield numbers, [_refuse(errno.EPERM)]
    if not order["unix_sockets"]:
        # One of a pair that sends datagrams can send them to any other socket, and be connected to it.
        yield _SOCKETPAIR, [*_only(0, _UNIX), _argument(1), (_AND, 0, 0, _KIND), *_else_refuse(_STREAM, _PACKETS)]
    if not order["watch"]:
        yield _WATCH, [_refuse(errno.EACCES)]
    if order["tier"] != "namespaces":
        for numbers in _SHARED.values():
            yield numbers, [_refuse(errno.EPERM)]
        for numbers in _OF_A_PROCESS.values():
            yield numbers, _only(0, 0)
        for numbers, of_a_process in _OF_PROCESSES.values():
            yield numbers, [*_only(0, of_a_process), *_only(1, 0)]
    if truncation:
        yield _TRUNCATE, [_refuse(errno.EACCES)]
        yield _OPENAT2, [_refuse(errno.ENOSYS)]
        yield _OPEN, _refuse_emptying(1)
        yield _OPENAT, _refuse_emptying(2)


def _refuse(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument: all that the kernel reads of flags and options."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _refuse_if_equal(value: int) -> list[Instruction]:
    return [(_EQUALS, 0, 1, value), _refuse(errno.EPERM)]


def _only(index: int, value: int) -> list[Instruction]:
    """Refuse all but one value of an argument."""
    return [_argument(index), *_else_refuse(value)]


def _else_refuse(*values: int) -> list[Instruction]:
    """Refuse all but *values* of what was loaded last."""
    return [*((_EQUALS, len(values) - index, 0, value) for index, value in enumerate(values)), _refuse(errno.EACCES)]


def _only_families(network: str, unix_sockets: bool) -> list[Instruction]:
    families = [] if network == "none" else [_INET, _INET6, _NETLINK]
    families += [_UNIX] if unix_sockets else []
    return [_argument(0), *_else_refuse(*families)]


def _refuse_emptying(flags: int) -> list[Instruction]:
    """Refuse to open for reading and empty at once, which counts as reading."""
    return [
        _argument(flags),
        (_AND, 0, 0, _ACCESS_MODE | _TRUNCATING),
        (_EQUALS, 0, 1, _TRUNCATING),
        _refuse(errno.EACCES),
    ]
