"""What the state of a home costs in a folder and in PostgreSQL: reading it, changing a plugin, exchanging several.

usage: python -m benchmarks.state_backends [--url postgresql://…] [--plugins N] [--rounds N]

Without an address a PostgreSQL of its own is started on loopback, with the disk as its manual wants it (fsync on). Both
take their turns in one run; shown are medians in microseconds, and what PostgreSQL takes for one of the folder's.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.installation import Installation
from dynamic_plugins.storage.postgres_state import open_postgres
from dynamic_plugins.storage.state import HomeState, StateStore
from dynamic_plugins.storage.stored_plugin import StoredPlugin
from dynamic_plugins.workers.components import Component, Offers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_plugins.storage.postgres_state import PostgresBackend

SECONDS = 60.0


def plugin(name: str) -> StoredPlugin:
    """Return a plugin with ten actions, as they often have."""
    installation = Installation(name, "python", "1.0", f"/plugins/{name}/1", "pypi", name, "bundled")
    schema = {"type": "object", "properties": {"text": {"type": "string", "description": "What is written"}}}
    actions = [Component("action", f"action_{number}", "Writes a text", schema) for number in range(10)]
    return StoredPlugin(installation, "2026-11-29T00:00:00+00:00", enabled=True, offers=Offers(tuple(actions)))


def steps(store: HomeState, count: int) -> dict[str, Callable[[int], object]]:
    """Return what is measured, by its name; each is told its round."""
    names = [f"plugin-{number}" for number in range(count)]

    def exchange(number: int) -> None:
        present = store.read()
        of = {name: present[name] for name in names[:5]}
        assert store.exchange({name: replace(each, told=str(number)) for name, each in of.items()}, of)

    return {
        "read": lambda _: store.read(),
        "change of one": lambda number: store.change(names[0], told=str(number)),
        "change, and read": lambda number: (store.change(names[0], told=f"x{number}"), store.read()),
        "exchange of five": exchange,
    }


def compare(stores: tuple[HomeState, HomeState], count: int, rounds: int) -> None:
    print(f"{f'{count} plugins, medians of {rounds} in µs':40}{'folder':>10}{'PostgreSQL':>12}{'ratio':>8}")
    for store in stores:
        for number in range(count):
            store.put(plugin(f"plugin-{number}"))
    folder, database = (steps(store, count) for store in stores)
    for name in folder:
        pairs = [(_taken(folder[name], each), _taken(database[name], each)) for each in range(rounds)]
        mine, other = (statistics.median(each) * 1e6 for each in zip(*pairs, strict=True))
        print(f"{name:40}{mine:10.1f}{other:12.1f}{other / mine:8.2f}")


def _taken(step: Callable[[int], object], number: int) -> float:
    begun = time.perf_counter()
    step(number)
    return time.perf_counter() - begun


def reach(url: str, folder: Path, rounds: int) -> None:
    """Show how long a change takes to reach another process that listens."""
    one, other = (_opened(url, folder / name) for name in ("here", "there"))
    reader, writer = other.state(), one.state()
    ends = time.monotonic() + 1.5  # so long must a process live before it listens
    while time.monotonic() < ends:
        reader.read()
        time.sleep(0.01)
    taken = []
    for number in range(rounds):
        begun = time.perf_counter()
        writer.change("plugin-0", told=f"reach {number}")
        while reader.read()["plugin-0"].told != f"reach {number}":
            assert time.perf_counter() - begun < SECONDS
            time.sleep(0.0002)
        taken.append(time.perf_counter() - begun)
    print(f"{'from a change to another process':40}{'':10}{statistics.median(taken) * 1e6:12.1f}")
    print(f"{'  the longest of them':40}{'':10}{max(taken) * 1e6:12.1f}")
    one.close()
    other.close()


def _opened(url: str, folder: Path) -> PostgresBackend:
    return open_postgres(url, folder)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Give the address of a PostgreSQL that is gone afterwards."""
    from tests.fleet.postgres_server import PostgresServer, programs

    if (found := programs()) is None:
        raise SystemExit("There is no PostgreSQL: pip install -e '.[fleet-testing]', or give --url")
    started = PostgresServer(found, durable=True)
    started.start()
    try:
        yield started.url("benchmark")
    finally:
        started.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url")
    parser.add_argument("--plugins", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as held:
        url, folder = arguments.url or held.enter_context(server()), Path(made)
        backend = _opened(url, folder / "shared")
        compare((StateStore(folder / "state.json"), backend.state()), arguments.plugins, arguments.rounds)
        reach(url, folder, arguments.rounds)
        backend.close()


if __name__ == "__main__":
    main()
