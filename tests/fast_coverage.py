"""Coverage of the fast tests in a run of all: ``pytest --cov --cov-fast`` traces nothing while a slow one runs.

Tracing costs the slow tests 25 to 40 % more of the processor, and the floor in ``pyproject.toml`` is one of the fast
tests. So one run shows both: that all pass, and what the fast ones reach.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOR_COMMANDS = "COVERAGE_PROCESS_CONFIG"
"""Where coverage tells the processes that a test starts that they are measured too."""


@contextmanager
def paused() -> Iterator[None]:
    """Measure neither this process in the block nor those that are started in it."""
    from coverage import Coverage

    measuring = Coverage.current()
    told = os.environ.pop(_FOR_COMMANDS, None)
    if measuring is not None:
        measuring.stop()
    try:
        yield
    finally:
        if measuring is not None:
            measuring.start()
        if told is not None:
            os.environ[_FOR_COMMANDS] = told
