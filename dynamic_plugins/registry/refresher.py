"""Asking the sources beside whatever else goes on: what is due, by whom, and how long anybody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from dynamic_plugins.errors import RegistryUnavailableError
from dynamic_plugins.registry.held_copies import entries_of, fingerprint_of
from dynamic_plugins.registry.timetable import after_failure, after_success, is_due

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_plugins.registry.cache import Copy
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.held_copies import HeldCopies
    from dynamic_plugins.registry.refresh_process import RefreshProcess
    from dynamic_plugins.registry.sources import Source

LONGER = 12
"""How many times the usual timeout a refresh may take: an MCP registry has hundreds of pages, and nobody waits."""
LOOK = 0.05
"""Seconds between two looks at what another process does."""

log = logging.getLogger(__name__)


class Refresher:
    """Refreshes *copies* of the *sources* that there are at the time: in a task of the running loop, or, where *beside*
    is given, in that process.

    One process asks a source at a time; the others go on with what is there. Where *offline*, nothing is asked.
    """

    def __init__(
        self,
        copies: HeldCopies,
        sources: Callable[[], Sequence[Source]],
        *,
        offline: bool = False,
        beside: RefreshProcess | None = None,
    ) -> None:
        self.before_new_copy: Callable[[Sequence[Entry], str], None] | None = None
        self._copies, self._sources, self._offline, self._beside = copies, sources, offline, beside
        self._placing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def due(self) -> list[Source]:
        """Return the sources that are to be asked now."""
        if self._offline:
            return []
        return [source for source in self._sources() if source.is_remote and self._is_due(source)]

    def begin(self) -> None:
        """Begin to refresh what is due, unless that goes on already."""
        if self._goes_on() or not self.due():
            return
        if self._beside is not None:
            self._beside.start()
        else:
            self._task = asyncio.get_running_loop().create_task(self._in_background())

    async def wait(self, seconds: float) -> None:
        """Begin to refresh what is due, and wait until that has ended or brought something, or *seconds* are over.

        Nobody waits twice for the same refresh.
        """
        due = [held for source in self.due() if not (held := self._copies.of(source)).waited_for]
        self.begin()
        for held in due:
            held.waited_for = True
        if due:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._until_news(), seconds)

    async def refresh_due(self, seconds: float) -> None:
        """Refresh what is due, here and now, for so many *seconds* at most."""
        await self.ask(self.due(), seconds)

    def _goes_on(self) -> bool:
        if self._beside is not None:
            return self._beside.goes_on()
        return self._task is not None and not self._task.done()

    async def close(self) -> None:
        """End what goes on, unless it is to outlive us; it goes on from there in the next process."""
        if self._beside is not None:
            await self._beside.close()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ended(self) -> None:
        """Return once nothing goes on in this process."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def ask(self, sources: Sequence[Source], seconds: float, *, patient: bool = False) -> None:
        """Ask those of *sources* that are addresses, all at once and for so many *seconds* at most.

        Whoever is *patient* waits for another process that asks them, and asks them although they are not due.
        """
        if not self._offline:
            remote = [source for source in sources if source.is_remote]
            await asyncio.gather(*(self._ask_alone(source, seconds, patient) for source in remote))

    def _is_due(self, source: Source) -> bool:
        held = self._copies.load(source)
        return is_due(held.checked, held.copy, self._copies.clock())

    async def _in_background(self) -> None:
        try:
            await self.refresh_due(self._copies.timeout * LONGER)
        except Exception:  # nobody waits for this task: what it stumbles over would be seen by nobody
            log.exception("the registries could not be refreshed")

    async def _until_news(self) -> None:
        if self._beside is None:
            await self.ended()
            return
        before = [self._copies.of(source).stamp for source in self._sources()]
        while self.due() and not self._beside.has_ended():
            await asyncio.sleep(LOOK)
            if before != [self._copies.load(source).stamp for source in self._sources()]:
                return

    async def _ask_alone(self, source: Source, seconds: float, patient: bool) -> None:
        """Ask *source* unless another process does, or was quicker."""
        cache = self._copies.cache
        before, began = cache.checked(source.location), time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            with cache.alone(source.location) as alone:
                if alone:
                    if self._is_due(source) or (patient and cache.checked(source.location) == before):
                        await self._ask(source, left)
                    return
            if not patient:
                return
            await asyncio.sleep(LOOK)

    async def _ask(self, source: Source, seconds: float) -> None:
        from dynamic_plugins.registry.http import FetchError, UnfinishedError

        held, walk = self._copies.of(source), self._copies.cache.walk(source.location)
        try:
            new = await self._copies.reader.read_address(source, held.copy, seconds, walk)
        except UnfinishedError as error:
            log.info("%s: %s", source.shown, error)  # it works, and goes on from there
        except RegistryUnavailableError as error:
            self._copies.failed(source, error)
            self._copies.check(
                source,
                after_failure(
                    held.checked,
                    self._copies.clock(),
                    held.problem,
                    is_outage=held.is_outage,
                    retry_after=error.retry_after if isinstance(error, FetchError) else None,
                ),
            )
        else:
            await self._place(source, new)
            walk.drop()

    async def _place(self, source: Source, new: Copy | None) -> None:
        """Put a new copy in place, once what is made of all entries together was made of it."""
        async with self._placing:
            if new is not None and self.before_new_copy is not None:
                copies = {each: self._copies.of(each).copy for each in self._sources()} | {source: new}
                there = {each: copy for each, copy in copies.items() if copy is not None}
                await asyncio.to_thread(self.before_new_copy, entries_of(there), fingerprint_of(there))
            self._copies.keep(source, new)
            self._copies.check(source, after_success(self._copies.clock()))
