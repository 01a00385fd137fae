"""A stream of server-sent events, whose messages are put in form before the MCP client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_DATA = b"data:"


class MendedEvents(httpx2.AsyncByteStream):
    """The events of *stream*; *mend* is given the JSON of one, and returns the messages in its place.

    What an event without JSON says is handed on as it comes, and so is one of more than *longest* bytes.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, mend: Callable[[bytes], list[bytes]], longest: int) -> None:
        self._stream, self._mend, self._longest = stream, mend, longest
        self._held = b""
        """The line that has not ended yet."""
        self._event: list[bytes] = []
        """The lines of the event that has not ended yet."""
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            *lines, self._held = (self._held + part).split(b"\n")
            mended = b"".join(self._taken(line) for line in lines)
            if self._size + len(self._held) > self._longest:
                mended, self._held = mended + self._let_go() + self._held, b""
            if mended:
                yield mended
        yield self._let_go() + self._held

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
