"""Facts by plugin, which several processes read and change: what keeps them, and the JSON file that does."""

from __future__ import annotations

import json
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core.atomic_file import read_json, stamp_of, write_atomically
from dynamic_plugins.errors import NotInstalledError, SecretStoreError
from dynamic_plugins.storage.vault import file_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp


class PluginFacts(Protocol):
    """JSON-able facts by plugin; where none were ever kept there are none. Methods raise SecretStoreError."""

    place: str
    """Where they are kept, for a person."""
    _installed: Callable[[], Collection[str]] | None
    """Gives the names of the plugins that there are, asked from threads; for others nothing is kept."""

    @abstractmethod
    def stamp(self) -> Stamp | None:
        """Return a mark that is another after every change, or None where none are kept."""

    @abstractmethod
    def read(self) -> dict[str, Any]:
        """Return the facts by plugin, for reading: what is changed has to be asked for with :meth:`changing`."""

    @abstractmethod
    def changing(self) -> AbstractContextManager[dict[str, Any]]:
        """Yield the facts by plugin, to be changed in the block, which no other process does meanwhile."""

    @abstractmethod
    def create(self, data: dict[str, Any]) -> None:
        """Keep these facts by plugin, none among them, in place of all that were kept."""

    @abstractmethod
    def remove(self) -> None:
        """Keep none any more."""

    def may_keep(self, plugin: str) -> bool:
        """Return whether *plugin* is installed; to be asked while changing.

        Whoever removes a plugin takes the lock after that: nothing stays of what comes later.
        """
        return self._installed is None or plugin in self._installed()

    def check_installed(self, plugin: str) -> None:
        """Raise NotInstalledError where :meth:`may_keep` does not hold."""
        if not self.may_keep(plugin):
            raise NotInstalledError(plugin)


class PluginsFile(PluginFacts):
    """The file *path*: ``{"schema": 1, "plugins": {NAME: facts}}``; one that is not there holds nothing."""

    def __init__(self, path: Path, installed: Callable[[], Collection[str]] | None = None) -> None:
        self.path, self.place, self._installed = path, str(path), installed
        self._last: tuple[Stamp, dict[str, Any]] | None = None
        """What was read last, and of which file: a page of many plugins asks for each of them."""

    def stamp(self) -> Stamp | None:
        """Return a mark that is another after every change, or None where there is no file."""
        return stamp_of(self.path)

    def read(self) -> dict[str, Any]:
        """Return the facts by plugin, for reading: what is changed has to be asked for with :meth:`changing`."""
        try:
            stamp = self.stamp()
        except OSError:
            stamp = None  # reading it says what is wrong
        if stamp is None or self._last is None or self._last[0] != stamp:
            data = self._read()
            self._last = None if stamp is None else (stamp, data)
            return data
        return self._last[1]

    def _read(self) -> dict[str, Any]:
        try:
            data: dict[str, Any] = dict(read_json(self.path)["plugins"])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SecretStoreError(f"{self.path} is damaged ({type(error).__name__}). Move it away.") from None
        return data

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """Yield the facts by plugin, to be changed in the block, under the file's lock."""
        with file_lock(self.path):
            data = self._read()
            had_any = bool(data)
            yield data
            if data or had_any:  # also where they are as before: the secrets that go with them may not be
                write_atomically(self.path, json.dumps({"schema": 1, "plugins": data}, indent=1).encode())

    def create(self, data: dict[str, Any]) -> None:
        """Make the file with these facts by plugin, none among them; one that is there is replaced."""
        with file_lock(self.path):
            write_atomically(self.path, json.dumps({"schema": 1, "plugins": data}, indent=1).encode())

    def remove(self) -> None:
        for path in (self.path, self.path.with_name(f"{self.path.name}.lock")):
            path.unlink(missing_ok=True)
