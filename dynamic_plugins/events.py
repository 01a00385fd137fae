"""What happens while a verb runs, told as it happens: progress of installs and steps of a plugin's life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One thing that happened to *plugin*.

    *stage* is a short word: ``environment``, ``download``, ``install``, ``verify``, ``publish``, ``progress``, or a
    step of its life (``installed``, ``activated``, ``failed``, …). *fraction* is how much of the verb is done,
    0 to 1, or None where that is not known.
    """

    plugin: str
    stage: str
    message: str = ""
    fraction: float | None = None


WAITING, ANSWERED = "waiting_for_answer", "answered_on_page"
"""Stages: a question for the person waits on the page of this home, and was answered there."""
ELSEWHERE = frozenset({WAITING, ANSWERED})

Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Listen to nothing."""
