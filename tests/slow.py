"""Which tests are slow: the ones in ``slow.txt``, as they were measured, not as somebody guessed.

usage: pytest --durations=0 | tee durations.txt; python -m tests.slow < durations.txt

The second command writes ``slow.txt`` anew: the test functions that took ``SLOW`` seconds or more, fixtures included,
in a run of the whole suite, each with its seconds. Of a parametrized one the longest counts, so that a name is either
in the list or not. ``conftest.py`` marks what is in it, and what took ``SLOWER`` seconds as well: the fast tests are
what is left without the first, and branches are measured without the second.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIST = Path(__file__).with_name("slow.txt")
SLOW, SLOWER = 0.25, 0.5


def function_of(node: str) -> str:
    """Return the test function of a node's id, without its parameters."""
    return node.partition("[")[0]


def slow_functions() -> Mapping[str, float]:
    """Return how many seconds each slow test function took."""
    lines = (line.rpartition(" ") for line in LIST.read_text().splitlines())
    return {name: float(seconds) for name, _, seconds in lines}


def measured(lines: Iterable[str]) -> Mapping[str, float]:
    """Return the slow test functions of a pytest's report of durations, with their seconds."""
    seconds: dict[str, float] = defaultdict(float)
    for line in lines:
        if found := re.match(r"(\d+\.\d+)s (?:setup|call) +(tests/\S+::.+)$", line.strip()):
            seconds[found.group(2)] += float(found.group(1))
    longest: dict[str, float] = defaultdict(float)
    for node, taken in seconds.items():
        longest[function_of(node)] = max(longest[function_of(node)], round(taken, 2))
    return {name: taken for name, taken in longest.items() if taken >= SLOW}


if __name__ == "__main__":
    found = measured(sys.stdin)
    if not found:
        sys.exit("there are no durations in this: pytest --durations=0 prints them")
    LIST.write_text("".join(f"{name} {taken}\n" for name, taken in sorted(found.items())))
