"""The state in a PostgreSQL that speaks TLS alone: its certificate is looked at, and a wrong one is said at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from dynamic_plugins.errors import StateError
from tests.certificates import certificate
from tests.fleet.machines import Machines
from tests.fleet.postgres_server import PostgresServer, system_programs
from tests.test_store import plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.fleet, pytest.mark.usefixtures("driver")]


@pytest.fixture
def encrypted() -> Iterator[PostgresServer]:
    if (found := system_programs()) is None:
        pytest.skip("the wheel's PostgreSQL speaks no TLS, and the system has none: apt-get install postgresql")
    server = PostgresServer(found, tls=True)
    server.start()
    yield server
    server.remove()


def verified(server: PostgresServer, vouches: Path) -> str:
    """Return the address of a home, where the server has to have a certificate that the one in *vouches* signed."""
    return f"{server.url('team-a')}&sslmode=verify-full&sslrootcert={quote(str(vouches), safe='')}"


def test_a_server_is_trusted_by_its_certificate_and_another_is_told_at_once(
    encrypted: PostgresServer, tmp_path: Path
) -> None:
    machines = Machines(verified(encrypted, encrypted.certificate), tmp_path)
    machines.state().put(plugin())
    assert dict(machines.state().read()) == {"hello": plugin()}
    with_tls = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = %s"
    other = certificate(tmp_path).certificate
    wrong = {
        verified(encrypted, other): "certificate verify failed",
        verified(encrypted, encrypted.certificate).replace("127.0.0.1", "localhost"): "does not match host name",
        f"{encrypted.url('team-a')}&sslmode=disable": "no encryption",
    }
    import psycopg

    with psycopg.connect(f"{encrypted.url()}?sslmode=require") as connection:
        assert connection.execute(with_tls, ("dynamic-plugins",)).fetchone() == (True,)
    begun = time.monotonic()
    for url, why in wrong.items():
        with pytest.raises(StateError, match=why):
            machines.state(url).read()
    assert time.monotonic() - begun < 3 * len(wrong), "nothing of it is tried again"
    machines.close()
