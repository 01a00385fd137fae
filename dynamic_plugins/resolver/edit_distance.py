"""Which of many texts are a slip or two of the fingers away from one, without looking at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.registry.lazy_entries import without_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Iterable

SLIPS = 2
"""Letters changed, added, left out or swapped with the next one."""
SHORT = 6
"""Texts of at most this length are too short for parts; all of them are compared."""
COMPARED = 40
"""How many texts are given back at most, the nearest."""


class Nearness:
    """*texts*, which differ, cut into parts.

    A text at most two slips away has at least one part in common with what was typed, near the same place, so only
    the texts that share a part are compared.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_length: dict[int, list[dict[str, list[str]]]] = {}
        self._short: dict[int, list[str]] = {}
        with without_garbage_collection():
            for text in texts:
                if len(text) <= SHORT:
                    self._short.setdefault(len(text), []).append(text)
                    continue
                cuts = _cuts(len(text))
                parts = self._by_length.get(len(text))
                if parts is None:
                    parts = self._by_length[len(text)] = [{} for _ in cuts[1:]]
                for part, start, end in zip(parts, cuts, cuts[1:], strict=False):
                    same = part.get(text[start:end])
                    if same is None:
                        part[text[start:end]] = [text]
                    else:
                        same.append(text)

    def near(self, typed: str, slips: int = SLIPS) -> list[str]:
        """Return the texts at most *slips* slips away from *typed*, the nearest first; itself, if it is one of them."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        texts = list(dict.fromkeys(self._sharing(typed, slips)))
        found = process.extract(typed, texts, scorer=OSA.distance, score_cutoff=slips, limit=COMPARED)
        return [text for text, _, _ in found]

    def _sharing(self, typed: str, slips: int) -> Iterable[str]:
        for length in range(len(typed) - slips, len(typed) + slips + 1):
            yield from self._short.get(length, ())
            parts = self._by_length.get(length)
            if parts is None:
                continue
            cuts = _cuts(length)
            for part, start, end in zip(parts, cuts, cuts[1:], strict=False):
                for shift in range(max(-slips, -start), slips + 1):
                    if same := part.get(typed[start + shift : end + shift]):
                        yield from same


def _cuts(length: int) -> tuple[int, ...]:
    """Return where a text of this length is cut: a slip spoils one part, or two if it swaps letters across a cut."""
    parts = 4 if length < 10 else 5
    return tuple(length * part // parts for part in range(parts + 1))
