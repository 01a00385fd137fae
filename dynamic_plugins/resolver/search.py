"""Finding plugins by what they do: by their words, and by their meaning where the extra ``search`` is installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.resolver import embedder
from dynamic_plugins.resolver.bm25 import Lexical
from dynamic_plugins.resolver.documents import VECTORS
from dynamic_plugins.resolver.ranking import prior, ranked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.semantic import PluginMeaning


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that was found, with a score from 0 to 1; only its order means something."""

    entry: Entry
    score: float


class SearchIndex:
    """Search over *entries*.

    With *cache*, a folder, and *fingerprint*, which changes when the entries do, the index is kept for the next
    process. With *meaning* the embedding, where it is installed, is a second opinion on what is embedded so far.
    *runs_here* tells whether this machine can run a plugin: one that it cannot comes later.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        cache: Path | None = None,
        fingerprint: str = "",
        meaning: bool = False,
        runs_here: Callable[[Entry], bool] = lambda _: True,
    ) -> None:
        self._entries, self._runs_here = entries, runs_here
        folder = cache / f"search-{fingerprint[:32]}" if cache is not None and fingerprint else None
        self._lexical = Lexical(entries, folder)
        self.meaning: PluginMeaning | None = _meaning(entries, folder, cache) if meaning and entries else None

    def search(self, query: str, limit: int = 8) -> list[Match]:
        """Return at most *limit* entries that do what *query* says, best first; any for an empty one.

        What has little to do with it is left out, so there may be fewer, or none.
        """
        if not query.strip():
            return [Match(self._entries[at], 0.0) for at in range(min(limit, len(self._entries)))]
        words = self._lexical.search(query)
        similarity = self.meaning.similarity(self._lexical.meant(query)) if self.meaning is not None else None
        if similarity is not None:
            lexical = self._lexical
            similarity = replace(similarity, words=lexical.telling(query), half_known=lexical.half_knows(query))
        scores = ranked(words, similarity, len(self._entries))
        if not scores:
            return []
        # A prior moves an entry by a few places: more need not be looked at.
        first = sorted(scores, key=lambda position: (-scores[position], position))[: 2 * limit + 20]
        for position in first:
            entry = self._entries[position]
            scores[position] += prior(entry, runs_here=self._runs_here(entry))
        first.sort(key=lambda position: (-scores[position], position))
        best = scores[first[0]]
        return [Match(self._entries[at], 1 / (1 + (best - scores[at]))) for at in first[:limit]]


def _meaning(entries: Sequence[Entry], folder: Path | None, cache: Path | None) -> PluginMeaning | None:
    if not embedder.installed():
        return None
    from dynamic_plugins.resolver.semantic import PluginMeaning

    return PluginMeaning(entries, folder, cache / VECTORS if cache is not None else None)
