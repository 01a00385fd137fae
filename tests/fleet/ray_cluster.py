"""A Ray cluster of three nodes on this machine, each with a home of its own, as ``ray start`` makes one."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0
MISSING = None if find_spec("ray") is not None else "the extra fleet is not installed: there is no Ray"
# A node that dies is noticed within four seconds, and not in half a minute. The token is that of this cluster alone.
QUICK = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
}


@dataclass
class RayNodes:
    """The nodes, by name. Agents connect to ``head``, from another machine at :attr:`address`."""

    folder: Path
    environment: dict[str, str]
    port: int
    client_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def home(self, name: str) -> Path:
        """The folder where node *name* keeps what it makes."""
        return self.folder / name

    @property
    def address(self) -> str:
        return f"ray://127.0.0.1:{self.client_port}"

    @property
    def logs(self) -> Path:
        """Where the whole cluster writes what it has to say."""
        return self.folder / "ray"

    def start(self, name: str) -> None:
        """Start one more node; the first is the head."""
        head = [f"--port={self.port}", f"--temp-dir={self.logs}", f"--ray-client-server-port={self.client_port}"]
        # No plugin runs on the head, which is not killed: this process is connected to it.
        where = ["--head", "--include-dashboard=false", "--num-cpus=0", *head]
        if self.processes:
            where = [f"--address=127.0.0.1:{self.port}", "--num-cpus=2"]
        ports = ["--min-worker-port=0", "--max-worker-port=0"]
        size = ["--object-store-memory=80000000", "--memory=8000000000"]
        quiet = ["--disable-usage-stats", "--block", f"--node-name={name}"]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(Path(sys.executable).with_name("ray")), "start", *where, *ports, *size, *quiet],
                env={**self.environment, "DYNAMIC_PLUGINS_HOME": str(self.home(name))},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def said(self) -> str:
        """The last that each node said as it started."""
        return "\n".join(f"{each.name}: {each.read_text()[-2000:]}" for each in sorted(self.folder.glob("*.log")))

    def kill(self, name: str) -> None:
        """End a node as a power cut does: all its processes at once, but for what plugins run, which has to notice."""
        started = self.processes.pop(name)
        if started.poll() is None:
            parent = psutil.Process(started.pid)
            killed = [parent, *(each for each in parent.children(recursive=True) if _is_of_ray(each))]
            for each in killed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(killed[1:], timeout=10)
        started.wait(10)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)


def _is_of_ray(process: psutil.Process) -> bool:
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "/ray/" in words or words.startswith(("ray::", "ray:"))


@contextlib.contextmanager
def three_nodes() -> Iterator[RayNodes]:
    """Give a cluster of three nodes, to which this process can connect, and end it."""
    # Not in pytest's folder: the paths of Ray's sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    # The same Python with the same packages is on every node, as on a real one.
    own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    port = _free_port()
    told = {**QUICK, "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_ADDRESS": f"127.0.0.1:{port}"}
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONDONTWRITE")} | own
    nodes = RayNodes(folder, environment, port, _free_port())
    try:
        nodes.start("head")
        _wait_for(nodes, port)
        nodes.start("one")
        nodes.start("two")
        _wait_for(nodes, nodes.client_port)
        _wait_for_three(nodes)
        yield nodes
    finally:
        _disconnect()
        nodes.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        shutil.rmtree(folder, ignore_errors=True)


def ray() -> Any:
    """Return Ray, which need not be installed."""
    return importlib.import_module("ray")


def _disconnect() -> None:
    if MISSING is None:
        ray().shutdown()


def _wait_for_three(nodes: RayNodes) -> None:
    """Connect this process and wait until all nodes are there."""
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
    ray().init(os.environ["RAY_ADDRESS"], namespace="tests", **quiet)
    deadline = time.monotonic() + START_SECONDS
    while sum(node["Alive"] for node in ray().nodes()) < 3:
        assert time.monotonic() < deadline, f"the nodes have not come together: {nodes.said()}"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(nodes: RayNodes, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"the cluster has not started: {nodes.said()}"
            time.sleep(0.1)
        else:
            return
