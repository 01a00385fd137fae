"""One connection to the database of a shared state: opened when needed, again where it broke, and never waited for
without an end.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from dynamic_plugins.errors import StateError
from dynamic_plugins.storage.postgres_migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_plugins.storage.postgres_address import PostgresAddress

T = TypeVar("T")

RETRY_SECONDS = 15.0
"""So long is a database tried that does not answer: longer than it takes to restart."""
GIVEN_UP_SECONDS = 5.0
"""So long after that it is tried once each time: whoever asks again is not made to wait again."""
CONNECT_SECONDS = 3
ANSWER_SECONDS = 10.0
"""So long may one piece of work take, the waiting for locks in it included; then the connection counts as broken."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

_OPTIONS = {
    "application_name": "dynamic-plugins",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# What the server keeps to: of a client that is gone without a word it ends the transaction, and with it the locks.
_KEPT_BY_SERVER = """
SELECT set_config('idle_in_transaction_session_timeout', '5s', false), set_config('tcp_keepalives_idle', '5', false),
    set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false),
    set_config('tcp_user_timeout', '10s', false), set_config('statement_timeout', '10s', false)
"""
# What the server says at the door when trying again does not help; it has no code there.
_FINAL = (
    *("authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted"),
    *("certificate", "does not support SSL"),  # said of it by libpq: there the server has not spoken yet
)
_DROPPED = (
    *("closed the connection", "could not receive data", "could not send data", "Connection reset"),
    *("starting up", "shutting down", "terminating connection"),
)
"""What is said of a server that went away in the middle of the greeting, as one does that is started anew."""
_READ_ONLY = "25006"

MISSING = (
    "The state of this home is in PostgreSQL, and psycopg is not installed. Install it with: "
    "pip install 'agent-dynamic-plugins[fleet]'"
)


class PostgresSession:
    """One connection to *address*, for several threads one after the other. *opened* is called with each new one.

    *seconds* is how long :meth:`run` tries at most.
    """

    def __init__(
        self, address: PostgresAddress, seconds: float = RETRY_SECONDS, opened: Callable[[Any], None] | None = None
    ) -> None:
        self.address, self._seconds, self._opened = address, seconds, opened
        self._lock = threading.RLock()
        self._held: list[Any] = []
        """The connection, where there is one."""
        self._closed, self._gave_up = False, float("-inf")
        # Whoever forgets to close it leaves no connection open.
        self._end = weakref.finalize(self, _close_all, self._held)

    def run(self, work: Callable[[Any], T], *, once: bool = False) -> T:
        """Return what *work* gives, which gets the connection; where that breaks, *work* is called again with a new
        one, but not with *once*.

        What *work* has done of a transaction is undone by then, unless the connection broke in the commit. Raises
        StateError where the database does not answer, or refuses.
        """
        import_driver()
        import psycopg

        with self._lock:
            begun, pause = time.monotonic(), _FIRST_PAUSE
            ends = begun + (0.0 if begun - self._gave_up < GIVEN_UP_SECONDS else self._seconds)
            while True:
                try:
                    return self._attempt(work)
                except psycopg.Error as error:
                    self._drop()
                    if once or self._closed or not _passes(error):
                        raise StateError(self._problem(error)) from None
                    if time.monotonic() + pause >= ends:
                        self._gave_up = time.monotonic()
                        raise StateError(self._problem(error)) from None
                    time.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, work: Callable[[Any], T]) -> T:
        if self._closed:
            raise StateError("The state of this home is closed: the application is ending.")
        if not self._held:
            self._open()
        with _answers(self._held[0]):
            result = work(self._held[0])
        self._gave_up = float("-inf")
        return result

    def _open(self) -> None:
        connection = _connect(self.address)
        self._held.append(connection)
        try:
            with _answers(connection):
                connection.execute(_KEPT_BY_SERVER)
                migrate(connection, self.address.place)
                if self._opened is not None:
                    self._opened(connection)
        except BaseException:  # one that is not ready is used for nothing
            self._drop()
            raise

    def _drop(self) -> None:
        _close_all(self._held)

    def _problem(self, error: Exception) -> str:
        """Return what is wrong, and what to do. It repeats the server's own message, never what was sent to it."""
        message = getattr(getattr(error, "diag", None), "message_primary", None) or str(error).partition("DETAIL")[0]
        message = self.address.scrubbed(message).removeprefix("connection failed: ").rstrip(".")
        remedy = (
            "Look whether it runs and can be reached from here, and try again"
            if _passes(error)
            else "Set DYNAMIC_PLUGINS_STATE to an address that it accepts, or have it allowed there"
        )
        return f"The state of this home cannot be had from PostgreSQL at {self.address.place}: {message}. {remedy}."

    def interrupt(self) -> None:
        """Break the connection, whoever waits for it in another thread: they get an error at once."""
        for connection in list(self._held):
            _cut(connection)

    def rest(self) -> None:
        """End the connection for now; the next use opens another."""
        with self._lock:
            self._drop()

    def close(self) -> None:
        """End the connection; it is not opened again."""
        self._closed = True
        self.interrupt()
        with self._lock:
            self._drop()


def import_driver() -> None:
    """Load psycopg. Raises StateError with the remedy where it is not installed."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise StateError(MISSING) from None


def _connect(address: PostgresAddress) -> Any:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(address.url)
    except psycopg.ProgrammingError:  # its text may repeat the address
        raise StateError(
            "DYNAMIC_PLUGINS_STATE has an option that PostgreSQL does not know. There are those of libpq, and home."
        ) from None
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **_OPTIONS, **given}
    return psycopg.connect(**options, autocommit=True)


def _passes(error: Exception) -> bool:
    """Return whether trying again may help."""
    import psycopg

    if getattr(error, "sqlstate", None) == _READ_ONLY:
        return True  # a standby, until it is the primary
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    at_the_door = getattr(error, "pgconn", None)
    refused = at_the_door is not None and (at_the_door.used_password or at_the_door.needs_password)
    refused = refused and not any(text in str(error) for text in _DROPPED)
    return error.sqlstate is not None or not (refused or any(text in str(error) for text in _FINAL))


@contextlib.contextmanager
def _answers(connection: Any) -> Iterator[None]:
    """Break *connection* where the block takes too long: a server that hangs says nothing, and closes nothing."""
    timer = threading.Timer(ANSWER_SECONDS, _cut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Any) -> None:
    import psycopg

    with contextlib.suppress(OSError, psycopg.Error):
        wire = socket.socket(fileno=connection.fileno())
        try:
            wire.shutdown(socket.SHUT_RDWR)
        finally:
            wire.detach()  # it is the connection's, which closes it


def _close_all(held: list[Any]) -> None:
    while held:
        held.pop().close()
