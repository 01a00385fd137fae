"""A Ray cluster of three nodes on this machine, each with its own processes and a home of its own."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

START_SECONDS = 60.0
MISSING = None if find_spec("ray") is not None else "the extra fleet is not installed: there is no Ray"
# The token and the certificate are those of
# this cluster alone, and without them nothing of it is reached: so all that runs here runs as it is advised to.
TOLD = {
    # Ray lets its workers wait for all else on their machine, which on a busy one can take minutes.
    "RAY_worker_niceness": "0",
    "RAY_raylet_start_wait_time_s": "30",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USE_TLS": "1",
}
# A node that dies is noticed within four seconds. One that is only slow is then soon taken for dead, too.
NOTICED_SOON = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "3"}
_MEMORY = {"object_store_memory": 80_000_000, "memory": 8_000_000_000}


def ray() -> Any:
    """Return Ray, which need not be installed."""
    return importlib.import_module("ray")


@dataclass
class RayNodes:
    """The nodes ``one`` and ``two``, beside a head that has no room for plugins and is never killed: this process is
    connected to it. Agents elsewhere connect to :attr:`address`.
    """

    folder: Path
    client_port: int
    cluster: Any = None
    told: Mapping[str, str] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"ray://127.0.0.1:{self.client_port}"

    def home(self, name: str) -> Path:
        """The folder where node *name* keeps what it makes."""
        return self.folder / name

    def start_head(self) -> None:
        kind = importlib.import_module("ray.cluster_utils").Cluster
        head = {"num_cpus": 0, "include_dashboard": False, "ray_client_server_port": self.client_port, **_MEMORY}
        self.cluster = kind(True, head_node_args={**head, "temp_dir": str(self.folder / "ray")})
        os.environ["RAY_ADDRESS"] = self.cluster.address

    def start(self, name: str) -> None:
        """Start one more node."""
        told = {**self.told, "DYNAMIC_PLUGINS_HOME": str(self.home(name))}
        facts = {"wait": False, "num_cpus": 2, "node_name": name, "env_vars": told, **_MEMORY}
        try:
            self.nodes[name] = self.cluster.add_node(**facts)
        except (
            Exception
        ):  # the type that Ray raises; on a busy machine it gives its own helpers too little time to start
            self.nodes[name] = self.cluster.add_node(**facts)

    def kill(self, name: str) -> None:
        """End a node as a power cut does, but for what plugins run on it, which has to notice."""
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)

    def alive(self) -> int:
        return sum(node["Alive"] for node in ray().nodes())


@contextlib.contextmanager
def three_nodes(told_to_nodes: Mapping[str, str], told_to_ray: Mapping[str, str] = NOTICED_SOON) -> Iterator[RayNodes]:
    """Give a cluster of three nodes, to which this process is connected, and end it.

    *told_to_nodes* are variables of the nodes' environment, *told_to_ray* more settings of the whole cluster.
    """
    # Not in pytest's folder: the paths of Ray's sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    (folder / "ray").mkdir()  # where Ray's own commands look for a cluster: this one is for nobody else
    told = {**TOLD, **_certificate(folder), "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_ADDRESS": "", "PATH": path}
    told |= {"RAY_TMPDIR": str(folder), **told_to_ray}
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    del os.environ["RAY_ADDRESS"]
    nodes = RayNodes(folder, _free_port(), told=told_to_nodes)
    try:
        nodes.start_head()
        nodes.start("one")
        nodes.start("two")
        quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
        ray().init(os.environ["RAY_ADDRESS"], namespace="tests", **quiet)
        _wait(lambda: nodes.alive() == 3)
        yield nodes
    finally:
        ray().shutdown()
        if nodes.cluster is not None:
            nodes.cluster.shutdown()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        shutil.rmtree(folder, ignore_errors=True)


def _certificate(folder: Path) -> dict[str, str]:
    """Return where the cluster finds the certificate that each end of it shows and asks for."""
    # Not by Ray's own word for its address: it reads its settings when it is imported, and there are none yet.
    here = {each.address for told in psutil.net_if_addrs().values() for each in told if each.family == socket.AF_INET}
    made = certificate(folder, *sorted(here - {"127.0.0.1"}))
    own = {"RAY_TLS_SERVER_CERT": made.certificate, "RAY_TLS_SERVER_KEY": made.key, "RAY_TLS_CA_CERT": made.certificate}
    return {name: str(path) for name, path in own.items()}


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not until():
        assert time.monotonic() < deadline, "the nodes have not come together"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
