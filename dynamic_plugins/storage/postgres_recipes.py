"""What installs are made from, in a shared state: so that a machine can start what it has never seen the folder of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import StateError
from dynamic_plugins.install.recipe import Recipe, RecipeStore

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_plugins.storage.postgres_home import PostgresHome

KEPT_UNKNOWN = "1 day"
"""So long stays the recipe of an install that the state does not list, or not yet."""


class PostgresRecipes(RecipeStore):
    """The recipes of the home *shared*. They may be large, and are read where one is needed and not with the state."""

    def __init__(self, shared: PostgresHome) -> None:
        self._shared, self._home = shared, shared.address.home

    def put(self, path: str, recipe: Recipe) -> None:
        self._shared.look()  # the home is there then, and this machine's to use
        facts = (self._home, path, json.dumps(recipe.to_dict()), recipe.source)
        self._shared.run(lambda connection: connection.execute(_PUT, facts))

    def get(self, path: str) -> Recipe | None:
        def asked(connection: Any) -> Any:
            return connection.execute(_GET, (self._home, path)).fetchone()

        if (row := self._shared.run(asked)) is None:
            return None
        try:
            return Recipe.from_dict(row[0], bytes(row[1]))
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"What {path} is made from cannot be read in the shared state: {error}") from None

    def drop(self, path: str) -> None:
        self._shared.run(lambda connection: connection.execute(_DROP, (self._home, path)))

    def sweep(self, known: Collection[str]) -> None:
        self._shared.run(lambda connection: connection.execute(_SWEEP, (self._home, list(known), KEPT_UNKNOWN)))


_PUT = """
INSERT INTO dynamic_plugins.recipes (home, path, data, source) VALUES (%s, %s, %s::json, %s)
ON CONFLICT (home, path) DO UPDATE SET data = excluded.data, source = excluded.source
"""
_GET = "SELECT data, source FROM dynamic_plugins.recipes WHERE home = %s AND path = %s"
_DROP = "DELETE FROM dynamic_plugins.recipes WHERE home = %s AND path = %s"
_SWEEP = """
DELETE FROM dynamic_plugins.recipes WHERE home = %s AND path <> ALL(%s::text[]) AND made_at < now() - %s::interval
"""
