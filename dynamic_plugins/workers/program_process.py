"""Runs a program that a model wrote, in a process behind the fence, and answers the calls that it makes.

``child/program.py`` is the other end, and says what goes over the two descriptors. It is a stranger's: whatever it
sends that is not the next message of the protocol ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.settings import Limits
from dynamic_plugins.workers.fence.fence import Code, Fence, FenceError
from dynamic_plugins.workers.fence.tier import Level
from dynamic_plugins.workers.process import WorkerProcess, error_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from dynamic_plugins.settings import SandboxMode
    from dynamic_plugins.workers.fence.fence import FencedCommand
    from dynamic_plugins.workers.fence.tier import Tier

    Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
    """Makes a call: given a tool and its arguments, it returns ``{"result"}`` or ``{"error": {"code", "message"}}``."""
    Search = Callable[[str], Awaitable[str]]

T = TypeVar("T")

_PROGRAM = Path(__file__).parent / "child" / "program.py"
_LONGEST_LINE = 512 * 1024
_MOST_WAITING = 64
"""So many messages may wait to be read before the program has to."""
_FAILURE_CHARACTERS = 2_000


@dataclass(frozen=True)
class ProgramLimits:
    """What one program may use."""

    seconds: float = 30.0
    """Of its own: the time that its calls take is not counted."""
    calls: int = 50
    output_characters: int = 6_000
    memory_bytes: int = 256 * 2**20


@dataclass(frozen=True)
class Outcome:
    """What a program came to: what it printed, how many characters of that are left out, and why it failed."""

    output: str
    left_out: int
    calls: int
    failure: str = ""


class _EndedError(Exception):
    """The program has ended, for the reason that is its text; without one it has come to its end.

    It is no PluginError: it never leaves this module.
    """


class ProgramRunner:
    """Starts programs as *sandbox* says. *tier* is what the fence is taken to be, where it is not tried out."""

    def __init__(self, sandbox: SandboxMode, limits: ProgramLimits | None = None, tier: Tier | None = None) -> None:
        self.limits = limits or ProgramLimits()
        used = Limits(
            memory_bytes=self.limits.memory_bytes,
            cpu_seconds=int(self.limits.seconds) + 10,
            open_files=64,
            processes=16,
        )
        self._sandbox, self._fence = sandbox, Fence(sandbox, used, tier)

    @property
    def unfenced(self) -> str:
        """Why nothing is kept from programs on this machine; empty where the fence stands.

        Then none runs, but where the operator has switched the fence off.
        """
        return str(self._fence.tier) if self._fence.tier.level is Level.NONE else ""

    async def run(self, code: str, functions: Sequence[Mapping[str, Any]], call: Call, search: Search) -> Outcome:
        """Run *code*, which finds *functions*, and answer its calls by *call* and *search*.

        Nothing is left of its process when this returns or is cancelled. Raises FenceError where the fence cannot be
        had and has to be, OSError where no process can be started, and what *call* raises.
        """
        if self._sandbox == "auto" and self.unfenced:
            # A model wrote it, maybe after what a plugin said: it does not run with the person's rights unasked.
            raise FenceError(f"{self.unfenced}. Programs run without a fence only with DYNAMIC_PLUGINS_SANDBOX=off")
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="dynamic-plugins-program-"))
        try:
            process = await WorkerProcess.start(self._fenced(folder), folder, _LONGEST_LINE)
            try:
                return await _Run(process, self.limits, call, search).through(code, functions)
            finally:
                await process.end(0)
        finally:
            remove_folder(folder)

    def _fenced(self, folder: Path) -> FencedCommand:
        # Not an environment's link to it: what belongs to that environment is nobody's business here.
        python = os.path.realpath(sys.executable)
        return self._fence.command(
            [python, "-I", "-S", "-X", "utf8", str(_PROGRAM)],
            Permissions(network=()),
            code=Code((str(_PROGRAM.parent),)),
            folder=folder,
            environment={"PATH": os.defpath},
            private_descriptors=True,
            bare=True,
        )


class _Run:
    """One program from its start to its end."""

    def __init__(self, process: WorkerProcess, limits: ProgramLimits, call: Call, search: Search) -> None:
        self._process, self._limits, self._call, self._search = process, limits, call, search
        self._left = limits.seconds
        self._waiting: asyncio.Queue[tuple[bytes, int] | None] = asyncio.Queue()
        self._printed: list[str] = []
        self._room, self._left_out, self._asked, self._calls = limits.output_characters, 0, 0, 0

    async def through(self, code: str, functions: Sequence[Mapping[str, Any]]) -> Outcome:
        """Run it to its end."""
        self._process.attach(self._take, lambda: self._waiting.put_nowait(None))
        try:
            order = {"code": code, "functions": list(functions), "output": self._limits.output_characters}
            await self._send(order)
            while True:
                await self._answer(await self._next())
        except _EndedError as ended:
            return Outcome("".join(self._printed), self._left_out, self._calls, str(ended)[:_FAILURE_CHARACTERS])

    def _take(self, line: bytes, dropped: int) -> None:
        self._waiting.put_nowait((line, dropped))
        if self._waiting.qsize() > _MOST_WAITING:
            self._process.pause()

    async def _next(self) -> dict[str, Any]:
        """Return the next message. Raises _EndedError."""
        taken = await self._in_its_time(self._waiting.get())
        if self._waiting.qsize() < _MOST_WAITING:
            self._process.resume()
        if taken is None:
            raise _EndedError(await self._last_words())
        line, dropped = taken
        try:
            message = None if dropped else json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise _EndedError(_BY_HAND)
        return message

    async def _answer(self, message: dict[str, Any]) -> None:
        match message:
            case {"print": str(text), **rest} if not rest:
                self._print(text)
            case {"call": int(number), "tool": str(tool), "arguments": dict(arguments), **rest} if not rest:
                self._count(number)
                await self._send({"id": number, **await self._called(tool, arguments)})
            case {"search": int(number), "query": str(query), **rest} if not rest:
                self._count(number)
                await self._send({"id": number, "result": await self._search(_clean(query[:1000]))})
            case {"end": True, "left_out": int(left_out), **rest} if not rest:
                self._left_out = max(self._left_out, left_out)
                raise _EndedError
            case {"failed": str(text), "left_out": int(left_out), **rest} if not rest:
                self._left_out = max(self._left_out, left_out)
                raise _EndedError(_clean(text) or "it failed")
            case _:
                raise _EndedError(_BY_HAND)

    async def _called(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._calls >= self._limits.calls:
            said = f"A program makes at most {self._limits.calls} calls. Make the rest in another one."
            return {"error": {"code": "over_limit", "message": said}}
        self._calls += 1
        return await self._call(tool, arguments)

    def _count(self, number: int) -> None:
        """Take note of a question. Raises _EndedError where its number is not the next."""
        self._asked += 1
        if number != self._asked or self._asked > 10 * self._limits.calls:
            raise _EndedError(_BY_HAND)

    def _print(self, text: str) -> None:
        shown = _clean(text[: self._room])
        self._printed.append(shown)
        self._room -= len(shown)
        self._left_out += len(text) - len(shown)

    async def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, default=str).encode() + b"\n"
        try:
            await self._in_its_time(self._process.write(line))
        except (BrokenPipeError, ConnectionError):
            raise _EndedError(await self._last_words()) from None

    async def _in_its_time(self, waiting: Awaitable[T]) -> T:
        """Return what *waiting* gives. Raises _EndedError once the program has used up its own time."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._left)):
                return await waiting
        except TimeoutError:
            raise _EndedError(
                f"it took longer than {self._limits.seconds:g} s, calls not counted, and was stopped"
            ) from None
        finally:
            self._left -= time.monotonic() - begun

    async def _last_words(self) -> str:
        await self._process.gone(1.0)
        status = self._process.returncode
        how = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
        said = error_in(_clean(self._process.stderr))
        return f"its process ended before its end was reached ({how})" + (f": {said}" if said else "")


_BY_HAND = "it wrote to the descriptor by which it speaks with its host, and was stopped"


def _clean(text: str) -> str:
    """Return *text* as it can be encoded: half of a character, which a program may print, cannot."""
    return text.encode("utf-8", "replace").decode()
