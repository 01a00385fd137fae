"""Facts by plugin in a shared state: plain values and names of secrets, sign-ins, and what is a profile's own."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import SecretStoreError, StateError
from dynamic_plugins.storage.plugins_file import PluginFacts
from dynamic_plugins.storage.postgres_snapshot import NONE
from dynamic_plugins.storage.state import LOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.storage.postgres_home import PostgresHome
    from dynamic_plugins.storage.postgres_rows import Key


class PostgresFacts(PluginFacts):
    """The facts by plugin that *home* has under the name *collection*."""

    def __init__(
        self, home: PostgresHome, collection: str, installed: Callable[[], Collection[str]] | None = None
    ) -> None:
        self._home, self._collection, self._installed = home, collection, installed
        self.place = f"{collection} at {home.address}"

    def stamp(self) -> Stamp | None:
        with _secret_errors():
            return self._home.snapshot().stamp(self._collection)

    def read(self) -> dict[str, Any]:
        with _secret_errors():
            return self._home.snapshot().facts.get(self._collection, NONE)

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        with _secret_errors(), self._home.locks.held("facts", self._collection, LOCK_SECONDS):
            # As they are now, and so is what is installed, which is asked for in the block.
            before = self._home.look().facts.get(self._collection, NONE)
            after = copy.deepcopy(before)
            yield after
            self._save(before, after)

    def _save(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        keys = [self._key(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)]

        def work(data: dict[Key, Any]) -> None:
            for key in keys:
                if data.get(key) != before.get(key[1]):  # the lock was lost with its connection
                    raise StateError(f"Another process has changed {self.place} meanwhile. Try again.")
                data.pop(key, None)
                if key[1] in after:
                    data[key] = after[key[1]]

        if keys:
            self._home.transact(keys, work)

    def create(self, data: dict[str, Any]) -> None:
        with _secret_errors():
            wanted = {self._key(name): facts for name, facts in data.items()} | {self._key(""): {}}
            self._replace(wanted)

    def remove(self) -> None:
        with _secret_errors():
            self._replace({})

    def _replace(self, wanted: Mapping[Key, Any]) -> None:
        present = {self._key(name) for name in ("", *self._home.look().facts.get(self._collection, NONE))}

        def work(data: dict[Key, Any]) -> None:
            data.clear()
            data.update(wanted)

        self._home.transact([*(present | wanted.keys())], work)

    def _key(self, name: str) -> Key:
        return self._collection, name


@contextmanager
def _secret_errors() -> Iterator[None]:
    """Turn what a database cannot do into the error that facts by plugin raise."""
    try:
        yield
    except StateError as error:
        raise SecretStoreError(str(error)) from None
    except TimeoutError:
        raise SecretStoreError("Another process is changing the shared state for too long. Try again.") from None
