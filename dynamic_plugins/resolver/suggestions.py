"""Names that resemble what was said, and names that are easily taken for one another. Nothing here ever decides."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.registry.sources import BUNDLED
from dynamic_plugins.resolver.edit_distance import COMPARED, Nearness
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dynamic_plugins.resolver.name_table import NameTable

LIKELY = 0.7
"""From this score on a name is so near that what was said is a slip of it, and nothing else."""
WORST = 0.5
"""Scores below this help nobody."""
OFFICIAL = ("@elizaos/", "@modelcontextprotocol/", "io.github.modelcontextprotocol/")

_TAIL = re.compile(r"(.+)-([a-z0-9]{3,9})")
_VERSIONS = re.compile(r"v?\d+[a-z]?|[a-z]+\d{1,2}")
_ANY_PLUGIN = frozenset({"adapter", "agent", "ai", "api", "app", "client", "mcp", "plugin", "server", "tool", "tools"})
_WORDS = re.compile(r"[^\W_]+[+#]*")


class Suggestions:
    """Similarity over the names of *table*."""

    def __init__(self, table: NameTable) -> None:
        self._table = table

    # ---------------------------------------------------------------- what may have been meant

    def to(self, text: str) -> tuple[list[tuple[int, float]], str | None]:
        """Return ``(position, score)`` of the names that *text* resembles, best first, and a warning."""
        key = normalize.normal(text)
        scope, bare = key.rpartition("/")[0], normalize.bare(key)
        scores = dict(self._slips(bare))
        warning = None
        if max(scores.values(), default=0.0) < LIKELY:
            if imitated := self._extended(key):
                warning = self._imitation(text, imitated)
                scores |= dict.fromkeys(imitated, 0.9)
            for index, score in self._sharing_words(bare):
                scores[index] = max(score, scores.get(index, 0.0))
        ranked = sorted(
            ((score, index) for index, score in scores.items() if score >= WORST),
            key=lambda each: (-round(each[0], 2), self._as_a_whole(bare, each[1]), *self._rank(each[1], scope)),
        )
        return [(index, score) for score, index in ranked], warning

    def _as_a_whole(self, bare: str, index: int) -> int:
        """Return how many slips make the whole name into *bare*, with or without ``plugin-`` before it."""
        from rapidfuzz.distance import OSA

        own = self._table.bares[index]
        return min(OSA.distance(own, bare), OSA.distance(f"plugin-{own}", bare))

    def _slips(self, bare: str) -> Iterator[tuple[int, float]]:
        """Give the names that a slip or two of the fingers make into *bare*, with their scores.

        Cores are compared, without what separates their words: what many names have in common does not count, and a
        slip weighs more in a short name.
        """
        costs: dict[str, float] = {}
        for typed, cost in normalize.possible_cores(bare).items():
            for meant in self._nearness.near(typed, _slips_allowed(typed)):
                total = cost + normalize.slip_cost(meant, typed)
                costs[meant] = min(total, costs.get(meant, total))
        if costs:
            dashed = normalize.core(bare)
            for meant, cost in sorted(costs.items(), key=lambda each: each[1])[:COMPARED]:
                for index in self._table.by_squash[meant]:
                    # Separators are the least of slips, but they tell two names apart that are otherwise as near.
                    same = 0.0 if self._table.cores[index].count("-") == dashed.count("-") else 0.03
                    yield index, max(0.0, 1 - same - cost / max(len(meant), 3))

    @cached_property
    def _nearness(self) -> Nearness:
        return Nearness(self._table.by_squash)

    def _extended(self, key: str) -> list[int]:
        """Return the names that *key* is with something hung on: ``plugin-x-k2p7`` of ``plugin-x``."""
        found = _TAIL.fullmatch(key)
        return self._table.meant(found[1]) if found else []

    def _sharing_words(self, bare: str) -> Iterator[tuple[int, float]]:
        """Give the names that have words of *bare*, those with the rarest words first."""
        core = normalize.core(bare)
        words = sorted((word for word in _WORDS.findall(core) if word in self._words), key=self._count)
        near = list(dict.fromkeys(index for word in words[:4] for index in self._words[word][:COMPARED]))
        if near:
            from rapidfuzz import fuzz

            for index in near:
                yield index, 0.9 * fuzz.token_sort_ratio(core, self._table.cores[index]) / 100

    def _count(self, word: str) -> int:
        return len(self._words[word])

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for index, core in enumerate(self._table.cores):
            for word in _WORDS.findall(core):
                if len(word) > 1:
                    groups.setdefault(word, []).append(index)
        return groups

    # ---------------------------------------------------------------- which of several

    def best_known_first(self, indexes: Iterable[int]) -> list[str]:
        """Return the names at these positions, the best known first."""
        return [self._table.names[index] for index in sorted(indexes, key=lambda index: self._rank(index, ""))]

    def _rank(self, index: int, scope: str) -> tuple[object, ...]:
        name, own = self._table.names[index], self._table.bares[index]
        same_scope = bool(scope) and normalize.normal(name).rpartition("/")[0] == scope
        entry = self._table.entry(index)
        # What is known not to work is not the likely one, and what was seen to run is likelier than what was not.
        seen = (-self.known(index), entry.verified is None, -entry.popularity)
        return (not same_scope, bool(entry.problem), not own.startswith("plugin-"), *seen, len(name), name)

    def known(self, index: int) -> int:
        """Return how established a name is: its source, its scope, and whether there is something to install."""
        entry = self._table.entry(index)
        return (
            4 * (entry.source == "bundled")
            + 2 * entry.name.startswith(OFFICIAL)
            + bool(entry.packages)
            + bool(entry.repository)
        )

    # ---------------------------------------------------------------- warnings

    def warning(self, index: int) -> str | None:
        """Return what to be careful about with a name that was found, or None."""
        name = self._table.names[index]
        if imitated := self._imitated(index):
            return self._imitation(name, imitated)
        others = [*self._namesakes(index), *self._confusable(index)]
        if not others:
            return None
        text = f"Not to be confused with {_listed(self.best_known_first(others)[:3])}."
        best = max(others, key=self.known)
        if self.known(best) > self.known(index):
            text += f" {self._table.names[best]} is the better known."
        return text

    def _namesakes(self, index: int) -> list[int]:
        """Return the names that are the same but for their scope; none where the scope is all of the name."""
        bare = self._table.bares[index]
        if _says_nothing(bare):
            return []
        same = self._table.by_squash[normalize.squashed(self._table.cores[index])]
        return [other for other in same if other != index and self._table.bares[other] == bare]

    def _confusable(self, index: int) -> list[int]:
        """Return the names whose cores are one slip away, two in long ones, or this one with a letter or two more."""
        core = normalize.squashed(self._table.cores[index])
        if len(core) < 4:
            return []
        near = (text for text in self._nearness.near(core) if text != core and _is_confusable(core, text))
        others = (other for text in near for other in self._table.by_squash[text])
        return [other for other in others if not self._are_products(index, other)]

    def _are_products(self, index: int, other: int) -> bool:
        """Whether two names were both listed and seen to run by us, and neither is the other with letters added: two
        products that are called alike, as GitHub and GitLab are, and no imitation.
        """
        if any(each.source != BUNDLED or each.verified is None for each in map(self._table.entry, (index, other))):
            return False
        shorter, longer = sorted((normalize.squashed(self._table.cores[each]) for each in (index, other)), key=len)
        return not longer.startswith(shorter)

    def _imitated(self, index: int) -> list[int]:
        """Return the names that the one at *index* is with a meaningless tail, as imitations are named."""
        found = _TAIL.fullmatch(normalize.normal(self._table.names[index]))
        if not found or _says_nothing(normalize.bare(found[1])) or not self._is_noise(found[2]):
            return []
        return [other for other in self._table.meant(found[1]) if other != index]

    def _is_noise(self, tail: str) -> bool:
        if _VERSIONS.fullmatch(tail) or len(self._words.get(tail, ())) > 1:
            return False
        has_both = bool(re.search(r"\d", tail) and re.search(r"[a-z]", tail))
        return has_both or not re.search(r"[aeiouy]", tail) or bool(re.search(r"[^aeiouy\d]{4}", tail))

    def _imitation(self, name: str, imitated: Sequence[int]) -> str:
        return (
            f"{name} is {_listed(self.best_known_first(imitated)[:3])} with something added, as imitations are named."
        )


def _says_nothing(bare: str) -> bool:
    """Whether a name without its scope is the word for any plugin: ``mcp`` of ``@playwright/mcp``."""
    return all(word in _ANY_PLUGIN for word in _WORDS.findall(bare))


def _slips_allowed(text: str) -> int:
    return 0 if len(text) < 2 else 1 if len(text) < 4 else 2


def _is_confusable(core: str, other: str) -> bool:
    from rapidfuzz.distance import OSA

    shorter, longer = sorted((core, other), key=len)
    if len(shorter) < 4:
        return False
    distance = OSA.distance(core, other)
    return distance <= 1 or (distance == 2 and (len(shorter) >= 6 or longer.startswith(shorter)))


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
