"""A person's terminal, small enough to know when a program waits for them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

from tests.conftest import ready_for
from tests.ready_interpreter import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.ready_interpreter import ForkedCommand

_CODES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])|\r")
_PROMPT = re.compile(r"(?:^|\n)([^\n]*(?:> |\[y/N\] |\): ?))$")


class Terminal:
    """*command* in a terminal of its own; ``seen`` is what it showed so far, without control codes.

    ``raw`` is the same with them.
    """

    def __init__(self, command: Sequence[str], folder: Path, env: dict[str, str], columns: int = 80) -> None:
        self._screen, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        # A dumb terminal is still one: programs ask and show, without moving about.
        # How wide it is it says itself; what the environment says of another one would count for more.
        # Nor is it asked where the cursor is: an answer that comes late has a question drawn once more, behind what was
        # typed by then, and nobody here keeps account of where on the screen that is.
        env = {"TERM": "dumb", "PROMPT_TOOLKIT_NO_CPR": "1"} | {
            name: value for name, value in env.items() if name not in {"COLUMNS", "LINES"}
        }
        self._process = _started(command, folder, env, side)
        self.raw = ""
        self._answered = 0
        self.code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.code = self._process.wait(20)
        os.close(self._screen)

    @property
    def seen(self) -> str:
        return _CODES.sub("", self.raw)

    def prompt(self, seconds: float) -> str | None:
        """Wait until it asks for something and return the line that asks; None when it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            fresh = self.seen[self._answered :]
            if (match := _PROMPT.search(fresh)) is not None:
                return match.group(1)
            if not self._read(end - time.monotonic()):
                self.code = self._process.wait(20)
                return None
        raise AssertionError(f"it neither asks nor ends:\n{self.seen}")

    def type(self, text: str) -> None:
        """Answer with a line."""
        self._answered = len(self.seen)
        self.press(f"{text}\r")

    def press(self, keys: str) -> None:
        """Press keys, and no Enter behind them."""
        os.write(self._screen, keys.encode())

    def shows(self, pattern: str, seconds: float = 20.0) -> str:
        """Wait until *pattern* is there in what came since the last answer, and return what it matched."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (match := re.search(pattern, self.seen[self._answered :])) is not None:
                return match.group()
            if not self._read(end - time.monotonic()):
                break
        raise AssertionError(f"{pattern!r} is not shown:\n{self.seen[self._answered :]}")

    def ends(self, seconds: float = 60.0) -> None:
        """Wait until it has ended."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            assert time.monotonic() < end, f"it does not end:\n{self.seen}"
        self.code = self._process.wait(20)

    def _read(self, seconds: float) -> bool:
        """Take in what it shows next; False when it has ended."""
        ready, _, _ = select.select([self._screen], [], [], max(0.0, seconds))
        if not ready:
            return True
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)


def _started(
    command: Sequence[str], folder: Path, env: dict[str, str], side: int
) -> subprocess.Popen[bytes] | ForkedCommand:
    """Start *command* on this *side* of a terminal, which is closed here."""
    if (words := words_of(command)) is not None and (ready := ready_for(env)) is not None:
        return ready.start(words, env=env, folder=folder, streams=(side, side, side), terminal=True)
    # What a session without a terminal opens first becomes its own, and only then is Ctrl-C a signal.
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>"$0"', os.ttyname(side), *command],
        stdin=side,
        stdout=side,
        stderr=side,
        cwd=folder,
        env=env,
        close_fds=True,
        start_new_session=True,
    )
    os.close(side)
    return process
