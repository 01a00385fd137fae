"""The terminal that several want at once: a reply that streams in, bars below it, notes, questions."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.cli.progress import Bars
from dynamic_plugins.events import ELSEWHERE
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.events import Event

# Scripts that put no spaces between words may be broken behind any character.
_UNSPACED = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60"
_PARTS = re.compile(rf"\n|[^\S\n]+|[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_FENCE = "```"


class Screen:
    """Gives each of them a place: notes and tables stand on lines of their own, and what asks is alone.

    Where standard error is not a terminal nothing is drawn.
    """

    def __init__(self, out: Output) -> None:
        self.out = out
        self._bars = Bars(out) if sys.stderr.isatty() and not out.as_json else None
        self._flow = Flow(_write, lambda: out.width)
        self._asking = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.settle()

    def listen(self, event: Event) -> None:
        """Show how far something is; what runs in the background breaks no reply's line."""
        self.listen_for_answers(event)
        if self._bars is not None and event.stage not in {"task_done", "task_failed"}:
            if self._flow.in_a_line:
                self._flow.end()
            self._bars.listen(event)

    def listen_for_answers(self, event: Event) -> None:
        """Say where a question waits for the person, and that they have answered it there."""
        if event.stage in ELSEWHERE:
            self.note(event.message)

    def busy(self, what: str) -> None:
        """Say what is being waited for, until something else is shown."""
        if self._bars is not None and not self._flow.in_a_line:
            self._bars.busy(what)

    def settle(self) -> None:
        """End the line, and take everything away that tells of work."""
        self._flow.end()
        if self._bars is not None:
            self._bars.clear()

    def piece(self, text: str) -> None:
        """Write what has come of a reply."""
        self.busy("")
        with self._alone():
            self._flow.piece(text)

    def reply(self, text: str) -> None:
        """Write a whole reply."""
        with self._alone():
            self._flow.line(text.rstrip())

    def note(self, text: str, style: str = "dim") -> None:
        """Write a line about what happens."""
        with self.own_lines():
            self.out.aside(text, style)

    @contextlib.contextmanager
    def own_lines(self) -> Iterator[None]:
        """Let something be written that begins at the left, such as a table."""
        with self._alone():
            self._flow.end()
            yield

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Let the person be asked, one question at a time.

        What was typed before the question was there is no answer to it, so it is thrown away.
        """
        async with self._asking:
            with self.own_lines():
                _forget_typed()
                yield

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        return self._bars.hidden() if self._bars is not None else contextlib.nullcontext()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextlib.contextmanager
def unechoed() -> Iterator[None]:
    """Keep what is typed meanwhile off the screen; it waits for the next prompt. Ctrl-C works as ever."""
    terminal = _settings()
    if terminal is None:
        yield
        return
    import termios

    before, number = terminal
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _forget_typed() -> None:
    if (terminal := _settings()) is None:
        return
    import termios

    from prompt_toolkit.input import create_input
    from prompt_toolkit.input.typeahead import clear_typeahead

    termios.tcflush(terminal[1], termios.TCIFLUSH)
    clear_typeahead(create_input(sys.stdin))


def _settings() -> tuple[list[Any], int] | None:
    """Return the terminal's settings and its number; None where standard input is not one, or is another system's."""
    try:
        import termios
    except ImportError:
        return None
    try:
        return termios.tcgetattr(sys.stdin.fileno()), sys.stdin.fileno()
    except (termios.error, OSError, ValueError):
        return None


class Flow:
    """Writes pieces of text with *write*, in lines of at most *width()* columns; a word is written once it is whole.

    What stands between lines of ``` is code: it is written as it is, so that it can be copied.
    """

    def __init__(self, write: Callable[[str], object], width: Callable[[], int]) -> None:
        self._write, self._width = write, width
        self._waiting = ""
        self._column = 0
        self._space = ""
        self._code = False

    @property
    def in_a_line(self) -> bool:
        """Whether the cursor stands behind something."""
        return self._column > 0

    def piece(self, text: str) -> None:
        """Write *text*, except the word at its end, which may go on."""
        parts = _PARTS.findall(self._waiting + text)
        # Escape sequences and line ends of two characters are whole only where a word ends.
        self._waiting = parts.pop() if parts and not parts[-1].endswith("\n") else ""
        self._put("".join(parts))

    def line(self, text: str) -> None:
        """Write *text* as a line of its own."""
        self.end()
        self._put(text)
        self._break()

    def end(self) -> None:
        """Write what still waits, and end the line."""
        waiting, self._waiting = self._waiting, ""
        self._put(waiting)
        if self.in_a_line:
            self._break()
        self._space, self._code = "", False

    def _put(self, text: str) -> None:
        for part in _PARTS.findall(printable(text)):
            if part == "\n":
                self._break()
            elif part.isspace():
                self._space += part.expandtabs(4)
            else:
                self._word(part)

    def _word(self, word: str) -> None:
        from rich.cells import cell_len

        if not self._column and word.startswith(_FENCE):
            self._code = not self._code
        wide = cell_len(word)
        if self._column and not self._code and self._column + len(self._space) + wide > self._width():
            self._break()
        self._write(self._space + word)
        self._column += len(self._space) + wide
        self._space = ""

    def _break(self) -> None:
        self._write("\n")
        self._column, self._space = 0, ""
