"""How long a name takes, by kind of question and size of the registry, beside difflib and plain rapidfuzz.

Run ``python -m benchmarks.names``. One run; medians, in milliseconds.
"""

from __future__ import annotations

import difflib
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

from rapidfuzz import process

from benchmarks import made_up
from dynamic_plugins.resolver.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES = (550, 10_000, 100_000)
QUESTIONS = 60
SLOW = 3
"""Questions asked of a way that takes seconds each."""


def median(ask: Callable[[str], object], questions: Sequence[str]) -> float:
    """Return the median time of one answer, in milliseconds."""
    times = []
    for question in questions:
        start = time.perf_counter()
        ask(question)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def questions(names: Sequence[str]) -> dict[str, list[str]]:
    """Return what is asked, by kind."""
    step = len(names) // QUESTIONS
    some = names[::step][:QUESTIONS]
    return {
        "the name itself": list(some),
        "a form of it": [f"the {name.rpartition('/')[2].replace('-', ' ')} plugin" for name in some],
        "one slip": made_up.slips(names, QUESTIONS),
        "nothing like it": [f"{name[3:6]}quxly{name[1:3]}zorb{at}" for at, name in enumerate(some)],
    }


def main() -> None:
    print(f"{'names':>8}  {'question':<16} {'this':>9} {'rapidfuzz':>10} {'difflib':>10}   (ms, median of one run)")
    for size in SIZES:
        entries = made_up.entries(size)
        names = [entry.name for entry in entries]
        start = time.perf_counter()
        index = Resolver(entries)
        for warm in (names[0], "plugin-nothing", "notihng-at all"):
            index.resolve(warm)
        built = (time.perf_counter() - start) * 1000
        for kind, asked in questions(names).items():
            ours = median(index.resolve, asked)
            few = asked if size <= 550 else asked[:SLOW]
            plain = median(partial(process.extractOne, choices=names), few)
            lib = median(partial(difflib.get_close_matches, possibilities=names, n=1), few)
            print(f"{size:>8}  {kind:<16} {ours:>9.3f} {plain:>10.2f} {lib:>10.1f}")
        print(f"{size:>8}  {'(built once)':<16} {built:>9.1f}")


if __name__ == "__main__":
    main()
