"""The tables of a shared state, as numbered steps: each is taken once in a database, by whoever comes first."""

from __future__ import annotations

from typing import Any

from dynamic_plugins.errors import StateError

# One for all databases: "dynamic" as bytes.
_LOCK = int.from_bytes(b"dynamic", "big")

STEPS = (
    # 1: what is installed. The facts are kept as they are written (json): jsonb would put keys into another order, and
    # takes no text with a NUL in it, which a plugin's description may have.
    """
    CREATE TABLE dynamic_plugins.homes (
        name text PRIMARY KEY,
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        revision bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE dynamic_plugins.plugins (
        home text NOT NULL REFERENCES dynamic_plugins.homes (name) ON DELETE CASCADE,
        name text NOT NULL,
        revision bigint NOT NULL,
        data json NOT NULL,
        PRIMARY KEY (home, name)
    );
    """,
    # 2: facts by plugin besides (plain values, names of secrets, profiles); and which changes were made, for whoever
    # has lost the connection before the answer.
    """
    CREATE TABLE dynamic_plugins.documents (
        home text NOT NULL REFERENCES dynamic_plugins.homes (name) ON DELETE CASCADE,
        collection text NOT NULL,
        plugin text NOT NULL,
        revision bigint NOT NULL,
        data json NOT NULL,
        PRIMARY KEY (home, collection, plugin)
    );
    CREATE TABLE dynamic_plugins.changes (
        id uuid PRIMARY KEY,
        home text NOT NULL REFERENCES dynamic_plugins.homes (name) ON DELETE CASCADE,
        revision bigint NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX changes_by_age ON dynamic_plugins.changes (home, made_at);
    """,
    # 3: what installs are made from, for machines that do not have their folder; a plugin's own code as a packed tar.
    """
    CREATE TABLE dynamic_plugins.recipes (
        home text NOT NULL REFERENCES dynamic_plugins.homes (name) ON DELETE CASCADE,
        path text NOT NULL,
        data json NOT NULL,
        source bytea NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (home, path)
    );
    """,
)


def migrate(connection: Any, place: str, to: int = len(STEPS)) -> None:
    """Bring the tables of the database that *connection* leads to up to the step *to*, in one transaction.

    Raises StateError where a newer version has made them; *place* says which database that is.
    """
    if _version(connection, place, to) == to:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        # Asked first: whoever owns the schema need not have the right to make one.
        if connection.execute("SELECT to_regnamespace('dynamic_plugins') IS NULL").fetchone()[0]:
            connection.execute("CREATE SCHEMA dynamic_plugins")
        connection.execute("CREATE TABLE IF NOT EXISTS dynamic_plugins.schema_version (version int NOT NULL)")
        version = _version(connection, place, to)
        for step in STEPS[version:to]:
            connection.execute(step)
        connection.execute("DELETE FROM dynamic_plugins.schema_version")
        connection.execute("INSERT INTO dynamic_plugins.schema_version VALUES (%s)", (to,))


def _version(connection: Any, place: str, known: int) -> int:
    """Return the step that the tables are at, 0 where there are none. Raises StateError for one past *known*."""
    there = connection.execute("SELECT to_regclass('dynamic_plugins.schema_version') IS NOT NULL").fetchone()[0]
    row = connection.execute("SELECT version FROM dynamic_plugins.schema_version").fetchone() if there else None
    version: int = 0 if row is None else row[0]
    if version > known:
        raise StateError(
            f"The state at {place} was made by a newer version of dynamic-plugins: its schema is {version}, and this "
            f"one knows {known}. Upgrade this one: pip install --upgrade 'agent-dynamic-plugins[fleet]'"
        )
    return version
