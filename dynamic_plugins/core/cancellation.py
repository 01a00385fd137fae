"""Work that is not left half done when whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Do *work*; cancelled, however often, finish it before being cancelled: half of it would be worse than all."""
    task = asyncio.ensure_future(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is warned of it: whoever was cancelled has no use for it
        raise cancelled
    return task.result()


async def all_or_none(work: Iterable[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """Return what each of *work* gives, in order, so many *at_once*; where one fails, the others are cancelled and
    waited for, and the first failure is raised.
    """
    turns = asyncio.Semaphore(at_once)

    async def in_turn(one: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await one()

    tasks = [asyncio.ensure_future(in_turn(one)) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await to_the_end(ended(*tasks))


async def ended(*tasks: asyncio.Task[Any] | asyncio.Future[Any]) -> None:
    """Cancel *tasks* and wait until they have ended, whatever they end with."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
