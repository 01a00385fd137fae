"""The evaluation of real plugins: what it does with those that it has examined before. It examines none here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from evals.compatibility import Run, Verdict, examine_all

if TYPE_CHECKING:
    from pathlib import Path


async def test_it_goes_on_with_who_is_left_and_begins_nobody_once_its_time_is_up(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    before = Verdict("npm:@acme/plugin-tea", "offered", actions=["POUR"])
    results.write_text(json.dumps(asdict(before)) + "\n")
    run = Run((), jobs=1, calls=1, slow=1, downloads=tmp_path, file=results, ends=0)
    assert await examine_all([before.name, "npm:@acme/plugin-cup"], run) == [before]
    assert len(results.read_text().splitlines()) == 1
