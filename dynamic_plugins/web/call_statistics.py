"""What the record of calls comes to: counts, errors, latency and tokens, over time and by action."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.storage.call_log import CallRecord


@dataclass(frozen=True)
class Period:
    """A stretch of time that ends now, in *steps* of *step* seconds; *form* is how the beginning of one is shown."""

    key: str
    words: str
    step: int
    steps: int
    form: str

    @property
    def seconds(self) -> int:
        return self.step * self.steps

    def bounds(self, now: float | None = None) -> list[float]:
        """Return where its steps begin, and where the last one ends: on whole steps of this machine's clock."""
        now = time.time() if now is None else now
        offset = datetime.fromtimestamp(now).astimezone().utcoffset()
        shift = offset.total_seconds() if offset is not None else 0.0
        end = math.ceil((now + shift) / self.step) * self.step - shift
        return [end - self.step * left for left in range(self.steps, -1, -1)]


PERIODS = {
    period.key: period
    for period in (
        Period("hour", "The last hour", 120, 30, "%H:%M"),
        Period("day", "The last day", 3_600, 24, "%H:%M"),
        Period("week", "The last week", 6 * 3_600, 28, "%a %H:%M"),
        Period("month", "The last 30 days", 86_400, 30, "%d %b"),
    )
}
FIRST = "day"


@dataclass(frozen=True)
class Summary:
    """What some calls come to; the percentiles are milliseconds, and 0 where there were no calls."""

    calls: int = 0
    errors: int = 0
    p50: float = 0.0
    p95: float = 0.0
    tokens: int = 0

    @property
    def done(self) -> int:
        """How many did not fail."""
        return self.calls - self.errors

    @property
    def failed(self) -> str:
        """Which part of the calls failed, in words."""
        return f"{100 * self.errors / self.calls:.0f} %" if self.calls else "0 %"


@dataclass(frozen=True)
class ActionSummary:
    """One action's calls, and how many there were in each step of the period."""

    plugin: str
    action: str
    all: Summary
    over_time: tuple[int, ...]


def summary(records: Sequence[CallRecord]) -> Summary:
    """Return what *records* come to."""
    took = sorted(record.ms for record in records)
    return Summary(
        len(records),
        sum(1 for record in records if record.error),
        percentile(took, 50),
        percentile(took, 95),
        sum(record.tokens for record in records),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least *percent* of them do not exceed (nearest rank); 0 where there is none."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] if ordered else 0.0


def over_time(records: Iterable[CallRecord], bounds: Sequence[float]) -> list[Summary]:
    """Return what the calls in each step between *bounds* come to."""
    steps: list[list[CallRecord]] = [[] for _ in bounds[1:]]
    for record in records:
        if (index := step_of(record.at, bounds)) is not None:
            steps[index].append(record)
    return [summary(step) for step in steps]


def step_of(at: float, bounds: Sequence[float]) -> int | None:
    """Return which step a time is in; None for none."""
    if not bounds[0] <= at < bounds[-1]:
        return None
    return min(int((at - bounds[0]) / (bounds[1] - bounds[0])), len(bounds) - 2)


def by_action(records: Iterable[CallRecord], bounds: Sequence[float]) -> list[ActionSummary]:
    """Return what the calls of each action come to, the most called first."""
    actions: dict[tuple[str, str], list[CallRecord]] = defaultdict(list)
    for record in records:
        actions[record.plugin, record.action].append(record)
    found = []
    for (plugin, action), mine in actions.items():
        counts = [0] * (len(bounds) - 1)
        for record in mine:
            if (index := step_of(record.at, bounds)) is not None:
                counts[index] += 1
        found.append(ActionSummary(plugin, action, summary(mine), tuple(counts)))
    return sorted(found, key=lambda each: (-each.all.calls, each.plugin, each.action))


def in_words(milliseconds: float) -> str:
    """Return a duration as a person reads it: ``8 ms``, ``1.2 s``, ``3 min``."""
    if milliseconds < 1_000:
        return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:.3g} s"
    return f"{milliseconds / 60_000:.3g} min"
