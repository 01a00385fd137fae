"""A worker's process: the lines of its protocol, the end of its standard error, and how it is ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.workers import process_tree
from dynamic_plugins.workers.fence.handover import handed_over
from dynamic_plugins.workers.line_buffer import EDGE, LineBuffer, SpreadMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_plugins.workers.fence.fence import FencedCommand
    from dynamic_plugins.workers.fence.uplink import Uplink

MARK = "DYNAMIC_PLUGINS_WORKER"
"""The variable that tells a worker's descendants from other processes, wherever they moved to."""

_TERM_GRACE = 1.5
_KILL_WAIT = 5.0
_STDERR_KEPT = 16 * 1024
_REFUSED_KEPT = 64
_MAX_BACKLOG = 256 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MESSAGE = re.compile(rb'\{\s*"(?:jsonrpc|id|result|error|method)"\s*:')
_EXCEPTION_LINE = re.compile(
    r"^\s*(?:\[[^\]]*\]\s*)?(?:[\w.]+:\s)?"  # a log's mark
    r"([A-Z]\w*(?:\.\w+)*(?:Error|Exception|Exit|Interrupt|Group|Warning)|[\w.]+\.\w+Error|Error(?=: ))(?:\b.*)$"
)
_PYTHON_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_NODE_FRAME = re.compile(r"^\s+at .*[:)]\d*\)?$")
_ERROR_LINE = re.compile(r"^\W*(?:[\w.-]+: )?(?:error|fatal|panic)\b\W*\w", re.IGNORECASE)
_MAX_ERROR_LENGTH = 600


class WorkerProcess(asyncio.SubprocessProtocol):
    """One started process in a session of its own, behind a fence.

    Between it and us stand its supervisors (``fence/launcher/``), which end as it ends. Signals go to all of them.

    Standard output is cut into lines, and one that is longer than *longest_line* is dropped while it arrives, so a
    worker cannot fill our memory; lines that are no JSON object count as standard error, of which the end is kept.
    """

    def __init__(self, longest_line: int) -> None:
        self._transport: asyncio.SubprocessTransport | None = None
        self._mark = ""
        self._supervisors = 0
        self._pid: int | None = None
        self._uplink: Uplink | None = None
        self._refused: deque[tuple[float, str]] = deque(maxlen=_REFUSED_KEPT)
        self._line = LineBuffer(longest_line)
        self._spread = SpreadMessage(longest_line)
        self._stderr = bytearray()
        self._backlog: deque[tuple[bytes, int]] = deque()
        self._backlog_bytes = 0
        self._on_line: Callable[[bytes, int], None] | None = None
        self._on_end: Callable[[], None] | None = None
        self._ended = False
        self._exited = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()

    @classmethod
    async def start(cls, fenced: FencedCommand, folder: Path, longest_line: int) -> WorkerProcess:
        """Start a command in *folder*, with exactly its environment. Raises OSError."""
        refused: deque[tuple[float, str]] = deque(maxlen=_REFUSED_KEPT)
        mark, uplink = os.urandom(8).hex(), _uplink(fenced, lambda host: refused.append((time.monotonic(), host)))
        try:
            with handed_over(fenced.order, fenced.command, None if uplink is None else uplink.descriptor) as (
                command,
                descriptors,
            ):
                _, process = await asyncio.get_running_loop().subprocess_exec(
                    lambda: cls(longest_line),
                    *command,
                    env={**fenced.environment, MARK: mark},
                    cwd=folder,
                    start_new_session=True,
                    pass_fds=descriptors,
                )
        except BaseException:  # cancelled, too: nobody else knows of the uplink yet
            if uplink is not None:
                uplink.close()
            raise
        process._mark, process._supervisors, process._uplink = mark, fenced.supervisors, uplink
        process._refused = refused
        if uplink is not None:
            uplink.serve()
        return process

    def attach(self, on_line: Callable[[bytes, int], None], on_end: Callable[[], None]) -> None:
        """Hand over every line, those that waited first, then the end, once.

        *on_line* gets the line and 0, or, of a line that was dropped, its edges and its length in bytes.
        """
        self._on_line, self._on_end = on_line, on_end
        self.resume()
        while self._backlog:
            on_line(*self._backlog.popleft())
        if self._ended:
            on_end()

    def detach(self) -> None:
        """Pass over every further line: it may have to write on to come to its end."""
        self._on_line = lambda _line, _dropped: None
        self.resume()

    def pause(self) -> None:
        """Leave what it writes to standard output in the pipe: when that is full, it has to wait."""
        if (pipe := self._pipe(1)) is not None:
            pipe.pause_reading()

    def resume(self) -> None:
        """Read on after :meth:`pause`."""
        if (pipe := self._pipe(1)) is not None:
            pipe.resume_reading()

    @property
    def longest_line(self) -> int:
        """How many bytes of one message are taken."""
        return self._line.longest

    @property
    def pid(self) -> int:
        """The worker itself; its supervisor, while the worker has not started."""
        if self._pid is None:
            found = process_tree.first_below(self._leader, self._supervisors)
            if found is None:
                return self._leader
            self._pid = found
        return self._pid

    @property
    def _leader(self) -> int:
        return self._transport.get_pid() if self._transport else -1

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._transport.get_returncode() if self._transport else None

    @property
    def alive(self) -> bool:
        return not self._ended and not self._exited.is_set()

    @property
    def stderr(self) -> str:
        """The end of what it wrote to standard error, and to standard output outside the protocol."""
        return self._stderr[-_STDERR_KEPT:].decode("utf-8", "replace")

    def refused_since(self, moment: float) -> list[str]:
        """Return the hosts that it asked for and may not reach, since *moment* of the monotonic clock."""
        return [host for when, host in self._refused if when >= moment]

    async def write(self, line: bytes) -> None:
        """Send one line, once it has taken those before. Raises BrokenPipeError when the process is gone."""
        await self._may_write.wait()
        pipe = self._pipe(0)
        if pipe is None or pipe.is_closing() or not self.alive:
            raise BrokenPipeError
        pipe.write(line)
        await self._may_write.wait()

    async def gone(self, seconds: float) -> bool:
        """Wait at most *seconds* for its exit; say whether it came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._exited.wait(), seconds)
        return self._exited.is_set()

    async def end(self, grace: float) -> None:
        """End it and everything that it started, however often this is cancelled meanwhile.

        Well-behaved ones leave when their input closes, for which they get *grace* seconds; with none, it is killed.
        """
        await to_the_end(self._end(grace))

    async def _end(self, grace: float) -> None:
        # Looked for while it lives: what a process that is gone had started cannot be found.
        started = await self._descendants()
        if (stdin := self._pipe(0)) is not None:
            stdin.close()
        if grace and not await self.gone(grace):
            started |= await self._descendants()
            self._signal(signal.SIGTERM)
            await self.gone(_TERM_GRACE)
        if not self._exited.is_set():
            started |= await self._descendants()
            self._signal(signal.SIGKILL)
            await self.gone(_KILL_WAIT)
        await asyncio.to_thread(process_tree.kill, started, f"{MARK}={self._mark}".encode())
        if self._transport is not None:
            self._transport.close()

    async def _descendants(self) -> set[process_tree.Process]:
        return await asyncio.to_thread(process_tree.descendants, [self._leader]) if not self._exited.is_set() else set()

    def _signal(self, number: signal.Signals) -> None:
        # The process leads its own group, so its id is the group's, which lives as long as any member does.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader, number)

    def _pipe(self, number: int) -> Any:
        return self._transport.get_pipe_transport(number) if self._transport else None

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # it is a SubprocessTransport; the base says less

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)  # noqa: S101 # pipes of processes carry bytes
        if fd == 2:
            self._keep(data)
            return
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._line.add(part)
            self._finish_line()
        self._line.add(rest)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 # the loop calls it so
        if fd == 1:
            self._end_reached()
        elif fd == 0:
            self._may_write.set()

    def process_exited(self) -> None:
        self._exited.set()
        if self._uplink is not None:
            self._uplink.close()
        self._may_write.set()
        self.resume()  # to its last lines
        # Whatever it forked goes too; those may hold the pipes open, so an end that does not come is made.
        self._signal(signal.SIGKILL)
        asyncio.get_running_loop().call_later(0.2, self._end_reached)

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def _finish_line(self) -> None:
        line, length = self._line.finish()
        if not length and (spread := self._spread.taken(line)) is not None:
            line = spread
        line = self._message_in(line)
        if not line.lstrip().startswith(b"{"):
            if line.strip():
                self._keep(line[:EDGE] + b"\n")
        elif self._on_line is not None:
            self._on_line(line, length)
        else:
            self._backlog.append((line, length))
            self._backlog_bytes += len(line)
            if self._backlog_bytes > _MAX_BACKLOG:
                self.pause()

    def _message_in(self, line: bytes) -> bytes:
        """Return *line* from where its message begins: some write a byte order mark, or words of theirs, before it."""
        found = None if line.startswith(b"{") else _MESSAGE.search(line)
        if found is None:
            return line
        if before := line[: found.start()].removeprefix(_BYTE_ORDER_MARK).strip():
            self._keep(before[:EDGE] + b"\n")
        return line[found.start() :]

    def _keep(self, data: bytes) -> None:
        self._stderr += data
        if len(self._stderr) > 4 * _STDERR_KEPT:
            del self._stderr[:-_STDERR_KEPT]

    def _end_reached(self) -> None:
        if not self._ended:
            self._ended = True
            if self._on_end is not None:
                self._on_end()


def _uplink(fenced: FencedCommand, refused: Callable[[str], None]) -> Uplink | None:
    if fenced.hosts is None:
        return None
    from dynamic_plugins.workers.fence.uplink import Uplink

    return Uplink(fenced.hosts, refused)


def error_in(stderr: str) -> str:
    """Return the last error in what a process wrote to standard error, with its place; without one, its last lines.

    Empty when it wrote nothing.
    """
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip() and not _NODE_FRAME.match(line)]
    frame = ""
    error = ""
    place = ""
    for line in lines:
        if match := _PYTHON_FRAME.match(line):
            frame = f"{match['file'].rsplit('/', 1)[-1]}, line {match['line']}"
        elif _EXCEPTION_LINE.match(line):
            error, place, frame = line.strip(), frame, ""
    if error:
        return (error[:_MAX_ERROR_LENGTH] + (f" ({place})" if place else "")).strip()
    # A program that is started the wrong way says so first, and then pages of how to start it.
    first = next((number for number, line in enumerate(lines) if _ERROR_LINE.match(line)), len(lines) - 3)
    return " / ".join(line.strip() for line in lines[max(first, 0) :][:3])[:_MAX_ERROR_LENGTH]
