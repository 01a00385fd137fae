"""What the tests of a fleet share: a PostgreSQL for each process of pytest, and a database of its own for each test."""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.fleet.machines import Machines
from tests.fleet.postgres_server import PostgresServer, programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = itertools.count()


@pytest.fixture(scope="session")
def driver() -> None:
    """What speaks to a PostgreSQL."""
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install -e '.[fleet-testing]'")


@pytest.fixture(scope="session")
def postgres(driver: None) -> Iterator[PostgresServer]:
    """A PostgreSQL that runs; a test that stops it starts it again."""
    if (found := programs()) is None:
        pytest.skip("there is no PostgreSQL: pip install -e '.[fleet-testing]', or install the system's")
    server = PostgresServer(found)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The name of a new database."""
    name = f"test{next(_numbers)}"
    postgres.make_database(name)
    return name


@pytest.fixture
def url(postgres: PostgresServer, database: str) -> str:
    """The address of the home ``team-a`` in a new database."""
    return postgres.url("team-a", database)


@pytest.fixture
def machines(url: str, tmp_path: Path) -> Iterator[Machines]:
    """Machines that share the home ``team-a`` of a new database."""
    opened = Machines(url, tmp_path)
    yield opened
    opened.close()
