"""Names that resemble what was said, and names that are easily taken for one another. Nothing here ever decides."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.registry import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.registry.names import NameIndex

COMPARED = 40
"""How many of the nearest names are compared closely."""
LIKELY = 0.7
"""From this score on a name is so near that what was said is a slip of it, and nothing else."""
WORST = 0.5
"""Scores below this help nobody."""
OFFICIAL = ("@elizaos/", "@modelcontextprotocol/", "io.github.modelcontextprotocol/")

_TAIL = re.compile(r"(.+)-([a-z0-9]{3,9})")
_VERSIONS = re.compile(r"v?\d+[a-z]?|[a-z]+\d{1,2}")


class Similar:
    """Similarity over the names of *index*."""

    def __init__(self, index: NameIndex) -> None:
        self._index = index

    # ---------------------------------------------------------------- what may have been meant

    def to(self, text: str) -> tuple[list[tuple[int, float]], str | None]:
        """Return ``(position, score)`` of the names that *text* resembles, best first, and a warning."""
        key = spelling.normal(text)
        scope, bare = key.rpartition("/")[0], spelling.bare(key)
        scores: dict[int, float] = {}
        warning = None
        for index in self._index.by_squash.get(spelling.squashed(spelling.core(bare)), ()):
            scores[index] = 0.97
        for index, score in self._slips(bare):
            scores[index] = max(score, scores.get(index, 0.0))
        if max(scores.values(), default=0.0) < LIKELY:
            if imitated := self._extended(key):
                warning = self._imitation(text, imitated)
                scores |= dict.fromkeys(imitated, 0.9)
            for index, score in self._sharing_words(bare):
                scores.setdefault(index, score)
        ranked = sorted(
            ((score, index) for index, score in scores.items() if score >= WORST),
            key=lambda each: (-round(each[0], 3), *self._rank(each[1], scope, bare)),
        )
        return [(index, score) for score, index in ranked], warning

    def _slips(self, bare: str) -> Iterable[tuple[int, float]]:
        """Give the names that a slip or two of the fingers make into *bare*, with their scores."""
        best: dict[int, float] = {}
        core = spelling.core(bare)
        for typed, by in ((core, self._cores), (bare, self._bares), (_without_plugin(bare), self._bares)):
            if by is self._bares and best and typed == core:
                continue
            for meant in by.within(typed, _slips_allowed(typed)):
                score = 1 - spelling.slip_cost(meant, typed) / max(len(meant), 3)
                for index in by.groups[meant]:
                    best[index] = max(score, best.get(index, 0.0))
        return best.items()

    @cached_property
    def _cores(self) -> _Texts:
        return _Texts(self._index.cores)

    @cached_property
    def _bares(self) -> _Texts:
        return _Texts(self._index.bares)

    def _extended(self, key: str) -> list[int]:
        """Return the names that *key* is with something hung on: ``plugin-x-k2p7`` of ``plugin-x``."""
        found = _TAIL.fullmatch(key)
        return self._index.meant(found[1]) if found else []

    def _sharing_words(self, bare: str) -> Iterable[tuple[int, float]]:
        """Give the names that have words of *bare*, those with the rarest words first."""
        from rapidfuzz import fuzz

        words = [word for word in re.split(r"[^\w+#]+", spelling.core(bare)) if word in self._words]
        words.sort(key=lambda word: len(self._words[word]))
        near = dict.fromkeys(index for word in words[:4] for index in self._words[word][:COMPARED])
        for index in near:
            yield index, 0.9 * fuzz.token_sort_ratio(spelling.core(bare), self._index.cores[index]) / 100

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for index, core in enumerate(self._index.cores):
            for word in re.split(r"[^\w+#]+", core):
                if len(word) > 1:
                    groups.setdefault(word, []).append(index)
        return groups

    # ---------------------------------------------------------------- which of several

    def best_known_first(self, indexes: Iterable[int]) -> list[str]:
        """Return the names at these positions, the best known first."""
        return [self._index.names[index] for index in sorted(indexes, key=lambda index: self._rank(index, "", ""))]

    def _rank(self, index: int, scope: str, bare: str) -> tuple[object, ...]:
        name, own = self._index.names[index], self._index.bares[index]
        same_scope = bool(scope) and spelling.normal(name).rpartition("/")[0] == scope
        same_kind = own.partition("-")[0] == bare.partition("-")[0]
        return (not same_scope, not same_kind, not own.startswith("plugin-"), -self.known(index), len(name), name)

    def known(self, index: int) -> int:
        """Return how established a name is: its source, its scope, and whether there is something to install."""
        entry = self._index.entry(index)
        return (
            4 * (entry.source == "bundled")
            + 2 * entry.name.startswith(OFFICIAL)
            + bool(entry.packages)
            + bool(entry.repository)
        )

    # ---------------------------------------------------------------- warnings

    def warning(self, index: int) -> str | None:
        """Return what to be careful about with a name that was found, or None."""
        name, core = self._index.names[index], self._index.cores[index]
        if imitated := self._imitated(index):
            return self._imitation(name, imitated)
        near = [other for other in self._confusable(index) if self._index.cores[other] != core]
        same = [
            other
            for other in self._index.by_squash.get(spelling.squashed(core), ())
            if other != index and self._index.bares[other] == self._index.bares[index]
        ]
        if not near and not same:
            return None
        others = self.best_known_first([*same, *near])[:3]
        text = f"Not to be confused with {_listed(others)}."
        best = max([*same, *near], key=self.known)
        if self.known(best) > self.known(index):
            text += f" {self._index.names[best]} is the better known."
        return text

    def _confusable(self, index: int) -> list[int]:
        """Return the names whose cores are one slip away, two in long ones, or this one with a letter or two more."""
        core = self._index.cores[index]
        if len(core) < 4:
            return []
        near = {other: None for text in self._cores.within(core, 2) for other in self._cores.groups[text]}
        return [other for other in near if other != index and _is_confusable(core, self._index.cores[other])]

    def _imitated(self, index: int) -> list[int]:
        """Return the names that the one at *index* is with a meaningless tail, as imitations are named."""
        found = _TAIL.fullmatch(spelling.normal(self._index.names[index]))
        if not found or not self._is_noise(found[2]):
            return []
        return [other for other in self._index.meant(found[1]) if other != index]

    def _is_noise(self, tail: str) -> bool:
        if _VERSIONS.fullmatch(tail) or len(self._words.get(tail, ())) > 1:
            return False
        has_digit_inside = bool(re.search(r"\d", tail) and re.search(r"[a-z]", tail))
        return has_digit_inside or not re.search(r"[aeiouy]", tail) or bool(re.search(r"[^aeiouy\d]{4}", tail))

    def _imitation(self, name: str, imitated: Sequence[int]) -> str:
        return (
            f"{name} is {_listed(self.best_known_first(imitated)[:3])} with something added, as imitations are named."
        )


class _Texts:
    """Distinct texts by length, with the positions that have them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.groups: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            if text in self.groups:
                self.groups[text].append(index)
            else:
                self.groups[text] = [index]
        self._by_length: dict[int, list[str]] = {}
        for text in self.groups:
            self._by_length.setdefault(len(text), []).append(text)

    def within(self, text: str, slips: int) -> list[str]:
        """Return the texts at most *slips* single-letter changes away, the nearest first."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        found: list[tuple[float, str]] = []
        for length in range(len(text) - slips, len(text) + slips + 1):
            if length > 1 and (texts := self._by_length.get(length)):
                near = process.extract(text, texts, scorer=OSA.distance, score_cutoff=slips, limit=COMPARED)
                found += [(distance, meant) for meant, distance, _ in near]
        found.sort()
        return [meant for _, meant in found[:COMPARED]]


def _slips_allowed(text: str) -> int:
    return 0 if len(text) < 2 else 1 if len(text) < 5 else 2 if len(text) < 14 else 3


def _without_plugin(bare: str) -> str:
    """Return *bare* without a first word that is ``plugin``, or nearly so."""
    head, dash, rest = bare.partition("-")
    if dash and rest and spelling.slip_cost("plugin", head) <= 2:
        return rest
    return bare


def _is_confusable(core: str, other: str) -> bool:
    from rapidfuzz.distance import OSA

    if min(len(core), len(other)) < 4:
        return False
    shorter, longer = sorted((core, other), key=len)
    distance = OSA.distance(core, other)
    return distance <= 1 or (distance == 2 and (len(shorter) >= 6 or longer.startswith(shorter)))


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
