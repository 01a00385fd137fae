"""Profiles of one home: which of its plugins an agent sees, which of those are on, and what of them is offered.

Each is kept as facts by plugin under ``profiles/NAME``: in a folder that is a file of this name. What a profile does
not have of its own (the installs, their permissions, values and secrets) is the home's, and so the same in all of them.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.action_choice import ALL, ActionChoice
from dynamic_plugins.errors import (
    BadArgumentsError,
    NotInstalledError,
    SecretStoreError,
    StateError,
    UnknownProfileError,
)
from dynamic_plugins.storage.state import PROFILES, HomeState
from dynamic_plugins.storage.state_backend import StateFolder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.storage.plugins_file import PluginFacts
    from dynamic_plugins.storage.state import T, Work
    from dynamic_plugins.storage.state_backend import StateBackend
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_OWN: dict[str, Any] = {
    "enabled": False,
    "rests_as": "installed",
    "last_activated": None,
    "choice": ALL,
    "allowed_calls": {},
}
"""What each profile has for itself, and what that is of a plugin that is new in it."""


def check_name(name: str) -> str:
    """Return *name*; raises BadArgumentsError for what is no profile's name."""
    if not _NAME.fullmatch(name):
        raise BadArgumentsError(
            f"profile {name!r}",
            "its name has small letters, digits, - and _, at most 32, and begins with a letter or digit",
        )
    return name


def with_needs(name: str, plugins: Mapping[str, StoredPlugin]) -> list[str]:
    """Return *name* behind what it declares that it needs, directly or not, as far as that is among *plugins*."""
    from dynamic_plugins.resolver.resolver import Resolver

    resolver = Resolver([plugin.installation.entry for plugin in plugins.values()])
    found: dict[str, None] = {}

    def visit(one: str, chain: tuple[str, ...]) -> None:
        for required in plugins[one].installation.requires:
            need = resolver.resolve(required).name
            if need is not None and need in plugins and need not in (*chain, one):
                visit(need, (*chain, one))
        found[one] = None

    visit(name, ())
    return list(found)


@dataclass(frozen=True)
class Profile:
    """A profile: the installed plugins that are seen in it, and those of them that are switched on in it."""

    name: str
    plugins: tuple[str, ...]
    active: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict."""
        return {"name": self.name, "plugins": list(self.plugins), "active": list(self.active)}


class Profiles:
    """The profiles of a home: of what *backend* keeps, or else of the folder *home*.

    Methods raise StateError for what cannot be read or written.
    """

    def __init__(self, home: Path, backend: StateBackend | None = None) -> None:
        self._backend = backend or StateFolder(home)

    def names(self) -> list[str]:
        """Return the names of the profiles."""
        return sorted(name for name in self._backend.profiles() if _NAME.fullmatch(name))

    def all(self) -> list[Profile]:
        """Return the profiles, by name."""
        return [self._profile(name) for name in self.names()]

    def store(self, name: str) -> ProfileStore:
        """Return the saved state as a profile sees it. Raises UnknownProfileError."""
        if name not in self.names():
            raise UnknownProfileError(name, self.names())
        return ProfileStore(self._backend.state(), self._facts(name), name)

    def make(self, name: str, plugins: Iterable[str] = ()) -> Profile:
        """Make a profile in which the installed *plugins* are seen, on or off as they are without a profile, with what
        they need.

        Raises BadArgumentsError for a name that is none, or is taken.
        """
        if check_name(name) in self.names():
            raise BadArgumentsError(f"profile {name}", "there is one of this name already")
        present = self._backend.state()
        seen = [need for plugin in plugins for need in with_needs(present.get(plugin).name, present.read())]
        own = {plugin: _own(replace(present.get(plugin), allowed_calls={})) for plugin in seen}
        with _state_errors():
            self._facts(name).create(own)
        return self._profile(name)

    def remove(self, name: str) -> Profile:
        """Remove a profile; the plugins stay installed. Raises UnknownProfileError."""
        profile = self._profile(name) if name in self.names() else None
        if profile is None:
            raise UnknownProfileError(name, self.names())
        with _state_errors():
            self._facts(name).remove()
        return profile

    def forget(self, plugin: str) -> None:
        """Take a plugin that is no longer installed out of every profile: a later install is another."""
        for name in self.names():
            with _state_errors(), self._facts(name).changing() as mine:
                mine.pop(plugin, None)

    def _facts(self, name: str) -> PluginFacts:
        return self._backend.facts(f"{PROFILES}/{name}")

    def _profile(self, name: str) -> Profile:
        seen = self.store(name).read()
        return Profile(name, tuple(seen), tuple(each for each, plugin in seen.items() if plugin.enabled))


class ProfileStore(HomeState):
    """The saved state of a home, *whole*, as the profile *profile* sees it: with what is its own in *facts*.

    What is not in the profile is *hidden*: installed, and not there for whoever reads. Removing the facts of a profile
    hides everything from those that use it.
    """

    def __init__(self, whole: HomeState, facts: PluginFacts, profile: str) -> None:
        self._whole, self._facts, self.profile = whole, facts, profile
        self._view: tuple[Mapping[str, StoredPlugin], Mapping[str, Any], dict[str, StoredPlugin]] | None = None

    @property
    def home(self) -> Path:
        return self._whole.home

    def everything(self) -> Mapping[str, StoredPlugin]:
        return self._whole.everything()

    def leaving(self) -> Mapping[str, StoredPlugin]:
        return self._whole.leaving()

    def transact(self, names: Collection[str], work: Work[T]) -> T:
        return self._whole.transact(names, work)

    def stamp(self) -> str:
        return self._whole.stamp()

    def refresh(self) -> None:
        self._whole.refresh()

    def alone(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        return self._whole.alone(name, seconds)

    def read(self) -> Mapping[str, StoredPlugin]:
        """Return the plugins of this profile by name; the same object as before where nothing has changed."""
        every = self.everything()
        with _state_errors():
            mine = self._facts.read() if self._facts.stamp() is not None else _NOTHING
        if self._view is None or self._view[0] is not every or self._view[1] is not mine:
            try:
                view = {name: _seen(plugin, mine[name]) for name, plugin in every.items() if name in mine}
            except (AttributeError, TypeError, ValueError) as error:
                raise StateError(f"{self._facts.place} is damaged ({type(error).__name__}). Move it away.") from None
            self._view = (every, mine, view)
        return self._view[2]

    def hidden(self) -> Mapping[str, StoredPlugin]:
        """Return what is installed in this home and not in this profile."""
        mine = self.read()
        return {name: plugin for name, plugin in self.everything().items() if name not in mine}

    def show(self, name: str) -> None:
        """Have an installed plugin in this profile, off. Raises NotInstalledError."""
        if name not in self.everything():
            raise NotInstalledError(name)
        with _state_errors(), self._changing() as mine:
            mine.setdefault(name, {})

    def hide(self, name: str) -> None:
        """Take a plugin out of this profile; it stays installed."""
        with _state_errors(), self._changing() as mine:
            mine.pop(name, None)

    def put(self, plugin: StoredPlugin) -> None:
        """Save *plugin*: what is a profile's own in this one, and the rest for all."""

        def work(plugins: dict[str, StoredPlugin]) -> StoredPlugin | None:
            present = plugins.get(plugin.name)
            plugins[plugin.name] = replace(plugin, **(_OWN if present is None else _fields(present)))
            return present

        present = self.transact([plugin.name], work)
        with _state_errors(), self._changing() as mine:
            if present is None or plugin.name in mine:
                mine[plugin.name] = _own(plugin)

    def add(self, plugin: StoredPlugin) -> bool:
        """Save *plugin* as :meth:`HomeState.add` does, and have it in this profile; for the others it is off."""
        if not self._whole.add(replace(plugin, **_OWN)):
            return False
        with _state_errors(), self._changing() as mine:
            mine[plugin.name] = _own(plugin)
        return True

    def change(self, name: str, of: Installation | None = None, **changes: Any) -> StoredPlugin | None:
        """Save *changes* as :meth:`HomeState.change` does: what is a profile's own in this one, the rest for all."""
        if name not in self.read():
            return None
        own = {field: changes.pop(field) for field in _OWN if field in changes}
        present = self.everything().get(name)
        if changes:
            present = self._whole.change(name, of, **changes)
        elif of is not None and present is not None and present.installation.path != of.path:
            return None
        if present is None:
            return None
        if own:
            with _state_errors(), self._changing() as mine:
                if name not in mine:
                    return None
                mine[name] = _own(replace(_seen(present, mine[name]), **own))
        return self.read().get(name)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        if self._facts.stamp() is None:
            raise StateError(f"The profile {self.profile} was removed: {self._facts.place} is gone.")
        with self._facts.changing() as mine:
            yield mine


_NOTHING: dict[str, Any] = {}


def _fields(plugin: StoredPlugin) -> dict[str, Any]:
    return {field: getattr(plugin, field) for field in _OWN}


def _own(plugin: StoredPlugin) -> dict[str, Any]:
    """Return what a profile keeps of *plugin*, JSON-able; what is as of a new one is left out."""
    facts = {field: value for field, value in _fields(plugin).items() if value != _OWN[field]}
    if "choice" in facts:
        facts["choice"] = plugin.choice.to_dict()
    if "allowed_calls" in facts:
        facts["allowed_calls"] = dict(plugin.allowed_calls)
    return facts


def _seen(plugin: StoredPlugin, facts: Mapping[str, Any]) -> StoredPlugin:
    """Return an installed *plugin* as the profile with these *facts* of it sees it."""
    own = {**_OWN, **{field: value for field, value in facts.items() if field in _OWN}}
    if "choice" in facts:
        own["choice"] = ActionChoice.from_dict(facts["choice"])
    return replace(plugin, **own)


@contextmanager
def _state_errors() -> Iterator[None]:
    """Turn what cannot be read or written of a profile's file into a StateError."""
    try:
        yield
    except SecretStoreError as error:
        raise StateError(str(error)) from None
