"""Which plugins a person is shown: a search, and filters over facts that are worked out once for a registry."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, get_args

from dynamic_plugins.registry.entry import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dynamic_plugins.app import App
    from dynamic_plugins.registry.entry import Variable

SCREEN = 20
"""So many plugins are a page."""
_MOST_DIGITS = 6
MOST_MATCHES = 200
"""So many of the best matches of a search are gone through; nobody reads further."""
KINDS = get_args(Kind)
KEYS = ("no", "yes")
ORDERS = ("name", "popularity", "verified")
"""What the list can be ordered by; else it is as registries list it, or the best first of what was searched for."""
REACHES = ("named", "offline", "no-files", "no-programs")
"""What a plugin is content with: named hosts, no network at all, no files of the person's, no other programs."""


class Facts(NamedTuple):
    """What filters ask of an entry; worked out for thousands of them, so it is small."""

    kind: str
    categories: tuple[str, ...]
    needs_key: bool
    runs_here: bool
    verified: str
    """When it was verified, as a date; empty where it was not."""
    reaches: frozenset[str]
    popularity: int
    name: str
    """As it is ordered."""


def facts_of(entry: Entry, runs_here: Callable[[Entry], bool]) -> Facts:
    """Return what filters ask of *entry*."""
    may = entry.permissions
    content = {
        "named": may.network is not None,
        "offline": may.network == (),
        "no-files": may.declared and not may.files,
        "no-programs": may.declared and not may.programs,
    }
    return Facts(
        entry.kind,
        entry.categories,
        any(needed.is_secret for needed in required_of(entry)),
        runs_here(entry),
        entry.verified.date if entry.verified is not None else "",
        frozenset(name for name, holds in content.items() if holds),
        entry.popularity or 0,
        entry.name.casefold().removeprefix("@"),
    )


def required_of(entry: Entry) -> list[Variable]:
    """Return what a plugin cannot do without and must be told."""
    return [variable for variable in entry.variables if variable.required and variable.default is None]


@dataclass(frozen=True)
class BrowseQuery:
    """What is looked for; what is empty does not matter."""

    query: str = ""
    kind: str = ""
    category: str = ""
    key: str = ""
    reach: str = ""
    runs: bool = False
    verified: bool = False
    order: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, told: Mapping[str, str]) -> BrowseQuery:
        """Return what the address of a page says; what makes no sense in it is left out."""
        return cls(
            query=told.get("q", "").strip()[:500],
            kind=_one_of(KINDS, told.get("kind", "")),
            category=told.get("category", "")[:80],
            key=_one_of(KEYS, told.get("key", "")),
            reach=_one_of(REACHES, told.get("reach", "")),
            runs=bool(told.get("runs")),
            verified=bool(told.get("verified")),
            order=_one_of(ORDERS, told.get("order", "")),
            page=page_number(told.get("page", "")),
        )

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list, as it stands in an address."""
        told = {"kind": self.kind, "category": self.category, "key": self.key, "reach": self.reach}
        return told | {"runs": "1" if self.runs else "", "verified": "1" if self.verified else ""}

    @property
    def is_narrow(self) -> bool:
        return any(self.filters.values())

    def admits(self, facts: Facts) -> bool:
        """Return whether an entry of these *facts* is looked for, whatever the query says."""
        return (
            self.kind in ("", facts.kind)
            and (not self.category or self.category in facts.categories)
            and (not self.key or facts.needs_key is (self.key == "yes"))
            and (not self.reach or self.reach in facts.reaches)
            and (facts.runs_here or not self.runs)
            and (bool(facts.verified) or not self.verified)
        )


def page_number(said: str, last: int | None = None) -> int:
    """Return the number of a page as an address says it, at most *last*; 1 for what is none."""
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS else 1
    return max(1, number if last is None else min(number, last))


def _one_of(known: Iterable[str], told: str) -> str:
    return told if told in known else ""


@dataclass(frozen=True)
class Shown:
    """One screen of what was found: *total* is how many there are in all, *last* the number of the last page."""

    entries: Sequence[Entry]
    total: int
    page: int
    last: int
    known: int
    """How many plugins the registries list."""


class Listing:
    """Finds what a person is shown, over everything that *app* knows."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._facts: tuple[str, list[Facts]] | None = None
        self._orders: tuple[list[Facts], dict[str, Sequence[int]]] = ([], {})
        self._working = asyncio.Lock()

    async def find(self, wanted: BrowseQuery) -> Shown:
        """Return one screen of what *wanted* looks for. Raises RegistryUnavailableError."""
        entries = await self._app.registry.entries()
        if wanted.query:
            found = await self._matching(wanted)
            return _screen(found, range(len(found)), wanted.page, len(entries))
        positions: Sequence[int] = range(len(entries))
        if wanted.is_narrow or wanted.order:
            facts = await self._all_facts(entries)
            positions = self._ordered(wanted.order, facts)
        if wanted.is_narrow:
            positions = [at for at in positions if wanted.admits(facts[at])]
        return _screen(entries, positions, wanted.page, len(entries))

    async def _matching(self, wanted: BrowseQuery) -> Sequence[Entry]:
        matches = await self._app.catalogue.search(wanted.query, MOST_MATCHES)
        found = [match.entry for match in matches]
        if not (wanted.is_narrow or wanted.order):
            return found
        facts = [self.facts(entry) for entry in found]
        return [found[at] for at in in_order(wanted.order, facts) if wanted.admits(facts[at])]

    def _ordered(self, order: str, facts: list[Facts]) -> Sequence[int]:
        """Return the positions of all entries in this *order*, worked out once for each state of the registry."""
        if self._orders[0] is not facts:
            self._orders = (facts, {})
        if order not in self._orders[1]:
            self._orders[1][order] = in_order(order, facts)
        return self._orders[1][order]

    def facts(self, entry: Entry) -> Facts:
        """Return what filters ask of one entry."""
        return facts_of(entry, self._app.runs_here)

    async def categories(self) -> list[str]:
        """Return the categories that plugins are filed under, as far as that is known by now, in order."""
        if self._facts is None or self._facts[0] != self._app.registry.fingerprint:
            from dynamic_plugins.registry.categories import CATEGORIES

            return list(CATEGORIES)
        return sorted({category for each in self._facts[1] for category in each.categories})

    async def _all_facts(self, entries: Sequence[Entry]) -> list[Facts]:
        """Return the facts of all *entries*: worked out in a thread, once for each state of the registry."""
        async with self._working:
            fingerprint = self._app.registry.fingerprint
            if self._facts is None or self._facts[0] != fingerprint:
                worked_out = await asyncio.to_thread(lambda: [self.facts(entry) for entry in entries])
                self._facts = (fingerprint, worked_out)
            return self._facts[1]

    async def prepare(self) -> None:
        """Work out what the first search and the first filter will want. Raises RegistryUnavailableError."""
        await self._app.catalogue.search("anything", 1)
        await self._all_facts(await self._app.registry.entries())


def in_order(order: str, facts: Sequence[Facts]) -> Sequence[int]:
    """Return the positions of *facts*, ordered: by name, or the most used or last verified first and then by name."""
    if not order:
        return range(len(facts))
    positions = sorted(range(len(facts)), key=lambda at: facts[at].name)
    if order == "popularity":
        positions.sort(key=lambda at: facts[at].popularity, reverse=True)
    elif order == "verified":
        positions.sort(key=lambda at: facts[at].verified, reverse=True)
    return positions


def _screen(entries: Sequence[Entry], positions: Sequence[int], page: int, known: int) -> Shown:
    """Return one screen of the entries at *positions*: only those that are shown are looked at."""
    last = max(1, -(-len(positions) // SCREEN))
    page = min(page, last)
    shown = [entries[at] for at in positions[(page - 1) * SCREEN : page * SCREEN]]
    return Shown(shown, len(positions), page, last, known)
