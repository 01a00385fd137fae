"""A PostgreSQL that restarts, hangs, refuses or is not there: nothing is lost or made twice, and all is bounded."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import SecretStoreError, StateError
from dynamic_plugins.storage import postgres_home, postgres_session
from dynamic_plugins.storage.postgres_address import PostgresAddress
from dynamic_plugins.storage.postgres_state import open_postgres
from tests.fleet.machines import BOUND, SOON, Machines, listening, reach_soon, within
from tests.test_store import plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from tests.conftest import Cli
    from tests.fleet.postgres_server import PostgresServer

pytestmark = [pytest.mark.fleet, pytest.mark.usefixtures("driver")]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner than a person would have to wait."""
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(postgres_session, "CONNECT_SECONDS", 1)


def test_changes_go_on_through_restarts_and_each_is_made_once(
    machines: Machines, postgres: PostgresServer, tmp_path: Path
) -> None:
    machines.state().put(replace(plugin("counter"), told="0"))
    counted: list[int] = []

    def one_more(plugins: dict[str, StoredPlugin]) -> None:
        plugins["counter"] = replace(plugins["counter"], told=str(int(plugins["counter"].told) + 1))

    stopped = threading.Event()

    def count() -> None:
        store = machines.state()
        while not stopped.is_set():
            store.transact(["counter"], one_more)
            counted.append(1)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = len(counted)
        assert within(BOUND, lambda before=before: len(counted) > before + 20)  # type: ignore[misc]
        postgres.restart()
    stopped.set()
    for thread in threads:
        thread.join(BOUND)
    assert machines.state().get("counter").told == str(len(counted))


def test_a_listener_hears_again_after_a_restart_and_reads_go_on_meanwhile(
    machines: Machines, postgres: PostgresServer
) -> None:
    one = machines.state()
    one.put(plugin())
    other = listening(machines.state())
    postgres.stop()
    try:
        assert list(other.read()) == ["hello"]
    finally:
        postgres.start()
    assert reach_soon(lambda mark: one.change("hello", told=mark), lambda mark: other.read()["hello"].told == mark)


def test_what_is_known_for_too_long_is_not_given_for_what_is(
    machines: Machines, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_home, "OUTAGE_SECONDS", 2 * SOON)
    backend = open_postgres(machines.url, machines.folder / "here", 0.2)
    store = backend.state()
    store.put(plugin())
    listening(store)
    postgres.stop()
    try:

        def is_told() -> bool:
            try:
                store.read()
            except StateError as error:
                return "Look whether it runs" in str(error)
            return False

        assert within(BOUND, is_told)
        with pytest.raises(SecretStoreError, match="Look whether it runs"):
            backend.facts("configuration").read()
    finally:
        postgres.start()
        backend.close()
    assert list(machines.state().read()) == ["hello"]


# ---------------------------------------------------------------- the answer to a commit


class Wire:
    """A wire to the server that is cut at a client's commit: before the server gets it, or before its answer."""

    def __init__(self, port: int) -> None:
        self._port, self._listening = port, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cut_before: bool | None = None
        """Whether the next commit is kept from the server, or made and its answer kept from the client."""
        self.cuts, self.is_last = 0, False
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        _end(self._listening)
        for thread in self._threads:
            thread.join(BOUND)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._carry, args=(client,)))
            self._threads[-1].start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_carry_back, args=(server, client))
            back.start()
            self._forth(client, server)
            back.join(BOUND)

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if b"COMMIT" in data and self.cut_before is not None:
                before, self.cut_before, self.cuts = self.cut_before, None, self.cuts + 1
                if self.is_last:
                    _end(self._listening)
                _end(client)
                if not before:
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)  # it makes the commit, and then sees that nobody is there
                    return
                break
            server.sendall(data)
        _end(server)


def _carry_back(server: socket.socket, client: socket.socket) -> None:
    while data := _received(server):
        with suppress(OSError):
            client.sendall(data)
    _end(client)


def _end(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)  # closing alone would wait for the thread that receives from it


def _received(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65536)
    except OSError:
        return b""


@pytest.mark.parametrize("before", [True, False], ids=["the commit is lost", "its answer is lost"])
def test_a_commit_without_an_answer_is_made_once(
    machines: Machines, postgres: PostgresServer, url: str, tmp_path: Path, before: bool
) -> None:
    wire = Wire(postgres.port)
    backend = open_postgres(url.replace(f":{postgres.port}/", f":{wire.port}/"), tmp_path / "wired")
    store = backend.state()
    store.put(replace(plugin(), told="0"))
    called: list[int] = []

    def one_more(plugins: dict[str, StoredPlugin]) -> str:
        called.append(1)
        plugins["hello"] = replace(plugins["hello"], told=str(int(plugins["hello"].told) + 1))
        return plugins["hello"].told

    wire.cut_before = before
    assert store.transact(["hello"], one_more) == "1"
    assert (wire.cuts, len(called)) == (1, 2 if before else 1)
    assert store.get("hello").told == machines.state().get("hello").told == "1"

    facts = backend.facts("configuration")
    with facts.changing() as data:
        data["hello"] = {"values": {"LEVEL": "3"}}
        wire.cut_before = before
    assert wire.cuts == 2
    assert facts.read() == {"hello": {"values": {"LEVEL": "3"}}}
    assert machines.query("SELECT count(*) FROM dynamic_plugins.changes") == [(3,)]
    backend.close()
    wire.close()


def test_where_the_answer_is_never_found_out_that_is_said(
    machines: Machines, postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    wire = Wire(postgres.port)
    backend = open_postgres(url.replace(f":{postgres.port}/", f":{wire.port}/"), tmp_path / "wired", 0.3)
    backend.state().put(plugin())
    wire.cut_before, wire.is_last = False, True
    with pytest.raises(StateError, match="Whether the last change was saved is not known"):
        backend.state().change("hello", told="x")
    begun = time.monotonic()
    with pytest.raises(StateError, match="try again"):
        backend.state().read()  # what is known is from before the change
    assert time.monotonic() - begun < 2
    assert within(BOUND, lambda: machines.state().get("hello").told == "x")
    backend.close()
    wire.close()


def test_a_change_that_waits_for_another_s_commit_is_made_on_what_that_left(machines: Machines, url: str) -> None:
    """A lock of a connection that is gone keeps nobody waiting, and one that is held is waited for."""
    import psycopg

    one, other = machines.state(), machines.state()
    one.put(replace(plugin(), told="0"))
    with psycopg.connect(url.partition("?")[0]) as connection:
        connection.execute("SELECT 1 FROM dynamic_plugins.homes FOR UPDATE")
        waiting = threading.Thread(target=lambda: other.change("hello", told="1"))
        waiting.start()
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert within(BOUND, lambda: machines.query(query) == [(1,)])
        assert one.read()["hello"].told == "0"
    waiting.join(BOUND)
    assert within(BOUND, lambda: one.read()["hello"].told == "1")


# ---------------------------------------------------------------- not to be had


@contextmanager
def silent_server() -> Iterator[int]:
    """Give a port where somebody takes calls and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, impatient: None) -> None:
    with silent_server() as port:
        store = open_postgres(f"postgresql://agent:s3cret@127.0.0.1:{port}/x", tmp_path, 1.0).state()
        begun = time.monotonic()
        with pytest.raises(StateError, match=r"cannot be had from PostgreSQL at 127.0.0.1.*try again"):
            store.read()
    assert time.monotonic() - begun < 10


def test_a_server_that_hangs_in_the_middle_is_given_up_and_nothing_is_half_written(
    machines: Machines, url: str, impatient: None
) -> None:
    import psycopg

    backend = open_postgres(url, machines.folder / "here", 1.5)
    store = backend.state()
    store.put(plugin("a"))
    with psycopg.connect(url.partition("?")[0]) as connection:
        connection.execute("LOCK TABLE dynamic_plugins.changes")  # written last: it hangs there
        begun = time.monotonic()
        with pytest.raises(StateError, match="cannot be had from PostgreSQL"):
            store.exchange({"a": None, "b": plugin("b")}, {"a": plugin("a")})
        assert time.monotonic() - begun < 10
    backend.close()
    assert list(machines.state().read()) == ["a"]


@pytest.mark.parametrize("words", [("status",), ("--verbose", "status"), ("doctor",), ("profile", "list")])
def test_a_wrong_password_is_said_at_once_and_is_in_no_output(
    cli: Cli, postgres: PostgresServer, words: tuple[str, ...]
) -> None:
    wrong = "s3cret/of:the@person"
    cli.env["DYNAMIC_PLUGINS_STATE"] = postgres.url("team-a", password=wrong)
    begun = time.monotonic()
    ran = cli(*words, code=1)
    assert time.monotonic() - begun < 15
    assert "password authentication failed" in ran.out
    assert f"127.0.0.1:{postgres.port}" in ran.out
    for spelled in (wrong, "s3cret", "the%40person"):
        assert spelled not in ran.out + ran.err


def test_the_right_password_is_in_no_output_and_no_file(cli: Cli, url: str) -> None:
    cli.env["DYNAMIC_PLUGINS_STATE"] = url
    ran = [cli(*words, code=None) for words in (("--verbose", "status"), ("doctor",), ("install", "no-such-plugin"))]
    found = next(check for check in ran[1].json["checks"] if check["name"] == "state")
    assert found["ok"]
    assert "home team-a" in found["found"]
    texts = [text for each in ran for text in (each.out, each.err)]
    texts += [path.read_bytes().decode(errors="replace") for path in cli.home.rglob("*") if path.is_file()]
    assert [text for text in texts if "not/the" in text or "not%2Fthe" in text] == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://agent:s3cret@127.0.0.1/x?home=../b", "names no home"),
        ("postgresql://agent:s3cret@127.0.0.1/x?home=a&home=b", "names no home"),
        ("postgresql://agent:s3cret@127.0.0.1/x?s3cret=1", "an option that PostgreSQL does not know"),
        ("postgresql://agent:s3cret@127.0.0.1/x?s3cret", "is no address of a database"),
        ("postgresql://agent:s3cret@[127.0.0.1/x", "is no address of a database"),
        ("postgresql://agent:of/s3cret@127.0.0.1/x", "Write / as %2F"),
        ("postgresql://agent:of@s3cret@127.0.0.1/x", "@ as %40"),
        ("postgresql://agent:of#s3cret@127.0.0.1/x", "# as %23"),
        ("postgresql://agent:of?s3cret=1@127.0.0.1/x", "? as %3F"),
        ("mysql://agent:s3cret@127.0.0.1/x", "must be postgresql://"),
    ],
)
def test_an_address_that_is_none_is_said_to_be_none_and_is_not_repeated(cli: Cli, address: str, says: str) -> None:
    cli.env["DYNAMIC_PLUGINS_STATE"] = address
    ran = cli("status", code=None)
    assert ran.code in {1, 2}
    assert says in ran.out + ran.err
    assert "s3cret" not in ran.out + ran.err


def test_an_address_where_nobody_listens_is_given_up_and_not_waited_for_again(tmp_path: Path) -> None:
    with silent_server() as port:
        pass
    backend = open_postgres(f"postgresql://agent:s3cret@127.0.0.1:{port}/x", tmp_path, 1.0)
    taken = []
    for use in (backend.state().read, lambda: backend.state().put(plugin()), backend.profiles):
        begun = time.monotonic()
        with pytest.raises(StateError, match="Look whether it runs and can be reached from here") as raised:
            use()
        taken.append(time.monotonic() - begun)
        assert "s3cret" not in str(raised.value)
    assert taken[0] < 5
    assert max(taken[1:]) < taken[0]
    backend.close()


def test_a_server_that_goes_away_behind_the_password_is_asked_again() -> None:
    greeted: list[bytes] = []

    def greet_and_go(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"R\0\0\0\x08\0\0\0\x03")  # asks for the password as it is
                    greeted.append(connection.recv(1024))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet_and_go, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        address = PostgresAddress.parse(f"postgresql://ann:secret@127.0.0.1:{port}/app?home=one&sslmode=disable")
        with pytest.raises(StateError, match="try again"):
            postgres_session.PostgresSession(address, seconds=1).run(lambda connection: connection)
    assert len(greeted) > 1
    assert all(b"secret" in each for each in greeted)
