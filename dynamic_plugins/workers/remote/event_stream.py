"""A stream of server-sent events, whose messages are put in form before the MCP client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from dynamic_plugins.workers.line_buffer import LineBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_DATA = b"data:"


class MendedEvents(httpx2.AsyncByteStream):
    """The events of *stream*; *mend* is given the JSON of one, and returns the messages in its place.

    What an event without JSON says is handed on as it comes. Of one of more than *longest* bytes, without its pictures,
    as much is handed on as the client needs to refuse it.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, mend: Callable[[bytes], list[bytes]], longest: int) -> None:
        self._stream, self._mend, self._longest = stream, mend, longest
        self._line = LineBuffer(longest)
        """The line that has not ended yet."""
        self._is_refused = False
        """Whether the client has got what it refuses that line for."""
        self._event: list[bytes] = []
        """The lines of the event that has not ended yet."""
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            *ended, rest = part.split(b"\n")
            mended = b"".join(self._ended(each) for each in ended)
            self._line.add(rest)
            if self._line.drops and not self._is_refused:
                self._is_refused = True
                mended += self._let_go() + self._refused()
            if mended:
                yield mended
        yield self._let_go() + self._line.finish()[0]

    def _ended(self, rest: bytes) -> bytes:
        """Return what the line that ends with *rest* is handed on as."""
        self._line.add(rest)
        line, dropped = self._line.finish()
        was_refused, self._is_refused = self._is_refused, False
        if dropped:
            return b"\n" if was_refused else self._let_go() + self._refused() + b"\n"
        found = self._taken(line)
        return found + self._let_go() if self._size > self._longest else found

    def _refused(self) -> bytes:
        return _DATA + b"x" * self._longest

    async def aclose(self) -> None:
        """Read no more."""
        await self._stream.aclose()

    def _taken(self, line: bytes) -> bytes:
        """Return the event that *line* ends; nothing while it goes on."""
        self._event.append(line)
        self._size += len(line)
        return b"" if line.strip(b"\r") else self._let_go()

    def _let_go(self) -> bytes:
        lines, self._event, self._size = self._event, [], 0
        data = b"\n".join(line.removeprefix(_DATA).strip() for line in lines if line.startswith(_DATA)).strip()
        ended = bool(lines) and not lines[-1].strip(b"\r")
        if not ended or data[:1] not in (b"{", b"["):
            return b"".join(line + b"\n" for line in lines)
        head = b"".join(line + b"\n" for line in lines[:-1] if not line.startswith(_DATA))
        return b"".join(head + _DATA + b" " + each + b"\n\n" for each in self._mend(data))
