"""The saved state: what is installed, and what the person wishes; kept in one JSON file, never half written."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dynamic_plugins.core.atomic_file import Stamp, read_json, stamp_of, write_atomically
from dynamic_plugins.errors import NotInstalledError, StateError
from dynamic_plugins.storage.stored_plugin import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation

LOCK_SECONDS = 30.0
FILE = "plugin-management-state.json"
PROFILES = "profiles"
"""The folder in the home that holds its profiles (:mod:`dynamic_plugins.storage.profiles`), where it has any."""

T = TypeVar("T")
Work = Callable[[dict[str, StoredPlugin]], T]
"""What changes some plugins of a home, in the dict of them that it gets."""


def _place(plugin: StoredPlugin | None) -> str | None:
    return None if plugin is None else plugin.installation.path


class HomeState(Protocol):
    """The saved state of one home: what every backend offers, and what it means.

    A backend has :meth:`everything`, :meth:`leaving` and :meth:`transact`; all else is made of those. Several processes
    may share one home. Methods raise :class:`StateError` where the state cannot be read or written.
    """

    profile: str = ""
    """The profile that is read; none sees everything."""

    @property
    @abstractmethod
    def home(self) -> Path:
        """The folder of this machine that holds the installed files."""

    @abstractmethod
    def everything(self) -> Mapping[str, StoredPlugin]:
        """Return all that is installed, by name; the same object as before where nothing has changed."""

    @abstractmethod
    def leaving(self) -> Mapping[str, StoredPlugin]:
        """Return the plugins whose removal has begun and not ended."""

    @abstractmethod
    def transact(self, names: Collection[str], work: Work[T]) -> T:
        """Return what *work* gives, and save what it changed of the plugins *names* in the dict that it gets: all of
        it, or nothing.

        The dict holds those that there are, leaving ones too. *work* has no other effect: it may be called again.
        """

    @abstractmethod
    def stamp(self) -> str:
        """Return a mark that is another after every change, by whichever process."""

    def read(self) -> Mapping[str, StoredPlugin]:
        """Return the plugins by name as they are saved now, of a profile only its own; as :meth:`everything`."""
        return self.everything()

    def refresh(self) -> None:
        """Have the next read see all that is saved by now: another process's change may take a second to reach it.

        In a folder it takes none.
        """
        return

    def get(self, name: str) -> StoredPlugin:
        """Return what is saved of one plugin. Raises NotInstalledError, and as :meth:`read`."""
        if (plugin := self.read().get(name)) is None:
            raise NotInstalledError(name)
        return plugin

    def hidden(self) -> Mapping[str, StoredPlugin]:
        """Return what is installed and :meth:`read` leaves out: with a profile, what is not in it."""
        return {}

    def show(self, name: str) -> None:  # noqa: ARG002 - without a profile there is nothing to do
        """Have an installed plugin in the profile that is read."""
        return

    def hide(self, name: str) -> None:  # noqa: ARG002 - without a profile there is nothing to do
        """Take a plugin out of the profile that is read; it stays installed."""
        return

    def put(self, plugin: StoredPlugin) -> None:
        """Save *plugin*, replacing what was saved under its name."""

        def work(plugins: dict[str, StoredPlugin]) -> None:
            plugins[plugin.name] = plugin

        self.transact([plugin.name], work)

    def add(self, plugin: StoredPlugin) -> bool:
        """Save *plugin*, which is new; False, and nothing saved, where another process has saved one of its name."""
        return self.exchange({plugin.name: plugin}, {})

    def change(self, name: str, of: Installation | None = None, **changes: Any) -> StoredPlugin | None:
        """Save *changes* to one plugin's fields and return it.

        None when it is not there any more, or when its install is not *of*, where that is given: what was found out
        about one version is not to be said of another.
        """

        def work(plugins: dict[str, StoredPlugin]) -> StoredPlugin | None:
            present = plugins.get(name)
            if present is None or present.leaving or (of is not None and present.installation.path != of.path):
                return None
            plugins[name] = replace(present, **changes)
            return plugins[name]

        return self.transact([name], work)

    def exchange(self, plugins: Mapping[str, StoredPlugin | None], of: Mapping[str, StoredPlugin]) -> bool:
        """Save all of *plugins* in one step, and forget those that are None.

        Nothing is saved, and False returned, where the install of one of them is not the one that *of* has, or there is
        one and *of* has none: another process was quicker.
        """

        def work(present: dict[str, StoredPlugin]) -> bool:
            for name in plugins:
                now = present.get(name)
                if _place(None if now is not None and now.leaving else now) != _place(of.get(name)):
                    return False
            for name, plugin in plugins.items():
                present.pop(name, None)
                if plugin is not None:
                    present[name] = plugin
            return True

        return self.transact(list(plugins), work)

    def drop(self, name: str, of: Installation | None = None) -> None:
        """Forget *name*, where its install is *of* if that is given; nothing happens when it is not known."""

        def work(plugins: dict[str, StoredPlugin]) -> None:
            if of is None or (name in plugins and plugins[name].installation.path == of.path):
                plugins.pop(name, None)

        self.transact([name], work)

    def alone(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - see below
        """Keep other machines that share this state from installing or removing *name*.

        Waits *seconds*, then raises TimeoutError. A folder is of one machine, where the installer's own lock does.
        """
        return nullcontext()


class StateStore(HomeState):
    """The state in a file of the home folder, which several processes may share.

    *path* is the file. Every change is made under a file lock on what the file says then, written to a
    temporary file, flushed to disk and put in place in one step.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Stamp | None = None
        self._plugins: dict[str, StoredPlugin] = {}
        self._leaving: dict[str, StoredPlugin] = {}

    @property
    def home(self) -> Path:
        return self._path.parent

    def stamp(self) -> str:
        try:
            return str(stamp_of(self._path))
        except OSError:
            return ""

    def everything(self) -> Mapping[str, StoredPlugin]:
        """Return all that is installed, by name; a file that did not change is not read again.

        Raises :class:`StateError` for a file that is not ours to understand; it is left as it is.
        """
        try:
            stamp = stamp_of(self._path)
        except OSError as error:
            raise self._unreadable(error) from error
        if stamp is None:
            self._seen, self._plugins, self._leaving = None, {}, {}
            return self._plugins
        if stamp != self._seen:
            everything = self._parse()
            self._plugins = {name: plugin for name, plugin in everything.items() if not plugin.leaving}
            self._leaving = {name: plugin for name, plugin in everything.items() if plugin.leaving}
            self._seen = stamp
        return self._plugins

    def leaving(self) -> Mapping[str, StoredPlugin]:
        """Return the plugins whose removal has begun and not ended; errors as for :meth:`everything`."""
        self.everything()
        return self._leaving

    def transact(self, names: Collection[str], work: Work[T]) -> T:  # noqa: ARG002 - one file holds them all
        """Return what *work* gives; one lock and one file hold all plugins, so it gets them all."""
        with self._locked() as plugins:
            return work(plugins)

    def _parse(self) -> dict[str, StoredPlugin]:
        try:
            data = read_json(self._path)
            if data["schema"] != 1:
                raise StateError(
                    f"{self._path} was written by a newer version (schema {data['schema']}). Upgrade, or move it away."
                )
            return {name: StoredPlugin.from_dict(plugin) for name, plugin in data["plugins"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> StateError:
        return StateError(
            f"{self._path} cannot be read ({type(error).__name__}: {error}). Move it away to start afresh; "
            "the installed plugins are then installed again."
        )

    @contextmanager
    def _locked(self) -> Iterator[dict[str, StoredPlugin]]:
        from filelock import FileLock, Timeout

        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS):
                self._seen = None  # a file system's clock may be so coarse that another write left no trace
                plugins = {**self.everything(), **self.leaving()}
                yield plugins
                self._write(plugins)
        except Timeout as error:
            raise StateError(
                f"{self._path} is locked by another process for more than {LOCK_SECONDS:g} s. Try again."
            ) from error

    def _write(self, plugins: Mapping[str, StoredPlugin]) -> None:
        data = {"schema": 1, "plugins": {name: plugin.to_dict() for name, plugin in sorted(plugins.items())}}
        write_atomically(self._path, json.dumps(data, indent=1).encode())
        self._seen = None
