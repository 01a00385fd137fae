"""Plugins that do what somebody asks for, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.registry.entry import Entry


@dataclass(frozen=True)
class Match:
    entry: Entry
    score: float


class SearchIndex:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)
        self._texts = [
            f"{entry.name} {entry.description} {' '.join(entry.keywords)} {' '.join(a.name for a in entry.actions)}"
            for entry in entries
        ]

    def search(self, query: str, limit: int = 8) -> list[Match]:
        from rapidfuzz import fuzz, process, utils

        if not query:
            return [Match(entry, 0.0) for entry in self._entries[:limit]]
        best = process.extract(
            query, self._texts, scorer=fuzz.token_set_ratio, processor=utils.default_process, limit=limit
        )
        return [Match(self._entries[index], score / 100) for _, score, index in best]
