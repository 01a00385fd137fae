"""The requests that wait for an answer, ours and the server's, as a transport sees them pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import mcp_types as types

from dynamic_plugins.workers.message_repair import put_notice_right, put_right

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ASKED = 100
"""So many requests of a server may wait for an answer of ours; then nothing more of it is to be read."""


class PendingRequests:
    """Keeps count of what was asked and not answered, and puts right what is odd in the answers.

    *left_out* is called for each item of a list that cannot be used; where it is None, answers stay as they are.
    """

    def __init__(self, left_out: Callable[[str], None] | None) -> None:
        self._left_out = left_out
        self.ours: dict[int, str] = {}
        """The methods of our requests, by number."""
        self._theirs: set[str] = set()
        self._room = asyncio.Event()

    @property
    def too_many(self) -> bool:
        """Whether the server has asked more than may wait."""
        return len(self._theirs) > _MOST_ASKED

    async def room(self) -> None:
        """Wait until the server has not asked too much."""
        while self.too_many:
            self._room.clear()
            await self._room.wait()

    def sending(self, message: types.JSONRPCMessage) -> None:
        """Note *message* before it leaves, because its answer may be faster than whoever sends it."""
        if isinstance(message, types.JSONRPCRequest) and isinstance(message.id, int):
            self.ours[message.id] = message.method

    def sent(self, message: types.JSONRPCMessage) -> bool:
        """Note that *message* has left, and return whether it is an answer: one request waits no more."""
        if not isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            return False
        self._answered(message.id)
        return True

    def received(self, message: types.JSONRPCMessage) -> None:
        """Note *message*; an answer is put right in place."""
        if isinstance(message, types.JSONRPCResponse):
            method = self._method_of(message)
            if self._left_out is not None:
                put_right(method, message.result, self._left_out)
        elif isinstance(message, types.JSONRPCError):
            if message.id is None and len(self.ours) == 1:  # whom else could it be meant for?
                message.id = next(iter(self.ours))
            self._method_of(message)
        elif isinstance(message, types.JSONRPCRequest):
            self._theirs.add(str(message.id))
        elif isinstance(message, types.JSONRPCNotification):
            if message.params is None:
                message.params = {}
            if message.method == "notifications/cancelled":
                self._answered(message.params.get("requestId"))
            elif self._left_out is not None:
                put_notice_right(message.method, message.params)

    def _method_of(self, answer: types.JSONRPCResponse | types.JSONRPCError) -> str:
        """Return the method of the request that *answer* belongs to; nobody waits for another answer to it."""
        number = answer.id
        if isinstance(number, str) and number.isdecimal():  # some give every id back as text
            number = answer.id = int(number)
        return self.ours.pop(number, "") if isinstance(number, int) else ""

    def _answered(self, request: object) -> None:
        self._theirs.discard(str(request))
        if not self.too_many:
            self._room.set()
