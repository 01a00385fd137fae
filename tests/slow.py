"""Which tests are slow: the ones in ``slow.txt``, as they were measured, not as somebody guessed.

usage: pytest --durations=0 | tee durations.txt; python -m tests.slow < durations.txt

The second command writes ``slow.txt`` anew: the test functions that took half a second or more, fixtures included, in a
run of the whole suite. Of a parametrized one the longest counts, so that a name is either in the list or not.
``conftest.py`` marks what is in it.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LIST = Path(__file__).with_name("slow.txt")
SECONDS = 0.5


def function_of(node: str) -> str:
    """Return the test function of a node's id, without its parameters."""
    return node.partition("[")[0]


def slow_functions() -> frozenset[str]:
    return frozenset(LIST.read_text().split())


def measured(lines: Iterable[str]) -> set[str]:
    """Return the slow test functions of a pytest's report of durations."""
    seconds: dict[str, float] = defaultdict(float)
    for line in lines:
        if found := re.match(r"(\d+\.\d+)s (?:setup|call) +(tests/\S+::.+)$", line.strip()):
            seconds[found.group(2)] += float(found.group(1))
    return {function_of(node) for node, taken in seconds.items() if taken >= SECONDS}


if __name__ == "__main__":
    found = measured(sys.stdin)
    if not found:
        sys.exit("there are no durations in this: pytest --durations=0 prints them")
    LIST.write_text("".join(f"{name}\n" for name in sorted(found)))
