"""A worker's own view of the machine: its own processes, its own network, and a file system that is read-only.

The supervisor (outside) waits for the first process of the new namespace, which waits for the worker. When the first
process ends, in whatever way, the kernel ends all others in the namespace with it.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # the other one takes a tenth of the start
import os
import select
import struct

from . import limits, supervision
from .libc import PR_SET_PDEATHSIG, call, prctl

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

_NEW_NS, _NEW_IPC, _NEW_USER, _NEW_PID, _NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 0x4000, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY = 442, -100, 0x8000, 1
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 # a mount of its own
_SHARED_MEMORY_SIZE = "size=64m,mode=1777"
_TEMPORARY = "/tmp"  # noqa: S108 # what many programs write to whatever TMPDIR says
_PID_MAX_IS_OWN = (6, 14)
"""From this kernel on the highest process number is one namespace's own, and so a limit on its processes."""
_RESERVED_PIDS = 300


def run(order: dict[str, Any], start: Callable[[], NoReturn]) -> NoReturn:
    """Call *start* in new namespaces and end as it does. Raises OSError where the system gives none."""
    _unshare(order["network"] != "any")
    supervision.ignore_hints()
    ended_in, ended_out = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(ended_in)
        supervision.start_or_leave(lambda: _be_first(order, start, ended_out))
    os.close(ended_out)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after unshare, which takes it back
    if os.getppid() != order["host"]:
        os.kill(first, signal.SIGKILL)
        os._exit(1)
    if order["network"] == "hosts":
        os.close(order["uplink"])
    supervision.leave_pipes()
    said = os.read(ended_in, 4)
    os.waitpid(first, 0)
    supervision.end_as(struct.unpack("i", said)[0] if len(said) == 4 else signal.SIGKILL)


def probe() -> None:
    """Make namespaces as :func:`run` does, in this process. Raises OSError where that is refused."""
    _unshare(True)
    first = os.fork()
    if first == 0:
        supervision.start_or_leave(lambda: _probe_inside())
    _, status = os.waitpid(first, 0)
    if status:
        raise OSError("namespaces are made, but nothing can be mounted in them")


def _probe_inside() -> NoReturn:
    _mount_all((), "")
    _open_loopback()
    os._exit(0)


def _unshare(network: bool) -> None:
    user, group = os.getuid(), os.getgid()
    call("unshare", _NEW_USER | _NEW_PID | _NEW_NS | _NEW_IPC | (_NEW_NET if network else 0))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        _write(f"/proc/self/{name}", text)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123 # pathlib takes a tenth of the start
        file.write(text)


def _be_first(order: dict[str, Any], start: Callable[[], NoReturn], ended: int) -> NoReturn:
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if _is_left(ended):  # the supervisor was killed before the kernel was told
        os._exit(1)
    _mount_all(order["write"], order["kept"])
    if order["own_temporary"]:
        _mount_temporary(order["folder"])
    if (most := order["limits"].get("processes")) is not None:
        _limit_processes(most)
    relay = None
    if order["network"] != "any":
        _open_loopback()
    if order["network"] == "hosts":
        from .relay import Relay

        _mount_resolver()
        relay = Relay(order["uplink"], order["ports"], order["addresses"])
    worker = os.fork()
    if worker == 0:
        os.close(ended)
        if relay is not None:
            relay.close()
        supervision.start_or_leave(start)
    supervision.leave_pipes()
    if relay is not None:
        relay.serve()
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            os.write(ended, struct.pack("i", status))
            os._exit(0)


def _is_left(pipe: int) -> bool:
    """Return whether nobody holds the other end of *pipe* any more."""
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))


# ---------------------------------------------------------------- mounts


def _mount_all(writable: Sequence[str], kept: str) -> None:
    """Make all that is mounted read-only but for the paths in *writable*, with processes and shared memory of its own.

    So modes, owners and times are kept as well, which Landlock does not look at. The folder *kept* stays read-only
    where it lies in one of them.
    """
    _mount(None, "/", None, _REC | _PRIVATE)
    own = _outermost(writable)
    for path in own:
        _mount(path, path, None, _BIND | _REC)
    _set_read_only("/", True)
    for path in own:
        _set_read_only(path, False)
    for path in own:
        if _lies_in(kept, path):
            _keep(kept, path, writable)
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    if os.path.isdir(_SHARED_MEMORY):  # noqa: PTH112
        _mount("tmpfs", _SHARED_MEMORY, "tmpfs", _NOSUID | _NODEV, _SHARED_MEMORY_SIZE)


def _mount_temporary(folder: str) -> None:
    """Have the worker's own *folder* stand where programs expect that anybody may write, as its TMPDIR does."""
    if os.path.realpath(folder) == folder and os.path.isdir(_TEMPORARY):  # noqa: PTH112
        _mount(folder, _TEMPORARY, None, _BIND | _REC)


def _keep(kept: str, above: str, writable: Sequence[str]) -> None:
    """Make the folder *kept* read-only again, which lies in the writable *above*; what is *writable* in it stays so.

    Each folder on the way to it becomes a mount, which nobody can move away to put another in its place.
    """
    here = above
    for name in kept[len(above) :].split("/"):
        if name:
            here = f"{here.rstrip('/')}/{name}"
            _mount(here, here, None, _BIND | _REC)
    _set_read_only(kept, True)
    for path in _outermost([each for each in writable if _lies_in(each, kept)]):
        if path != kept:
            _mount(path, path, None, _BIND | _REC)
            _set_read_only(path, False)


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _mount_resolver() -> None:
    """Have names looked up at the relay."""
    path = f"{_SHARED_MEMORY}/resolv.conf"
    try:
        _write(path, "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
        _mount(path, os.path.realpath("/etc/resolv.conf"), None, _BIND)
    except OSError:  # without the file, names are looked up on this machine anyhow
        return


def _outermost(paths: Sequence[str]) -> list[str]:
    """Return those of *paths* that are there and lie in none of the others; what has become a link is passed over."""
    found: list[str] = []
    for path in sorted({each for each in paths if os.path.realpath(each) == each and os.path.exists(each)}):  # noqa: PTH110
        if path != _SHARED_MEMORY and not any(_lies_in(path, each) for each in found):
            found.append(path)
    return found


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = (None if each is None else os.fsencode(each) for each in (source, target, kind))
    call("mount", *words, flags, None if options is None else options.encode())


def _set_read_only(path: str, read_only: bool) -> None:
    change = struct.pack("QQQQ", _ATTR_RDONLY if read_only else 0, 0 if read_only else _ATTR_RDONLY, 0, 0)
    call("syscall", _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), _AT_RECURSIVE, change, len(change))


# ---------------------------------------------------------------- processes and network


def _limit_processes(most: int) -> None:
    """Allow *most* processes and threads: by number where the kernel can, for an ordinary user also by count."""
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2] if part.isdigit())
    if release >= _PID_MAX_IS_OWN:
        try:  # noqa: SIM105 # contextlib takes a tenth of the start
            _write("/proc/sys/kernel/pid_max", str(most + _RESERVED_PIDS))
        except OSError:
            pass  # what the documentation says of older kernels holds
    if os.getuid():  # the count does not hold for root
        limits.limit_processes(most)


def _open_loopback() -> None:
    """Bring up the loopback device and make every address one of this machine's: what connects anywhere ends here."""
    import _socket
    import fcntl

    device = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM, 0)
    fcntl.ioctl(device.fileno(), 0x8914, struct.pack("16sH", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
    device.close()
    # rtnetlink(7): a local route for 0.0.0.0/0 in the table "local", through device 1.
    body = struct.pack("BBBBBBBBI", 2, 0, 0, 0, 255, 4, 254, 2, 0) + struct.pack("HHI", 8, 4, 1)
    routes = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, 0)
    routes.send(struct.pack("IHHII", 16 + len(body), 24, 0x605, 1, 0) + body)
    error = struct.unpack("i", routes.recv(4096)[16:20])[0]
    routes.close()
    if error:
        raise OSError(-error, "a route cannot be set")
