"""Running a package manager: no shell, a small environment, an end in time, and nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Tell = Callable[[str, str, float], None]
"""Told how far an install is: stage, message, fraction."""

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
_CHUNK = 8_192
TAIL = 65_536
REASON_LENGTH = 400
_KILL_SECONDS = 5.0


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


async def run(
    plugin: str,
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    heard: Callable[[str], object] = str,
) -> Finished:
    """Run *argv* to its end and return what it printed; *heard* gets its error output, line by line, as it comes.

    Cancelled, the whole process group is killed, also what a program that has ended itself left running in it. Raises
    InstallError when the program is not there.
    """
    if shutil.which(argv[0], path=environ.get("PATH")) is None:
        raise InstallError(plugin, f"{argv[0]} cannot be started: there is no such program")
    try:
        process = await asyncio.create_subprocess_exec(
            *_ending_with_us(argv),
            cwd=cwd,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise InstallError(plugin, f"{argv[0]} cannot be started: {error.strerror or error}") from error
    assert process.stdout is not None  # noqa: S101 # asked for above; this tells mypy
    assert process.stderr is not None  # noqa: S101
    ended = asyncio.gather(_read(process.stdout, str), _read(process.stderr, heard), process.wait())
    try:
        out, err, code = await asyncio.shield(ended)
    except BaseException:  # a cancelled install too must leave nothing running, however often it is cancelled
        await to_the_end(_kill(process, ended))
        raise
    return Finished(code, out, err)


def _ending_with_us(argv: Sequence[str]) -> Sequence[str]:
    """Return *argv* so that the process ends when we are killed, where the system can do that.

    Otherwise it would go on writing into a folder that the next start has swept away.
    """
    tie = shutil.which("setpriv") if sys.platform == "linux" else None
    return [tie, "--pdeathsig", "KILL", "--", *argv] if tie else argv


async def _read(stream: asyncio.StreamReader, heard: Callable[[str], object]) -> str:
    kept = rest = b""
    while chunk := await stream.read(_CHUNK):
        kept = (kept + chunk)[-TAIL:]
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-TAIL:]
        for line in lines:
            heard(line.decode(errors="replace"))
    return kept.decode(errors="replace")


async def _kill(process: asyncio.subprocess.Process, ended: asyncio.Future[tuple[str, str, int]]) -> None:
    """Kill the group of *process* and wait until it is gone: its pipes end when the last that writes to them does."""
    if not ended.done() or process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await asyncio.wait([ended], timeout=_KILL_SECONDS)
    if not ended.cancel() and not ended.cancelled():
        ended.exception()  # looked at, so that nobody is warned of it: what is raised is why this was called


def short(text: str) -> str:
    """Return *text* as part of one sentence: on one line, not long, without the credentials of an address."""
    line = " ".join(re.sub(r"(\w://)[^/\s@]+@", r"\1", text).split())
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1].rstrip() + "…"


def version_numbers(said: str) -> tuple[int, int]:
    """Return the first two numbers of what a program says is its version: ``v24.19.0``, ``1.3.2``; (0, 0) for else."""
    found = re.match(r"v?(\d+)\.(\d+)", said.strip())
    return (int(found[1]), int(found[2])) if found else (0, 0)


def versions_there_are(versions: Sequence[str]) -> str:
    """Return a sentence that names *versions*, the newest last; nothing where there are none."""
    nearest = list(dict.fromkeys(versions))
    if not nearest:
        return ""
    return (
        f". There is {nearest[0]}" if len(nearest) == 1 else f". There are {', '.join(nearest[:-1])} and {nearest[-1]}"
    )
