"""The server of ``notes_server.py`` in a process of its own, and what a registry says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.conftest import COMMAND_SECONDS

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Transport

ROOT = Path(__file__).parent.parent
PATHS = {"streamable-http": "/mcp", "sse": "/sse"}
Message = dict[str, Any]


@dataclass
class RemoteServer:
    """A running server; as a context manager it ends with the block."""

    transport: Transport = "streamable-http"
    folder: Path | None = None
    token: str = ""
    more: tuple[str, ...] = ()
    port: int = 0
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}{PATHS[self.transport]}"

    @property
    def requests(self) -> list[Message]:
        """What it was asked, the oldest first."""
        assert self.folder is not None
        return [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]

    def start(self) -> None:
        """Start it, on the port that it had before."""
        words = [sys.executable, "-m", "tests.notes_server", self.transport, "--port", str(self.port), *self.more]
        words += ["--token", self.token] if self.token else []
        words += ["--log", str(self.folder / "requests")] if self.folder else []
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())  # it prints it or ends

    def kill(self) -> None:
        """End it without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(COMMAND_SECONDS)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def entry(server_url: str, transport: str = "streamable-http", **more: Any) -> Message:
    """Return what a registry says of a server at *server_url*."""
    remote: Message = {"url": server_url, "transport": transport, **more.pop("remote", {})}
    return {"name": "notes", "kind": "mcp", "description": "Keeps notes", "remote": remote, **more}


def registry(folder: Path, *entries: Message) -> str:
    """Write a registry with *entries* into *folder* and return its path."""
    path = folder / "shop.json"
    path.write_text(json.dumps({"schema": 1, "plugins": entries}))
    return str(path)
