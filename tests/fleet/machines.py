"""Machines that share a state: each has a folder of its own, and here all of them are one process or several."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from dynamic_plugins.storage.postgres_state import open_postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_plugins.storage.postgres_state import PostgresBackend
    from dynamic_plugins.storage.state import HomeState

SOON = 1.0
"""What one process changes has reached every other one by then, in seconds."""
BOUND = 60.0


class Machines:
    """Opens the state at *url* as one machine after the other does."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._opened: list[PostgresBackend] = []

    def backend(self, url: str | None = None) -> PostgresBackend:
        """Return the state as another machine has it."""
        self._opened.append(open_postgres(url or self.url, self.folder / f"machine{len(self._opened)}"))
        return self._opened[-1]

    def state(self, url: str | None = None) -> HomeState:
        """Return what is installed as another machine has it."""
        return self.backend(url).state()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what the database answers to an operator."""
        return query(self.url, statement)

    def close(self) -> None:
        for each in self._opened:
            each.close()


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows that *statement* gives, none for one that gives no rows."""
    import psycopg

    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        done = connection.execute(statement)
        rows: list[tuple[Any, ...]] = [] if done.description is None else done.fetchall()
        return rows


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Wait until something holds; False where it does not within *seconds*."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= ends:
            return False
        threading.Event().wait(0.005)
    return True


def reach_soon(change: Callable[[str], Any], is_seen: Callable[[str], bool]) -> bool:
    """Return whether changes with marks are seen, all of them, and the quickest within :data:`SOON`.

    On a machine that has other work a single one may be late, with whatever it waits for.
    """
    taken = []
    for mark in ("x", "y", "z"):
        change(mark)
        begun = time.monotonic()
        if not within(BOUND, lambda mark=mark: is_seen(mark)):  # type: ignore[misc]
            return False
        taken.append(time.monotonic() - begun)
    return min(taken) <= SOON


def listening(store: HomeState) -> HomeState:
    """Return *store* once it listens, as in a process that lives for more than a moment."""
    before = listeners()

    def listens() -> bool:
        store.read()
        return listeners() > before

    assert within(BOUND, listens)
    return store


def listeners() -> int:
    """Return how many homes this process listens to."""
    return sum(thread.name == "dynamic-plugins-state" for thread in threading.enumerate())
