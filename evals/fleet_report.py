"""What became of the calls of many agents: how long they took, what failed and why, what was lost or done twice."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def books(home: Path) -> Counter[str]:
    """Count the entries of all books."""
    return Counter(line for book in (home / "plugin_data").glob("*/book.txt") for line in book.read_text().split())


@dataclass
class Measured:
    """What became of the calls of one part: how long each answered one took, and why the others failed."""

    title: str
    seconds: float = 0.0
    ordered: int = 0
    answered: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unanswered: int = 0
    """Calls that neither came back nor failed with a reason."""
    twice: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Calls that were answered and stand in no book."""

    def compare(self, books: Counter[str]) -> None:
        """Look for what was done twice, and for what was answered and never done."""
        self.twice = [entry for entry in {*self.answered, *self.failed} if books[entry] > 1]
        self.missing = [entry for entry in self.answered if books[entry] == 0]

    def row(self) -> str:
        times = sorted(1000 * each for each in self.answered.values()) or [0.0]
        p95 = times[int(0.95 * (len(times) - 1))]
        rate = len(self.answered) / self.seconds if self.seconds else 0.0
        counts = f"{self.ordered:6d} {len(self.answered):8d} {len(self.failed):6d} {self.unanswered:10d}"
        done = f"{len(self.twice):5d} {len(self.missing):7d}"
        return f"{self.title:34s} {counts} {done} {statistics.median(times):8.1f} {p95:8.1f} {rate:9.1f}"


HEAD = (
    f"{'':34s} {'calls':>6s} {'answered':>8s} {'failed':>6s} {'unanswered':>10s} {'twice':>5s} {'missing':>7s} "
    f"{'p50 ms':>8s} {'p95 ms':>8s} {'calls/s':>9s}"
)


@dataclass
class Report:
    """Prints what was measured as soon as it is known, beside what the plugins of *homes* wrote into their books."""

    homes: tuple[Path, ...]
    told: list[Measured] = field(default_factory=list)
    _begun: float = field(default_factory=time.perf_counter)

    def add(self, measured: Measured) -> None:
        measured.compare(self._written())
        if not self.told:
            self.say(HEAD)
        self.told.append(measured)
        self.say(measured.row())
        reasons = Counter(reason.partition(" failed: ")[2] or reason for reason in measured.failed.values())
        for reason, count in reasons.most_common():
            self.say(f"  {count} failed: {reason[:150]}")

    def took(self, what: str) -> None:
        """Say how long *what* took, since this was last said."""
        now = time.perf_counter()
        self.say(f"{what} in {now - self._begun:.0f} s")
        self._begun = now

    def say(self, line: str) -> None:
        print(line, flush=True)

    def _written(self) -> Counter[str]:
        return sum(map(books, self.homes), Counter())

    def bad(self) -> list[str]:
        """Return the parts in which something was lost or done twice, also where that came later."""
        written = self._written()
        for each in self.told:
            each.compare(written)
        return [each.title for each in self.told if each.twice or each.missing or each.unanswered]
