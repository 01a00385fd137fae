"""A plugin that tries to get out, one way at a time. What it is after is told to it: see ``tests/fence_trial.py``."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.plugin import Plugin, action

if TYPE_CHECKING:
    from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = {
    "x86_64": {"ptrace": 101, "process_vm_readv": 310, "pidfd_getfd": 438, "add_key": 248, "bpf": 321, "unshare": 272}
    | {"io_uring_setup": 425, "perf_event_open": 298, "name_to_handle_at": 303, "mount": 165, "chroot": 161},
    "aarch64": {"ptrace": 117, "process_vm_readv": 270, "pidfd_getfd": 438, "add_key": 217, "bpf": 280, "unshare": 97}
    | {"io_uring_setup": 425, "perf_event_open": 241, "name_to_handle_at": 264, "mount": 40, "chroot": 51},
}[platform.machine()]
_MEGABYTE = 2**20
facts: dict[str, Any] = {}
ATTACKS: dict[str, Callable[[], object]] = {}


def attack(function: Callable[[], object]) -> Callable[[], object]:
    """Register an attack: it has failed when it raises or gives something false."""
    ATTACKS[function.__name__] = function
    return function


def system_call(name: str, *arguments: object) -> bool:
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if _LIBC.syscall(ctypes.c_long(_NUMBERS[name]), *words) < 0:
        raise OSError(ctypes.get_errno(), name)
    return True


# ---------------------------------------------------------------- files


@attack
def read_a_key() -> object:
    return Path(facts["key"]).read_text()


@attack
def list_the_home() -> object:
    return os.listdir(facts["home"])  # noqa: PTH208


@attack
def read_another_plugins_data() -> object:
    return Path(facts["other_data"], "notes").read_text()


@attack
def write_into_another_plugins_data() -> object:
    return Path(facts["other_data"], "planted").write_text("x")


@attack
def read_another_plugins_environment() -> object:
    return Path(facts["other_code"], "code.py").read_text()


@attack
def write_into_another_plugins_environment() -> object:
    return Path(facts["other_code"], "planted.pth").write_text("import x")


@attack
def write_into_its_own_environment() -> object:
    return Path(facts["own_code"], "planted.pth").write_text("import x")


@attack
def change_its_own_code() -> object:
    with Path(facts["own_code"], "code.py").open("a") as file:
        return file.write("# changed\n")


@attack
def write_into_the_home() -> object:
    return Path(facts["home"], ".bashrc").write_text("evil")


@attack
def move_a_key_away() -> object:
    os.rename(facts["spare"], "moved")  # noqa: PTH104
    return True


@attack
def remove_a_file() -> object:
    os.remove(facts["spare2"])  # noqa: PTH107
    return True


@attack
def link_to_a_key() -> object:
    os.link(facts["key"], "linked")
    return Path("linked").read_text()


@attack
def follow_a_link_to_a_key() -> object:
    Path("symbolic").symlink_to(facts["key"])
    return Path("symbolic").read_text()


@attack
def climb_through_its_own_root() -> object:
    return Path(f"/proc/self/root{facts['key']}").read_text()


@attack
def truncate_a_file() -> object:
    os.truncate(facts["spare3"], 0)
    return True


@attack
def empty_a_file_while_reading() -> object:
    os.close(os.open(facts["spare3"], os.O_RDONLY | os.O_TRUNC))
    return True


@attack
def change_a_mode() -> object:
    os.chmod(facts["key"], 0o644)  # noqa: PTH101
    return True


@attack
def change_a_time() -> object:
    os.utime(facts["key"], (1, 1))
    return True


@attack
def open_by_handle() -> object:
    handle = struct.pack("Ii", 128, 0) + bytes(128)
    return system_call("name_to_handle_at", -100, facts["key"].encode(), handle, bytes(4), 0)


@attack
def read_the_password_file() -> object:
    return Path("/etc/shadow").read_text()


@attack
def change_the_system_settings() -> object:
    with Path("/proc/sys/kernel/hostname").open("a") as file:
        return file.fileno()


# ---------------------------------------------------------------- other processes


@attack
def read_the_hosts_environment() -> object:
    return b"OF_THE_HOST" in Path(f"/proc/{facts['host']}/environ").read_bytes()


@attack
def read_the_hosts_memory() -> object:
    with Path(f"/proc/{facts['host']}/mem").open("rb") as memory:
        return memory.fileno()


@attack
def look_into_the_hosts_open_files() -> object:
    return os.readlink(f"/proc/{facts['host']}/fd/0")  # noqa: PTH115


@attack
def see_the_hosts_command_line() -> object:
    return facts["mark"].encode() in Path(f"/proc/{facts['host']}/cmdline").read_bytes()


@attack
def copy_the_hosts_memory() -> object:
    here = ctypes.create_string_buffer(8)
    vector = struct.pack("QQ", ctypes.addressof(here), 8)
    return system_call("process_vm_readv", facts["host"], vector, 1, struct.pack("QQ", facts["address"], 8), 1, 0)


@attack
def trace_the_host() -> object:
    return system_call("ptrace", 0x4206, facts["host"], 0, 0)


@attack
def signal_the_host() -> object:
    os.kill(facts["host"], signal.SIGCONT)
    return True


@attack
def signal_its_supervisor() -> object:
    os.kill(os.getppid(), signal.SIGCONT)
    return True


@attack
def take_a_descriptor_of_the_host() -> object:
    return system_call("pidfd_getfd", os.pidfd_open(facts["host"]), 0, 0)


@attack
def change_the_hosts_limits() -> object:
    resource.prlimit(facts["host"], resource.RLIMIT_CORE, (0, 0))
    return True


@attack
def read_the_hosts_limits() -> object:
    return resource.prlimit(facts["host"], resource.RLIMIT_NOFILE)


@attack
def change_the_hosts_priority() -> object:
    os.setpriority(os.PRIO_PROCESS, facts["host"], os.getpriority(os.PRIO_PROCESS, facts["host"]))
    return True


@attack
def change_the_priority_of_all_that_the_user_runs() -> object:
    os.setpriority(os.PRIO_USER, os.getuid(), max(0, os.getpriority(os.PRIO_PROCESS, 0)))
    return os.getpriority(os.PRIO_PROCESS, facts["host"]) is not None


@attack
def choose_the_hosts_processors() -> object:
    os.sched_setaffinity(facts["host"], os.sched_getaffinity(facts["host"]))
    return True


@attack
def change_how_the_host_is_scheduled() -> object:
    os.sched_setscheduler(facts["host"], os.SCHED_OTHER, os.sched_param(0))
    return True


@attack
def look_into_memory_that_other_programs_share() -> object:
    _LIBC.shmat.restype = ctypes.c_void_p
    where = _LIBC.shmat(facts["segment"], None, 0o10000)
    if where == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "shmat")
    return ctypes.string_at(where, 8) == b"a secret"


@attack
def watch_what_the_person_does_in_a_folder() -> object:
    watcher = _LIBC.inotify_init1(os.O_NONBLOCK)
    if watcher < 0 or _LIBC.inotify_add_watch(watcher, facts["home"].encode(), 0x20) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return True


@attack
def undo_the_adoption_of_orphans() -> object:
    if _LIBC.prctl(36, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    return True


@attack
def undo_the_tie_to_its_supervisor() -> object:
    if _LIBC.prctl(1, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    return True


# ---------------------------------------------------------------- network


@attack
def connect_to_the_loopback() -> object:
    with socket.create_connection(("127.0.0.1", facts["port"]), 15) as connection:
        return connection.recv(5)


@attack
def connect_over_ipv6() -> object:
    with socket.create_connection(("::1", facts["port"]), 15) as connection:
        return connection.recv(5)


@attack
def send_a_datagram() -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        return datagram.sendto(b"x", ("127.0.0.1", facts["port"]))


@attack
def connect_to_a_unix_socket() -> object:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(facts["unix"])
        return True


@attack
def connect_to_an_abstract_socket() -> object:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + facts["abstract"])
        return True


@attack
def send_to_a_unix_socket_without_connecting() -> object:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        return ours.sendto(b"x", facts["datagrams"])


@attack
def turn_a_pair_of_sockets_to_a_unix_socket() -> object:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.connect(facts["datagrams"])
        return ours.send(b"x")


@attack
def send_to_an_abstract_socket_without_connecting() -> object:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        return ours.sendto(b"x", "\0" + facts["abstract_datagrams"])


@attack
def send_raw_packets() -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
        return True


@attack
def ask_the_kernel_about_the_network() -> object:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0):
        return True


# ---------------------------------------------------------------- programs and the kernel


@attack
def run_a_shell() -> object:
    return subprocess.run(["/bin/sh", "-c", "echo in"], capture_output=True, check=True).stdout


@attack
def run_a_shell_through_the_loader() -> object:
    return subprocess.run([facts["loader"], "/bin/sh", "-c", "echo in"], capture_output=True, check=True).stdout


@attack
def run_another_plugins_program() -> object:
    return subprocess.run([f"{facts['other_code']}/program"], capture_output=True, check=True).stdout


@attack
def make_namespaces() -> object:
    return subprocess.run([sys.executable, "-c", _UNSHARE], check=True).returncode == 0


_UNSHARE = """
import ctypes
assert ctypes.CDLL(None).unshare(0x10000000 | 0x20000) == 0
"""


@attack
def mount_something() -> object:
    os.makedirs("there", exist_ok=True)  # noqa: PTH103
    system_call("mount", b"none", b"there", b"tmpfs", 0, None)
    return _LIBC.umount2(b"there", 0) == 0


@attack
def change_its_root() -> object:
    return system_call("chroot", b"/")


@attack
def keep_a_key_in_the_kernel() -> object:
    return system_call("add_key", b"user", b"burglar", b"x", 1, -4)


@attack
def load_a_program_into_the_kernel() -> object:
    return system_call("bpf", 0, struct.pack("IIIII", 2, 4, 4, 1, 0) + bytes(52), 72)


@attack
def use_io_uring() -> object:
    return system_call("io_uring_setup", 1, bytes(120))


@attack
def gain_privileges_by_a_program() -> object:
    return int(_LIBC.prctl(39, 0, 0, 0, 0)) == 0  # PR_GET_NO_NEW_PRIVS


@attack
def have_capabilities() -> object:
    status = Path("/proc/self/status").read_text()
    return any(int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("CapPrm", "CapEff")))


# ---------------------------------------------------------------- limits


@attack
def take_more_memory_than_its_share() -> object:
    return len(bytearray(facts["memory"] + 64 * _MEGABYTE))


@attack
def fill_the_shared_memory() -> object:
    path = Path("/dev/shm/burglar")  # noqa: S108 # its own, in a fence
    try:
        return path.write_bytes(bytes(96 * _MEGABYTE))
    finally:
        path.unlink(missing_ok=True)


@attack
def share_more_memory_than_its_share() -> object:
    with mmap.mmap(-1, facts["memory"] + 64 * _MEGABYTE) as shared:
        for page in range(0, len(shared), mmap.PAGESIZE):
            shared[page] = 1
        return len(shared)


@attack
def fork_without_end() -> object:
    started: list[int] = []
    try:
        while len(started) < facts["processes"] + 400:
            if (pid := os.fork()) == 0:
                signal.pause()
            started.append(pid)
    finally:
        for pid in started:
            os.kill(pid, signal.SIGKILL)
        for pid in started:
            os.waitpid(pid, 0)
    return len(started)


@action
def raid(told: dict[str, Any]) -> dict[str, str]:
    "Tries everything; returns what worked, and what it got."
    facts.update(told)
    worked = {}
    for name, function in ATTACKS.items():
        try:
            got = function()
        except (OSError, MemoryError, subprocess.SubprocessError):
            continue
        if got:
            worked[name] = repr(got)[:80]
    return worked


@action
def stay(folder: str) -> int:
    "Starts what would stay for ever: forked twice, in a session of its own, with an empty environment."
    sleeper = [sys.executable, "-c", "import threading; threading.Event().wait()", folder]
    for option in (36, 1):
        _LIBC.prctl(option, 0, 0, 0, 0)
    between = f"import subprocess; subprocess.Popen({sleeper!r}, env={{}}, start_new_session=True)"
    subprocess.run([sys.executable, "-c", between], env={}, check=True, stdout=subprocess.DEVNULL)
    return os.getpid()


@action
def hop(file: str) -> None:
    "Starts what is never there for long: each process starts the next and leaves. While one lives, *file* is locked."
    held = os.open(file, os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    for _ in range(8):
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 3)
            end = time.monotonic() + 30  # for a test that fails
            while time.monotonic() < end and not _LIBC.fork():
                pass
            os._exit(0)
    os.close(held)


@action
def look_around() -> dict[str, Any]:
    "Tells where it thinks that it is."
    names = ("HOME", "TMPDIR", "PATH")
    numbers = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    return {name: os.environ.get(name) for name in names} | {"cwd": os.getcwd(), "processes": len(numbers)}  # noqa: PTH109


@action
def die() -> None:
    "Ends the process in the middle of the call."
    os._exit(3)


@action
def visit(host: str, port: int) -> str:
    "Connects to a host and returns the first word that it says."
    with socket.create_connection((host, port), 5) as connection:
        return connection.recv(16).decode()


@action
def read(path: str) -> str:
    "Reads a file."
    return Path(path).read_text()


@action
def write(path: str) -> int:
    "Writes a file."
    return Path(path).write_text("written")


@action
def replace_by_a_link(path: str, target: str) -> None:
    "Puts a link in the place of something."
    os.replace(path, f"{path}.aside")  # noqa: PTH105
    Path(path).symlink_to(target)


plugin = Plugin("burglar", actions=[raid, stay, hop, look_around, die, visit, read, write, replace_by_a_link])
