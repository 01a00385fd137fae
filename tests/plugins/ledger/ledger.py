"""A plugin that writes down every call, so that one that was made twice can be found."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

from dynamic_plugins.plugin import Plugin, Service, action

BOOK = Path("book.txt")


@action
async def enter(entry: str, seconds: float = 0) -> str:
    "Writes an entry into the book, and takes its time."
    with BOOK.open("a", encoding="utf-8") as book:  # noqa: ASYNC230 # one line
        book.write(f"{entry}\n")
    await asyncio.sleep(seconds)
    return entry


@action
def read() -> list[str]:
    "Gives all entries."
    return BOOK.read_text(encoding="utf-8").splitlines() if BOOK.exists() else []


@action
def tell() -> dict[str, Any]:
    "Tells what it was given, where it runs, and what it may read."
    try:
        Path(os.environ.get("LEDGER_FILE", "/etc/shadow")).read_bytes()
        reads = True
    except OSError:
        reads = False
    return {"pid": os.getpid(), "folder": str(Path.cwd()), "reads": reads, "host": socket.gethostname()}


@action
def fall() -> None:
    "Ends its process."
    os._exit(3)


@action
def fail() -> None:
    "Fails, with the key in its error."
    raise RuntimeError(f"401 with {os.environ.get('LEDGER_KEY')}")


async def _start() -> None:
    BOOK.with_name("runs").touch()


async def _stop() -> None:
    BOOK.with_name("runs").unlink(missing_ok=True)


plugin = Plugin(
    "ledger",
    "Writes down every call",
    actions=[enter, read, tell, fall, fail],
    services=[Service("bookkeeper", _start, _stop)],
)
