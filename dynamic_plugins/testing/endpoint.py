"""The embedded model as an endpoint of its own, while a conversation is recorded."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@contextmanager
def embedded_model(home: Path, registries: Sequence[str], name: str | None) -> Iterator[ModelSettings]:
    """Run ``serve-model`` on a free port of this machine, for the plugins of *home* and *registries*."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(home)]
    for registry in registries:
        command += ["--registry", str(registry)]
    environment = {**Settings.from_environment().environment, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [*command, "serve-model", "--port", str(port)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for(server, port)
        yield ModelSettings(name or "needle-3", f"http://127.0.0.1:{port}/v1", "none")
    finally:
        server.terminate()
        try:
            server.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def _wait_for(server: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"serve-model ended with code {server.returncode}:\n{server.communicate()[1]}", pytrace=False)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"serve-model did not answer within {START_SECONDS:g} s", pytrace=False)
