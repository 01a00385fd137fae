"""The thread that listens for changes of a shared state, so that nobody who reads waits for the database."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import PluginError
from dynamic_plugins.storage.postgres_rows import channel
from dynamic_plugins.storage.postgres_session import PostgresSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.storage.postgres_address import PostgresAddress

CHECK_SECONDS = 0.4
"""So often is looked without having heard anything: a notification may be lost with its connection."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Listener(threading.Thread):
    """Calls *look* with its connection whenever the home of *address* was changed, and every :data:`CHECK_SECONDS`."""

    def __init__(self, address: PostgresAddress, look: Callable[[Any], None]) -> None:
        super().__init__(name="dynamic-plugins-state", daemon=True)
        self._home, self._look = address.home, look
        self._session = PostgresSession(address, opened=self._opened)
        self._stopped = threading.Event()

    def _opened(self, connection: Any) -> None:
        connection.execute(f'LISTEN "{channel(self._home)}"')
        self._look(connection)

    def run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                self._session.run(self._hear, once=True)
                pause = _FIRST_PAUSE
            except PluginError:  # whoever reads is told, once what is known is too old
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _hear(self, connection: Any) -> None:
        for _ in connection.notifies(timeout=CHECK_SECONDS, stop_after=1):
            pass
        self._look(connection)

    def stop(self) -> None:
        """End it, and return when it has ended."""
        self._stopped.set()
        self._session.close()
        with contextlib.suppress(RuntimeError):  # it was never started
            self.join(1.0)
