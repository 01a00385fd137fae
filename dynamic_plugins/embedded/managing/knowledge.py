"""What is known by name when a message is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.spoken_text import joined_letters, without_denial
from dynamic_plugins.embedded.managing.reading import Reading, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver


@dataclass(frozen=True)
class Knowledge:
    """What is known by name: the resolver, the registry's entries, and how the installed plugins stand."""

    resolver: Resolver
    entries: Mapping[str, Entry]
    standing: Standing

    def read(self, said: str, context: Mapping[str, str] | None = None) -> Reading:
        """Read a message; *context* says how the turn before spoke of plugins."""
        return read(joined_letters(without_denial(said)), self.resolver, self.standing.plugins, self.entries, context)
