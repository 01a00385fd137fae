"""Text that arrives in pieces, broken at words as it goes to the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

# Scripts that put no spaces between words may be broken behind any character.
_UNSPACED = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60"
_PARTS = re.compile(rf"\n|[^\S\n]+|[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_FENCE = "```"


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
