"""One home of a shared state as this process has it: what was read of it, at most a second old, and how it changes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from dynamic_plugins.errors import StateError
from dynamic_plugins.storage import postgres_rows as rows
from dynamic_plugins.storage.postgres_listener import Listener
from dynamic_plugins.storage.postgres_lock import PostgresLocks
from dynamic_plugins.storage.postgres_session import RETRY_SECONDS, PostgresSession
from dynamic_plugins.storage.postgres_snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dynamic_plugins.storage.postgres_address import PostgresAddress
    from dynamic_plugins.storage.postgres_rows import Key

T = TypeVar("T")

FRESH_SECONDS = 1.0
"""So old may be what is read while nobody listens."""
OUTAGE_SECONDS = 30.0
"""So long what was read last is given while the database cannot be reached."""

_UNKNOWN = "Whether the last change was saved is not known: look at the status, once it answers."


class PostgresHome:
    """The home that *address* names; any thread may use it.

    What is read comes from memory. A process that lives for more than a second listens for changes in a thread of its
    own; before that, and where nobody listens, what is older than a second is looked after. *claim* is called with the
    id of the home when it is first read, and raises StateError where this machine must not use it. Methods raise
    StateError where the database cannot be reached.
    """

    def __init__(self, address: PostgresAddress, claim: Callable[[str], None], seconds: float = RETRY_SECONDS) -> None:
        self.address, self._claim = address, claim
        self._session, self.locks = PostgresSession(address, seconds), PostgresLocks(address)
        self._listener: Listener | None = None
        self._publishing = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._confirmed = self._needed = float("-inf")
        """When the look began that last found it so; and the time that this has to be after, since a change of ours."""

    # ---------------------------------------------------------------- reading

    def snapshot(self) -> Snapshot:
        """Return what the home is: at most a second old, and a change of this process is in it."""
        found = self._snapshot
        if found is not None and self._confirmed >= self._needed:
            age = time.monotonic() - self._confirmed
            if age < FRESH_SECONDS or (age < OUTAGE_SECONDS and self._is_listening):
                return found
        return self._looked(found)

    def look(self) -> Snapshot:
        """Return what the home is now."""
        self._session.run(self._look)
        return self._present()

    def seen(self) -> Snapshot | None:
        """Return what was read last, however old that is; None where nothing was."""
        return self._snapshot

    def _present(self) -> Snapshot:
        found = self._snapshot
        if found is None:
            raise StateError("The shared state was not read.")
        return found

    def _looked(self, found: Snapshot | None) -> Snapshot:
        age = time.monotonic() - self._confirmed
        if found is not None and age >= FRESH_SECONDS:
            self._listen()  # this process lives on
        if found is None or self._confirmed < self._needed or age >= OUTAGE_SECONDS:
            return self.look()
        try:
            self._session.run(self._look, once=True)
        except StateError:  # an outage that may pass
            return found
        return self._present()

    @property
    def _is_listening(self) -> bool:
        return self._listener is not None and self._listener.is_alive()

    def _listen(self) -> None:
        with self._publishing:
            if self._listener is None:
                self._listener = Listener(self.address, self._look)
                self._listener.start()

    def _look(self, connection: Any) -> None:
        """Take over what the database says now."""
        while True:
            began, before = time.monotonic(), self._snapshot
            if before is not None and rows.revision(connection, self.address.home) == before.revision:
                found = before
            else:
                found = self._loaded(connection, before)
            with self._publishing:
                if self._snapshot is before:  # else another thread was quicker, and perhaps not as new
                    self._snapshot, self._confirmed = found, max(began, self._confirmed)
                    return

    def _loaded(self, connection: Any, before: Snapshot | None) -> Snapshot:
        """Return what the home is, of which *before* is known; all is read anew where an older copy was put back."""
        known = before or Snapshot()
        loaded = rows.load(connection, self.address.home, known.revision)
        if before is None:
            self._claim(loaded.home_id)
        return (known if loaded.revision >= known.revision else Snapshot()).next(loaded)

    # ---------------------------------------------------------------- changing

    def transact(self, keys: Collection[Key], work: Callable[[dict[Key, Any]], T]) -> T:
        """Return what *work* gives, and save what it changed of the data of *keys* in the dict that it gets: all of it,
        or nothing.

        Where the connection breaks before the answer, it is found out whether that was saved: it is saved once.
        """
        if self._snapshot is None:
            self.look()  # nothing is changed in a home that is not this machine's to use
        change = rows.Change()

        def attempt(connection: Any) -> T:
            with connection.transaction():
                return self._changed(connection, keys, work, change)

        try:
            result = self._session.run(attempt)
        except StateError as error:
            if change.was_tried:
                raise StateError(f"{error} {_UNKNOWN}") from None
            raise
        finally:
            self._needed = time.monotonic()
        return result

    def _changed(
        self, connection: Any, keys: Collection[Key], work: Callable[[dict[Key, Any]], T], change: rows.Change
    ) -> T:
        home = self.address.home
        rows.lock(connection, home, keys)
        if change.was_tried and rows.was_made(connection, change):
            made: T = change.result
            return made
        before = rows.fetch(connection, home, keys)
        after = dict(before)
        result = work(after)
        if after != before:
            rows.write(connection, home, before, after, change)
            change.was_tried, change.result = True, result
        return result

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what *work* gives, which gets the connection and may be called again where that breaks."""
        return self._session.run(work)

    def server(self) -> str:
        """Return which PostgreSQL answers."""

        def asked(connection: Any) -> str:
            return str(connection.execute("SHOW server_version").fetchone()[0]).split()[0]

        return self.run(asked)

    def close(self) -> None:
        """End the connections of this home."""
        if self._listener is not None:
            self._listener.stop()
        self.locks.close()
        self._session.close()
