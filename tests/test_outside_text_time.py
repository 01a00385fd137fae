"""Time grows with a text's length and no faster, whatever somebody has made the text of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.outside_text import CHARACTERS, known_names, parts_of, shapes
from dynamic_plugins.redaction.detectors.token_formats import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ["names", "guard", "redaction", "scrubbing", "descriptions", "printing"]
RATIO = 3
GRAIN = 0.01
"""Seconds that a processor's clock and caches make of nothing."""


def seconds(work: Callable[[str], object], text: str) -> float:
    begun = time.process_time()
    work(text)
    return time.process_time() - begun


def grows_too_fast(work: Callable[[str], object], text: str) -> bool:
    """Return whether twice as much text takes more than thrice the time; what is noise is not seen again."""
    half, whole = (text[:length] for length in (CHARACTERS // 4, CHARACTERS // 2))
    least = [float("inf"), float("inf")]
    for _ in range(5):
        least = [min(least[0], seconds(work, half)), min(least[1], seconds(work, whole))]
        if least[1] <= RATIO * least[0] + GRAIN:
            return False
    return True


@pytest.mark.parametrize("part", PARTS)
async def test_twice_as_much_text_takes_no_more_than_thrice_the_time(part: str) -> None:
    warm_up()
    parts = parts_of(await known_names())
    assert list(parts) == PARTS
    texts = shapes()
    assert {len(text) for text in texts.values()} == {CHARACTERS}
    parts[part]("install mcp-servr-time plugin")  # what is made at first use is
    assert [shape for shape, text in texts.items() if grows_too_fast(parts[part], text)] == []
