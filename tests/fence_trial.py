"""Lets the plugin ``burglar`` loose in one tier and prints what it got away with: ``fence_trial.py TIER FOLDER``.

A program of its own, so that it can be run as another user.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.settings import Limits
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fence.fence import Fence
from dynamic_plugins.workers.fence.system_paths import parts_of
from dynamic_plugins.workers.fence.tier import Level, Tier
from dynamic_plugins.workers.loader import Loader
from tests.loading import call, native

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY, PROCESSES = 256 * 2**20, 64
MARK = "fence_trial"


def fenced_loader(folder: Path, level: str) -> Loader:
    """Return a loader that has exactly this tier in front of its workers."""
    limits = Limits(memory_bytes=MEMORY, processes=PROCESSES)
    loader = Loader(
        limits=limits,
        start_timeout=60,
        call_timeout=120,
        log=lambda *_: None,
        environment=os.environ,
        data_dir=folder / "plugin_data",
        own_home=folder,
    )
    loader.fence = Fence("auto", limits, tier=Tier(Level(level)))
    return loader


def lay_out(folder: Path) -> dict[str, Any]:
    """Make a home, another plugin and the burglar's own install in *folder*; return where what lies."""
    home, other_data, other_code = folder / "home", folder / "plugin_data" / "other", folder / "plugins" / "other"
    own_code = folder / "plugins" / "burglar" / "1"
    for each in (home / ".ssh", other_data, other_code, own_code):
        each.mkdir(parents=True)
    for name in ("id_rsa", "spare", "spare2", "spare3"):
        (home / ".ssh" / name).write_text("a private key")
    (other_data / "notes").write_text("notes")
    (other_code / "code.py").write_text("code = 1\n")
    (own_code / "code.py").write_text("code = 1\n")
    (other_code / "program").write_text("#!/bin/sh\necho in\n")
    (other_code / "program").chmod(0o755)
    keys = {name: str(home / ".ssh" / name) for name in ("spare", "spare2", "spare3")}
    return keys | {
        "home": str(home),
        "key": str(home / ".ssh" / "id_rsa"),
        "other_data": str(other_data),
        "other_code": str(other_code),
        "own_code": str(own_code),
        "memory": MEMORY,
        "processes": PROCESSES,
        "mark": MARK,
        "loader": parts_of(sys.executable)[0][1],
    }


def listen(folder: Path) -> tuple[dict[str, Any], list[socket.socket]]:
    """Listen on the loopback device and on two unix sockets; return where, and what has to stay open."""
    import threading

    internet = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    unix.bind(str(folder / "socket"))
    name = f"trial-{os.getpid()}"
    abstract.bind("\0" + name)

    def greet() -> None:
        while True:
            internet.accept()[0].sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    for each in (unix, abstract):
        each.listen()
    datagrams, abstract_datagrams = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    datagrams.bind(str(folder / "datagrams"))
    abstract_datagrams.bind(f"\0{name}-datagrams")
    where = {"port": internet.getsockname()[1], "unix": str(folder / "socket"), "abstract": name}
    where |= {"datagrams": str(folder / "datagrams"), "abstract_datagrams": f"{name}-datagrams"}
    return where, [internet, unix, abstract, datagrams, abstract_datagrams]


@contextmanager
def shared_segment() -> Iterator[int]:
    """Share memory as programs of System V do, with the secret in it; gives its number."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(0, 4096, 0o1600)
    try:
        where = ctypes.c_void_p(libc.shmat(segment, None, 0))
        ctypes.memmove(where, b"a secret", 8)
        yield segment
        libc.shmdt(where)
    finally:
        libc.shmctl(segment, 0, None)


async def trial(level: str, folder: Path) -> dict[str, str]:
    """Return which attacks worked, and what they got."""
    told = lay_out(folder)
    where, _open = listen(folder)
    held = ctypes.create_string_buffer(b"a secret")
    told |= where | {"host": os.getpid(), "address": ctypes.addressof(held)}
    installation = replace(native(Path(told["own_code"]), "burglar:plugin", "burglar"))
    host = Host(permissions=Permissions(network=(), declared=True))
    connection = await fenced_loader(folder, level).connect(installation, {}, host=host)
    try:
        with shared_segment() as segment:
            worked = await call(connection, "raid", told=told | {"segment": segment})
        assert isinstance(worked, dict)
        return worked
    finally:
        await connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(trial(sys.argv[1], Path(sys.argv[2])))))  # noqa: T201
