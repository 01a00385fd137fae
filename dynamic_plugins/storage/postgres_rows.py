"""The rows of one home in the tables of a shared state: read as far as they are new, and written in one transaction."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Key = tuple[str, str]
"""A collection, and the plugin in it. That of no plugin says that there is such a collection."""
PLUGINS = "plugins"
"""The collection that is what is installed; it has a table of its own."""
KEPT_CHANGES = "1 day"
"""So long is it known of a change that it was made."""


@dataclass(frozen=True)
class Rows:
    """What a home had in one moment: the revision of each row, and the data of those newer than what was seen."""

    home_id: str
    revision: int
    revisions: Mapping[Key, int]
    data: Mapping[Key, Any]


@dataclass
class Change:
    """One change of a home, by the mark that the database keeps of it once it is made."""

    id: UUID = field(default_factory=uuid4)
    was_tried: bool = False
    """Whether it was sent whole: without an answer nobody knows whether it was made."""
    result: Any = None


def channel(home: str) -> str:
    """Return the channel on which a change of *home* is told."""
    return f"dynamic_plugins_{home}"


def lock_key(kind: str, home: str, name: str) -> int:
    """Return the key of an advisory lock; locks of one *kind* are in nobody's way but their own."""
    digest = hashlib.sha256(f"dynamic-plugins\0{kind}\0{home}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def revision(connection: Any, home: str) -> int | None:
    """Return how often *home* was changed; None where there is no such home yet."""
    row = connection.execute("SELECT revision FROM dynamic_plugins.homes WHERE name = %s", (home,)).fetchone()
    return None if row is None else row[0]


def load(connection: Any, home: str, seen: int) -> Rows:
    """Return the rows of *home*, which is made where it is new, with the data of those newer than *seen*.

    One statement reads it all, and so one moment.
    """
    found = connection.execute(_LOAD, {"home": home, "seen": seen}).fetchall()
    facts = [row for row in found if row[0] == ""]
    if not facts:
        connection.execute("INSERT INTO dynamic_plugins.homes (name) VALUES (%s) ON CONFLICT DO NOTHING", (home,))
        return load(connection, home, seen)
    _, home_id, now, _ = facts[0]
    if now < seen:  # an older copy was put back
        return load(connection, home, -1)
    rows = [row for row in found if row[0] != ""]
    revisions = {(collection, name): number for collection, name, number, _ in rows}
    return Rows(
        home_id,
        now,
        revisions,
        {(collection, name): data for collection, name, number, data in rows if number > seen},
    )


_LOAD = """
SELECT 'plugins', name, revision, CASE WHEN revision > %(seen)s THEN data END
FROM dynamic_plugins.plugins WHERE home = %(home)s
UNION ALL
SELECT collection, plugin, revision, CASE WHEN revision > %(seen)s THEN data END
FROM dynamic_plugins.documents WHERE home = %(home)s
UNION ALL
SELECT '', id::text, revision, NULL FROM dynamic_plugins.homes WHERE name = %(home)s
"""


def lock(connection: Any, home: str, keys: Iterable[Key]) -> None:
    """Keep others from changing the rows of *keys* until the transaction ends; always in one order."""
    numbers = sorted({lock_key("row", home, "\0".join(key)) for key in keys})
    connection.execute("SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number", (numbers,))


def was_made(connection: Any, change: Change) -> bool:
    """Return whether *change* is in the database; under the locks of its rows nobody is at making it any more."""
    row = connection.execute("SELECT 1 FROM dynamic_plugins.changes WHERE id = %s", (change.id,)).fetchone()
    return row is not None


def fetch(connection: Any, home: str, keys: Collection[Key]) -> dict[Key, Any]:
    """Return the data of those of *keys* that there are."""
    names = [name for collection, name in keys if collection == PLUGINS]
    found = {}
    if names:
        rows = connection.execute(
            "SELECT name, data FROM dynamic_plugins.plugins WHERE home = %s AND name = ANY(%s)", (home, names)
        )
        found = {(PLUGINS, name): data for name, data in rows}
    others = [key for key in keys if key[0] != PLUGINS]
    if others:
        rows = connection.execute(
            "SELECT collection, plugin, data FROM dynamic_plugins.documents WHERE home = %s AND collection = ANY(%s) "
            "AND plugin = ANY(%s)",
            (home, list({each[0] for each in others}), list({each[1] for each in others})),
        )
        wanted = set(others)
        found |= {(collection, name): data for collection, name, data in rows if (collection, name) in wanted}
    return found


def write(connection: Any, home: str, before: Mapping[Key, Any], after: Mapping[Key, Any], change: Change) -> None:
    """Write what *after* has otherwise than *before*, note down *change*, and tell whoever listens."""
    number = connection.execute(_NEXT, (home,)).fetchone()[0]
    for (collection, name), data in after.items():
        if before.get((collection, name)) != data:
            text = json.dumps(data)
            if collection == PLUGINS:
                connection.execute(_PUT_PLUGIN, (home, name, number, text))
            else:
                connection.execute(_PUT_DOCUMENT, (home, collection, name, number, text))
    for collection, name in before.keys() - after.keys():
        if collection == PLUGINS:
            connection.execute("DELETE FROM dynamic_plugins.plugins WHERE home = %s AND name = %s", (home, name))
            connection.execute(_FORGET_IN_PROFILES, (home, name))
        else:
            connection.execute(_DROP_DOCUMENT, (home, collection, name))
    connection.execute(
        "INSERT INTO dynamic_plugins.changes (id, home, revision) VALUES (%s, %s, %s)", (change.id, home, number)
    )
    if number % 100 == 0:
        connection.execute(
            "DELETE FROM dynamic_plugins.changes WHERE home = %s AND made_at < now() - %s::interval",
            (home, KEPT_CHANGES),
        )
    connection.execute("SELECT pg_notify(%s, %s)", (channel(home), str(number)))


# The row of the home stays locked until the commit: revisions are seen in the order of their numbers.
_NEXT = """
INSERT INTO dynamic_plugins.homes AS home (name, revision) VALUES (%s, 1)
ON CONFLICT (name) DO UPDATE SET revision = home.revision + 1 RETURNING revision
"""
_PUT_PLUGIN = """
INSERT INTO dynamic_plugins.plugins (home, name, revision, data) VALUES (%s, %s, %s, %s::json)
ON CONFLICT (home, name) DO UPDATE SET revision = excluded.revision, data = excluded.data
"""
_PUT_DOCUMENT = """
INSERT INTO dynamic_plugins.documents (home, collection, plugin, revision, data) VALUES (%s, %s, %s, %s, %s::json)
ON CONFLICT (home, collection, plugin) DO UPDATE SET revision = excluded.revision, data = excluded.data
"""
_DROP_DOCUMENT = "DELETE FROM dynamic_plugins.documents WHERE home = %s AND collection = %s AND plugin = %s"
_FORGET_IN_PROFILES = (
    "DELETE FROM dynamic_plugins.documents WHERE home = %s AND starts_with(collection, 'profiles/') AND plugin = %s"
)
