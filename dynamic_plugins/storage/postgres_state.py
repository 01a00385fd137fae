"""The state of a home in PostgreSQL, for a fleet: many machines share it, and its installed files are of each."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.errors import StateError
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.storage.postgres_address import PostgresAddress
from dynamic_plugins.storage.postgres_facts import PostgresFacts
from dynamic_plugins.storage.postgres_home import PostgresHome
from dynamic_plugins.storage.postgres_rows import PLUGINS
from dynamic_plugins.storage.postgres_session import RETRY_SECONDS
from dynamic_plugins.storage.postgres_snapshot import parsed
from dynamic_plugins.storage.state import FILE, PROFILES, HomeState
from dynamic_plugins.storage.state_backend import StateBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from pathlib import Path

    from dynamic_plugins.install.recipe import RecipeStore
    from dynamic_plugins.storage.plugins_file import PluginFacts
    from dynamic_plugins.storage.postgres_rows import Key
    from dynamic_plugins.storage.state import T, Work
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

CLAIM = "shared-state.json"
"""The file in a home folder that says which home of a shared state it holds the installed files of."""


class PostgresState(HomeState):
    """What is installed in the home *shared*; its files on this machine lie in *folder*."""

    def __init__(self, shared: PostgresHome, folder: Path) -> None:
        self._shared, self._folder = shared, folder

    @property
    def home(self) -> Path:
        return self._folder

    def everything(self) -> Mapping[str, StoredPlugin]:
        return self._shared.snapshot().plugins

    def leaving(self) -> Mapping[str, StoredPlugin]:
        return self._shared.snapshot().leaving

    def refresh(self) -> None:
        self._shared.look()

    def stamp(self) -> str:
        try:
            return str(self._shared.snapshot().revision)
        except StateError:
            return ""

    def transact(self, names: Collection[str], work: Work[T]) -> T:
        def changed(data: dict[Key, Any]) -> T:
            before = {name: parsed(name, row) for (_, name), row in data.items()}
            after = dict(before)
            result = work(after)
            for name in before.keys() | after.keys():
                if name not in after:
                    del data[PLUGINS, name]
                elif after[name] != before.get(name):
                    data[PLUGINS, name] = after[name].to_dict()
            return result

        return self._shared.transact([(PLUGINS, name) for name in names], changed)

    @asynccontextmanager
    async def alone(self, name: str, seconds: float) -> AsyncIterator[None]:
        async with self._shared.locks.held_async("life", name, seconds):
            await in_thread(self._shared.look)  # what was done by whoever held it before
            yield


class PostgresBackend(StateBackend):
    """The state of the home *shared*, with the folder that is this machine's of it."""

    def __init__(self, shared: PostgresHome, folder: Path) -> None:
        self._shared, self._folder = shared, folder
        self.vault_home, self.identity = shared.address.home, str(shared.address)

    def state(self) -> HomeState:
        return PostgresState(self._shared, self._folder)

    def facts(self, name: str, installed: Callable[[], Collection[str]] | None = None) -> PluginFacts:
        return PostgresFacts(self._shared, name, installed)

    def profiles(self) -> list[str]:
        begun = f"{PROFILES}/"
        return [name.removeprefix(begun) for name in self._shared.snapshot().facts if name.startswith(begun)]

    def recipes(self) -> RecipeStore:
        from dynamic_plugins.storage.postgres_recipes import PostgresRecipes

        return PostgresRecipes(self._shared)

    def describe(self) -> str:
        """Return which server keeps it, and where. Raises StateError where it cannot be had."""
        count = len(self._shared.snapshot().plugins)
        return f"PostgreSQL {self._shared.server()} at {self._shared.address}, {count} plugins"

    def close(self) -> None:
        self._shared.close()


def open_postgres(url: str, folder: Path, seconds: float | None = None) -> PostgresBackend:
    """Return the state that is kept at *url*; see :func:`~dynamic_plugins.storage.backend_choice.open_backend`."""
    address = PostgresAddress.parse(url)
    shared = PostgresHome(address, _Claim(folder, address.home), RETRY_SECONDS if seconds is None else seconds)
    return PostgresBackend(shared, folder)


class _Claim:
    """Takes *folder* for the files of the home *name*.

    What a state does not list is swept from the folder that holds its files: a folder that is another home's would
    lose them.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def __call__(self, home_id: str) -> None:
        """Note down that the home of this id has its files here. Raises StateError where another one has."""
        if (self._folder / FILE).exists():
            raise StateError(
                f"{self._folder} has a state of its own, {FILE}, which a shared state would hide. Give the home "
                f"{self._name} another folder with --home or DYNAMIC_PLUGINS_HOME, or move that file away."
            )
        try:
            held = self._held()
            if held is None:
                content = json.dumps({"schema": 1, "id": home_id, "name": self._name})
                write_atomically(self._folder / CLAIM, content)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{self._folder / CLAIM} cannot be used ({type(error).__name__}). Move it away.") from None
        if held is not None and held[0] != home_id:
            raise StateError(
                f"{self._folder} holds the files of another home of a shared state ({held[1]}). Give the home "
                f"{self._name} a folder of its own with --home or DYNAMIC_PLUGINS_HOME."
            )

    def _held(self) -> tuple[str, str] | None:
        try:
            held = read_json(self._folder / CLAIM)
        except FileNotFoundError:
            return None
        return str(held["id"]), str(held["name"])
