"""Many calls at once, while plugins are killed, updated and switched off under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.storm import storm

if TYPE_CHECKING:
    from pathlib import Path


async def test_every_call_is_answered_or_told_why_not_and_nothing_is_left(tmp_path: Path) -> None:
    found = await storm(tmp_path, calls=150, plugins=4)
    assert found.ended["answered"] > 50
    assert found.ended.total() == 150
    assert found.is_clean, found
