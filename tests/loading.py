"""Installs made by hand, for tests of what is loaded: nothing is downloaded for them."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from dynamic_plugins.install.installation import Installation
from dynamic_plugins.settings import Limits
from dynamic_plugins.workers.loader import Loader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from dynamic_plugins.workers.components import Component, Connection, Host
    from dynamic_plugins.workers.connection import WorkerConnection

PLUGINS = Path(__file__).parent / "plugins"


def native(path: Path, entry_point: str, folder: str = "hostile") -> Installation:
    """Return an install of a native plugin from one of the folders beside this file."""
    return Installation(
        plugin=entry_point.partition(":")[0],
        kind="python",
        version="1",
        path=str(path),
        package_type="path",
        package=folder,
        source="tests",
        python=sys.executable,
        entry_point=entry_point,
        search_path=(str(PLUGINS / folder),),
    )


def server(path: Path, *command: str, name: str = "raw") -> Installation:
    """Return an install of an MCP server that is started by *command*."""
    return Installation(
        plugin=name,
        kind="mcp",
        version="1",
        path=str(path),
        package_type="npm",
        package=name,
        source="tests",
        command=command,
    )


def raw(path: Path, mode: str) -> Installation:
    return server(path, sys.executable, str(PLUGINS / "servers" / "raw.py"), mode)


def loader(
    *,
    start: float = 30,
    call: float = 30,
    log: list[str] | None = None,
    data_dir: Path | None = None,
    **limits: Any,
) -> Loader:
    """Return a loader with the settings' limits but *limits*."""
    said = [] if log is None else log
    return Loader(
        limits=Limits(**limits),
        start_timeout=start,
        call_timeout=call,
        log=lambda plugin, line: said.append(f"{plugin}: {line}"),
        environment=os.environ,
        data_dir=data_dir,
    )


@asynccontextmanager
async def connected(
    installation: Installation, with_loader: Loader | None = None, host: Host | None = None, **environment: str
) -> AsyncIterator[WorkerConnection]:
    """Connect; on leaving, close, and see that no process is left."""
    connection: Any = await (with_loader or loader()).connect(installation, environment, host=host)
    try:
        yield connection
    finally:
        await connection.close()
    assert not connection.alive
    assert children() == []


def component(connection: Connection, name: str) -> Component:
    return next(each for each in connection.offers.components if each.name == name)


async def call(connection: Connection, name: str, /, **arguments: Any) -> Any:
    return await connection.call(component(connection, name), arguments)


def outside(pid: int) -> int:
    """Return the process id by which we know the descendant of ours that knows itself as *pid*."""
    for each in psutil.Process().children(recursive=True):
        with suppress(OSError):
            status = Path(f"/proc/{each.pid}/status").read_text()
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if int(numbers[-1]) == pid:
                return each.pid
    return pid


_OF_THE_TESTS = ("multiprocessing.resource_tracker", "tests.forking_process")


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until *condition* holds: for what another process does and nobody reports."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 # there is no event to wait for
            await asyncio.sleep(0.002)


def children() -> list[str]:
    """Return what processes of ours live, but for those that the tests themselves keep once one has used them."""
    lines = (" ".join(words) for words in _commands())
    return [line for line in lines if line and not any(each in line for each in _OF_THE_TESTS)]


def _commands() -> Iterator[list[str]]:
    for each in psutil.Process().children(recursive=True):
        try:
            if each.status() != psutil.STATUS_ZOMBIE:
                yield each.cmdline()
        except psutil.NoSuchProcess:
            continue
