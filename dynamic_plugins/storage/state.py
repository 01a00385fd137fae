"""The saved state: what is installed, and what the person wishes; kept in one JSON file, never half written."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from dynamic_plugins.core.action_choice import ALL, ActionChoice
from dynamic_plugins.core.atomic_file import Stamp, read_json, stamp_of, write_atomically
from dynamic_plugins.core.permissions import NOTHING, Permissions
from dynamic_plugins.core.status import Reachable
from dynamic_plugins.errors import NotInstalledError, StateError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.storage.kept_version import KeptVersion
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

LOCK_SECONDS = 30.0
FILE = "plugin-management-state.json"
PROFILES = "profiles"
"""The folder in the home that holds its profiles (:mod:`dynamic_plugins.storage.profiles`), where it has any."""

Rest = Literal["installed", "loaded", "inactive"]
Source = tuple[str, str]
"""What a worker is started from: the folder of the install, and the mark of its configuration."""


@dataclass(frozen=True)
class StoredPlugin:
    """The facts of an install and the person's wish; the passing status is found out from them at each start."""

    installation: Installation
    installed_at: str
    enabled: bool = False
    """Whether it is wished active; it is not while it has failed."""
    rests_as: Rest = "installed"
    """What it is while not enabled."""
    last_activated: str | None = None
    approved: bool = False
    """Whether a person has agreed to this version being started."""
    offers: Offers | None = None
    """What it offered when it was last loaded, and may be used."""
    agreed: Offers | None = None
    """What the person has agreed to that it offers; None before its first start."""
    withheld: Offers | None = None
    """What is new or has changed since, and waits for the person."""
    allowed_calls: Mapping[str, str] = field(default_factory=dict)
    """The digests of the actions that the person has said may always be called, by name."""
    error_details: str | None = None
    """Why it last failed to load; None after it loaded, or was configured or installed anew."""
    told: str = ""
    """A mark that is another after each configuration, so that every process starts its worker anew."""
    leaving: bool = False
    """Whether its removal has begun: it counts as gone, though something of it may be left to remove."""
    allowed: Permissions = NOTHING
    """What the person granted it besides what it declares."""
    denied: Permissions = NOTHING
    """What the person took back; it outlasts an update."""
    choice: ActionChoice = ALL
    """Which of its actions models are offered, and under which names."""
    reachable: Reachable | None = None
    """Of what runs elsewhere: whether it could be reached when it was last spoken to."""
    kept: KeptVersion | None = None
    """The version before an update, which one can go back to."""
    pinned: bool = False
    """Whether the person wants it to stay at this version."""
    within: str = ""
    """The range that a project's file holds its versions to; empty for none."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that hold its versions: of the one in use, and of the one that is kept."""
        kept = () if self.kept is None else (self.kept.installation.path,)
        return (self.installation.path, *kept)

    @property
    def name(self) -> str:
        return self.installation.plugin

    @property
    def source(self) -> Source:
        """What its worker is started from, to be compared with what a running one was."""
        return self.installation.path, self.told

    def to_dict(self) -> dict[str, Any]:
        return {
            "installation": self.installation.to_dict(),
            "installed_at": self.installed_at,
            "enabled": self.enabled,
            "rests_as": self.rests_as,
            "last_activated": self.last_activated,
            "approved": self.approved,
            "offers": _listed(self.offers),
            # Most often they are the same: then they are not written twice.
            "agreed": True if self.agreed is not None and self.agreed == self.offers else _listed(self.agreed),
            "withheld": _listed(self.withheld),
            "allowed_calls": dict(self.allowed_calls),
            "error_details": self.error_details,
            "told": self.told,
            "leaving": self.leaving,
            "allowed": self.allowed.to_dict(),
            "denied": self.denied.to_dict(),
            **({"choice": self.choice.to_dict()} if self.choice != ALL else {}),
            **({"reachable": asdict(self.reachable)} if self.reachable is not None else {}),
            **({"kept": self.kept.to_dict()} if self.kept is not None else {}),
            **({"pinned": True} if self.pinned else {}),
            **({"within": self.within} if self.within else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StoredPlugin:
        granted: dict[str, Any] = {k: Permissions.from_dict(data[k]) for k in ("allowed", "denied") if k in data}
        offers = _offers(data.get("offers"))
        # A file of a version that knew no pins: what was approved and in use has been agreed to.
        agreed = data.get("agreed", data.get("approved", False) or None)
        return cls(
            **{
                **data,
                "installation": Installation.from_dict(data["installation"]),
                "offers": offers,
                "agreed": offers if agreed is True else _offers(agreed),
                "withheld": _offers(data.get("withheld")),
                "choice": ActionChoice.from_dict(data["choice"]) if data.get("choice") else ALL,
                "reachable": Reachable(**data["reachable"]) if data.get("reachable") else None,
                "kept": KeptVersion.from_dict(data["kept"]) if data.get("kept") else None,
                **granted,
            }
        )


def _place(plugin: StoredPlugin | None) -> str | None:
    return None if plugin is None else plugin.installation.path


def _listed(offers: Offers | None) -> list[dict[str, Any]] | None:
    return None if offers is None else offers.to_list()


def _offers(listed: list[dict[str, Any]] | None) -> Offers | None:
    return None if listed is None else Offers.from_list(listed)


T = TypeVar("T")
Work = Callable[[dict[str, StoredPlugin]], T]
"""What changes some plugins of a home, in the dict of them that it gets."""


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
