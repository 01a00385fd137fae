"""The state in PostgreSQL: what is saved is read back, by every process, and no two changes are in each other's way."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.errors import NotInstalledError, StateError, UnknownProfileError
from dynamic_plugins.storage.postgres_migrations import STEPS, migrate
from dynamic_plugins.storage.postgres_state import open_postgres
from dynamic_plugins.storage.profiles import Profiles
from dynamic_plugins.storage.state import FILE
from dynamic_plugins.storage.values import ConfigurationStore
from tests.fleet.machines import BOUND, SOON, Machines, listening, reach_soon, within
from tests.test_store import plugin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet.postgres_server import PostgresServer

pytestmark = [pytest.mark.fleet, pytest.mark.usefixtures("driver")]
SECRET = "sk-not-in-any-database"
LOCKS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"


def test_what_one_machine_saves_another_reads_the_same(machines: Machines) -> None:
    saved = replace(plugin(), error_details="a\x00NUL, and “marks”")
    machines.state().put(saved)
    assert dict(machines.state().read()) == {"hello": saved}


def test_what_did_not_change_is_the_same_object(machines: Machines) -> None:
    backend = machines.backend()
    store, facts = backend.state(), backend.facts("configuration")
    store.put(plugin())
    store.put(plugin("other"))
    before = store.read()
    with facts.changing() as data:
        data["hello"] = {"values": {"LEVEL": "3"}}
    assert store.read() is before
    kept = facts.read()
    store.change("other", told="x")
    assert store.read() is not before
    assert store.read()["hello"] is before["hello"]
    assert facts.read() is kept


def test_changes_do_what_they_do_in_a_folder(machines: Machines) -> None:
    store, other = machines.state(), replace(plugin().installation, path="/another/version")
    assert store.change("hello", told="x") is None
    assert store.add(plugin())
    assert not store.add(replace(plugin(), told="another"))
    changed = store.change("hello", told="x")
    assert changed is not None
    assert changed.told == "x"
    assert store.change("hello", other, told="y") is None
    store.drop("hello", other)
    assert store.get("hello").told == "x"
    store.change("hello", leaving=True)
    assert (list(store.read()), list(store.leaving())) == ([], ["hello"])
    assert store.change("hello", told="z") is None
    store.drop("hello", plugin().installation)
    assert store.leaving() == {}
    with pytest.raises(NotInstalledError):
        store.get("hello")


def test_an_exchange_is_whole_or_not_at_all(machines: Machines) -> None:
    store = machines.state()
    a, b = plugin("a"), plugin("b")
    assert store.exchange({"a": a, "b": b}, {})
    newer = replace(a, installation=replace(a.installation, path="/plugins/a2"))
    assert not store.exchange({"a": newer, "b": None}, {"a": a})  # of b it is said that there is none
    assert dict(store.read()) == {"a": a, "b": b}
    assert store.exchange({"a": newer, "b": None}, {"a": a, "b": b})
    assert dict(store.read()) == {"a": newer}


def test_homes_of_one_database_do_not_see_each_other(
    machines: Machines, postgres: PostgresServer, database: str
) -> None:
    team_a, team_b = machines.backend(), machines.backend(postgres.url("team-b", database))
    team_a.state().put(plugin())
    with team_a.facts("configuration").changing() as data:
        data["hello"] = {"values": {"LEVEL": "3"}}
    assert dict(team_b.state().read()) == {}
    assert team_b.facts("configuration").read() == {}
    team_b.state().drop("hello")
    assert list(team_a.state().read()) == ["hello"]
    assert machines.state(postgres.url(database=database)).read() == {}  # the home "default"


# ---------------------------------------------------------------- at once


def _count(url: str, folder: Path, times: int) -> None:
    backend = open_postgres(url, folder)
    store = backend.state()

    def one_more(plugins: dict[str, Any]) -> None:
        plugins["counter"] = replace(plugins["counter"], told=str(int(plugins["counter"].told) + 1))

    for step in range(times):
        store.put(plugin(f"{folder.name}-{step}"))
        store.transact(["counter"], one_more)
    backend.close()


def test_processes_that_change_it_at_once_lose_nothing(machines: Machines, url: str, tmp_path: Path) -> None:
    machines.state().put(replace(plugin("counter"), told="0"))
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_count, args=(url, tmp_path / f"p{index}", 15)) for index in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(BOUND)
        assert worker.exitcode == 0
    plugins = machines.state().read()
    assert plugins["counter"].told == "45"
    assert len(plugins) == 46


def test_changes_of_the_same_plugins_in_opposite_orders_do_not_wait_forever(machines: Machines) -> None:
    names = ["a", "b", "c"]
    for name in names:
        machines.state().put(plugin(name))
    done: list[bool] = []

    def exchange(order: list[str]) -> None:
        store = machines.state()
        of = {name: store.read()[name] for name in order}
        done.extend(store.exchange(of, of) and store.exchange(dict(reversed(of.items())), of) for _ in range(20))

    threads = [threading.Thread(target=exchange, args=(order,)) for order in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert done == [True] * 40


def test_a_change_reaches_a_listening_process_within_a_second(machines: Machines) -> None:
    one = machines.state()
    one.put(plugin())
    other = listening(machines.state())
    assert reach_soon(lambda mark: one.change("hello", told=mark), lambda mark: other.read()["hello"].told == mark)


def test_a_change_whose_notification_is_lost_is_seen_within_a_second_too(machines: Machines) -> None:
    machines.state().put(plugin())
    other = listening(machines.state())

    statement = (
        "WITH moved AS (UPDATE dynamic_plugins.homes SET revision = revision + 1 RETURNING revision) "
        "UPDATE dynamic_plugins.plugins SET name = 'MARK', revision = moved.revision FROM moved"
    )

    def rename(mark: str) -> None:
        machines.query(statement.replace("MARK", mark))

    assert reach_soon(rename, lambda mark: list(other.read()) == [mark])


def test_a_copy_of_the_database_that_is_put_back_is_what_is_read(machines: Machines) -> None:
    store, other = machines.state(), machines.state()
    store.put(plugin())
    store.change("hello", told="newer")
    assert other.read()["hello"].told == "newer"
    older = json.dumps(replace(plugin(), told="older").to_dict())
    machines.query(f"UPDATE dynamic_plugins.plugins SET revision = 1, data = '{older}'")  # noqa: S608 - a test's own
    machines.query("UPDATE dynamic_plugins.homes SET revision = 1")
    assert within(BOUND, lambda: other.read()["hello"].told == "older")
    store.change("hello", enabled=False)
    assert store.read()["hello"].told == "older"


# ---------------------------------------------------------------- profiles and values


def test_profiles_and_plain_values_are_shared_and_secrets_are_not(machines: Machines, tmp_path: Path) -> None:
    one, other = machines.backend(), machines.backend()
    for name in ("hello", "other"):
        one.state().put(plugin(name))
    Profiles(tmp_path, one).make("work", ["hello"])
    ConfigurationStore(tmp_path / "one", "a passphrase", backend=one).set("hello", {"LEVEL": "3"}, {"KEY": SECRET})

    there = ConfigurationStore(tmp_path / "other", "a passphrase", backend=other)
    assert (there.plain("hello"), there.secret_names("hello")) == ({"LEVEL": "3"}, ("KEY",))
    assert there.names("hello") == {"LEVEL"}  # this machine's own vault has no such secret
    assert list(Profiles(tmp_path, other).store("work").read()) == ["hello"]
    tables = ("homes", "plugins", "documents", "changes")
    saved = [machines.query(f"SELECT * FROM dynamic_plugins.{table}") for table in tables]  # noqa: S608 - our own
    assert SECRET not in str(saved)


def test_a_profile_has_its_own_and_what_is_removed_is_in_none(machines: Machines, tmp_path: Path) -> None:
    backend = machines.backend()
    whole = backend.state()
    whole.put(plugin())
    Profiles(tmp_path, backend).make("work", ["hello"])
    mine = Profiles(tmp_path, backend).store("work")
    mine.change("hello", enabled=False)
    assert (mine.get("hello").enabled, whole.get("hello").enabled) == (False, True)
    assert mine.add(plugin("new"))
    assert (mine.get("new").enabled, whole.get("new").enabled) == (True, False)
    whole.drop("hello")
    whole.put(plugin())
    assert list(mine.read()) == ["new"]
    Profiles(tmp_path, backend).remove("work")
    with pytest.raises(UnknownProfileError):
        Profiles(tmp_path, backend).store("work")
    with pytest.raises(StateError, match="was removed"):
        mine.show("hello")


def test_values_that_are_set_at_once_by_two_machines_are_all_kept(machines: Machines, tmp_path: Path) -> None:
    machines.state().put(plugin())
    stores = [ConfigurationStore(tmp_path / str(number), backend=machines.backend()) for number in range(2)]

    def set_values(number: int) -> None:
        for step in range(10):
            here = stores[number].plain("hello") if step else {}
            stores[number].set("hello", {f"V{number}_{step}": "x"}, {})
            assert here.keys() <= stores[number].plain("hello").keys()

    threads = [threading.Thread(target=set_values, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert len(stores[0].plain("hello") | stores[1].plain("hello")) == 20


# ---------------------------------------------------------------- versions and folders


def test_a_database_of_the_first_version_is_brought_up_to_date_with_what_it_has(machines: Machines, url: str) -> None:
    import psycopg

    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        migrate(connection, "here", to=1)
        connection.execute("INSERT INTO dynamic_plugins.homes (name, revision) VALUES ('team-a', 7)")
        connection.execute(
            "INSERT INTO dynamic_plugins.plugins VALUES ('team-a', 'hello', 7, %s::json)",
            (json.dumps(plugin().to_dict()),),
        )
    backends = [machines.backend() for _ in range(3)]
    threads = [threading.Thread(target=backend.describe) for backend in backends]  # one of them does it
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert dict(backends[0].state().read()) == {"hello": plugin()}
    backends[0].state().change("hello", told="x")
    with backends[1].facts("configuration").changing() as data:
        data["hello"] = {"values": {}}
    assert machines.query("SELECT version FROM dynamic_plugins.schema_version") == [(len(STEPS),)]
    assert within(BOUND, lambda: backends[2].facts("configuration").read() == {"hello": {"values": {}}})


def test_a_database_of_a_newer_version_is_left_as_it_is(machines: Machines) -> None:
    machines.state().put(plugin())
    machines.query("UPDATE dynamic_plugins.schema_version SET version = 99")
    older = machines.state()
    for use in (older.read, lambda: older.put(plugin("other")), older.read):
        with pytest.raises(StateError, match=r"newer version of dynamic-plugins: its schema is 99.*Upgrade"):
            use()
    assert machines.query("SELECT version FROM dynamic_plugins.schema_version") == [(99,)]
    assert machines.query("SELECT name FROM dynamic_plugins.plugins") == [("hello",)]


def test_a_user_who_owns_the_schema_makes_the_tables_and_one_without_rights_is_told(
    machines: Machines, postgres: PostgresServer, database: str
) -> None:
    for name in ("owner", "stranger"):
        machines.query(f"CREATE ROLE {name}_of_{database} LOGIN PASSWORD 'pw'")
    machines.query(f"CREATE SCHEMA dynamic_plugins AUTHORIZATION owner_of_{database}")
    place = f"127.0.0.1:{postgres.port}/{database}"
    owned = machines.state(f"postgresql://owner_of_{database}:pw@{place}")
    owned.put(plugin())
    with pytest.raises(StateError, match=r"permission denied.*have it allowed"):
        machines.state(f"postgresql://stranger_of_{database}:pw@{place}").read()
    assert list(owned.read()) == ["hello"]


async def test_a_plugin_s_lock_is_held_once_in_all_machines_and_one_connection_holds_any_number(
    machines: Machines,
) -> None:
    one, other = machines.state(), machines.state()
    async with AsyncExitStack() as held:
        for number in range(5):
            await held.enter_async_context(one.alone(f"p{number}", SOON))
        for state in (one, other):
            with pytest.raises(TimeoutError):
                async with state.alone("p3", 0.05):
                    pass
        held_by = machines.query(LOCKS)
        assert (len(held_by), len(set(held_by))) == (5, 1)
    async with other.alone("p3", 0.05):
        pass
    # The server hears of a connection's end a moment later.
    assert await asyncio.to_thread(within, BOUND, lambda: machines.query(LOCKS) == [])


async def test_a_lock_whose_connection_broke_is_taken_again(machines: Machines) -> None:
    one, other = machines.state(), machines.state()
    async with one.alone("a", SOON):
        machines.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        async with one.alone("b", SOON):
            with pytest.raises(TimeoutError):
                async with other.alone("a", 0.05):
                    pass


def test_a_row_of_a_newer_version_is_an_error_that_names_the_plugin(machines: Machines) -> None:
    machines.state().put(plugin())
    machines.query("""UPDATE dynamic_plugins.plugins SET data = '{"installation": {}}'""")
    store = machines.state()
    for use in (store.read, lambda: store.change("hello", told="x")):
        with pytest.raises(StateError, match="the plugin hello cannot be read"):
            use()


def test_a_folder_that_holds_another_home_s_files_is_refused(
    url: str, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    open_postgres(url, tmp_path / "home").state().put(plugin())
    with pytest.raises(StateError, match=r"another home of a shared state .team-a."):
        open_postgres(postgres.url("team-b", database), tmp_path / "home").state().put(plugin())
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / FILE).write_text("{}")
    with pytest.raises(StateError, match="a state of its own"):
        open_postgres(url, tmp_path / "own").state().read()
