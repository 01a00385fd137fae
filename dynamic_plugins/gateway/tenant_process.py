"""A tenant's process: started when it is first asked for something, ended when it is idle or its tenant goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.gateway.tenant_order import HOST, READY, TenantOrder

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_AGAIN_SECONDS = 5.0
"""How long after a start that failed none is tried again."""
LOG = "gateway.log"
"""In the home: what the tenant's process wrote to standard error since it was started. The gateway reads none of it."""


class TenantUnavailableError(Exception):
    """A tenant's process does not answer: an answer over HTTP, and no PluginError. *seconds* is how long to wait."""

    def __init__(self, text: str, seconds: int = 5) -> None:
        self.seconds = seconds
        super().__init__(text)


class TenantProcess:
    """The process of one tenant, in *home* with *environment*; *tell* gets what happens to it."""

    def __init__(
        self, order: TenantOrder, home: Path, environment: Mapping[str, str], tell: Callable[[str], None]
    ) -> None:
        self._order, self._home, self._environment, self._tell = order, home, environment, tell
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._client: httpx2.AsyncClient | None = None
        self._folder: Path | None = None
        self._watching: asyncio.Task[None] | None = None
        self._failed_at = float("-inf")
        self._used_at = time.monotonic()
        self._users = 0
        self.gone = asyncio.Event()
        """Set once the tenant goes: nothing is started any more, and requests under way end."""

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def is_idle(self, seconds: float) -> bool:
        """Return whether it runs and nobody has used it for so long."""
        return self._client is not None and not self._users and time.monotonic() - self._used_at >= seconds

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a client of the process, started where it does not run. Raises TenantUnavailableError."""
        self._users += 1
        try:
            async with self._lock:
                client = self._client or await self._start()
            yield client
        finally:
            self._users -= 1
            self._used_at = time.monotonic()

    async def end_if_idle(self, seconds: float) -> None:
        """End the process where nobody has used it for so long."""
        if self.is_idle(seconds):
            async with self._lock:
                if self.is_idle(seconds):
                    self._tell("idle, ended")
                    await self._end()

    async def leave(self) -> None:
        """End the process for good, with all requests that are under way."""
        self.gone.set()
        async with self._lock:
            await self._end()

    async def _start(self) -> httpx2.AsyncClient:
        if self.gone.is_set():
            raise TenantUnavailableError("This tenant is not served any more.")
        if time.monotonic() - self._failed_at < _AGAIN_SECONDS:
            raise TenantUnavailableError(f"The last start failed. Try again in {_AGAIN_SECONDS:g} seconds.")
        self._failed_at = time.monotonic()
        try:
            client = await self._spawn()
        except OSError as error:
            await self._end()
            self._tell(f"its process cannot be started ({error.strerror})")
            raise TenantUnavailableError(
                "The tenant's server does not start. Its operator has to look into it."
            ) from None
        except BaseException:  # a start that is cancelled leaves no process behind either
            await self._end()
            raise
        self._failed_at = float("-inf")
        self._tell("started")
        return client

    async def _spawn(self) -> httpx2.AsyncClient:
        (self._home / "user").mkdir(mode=0o700, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="dynamic-plugins-"))  # for its owner alone
        address, token = str(self._folder / "socket"), secrets.token_urlsafe(32)
        with socket.socket(socket.AF_UNIX) as listening, _log_file(self._home / LOG) as log:
            listening.bind(address)
            listening.listen(128)
            order = replace(self._order, descriptor=listening.fileno())
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "dynamic_plugins.gateway.tenant_server", order.to_json()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self._home,
                # Its own, beside the socket's folder that others cannot enter: a worker that got out of its fence would
                # still need it.
                env={**self._environment, "DYNAMIC_PLUGINS_MCP_TOKEN": token},
                pass_fds=(listening.fileno(),),
                start_new_session=True,  # Ctrl-C is for the gateway, which ends its processes in good order
            )
        if not await _is_ready(process):
            raise TenantUnavailableError("The tenant's server does not start. Its operator has to look into its log.")
        self._client = client = httpx2.AsyncClient(
            base_url=f"http://{HOST}",
            headers={"Authorization": f"Bearer {token}"},
            transport=httpx2.AsyncHTTPTransport(uds=address, limits=httpx2.Limits(max_connections=None)),
            timeout=None,  # a call may wait for a person; what is open is counted
            trust_env=False,
        )
        self._watching = asyncio.create_task(self._watch(process))
        return client

    async def _watch(self, process: Process) -> None:
        """Take note where the process ends by itself: the next request starts another one."""
        code = await process.wait()
        async with self._lock:
            if self._process is process:
                self._tell(f"its process ended by itself (code {code}); what it said is in {LOG} in its home")
                self._watching = None
                await self._end()

    async def _end(self) -> None:
        """End the process and take away what was made for it; nothing happens where there is none."""
        await to_the_end(self._end_present())

    async def _end_present(self) -> None:
        process, client, folder, watching = self._process, self._client, self._folder, self._watching
        self._process = self._client = self._folder = self._watching = None
        if watching is not None:
            watching.cancel()
        try:
            if client is not None:
                await client.aclose()
        finally:
            if process is not None:
                await _ended(process)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


async def _is_ready(process: Process) -> bool:
    assert process.stdout is not None  # noqa: S101 # it is a pipe
    try:
        async with asyncio.timeout(_START_SECONDS):
            return await process.stdout.readline() == READY
    except TimeoutError:
        return False


async def _ended(process: Process) -> None:
    """End *process*: asked first, which ends its plugins in good order, then killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
