"""A tenant's plugin: it waits where it is told to, and tries what lies with other tenants."""

from __future__ import annotations

import os
import socket
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.plugin import Plugin, action

if TYPE_CHECKING:
    from collections.abc import Callable


@action
def note() -> dict[str, object]:
    "Tells what it was told."
    return {"note": os.environ.get("NEIGHBOUR_NOTE"), "key": len(os.environ.get("NEIGHBOUR_KEY", ""))}


@action
def hold() -> str:
    "Says that it began, and ends once somebody lets it."
    Path("began").touch()
    for _ in range(1000):
        if Path("go").exists():
            return "held to the end"
        time.sleep(0.02)
    return "nobody came"


@action
def attempt(paths: list[str], addresses: list[str]) -> dict[str, str]:
    "Tries to read, list and write paths, and to connect to addresses; says by number how each attempt ended."
    found = {}
    for number, path in enumerate(map(Path, paths)):
        found[f"read {number}"] = _ended(path.read_text)
        found[f"list {number}"] = _ended(path.iterdir().__next__)
        found[f"write {number}"] = _ended(partial((path / "planted").write_text, "x"))
        link = Path(f"link-{number}")
        link.unlink(missing_ok=True)
        link.symlink_to(path)
        found[f"follow {number}"] = _ended(link.iterdir().__next__)
    for number, address in enumerate(addresses):
        found[f"connect {number}"] = _ended(partial(_connect, address))
    return found


def _connect(address: str) -> None:
    if address.startswith("/"):
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(address)
        return
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=2) as end:
        end.sendall(b"GET / HTTP/1.0\r\n\r\n")
        if not end.recv(1):  # what answers may only be what stands at the fence
            raise ConnectionError


def _ended(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "done"


plugin = Plugin("neighbour", "Looks over the fence", actions=[note, hold, attempt])
