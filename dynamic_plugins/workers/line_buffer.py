"""What a worker writes, cut into lines of a bounded length.

The base64 of a picture or a sound may be longer than a line: it is only told about, so its length stands for it.
"""

from __future__ import annotations

import re

EDGE = 256
"""So many bytes of either end are kept of a line that is dropped."""
CUT_SHORT = "cut-short:"
"""Stands before the number of bytes of base64 that were left out, in their place."""
_ADDRESS = rb"data:[\w.+/-]+;base64,"
_BASE64_BEGINS = re.compile(
    rb'"(?:(?:data|blob)"\s*:\s*"(?:' + _ADDRESS + rb')?|(?:url|image_url)"\s*:\s*"' + _ADDRESS + rb")(?=[A-Za-z0-9+/])"
)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=_-]|\\/|\\n|\\r)*")
_WORTH_CUTTING = 4096


class LineBuffer:
    """Takes bytes as they arrive, and gives whole lines.

    A line of more than *longest* bytes is dropped while it arrives, so that a worker cannot fill our memory.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._line = bytearray()
        self._head = b""
        self._dropped = 0
        self._cut: int | None = None
        """How many characters of base64 were left out, where it has not ended yet."""

    @property
    def drops(self) -> bool:
        """Whether the line that has not ended yet is too long already."""
        return bool(self._dropped)

    def add(self, part: bytes) -> None:
        """Take a part of a line."""
        if self._cut is not None:
            part = self._pass_over(part)
        if not self._dropped and len(self._line) + len(part) > self.longest:
            self._line += part
            part = b""
            self._cut_short()
        if not self._dropped and len(self._line) + len(part) <= self.longest:
            self._line += part
            return
        if not self._dropped:
            self._head = bytes((self._line + part)[:EDGE])
        self._dropped += len(part) + (0 if self._dropped else len(self._line))
        self._line = bytearray((self._line[-EDGE:] + part[-EDGE:])[-EDGE:])

    def finish(self) -> tuple[bytes, int]:
        """Return the line that has ended and 0, or, of one that was dropped, its edges and its length in bytes."""
        if self._cut is not None:
            self._line += self._end_cut()
        line, dropped = bytes(self._line), self._dropped
        if dropped:
            line = self._head + b" " + line
        self._line.clear()
        self._dropped = 0
        return line, dropped

    def _cut_short(self) -> None:
        """Replace the base64 in a line that is too long."""
        line, self._line = bytes(self._line), bytearray()
        reached = 0
        for begin in _BASE64_BEGINS.finditer(line):
            if begin.end() < reached:
                continue
            run = _BASE64.match(line, begin.end())
            end = run.end() if run is not None else begin.end()
            if end == len(line):  # it goes on
                self._line += line[reached : begin.end()]
                self._cut = _length(line[begin.end() : end])
                return
            if end - begin.end() >= _WORTH_CUTTING:
                self._line += line[reached : begin.end()] + _cut_mark(_length(line[begin.end() : end]))
                reached = end
        self._line += line[reached:]

    def _pass_over(self, part: bytes) -> bytes:
        assert self._cut is not None  # noqa: S101 # called for a cut alone
        run = _BASE64.match(part)
        end = run.end() if run is not None else 0
        self._cut += _length(part[:end])
        return self._end_cut() + part[end:] if end < len(part) else b""

    def _end_cut(self) -> bytes:
        told, self._cut = _cut_mark(self._cut or 0), None
        return told


def _length(encoded: bytes) -> int:
    """Return how many characters of *encoded* carry something."""
    return len(encoded) - encoded.count(b"=")


def _cut_mark(length: int) -> bytes:
    return f"{CUT_SHORT}{length * 3 // 4}".encode()


class SpreadMessage:
    """Puts together a message that is spread over lines, as some print JSON: from a line ``{`` to a line ``}``."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._lines: list[bytes] = []
        self._size = 0

    def taken(self, line: bytes) -> bytes | None:
        """Return the whole message where *line* ends one, nothing for a line within; None for any other."""
        if not self._lines:
            if line.rstrip() != b"{":
                return None
        elif self._size > self._longest or line.startswith(b'{"'):  # it was none, and this is something else
            self._lines.clear()
            return None
        self._size = len(line) + (self._size if self._lines else 0)
        self._lines.append(line)
        if line.rstrip() != b"}":
            return b""
        whole = b"\n".join(self._lines)
        self._lines.clear()
        return whole
