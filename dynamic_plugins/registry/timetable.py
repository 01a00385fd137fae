"""When a source is asked: once an hour while it answers, ever more rarely while it does not.

What is known of the last attempts is kept on disk, so that all processes on a home hold to it together.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins import __version__
from dynamic_plugins.registry.cache import Checked

if TYPE_CHECKING:
    from dynamic_plugins.registry.cache import Copy

FRESH = 3600.0
"""Seconds for which a copy is used without asking its source."""
AGAIN = 60.0
"""Seconds after which a source that failed once is asked again, at most; each further failure doubles them."""
LONGEST = FRESH
"""Seconds after which a source is asked again however often it failed, unless it wants to be left alone for longer."""


def is_due(checked: Checked, copy: Copy | None, now: float) -> bool:
    """Return whether a source is to be asked *now*, of which *copy* is the last that was good."""
    if checked.failed_at <= now < checked.next_try:
        return False
    if copy is None or checked.failure or copy.facts.made_by != __version__:
        return True
    return not 0 <= now - checked.checked_at < FRESH


def after_failure(
    before: Checked, now: float, failure: str, *, is_outage: bool, retry_after: float | None = None
) -> Checked:
    """Return what is kept of an attempt that failed.

    The wait is drawn from its upper half: programs that failed together do not come back together.
    """
    failures = before.failures + 1
    wait = min(AGAIN * 2 ** min(failures - 1, 16), LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return replace(
        before,
        failed_at=now,
        failure=failure,
        failures=failures,
        next_try=now + max(wait, retry_after or 0.0),
        is_outage=is_outage,
    )


def after_success(now: float) -> Checked:
    """Return what is kept of an attempt that succeeded."""
    return Checked(checked_at=now)
