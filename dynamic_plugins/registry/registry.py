"""What can be had: the entries of all sources, as fresh as they can be had now, and what is wrong with them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins import __version__
from dynamic_plugins.errors import NotARegistryError, RegistryUnavailableError
from dynamic_plugins.registry.cache import Cache, Checked, Copy
from dynamic_plugins.registry.revocation import covering
from dynamic_plugins.registry.sources import (
    BUNDLED,
    BUNDLED_SOURCE,
    OFFICIAL,
    SourceError,
    SourceList,
    SourceState,
    age,
    given_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.refresh import Reader
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.registry.sources import Source

__all__ = ["AGAIN", "FRESH", "Registry", "SourceState"]

FRESH = 3600.0
"""Seconds for which a copy is used without asking its source."""
AGAIN = 60.0
"""Seconds after which a source that failed is asked again without being told to."""
REFRESH_FACTOR = 12
"""How much longer than usual somebody waits who asked for a refresh; an MCP registry has hundreds of pages."""


@dataclass
class _Held:
    """What is in memory of one source."""

    copy: Copy | None = None
    stamp: Stamp | None = None
    problem: str = ""
    is_outage: bool = False
    failed_at: float = 0.0


class Registry:
    """All entries of the configured sources; or of *locations* (files, addresses, official names) in their place.

    *locations* are what the operator named for this run, which trusts them; configured sources are trusted one by
    one (:attr:`sources`). Only the bundled snapshot is on at first, so that nothing is fetched unasked. *timeout* is
    in seconds, *home* the data folder: copies are kept in its ``registry`` folder.
    """

    def __init__(
        self,
        home: Path,
        locations: Sequence[str] = (),
        *,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
        official: Mapping[str, str] = OFFICIAL,
    ) -> None:
        self.on_new_copy: Callable[[], None] | None = None
        """Called, on the event loop, when a source has another list than it had."""
        self.sources = SourceList(home, official)
        self._given = tuple({source.location: source for source in map(given_source, locations)}.values())
        self._home = home
        self._cache = Cache(home / "registry")
        self._timeout, self._clock = timeout, clock
        self._held: dict[Source, _Held] = {}
        self._shown: tuple[Source, ...] = ()
        self._notices: list[str] = []
        self._lock = asyncio.Lock()

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, source by source; a name that two sources have is there twice.

        Copies are used for an hour, then their sources are asked, all at once and for at most the timeout. A source
        that fails is shown as it was last good; where there is no copy of any, the bundled snapshot is shown.
        :attr:`notices` says so. Raises RegistryUnavailableError where there is nothing to show.
        """
        async with self._lock:
            await self._update(self.configured(), seconds=self._timeout, force=False)
        return self.cached_entries()

    def cached_entries(self) -> Sequence[Entry]:
        """Return the entries that are at hand now, asking no address. Raises RegistryUnavailableError."""
        sources = self.configured()
        for source in sources:
            self._load(source)
        shown = [source for source in sources if self._hold(source).copy is not None]
        if not shown:
            shown = [self._fall_back(sources)]
        self._shown = tuple(shown)
        self._notices = self._tell(sources, shown)
        copies = [copy.entries for source in shown if (copy := self._hold(source).copy) is not None]
        if len(copies) == 1:
            return copies[0]
        from dynamic_plugins.registry.lazy_entries import Joined

        return Joined(copies)

    async def refresh(self, name: str | None = None) -> tuple[SourceState, ...]:
        """Ask the sources (or the one of this name) now, whatever the age of their copies, and return how they stand.

        Raises SourceError if there is no source of this name.
        """
        sources = self.configured()
        if name is not None:
            sources = tuple(source for source in sources if source.name == name) or (self.sources.get(name),)
        async with self._lock:
            await self._update(sources, seconds=self._timeout * REFRESH_FACTOR, force=True)
        return tuple(self._state(source) for source in sources)

    async def get(self, name: str) -> list[Entry]:
        """Return the entries of exactly this name, one for each source that has it."""
        await self.entries()
        copies = (self._hold(source).copy for source in self._shown)
        found = (copy.entries.named(name) for copy in copies if copy is not None)
        return [entry for entry in found if entry is not None]

    @property
    def notices(self) -> list[str]:
        """What a person should know about what :meth:`entries` last gave: outages, ages, skipped entries."""
        return list(self._notices)

    @property
    def fingerprint(self) -> str:
        """A text that changes when the entries do."""
        parts = (
            f"{source.name} {copy.facts.digest}"
            for source in self._shown
            if (copy := self._hold(source).copy) is not None
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def is_trusted(self, source: str) -> bool:
        """Return whether entries of this source may be installed without trusting it first."""
        return source == BUNDLED or any(each.name == source and each.trusted for each in self.configured())

    def revocation(self, name: str, version: str | None, listed_in: str) -> Revocation | None:
        """Return what revokes a plugin, as far as is known now, asking no address; None where nothing does.

        A source that is not trusted revokes only what is *listed_in* it. A *version* of None is not known yet.
        """
        for source in self.configured():
            counts = source.trusted or source.name == listed_in
            if counts and (found := covering(self._revoked_by(source), name, version)) is not None:
                return found
        return None

    def _revoked_by(self, source: Source) -> tuple[Revocation, ...]:
        if source.location == BUNDLED:
            return ()  # it is as old as this installation: what it should not list is not in it
        if source.is_remote:
            return self._cache.revoked(source.location)
        self._load(source)
        copy = self._hold(source).copy
        return () if copy is None else copy.facts.revoked

    def configured(self) -> tuple[Source, ...]:
        """Return the sources of this run: those given to it, or those of ``sources.json``."""
        if self._given:
            return self._given
        try:
            return self.sources.all()
        except SourceError:
            return (BUNDLED_SOURCE,)  # told in the notices; whoever changes the sources gets the error itself

    def states(self) -> tuple[SourceState, ...]:
        """Return how each source stands, asking no address."""
        for source in self.configured():
            self._load(source)
        return tuple(self._state(source) for source in self.configured())

    def forget(self, source: Source) -> None:
        """Remove the copy of a source that was removed."""
        self._cache.forget(source.location)
        self._held.pop(replace(source, trusted=False), None)

    # ---------------------------------------------------------------- reading

    @cached_property
    def _reader(self) -> Reader:
        # Loaded with what it parses by whoever asks for entries: most commands ask for none.
        from dynamic_plugins.registry.refresh import Reader

        return Reader(self._python_plugins, self._timeout, self._clock)

    def _hold(self, source: Source) -> _Held:
        # By name too: what was read as one source's must not pass for another's.
        return self._held.setdefault(replace(source, trusted=False), _Held())

    def _load(self, source: Source) -> None:
        """Take up the newest copy on disk: another process may have fetched it, and a file may have changed."""
        held = self._hold(source)
        if source.location == BUNDLED:
            self._load_bundled(held)
            return
        stamp = self._cache.stamp(source.location)
        if stamp is not None and stamp != held.stamp:
            held.copy = self._cache.load(source.location, source.name) or held.copy
            held.stamp = stamp
        if source.is_remote:
            self._recall(source, held)
        else:
            try:
                new = self._reader.read_file(source, held.copy)
            except RegistryUnavailableError as error:
                self._failed(source, held, error)
            else:
                self._good(source, held, new)

    def _recall(self, source: Source, held: _Held) -> None:
        """Take up how the last attempt went, whichever process made it, where there is a copy to show meanwhile."""
        checked = self._cache.checked(source.location)
        if held.copy is not None and max(checked.checked_at, checked.failed_at) >= held.failed_at:
            held.problem, held.failed_at = checked.failure, checked.failed_at

    def _load_bundled(self, held: _Held) -> None:
        if held.copy is None:
            try:
                # Its rows are kept as those of others are: parsing and checking it all takes longer than a search.
                last = self._cache.load(BUNDLED, BUNDLED)
                new = self._reader.read_bundled(last)
            except (OSError, ValueError) as error:
                held.problem = f"this installation is damaged: {error}"
            else:
                held.copy = new or last
                if new is not None and self._home.is_dir():  # looking makes no home
                    self._cache.keep(BUNDLED, new.facts, new.entries)

    async def _update(self, sources: Sequence[Source], *, seconds: float, force: bool) -> None:
        for source in sources:
            self._load(source)
        due = [source for source in sources if source.is_remote and (force or self._is_due(source))]
        await asyncio.gather(*(self._ask(source, seconds) for source in due))

    def _is_due(self, source: Source) -> bool:
        held, now = self._hold(source), self._clock()
        if 0 <= now - held.failed_at < AGAIN:
            return False
        if held.copy is None or held.problem or held.copy.facts.made_by != __version__:
            return True
        return not 0 <= now - self._cache.checked(source.location).checked_at < FRESH

    async def _ask(self, source: Source, seconds: float) -> None:
        held = self._hold(source)
        checked = self._cache.checked(source.location)
        try:
            new = await self._reader.read_address(source, held.copy, checked.checked_at, seconds)
        except RegistryUnavailableError as error:
            self._failed(source, held, error)
            self._cache.check(
                source.location, replace(checked, failed_at=self._clock(), failure=held.problem or "it failed")
            )
        else:
            self._good(source, held, new)
            self._cache.check(source.location, Checked(checked_at=self._clock()))

    def _good(self, source: Source, held: _Held, new: Copy | None) -> None:
        held.problem, held.failed_at = "", 0.0
        if new is not None:
            held.copy, held.stamp = new, self._cache.keep(source.location, new.facts, new.entries)
            if self.on_new_copy is not None:
                self.on_new_copy()

    def _failed(self, source: Source, held: _Held, error: RegistryUnavailableError) -> None:
        held.problem = str(error)
        held.is_outage = source.is_remote and not isinstance(error, NotARegistryError)
        held.failed_at = self._clock()

    def _python_plugins(self) -> dict[str, Entry]:
        self._load(BUNDLED_SOURCE)
        copy = self._hold(BUNDLED_SOURCE).copy
        return {} if copy is None else {entry.name: entry for entry in copy.entries if entry.kind == "elizaos"}

    # ---------------------------------------------------------------- telling

    def _fall_back(self, sources: Sequence[Source]) -> Source:
        """Return the bundled snapshot, where an outage keeps everything else away; raise where nothing is left.

        An address that answers with something else than a registry, or a file that is none, is a mistake rather than
        an outage: showing another registry instead would hide it.
        """
        problems = [(source, self._hold(source)) for source in sources]
        if not problems or any(held.is_outage or not held.problem for _, held in problems):
            self._load(BUNDLED_SOURCE)
            if self._hold(BUNDLED_SOURCE).copy is not None:
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
            state = self._state(source)
            if state.problem:
                notices.append(f"{source.shown}: {state.problem}. {self._instead(state, shown)}")
            if state.skipped:
                # Short: a notice reaches the model, and the reason quotes a stranger.
                notices.append(f"{source.shown}: {state.skipped} bad entries skipped ({state.why_skipped[0][:80]}).")
        return notices

    def _instead(self, state: SourceState, shown: Sequence[Source]) -> str:
        if self._hold(state.source).copy is not None:
            since = max(state.fetched_at, state.checked_at)
            return f"Showing its last good copy, {age(self._clock() - since)} old."
        if BUNDLED_SOURCE in shown and state.source is not BUNDLED_SOURCE:
            made = self._state(BUNDLED_SOURCE).updated
            return "Its entries are missing; the bundled snapshot is shown" + (f", of {made}." if made else ".")
        return "Its entries are missing."

    def _state(self, source: Source) -> SourceState:
        held = self._hold(source)
        checked = self._cache.checked(source.location) if source.is_remote else Checked()
        if held.copy is None:
            return SourceState(source, checked_at=checked.checked_at, problem=held.problem)
        facts = held.copy.facts
        return SourceState(
            source,
            len(held.copy.entries),
            facts.fetched_at,
            checked.checked_at,
            held.problem,
            facts.skipped,
            facts.why_skipped,
            facts.updated,
        )
