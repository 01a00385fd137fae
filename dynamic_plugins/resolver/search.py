"""Finding plugins by what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.resolver.bm25 import Lexical

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that was found, with a score from 0 to 1; only its order means something."""

    entry: Entry
    score: float


class SearchIndex:
    """Search over *entries*.

    With *cache*, a folder, and *fingerprint*, which changes when the entries do, the index is kept for the next
    process.
    """

    def __init__(self, entries: Sequence[Entry], *, cache: Path | None = None, fingerprint: str = "") -> None:
        self._entries = entries
        folder = cache / f"search-{fingerprint[:32]}" if cache is not None and fingerprint else None
        self._lexical = Lexical(entries, folder)

    def search(self, query: str, limit: int = 8) -> list[Match]:
        """Return at most *limit* entries that do what *query* says, best first; any for an empty one."""
        if not query.strip():
            return [Match(self._entries[at], 0.0) for at in range(min(limit, len(self._entries)))]
        scores = self._lexical.search(query)
        best = max(scores.values(), default=1.0)
        ranked = sorted(scores, key=lambda position: (-scores[position], position))[:limit]
        return [Match(self._entries[position], scores[position] / best) for position in ranked]
