"""Running a package manager: no shell, a small environment, an end in time, and nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError, PluginTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_INHERITED = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TERM",
    "USERPROFILE",
    "SYSTEMROOT",
    "TEMP",
}
_INHERITED_PREFIXES = ("UV_", "PIP_", "NPM_CONFIG_", "SSL_CERT_", "XDG_", "NODE_EXTRA_CA_CERTS", "GIT_SSL_")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}
TAIL = 65_536


@dataclass(frozen=True)
class Finished:
    """A process that ended: its exit code and what it printed, the last 64 KiB of each."""

    code: int
    out: str
    err: str


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of *environ* a package manager needs: where things are, proxies, and its own settings."""
    return {
        name: value
        for name, value in environ.items()
        if name in _INHERITED or name.upper() in _PROXIES or name.upper().startswith(_INHERITED_PREFIXES)
    }


async def run(plugin: str, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], seconds: float) -> Finished:
    """Run *argv* to its end and return what it printed.

    Cancelled, or after *seconds*, the whole process group is killed. Raises PluginTimeoutError, or InstallError when
    the program is not there.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise InstallError(plugin, f"{argv[0]} cannot be started: {error.strerror or error}") from error
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        raise PluginTimeoutError(plugin, "installing", seconds) from None
    finally:
        if process.returncode is None:
            await _kill(process)
    return Finished(process.returncode or 0, _text(out), _text(err))


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _text(data: bytes) -> str:
    return data[-TAIL:].decode(errors="replace")
