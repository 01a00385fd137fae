"""Messages as they come from the other side, of a client or of a server, as MCP's sessions read them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import anyio

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage


class MessageReader(ABC):
    """A session's way from the other side: iterated over until its end."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    @abstractmethod
    async def receive(self) -> SessionMessage | Exception:
        """Return the next message. Raises EndOfStream after the last."""
