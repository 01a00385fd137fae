"""The installs and activations that have begun and not ended, for calls that come before their end."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Kind = Literal["install", "activate"]


@dataclass(eq=False)
class Operation:
    """One install or activation; *name* is the plugin's, empty until what was *said* is resolved."""

    kind: Kind
    said: str
    name: str = ""
    resolved: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def is_about(self, name: str) -> None:
        """Take note of the name that was meant."""
        self.name = name
        self.resolved.set()


_inside: ContextVar[tuple[Operation, ...]] = ContextVar("operations_under_way", default=())
"""The operations that this task is a part of: it must not wait for its own end."""


class PendingOperations:
    """What is being installed or activated now, in the order in which it began.

    Agents make the calls of one step at once: "install X and switch it on" reaches us as two calls, of which the second
    finds no plugin unless it waits for the first.
    """

    def __init__(self) -> None:
        self._operations: list[Operation] = []

    @contextlib.contextmanager
    def begin(self, kind: Kind, said: str) -> Iterator[Operation]:
        """Count as under way in this block."""
        operation = Operation(kind, said)
        self._operations.append(operation)
        token = _inside.set((*_inside.get(), operation))
        try:
            yield operation
        finally:
            _inside.reset(token)
            self._operations.remove(operation)
            operation.resolved.set()
            operation.ended.set()

    async def wait_for_install(self, name: str, *, before: Operation | None = None) -> bool:
        """Wait until no install of *name*, which may be what was said or the name meant, is under way.

        With *before*, only for those that began before it. Returns whether there was one.
        """
        waited = False
        for operation in self._earlier(before):
            if operation.kind != "install":
                continue
            await operation.resolved.wait()
            if name in (operation.name, operation.said):
                await operation.ended.wait()
                waited = True
        return waited

    async def wait_for(self, is_meant: Callable[[str], bool]) -> bool:
        """Wait for the end of all that is under way for plugins whose name *is_meant*; False where there is none."""
        waited = False
        while operation := next((each for each in self._earlier(None) if is_meant(each.name or each.said)), None):
            await operation.ended.wait()
            waited = True
        return waited

    def _earlier(self, before: Operation | None) -> Sequence[Operation]:
        end = len(self._operations) if before is None else self._operations.index(before)
        return [operation for operation in self._operations[:end] if operation not in _inside.get()]
