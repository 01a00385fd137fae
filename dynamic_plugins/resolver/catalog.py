"""What is known by name: the registry's entries, and what is installed. The one way from words to a plugin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.errors import AmbiguousNameError, NotInstalledError, UnknownPluginError
from dynamic_plugins.registry.sources import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.registry import Registry
    from dynamic_plugins.resolver.resolver import Resolution, Resolver
    from dynamic_plugins.resolver.search import Match, SearchIndex
    from dynamic_plugins.resolver.semantic import PluginMeaning

SUGGESTED = 5
SPARE = 8
"""So many more are looked for than are wanted, since a plugin that several registries list is shown once."""


@dataclass(frozen=True, slots=True)
class PluginRef:
    """An installed plugin, resolved once and for all: its canonical *name*, and the *query* that was resolved to it."""

    name: str
    query: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Found:
    """A registry entry that was named, the version that was named with it, and what to be careful about."""

    entry: Entry
    version: str | None = None
    warning: str | None = None
    trusted: bool = True
    """Whether the person trusts the source that lists it."""
    own_arguments: bool = False
    """Whether the arguments of its package are the person's own, and not the registry's."""


class Catalogue:
    """Resolves names and searches, over the registry and the installed plugins together.

    Indexes are built at first use and again when the registry or the set of installed plugins changes; what is worth
    keeping for the next process is kept in the folder *cache*.
    """

    def __init__(
        self,
        registry: Registry,
        installed: Callable[[], Mapping[str, Entry]] = dict,
        cache: Path | None = None,
        *,
        meaning: bool = False,
        runs_here: Callable[[Entry], bool] = lambda _: True,
    ) -> None:
        """*installed* gives an entry for each installed plugin, by name, as things stand when it is called.

        *meaning* and *runs_here* are as :class:`~dynamic_plugins.resolver.search.SearchIndex` has them.
        """
        self.registry = registry
        self._cache, self._meaning, self._runs_here = cache, meaning, runs_here
        self._installed = installed
        self._names: tuple[object, Resolver] | None = None
        self._mine: tuple[object, Resolver] | None = None
        self._search: tuple[object, SearchIndex] | None = None
        self._embedding = False

    async def resolve(self, said: str) -> Resolution:
        """Return what a name means among everything known. Raises RegistryUnavailableError."""
        return (await self.names()).resolve(said)

    async def names(self) -> Resolver:
        """Return the index of all known names."""
        from dynamic_plugins.resolver.resolver import Resolver

        await self.registry.entries()
        installed = self._installed()
        key = (self.registry.fingerprint, tuple(installed))
        if self._names is None or self._names[0] != key:
            near = self.registry.near()
            known = {entry.name for entry in near}
            extra = [_by_its_names(entry) for name, entry in installed.items() if name not in known]
            self._names = (key, Resolver([*near, *extra], self.registry.far()))
        return self._names[1]

    async def entries_by_name(self) -> Mapping[str, Entry]:
        """Return the registry's entries by name. Those that only official sources list can be looked up in it; going
        through it gives the others. Raises RegistryUnavailableError.
        """
        from dynamic_plugins.registry.lazy_entries import ByName

        await self.registry.entries()
        return ByName(self.registry.near(), self.registry.far())

    def prepare(self, entries: Sequence[Entry], fingerprint: str) -> None:
        """Make what a search over *entries* will want, and keep it for whoever searches first."""
        from dynamic_plugins.resolver.search import SearchIndex

        SearchIndex(entries, cache=self._cache, fingerprint=fingerprint).search("anything")

    async def search(self, query: str, limit: int) -> Sequence[Match]:
        """Return the entries that do what *query* says, best first. Raises RegistryUnavailableError."""
        from dynamic_plugins.resolver.duplicates import without_duplicates

        index = await self._index()
        if index.meaning is None:
            found = index.search(query, limit + SPARE)
        else:
            found = await asyncio.to_thread(index.search, query, limit + SPARE)
            self._embed_beside(index.meaning)
        if query.strip() and not found and await self.registry.catch_up():
            return await self.search(query, limit)
        return without_duplicates(found, self.registry.near(), self.registry.is_far)[:limit]

    @property
    def with_meaning(self) -> bool:
        """Whether the embedding is a second opinion here."""
        from dynamic_plugins.resolver.embedder import installed

        return self._meaning and installed()

    async def embed(self, seconds: float) -> None:
        """Embed what of the registry is not embedded yet, for at most *seconds* of processor time: for many requests.

        Raises RegistryUnavailableError.
        """
        if (meaning := (await self._index()).meaning) is not None:
            await asyncio.to_thread(meaning.embed, seconds)

    async def _index(self) -> SearchIndex:
        from dynamic_plugins.resolver.search import SearchIndex

        entries = await self.registry.entries()
        if self._search is None or self._search[0] != self.registry.fingerprint:
            fingerprint = self.registry.fingerprint
            index = SearchIndex(
                entries,
                cache=self._cache,
                fingerprint=fingerprint,
                meaning=self._meaning,
                runs_here=self._runs_here,
            )
            self._search, self._embedding = (fingerprint, index), False
        return self._search[1]

    def _embed_beside(self, meaning: PluginMeaning) -> None:
        """Have a process beside this one embed what is missing, once for each state of the registry."""
        if self._embedding or self._cache is None:
            return
        self._embedding = True
        from dynamic_plugins.resolver.embedding_job import start

        start(self._cache, "registry", meaning.missing)

    async def find(self, said: str) -> Found:
        """Return the one entry that *said* names; ``name (source)`` says which of two sources is meant.

        Raises UnknownPluginError or AmbiguousNameError.
        """
        said, source = _with_source(said)
        if source is not None and (named := await self.registry.get(said, source)):
            return Found(named[0], trusted=self.registry.is_trusted(source))
        resolution = await self.resolve(said)
        if resolution.kind in ("suggestions", "unknown") and await self.registry.catch_up():
            resolution = await self.resolve(said)
        name = self._exact(resolution)
        entries = await self.registry.get(name, source)
        if len(entries) > 1:
            raise AmbiguousNameError(said, [f"{entry.name} ({entry.source})" for entry in entries])
        if not entries:
            raise UnknownPluginError(said)
        trusted = self.registry.is_trusted(entries[0].source)
        return Found(entries[0], resolution.version, resolution.warning, trusted)

    async def called(self, name: str) -> list[Entry]:
        """Return what has exactly this name: the entries of the registry, and that of the installed plugin."""
        mine = self._installed().get(name)
        return [*await self.registry.get(name), *([mine] if mine is not None else [])]

    async def unlisted_here(self, said: str) -> Found | None:
        """Return the installed plugin that *said* names and no registry lists; None where there is none."""
        resolution = await self.resolve(said)
        mine = self._installed().get(resolution.name or "")
        if resolution.kind != "exact" or mine is None or mine.source != UNLISTED:
            return None
        return Found(mine, resolution.version, resolution.warning)

    async def find_any(self, said: str) -> Found:
        """Return what *said* names: an installed plugin's own entry, or the registry's; errors as for :meth:`find`."""
        mine = self._installed()
        if said in mine:
            return Found(mine[said])
        return await self.unlisted_here(said) or await self.find(said)

    async def installed(self, said: str | PluginRef) -> PluginRef:
        """Return the installed plugin that *said* names; a reference stands for itself.

        A name that fits one installed plugin and others that are not is the installed one's. Raises
        NotInstalledError, UnknownPluginError or AmbiguousNameError.
        """
        if isinstance(said, PluginRef):
            return said
        mine = self._installed()
        if said in mine:
            return PluginRef(said, said)
        from dynamic_plugins.resolver.resolver import Resolver

        if self._mine is None or self._mine[0] != tuple(mine):
            self._mine = (tuple(mine), Resolver([_by_its_names(entry) for entry in mine.values()]))
        resolution = self._mine[1].resolve(said)
        if resolution.kind == "exact" and resolution.name:
            return PluginRef(resolution.name, said)
        if resolution.kind == "ambiguous":
            raise AmbiguousNameError(said, [each.name for each in resolution.candidates])
        known = self._exact(await self.resolve(said))
        raise NotInstalledError(known, [each.name for each in resolution.candidates[:SUGGESTED]])

    def _exact(self, resolution: Resolution) -> str:
        if resolution.kind == "exact" and resolution.name:
            return resolution.name
        names = [candidate.name for candidate in resolution.candidates[:SUGGESTED]]
        if resolution.kind == "ambiguous":
            raise AmbiguousNameError(resolution.said, names)
        raise UnknownPluginError(resolution.said, names)


def _by_its_names(entry: Entry) -> Entry:
    """Return what is installed as it is found by name: one under another name than its package's by that name alone.

    The package's own name is that of the plugin which has it.
    """
    if entry.source != UNLISTED or not entry.packages:
        return entry
    package = entry.packages[0]
    return entry if entry.name in (package.name, f"{package.type}:{package.name}") else replace(entry, packages=())


def _with_source(said: str) -> tuple[str, str | None]:
    """Return a name and the source that stands in brackets after it, which is how two of one name are told apart."""
    name, bracket, rest = said.strip().rpartition(" (")
    return (name, rest[:-1]) if bracket and rest.endswith(")") else (said, None)
