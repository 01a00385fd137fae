"""What is at hand of each source: its last good copy, in memory and on disk, and how the last attempt went."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.errors import NotARegistryError, RegistryUnavailableError
from dynamic_plugins.registry.cache import Cache, Checked
from dynamic_plugins.registry.sources import BUNDLED, BUNDLED_SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.registry.cache import Copy
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.refresh import Reader
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.registry.sources import Source


@dataclass
class Held:
    """What is in memory of one source. *problem* is empty where it could be read."""

    copy: Copy | None = None
    stamp: Stamp | None = None
    problem: str = ""
    is_outage: bool = False
    checked: Checked = field(default_factory=Checked)
    waited_for: bool = False
    """Whether somebody has waited for it since it was last good; nobody does twice."""


class HeldCopies:
    """The copies in *folder*, one of a home's, by source; *timeout* is in seconds, *clock* gives seconds since 1970."""

    def __init__(self, folder: Path, timeout: float, clock: Callable[[], float]) -> None:
        self._home, self.cache, self.timeout, self.clock = folder.parent, Cache(folder), timeout, clock
        self._bundled_rows = Cache(folder.with_name("catalogue"))
        self.on_new_copy: Callable[[], None] | None = None
        self._held: dict[Source, Held] = {}

    @cached_property
    def reader(self) -> Reader:
        # Loaded with what it parses by whoever asks for entries: most commands ask for none.
        from dynamic_plugins.registry.refresh import Reader

        return Reader(self._python_plugins, self.timeout, self.clock)

    def of(self, source: Source) -> Held:
        """Return what is in memory of *source*."""
        # By name too: what was read as one source's must not pass for another's.
        return self._held.setdefault(replace(source, trusted=False), Held())

    def by_source(self, sources: Iterable[Source]) -> dict[Source, Copy]:
        """Return the copies of those of *sources* that have one."""
        return {source: copy for source in sources if (copy := self.of(source).copy) is not None}

    def load(self, source: Source) -> Held:
        """Take up the newest copy on disk: another process may have fetched it, and a file may have changed."""
        held = self.of(source)
        if source.location == BUNDLED:
            self._load_bundled(held)
            return held
        stamp = self.cache.stamp(source.location)
        if stamp is not None and stamp != held.stamp:
            held.copy = self.cache.load(source.location, source.name) or held.copy
            held.stamp = stamp
        if source.is_remote:
            self._recall(source, held)
        else:
            try:
                new = self.reader.read_file(source, held.copy)
            except RegistryUnavailableError as error:
                self.failed(source, error)
            else:
                self.keep(source, new)
        return held

    def keep(self, source: Source, new: Copy | None) -> None:
        """Put a *new* copy in place of the last; None says that the last is still good."""
        held = self.of(source)
        held.problem, held.waited_for = "", False
        if new is not None:
            held.copy, held.stamp = new, self.cache.keep(source.location, new.facts, new.entries)
            if self.on_new_copy is not None:
                self.on_new_copy()

    def failed(self, source: Source, error: RegistryUnavailableError) -> None:
        """Note why *source* could not be read."""
        held = self.of(source)
        held.problem = str(error) or "it failed"
        held.is_outage = source.is_remote and not isinstance(error, NotARegistryError)

    def check(self, source: Source, checked: Checked) -> None:
        """Remember an attempt, for all processes."""
        self.of(source).checked = checked
        self.cache.check(source.location, checked)

    def forget(self, source: Source) -> None:
        """Remove what is kept of a source that was removed."""
        self.cache.forget(source.location)
        self._held.pop(replace(source, trusted=False), None)

    def revoked_by(self, source: Source) -> tuple[Revocation, ...]:
        """Return what *source* revokes, as far as is known now, without reading its entries."""
        if source.location == BUNDLED:
            return ()  # it is as old as this installation: what it should not list is not in it
        if source.is_remote:
            return self.cache.revoked(source.location)
        copy = self.load(source).copy
        return () if copy is None else copy.facts.revoked

    def _recall(self, source: Source, held: Held) -> None:
        """Take up how the last attempt went, whichever process made it."""
        checked = self.cache.checked(source.location)
        if max(checked.checked_at, checked.failed_at) >= max(held.checked.checked_at, held.checked.failed_at):
            held.checked, held.problem, held.is_outage = checked, checked.failure, checked.is_outage

    def _load_bundled(self, held: Held) -> None:
        if held.copy is None:
            try:
                # Its rows are kept as those of others are: parsing and checking it all takes longer than a search.
                last = self._bundled_rows.load(BUNDLED, BUNDLED)
                new = self.reader.read_bundled(last)
            except (OSError, ValueError) as error:
                held.problem = f"this installation is damaged: {error}"
            else:
                held.copy = new or last
                if new is not None and self._home.is_dir():  # looking makes no home
                    self._bundled_rows.keep(BUNDLED, new.facts, new.entries)

    def _python_plugins(self) -> dict[str, Entry]:
        copy = self.load(BUNDLED_SOURCE).copy
        return {} if copy is None else {entry.name: entry for entry in copy.entries if entry.kind == "elizaos"}


def entries_of(copies: Mapping[Source, Copy]) -> Sequence[Entry]:
    """Return the entries of *copies*, one source after the other."""
    lists = [copy.entries for copy in copies.values()]
    if len(lists) == 1:
        return lists[0]
    from dynamic_plugins.registry.lazy_entries import Joined

    return Joined(lists)


def fingerprint_of(copies: Mapping[Source, Copy]) -> str:
    """Return a text that changes when the entries of *copies* do."""
    parts = (f"{source.name} {copy.facts.digest}" for source, copy in copies.items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
