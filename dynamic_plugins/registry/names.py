"""What somebody's words for a plugin mean: exactly one name, several, similar ones, or none."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.registry.entry import Entry


@dataclass(frozen=True)
class Candidate:
    name: str
    score: float


@dataclass(frozen=True)
class Resolution:
    said: str
    kind: Literal["exact", "ambiguous", "suggestions", "unknown"]
    name: str | None = None
    candidates: tuple[Candidate, ...] = ()
    warning: str | None = None
    version: str | None = None


def _key(text: str) -> str:
    words = text.strip().lower().removeprefix("the ").removesuffix(" plugin")
    words = re.sub(r"[\s_]+", "-", words)
    words = words.rsplit("/", 1)[-1]
    for prefix in ("elizaos-plugin-", "plugin-"):
        words = words.removeprefix(prefix)
    return words


class NameIndex:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._names = {entry.name for entry in entries}
        self._keys: dict[str, set[str]] = defaultdict(set)
        for entry in entries:
            self._keys[_key(entry.name)].add(entry.name)
            for package in entry.packages:
                self._keys[_key(package.name)].add(entry.name)

    def resolve(self, said: str) -> Resolution:
        name, at, version = said.strip().rpartition("@")
        if not (at and name and version[:1].isdigit()):
            name, version = said.strip(), ""
        if name in self._names:
            return Resolution(said, "exact", name, version=version or None)
        found = sorted(self._keys.get(_key(name), ()))
        if len(found) == 1:
            return Resolution(said, "exact", found[0], version=version or None)
        if found:
            return Resolution(said, "ambiguous", None, tuple(Candidate(each, 1.0) for each in found))
        from rapidfuzz import fuzz, process

        best = process.extract(_key(name), list(self._keys), scorer=fuzz.ratio, limit=5, score_cutoff=60)
        near = tuple(Candidate(each, score / 100) for key, score, _ in best for each in sorted(self._keys[key]))
        return Resolution(said, "suggestions" if near else "unknown", None, near)
