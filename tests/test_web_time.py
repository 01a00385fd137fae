"""With 10,000 plugins listed and 200 installed no page reads or shows more than a screen of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.web_pages import PAGES, measure

if TYPE_CHECKING:
    from pathlib import Path

RATIO = 30
"""A page may take so many times as long to its first byte as a static file of the same server; the slowest took 9."""
MOST_BYTES = 40_000


def test_pages_of_many_plugins_answer_nearly_as_soon_as_a_static_file(tmp_path: Path) -> None:
    found = measure(tmp_path, 10_000, 200, 7)
    assert list(found) == list(PAGES)
    assert {name: each.ratio for name, each in found.items() if each.ratio > RATIO} == {}
    assert {name: each.size for name, each in found.items() if each.size > MOST_BYTES} == {}
