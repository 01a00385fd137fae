"""The embedded model as an endpoint of its own, while a conversation is recorded."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@contextmanager
def embedded_model(home: Path, registries: Sequence[str], name: str | None) -> Iterator[ModelSettings]:
    """Run ``serve-model`` on any free port of this machine, for the plugins of *home* and *registries*."""
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(home)]
    for registry in registries:
        command += ["--registry", str(registry)]
    environment = {**Settings.from_environment().environment, "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said")
        with said.open("w", encoding="utf-8") as file:
            server = subprocess.Popen(
                [*command, "serve-model", "--port", "0"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        try:
            yield ModelSettings(name or "needle-3", _address(server, said), "none")
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _address(server: subprocess.Popen[bytes], said: Path) -> str:
    """Wait until *server* has *said* where it listens: on a port that nobody could take before it."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        ended = server.poll()
        words = said.read_text("utf-8", "replace")
        if address := re.search(r"http://127\.0\.0\.1:\d+/v1(?=\s)", words):
            return address.group()
        if ended is not None:
            pytest.fail(f"serve-model ended with code {ended}:\n{words}", pytrace=False)
        time.sleep(0.05)
    pytest.fail(f"serve-model did not say within {START_SECONDS:g} s where it listens", pytrace=False)
