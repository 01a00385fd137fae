"""What can be had: the entries of all sources, as fresh as they can be had now, and what is wrong with them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.errors import RegistryUnavailableError
from dynamic_plugins.registry.held_copies import HeldCopies, entries_of, fingerprint_of
from dynamic_plugins.registry.refresher import LONGER, Refresher
from dynamic_plugins.registry.revocation import covering
from dynamic_plugins.registry.sources import (
    BUNDLED,
    BUNDLED_SOURCE,
    OFFICIAL,
    SourceActivity,
    SourceError,
    SourceList,
    SourceState,
    age,
    given_source,
)
from dynamic_plugins.registry.timetable import AGAIN, FRESH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.held_copies import Held
    from dynamic_plugins.registry.refresh_process import RefreshProcess
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.registry.sources import Source

__all__ = ["AGAIN", "FRESH", "Registry", "SourceState"]

PATIENCE = 2.0
"""Seconds for which a refresh is waited for where it may well hold what was not found."""


class Registry:
    """All entries of the configured sources; or of *locations* (files, addresses, official names) in their place.

    *locations* are what the operator named for this run, which trusts them; configured sources are trusted one by
    one (:attr:`sources`). *timeout* is in seconds, *home* the data folder: copies are kept in its ``registry`` folder.

    What is on disk answers at once. What is due is refreshed beside it: by a task of the running loop, or by the
    process *beside* where that is given. With *offline* no address is ever asked.
    """

    def __init__(
        self,
        home: Path,
        locations: Sequence[str] = (),
        *,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
        official: Mapping[str, str] = OFFICIAL,
        offline: bool = False,
        beside: RefreshProcess | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.sources = SourceList(home, official)
        self.offline = offline
        self._given = tuple({source.location: source for source in map(given_source, locations)}.values())
        self._copies = HeldCopies(home / "registry", timeout, clock)
        self._refresher = Refresher(self._copies, self.configured, offline=offline, beside=beside)
        self._shown: tuple[Source, ...] = ()
        self._notices: list[str] = []
        self._lock, self._patience = asyncio.Lock(), patience

    def watch(
        self,
        on_new_copy: Callable[[], None] | None = None,
        before_new_copy: Callable[[Sequence[Entry], str], None] | None = None,
    ) -> None:
        """Have *on_new_copy* called, on the event loop, when a source has another list than it had.

        *before_new_copy* is called before that, in a thread, with the entries and the fingerprint that there will be.
        """
        self._copies.on_new_copy = on_new_copy or self._copies.on_new_copy
        self._refresher.before_new_copy = before_new_copy or self._refresher.before_new_copy

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, source by source; a name that two sources have is there twice.

        Nobody waits for a source of which there is a copy: it is asked beside this once the copy is an hour old. A
        source that was named for this run and was never read is waited for once, and so is any where there is nothing
        else to show, for at most the timeout. A source that fails is shown as it was last good; where there is no copy
        of any, the bundled snapshot is shown. :attr:`notices` says so. Raises RegistryUnavailableError where there is
        nothing to show.
        """
        if self._missed():
            async with self._lock:
                missed = self._missed()
                await self._refresher.ask(missed, self._copies.timeout, patient=True)
                for source in missed:
                    self._copies.of(source).waited_for = True
        self._refresher.begin()
        return self.cached_entries()

    def _missed(self) -> list[Source]:
        """Return the sources that have to be waited for: there is no copy, and nothing that could stand for it."""
        held = {source: self._copies.load(source) for source in self.configured()}
        missing = [source for source, each in held.items() if source.is_remote and each.copy is None]
        if not self._given and len(missing) < len(held):
            return []
        return [source for source in missing if not held[source].waited_for]

    async def catch_up(self) -> bool:
        """Wait, for so long as patience lasts, until what is due is refreshed; return whether anything changed.

        It is for whoever did not find what they named. Nobody waits twice for the same refresh.
        """
        before = self.fingerprint
        await self._refresher.wait(self._patience)
        self.cached_entries()
        return self.fingerprint != before

    def freshen(self) -> None:
        """Begin to refresh what is due, beside whatever else goes on, where entries have been asked for before."""
        if self._shown:
            self._refresher.begin()

    async def refresh_due(self) -> None:
        """Refresh what is due, here and now."""
        await self._refresher.refresh_due(self._copies.timeout * LONGER)

    async def refreshed(self) -> None:
        """Return once no refresh goes on in this process."""
        await self._refresher.ended()

    async def close(self) -> None:
        """End the refresh that goes on, unless it is to outlive this process; another one goes on from there."""
        await self._refresher.close()

    def cached_entries(self) -> Sequence[Entry]:
        """Return the entries that are at hand now, asking no address. Raises RegistryUnavailableError."""
        sources = self.configured()
        shown = tuple(source for source in sources if self._copies.load(source).copy is not None)
        self._shown = shown or (self._fall_back(sources),)
        self._notices = self._tell(sources, self._shown)
        return entries_of(self._copies.by_source(self._shown))

    def near(self) -> Sequence[Entry]:
        """Return what names go to first: all that :meth:`entries` last gave but what only official sources list."""
        return entries_of(self._copies.by_source(source for source in self._shown if not self._is_far(source)))

    def far(self) -> Sequence[Entry]:
        """Return what the official sources list: a name among :meth:`near` is never one of theirs."""
        return entries_of(self._copies.by_source(source for source in self._shown if self._is_far(source)))

    def is_far(self, entry: Entry) -> bool:
        """Return whether *entry* is of an official source."""
        return any(source.name == entry.source and self._is_far(source) for source in self._shown)

    def _is_far(self, source: Source) -> bool:
        # Whoever named one for this run means it, and nothing beside it.
        return not self._given and self.sources.is_official(source)

    async def refresh(self, name: str | None = None) -> tuple[SourceState, ...]:
        """Ask the sources (or the one of this name) now, whatever the age of their copies, and return how they stand.

        Raises SourceError if there is no source of this name.
        """
        sources = self.configured()
        if name is not None:
            sources = tuple(source for source in sources if source.name == name) or (self.sources.get(name),)
        for source in sources:
            self._copies.load(source)
        await self._refresher.ask(sources, self._copies.timeout * LONGER, patient=True)
        return tuple(self._state(source, look=True) for source in sources)

    async def get(self, name: str, source: str | None = None) -> list[Entry]:
        """Return the entries of exactly this name, one for each source that has it, or the one of *source*.

        What an official source lists under a name that another source has is there only for who names that *source*.
        """
        await self.entries()
        found = {each: entry for each in self._shown if (entry := self._named(each, name)) is not None}
        if source is not None:
            return [entry for each, entry in found.items() if each.name == source]
        near = [entry for each, entry in found.items() if not self._is_far(each)]
        return near or list(found.values())[:1]

    def _named(self, source: Source, name: str) -> Entry | None:
        copy = self._copies.of(source).copy
        return None if copy is None else copy.entries.named(name)

    @property
    def notices(self) -> list[str]:
        """What a person should know about what :meth:`entries` last gave: outages, ages, skipped entries."""
        return list(self._notices)

    @property
    def fingerprint(self) -> str:
        """A text that changes when the entries do."""
        return fingerprint_of(self._copies.by_source(self._shown))

    def is_trusted(self, source: str) -> bool:
        """Return whether entries of this source may be installed without trusting it first."""
        return source == BUNDLED or any(each.name == source and each.trusted for each in self.configured())

    def revocation(self, name: str, version: str | None, listed_in: str) -> Revocation | None:
        """Return what revokes a plugin, as far as is known now, asking no address; None where nothing does.

        A source that is not trusted revokes only what is *listed_in* it. A *version* of None is not known yet.
        """
        return self.revocations()(name, version, listed_in)

    def revocations(self) -> Callable[[str, str | None, str], Revocation | None]:
        """Return what answers as :meth:`revocation` does, for a list of plugins: each source is read once at most."""
        sources = self.configured()
        revoked_by = cache(self._copies.revoked_by)

        def revocation(name: str, version: str | None, listed_in: str) -> Revocation | None:
            for source in sources:
                counts = source.trusted or source.name == listed_in
                if counts and (found := covering(revoked_by(source), name, version)) is not None:
                    return found
            return None

        return revocation

    def configured(self) -> tuple[Source, ...]:
        """Return the sources of this run: those given to it, or those of ``sources.json``."""
        if self._given:
            return self._given
        try:
            return self.sources.all()
        except SourceError:
            return (BUNDLED_SOURCE,)  # told in the notices; whoever changes the sources gets the error itself

    def states(self, *, look: bool = True) -> tuple[SourceState, ...]:
        """Return how each source stands, asking no address.

        Without a *look* at what other processes do, it is not told whether it is being read.
        """
        sources = self.configured()
        for source in sources:
            self._copies.load(source)
        return tuple(self._state(source, look=look) for source in sources)

    def forget(self, source: Source) -> None:
        """Remove the copy of a source that was removed."""
        self._copies.forget(source)

    # ---------------------------------------------------------------- telling

    def _fall_back(self, sources: Sequence[Source]) -> Source:
        """Return the bundled snapshot, where an outage keeps everything else away; raise where nothing is left.

        An address that answers with something else than a registry, or a file that is none, is a mistake rather than
        an outage: showing another registry instead would hide it.
        """
        problems = [(source, self._copies.of(source)) for source in sources]
        is_outage = not problems or any(held.is_outage or not held.problem for _, held in problems)
        if is_outage and self._copies.load(BUNDLED_SOURCE).copy is not None:
            return BUNDLED_SOURCE
        raise RegistryUnavailableError(
            "No registry could be read. " + "; ".join(f"{source.shown}: {held.problem}" for source, held in problems)
        )

    def _tell(self, sources: Sequence[Source], shown: Sequence[Source]) -> list[str]:
        notices = []
        if not self._given:
            try:
                self.sources.all()
            except SourceError as error:
                notices.append(f"{error} Until then only the bundled snapshot is used.")
        for source in sources:
            if (notice := self._notice(source, shown)) is not None:
                notices.append(notice)
            facts = self._copies.of(source).copy
            if facts is not None and facts.facts.skipped and not self._is_far(source):
                # Short: a notice reaches the model, and the reason quotes a stranger.
                why = facts.facts.why_skipped[0][:80]
                notices.append(f"{source.shown}: {facts.facts.skipped} bad entries skipped ({why}).")
        return notices

    def _notice(self, source: Source, shown: Collection[Source]) -> str | None:
        """Return what a person should know of *source*, whose entries are old or missing; None where it is well.

        An official source that was never read is missed by nobody as long as there is another.
        """
        state = self._state(source)
        is_missing = source not in shown
        if is_missing and self._is_far(source) and BUNDLED_SOURCE in self.configured():
            return None
        if self.offline and source.is_remote and (is_missing or self._copies.clock() - state.as_of >= FRESH):
            return f"{source.shown}: not asked, since DYNAMIC_PLUGINS_OFFLINE is set. {self._instead(state, shown)}"
        if state.problem:
            return f"{source.shown}: {state.problem}. {self._instead(state, shown)}"
        if is_missing and source.is_remote:
            return f"{source.shown}: it has not been read to its end yet. {self._instead(state, shown)}"
        return None

    def _instead(self, state: SourceState, shown: Collection[Source]) -> str:
        if self._copies.of(state.source).copy is not None:
            return f"Showing its last good copy, {age(self._copies.clock() - state.as_of)} old."
        if BUNDLED_SOURCE in shown and state.source is not BUNDLED_SOURCE:
            made = self._state(BUNDLED_SOURCE).updated
            return "Its entries are missing; the bundled snapshot is shown" + (f", of {made}." if made else ".")
        return "Its entries are missing."

    def _state(self, source: Source, *, look: bool = False) -> SourceState:
        held = self._copies.of(source)
        state = SourceState(
            source, checked_at=held.checked.checked_at, problem=held.problem, next_try=held.checked.next_try
        )
        if source.is_remote:
            doing, page = self._activity(source, held, look)
            state = replace(state, doing=doing, page=page)
        if held.copy is None:
            return state
        facts = held.copy.facts
        return replace(
            state,
            entries=len(held.copy.entries),
            fetched_at=facts.fetched_at,
            skipped=facts.skipped,
            why_skipped=facts.why_skipped,
            updated=facts.updated,
        )

    def _activity(self, source: Source, held: Held, look: bool) -> tuple[SourceActivity, int]:
        if self.offline:
            return SourceActivity.OFFLINE, 0
        page = self._copies.cache.walk(source.location).pages() if look else 0
        if look and self._copies.cache.is_asked_elsewhere(source.location):
            return SourceActivity.REFRESHING, page
        if held.problem:
            return SourceActivity.FAILED, page
        return (SourceActivity.RESUMING if page else SourceActivity.NOTHING), page
