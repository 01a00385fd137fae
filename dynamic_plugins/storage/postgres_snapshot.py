"""What a home was in one moment, parsed; what did not change since the moment before is the same object."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import StateError
from dynamic_plugins.storage.postgres_rows import PLUGINS, Key
from dynamic_plugins.storage.stored_plugin import StoredPlugin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.storage.postgres_rows import Rows

NONE: dict[str, Any] = {}


@dataclass(frozen=True)
class Snapshot:
    """A home in one moment."""

    revision: int = -1
    plugins: Mapping[str, StoredPlugin] = field(default_factory=dict)
    leaving: Mapping[str, StoredPlugin] = field(default_factory=dict)
    facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Facts by plugin, by collection."""
    _revisions: Mapping[str, dict[str, int]] = field(default_factory=dict)
    """The revision of each row, by collection."""

    def stamp(self, collection: str) -> Stamp | None:
        """Return a mark that is another after each change of *collection*; None where there is none."""
        # Rows only get newer revisions, so that the newest and their number tell any two moments apart.
        rows = self._revisions.get(collection)
        return None if not rows else (max(rows.values()), len(rows), 0)

    def next(self, rows: Rows) -> Snapshot:
        """Return the moment that *rows* are of. Raises StateError for a row that is not ours to understand."""
        revisions = _by_collection(rows.revisions)
        same = {name for name, numbers in revisions.items() if self._revisions.get(name) == numbers}
        facts = {name: self.facts[name] if name in same else self._facts(name, rows) for name in _others(revisions)}
        plugins, leaving = self.plugins, self.leaving
        if PLUGINS not in same and (revisions.get(PLUGINS) or self._revisions.get(PLUGINS)):
            every = {**self.leaving, **self.plugins}
            every = {name: self._plugin(name, every, rows) for name in sorted(revisions.get(PLUGINS, ()))}
            plugins = {name: plugin for name, plugin in every.items() if not plugin.leaving}
            leaving = {name: plugin for name, plugin in every.items() if plugin.leaving}
        return Snapshot(rows.revision, plugins, leaving, MappingProxyType(facts), revisions)

    def _facts(self, collection: str, rows: Rows) -> dict[str, Any]:
        before = self.facts.get(collection, NONE)
        names = [name for each, name in rows.revisions if each == collection and name]
        return {name: rows.data.get((collection, name), before.get(name)) for name in names}

    def _plugin(self, name: str, before: Mapping[str, StoredPlugin], rows: Rows) -> StoredPlugin:
        key = (PLUGINS, name)
        return before[name] if key not in rows.data else parsed(name, rows.data[key])


def parsed(name: str, data: Any) -> StoredPlugin:
    """Return the plugin that a row holds. Raises StateError."""
    try:
        return StoredPlugin.from_dict(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(
            f"What the shared state has of the plugin {name} cannot be read ({type(error).__name__}): a newer version "
            "may have written it. Upgrade dynamic-plugins on this machine."
        ) from None


def _by_collection(revisions: Mapping[Key, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (collection, name), number in revisions.items():
        found.setdefault(collection, {})[name] = number
    return found


def _others(revisions: Mapping[str, Any]) -> list[str]:
    return [name for name in revisions if name != PLUGINS]
